/* conversation_store.h - conversations and messages in the database: each function is a few
 * statements inside the caller's transaction, and each statement names its user. */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_STORE_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_STORE_H

#include "conversations/conversations.h"
#include "storage/sql.h"

/* Those that must be quick, for the test that looks at their plans. */
extern const char store_conversations_sql[];             /* user, status, updated_at, id, limit */
extern const char store_messages_sql[];                  /* user, conversation, seq, limit */
extern const char store_messages_back_sql[];             /* the same, newest first */
extern const char store_seq_sql[];                       /* user, id, how many, now, title */
extern const char *const store_search_sql[SQL_DIALECTS]; /* user, query, limit */

/* ---- conversations ---- */

enum status store_conversation_insert(struct transaction *t, struct uuid user,
                                      const struct conversation *conversation,
                                      struct fault *fault) MUST_USE;
/* STATUS_NOT_FOUND, also below, for what is not there or another's. */
enum status store_conversation_find(struct transaction *t, struct arena *job, struct uuid user,
                                    struct uuid id, struct conversation *conversation,
                                    struct fault *fault) MUST_USE;
/* Those behind `after`, and one more than wished for when there are more. */
enum status store_conversations_list(struct transaction *t, struct arena *job, struct uuid user,
                                     enum conversation_status status, struct page_cursor after,
                                     uint32_t limit, struct conversation **items, size_t *count,
                                     struct fault *fault) MUST_USE;
enum status store_conversation_change(struct transaction *t, struct uuid user, struct uuid id,
                                      const struct conversation_change *change, int64_t now_us,
                                      struct fault *fault) MUST_USE;
enum status store_conversation_delete(struct transaction *t, struct uuid user, struct uuid id,
                                      struct fault *fault) MUST_USE;
/* Take `count` numbers for messages, from *first; locks the conversation until the transaction
 * ends, so that numbers have no gaps. It has changed now; without a title it gets this one. */
enum status store_seq_take(struct transaction *t, struct uuid user, struct uuid id, size_t count,
                           int64_t now_us, struct text title, int64_t *first,
                           struct fault *fault) MUST_USE;

/* ---- messages ---- */

/* `writing_until_us` counts for MESSAGE_WRITING only. */
enum status store_message_insert(struct transaction *t, struct uuid user,
                                 const struct message *message, int64_t writing_until_us,
                                 struct fault *fault) MUST_USE;
/* Those behind (or, newest first, before) `seq`. What nobody writes any more is interrupted. */
enum status store_messages_list(struct transaction *t, struct arena *job, struct uuid user,
                                struct uuid conversation, bool newest_first, int64_t seq,
                                uint32_t limit, int64_t now_us, struct message **items,
                                size_t *count, struct fault *fault) MUST_USE;
enum status store_message_find_seq(struct transaction *t, struct uuid user,
                                   struct uuid conversation, struct uuid id, int64_t *seq,
                                   struct fault *fault) MUST_USE;
enum status store_messages_search(struct transaction *t, struct arena *job, struct uuid user,
                                  struct text query, uint32_t limit, struct message_hit **hits,
                                  size_t *count, struct fault *fault) MUST_USE;

/* ---- what is being written ---- */

/* Delete the messages from `first` to `last`, if these are the last there are. STATUS_CONFLICT. */
enum status store_messages_take_back(struct transaction *t, struct uuid user,
                                     struct uuid conversation, int64_t first, int64_t last,
                                     struct fault *fault) MUST_USE;
/* Content, state, tokens, content_struct and meta, as they are now. OK also when the message was
 * deleted meanwhile. */
enum status store_message_save(struct transaction *t, struct uuid user,
                               const struct message *message, int64_t writing_until_us,
                               struct fault *fault) MUST_USE;
/* Of all users: what nobody has said to be writing since then. */
enum status store_messages_interrupt(struct transaction *t, int64_t now_us, uint64_t *count,
                                     struct fault *fault) MUST_USE;

/* ---- values ---- */

static inline struct sql_value text_or_null(struct text text)
{
    return text.length ? sql_text(text) : sql_null(SQL_TEXT);
}
static inline struct sql_value json_or_null(struct text json)
{
    return json.length ? sql_json(json) : sql_null(SQL_JSON);
}
static inline struct sql_value name_value(const char *name)
{
    return sql_text(text_of(name));
}
static inline struct text row_text(const struct sql_value *value)
{
    return value->is_null ? (struct text){0} : value->text;
}

#endif
