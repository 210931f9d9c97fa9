/* message_store.c - messages as rows. See conversation_store.h. */
#include "conversations/realization/conversation_store.h"

#define MESSAGE_COLUMNS                                                                      \
    "id, conversation_id, seq, sender, role, content, content_struct, state, writing_until," \
    " created_at, token_count_in, token_count_out, meta"
#define OF_CONVERSATION " FROM message WHERE user_id = $1 AND conversation_id = $2"

const char store_messages_sql[] =
    "SELECT " MESSAGE_COLUMNS OF_CONVERSATION " AND seq > $3 ORDER BY seq LIMIT $4";
const char store_messages_back_sql[] =
    "SELECT " MESSAGE_COLUMNS OF_CONVERSATION " AND seq < $3 ORDER BY seq DESC LIMIT $4";

/* Found words stand between SNIPPET_OPEN and SNIPPET_CLOSE. */
const char *const store_search_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "SELECT m.id, m.conversation_id, c.title, m.sender, m.created_at,"
        " snippet(message_search, 1, char(2), char(3), '\xe2\x80\xa6', 24)"
        " FROM message_search s JOIN message m ON m.number = s.rowid"
        " JOIN conversation c ON c.id = m.conversation_id AND c.user_id = $1"
        " WHERE s.message_search MATCH 'owner : \"' || hex($1) || '\" AND content : (' || $2 || ')'"
        " AND m.user_id = $1 ORDER BY bm25(message_search, 0.0, 1.0), m.number DESC LIMIT $3",
    [SQL_POSTGRES] =
        "SELECT f.id, f.conversation_id, c.title, f.sender, f.created_at,"
        " ts_headline('simple', left(f.content, 200000), f.query, 'StartSel=\"\x02\","
        " StopSel=\"\x03\", MaxWords=24, MinWords=12, MaxFragments=1')"
        " FROM (SELECT m.*, q.query, ts_rank_cd(m.search, q.query) AS rank"
        " FROM message m, websearch_to_tsquery('simple', $2) AS q (query)"
        " WHERE m.user_id = $1 AND m.search @@ q.query"
        " ORDER BY rank DESC, m.created_at DESC, m.id LIMIT $3) f"
        " JOIN conversation c ON c.id = f.conversation_id AND c.user_id = $1"
        " ORDER BY f.rank DESC, f.created_at DESC, f.id",
};

static struct sql_value count_or_null(int64_t count)
{
    return count < 0 ? sql_null(SQL_INTEGER) : sql_integer(count);
}

static int64_t row_count(const struct sql_value *value)
{
    return value->is_null ? -1 : value->integer;
}

/* Names that the database's CHECKs let in are known here. */
static struct message row_message(const struct sql_rows *rows, size_t row, int64_t now_us)
{
    const struct sql_value *v = sql_at(rows, row, 0);
    struct message message = {
        .id = v[0].uuid,
        .conversation_id = v[1].uuid,
        .seq = v[2].integer,
        .sender = SENDER_SYSTEM,
        .role = row_text(&v[4]),
        .content = row_text(&v[5]),
        .content_struct = row_text(&v[6]),
        .state = MESSAGE_INTERRUPTED,
        .created_us = v[9].integer,
        .tokens_in = row_count(&v[10]),
        .tokens_out = row_count(&v[11]),
        .meta = row_text(&v[12]),
    };
    if (message_sender_parse(v[3].text, &message.sender) &&
        message_state_parse(v[7].text, &message.state))
        message.state = message_state_at(message.state, v[8].is_null ? 0 : v[8].integer, now_us);
    return message;
}

static struct sql_value lease_value(const struct message *message, int64_t writing_until_us)
{
    return message->state == MESSAGE_WRITING ? sql_time(writing_until_us) : sql_null(SQL_TIME);
}

enum status store_message_insert(struct transaction *t, struct uuid user,
                                 const struct message *message, int64_t writing_until_us,
                                 struct fault *fault)
{
    const char *sender = message_sender_name(message->sender);
    return SQL_EXECUTE(
        t, NULL, fault,
        "INSERT INTO message (id, conversation_id, user_id, seq, sender, role, content,"
        " content_struct, state, writing_until, created_at, token_count_in, token_count_out, meta)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        sql_uuid(message->id), sql_uuid(message->conversation_id), sql_uuid(user),
        sql_integer(message->seq), name_value(sender),
        sql_text(message->role.length ? message->role : text_of(sender)),
        sql_text(message->content), json_or_null(message->content_struct),
        name_value(message_state_name(message->state)), lease_value(message, writing_until_us),
        sql_time(message->created_us), count_or_null(message->tokens_in),
        count_or_null(message->tokens_out), json_or_null(message->meta));
}

