/* mail_queue_test.c - stopping in the middle, several servers on one queue, a database that goes
 * away, and what happens without a mail server. */
#include "mail/realization/mail_queue.h"
#include "mail/test_mail.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAIL_TEST(stopping_is_prompt_and_puts_the_letter_back),
        MAIL_TEST(stopping_waits_some_time_for_the_servers_word),
        MAIL_TEST(each_letter_is_sent_by_one_of_two),
        MAIL_TEST(a_dead_servers_letter_is_taken_over),
        MAIL_TEST(letters_wait_for_the_database),
        MAIL_TEST(without_a_server_the_link_is_shown),
        MAIL_TEST(logs_hold_no_link_when_that_is_unwanted),
        MAIL_TEST(what_can_not_work_is_refused),
    };
    return run_on_both(tests);
}
