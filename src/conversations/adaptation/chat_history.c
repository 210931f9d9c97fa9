/* chat_history.c - see chat_history.h. */
#include "conversations/adaptation/chat_history.h"

#include <stdlib.h>

#include "conversations/adaptation/told_messages.h"
#include "conversations/window.h"
#include "http/json_body.h"
#include "model/tokenizer/tokenizer.h"

enum {
    AROUND_TOKENS = 8, /* what templates put around a message, about */
    HISTORY_MB = 64,   /* in memory for one request, at most */
};

struct history {
    struct arena job;
    struct message *messages;
    size_t count, capacity;
    struct window_message *shapes; /* one more, for what is asked */
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the conversation");
}

/* ---- reading ---- */

static enum status add_page(struct history *history, const struct message_page *page,
                            struct fault *fault)
{
    if (history->count + page->count > history->capacity) {
        size_t capacity = 2 * (history->count + page->count);
        struct message *grown = realloc(history->messages, capacity * sizeof *history->messages);
        if (!grown) return no_memory(fault);
        history->messages = grown;
        history->capacity = capacity;
    }
    for (size_t i = 0; i < page->count; i++) history->messages[history->count++] = page->items[i];
    return OK;
}

static enum status read_pages(struct history *history, struct conversations *conversations,
                              struct uuid user, struct uuid conversation, struct fault *fault)
{
    struct page_wish wish = {.limit = PAGE_LIMIT};
    struct message_page page = {.has_more = true};
    struct page_cursor cursor;
    while (page.has_more) {
        TRY(message_list(conversations, user, conversation, false, &wish, &history->job, &page,
                         fault));
        TRY(add_page(history, &page, fault));
        cursor = page.next;
        wish.after = &cursor;
    }
    return OK;
}

static enum status read_all(struct history *history, struct conversations *conversations,
                            struct uuid user, struct uuid conversation, struct fault *fault)
{
    arena_init(&history->job, (size_t)HISTORY_MB << 20);
    enum status status = read_pages(history, conversations, user, conversation, fault);
    if (status != STATUS_TOO_LARGE) return status;
    return fault_set_param(fault, status, "conversation_id",
                           "the conversation is larger than %d MB: begin a new one", HISTORY_MB);
}

/* ---- measuring ---- */

static enum status count_tokens(const struct tokenizer *tokenizer, struct text text,
                                uint32_t *tokens, struct fault *fault)
{
    struct token_list list = {.ids = NULL};
    enum status status = tokenizer_encode(tokenizer, text, 0, &list, fault);
    *tokens = (uint32_t)list.count + AROUND_TOKENS;
    token_list_deinit(&list);
    return status;
}

/* What is asked is told in any case, and as a whole. */
static enum status measure_asked(const struct chat_room *room, const json_t *asked,
                                 struct window_message *shape, struct fault *fault)
{
    size_t index;
    const json_t *message;
    shape->seq = INT64_MAX;
    json_array_foreach(asked, index, message)
    {
        uint32_t tokens;
        struct buffer text;
        buffer_init(&text);
        json_append(&text, message);
        enum status status = buffer_status(&text, fault);
        if (status == OK)
            status = count_tokens(room->tokenizer, buffer_text(&text), &tokens, fault);
        buffer_deinit(&text);
        TRY(status);
        shape->tokens += tokens;
    }
    return OK;
}

/* What a summary stands for need not be measured: it is not told. */
static enum status measure(struct history *history, const struct chat_room *room,
                           const json_t *asked, struct fault *fault)
{
    history->shapes = calloc(history->count + 1, sizeof *history->shapes);
    if (!history->shapes) return no_memory(fault);
    int64_t covered = 0;
    for (size_t i = 0; i < history->count; i++) {
        struct window_message *shape = &history->shapes[i];
        const struct message *message = &history->messages[i];
        shape->seq = message->seq;
        shape->stands_for = summary_stands_for(message);
        shape->is_pinned = message->sender == SENDER_SYSTEM && !shape->stands_for;
        shape->is_bound = message->sender == SENDER_TOOL;
        if (shape->stands_for > covered) covered = shape->stands_for;
    }
    for (size_t i = 0; i < history->count; i++) {
        struct window_message *shape = &history->shapes[i];
        const struct message *message = &history->messages[i];
        if (shape->seq <= covered && !shape->is_pinned) continue;
        uint32_t of_calls = 0;
        TRY(count_tokens(room->tokenizer, message->content, &shape->tokens, fault));
        if (message->content_struct.length && message->sender == SENDER_ASSISTANT)
            TRY(count_tokens(room->tokenizer, message->content_struct, &of_calls, fault));
        shape->tokens += of_calls;
    }
    return measure_asked(room, asked, &history->shapes[history->count], fault);
}

/* ---- telling ---- */

static enum status tell(const struct message *message, json_t *told, struct fault *fault)
{
    json_t *one;
    TRY(message_tell(message, &one, fault));
    if (one && json_array_append_new(told, one) != 0) return no_memory(fault);
    return OK;
}

/* Instructions come first, then the summary, then the rest in its order. */
static enum status tell_window(const struct history *history, const struct window *window,
                               json_t *told, struct fault *fault)
{
    for (size_t i = 0; i < history->count; i++)
        if (history->shapes[i].is_pinned) TRY(tell(&history->messages[i], told, fault));
    if (window->summary >= 0) TRY(tell(&history->messages[window->summary], told, fault));
    for (size_t i = 0; i < history->count; i++) {
        const struct window_message *shape = &history->shapes[i];
        bool is_rest = !shape->is_pinned && !shape->stands_for;
        if (is_rest && window_tells(window, history->shapes, i))
            TRY(tell(&history->messages[i], told, fault));
    }
    return OK;
}

static enum status tell_surplus(const struct history *history, const struct window *window,
                                json_t *told, struct fault *fault)
{
    if (window->summary >= 0) TRY(tell(&history->messages[window->summary], told, fault));
    for (size_t i = window->first; i < window->end; i++)
        if (!history->shapes[i].is_pinned && !history->shapes[i].stands_for)
            TRY(tell(&history->messages[i], told, fault));
    return OK;
}

/* ---- the face ---- */

static enum status choose(struct history *history, const struct chat_room *room,
                          const json_t *asked, json_t *told, int64_t *stands_for,
                          struct fault *fault)
{
    struct window window;
    TRY(measure(history, room, asked, fault));
    TRY(window_choose(history->shapes, history->count + 1, room->tokens, room->summary_tokens,
                      &window, fault));
    *stands_for = window.must_summarise ? history->shapes[window.end - 1].seq : 0;
    if (window.must_summarise) return tell_surplus(history, &window, told, fault);
    return tell_window(history, &window, told, fault);
}

enum status chat_history_load(struct conversations *conversations, struct uuid user,
                              struct uuid conversation, const struct chat_room *room,
                              const json_t *asked, json_t **told, int64_t *stands_for,
                              struct fault *fault)
{
    struct history history = {.messages = NULL};
    *told = json_array();
    if (!*told) return no_memory(fault);
    enum status status = read_all(&history, conversations, user, conversation, fault);
    if (status == OK) status = choose(&history, room, asked, *told, stands_for, fault);
    arena_deinit(&history.job);
    free(history.messages);
    free(history.shapes);
    if (status != OK) json_decref(*told);
    return status;
}
