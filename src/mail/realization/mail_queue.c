/* mail_queue.c - see mail_queue.h. */
#include "mail/realization/mail_queue.h"

#include <string.h>

static struct sql_value time_or_null(int64_t unix_us)
{
    return unix_us ? sql_time(unix_us) : sql_null(SQL_TIME);
}

static int64_t time_of(const struct sql_value *value)
{
    return value->is_null ? 0 : value->integer;
}

static struct text text_of_value(const struct sql_value *value)
{
    return value->is_null ? (struct text){0} : value->text;
}

/* ---- in ---- */

enum status mail_enqueue(struct transaction *t, const struct mail_letter *letter,
                         struct fault *fault)
{
    TRY(mail_letter_check(letter, fault));
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO mail (id, recipient, subject, body_text, body_html, link,"
                       " created_at, next_attempt_at, expires_at)"
                       " VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)",
                       sql_uuid(letter->id), sql_text(letter->recipient), sql_text(letter->subject),
                       sql_text(letter->plain), sql_text(letter->html), sql_text(letter->link),
                       sql_time(letter->created_us), time_or_null(letter->expires_us));
}

enum status mail_forget(struct transaction *t, struct text recipient, struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault, "DELETE FROM mail WHERE lower(recipient) = lower($1)",
                       sql_text(recipient));
}

/* ---- claiming ---- */

#define WAITS "sent_at IS NULL AND failed_at IS NULL AND shown_at IS NULL"

/* The condition stands twice: what another claimed while we waited for its row is not ours. */
#define CLAIM(lock)                                                                           \
    "UPDATE mail SET attempts = attempts + 1, next_attempt_at = $2, last_error = NULL"        \
    " WHERE next_attempt_at <= $1 AND " WAITS                                                 \
    " AND id = (SELECT id FROM mail"                                                          \
    " WHERE next_attempt_at <= $1 AND " WAITS " ORDER BY next_attempt_at, id LIMIT 1" lock    \
    ") RETURNING id, recipient, subject, body_text, body_html, link, created_at, expires_at," \
    " attempts"

/* Servers that claim at once pass over each other's rows; SQLite has one writer anyway. */
static const char *const claim_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] = CLAIM(""),
    [SQL_POSTGRES] = CLAIM(" FOR UPDATE SKIP LOCKED"),
};

struct claiming {
    struct arena *job;
    int64_t now_us, until_us, next_us;
    struct mail_claim *claim;
};

static enum status find_next(struct transaction *t, void *argument, struct fault *fault)
{
    struct claiming *c = argument;
    struct sql_rows rows;
    TRY(sql_query(t, sql_job(t), &rows,
                  "SELECT next_attempt_at FROM mail WHERE " WAITS
                  " ORDER BY next_attempt_at LIMIT 1",
                  NULL, 0, fault));
    c->next_us = rows.count ? sql_at(&rows, 0, 0)->integer : INT64_MAX;
    return OK;
}

static enum status claim_due(struct transaction *t, void *argument, struct fault *fault)
{
    struct claiming *c = argument;
    struct sql_rows rows;
    TRY(SQL_QUERY(t, c->job, &rows, fault, claim_sql[sql_dialect(t)], sql_time(c->now_us),
                  sql_time(c->until_us)));
    if (rows.count == 0) return fault_set(fault, STATUS_NOT_FOUND, "no letter is due");
    const struct sql_value *v = sql_at(&rows, 0, 0);
    *c->claim = (struct mail_claim){
        .letter = {.id = v[0].uuid,
                   .recipient = v[1].text,
                   .subject = v[2].text,
                   .plain = v[3].text,
                   .html = v[4].text,
                   .link = v[5].text,
                   .created_us = v[6].integer,
                   .expires_us = time_of(&v[7])},
        .attempts = v[8].integer,
    };
    return OK;
}

/* Reads first: most looks find nothing, and a write costs an fsync. */
enum status mail_queue_claim(struct database *database, struct arena *job, int64_t now_us,
                             int64_t until_us, struct mail_claim *claim, int64_t *next_us,
                             struct fault *fault)
{
    struct claiming c = {job, now_us, until_us, INT64_MAX, claim};
    TRY(database_read(database, sql_actor_system(), find_next, &c, fault));
    *next_us = c.next_us;
    if (c.next_us > now_us) return fault_set(fault, STATUS_NOT_FOUND, "no letter is due");
    return database_write(database, sql_actor_system(), claim_due, &c, fault);
}

