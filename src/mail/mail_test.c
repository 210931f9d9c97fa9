/* mail_test.c - letters from the queue to a real SMTP server (tests/services/smtp.mjs) and through
 * an independent parser, on both databases, with a clock that the test turns.
 *
 * Nothing here waits for a time: what shall happen is waited for until it has, and the program's
 * own pauses are passed by turning its clock. */
#include "mail/mail.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/realization/mail_queue.h"
#include "platform/platform.h"
#include "storage/realization/migrate.h"
#include "storage/test_database.h"

enum { PATIENCE_MS = 120 * 1000 };
#define MINUTE_US INT64_C(60000000)

static struct test_database server;
static struct database *owner, *db;
static struct mail *mail;
static struct arena job;
static struct fault fault;
static _Atomic int64_t clock_us;

/* The mail server's "PORT FOLDER", and what of it the options need. */
static char smtp_line[TEST_URL_BYTES], ca_file[2 * TEST_URL_BYTES];
static struct mail_options options;

static int64_t test_clock(void)
{
    return atomic_load(&clock_us);
}

static void turn_clock(int64_t us)
{
    atomic_fetch_add(&clock_us, us);
    mail_wake(mail);
}

/* ---- the services ---- */

static int open_database(bool is_postgres)
{
    unsetenv("SSL_CERT_FILE");
    test_database_start(&server, is_postgres);
    assert_ok(database_open_url(&owner, server.url, NULL, &fault), &fault);
    assert_ok(migrate_up(owner, &migrations_built_in, NULL, NULL, &fault), &fault);
    assert_ok(database_open_url(&db, server.url, "liminal_service", &fault), &fault);
    return 0;
}

static int open_sqlite(void **state)
{
    return open_database(false);
}

static int open_postgres(void **state)
{
    return open_database(true);
}

static int close_all(void **state)
{
    database_close(db);
    database_close(owner);
    test_database_stop(&server);
    return 0;
}

static const char *smtp_folder(void)
{
    return strchr(smtp_line, ' ') + 1;
}

/* start with flags, kill, restart */
static void smtp(const char *what)
{
    bool starts = strncmp(what, "start", 5) == 0;
    test_service("smtp", what, starts ? "" : smtp_line, starts ? smtp_line : NULL);
    if (!starts) return;
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", smtp_folder());
    options = (struct mail_options){
        .database = db,
        .host = "127.0.0.1",
        .port = (uint16_t)strtoul(smtp_line, NULL, 10),
        .user = "liminal",
        .password = "letters",
        .ca_file = ca_file,
        .from = "no-reply@liminal.example",
        .from_name = "Liminal",
        .now_us = test_clock,
    };
}

static void open_mail(void)
{
    assert_ok(mail_open(&mail, &options, &fault), &fault);
}

static enum status forget_all(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, "DELETE FROM mail", f);
}

static int begin_test(void **state)
{
    atomic_store(&clock_us, 1795167760000000);
    arena_init(&job, 0);
    *smtp_line = '\0';
    mail = NULL;
    assert_ok(database_write(owner, sql_actor_system(), forget_all, NULL, &fault), &fault);
    return 0;
}

static int end_test(void **state)
{
    mail_close(mail);
    if (*smtp_line) smtp("stop");
    arena_deinit(&job);
    return 0;
}

/* ---- letters ---- */

static struct mail_letter letter_to(const char *recipient)
{
    static unsigned char count;
    struct mail_letter letter = {
        .recipient = text_of(recipient),
        .subject = TEXT("Verify your email address"),
        .plain = TEXT("Open https://liminal.example/verify?code=abc\n"),
        .html = TEXT("<p><a href=\"https://liminal.example/verify?code=abc\">Open</a></p>\n"),
        .link = TEXT("https://liminal.example/verify?code=abc"),
        .created_us = test_clock(),
    };
    letter.id = uuid_v7(letter.created_us / 1000, (unsigned char[10]){[9] = 0, [2] = ++count});
    return letter;
}

static enum status enqueue(struct transaction *t, void *argument, struct fault *f)
{
    return mail_enqueue(t, argument, f);
}

static void send(struct mail_letter *letter)
{
    assert_ok(database_write(db, sql_actor_system(), enqueue, letter, &fault), &fault);
    mail_wake(mail);
}

static void send_to(const char *recipient)
{
    struct mail_letter letter = letter_to(recipient);
    send(&letter);
}

static size_t recent(struct mail_view **views)
{
    size_t count;
    assert_ok(mail_recent(db, 100, &job, views, &count, &fault), &fault);
    return count;
}

