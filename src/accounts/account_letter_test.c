/* account_letter_test.c - what the letters say, in both forms. */
#include "accounts/account_letter.h"
#include "accounts/invitations.h"
#include "base/test_support.h"

static struct arena job;
static struct fault fault;

static struct account_letter write_letter(enum account_letter_kind kind, struct text public_url)
{
    struct account_letter letter;
    assert_ok(account_letter_write(kind, public_url, TEXT("c0de"), &job, &letter, &fault), &fault);
    return letter;
}

static void both_forms_bring_the_link(void **state)
{
    static const struct {
        enum account_letter_kind kind;
        const char *subject, *link, *life;
    } cases[] = {
        {LETTER_VERIFY_EMAIL, "Verify your email address", "https://x.example/verify?code=c0de",
         "24 hours"},
        {LETTER_RESET_PASSWORD, "Reset your password", "https://x.example/reset?code=c0de",
         "15 minutes"},
        {LETTER_INVITATION, "You are invited", "https://x.example/register?invitation=c0de",
         "7 days"},
    };
    assert_int_equal(ARRAY_COUNT(cases), ACCOUNT_LETTER_KINDS);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct account_letter letter = write_letter(cases[i].kind, TEXT("https://x.example"));
        char line[100], href[100];
        snprintf(line, sizeof line, "\n%s\n", cases[i].link);
        snprintf(href, sizeof href, "href=\"%s\"", cases[i].link);
        assert_string_equal(letter.subject.data, cases[i].subject);
        assert_string_equal(letter.link.data, cases[i].link);
        assert_contains(letter.plain.data, line);
        assert_contains(letter.html.data, href);
        assert_contains(letter.plain.data, cases[i].life);
        assert_contains(letter.html.data, cases[i].life);
    }
}

static void lives_are_as_long_as_they_say(void **state)
{
    assert_int_equal(account_letter_life_us(LETTER_VERIFY_EMAIL), 24 * 3600 * INT64_C(1000000));
    assert_int_equal(account_letter_life_us(LETTER_RESET_PASSWORD), 15 * 60 * INT64_C(1000000));
    assert_int_equal(account_letter_life_us(LETTER_INVITATION),
                     INVITATION_LIFE_S * INT64_C(1000000));
}

static void html_is_escaped(void **state)
{
    struct account_letter letter =
        write_letter(LETTER_VERIFY_EMAIL, TEXT("https://x.example/\"><script>'&"));
    assert_null(strstr(letter.html.data, "<script"));
    assert_contains(letter.html.data,
                    "https://x.example/&quot;&gt;&lt;script&gt;&#39;&amp;/verify?code=c0de");
    assert_contains(letter.plain.data, "https://x.example/\"><script>'&/verify?code=c0de");
}

static void want_of_memory_is_told(void **state)
{
    struct account_letter letter;
    struct arena small;
    size_t budget_bytes = 16;
    arena_init(&small, budget_bytes);
    while (account_letter_write(LETTER_VERIFY_EMAIL, TEXT("https://x.example"), TEXT("c0de"),
                                &small, &letter, &fault) != OK) {
        assert_int_equal(fault.status, STATUS_NO_MEMORY);
        arena_deinit(&small);
        arena_init(&small, budget_bytes += 16);
    }
    assert_true(budget_bytes > letter.html.length);
    arena_deinit(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_bring_the_link),
        cmocka_unit_test(lives_are_as_long_as_they_say),
        cmocka_unit_test(html_is_escaped),
        cmocka_unit_test(want_of_memory_is_told),
    };
    arena_init(&job, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_deinit(&job);
    return failed;
}
