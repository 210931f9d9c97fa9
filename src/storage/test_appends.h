/* test_appends.h - many people who append messages, and whether every message that was acknowledged
 * is there, whole, in its place. For tests of what kills, power cuts and full disks do. Only tests
 * include this. */
#ifndef LIMINAL_STORAGE_TEST_APPENDS_H
#define LIMINAL_STORAGE_TEST_APPENDS_H

#include <stdatomic.h>

#include "storage/realization/migrate.h"
#include "storage/test_database.h"

enum { APPEND_CONVERSATIONS = 8, APPEND_CONTENT_BYTES = 3000 };

static inline struct uuid append_id(unsigned kind, unsigned conversation, int64_t seq)
{
    struct uuid id = {{1, (unsigned char)kind, (unsigned char)conversation}};
    for (int i = 0; i < 8; i++) id.bytes[8 + i] = (unsigned char)((uint64_t)seq >> (56 - 8 * i));
    return id;
}

/* Made of the place it belongs to, so that half of it, or another's, is seen. */
static inline struct text append_content(unsigned conversation, int64_t seq,
                                         char out[APPEND_CONTENT_BYTES])
{
    uint64_t state = (uint64_t)seq * 7919 + conversation * 104729 + 1;
    size_t length = (size_t)(state % APPEND_CONTENT_BYTES);
    for (size_t i = 0; i < length; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        out[i] = i % 7 == 6 ? ' ' : (char)('a' + (state >> 33) % 26);
    }
    return (struct text){out, length};
}

/* ---- making ---- */

static inline enum status append_make(struct transaction *t, void *argument, struct fault *fault)
{
    const struct uuid tenant = append_id(1, 0, 0);
    TRY(SQL_EXECUTE(t, NULL, fault,
                    "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'us', $2)",
                    sql_uuid(tenant), sql_time(0)));
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        char email[32];
        snprintf(email, sizeof email, "user%u@example.com", i);
        TRY(SQL_EXECUTE(t, NULL, fault,
                        "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                        " VALUES ($1, $2, $3, $3, $4)",
                        sql_uuid(append_id(2, i, 0)), sql_uuid(tenant), sql_text(text_of(email)),
                        sql_time(0)));
        TRY(SQL_EXECUTE(t, NULL, fault,
                        "INSERT INTO conversation (id, user_id, created_at, updated_at)"
                        " VALUES ($1, $2, $3, $3)",
                        sql_uuid(append_id(3, i, 0)), sql_uuid(append_id(2, i, 0)), sql_time(0)));
    }
    return OK;
}

/* A migrated database with conversations without messages. */
static inline void append_prepare(const char *url)
{
    struct database *database;
    struct fault fault;
    assert_ok(database_open_url(&database, url, NULL, &fault), &fault);
    assert_ok(migrate_up(database, &migrations_built_in, NULL, NULL, &fault), &fault);
    assert_ok(database_write(database, sql_actor_system(), append_make, NULL, &fault), &fault);
    database_close(database);
}

struct append {
    unsigned conversation;
    int64_t seq; /* out: the message's place */
};

/* As conversations do: the place is taken first, then the message put there. */
static inline enum status append_message(struct transaction *t, void *argument, struct fault *fault)
{
    struct append *append = argument;
    char content[APPEND_CONTENT_BYTES];
    struct sql_rows rows;
    const struct uuid id = append_id(3, append->conversation, 0);
    const struct uuid user = append_id(2, append->conversation, 0);
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "UPDATE conversation SET next_seq = next_seq + 1 WHERE id = $1 AND user_id = $2"
                  " RETURNING next_seq - 1",
                  sql_uuid(id), sql_uuid(user)));
    append->seq = sql_at(&rows, 0, 0)->integer;
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO message (id, conversation_id, user_id, sender, role, content,"
                       " seq, created_at) VALUES ($1, $2, $3, 'user', 'user', $4, $5, $6)",
                       sql_uuid(append_id(4, append->conversation, append->seq)), sql_uuid(id),
                       sql_uuid(user),
                       sql_text(append_content(append->conversation, append->seq, content)),
                       sql_integer(append->seq), sql_time(append->seq));
}