/* The newest letter, once it is in that state after so many attempts, and its claim is over. */
static struct mail_view await(enum mail_state state, int64_t attempts)
{
    struct mail_view *views, view = {0};
    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += 5) {
        if (recent(&views)) view = views[0];
        bool is_settled = view.state != MAIL_WAITING || view.error.length || attempts == 0;
        if (view.state == state && view.attempts == attempts && is_settled) return view;
        usleep(5000);
    }
    fail_msg("the letter is %s after %lld attempts (%.*s)", mail_state_name(view.state),
             (long long)view.attempts, TEXT_FORMAT(view.error));
    return view;
}

/* What the server got, as an array; to be released. */
static json_t *arrived(void)
{
    char path[2 * TEST_URL_BYTES];
    snprintf(path, sizeof path, "%s/mails.jsonl", smtp_folder());
    json_t *mails = json_array();
    FILE *file = fopen(path, "r");
    while (file) {
        json_t *each = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        if (!each) break;
        json_array_append_new(mails, each);
    }
    if (file) fclose(file);
    return mails;
}

static size_t arrived_count(void)
{
    json_t *mails = arrived();
    size_t count = json_array_size(mails);
    json_decref(mails);
    return count;
}

static const char *string_at(const json_t *mail_json, const char *key)
{
    const char *string = json_string_value(json_object_get(mail_json, key));
    return string ? string : "(none)";
}

static void assert_error(const struct mail_view *view, const char *words)
{
    char error[FAULT_MESSAGE_BYTES];
    snprintf(error, sizeof error, "%.*s", TEXT_FORMAT(view->error));
    assert_contains(error, words);
}

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

/* ---- stopping ---- */

/* Until the letter was claimed: the server is being talked to. */
static void await_claim(void)
{
    struct mail_view *views;
    while (!(recent(&views) == 1 && views[0].attempts == 1)) usleep(5000);
}

/* If it were not prompt, it would take an hour. */
static void stopping_is_prompt_and_puts_the_letter_back(void **state)
{
    smtp("start");
    options.timeout_ms = 3600 * 1000;
    open_mail();
    send_to("hang@example.com");
    await_claim();
    mail_close(mail);
    mail = NULL;
    struct mail_view view = await(MAIL_WAITING, 0);
    assert_int_equal(view.state_us, test_clock());
}

/* It has all of the letter: breaking off at once could make a second one of it. */
static void stopping_waits_some_time_for_the_servers_word(void **state)
{
    if (server.is_postgres) skip(); /* five seconds; once is enough */
    smtp("start");
    options.timeout_ms = 3600 * 1000;
    open_mail();
    send_to("hang-at-end@example.com");
    while (arrived_count() == 0) usleep(5000);
    mail_close(mail);
    mail = NULL;
    struct mail_view view = await(MAIL_WAITING, 1);
    assert_error(&view, "stopped");
}

/* ---- several servers ---- */

static void each_letter_is_sent_by_one_of_two(void **state)
{
    enum { LETTERS = 40 };
    struct database *second_db;
    struct mail *second;
    smtp("start");
    assert_ok(database_open_url(&second_db, server.url, "liminal_service", &fault), &fault);
    struct mail_options seconds = options;
    seconds.database = second_db;
    for (int i = 0; i < LETTERS; i++) send_to("ada@example.com");
    open_mail();
    assert_ok(mail_open(&second, &seconds, &fault), &fault);
    struct mail_view *views;
    size_t sent = 0;
    for (int waited_ms = 0; sent < LETTERS && waited_ms < PATIENCE_MS; waited_ms += 20) {
        size_t count = recent(&views);
        sent = 0;
        for (size_t i = 0; i < count; i++) sent += views[i].state == MAIL_SENT;
        usleep(20000);
    }
    mail_close(second);
    database_close(second_db);
    json_t *mails = arrived(), *seen = json_object();
    for (size_t i = 0; i < json_array_size(mails); i++)
        json_object_set_new(seen, string_at(json_array_get(mails, i), "messageId"), json_true());
    assert_int_equal(sent, LETTERS);
    assert_int_equal(json_array_size(mails), LETTERS);
    assert_int_equal(json_object_size(seen), LETTERS);
    json_decref(mails);
    json_decref(seen);
}

