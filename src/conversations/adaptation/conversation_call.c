/* conversation_call.c - see conversation_call.h. */
#include "conversations/adaptation/conversation_call.h"

#include "http/json_body.h"

enum status call_path_id(const struct conversation_call *call, struct uuid *id, struct fault *fault)
{
    if (uuid_parse(http_path_parameter(call->exchange, "id"), id)) return OK;
    return fault_set(fault, STATUS_NOT_FOUND, "Conversation not found");
}

static enum status read_limit(struct text word, uint32_t most, uint32_t *limit, struct fault *fault)
{
    uint32_t number = 0;
    for (size_t i = 0; i < word.length && number <= most; i++) {
        if (word.data[i] < '0' || word.data[i] > '9') number = most;
        number = number * 10 + (uint32_t)(word.data[i] - '0');
    }
    if (number < 1 || number > most)
        return fault_set_param(fault, STATUS_INVALID, "limit", "limit must be from 1 to %u", most);
    *limit = number;
    return OK;
}

enum status call_page_wish(const struct conversation_call *call, enum cursor_kind kind,
                           uint32_t most, struct page_wish *wish, struct page_cursor *cursor,
                           struct fault *fault)
{
    struct text limit = http_query_parameter(call->exchange, "limit");
    struct text after = http_query_parameter(call->exchange, "cursor");
    *wish = (struct page_wish){.limit = PAGE_DEFAULT};
    if (limit.length) TRY(read_limit(limit, most, &wish->limit, fault));
    if (!after.length) return OK;
    TRY(page_cursor_parse(kind, after, cursor, fault));
    wish->after = cursor;
    return OK;
}

enum status call_keep_tree(const struct conversation_call *call, const json_t *tree,
                           struct text *value, struct fault *fault)
{
    struct buffer text;
    buffer_init(&text);
    json_append(&text, tree);
    char *copy = text.failed ? NULL : arena_copy(call->job, text.data, text.length);
    *value = (struct text){copy, text.length};
    buffer_deinit(&text);
    return copy ? OK : fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

enum status call_read_object(const struct conversation_call *call, const char *name,
                             struct text *value, struct fault *fault)
{
    json_t *tree;
    *value = TEXT("");
    TRY(json_read_object(call->body, name, &tree, fault));
    return tree ? call_keep_tree(call, tree, value, fault) : OK;
}
