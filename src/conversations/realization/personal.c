/* personal.c - see conversations/personal.h. */
#include "conversations/personal.h"

#include "storage/sql.h"
#include "storage/sql_json.h"

enum { MESSAGES_AT_ONCE = 200 }; /* in memory; a conversation may have many */

/* Those behind *seq, which becomes the last one's; *more: there may be others. */
static enum status append_messages(struct transaction *t, struct uuid user,
                                   struct uuid conversation, int64_t *seq, bool *more,
                                   struct buffer *json, struct fault *fault)
{
    static const char *const names[] = {
        "id",  "sender", "role",       "content",        "content_struct",
        "seq", "state",  "created_at", "token_count_in", "token_count_out",
        "meta"};
    enum { SEQ = 5 };
    struct arena job;
    struct sql_rows rows;
    arena_init(&job, 0);
    enum status status = SQL_QUERY(
        t, &job, &rows, fault,
        "SELECT id, sender, role, content, content_struct, seq, state, created_at,"
        " token_count_in, token_count_out, meta FROM message"
        " WHERE conversation_id = $1 AND user_id = $2 AND seq > $3 ORDER BY seq LIMIT $4",
        sql_uuid(conversation), sql_uuid(user), sql_integer(*seq), sql_integer(MESSAGES_AT_ONCE));
    for (size_t i = 0; status == OK && i < rows.count; i++) {
        if (*seq >= 0) buffer_append_char(json, ',');
        sql_append_object(json, &rows, i, names);
        *seq = sql_at(&rows, i, SEQ)->integer;
    }
    *more = status == OK && rows.count == MESSAGES_AT_ONCE;
    arena_deinit(&job);
    return status == OK ? buffer_status(json, fault) : status;
}

enum status conversations_append_personal(struct transaction *t, struct uuid user,
                                          struct buffer *json, struct fault *fault)
{
    static const char *const names[] = {"id",         "title",      "status",
                                        "created_at", "updated_at", "meta"};
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT id, title, status, created_at, updated_at, meta FROM conversation"
                  " WHERE user_id = $1 ORDER BY created_at, id",
                  sql_uuid(user)));
    buffer_append_char(json, '[');
    for (size_t i = 0; i < rows.count; i++) {
        int64_t seq = -1;
        bool more = true;
        buffer_append_string(json, i ? ",{\"conversation\":" : "{\"conversation\":");
        sql_append_object(json, &rows, i, names);
        buffer_append_string(json, ",\"messages\":[");
        while (more)
            TRY(append_messages(t, user, sql_at(&rows, i, 0)->uuid, &seq, &more, json, fault));
        buffer_append_string(json, "]}");
    }
    buffer_append_char(json, ']');
    return buffer_status(json, fault);
}

/* Their messages go with them. */
enum status conversations_erase_personal(struct transaction *t, struct uuid user,
                                         struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault, "DELETE FROM conversation WHERE user_id = $1",
                       sql_uuid(user));
}
