/* conversation_store.c - conversations as rows. See conversation_store.h. */
#include "conversations/realization/conversation_store.h"

#define CONVERSATION_COLUMNS \
    "id, title, status, created_at, updated_at, next_seq, active_context_id, meta"

const char store_conversations_sql[] =
    "SELECT " CONVERSATION_COLUMNS
    " FROM conversation WHERE user_id = $1 AND status = $2"
    " AND (updated_at, id) < ($3, $4) ORDER BY updated_at DESC, id DESC LIMIT $5";

const char store_seq_sql[] =
    "UPDATE conversation SET next_seq = next_seq + $3, updated_at = $4,"
    " title = coalesce(title, $5) WHERE id = $2 AND user_id = $1 RETURNING next_seq";

static enum status not_found(struct fault *fault)
{
    return fault_set(fault, STATUS_NOT_FOUND, "Conversation not found");
}

static struct conversation row_conversation(const struct sql_rows *rows, size_t row)
{
    const struct sql_value *v = sql_at(rows, row, 0);
    struct conversation conversation = {
        .id = v[0].uuid,
        .title = row_text(&v[1]),
        .created_us = v[3].integer,
        .updated_us = v[4].integer,
        .message_count = v[5].integer - 1,
        .meta = row_text(&v[7]),
    };
    if (!v[6].is_null) conversation.active_context = v[6].uuid;
    if (!conversation_status_parse(v[2].text, &conversation.status))
        conversation.status = CONVERSATION_OPEN; /* the database's CHECK knows no others */
    return conversation;
}

enum status store_conversation_insert(struct transaction *t, struct uuid user,
                                      const struct conversation *conversation, struct fault *fault)
{
    return SQL_EXECUTE(
        t, NULL, fault,
        "INSERT INTO conversation (id, user_id, title, status, created_at,"
        " updated_at, active_context_id, meta)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        sql_uuid(conversation->id), sql_uuid(user), text_or_null(conversation->title),
        name_value(conversation_status_name(conversation->status)),
        sql_time(conversation->created_us), sql_time(conversation->updated_us),
        uuid_is_nil(conversation->active_context) ? sql_null(SQL_UUID)
                                                  : sql_uuid(conversation->active_context),
        json_or_null(conversation->meta));
}

enum status store_conversation_find(struct transaction *t, struct arena *job, struct uuid user,
                                    struct uuid id, struct conversation *conversation,
                                    struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault,
                  "SELECT " CONVERSATION_COLUMNS
                  " FROM conversation WHERE id = $2 AND user_id = $1",
                  sql_uuid(user), sql_uuid(id)));
    if (!rows.count) return not_found(fault);
    *conversation = row_conversation(&rows, 0);
    return OK;
}

enum status store_conversations_list(struct transaction *t, struct arena *job, struct uuid user,
                                     enum conversation_status status, struct page_cursor after,
                                     uint32_t limit, struct conversation **items, size_t *count,
                                     struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault, store_conversations_sql, sql_uuid(user),
                  name_value(conversation_status_name(status)), sql_time(after.at),
                  sql_uuid(after.id), sql_integer((int64_t)limit + 1)));
    *items = arena_alloc_array(job, rows.count + 1, sizeof **items);
    if (!*items) return fault_set(fault, STATUS_NO_MEMORY, "no memory for conversations");
    for (size_t i = 0; i < rows.count; i++) (*items)[i] = row_conversation(&rows, i);
    *count = rows.count;
    return OK;
}

enum status store_conversation_change(struct transaction *t, struct uuid user, struct uuid id,
                                      const struct conversation_change *change, int64_t now_us,
                                      struct fault *fault)
{
    uint64_t changed;
    const struct uuid *context = change->active_context;
    TRY(SQL_EXECUTE(
        t, &changed, fault,
        "UPDATE conversation SET title = CASE WHEN $3 THEN $4 ELSE title END,"
        " status = coalesce($5, status),"
        " active_context_id = CASE WHEN $6 THEN $7 ELSE active_context_id END,"
        " updated_at = $8 WHERE id = $2 AND user_id = $1",
        sql_uuid(user), sql_uuid(id), sql_bool(change->title != NULL),
        text_or_null(change->title ? *change->title : TEXT("")),
        change->status ? name_value(conversation_status_name(*change->status)) : sql_null(SQL_TEXT),
        sql_bool(context != NULL),
        context && !uuid_is_nil(*context) ? sql_uuid(*context) : sql_null(SQL_UUID),
        sql_time(now_us)));
    if (!changed) return not_found(fault);
    if (!change->meta) return OK;
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE conversation SET meta = $3 WHERE id = $2 AND user_id = $1",
                       sql_uuid(user), sql_uuid(id), json_or_null(*change->meta));
}

enum status store_conversation_delete(struct transaction *t, struct uuid user, struct uuid id,
                                      struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault, "DELETE FROM conversation WHERE id = $2 AND user_id = $1",
                    sql_uuid(user), sql_uuid(id)));
    return changed ? OK : not_found(fault);
}

enum status store_seq_take(struct transaction *t, struct uuid user, struct uuid id, size_t count,
                           int64_t now_us, struct text title, int64_t *first, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault, store_seq_sql, sql_uuid(user), sql_uuid(id),
                  sql_integer((int64_t)count), sql_time(now_us), text_or_null(title)));
    if (!rows.count) return not_found(fault);
    *first = sql_at(&rows, 0, 0)->integer - (int64_t)count;
    return OK;
}
