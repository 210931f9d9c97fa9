/* conversations.h - the face of conversations: kept, found, listed, forked, and turns that are
 * written while they are answered.
 *
 * Every function names its user: what is another's is STATUS_NOT_FOUND, as what does not exist.
 * Functions block their caller (a worker), except where they say otherwise, and are safe from any
 * thread. What they return lies in the arena `job`. When one returns OK, the change is on the
 * disk. */
#ifndef LIMINAL_CONVERSATIONS_H
#define LIMINAL_CONVERSATIONS_H

#include "base/arena.h"
#include "conversations/conversation.h"
#include "conversations/page_cursor.h"

struct conversations;
struct database;

struct conversations_options {
    struct database *database; /* borrowed, migrated */
    uint32_t save_ms;          /* how often what is being written is saved; 0: 1000 */
    uint32_t lease_ms;         /* unsaved for so long, it counts as interrupted; 0: 10000 */
    int64_t (*now_us)(void);   /* NULL: the machine's clock, which all servers of one database
                                  must agree on to a few seconds */
};

/* Marks what servers that are gone left unfinished. */
enum status conversations_open(struct conversations **out,
                               const struct conversations_options *options,
                               struct fault *fault) MUST_USE;
/* Turns that nobody ended are saved as interrupted. */
void conversations_close(struct conversations *conversations);

/* ---- conversations ---- */

/* Of `conversation`, the title and the meta are taken; the rest is filled. */
enum status conversation_create(struct conversations *conversations, struct uuid user,
                                struct conversation *conversation, struct fault *fault) MUST_USE;
enum status conversation_get(struct conversations *conversations, struct uuid user, struct uuid id,
                             struct arena *job, struct conversation *conversation,
                             struct fault *fault) MUST_USE;

enum { PAGE_DEFAULT = 20, PAGE_LIMIT = 100 };
struct page_wish {
    uint32_t limit;                  /* 1 to PAGE_LIMIT */
    const struct page_cursor *after; /* NULL: the first page */
};
struct conversation_page {
    struct conversation *items;
    size_t count;
    bool has_more;
    struct page_cursor next; /* if so */
};
/* The last changed first. */
enum status conversation_list(struct conversations *conversations, struct uuid user,
                              enum conversation_status status, const struct page_wish *wish,
                              struct arena *job, struct conversation_page *page,
                              struct fault *fault) MUST_USE;

/* NULL: stays as it is. An empty title is none. */
struct conversation_change {
    const struct text *title, *meta;
    const enum conversation_status *status;
    const struct uuid *active_context; /* nil: none */
};
enum status conversation_change(struct conversations *conversations, struct uuid user,
                                struct uuid id, const struct conversation_change *change,
                                struct arena *job, struct conversation *conversation,
                                struct fault *fault) MUST_USE;
enum status conversation_delete(struct conversations *conversations, struct uuid user,
                                struct uuid id, struct fault *fault) MUST_USE;
/* A new conversation with all messages up to this one, in one transaction. STATUS_CONFLICT while
 * one of them is being written. */
enum status conversation_fork(struct conversations *conversations, struct uuid user, struct uuid id,
                              struct uuid message, struct arena *job,
                              struct conversation *conversation, struct fault *fault) MUST_USE;

/* ---- messages ---- */

/* `message->conversation_id`, sender, role, content, content_struct (brought to its form before),
 * tokens and meta are taken; id, seq, state and created_us are filled. A conversation without title
 * gets one from its first user's message. */
enum status message_append(struct conversations *conversations, struct uuid user,
                           struct message *message, struct fault *fault) MUST_USE;

struct message_page {
    struct message *items;
    size_t count;
    bool has_more;
    struct page_cursor next;
};
/* In their order, or the newest first. */
enum status message_list(struct conversations *conversations, struct uuid user,
                         struct uuid conversation, bool newest_first, const struct page_wish *wish,
                         struct arena *job, struct message_page *page,
                         struct fault *fault) MUST_USE;

/* ---- searching ---- */

/* Around what was found in a snippet. */
#define SNIPPET_OPEN  '\x02'
#define SNIPPET_CLOSE '\x03'

struct message_hit {
    struct uuid message_id, conversation_id;
    struct text title;
    enum message_sender sender;
    int64_t created_us;
    struct text snippet;
};
enum { SEARCH_LIMIT = 50 };
/* The best first, at most `limit`. `typed` as search_query.h takes it. */
enum status message_search(struct conversations *conversations, struct uuid user, struct text typed,
                           uint32_t limit, struct arena *job, struct message_hit **hits,
                           size_t *count, struct fault *fault) MUST_USE;

/* ---- turns ---- */

/* Somebody asks and an answer is being written. While it is, it is saved again and again, so that a
 * crash or a client that leaves keeps what came until then. */
struct turn;

/* Appends the messages (their conversation is the first's; nil: a new one is made, with `meta`),
 * and behind them an answer in the state MESSAGE_WRITING: all in one transaction. `messages` are
 * filled as message_append does. */
enum status turn_begin(struct conversations *conversations, struct uuid user,
                       struct message *messages, size_t count, struct text meta, struct turn **turn,
                       struct fault *fault) MUST_USE;
struct uuid turn_conversation(const struct turn *turn);
struct uuid turn_message(const struct turn *turn);
/* More of the answer. Never blocks. */
void turn_add(struct turn *turn, struct text piece);

/* It can't be answered after all: what was asked is taken back, unless others have appended behind
 * it; then the answer is marked as interrupted. The turn is freed. */
void turn_withdraw(struct turn *turn);

struct turn_end {
    enum message_state state; /* MESSAGE_COMPLETE or MESSAGE_INTERRUPTED */
    int64_t tokens_in, tokens_out;
    struct text content_struct, meta; /* JSON or empty; copied */
};
/* The answer is over. Never blocks: `saved` (may be NULL) is called when it is on the disk, or
 * can't be brought there, from another thread. The turn is freed. */
void turn_finish(struct turn *turn, const struct turn_end *end,
                 void (*saved)(void *argument, enum status status, const struct fault *fault),
                 void *argument);

#endif
