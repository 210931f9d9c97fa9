/* mail_thread.c - the thread that takes letters from the queue to the server. See mail.h. */
#include "mail/mail.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mail/message.h"
#include "mail/realization/mail_queue.h"
#include "mail/realization/smtp.h"
#include "platform/platform.h"

#define SECOND_US         INT64_C(1000000)
/* For other servers' letters, and those of servers that died. */
#define LOOK_US           (30 * SECOND_US)
/* Longer than a delivery can take (smtp.h): within it nobody else takes the letter. */
#define CLAIM_US          (600 * SECOND_US)
/* Between attempts to reach the database, and between looks in vain. */
#define DATABASE_PAUSE_US (SECOND_US / 2)
#define KEEP_US           (30 * 86400 * SECOND_US)
#define SWEEP_US          (3600 * SECOND_US)

struct mail {
    struct mail_options options;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t news;
    bool is_woken; /* under the mutex */
    atomic_bool stopping;
    /* The thread's own. */
    unsigned failures; /* in a row, of the kind that would befall every letter */
    int64_t rest_until_us, sweep_us;
    bool is_database_lost;
};

static int64_t now_us(const struct mail *mail)
{
    return mail->options.now_us ? mail->options.now_us() : clock_wall_ms() * 1000;
}

static bool has_server(const struct mail *mail)
{
    return mail->options.host && *mail->options.host;
}

/* ---- waiting ---- */

static void lock(struct mail *mail)
{
    pthread_mutex_lock(&mail->mutex);
}

static void unlock(struct mail *mail)
{
    pthread_mutex_unlock(&mail->mutex);
}

void mail_wake(struct mail *mail)
{
    if (!mail) return;
    lock(mail);
    mail->is_woken = true;
    pthread_cond_signal(&mail->news);
    unlock(mail);
}

/* Until somebody wakes us, `pause_us` is over, or it is time to stop. */
static void wait_for_news(struct mail *mail, int64_t pause_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + pause_us % SECOND_US * 1000;
    until.tv_sec += pause_us / SECOND_US + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    lock(mail);
    int error = 0;
    while (!mail->is_woken && !atomic_load(&mail->stopping) && error == 0)
        error = pthread_cond_timedwait(&mail->news, &mail->mutex, &until);
    mail->is_woken = false;
    unlock(mail);
}

/* ---- telling who keeps the server ---- */

/* Its address is not told: administrators find it by the id. */
static void log_letter(enum log_level level, const struct mail_claim *claim, const char *what,
                       const char *why)
{
    char id[UUID_TEXT_BYTES], fields[UUID_TEXT_BYTES + 40];
    uuid_format(claim->letter.id, id);
    snprintf(fields, sizeof fields, "\"mail\":\"%s\",\"attempts\":%lld", id,
             (long long)claim->attempts);
    log_write("mail", level, fields, "%s%s%s", what, *why ? ": " : "", why);
}

static void show_link(struct mail *mail, const struct mail_claim *claim)
{
    struct buffer fields;
    buffer_init(&fields);
    buffer_append_string(&fields, "\"to\":");
    buffer_append_json_string(&fields, claim->letter.recipient);
    buffer_append_string(&fields, ",\"subject\":");
    buffer_append_json_string(&fields, claim->letter.subject);
    if (mail->options.log_links) {
        buffer_append_string(&fields, ",\"link\":");
        buffer_append_json_string(&fields, claim->letter.link);
    }
    log_write("mail", LOG_WARN, fields.failed ? NULL : fields.data,
              "a letter was not sent, because no mail server is set: pass its link on yourself, or "
              "set smtp-host, smtp-user, smtp-password and mail-from (docs/mail.md)");
    buffer_deinit(&fields);
}

/* ---- one letter ---- */

/* Once a server has a letter, the database must learn of it, or it will be sent again: as long as
 * the letter is ours we go on trying. */