/* ---- settling ---- */

static enum status settle(struct transaction *t, void *argument, struct fault *fault)
{
    const struct mail_settlement *s = argument;
    const struct sql_value id = sql_uuid(s->claim->letter.id);
    const struct sql_value attempts = sql_integer(s->claim->attempts), at = sql_time(s->at_us);
    const struct sql_value error = s->error.length ? sql_text(s->error) : sql_null(SQL_TEXT);
    uint64_t changed = 0;
    switch (s->state) {
    case MAIL_WAITING:
        TRY(SQL_EXECUTE(t, &changed, fault,
                        "UPDATE mail SET next_attempt_at = $3, last_error = $4, attempts = $5"
                        " WHERE id = $1 AND attempts = $2",
                        id, attempts, at, error,
                        sql_integer(s->claim->attempts - s->is_uncounted)));
        break;
    case MAIL_SENT:
        TRY(SQL_EXECUTE(t, &changed, fault,
                        "UPDATE mail SET sent_at = $3, last_error = NULL, link = '',"
                        " body_text = '', body_html = '' WHERE id = $1 AND attempts = $2",
                        id, attempts, at));
        break;
    case MAIL_FAILED:
        TRY(SQL_EXECUTE(t, &changed, fault,
                        "UPDATE mail SET failed_at = $3, last_error = $4"
                        " WHERE id = $1 AND attempts = $2",
                        id, attempts, at, error));
        break;
    case MAIL_SHOWN:
        TRY(SQL_EXECUTE(t, &changed, fault,
                        "UPDATE mail SET shown_at = $3 WHERE id = $1 AND attempts = $2", id,
                        attempts, at));
        break;
    }
    return changed ? OK : fault_set(fault, STATUS_CONFLICT, "the letter is somebody else's now");
}

enum status mail_queue_settle(struct database *database, const struct mail_settlement *settlement,
                              struct fault *fault)
{
    return database_write(database, sql_actor_system(), settle, (void *)settlement, fault);
}

static enum status sweep(struct transaction *t, void *argument, struct fault *fault)
{
    const int64_t *before_us = argument;
    return SQL_EXECUTE(t, NULL, fault, "DELETE FROM mail WHERE created_at < $1",
                       sql_time(*before_us));
}

enum status mail_queue_sweep(struct database *database, int64_t before_us, struct fault *fault)
{
    return database_write(database, sql_actor_system(), sweep, &before_us, fault);
}

/* ---- for administrators ---- */

struct looking {
    size_t limit, *count;
    struct arena *job;
    struct mail_view **letters;
};

static void read_view(const struct sql_value *v, struct mail_view *view)
{
    static const enum mail_state states[] = {MAIL_SENT, MAIL_FAILED, MAIL_SHOWN};
    *view = (struct mail_view){
        .id = v[0].uuid,
        .recipient = v[1].text,
        .subject = v[2].text,
        .link = v[3].text,
        .error = text_of_value(&v[4]),
        .attempts = v[5].integer,
        .created_us = v[6].integer,
        .state = MAIL_WAITING,
        .state_us = v[7].integer,
    };
    for (size_t i = 0; i < ARRAY_COUNT(states); i++) {
        if (v[8 + i].is_null) continue;
        view->state = states[i];
        view->state_us = v[8 + i].integer;
    }
    /* As long as it may reach its owner, it is nobody else's. */
    if (view->state == MAIL_WAITING) view->link = (struct text){0};
}

static enum status look(struct transaction *t, void *argument, struct fault *fault)
{
    struct looking *l = argument;
    struct sql_rows rows;
    TRY(SQL_QUERY(t, l->job, &rows, fault,
                  "SELECT id, recipient, subject, link, last_error, attempts, created_at,"
                  " next_attempt_at, sent_at, failed_at, shown_at FROM mail"
                  " ORDER BY id DESC LIMIT $1",
                  sql_integer((int64_t)l->limit)));
    *l->letters = arena_alloc_array(l->job, rows.count, sizeof **l->letters);
    if (!*l->letters) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a list of letters");
    for (size_t i = 0; i < rows.count; i++) read_view(sql_at(&rows, i, 0), &(*l->letters)[i]);
    *l->count = rows.count;
    return OK;
}

enum status mail_recent(struct database *database, size_t limit, struct arena *job,
                        struct mail_view **letters, size_t *count, struct fault *fault)
{
    struct looking looking = {limit, count, job, letters};
    return database_read(database, sql_actor_system(), look, &looking, fault);
}
