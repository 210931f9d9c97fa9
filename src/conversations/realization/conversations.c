/* conversations.c - conversations and messages: each function of the face is one transaction. */
#include "conversations/realization/conversations_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "conversations/search_query.h"
#include "platform/platform.h"

/* ---- shared ---- */

int64_t conversations_now_us(const struct conversations *conversations)
{
    int64_t (*now_us)(void) = conversations->options.now_us;
    return now_us ? now_us() : clock_wall_ms() * 1000;
}

struct uuid conversations_new_id(const struct conversations *conversations)
{
    unsigned char random[10];
    entropy_fill(random, sizeof random);
    return uuid_v7(conversations_now_us(conversations) / 1000, random);
}

/* What a transaction works on. */
struct work {
    struct conversations *conversations;
    struct uuid user, id;
    struct arena *job;
    struct conversation *conversation;
    struct message *message;
    const struct conversation_change *change;
    enum conversation_status status;
    const struct page_wish *wish;
    struct conversation_page *conversation_page;
    struct message_page *message_page;
    bool newest_first;
    struct text query;
    uint32_t limit;
    struct message_hit **hits;
    size_t *count;
    struct uuid message_id;
};

static enum status read_as(struct work *work, sql_work *function, struct fault *fault)
{
    return database_read(work->conversations->options.database, sql_actor_user(work->user),
                         function, work, fault);
}

static enum status write_as(struct work *work, sql_work *function, struct fault *fault)
{
    return database_write(work->conversations->options.database, sql_actor_user(work->user),
                          function, work, fault);
}

/* ---- conversations ---- */

static enum status insert_conversation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    return store_conversation_insert(t, w->user, w->conversation, fault);
}

enum status conversation_create(struct conversations *conversations, struct uuid user,
                                struct conversation *conversation, struct fault *fault)
{
    int64_t now_us = conversations_now_us(conversations);
    struct work work = {.conversations = conversations, .user = user, .conversation = conversation};
    TRY(title_check(conversation->title, fault));
    TRY(meta_check(conversation->meta, fault));
    *conversation = (struct conversation){
        .id = conversations_new_id(conversations),
        .title = conversation->title,
        .created_us = now_us,
        .updated_us = now_us,
        .meta = conversation->meta,
    };
    return write_as(&work, insert_conversation, fault);
}

static enum status find_conversation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    return store_conversation_find(t, w->job, w->user, w->id, w->conversation, fault);
}

enum status conversation_get(struct conversations *conversations, struct uuid user, struct uuid id,
                             struct arena *job, struct conversation *conversation,
                             struct fault *fault)
{
    struct work work = {.conversations = conversations,
                        .user = user,
                        .id = id,
                        .job = job,
                        .conversation = conversation};
    return read_as(&work, find_conversation, fault);
}

static enum status limit_check(uint32_t limit, uint32_t most, struct fault *fault)
{
    if (limit >= 1 && limit <= most) return OK;
    return fault_set_param(fault, STATUS_INVALID, "limit", "limit must be from 1 to %u", most);
}

/* Before all that there are. */
static struct page_cursor first_place(void)
{
    struct page_cursor first = {.at = INT64_C(253402300799999999)}; /* the year 9999 */
    for (size_t i = 0; i < sizeof first.id.bytes; i++) first.id.bytes[i] = 0xff;
    return first;
}

static enum status list_conversations(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    struct conversation_page *page = w->conversation_page;
    struct page_cursor after = w->wish->after ? *w->wish->after : first_place();
    TRY(store_conversations_list(t, w->job, w->user, w->status, after, w->wish->limit, &page->items,
                                 &page->count, fault));
    page->has_more = page->count > w->wish->limit;
    if (!page->has_more) return OK;
    page->count = w->wish->limit;
    const struct conversation *last = &page->items[page->count - 1];
    page->next = (struct page_cursor){last->updated_us, last->id};
    return OK;
}

enum status conversation_list(struct conversations *conversations, struct uuid user,
                              enum conversation_status status, const struct page_wish *wish,
                              struct arena *job, struct conversation_page *page,
                              struct fault *fault)
{
    struct work work = {.conversations = conversations,
                        .user = user,
                        .status = status,
                        .wish = wish,
                        .job = job,
                        .conversation_page = page};
    TRY(limit_check(wish->limit, PAGE_LIMIT, fault));
    return read_as(&work, list_conversations, fault);
}