static void settle(struct mail *mail, const struct mail_settlement *settlement)
{
    struct fault fault;
    int64_t until_us = now_us(mail) + CLAIM_US / 2;
    enum status status;
    while ((status = mail_queue_settle(mail->options.database, settlement, &fault)) != OK) {
        bool may_pass =
            status == STATUS_UNAVAILABLE || status == STATUS_BUSY || status == STATUS_IO;
        if (!may_pass || atomic_load(&mail->stopping) || now_us(mail) > until_us) break;
        wait_for_news(mail, DATABASE_PAUSE_US);
    }
    if (status == STATUS_CONFLICT)
        log_letter(LOG_WARN, settlement->claim,
                   "a letter was withdrawn, or taken over, while it was sent", "");
    else if (status != OK)
        log_letter(LOG_ERROR, settlement->claim, "what became of a letter could not be noted",
                   fault.message);
}

/* What would befall every letter makes all wait. */
static void note_server(struct mail *mail, enum mail_outcome outcome)
{
    bool is_servers = outcome == MAIL_UNREACHABLE || outcome == MAIL_MISCONFIGURED;
    mail->failures = is_servers ? mail->failures + 1 : 0;
    mail->rest_until_us = is_servers ? now_us(mail) + mail_rest_us(mail->failures) : 0;
}

static struct mail_settlement settlement_of(const struct mail *mail, const struct mail_claim *claim,
                                            enum mail_outcome outcome, const struct fault *fault)
{
    int64_t now = now_us(mail);
    struct mail_settlement s = {.claim = claim, .state = MAIL_SENT, .at_us = now};
    if (outcome == MAIL_DELIVERED) return s;
    if (outcome == MAIL_INTERRUPTED) {
        s.state = MAIL_WAITING;
        s.is_uncounted = true;
        return s;
    }
    int64_t again_us = mail_retry_at(outcome, claim->attempts, now, claim->letter.expires_us);
    s.state = again_us ? MAIL_WAITING : MAIL_FAILED;
    if (again_us) s.at_us = again_us;
    s.error = text_of(fault->message);
    return s;
}

static void log_outcome(const struct mail_settlement *s, enum mail_outcome outcome)
{
    const char *why = s->error.length ? s->error.data : "";
    if (s->state == MAIL_SENT)
        log_letter(LOG_INFO, s->claim, "a letter was sent", "");
    else if (s->state == MAIL_FAILED)
        log_letter(LOG_ERROR, s->claim, "a letter was given up", why);
    else if (outcome != MAIL_INTERRUPTED)
        log_letter(outcome == MAIL_MISCONFIGURED ? LOG_ERROR : LOG_WARN, s->claim,
                   "a letter could not be sent yet", why);
}

/* Too late, or it ended the server that sent it, time and again. */
static bool is_hopeless(const struct mail *mail, const struct mail_claim *claim,
                        struct fault *fault)
{
    int64_t expires_us = claim->letter.expires_us;
    bool is_over = expires_us && now_us(mail) >= expires_us;
    if (is_over) fault_set(fault, STATUS_TIMEOUT, "its link was over before it could be sent");
    bool is_worn = claim->attempts > MAIL_ATTEMPTS;
    if (is_worn)
        fault_set(fault, STATUS_INTERNAL, "sending it was begun too often and never ended");
    return is_over || is_worn;
}

static enum mail_outcome send_letter(struct mail *mail, const struct mail_claim *claim,
                                     struct fault *fault)
{
    if (is_hopeless(mail, claim, fault)) return MAIL_REFUSED;
    const struct mail_sender from = {text_of(mail->options.from), text_of(mail->options.from_name)};
    struct buffer message;
    buffer_init(&message);
    enum mail_outcome outcome;
    enum status status = mail_message_format(&message, &from, &claim->letter, fault);
    if (status == OK)
        outcome = smtp_deliver(&mail->options, claim->letter.recipient, buffer_text(&message),
                               &mail->stopping, fault);
    else
        outcome = status == STATUS_NO_MEMORY ? MAIL_DEFERRED : MAIL_REFUSED;
    buffer_deinit(&message);
    return outcome;
}

static void handle(struct mail *mail, const struct mail_claim *claim)
{
    struct fault fault = {0};
    if (!has_server(mail)) {
        show_link(mail, claim);
        settle(mail, &(struct mail_settlement){
                         .claim = claim, .state = MAIL_SHOWN, .at_us = now_us(mail)});
        return;
    }
    enum mail_outcome outcome = send_letter(mail, claim, &fault);
    struct mail_settlement settlement = settlement_of(mail, claim, outcome, &fault);
    note_server(mail, outcome);
    settle(mail, &settlement);
    log_outcome(&settlement, outcome);
}

