/* turns.c - a turn as those see it who write it: they begin it, add to it, and end it. Saving is
 * the saver's (turn_saver.h). */
#include <stdlib.h>
#include <string.h>

#include "conversations/realization/turn_saver.h"
#include "platform/platform.h"

/* ---- beginning ---- */

struct beginning {
    struct conversations *conversations;
    struct turn *turn;
    struct message *messages;
    size_t count; /* with the answer, which is the last */
    struct text meta;
};

static enum status begin_turn(struct transaction *t, void *argument, struct fault *fault)
{
    const struct beginning *b = argument;
    struct conversations *conversations = b->conversations;
    int64_t now_us = conversations_now_us(conversations);
    struct uuid user = b->turn->user;
    if (uuid_is_nil(b->turn->message.conversation_id)) {
        const struct conversation made = {
            .id = conversations_new_id(conversations),
            .created_us = now_us,
            .updated_us = now_us,
            .meta = b->meta,
        };
        TRY(store_conversation_insert(t, user, &made, fault));
        b->messages[0].conversation_id = made.id;
    } else {
        b->messages[0].conversation_id = b->turn->message.conversation_id;
    }
    return messages_append(conversations, t, user, b->messages, b->count,
                           turn_lease_us(conversations, now_us), fault);
}

static enum status check_turn(const struct message *messages, size_t count, struct text meta,
                              struct fault *fault)
{
    for (size_t i = 0; i < count; i++) TRY(message_check(&messages[i], fault));
    return meta_check(meta, fault);
}

enum status turn_begin(struct conversations *conversations, struct uuid user,
                       struct message *messages, size_t count, struct text meta, struct turn **out,
                       struct fault *fault)
{
    TRY(check_turn(messages, count, meta, fault));
    struct turn *turn = calloc(1, sizeof *turn);
    struct message *all = calloc(count + 1, sizeof *all);
    if (!turn || !all) {
        free(turn);
        free(all);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a turn");
    }
    turn->conversations = conversations;
    turn->user = user;
    turn->message.conversation_id = messages[0].conversation_id;
    memcpy(all, messages, count * sizeof *all);
    all[count] = (struct message){
        .sender = SENDER_ASSISTANT, .state = MESSAGE_WRITING, .tokens_in = -1, .tokens_out = -1};
    struct beginning beginning = {conversations, turn, all, count + 1, meta};
    enum status status = database_write(conversations->options.database, sql_actor_user(user),
                                        begin_turn, &beginning, fault);
    if (status == OK) {
        memcpy(messages, all, count * sizeof *all);
        turn->asked = count;
        turn->is_first = uuid_is_nil(turn->message.conversation_id);
        turn->message = all[count];
        turn_saver_add(turn);
        *out = turn;
    } else {
        free(turn);
    }
    free(all);
    return status;
}

struct uuid turn_conversation(const struct turn *turn)
{
    return turn->message.conversation_id;
}

struct uuid turn_message(const struct turn *turn)
{
    return turn->message.id;
}

/* ---- taking back ---- */

static enum status take_back(struct transaction *t, void *argument, struct fault *fault)
{
    const struct turn *turn = argument;
    const struct message *answer = &turn->message;
    if (turn->is_first)
        return store_conversation_delete(t, turn->user, answer->conversation_id, fault);
    return store_messages_take_back(t, turn->user, answer->conversation_id,
                                    answer->seq - (int64_t)turn->asked, answer->seq, fault);
}

void turn_withdraw(struct turn *turn)
{
    struct fault fault;
    struct database *database = turn->conversations->options.database;
    enum status status =
        database_write(database, sql_actor_user(turn->user), take_back, turn, &fault);
    if (status != OK)
        log_write("conversations", LOG_WARN, NULL, "a question was not taken back: %s",
                  fault.message);
    const struct turn_end end = {.state = MESSAGE_INTERRUPTED, .tokens_in = -1, .tokens_out = -1};
    turn_finish(turn, &end, NULL, NULL); /* finds no row, if all went well */
}

/* ---- writing ---- */

/* Models may write bytes that are no characters, and NUL, neither of which databases take: they
 * become U+FFFD, as clients see them. */
static void append_clean(struct buffer *out, struct text piece)
{
    for (size_t nul; (nul = text_find(piece, (struct text){"", 1})) != SIZE_MAX;) {
        buffer_append_utf8_lossy(out, text_slice(piece, 0, nul));
        buffer_append_string(out, "\xef\xbf\xbd");
        piece = text_slice(piece, nul + 1, piece.length);
    }
    buffer_append_utf8_lossy(out, piece);
}

void turn_add(struct turn *turn, struct text piece)
{
    struct turn_saver *saver = &turn->conversations->saver;
    pthread_mutex_lock(&saver->mutex);
    append_clean(&turn->content, piece);
    pthread_mutex_unlock(&saver->mutex);
}

void turn_finish(struct turn *turn, const struct turn_end *end,
                 void (*saved)(void *argument, enum status status, const struct fault *fault),
                 void *argument)
{
    struct turn_saver *saver = &turn->conversations->saver;
    pthread_mutex_lock(&saver->mutex);
    turn->message.tokens_in = end->tokens_in;
    turn->message.tokens_out = end->tokens_out;
    buffer_append_text(&turn->content_struct, end->content_struct);
    buffer_append_text(&turn->meta, end->meta);
    bool is_whole = !turn->content.failed && !turn->content_struct.failed && !turn->meta.failed;
    turn->message.state = is_whole ? end->state : MESSAGE_INTERRUPTED;
    turn->saved = saved;
    turn->argument = argument;
    turn->ended_ns = clock_monotonic_ns();
    turn_saver_wake(saver);
    pthread_mutex_unlock(&saver->mutex);
}