enum status store_messages_list(struct transaction *t, struct arena *job, struct uuid user,
                                struct uuid conversation, bool newest_first, int64_t seq,
                                uint32_t limit, int64_t now_us, struct message **items,
                                size_t *count, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault, newest_first ? store_messages_back_sql : store_messages_sql,
                  sql_uuid(user), sql_uuid(conversation), sql_integer(seq),
                  sql_integer((int64_t)limit + 1)));
    *items = arena_alloc_array(job, rows.count + 1, sizeof **items);
    if (!*items) return fault_set(fault, STATUS_NO_MEMORY, "no memory for messages");
    for (size_t i = 0; i < rows.count; i++) (*items)[i] = row_message(&rows, i, now_us);
    *count = rows.count;
    return OK;
}

enum status store_message_find_seq(struct transaction *t, struct uuid user,
                                   struct uuid conversation, struct uuid id, int64_t *seq,
                                   struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, sql_job(t), &rows, fault,
                  "SELECT seq FROM message WHERE id = $3 AND conversation_id = $2 AND user_id = $1",
                  sql_uuid(user), sql_uuid(conversation), sql_uuid(id)));
    if (!rows.count)
        return fault_set_param(fault, STATUS_NOT_FOUND, "message_id", "Message not found");
    *seq = sql_at(&rows, 0, 0)->integer;
    return OK;
}

enum status store_messages_search(struct transaction *t, struct arena *job, struct uuid user,
                                  struct text query, uint32_t limit, struct message_hit **hits,
                                  size_t *count, struct fault *fault)
{
    struct sql_rows rows;
    TRY(SQL_QUERY(t, job, &rows, fault, store_search_sql[sql_dialect(t)], sql_uuid(user),
                  sql_text(query), sql_integer(limit)));
    *hits = arena_alloc_array(job, rows.count + 1, sizeof **hits);
    if (!*hits) return fault_set(fault, STATUS_NO_MEMORY, "no memory for what was found");
    for (size_t i = 0; i < rows.count; i++) {
        const struct sql_value *v = sql_at(&rows, i, 0);
        struct message_hit *hit = &(*hits)[i];
        *hit = (struct message_hit){
            .message_id = v[0].uuid,
            .conversation_id = v[1].uuid,
            .title = row_text(&v[2]),
            .created_us = v[4].integer,
            .snippet = row_text(&v[5]),
        };
        if (!message_sender_parse(v[3].text, &hit->sender)) hit->sender = SENDER_SYSTEM;
    }
    *count = rows.count;
    return OK;
}

enum status store_messages_take_back(struct transaction *t, struct uuid user,
                                     struct uuid conversation, int64_t first, int64_t last,
                                     struct fault *fault)
{
    uint64_t changed;
    TRY(SQL_EXECUTE(t, &changed, fault,
                    "UPDATE conversation SET next_seq = $3"
                    " WHERE id = $2 AND user_id = $1 AND next_seq = $4",
                    sql_uuid(user), sql_uuid(conversation), sql_integer(first),
                    sql_integer(last + 1)));
    if (!changed) return fault_set(fault, STATUS_CONFLICT, "others have written behind it");
    return SQL_EXECUTE(t, NULL, fault,
                       "DELETE FROM message WHERE conversation_id = $2 AND user_id = $1"
                       " AND seq >= $3",
                       sql_uuid(user), sql_uuid(conversation), sql_integer(first));
}

enum status store_message_save(struct transaction *t, struct uuid user,
                               const struct message *message, int64_t writing_until_us,
                               struct fault *fault)
{
    return SQL_EXECUTE(t, NULL, fault,
                       "UPDATE message SET content = $3, state = $4, writing_until = $5,"
                       " token_count_in = $6, token_count_out = $7, content_struct = $8, meta = $9"
                       " WHERE id = $2 AND user_id = $1",
                       sql_uuid(user), sql_uuid(message->id), sql_text(message->content),
                       name_value(message_state_name(message->state)),
                       lease_value(message, writing_until_us), count_or_null(message->tokens_in),
                       count_or_null(message->tokens_out), json_or_null(message->content_struct),
                       json_or_null(message->meta));
}

enum status store_messages_interrupt(struct transaction *t, int64_t now_us, uint64_t *count,
                                     struct fault *fault)
{
    return SQL_EXECUTE(t, count, fault,
                       "UPDATE message SET state = 'interrupted', writing_until = NULL"
                       " WHERE state = 'writing' AND writing_until < $1",
                       sql_time(now_us));
}
