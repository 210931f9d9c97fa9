/* conversation.h - conversations and messages: their shapes, names and rules, without database,
 * clock or network (R142). */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "base/uuid.h"

enum {
    TITLE_CHARACTERS = 200, /* at most */
    TITLE_MADE_CHARACTERS = 60 /* of one that is made from a message */,
    TITLE_MADE_BYTES = 4 * TITLE_MADE_CHARACTERS + 4,
    ROLE_BYTES = 32,
    MESSAGE_BYTES = 4 << 20, /* of content, at most; and of its structure */
    META_BYTES = 64 << 10,
};

enum conversation_status { CONVERSATION_OPEN, CONVERSATION_ARCHIVED };

/* Texts live as long as the arena that a conversation was read into. */
struct conversation {
    struct uuid id;
    struct text title; /* empty: none yet */
    enum conversation_status status;
    int64_t created_us, updated_us;
    int64_t message_count;
    struct uuid active_context; /* nil: none */
    struct text meta;           /* JSON object; empty: none */
};

enum message_sender { SENDER_USER, SENDER_ASSISTANT, SENDER_SYSTEM, SENDER_TOOL };
enum message_state {
    MESSAGE_COMPLETE,
    MESSAGE_WRITING,     /* more may come */
    MESSAGE_INTERRUPTED, /* whoever wrote it is gone: this is what came until then */
};

struct message {
    struct uuid id, conversation_id;
    int64_t seq; /* 1, 2, ... within its conversation */
    enum message_sender sender;
    struct text role;           /* as models are told it; empty: that of the sender */
    struct text content;        /* all of it as text */
    struct text content_struct; /* JSON, as content_struct.h makes it; empty: none */
    enum message_state state;
    int64_t created_us;
    int64_t tokens_in, tokens_out; /* read and written for it by a model; -1: not known */
    struct text meta;              /* JSON object; empty: none */
};

/* "open", "archived"; "user", "assistant", "system", "tool"; "complete", ... */
const char *conversation_status_name(enum conversation_status status);
bool conversation_status_parse(struct text name, enum conversation_status *status) MUST_USE;
const char *message_sender_name(enum message_sender sender);
bool message_sender_parse(struct text name, enum message_sender *sender) MUST_USE;
const char *message_state_name(enum message_state state);
bool message_state_parse(struct text name, enum message_state *state) MUST_USE;

/* STATUS_INVALID or STATUS_TOO_LARGE, naming "title". */
enum status title_check(struct text title, struct fault *fault) MUST_USE;
/* What a conversation that begins with this message is about: the first words of its first line
 * that has any. Empty when it has none. */
struct text title_of_message(struct text content, char out[TITLE_MADE_BYTES]);

/* Bounds, UTF-8 and JSON objects where they belong; the fault names the field. */
enum status message_check(const struct message *message, struct fault *fault) MUST_USE;
enum status meta_check(struct text meta, struct fault *fault) MUST_USE;

/* How a message that was read looks at a time: what nobody has been writing since then is
 * interrupted. */
enum message_state message_state_at(enum message_state state, int64_t writing_until_us,
                                    int64_t now_us);

/* ---- as JSON ---- */

void conversation_append_json(struct buffer *out, const struct conversation *conversation);
void message_append_json(struct buffer *out, const struct message *message);

#endif
