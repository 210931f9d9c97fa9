/* test_mail.h - what the tests of mail share: a database, a real SMTP server
 * (tests/services/smtp.mjs), letters, and a clock that the test turns. Only tests include this.
 *
 * Nothing waits for a time: what shall happen is waited for until it has, and the program's own
 * pauses are passed by turning its clock. */
#ifndef LIMINAL_MAIL_TEST_MAIL_H
#define LIMINAL_MAIL_TEST_MAIL_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/mail.h"
#include "storage/test_migrated.h"

enum { PATIENCE_MS = 120 * 1000 };
#define MINUTE_US INT64_C(60000000)

static struct mail *mail;
static struct arena job;
static _Atomic int64_t clock_us;

/* The mail server's "PORT FOLDER", and what of it the options need. */
static char smtp_line[TEST_URL_BYTES], ca_file[2 * TEST_URL_BYTES];
static struct mail_options options;

static inline int64_t test_clock(void)
{
    return atomic_load(&clock_us);
}

static inline void turn_clock(int64_t us)
{
    atomic_fetch_add(&clock_us, us);
    mail_wake(mail);
}

/* ---- the services ---- */

static inline const char *smtp_folder(void)
{
    return strchr(smtp_line, ' ') + 1;
}

/* start with flags, kill, restart */
static inline void smtp(const char *what)
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

static inline void open_mail(void)
{
    assert_ok(mail_open(&mail, &options, &fault), &fault);
}

static inline enum status forget_all(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, "DELETE FROM mail", f);
}

static inline int begin_test(void **state)
{
    unsetenv("SSL_CERT_FILE");
    atomic_store(&clock_us, 1795167760000000);
    arena_init(&job, 0);
    *smtp_line = '\0';
    mail = NULL;
    assert_ok(database_write(owner, sql_actor_system(), forget_all, NULL, &fault), &fault);
    return 0;
}

static inline int end_test(void **state)
{
    mail_close(mail);
    if (*smtp_line) smtp("stop");
    arena_deinit(&job);
    return 0;
}

/* ---- letters ---- */

static inline struct mail_letter letter_to(const char *recipient)
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

static inline enum status enqueue(struct transaction *t, void *argument, struct fault *f)
{
    return mail_enqueue(t, argument, f);
}

static inline void send(struct mail_letter *letter)
{
    assert_ok(database_write(db, sql_actor_system(), enqueue, letter, &fault), &fault);
    mail_wake(mail);
}

static inline void send_to(const char *recipient)
{
    struct mail_letter letter = letter_to(recipient);
    send(&letter);
}

static inline size_t recent(struct mail_view **views)
{
    size_t count;
    assert_ok(mail_recent(db, 100, &job, views, &count, &fault), &fault);
    return count;
}

/* The newest letter, once it is in that state after so many attempts, and its claim is over. */
static inline struct mail_view await(enum mail_state state, int64_t attempts)
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
static inline json_t *arrived(void)
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

static inline size_t arrived_count(void)
{
    json_t *mails = arrived();
    size_t count = json_array_size(mails);
    json_decref(mails);
    return count;
}

static inline const char *string_at(const json_t *mail_json, const char *key)
{
    const char *string = json_string_value(json_object_get(mail_json, key));
    return string ? string : "(none)";
}

static inline void assert_error(const struct mail_view *view, const char *words)
{
    char error[FAULT_MESSAGE_BYTES];
    snprintf(error, sizeof error, "%.*s", TEXT_FORMAT(view->error));
    assert_contains(error, words);
}

#define MAIL_TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)

#endif