static inline enum status append_one(struct database *database, struct append *append,
                                     struct fault *fault)
{
    return database_write(database, sql_actor_user(append_id(2, append->conversation, 0)),
                          append_message, append, fault);
}

/* ---- looking ---- */

/* How many messages of each conversation were acknowledged. */
struct append_acks {
    int64_t count[APPEND_CONVERSATIONS];
};

struct append_verdict {
    const struct append_acks *acks;
    int64_t found[APPEND_CONVERSATIONS];
    char problem[256]; /* "": all is well */
};

#define APPEND_PROBLEM(verdict, ...)                                         \
    do {                                                                     \
        snprintf((verdict)->problem, sizeof(verdict)->problem, __VA_ARGS__); \
        return OK;                                                           \
    } while (0)

static inline enum status append_check_one(struct transaction *t, struct append_verdict *verdict,
                                           unsigned conversation, struct fault *fault)
{
    struct sql_rows rows, next;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT seq, content FROM message WHERE conversation_id = $1 ORDER BY seq",
                  sql_uuid(append_id(3, conversation, 0))));
    TRY(SQL_QUERY(t, sql_job(t), &next, fault, "SELECT next_seq FROM conversation WHERE id = $1",
                  sql_uuid(append_id(3, conversation, 0))));
    for (size_t i = 0; i < rows.count; i++) {
        char content[APPEND_CONTENT_BYTES];
        int64_t seq = sql_at(&rows, i, 0)->integer;
        if (seq != (int64_t)i + 1)
            APPEND_PROBLEM(verdict, "conversation %u has %lld where %zu belongs", conversation,
                           (long long)seq, i + 1);
        if (!text_equal(sql_at(&rows, i, 1)->text, append_content(conversation, seq, content)))
            APPEND_PROBLEM(verdict, "message %lld of conversation %u is not whole", (long long)seq,
                           conversation);
    }
    verdict->found[conversation] = (int64_t)rows.count;
    if (next.count != 1 || sql_at(&next, 0, 0)->integer != (int64_t)rows.count + 1)
        APPEND_PROBLEM(verdict, "conversation %u has %zu messages and another next place",
                       conversation, rows.count);
    if ((int64_t)rows.count < verdict->acks->count[conversation])
        APPEND_PROBLEM(verdict, "conversation %u: %lld acknowledged, %zu there", conversation,
                       (long long)verdict->acks->count[conversation], rows.count);
    return OK;
}

static inline enum status append_check(struct transaction *t, void *argument, struct fault *fault)
{
    struct append_verdict *verdict = argument;
    struct sql_rows rows;
    verdict->problem[0] = '\0';
    if (sql_dialect(t) == SQL_SQLITE) {
        TRY(sql_query(t, sql_job(t), &rows, "PRAGMA integrity_check", NULL, 0, fault));
        if (!text_equal(sql_at(&rows, 0, 0)->text, TEXT("ok")))
            APPEND_PROBLEM(verdict, "integrity_check: %.*s",
                           TEXT_FORMAT(sql_at(&rows, 0, 0)->text));
    }
    for (unsigned i = 0; i < APPEND_CONVERSATIONS && !verdict->problem[0]; i++)
        TRY(append_check_one(t, verdict, i, fault));
    return OK;
}

/* Opens it as a server would after a crash. */
static inline void append_look(const char *url, const struct append_acks *acks,
                               struct append_verdict *verdict)
{
    struct database *database;
    struct fault fault;
    *verdict = (struct append_verdict){.acks = acks};
    enum status status = database_open_url(&database, url, NULL, &fault);
    if (status == OK) {
        status = database_read(database, sql_actor_system(), append_check, verdict, &fault);
        database_close(database);
    }
    if (status != OK) snprintf(verdict->problem, sizeof verdict->problem, "%.250s", fault.message);
}

#endif
