/* mail_test.c - letters to a real SMTP server and through an independent parser; servers that do
 * not take them. */
#include "mail/test_mail.h"

/* ---- one letter ---- */

#define TEN_WORDS "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam "
#define HARD_BODY                                                                                 \
    "Gr\u00fc\u00dfe aus K\u00f6ln \u2014 \u4f60\u597d \U0001F600\n.\n..two dots\n= equals =3D\n" \
    "blanks at the end \t \n\n" TEN_WORDS TEN_WORDS TEN_WORDS TEN_WORDS "\nFrom here\n"

static void a_letter_arrives_as_it_was_written(void **state)
{
    smtp("start");
    options.from_name = "Ada\u2019s \"Liminal\" <x@y>, Inc.";
    open_mail();
    struct mail_letter letter = letter_to("ada+tag@example.com");
    letter.subject = TEXT(
        "\u00dcberpr\u00fcfen Sie Ihre Adresse \u2014 \u8bf7\u9a8c\u8bc1\u60a8"
        "\u7684\u7535\u5b50\u90ae\u4ef6\u5730\u5740 =?utf-8?Q?not_coded?=, x");
    letter.plain = TEXT(HARD_BODY);
    letter.html = TEXT("<p>" HARD_BODY "</p>\n");
    send(&letter);
    struct mail_view view = await(MAIL_SENT, 1);
    assert_int_equal(view.link.length, 0);
    json_t *mails = arrived(), *got = json_array_get(mails, 0);
    assert_int_equal(json_array_size(mails), 1);
    assert_string_equal(string_at(got, "subject"), letter.subject.data);
    assert_string_equal(string_at(got, "text"), letter.plain.data);
    assert_string_equal(string_at(got, "html"), letter.html.data);
    assert_string_equal(string_at(got, "type"), "multipart/alternative");
    assert_string_equal(string_at(got, "autoSubmitted"), "auto-generated");
    assert_string_equal(string_at(got, "date"), "2026-11-20T09:42:40.000Z");
    assert_string_equal(string_at(got, "greeting"), "liminal.example");
    assert_string_equal(string_at(got, "user"), "liminal");
    assert_true(json_is_true(json_object_get(got, "secure")));
    const json_t *from = json_object_get(got, "from");
    assert_string_equal(string_at(from, "name"), options.from_name);
    assert_string_equal(string_at(from, "address"), options.from);
    const json_t *envelope = json_object_get(got, "envelope");
    assert_string_equal(string_at(envelope, "from"), options.from);
    assert_string_equal(json_string_value(json_array_get(json_object_get(envelope, "to"), 0)),
                        "ada+tag@example.com");
    assert_true(json_integer_value(json_object_get(got, "longestLine")) <= 78);
    char id[UUID_TEXT_BYTES], message_id[80];
    uuid_format(letter.id, id);
    snprintf(message_id, sizeof message_id, "<%s@liminal.example>", id);
    assert_string_equal(string_at(got, "messageId"), message_id);
    json_decref(mails);
}

static enum status read_bodies(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument, "SELECT body_text, body_html, link FROM mail", NULL, 0, f);
}

static void what_was_sent_is_forgotten(void **state)
{
    struct sql_rows rows;
    smtp("start");
    open_mail();
    send_to("ada@example.com");
    await(MAIL_SENT, 1);
    assert_ok(database_read(db, sql_actor_system(), read_bodies, &rows, &fault), &fault);
    for (size_t i = 0; i < 3; i++) assert_int_equal(sql_at(&rows, 0, i)->text.length, 0);
    turn_clock(31 * 86400 * INT64_C(1000000));
    struct mail_view *views;
    while (recent(&views)) usleep(5000);
}

static enum status enqueue_and_fail(struct transaction *t, void *argument, struct fault *f)
{
    TRY(mail_enqueue(t, argument, f));
    return fault_set(f, STATUS_CONFLICT, "no");
}

static void no_letter_without_its_cause(void **state)
{
    struct mail_view *views;
    struct mail_letter letter = letter_to("ada@example.com");
    assert_status(database_write(db, sql_actor_system(), enqueue_and_fail, &letter, &fault),
                  STATUS_CONFLICT);
    assert_int_equal(recent(&views), 0);
}

static void headers_can_not_be_forged(void **state)
{
    struct mail_letter letter = letter_to("ada@example.com\r\nBcc: all@example.com");
    assert_status(database_write(db, sql_actor_system(), enqueue, &letter, &fault), STATUS_INVALID);
    assert_string_equal(fault.param, "recipient");
    letter = letter_to("ada@example.com");
    letter.subject = TEXT("Hello\r\nBcc: all@example.com");
    assert_status(database_write(db, sql_actor_system(), enqueue, &letter, &fault), STATUS_INVALID);
    assert_string_equal(fault.param, "subject");
}

/* ---- servers that do not take it ---- */

static void a_wrong_password_is_told_and_tried_slowly(void **state)
{
    smtp("start");
    options.password = "wrong";
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "535");
    assert_error(&view, "smtp-password");
    assert_true(view.state_us >= test_clock() + 10 * MINUTE_US);
    assert_int_equal(view.link.length, 0); /* it may still come: administrators do not read it */
    mail_close(mail);
    options.password = "letters";
    open_mail();
    turn_clock(11 * MINUTE_US);
    await(MAIL_SENT, 2);
}