static enum status change_conversation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    TRY(store_conversation_change(t, w->user, w->id, w->change,
                                  conversations_now_us(w->conversations), fault));
    return store_conversation_find(t, w->job, w->user, w->id, w->conversation, fault);
}

enum status conversation_change(struct conversations *conversations, struct uuid user,
                                struct uuid id, const struct conversation_change *change,
                                struct arena *job, struct conversation *conversation,
                                struct fault *fault)
{
    struct work work = {.conversations = conversations,
                        .user = user,
                        .id = id,
                        .change = change,
                        .job = job,
                        .conversation = conversation};
    if (change->title) TRY(title_check(*change->title, fault));
    if (change->meta) TRY(meta_check(*change->meta, fault));
    return write_as(&work, change_conversation, fault);
}

static enum status delete_conversation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    return store_conversation_delete(t, w->user, w->id, fault);
}

enum status conversation_delete(struct conversations *conversations, struct uuid user,
                                struct uuid id, struct fault *fault)
{
    struct work work = {.conversations = conversations, .user = user, .id = id};
    return write_as(&work, delete_conversation, fault);
}

/* ---- forking ---- */

/* Copy the messages with seq from *from to `to`, a page of them. */
static enum status copy_page(struct transaction *t, const struct work *w, struct arena *page,
                             struct uuid source, int64_t *from, int64_t to, struct fault *fault)
{
    struct message *messages;
    size_t count;
    TRY(store_messages_list(t, page, w->user, source, false, *from - 1, PAGE_LIMIT,
                            conversations_now_us(w->conversations), &messages, &count, fault));
    for (size_t i = 0; i < count && *from <= to; i++) {
        struct message *message = &messages[i];
        if (message->state == MESSAGE_WRITING)
            return fault_set(fault, STATUS_CONFLICT,
                             "a message before that one is still being written");
        *from = message->seq + 1;
        message->id = conversations_new_id(w->conversations);
        message->conversation_id = w->conversation->id;
        TRY(store_message_insert(t, w->user, message, 0, fault));
    }
    return count ? OK : fault_set(fault, STATUS_CORRUPT, "the conversation has a gap");
}

static enum status copy_messages(struct transaction *t, const struct work *w, struct uuid source,
                                 int64_t to, struct fault *fault)
{
    for (int64_t from = 1; from <= to;) {
        struct arena page;
        arena_init(&page, 0);
        enum status status = copy_page(t, w, &page, source, &from, to, fault);
        arena_deinit(&page);
        TRY(status);
    }
    return OK;
}

static struct text origin_meta(struct arena *job, struct uuid conversation, struct uuid message)
{
    char ids[2][UUID_TEXT_BYTES];
    uuid_format(conversation, ids[0]);
    uuid_format(message, ids[1]);
    return text_of(
        arena_printf(job, "{\"forked_from\":{\"conversation_id\":\"%s\",\"message_id\":\"%s\"}}",
                     ids[0], ids[1]));
}

static enum status fork_conversation(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    struct conversation source;
    int64_t to, first;
    TRY(store_conversation_find(t, w->job, w->user, w->id, &source, fault));
    TRY(store_message_find_seq(t, w->user, w->id, w->message_id, &to, fault));
    int64_t now_us = conversations_now_us(w->conversations);
    *w->conversation = (struct conversation){
        .id = conversations_new_id(w->conversations),
        .title = source.title,
        .created_us = now_us,
        .updated_us = now_us,
        .active_context = source.active_context,
        .message_count = to,
        .meta = origin_meta(w->job, w->id, w->message_id),
    };
    if (!w->conversation->meta.length)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a conversation");
    TRY(store_conversation_insert(t, w->user, w->conversation, fault));
    TRY(store_seq_take(t, w->user, w->conversation->id, (size_t)to, now_us, TEXT(""), &first,
                       fault));
    return copy_messages(t, w, w->id, to, fault);
}

enum status conversation_fork(struct conversations *conversations, struct uuid user, struct uuid id,
                              struct uuid message, struct arena *job,
                              struct conversation *conversation, struct fault *fault)
{
    struct work work = {.conversations = conversations,
                        .user = user,
                        .id = id,
                        .message_id = message,
                        .job = job,
                        .conversation = conversation};
    return write_as(&work, fork_conversation, fault);
}

/* ---- messages ---- */

static struct text title_from(const struct message *messages, size_t count,
                              char title[TITLE_MADE_BYTES])
{
    for (size_t i = 0; i < count; i++)
        if (messages[i].sender == SENDER_USER) return title_of_message(messages[i].content, title);
    return TEXT("");
}

