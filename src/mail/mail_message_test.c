/* mail_message_test.c - the form of a message to the byte, and what is refused. That an independent
 * parser reads it as it was meant is tried in mail_test.c. */
#include "base/test_support.h"
#include "mail/message.h"

static struct buffer out;
static struct fault fault;
static const struct mail_sender from = {TEXT("no-reply@liminal.example"), TEXT("Liminal")};

static struct mail_letter sample(void)
{
    return (struct mail_letter){
        .id = {{0x01, 0x93, 0x6f, 0x2c, 0x8a, 0x3e, 0x7c, 0x41, 0x9d, 0x2b, 0x5e, 0x0f, 0x4a, 0x6b,
                0x7c, 0x8d}},
        .recipient = TEXT("ada@example.com"),
        .subject = TEXT("Verify your email address"),
        .plain = TEXT("Gr\u00fc\u00dfe\n"),
        .html = TEXT("<p>Gr\u00fc\u00dfe</p>\n"),
        .created_us = 1795167760123456,
    };
}

static enum status format(const struct mail_sender *sender, const struct mail_letter *letter)
{
    buffer_clear(&out);
    return mail_message_format(&out, sender, letter, &fault);
}

static void the_form(void **state)
{
    const struct mail_letter letter = sample();
    assert_ok(format(&from, &letter), &fault);
    assert_string_equal(out.data,
                        "From: Liminal\r\n"
                        " <no-reply@liminal.example>\r\n"
                        "To: ada@example.com\r\n"
                        "Subject: Verify your email address\r\n"
                        "Date: Fri, 20 Nov 2026 09:42:40 +0000\r\n"
                        "Message-ID: <01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d@liminal.example>\r\n"
                        "Auto-Submitted: auto-generated\r\n"
                        "MIME-Version: 1.0\r\n"
                        "Content-Type: multipart/alternative;\r\n"
                        " boundary=\"=_01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d\"\r\n"
                        "\r\n"
                        "--=_01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "Gr=C3=BC=C3=9Fe\r\n"
                        "\r\n"
                        "--=_01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d\r\n"
                        "Content-Type: text/html; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: quoted-printable\r\n"
                        "\r\n"
                        "<p>Gr=C3=BC=C3=9Fe</p>\r\n"
                        "\r\n"
                        "--=_01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d--\r\n");
}

static void a_sender_needs_no_name(void **state)
{
    const struct mail_letter letter = sample();
    const struct mail_sender nameless = {.address = from.address};
    assert_ok(format(&nameless, &letter), &fault);
    assert_int_equal(strncmp(out.data, "From: no-reply@liminal.example\r\nTo: ", 36), 0);
}

/* Whatever could begin a line of its own, by the name of its field. */
static void headers_can_not_be_forged(void **state)
{
    static const struct text forged[] = {
        TEXT("a\r\nBcc: b@example.com"),
        TEXT("a\nBcc: b@example.com"),
        TEXT("a\rb"),
        TEXT("a\0b"),
        TEXT("a\x1b[2J"),
        TEXT("a\x7f"),
        TEXT("a\xff"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(forged); i++) {
        struct mail_letter letter = sample();
        letter.subject = forged[i];
        assert_status(format(&from, &letter), STATUS_INVALID);
        assert_string_equal(fault.param, "subject");
        letter = sample();
        letter.recipient = forged[i];
        assert_status(format(&from, &letter), STATUS_INVALID);
        assert_string_equal(fault.param, "recipient");
        letter = sample();
        const struct mail_sender name = {from.address, forged[i]}, address = {forged[i], from.name};
        assert_status(format(&name, &letter), STATUS_INVALID);
        assert_string_equal(fault.param, "from_name");
        assert_status(format(&address, &letter), STATUS_INVALID);
        assert_string_equal(fault.param, "from");
        assert_int_equal(out.length, 0);
    }
}

static void addresses(void **state)
{
    static const char *const good[] = {"ada@example.com", "a.b+c_d%e-f@x.y-z.example",
                                       "root@localhost", "o'brien@example.com"};
    static const char *const bad[] = {"",
                                      "ada",
                                      "@example.com",
                                      "ada@",
                                      "a b@x.com",
                                      "<ada@x.com>",
                                      "a@b@c.com",
                                      "a@x.com,b@x.com",
                                      "\"a\"@x.com",
                                      "a@[127.1]",
                                      "a@x_y.com",
                                      "\u00e4@x.com"};
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        assert_ok(mail_address_check(text_of(good[i]), "to", &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_status(mail_address_check(text_of(bad[i]), "to", &fault), STATUS_INVALID);
    char longest[MAIL_ADDRESS_BYTES + 2] = {0};
    memset(longest, 'a', MAIL_ADDRESS_BYTES + 1);
    snprintf(longest + MAIL_ADDRESS_BYTES + 1 - 6, 7, "@x.com");
    assert_ok(mail_address_check(text_of(longest + 1), "to", &fault), &fault);
    assert_status(mail_address_check(text_of(longest), "to", &fault), STATUS_INVALID);
}

static void bounds(void **state)
{
    static char large[MAIL_BODY_BYTES + 1];
    memset(large, 'a', sizeof large);
    struct mail_letter letter = sample();
    letter.plain = (struct text){large, MAIL_BODY_BYTES};
    letter.subject = (struct text){large, MAIL_SUBJECT_BYTES};
    assert_ok(format(&from, &letter), &fault);
    letter.subject.length++;
    assert_status(format(&from, &letter), STATUS_TOO_LARGE);
    letter = sample();
    letter.html = (struct text){large, sizeof large};
    assert_status(format(&from, &letter), STATUS_TOO_LARGE);
    assert_string_equal(fault.param, "html");
    letter.html = TEXT("a\0b");
    assert_status(format(&from, &letter), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form),
        cmocka_unit_test(a_sender_needs_no_name),
        cmocka_unit_test(headers_can_not_be_forged),
        cmocka_unit_test(addresses),
        cmocka_unit_test(bounds),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_deinit(&out);
    return failed;
}