static void a_server_without_tls_hears_no_password(void **state)
{
    smtp("start --no-tls");
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "STARTTLS");
    assert_int_equal(arrived_count(), 0);
}

static void a_strangers_certificate_is_refused(void **state)
{
    smtp("start");
    options.ca_file = NULL;
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "smtp-ca");
    assert_int_equal(arrived_count(), 0);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    smtp("start --elsewhere");
    options.host = "127.0.0.2";
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "certificate");
    assert_int_equal(arrived_count(), 0);
}

static void other_ways_to_connect(void **state)
{
    smtp("start --tls");
    options.tls = MAIL_TLS;
    open_mail();
    send_to("ada@example.com");
    await(MAIL_SENT, 1);
    mail_close(mail);
    smtp("stop");
    smtp("start --no-tls --open");
    options.tls = MAIL_NO_TLS;
    options.user = options.password = NULL;
    open_mail();
    atomic_fetch_add(&clock_us, 1000); /* so that this letter is the newest */
    send_to("ada@example.com");
    await(MAIL_SENT, 1);
    assert_int_equal(arrived_count(), 1);
}

static void a_server_that_comes_back_gets_the_letter(void **state)
{
    smtp("start");
    smtp("kill");
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "can't be reached");
    smtp("restart");
    turn_clock(MINUTE_US);
    await(MAIL_SENT, 2);
    assert_int_equal(arrived_count(), 1);
}

static void greylisting_is_waited_out(void **state)
{
    smtp("start");
    open_mail();
    send_to("grey@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "greylisted");
    turn_clock(MINUTE_US);
    await(MAIL_SENT, 2);
}

static void a_refused_recipient_is_given_up_at_once(void **state)
{
    smtp("start");
    open_mail();
    send_to("refused@example.com");
    struct mail_view view = await(MAIL_FAILED, 1);
    assert_error(&view, "550 no such mailbox here");
    assert_true(view.link.length > 0); /* an administrator can pass it on */
    atomic_fetch_add(&clock_us, 1000);
    send_to("ada@example.com"); /* and others do not wait for it */
    await(MAIL_SENT, 1);
}

static void a_letter_is_given_up_after_ten_attempts(void **state)
{
    smtp("start");
    open_mail();
    send_to("busy@example.com");
    for (int attempt = 1; attempt < 10; attempt++) {
        await(MAIL_WAITING, attempt);
        turn_clock(8 * 60 * MINUTE_US);
    }
    struct mail_view view = await(MAIL_FAILED, 10);
    assert_error(&view, "mailbox busy");
}

static void a_letter_that_is_of_no_use_any_more_is_given_up(void **state)
{
    smtp("start");
    open_mail();
    struct mail_letter letter = letter_to("busy@example.com");
    letter.expires_us = test_clock() + 2 * MINUTE_US;
    send(&letter);
    await(MAIL_WAITING, 1);
    turn_clock(MINUTE_US);
    await(MAIL_FAILED, 2);
}

static void a_letter_that_comes_too_late_is_not_sent(void **state)
{
    smtp("start");
    struct mail_letter letter = letter_to("ada@example.com");
    letter.expires_us = test_clock() + MINUTE_US;
    send(&letter);
    turn_clock(MINUTE_US);
    open_mail();
    struct mail_view view = await(MAIL_FAILED, 1);
    assert_error(&view, "its link was over");
    assert_int_equal(arrived_count(), 0);
}

static enum status wear(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, "UPDATE mail SET attempts = 10", f);
}

/* Each claim counts, also those of servers that died in the middle. */
static void a_letter_that_ends_its_servers_is_given_up(void **state)
{
    smtp("start");
    send_to("ada@example.com");
    assert_ok(database_write(db, sql_actor_system(), wear, NULL, &fault), &fault);
    open_mail();
    struct mail_view view = await(MAIL_FAILED, 11);
    assert_error(&view, "begun too often");
    assert_int_equal(arrived_count(), 0);
}

static void a_server_that_says_nothing_is_not_waited_for(void **state)
{
    smtp("start --silent");
    options.timeout_ms = 1000;
    open_mail();
    send_to("ada@example.com");
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAIL_TEST(a_letter_arrives_as_it_was_written),
        MAIL_TEST(what_was_sent_is_forgotten),
        MAIL_TEST(no_letter_without_its_cause),
        MAIL_TEST(headers_can_not_be_forged),
        MAIL_TEST(a_wrong_password_is_told_and_tried_slowly),
        MAIL_TEST(a_server_without_tls_hears_no_password),
        MAIL_TEST(a_strangers_certificate_is_refused),
        MAIL_TEST(a_certificate_for_another_name_is_refused),
        MAIL_TEST(other_ways_to_connect),
        MAIL_TEST(a_server_that_comes_back_gets_the_letter),
        MAIL_TEST(greylisting_is_waited_out),
        MAIL_TEST(a_refused_recipient_is_given_up_at_once),
        MAIL_TEST(a_letter_is_given_up_after_ten_attempts),
        MAIL_TEST(a_letter_that_is_of_no_use_any_more_is_given_up),
        MAIL_TEST(a_letter_that_comes_too_late_is_not_sent),
        MAIL_TEST(a_letter_that_ends_its_servers_is_given_up),
        MAIL_TEST(a_server_that_says_nothing_is_not_waited_for),
    };
    return run_on_both(tests);
}
