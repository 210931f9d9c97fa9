/* conversations_http.c - the routes of /v1/conversations, and the way to their actions. */
#include "conversations/adaptation/conversations_http.h"

#include <stdlib.h>
#include <string.h>

#include "conversations/adaptation/conversation_actions.h"
#include "conversations/adaptation/conversation_schemas.h"
#include "http/json_body.h"

#define LIST "/v1/conversations"
#define ONE  LIST "/{id}"

static const struct row {
    const char *method, *pattern;
    enum limit_kind limit;
    conversation_action *action;
    const char *summary, *request_schema, *answer_schema;
    bool may_lack_body;
} rows[] = {
    {"POST", LIST, LIMIT_WRITE, action_create, "A new conversation", SCHEMA_CONVERSATION_WISH,
     SCHEMA_CONVERSATION, true},
    {"GET", LIST, LIMIT_READ, action_list, "The caller's conversations, the last changed first",
     NULL, SCHEMA_CONVERSATION_LIST, false},
    {"GET", LIST "/search", LIMIT_READ, action_search, "Messages with these words, the best first",
     NULL, SCHEMA_MESSAGE_HITS, false},
    {"GET", ONE, LIMIT_READ, action_get, "One conversation", NULL, SCHEMA_CONVERSATION, false},
    {"PATCH", ONE, LIMIT_WRITE, action_change, "Rename, archive, reopen",
     SCHEMA_CONVERSATION_CHANGE, SCHEMA_CONVERSATION, false},
    {"DELETE", ONE, LIMIT_WRITE, action_delete, "Delete with all messages", NULL, SCHEMA_DELETED,
     false},
    {"POST", ONE "/fork", LIMIT_WRITE, action_fork, "A new conversation up to one of the messages",
     SCHEMA_FORK_WISH, SCHEMA_CONVERSATION, false},
    {"GET", ONE "/export", LIMIT_READ, action_export, "All of it as Markdown or JSON", NULL, NULL,
     false},
    {"GET", ONE "/messages", LIMIT_READ, action_messages, "The messages in their order", NULL,
     SCHEMA_MESSAGE_LIST, false},
    {"POST", ONE "/messages", LIMIT_WRITE, action_append, "One message more", SCHEMA_MESSAGE_WISH,
     SCHEMA_MESSAGE, false},
};

struct conversations_http {
    struct conversations *conversations;
    struct served_row {
        const struct row *row;
        struct conversations_http *http;
    } served[ARRAY_COUNT(rows)]; /* contexts of the routes */
    struct gateway_route routes[ARRAY_COUNT(rows)];
};

/* ---- one request ---- */

static void answer(struct conversation_call *call)
{
    struct fault fault;
    enum status status = buffer_status(&call->out, &fault);
    if (status != OK)
        gateway_reply_fault(call->exchange, status, &fault, NULL);
    else if (call->is_page)
        gateway_reply_page(call->exchange, buffer_text(&call->out),
                           call->next_cursor[0] ? call->next_cursor : NULL);
    else
        gateway_reply_ok(call->exchange, call->http_code, buffer_text(&call->out));
}

static enum status act(struct conversation_call *call, const struct row *row, struct fault *fault)
{
    bool has_body = http_body(call->exchange).length > 0;
    if (row->request_schema && (has_body || !row->may_lack_body))
        TRY(json_body_parse(http_body(call->exchange), &call->body, fault));
    return row->action(call, fault);
}

/* What is wrong with a request is told to the conversation's owner only: others learn by nothing
 * that there is such a conversation. */
static enum status hide_from_others(const struct conversation_call *call, enum status status,
                                    struct fault *fault)
{
    struct conversation conversation;
    struct uuid id;
    struct fault not_theirs;
    if (status != STATUS_INVALID || http_path_parameter(call->exchange, "id").length == 0)
        return status;
    enum status found = call_path_id(call, &id, &not_theirs);
    if (found == OK)
        found = conversation_get(call->conversations, call->user, id, call->job, &conversation,
                                 &not_theirs);
    if (found == OK) return status;
    *fault = not_theirs;
    return found;
}

static void handle(struct http_exchange *exchange, void *context)
{
    const struct served_row *served = context;
    struct conversation_call call = {
        .exchange = exchange,
        .conversations = served->http->conversations,
        .user = gateway_caller(exchange)->principal.account.id,
        .job = http_arena(exchange),
        .http_code = 200,
    };
    struct fault fault;
    buffer_init(&call.out);
    enum status status = act(&call, served->row, &fault);
    if (status != OK) status = hide_from_others(&call, status, &fault);
    if (status != OK)
        gateway_reply_fault(exchange, status, &fault, NULL);
    else if (!call.is_answered)
        answer(&call);
    buffer_deinit(&call.out);
    json_decref(call.body);
}

/* ---- life ---- */

static struct gateway_route route_of(struct served_row *served)
{
    const struct row *row = served->row;
    return (struct gateway_route){
        .method = row->method,
        .pattern = row->pattern,
        .access = ACCESS_ACCOUNT,
        .style = STYLE_ENVELOPE,
        .limit = row->limit,
        .replays = strcmp(row->method, "POST") == 0,
        .handler = handle,
        .context = served,
        .summary = row->summary,
        .request_schema = row->request_schema,
        .answer_schema = row->answer_schema,
    };
}

enum status conversations_http_open(struct conversations_http **out,
                                    struct conversations *conversations, struct fault *fault)
{
    struct conversations_http *http = calloc(1, sizeof *http);
    if (!http) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the conversations' API");
    http->conversations = conversations;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        http->served[i] = (struct served_row){&rows[i], http};
        http->routes[i] = route_of(&http->served[i]);
    }
    *out = http;
    return OK;
}

void conversations_http_close(struct conversations_http *http)
{
    free(http);
}

enum status conversations_http_install(struct conversations_http *http, struct gateway *gateway,
                                       struct fault *fault)
{
    return gateway_add_routes(gateway, http->routes, ARRAY_COUNT(http->routes), fault);
}