/* ---- the thread ---- */

/* Once when it goes and once when it is back, not each time we look. */
static void note_database(struct mail *mail, enum status status, const struct fault *fault)
{
    bool is_lost = status != OK && status != STATUS_NOT_FOUND;
    if (is_lost && !mail->is_database_lost)
        log_write("mail", LOG_WARN, NULL, "letters wait for the database: %s", fault->message);
    if (!is_lost && mail->is_database_lost)
        log_write("mail", LOG_INFO, NULL, "the database is back, letters leave again");
    mail->is_database_lost = is_lost;
}

/* Handle one letter that is due; false, and when to look again, when there is none. */
static bool handle_next(struct mail *mail, int64_t *next_us)
{
    struct arena job;
    struct fault fault;
    struct mail_claim claim;
    int64_t now = now_us(mail);
    arena_init(&job, 0);
    enum status status = mail_queue_claim(mail->options.database, &job, now, now + CLAIM_US, &claim,
                                          next_us, &fault);
    note_database(mail, status, &fault);
    if (status == OK) handle(mail, &claim);
    arena_deinit(&job);
    if (mail->is_database_lost) *next_us = now + DATABASE_PAUSE_US;
    return status == OK;
}

static void sweep(struct mail *mail)
{
    struct fault fault;
    int64_t now = now_us(mail);
    if (now < mail->sweep_us) return;
    mail->sweep_us = now + SWEEP_US;
    if (mail_queue_sweep(mail->options.database, now - KEEP_US, &fault) != OK)
        log_write("mail", LOG_WARN, NULL, "old letters could not be removed: %s", fault.message);
}

/* A letter that is due and not ours is being claimed by another server: soon it is not due. */
static int64_t pause_until(const struct mail *mail, int64_t next_us)
{
    if (next_us < mail->rest_until_us) next_us = mail->rest_until_us;
    int64_t pause_us = next_us - now_us(mail);
    if (pause_us > LOOK_US) return LOOK_US;
    return pause_us > DATABASE_PAUSE_US ? pause_us : DATABASE_PAUSE_US;
}

static void *run(void *argument)
{
    struct mail *mail = argument;
    sigset_t all; /* are other threads' business, and a broken connection is no reason to end */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!atomic_load(&mail->stopping)) {
        int64_t next_us = INT64_MAX;
        if (now_us(mail) >= mail->rest_until_us && handle_next(mail, &next_us)) continue;
        sweep(mail);
        wait_for_news(mail, pause_until(mail, next_us));
    }
    return NULL;
}

/* ---- life ---- */

static enum status check(const struct mail_options *options, struct fault *fault)
{
    const struct mail_sender from = {text_of(options->from), text_of(options->from_name)};
    if (!options->from || !*options->from)
        return fault_set_param(
            fault, STATUS_INVALID, "from",
            "there is a mail server, but no address for letters to come from: set "
            "mail-from (FROM_EMAIL)");
    TRY(mail_sender_check(&from, fault));
    return smtp_check(options, fault);
}

static enum status start(struct mail *mail, struct fault *fault)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&mail->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&mail->mutex, NULL);
    if (pthread_create(&mail->thread, NULL, run, mail) == 0) return OK;
    pthread_mutex_destroy(&mail->mutex);
    pthread_cond_destroy(&mail->news);
    return fault_set(fault, STATUS_NO_MEMORY, "no thread for mail");
}

enum status mail_open(struct mail **out, const struct mail_options *options, struct fault *fault)
{
    if (options->host && *options->host) TRY(check(options, fault));
    struct mail *mail = calloc(1, sizeof *mail);
    if (!mail) return fault_set(fault, STATUS_NO_MEMORY, "no memory for mail");
    mail->options = *options;
    enum status status = start(mail, fault);
    if (status == OK)
        *out = mail;
    else
        free(mail);
    return status;
}

void mail_close(struct mail *mail)
{
    if (!mail) return;
    atomic_store(&mail->stopping, true);
    mail_wake(mail);
    pthread_join(mail->thread, NULL);
    pthread_mutex_destroy(&mail->mutex);
    pthread_cond_destroy(&mail->news);
    free(mail);
}