static void a_dead_servers_letter_is_taken_over(void **state)
{
    struct mail_claim claim;
    int64_t next_us;
    send_to("ada@example.com");
    assert_ok(mail_queue_claim(db, &job, test_clock(), test_clock() + 10 * MINUTE_US, &claim,
                               &next_us, &fault),
              &fault);
    smtp("start");
    open_mail();
    turn_clock(11 * MINUTE_US);
    await(MAIL_SENT, 2);
    const struct mail_settlement late = {.claim = &claim, .state = MAIL_FAILED, .at_us = 1};
    assert_status(mail_queue_settle(db, &late, &fault), STATUS_CONFLICT);
    await(MAIL_SENT, 2);
}

static void letters_wait_for_the_database(void **state)
{
    if (!server.is_postgres) skip();
    send_to("ada@example.com");
    test_postgres(&server, "kill");
    smtp("start");
    open_mail();
    assert_true(database_check(db, &fault) != OK);
    test_postgres(&server, "restart");
    while (database_check(db, &fault) != OK) usleep(5000);
    await(MAIL_SENT, 1);
}

/* ---- without a server ---- */

/* What the log holds after the letters were handled. */
static void shown_links(bool log_links, char *log, size_t capacity)
{
    options = (struct mail_options){.database = db, .log_links = log_links, .now_us = test_clock};
    char path[] = "/tmp/liminal-mail-log.XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    unlink(path);
    dup2(file, STDERR_FILENO);
    open_mail();
    send_to("ada@example.com");
    await(MAIL_SHOWN, 1);
    mail_close(mail);
    mail = NULL;
    dup2(kept, STDERR_FILENO);
    ssize_t length = pread(file, log, capacity - 1, 0);
    log[length > 0 ? length : 0] = '\0';
    close(file);
    close(kept);
}

static void without_a_server_the_link_is_shown(void **state)
{
    char log[4096];
    shown_links(true, log, sizeof log);
    assert_contains(log, "\"link\":\"https://liminal.example/verify?code=abc\"");
    assert_contains(log, "smtp-host");
    assert_contains(log, "\"level\":\"warn\"");
    struct mail_view *views;
    assert_int_equal(recent(&views), 1);
    assert_true(text_equal(views[0].link, TEXT("https://liminal.example/verify?code=abc")));
    assert_true(text_equal(views[0].recipient, TEXT("ada@example.com")));
}

static void logs_hold_no_link_when_that_is_unwanted(void **state)
{
    char log[4096];
    shown_links(false, log, sizeof log);
    assert_null(strstr(log, "verify?code"));
    assert_contains(log, "ada@example.com");
}

/* ---- options ---- */

static void what_can_not_work_is_refused(void **state)
{
    const struct {
        struct mail_options options;
        const char *param;
    } cases[] = {
        {{.host = "mail.example.com"}, "from"},
        {{.host = "mail.example.com", .from = "nobody"}, "from"},
        {{.host = "mail.example.com", .from = "a@b.com", .from_name = "a\nb"}, "from_name"},
        {{.host = "smtp://mail.example.com", .from = "a@b.com"}, "host"},
        {{.host = "mail.example.com:587", .from = "a@b.com"}, "host"},
        {{.host = "mail.example.com", .from = "a@b.com", .user = "x"}, "password"},
        {{.host = "mail.example.com", .from = "a@b.com", .password = "x"}, "user"},
        {{.host = "mail.example.com",
          .from = "a@b.com",
          .user = "x",
          .password = "y",
          .tls = MAIL_NO_TLS},
         "tls"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_status(mail_open(&mail, &cases[i].options, &fault), STATUS_INVALID);
        assert_string_equal(fault.param, cases[i].param);
    }
    enum mail_tls tls;
    assert_true(mail_tls_parse(TEXT("starttls"), &tls) && tls == MAIL_STARTTLS);
    assert_true(mail_tls_parse(TEXT("tls"), &tls) && tls == MAIL_TLS);
    assert_true(mail_tls_parse(TEXT("off"), &tls) && tls == MAIL_NO_TLS);
    assert_false(mail_tls_parse(TEXT("ssl"), &tls));
}

#define MAIL_TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

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
        MAIL_TEST(stopping_is_prompt_and_puts_the_letter_back),
        MAIL_TEST(stopping_waits_some_time_for_the_servers_word),
        MAIL_TEST(each_letter_is_sent_by_one_of_two),
        MAIL_TEST(a_dead_servers_letter_is_taken_over),
        MAIL_TEST(letters_wait_for_the_database),
        MAIL_TEST(without_a_server_the_link_is_shown),
        MAIL_TEST(logs_hold_no_link_when_that_is_unwanted),
        MAIL_TEST(what_can_not_work_is_refused),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, open_sqlite, close_all);
    return failed + cmocka_run_group_tests_name("PostgreSQL", tests, open_postgres, close_all);
}
