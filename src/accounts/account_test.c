/* account_test.c - addresses, passwords, and what each status allows. */
#include "accounts/account.h"

#include "base/test_support.h"

static struct fault fault;

static void addresses(void **state)
{
    static const char *const good[] = {"a@b.co", "Ada.Lovelace+x%y-z_1@sub.example-1.org",
                                       "1@2.museum", ".@-.ab"}; /* R26's expression is generous */
    static const char *const bad[] = {"",         "a",        "@b.co",     "a@",
                                      "a@b",      "a@b.c",    "a@b.c1",    "a@.",
                                      "a b@c.de", "a@b@c.de", "ä@b.co",    "a@b.co\n",
                                      "a@b..",    "a@bco",    "a@\x01.co", "a\r\nBcc: x@y.zz@b.co",
                                      "a@.co1",   "a@co"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_ok(email_check(text_of(good[i]), &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        if (email_check(text_of(bad[i]), &fault) != STATUS_INVALID) fail_msg("%s", bad[i]);
    assert_string_equal(fault.message, "Invalid email format");
    assert_status(email_check((struct text){"a@b.co\0x", 8}, &fault), STATUS_INVALID);
    char longest[300];
    memset(longest, 'a', sizeof longest);
    snprintf(longest + 249, sizeof longest - 249, "@b.co");
    assert_ok(email_check((struct text){longest, 254}, &fault), &fault);
    snprintf(longest + 249, sizeof longest - 249, "a@b.co");
    assert_status(email_check((struct text){longest, 255}, &fault), STATUS_INVALID);
}

static void one_key_for_all_spellings(void **state)
{
    char key[EMAIL_BYTES];
    email_key(TEXT("Ada@Example.COM"), key);
    assert_string_equal(key, "ada@example.com");
    static const char *const domains[] = {"example.com", "x.org"};
    assert_true(email_is_of(TEXT("Ada@Example.COM"), domains, 2));
    assert_false(email_is_of(TEXT("ada@sub.example.com"), domains, 2));
    assert_false(email_is_of(TEXT("ada@notexample.com"), domains, 2));
    assert_true(email_is_of(TEXT("ada@any.where"), NULL, 0));
}

static void passwords(void **state)
{
    struct text email = TEXT("ada@example.com");
    static char huge[PASSWORD_MOST + 1];
    memset(huge, 'x', sizeof huge);
    assert_ok(password_check(TEXT("8 chars!"), email, &fault), &fault);
    assert_ok(password_check(TEXT("пароль12"), email, &fault), &fault);
    assert_ok(password_check((struct text){huge, PASSWORD_MOST}, email, &fault), &fault);
    assert_status(password_check(TEXT("7 chars"), email, &fault), STATUS_INVALID);
    assert_string_equal(fault.message, "Password must be at least 8 characters");
    assert_status(password_check(TEXT("пароль"), email, &fault), STATUS_INVALID);
    assert_status(password_check(TEXT("ADA@example.com"), email, &fault), STATUS_INVALID);
    assert_status(password_check((struct text){huge, sizeof huge}, email, &fault), STATUS_INVALID);
}

static void what_a_status_allows(void **state)
{
    const int64_t day_us = 86400000000;
    struct account account = {.status = ACCOUNT_PENDING, .created_us = 1000};
    assert_ok(account_check_usable(&account, 1000 + day_us - 1, &fault), &fault);
    assert_status(account_check_usable(&account, 1000 + day_us, &fault), STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User account is pending_verification");
    assert_status(account_check_may_make_tokens(&account, &fault), STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User cannot generate tokens");
    assert_ok(account_verify(&account, 5, &fault), &fault);
    assert_true(account.status == ACCOUNT_ACTIVE && account.verified_us == 5);
    assert_ok(account_check_usable(&account, 400 * day_us, &fault), &fault);
    assert_ok(account_check_may_make_tokens(&account, &fault), &fault);
    assert_status(account_verify(&account, 6, &fault), STATUS_CONFLICT);
    assert_string_equal(fault.message, "User is not in pending verification status");
    account.status = ACCOUNT_SUSPENDED;
    assert_status(account_check_usable(&account, 6, &fault), STATUS_FORBIDDEN);
    assert_string_equal(fault.message, "User account is suspended");
}

static void names_and_back(void **state)
{
    for (enum account_status s = ACCOUNT_PENDING; s <= ACCOUNT_DELETED; s++) {
        enum account_status again = ACCOUNT_DELETED;
        assert_true(account_status_parse(text_of(account_status_name(s)), &again));
        assert_int_equal(again, s);
    }
    enum account_status status;
    enum account_role role;
    assert_false(account_status_parse(TEXT("Active"), &status));
    assert_true(account_role_parse(TEXT("admin"), &role) && role == ROLE_ADMIN);
    assert_false(account_role_parse(TEXT(""), &role));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),      cmocka_unit_test(one_key_for_all_spellings),
        cmocka_unit_test(passwords),      cmocka_unit_test(what_a_status_allows),
        cmocka_unit_test(names_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