enum status messages_append(struct conversations *conversations, struct transaction *t,
                            struct uuid user, struct message *messages, size_t count,
                            int64_t writing_until_us, struct fault *fault)
{
    char title[TITLE_MADE_BYTES];
    int64_t seq, now_us = conversations_now_us(conversations);
    TRY(store_seq_take(t, user, messages[0].conversation_id, count, now_us,
                       title_from(messages, count, title), &seq, fault));
    for (size_t i = 0; i < count; i++) {
        messages[i].id = conversations_new_id(conversations);
        messages[i].conversation_id = messages[0].conversation_id;
        messages[i].seq = seq++;
        messages[i].created_us = now_us;
        TRY(store_message_insert(t, user, &messages[i], writing_until_us, fault));
    }
    return OK;
}

static enum status append_one(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    return messages_append(w->conversations, t, w->user, w->message, 1, 0, fault);
}

enum status message_append(struct conversations *conversations, struct uuid user,
                           struct message *message, struct fault *fault)
{
    struct work work = {.conversations = conversations, .user = user, .message = message};
    message->state = MESSAGE_COMPLETE;
    TRY(message_check(message, fault));
    return write_as(&work, append_one, fault);
}

static enum status list_messages(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    struct message_page *page = w->message_page;
    struct conversation conversation;
    int64_t seq = w->newest_first ? INT64_MAX : 0;
    if (w->wish->after) seq = w->wish->after->at;
    TRY(store_messages_list(t, w->job, w->user, w->id, w->newest_first, seq, w->wish->limit,
                            conversations_now_us(w->conversations), &page->items, &page->count,
                            fault));
    if (page->count == 0) /* an empty conversation, or none? */
        return store_conversation_find(t, sql_job(t), w->user, w->id, &conversation, fault);
    page->has_more = page->count > w->wish->limit;
    if (!page->has_more) return OK;
    page->count = w->wish->limit;
    const struct message *last = &page->items[page->count - 1];
    page->next = (struct page_cursor){last->seq, last->id};
    return OK;
}

enum status message_list(struct conversations *conversations, struct uuid user,
                         struct uuid conversation, bool newest_first, const struct page_wish *wish,
                         struct arena *job, struct message_page *page, struct fault *fault)
{
    struct work work = {.conversations = conversations,
                        .user = user,
                        .id = conversation,
                        .newest_first = newest_first,
                        .wish = wish,
                        .job = job,
                        .message_page = page};
    *page = (struct message_page){0};
    TRY(limit_check(wish->limit, PAGE_LIMIT, fault));
    return read_as(&work, list_messages, fault);
}

/* ---- searching ---- */

static enum status search_messages(struct transaction *t, void *argument, struct fault *fault)
{
    const struct work *w = argument;
    return store_messages_search(t, w->job, w->user, w->query, w->limit, w->hits, w->count, fault);
}

enum status message_search(struct conversations *conversations, struct uuid user, struct text typed,
                           uint32_t limit, struct arena *job, struct message_hit **hits,
                           size_t *count, struct fault *fault)
{
    struct buffer query;
    buffer_init(&query);
    enum status status = limit_check(limit, SEARCH_LIMIT, fault);
    if (status == OK) status = search_query_make(typed, &query, fault);
    if (status == OK) {
        struct work work = {.conversations = conversations,
                            .user = user,
                            .query = buffer_text(&query),
                            .limit = limit,
                            .job = job,
                            .hits = hits,
                            .count = count};
        status = read_as(&work, search_messages, fault);
    }
    buffer_deinit(&query);
    return status;
}

/* ---- life ---- */

enum { DEFAULT_SAVE_MS = 1000, DEFAULT_LEASE_MS = 10000 };

enum status conversations_open(struct conversations **out,
                               const struct conversations_options *options, struct fault *fault)
{
    struct conversations *conversations = calloc(1, sizeof *conversations);
    if (!conversations) return fault_set(fault, STATUS_NO_MEMORY, "no memory for conversations");
    conversations->options = *options;
    if (!options->save_ms) conversations->options.save_ms = DEFAULT_SAVE_MS;
    if (!options->lease_ms) conversations->options.lease_ms = DEFAULT_LEASE_MS;
    enum status status = turn_saver_start(conversations, fault);
    if (status == OK)
        *out = conversations;
    else
        free(conversations);
    return status;
}

void conversations_close(struct conversations *conversations)
{
    if (!conversations) return;
    turn_saver_stop(conversations);
    free(conversations);
}
