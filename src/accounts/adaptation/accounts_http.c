/* accounts_http.c - life: the routes of all files of this folder, gathered into one table. */
#include "accounts/adaptation/accounts_http.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/adaptation/call.h"
#include "accounts/adaptation/page.h"
#include "http/json_body.h"

static const struct api_rows *const API[] = {&sign_in_api, &session_api, &token_api,
                                             &mfa_api,     &admin_api,   &personal_api};
static const struct route_rows *const ROUTES[] = {&seed_token_routes, &export_routes, &public_pages,
                                                  &elsewhere_routes,  &account_pages, &admin_pages,
                                                  &dashboard_pages,   &static_files};

struct served_api {
    const struct accounts_http *http;
    const struct api_row *row;
};

/* ---- one call of the API ---- */

static void reply_list(const struct call *call, json_t *list)
{
    struct buffer text;
    struct fault fault;
    buffer_init(&text);
    json_append(&text, list);
    if (!list) text.failed = true;
    enum status status = buffer_status(&text, &fault);
    if (status == OK)
        gateway_reply_page(call->exchange, buffer_text(&text), call->next_cursor);
    else
        gateway_reply_fault(call->exchange, status, &fault, NULL);
    buffer_deinit(&text);
    json_decref(list);
}

static void api_handle(struct http_exchange *exchange, void *context)
{
    const struct served_api *served = context;
    struct call call;
    struct fault fault;
    json_t *body = NULL, *answer = NULL;
    call_init(&call, exchange, served->http);
    if (served->row->request_schema && !gateway_read_body(exchange, &body)) return;
    call.body = body;
    enum status status = served->row->action(&call, &answer, &fault);
    http_set_header(exchange, "Cache-Control", "no-store"); /* RFC 6749: what holds tokens */
    if (status != OK)
        gateway_reply_fault(exchange, status, &fault, NULL);
    else if (call.is_list)
        reply_list(&call, answer);
    else
        gateway_reply_tree(exchange, call.http_code, answer);
    json_decref(body);
}

/* ---- life ---- */

static size_t count_api(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(API); i++) count += API[i]->count;
    return count;
}

static size_t count_routes(void)
{
    size_t count = count_api();
    for (size_t i = 0; i < ARRAY_COUNT(ROUTES); i++) count += ROUTES[i]->count;
    return count;
}

static void add_api(struct accounts_http *http, struct served_api *served,
                    const struct api_row *row)
{
    *served = (struct served_api){http, row};
    http->routes[http->route_count++] = (struct gateway_route){
        .method = row->method,
        .pattern = row->pattern,
        .access = row->access,
        .style = STYLE_ENVELOPE,
        .limit = row->limit,
        .handler = api_handle,
        .context = served,
        .summary = row->summary,
        .request_schema = row->request_schema,
        .answer_schema = row->answer_schema,
    };
}

static bool make_routes(struct accounts_http *http)
{
    http->api = calloc(count_api(), sizeof *http->api);
    http->routes = calloc(count_routes(), sizeof *http->routes);
    if (!http->api || !http->routes) return false;
    struct served_api *served = http->api;
    for (size_t i = 0; i < ARRAY_COUNT(API); i++)
        for (size_t j = 0; j < API[i]->count; j++) add_api(http, served++, &API[i]->rows[j]);
    for (size_t i = 0; i < ARRAY_COUNT(ROUTES); i++)
        for (size_t j = 0; j < ROUTES[i]->count; j++) {
            struct gateway_route *route = &http->routes[http->route_count++];
            *route = ROUTES[i]->rows[j];
            route->context = http;
        }
    return true;
}

enum status accounts_http_open(struct accounts_http **out,
                               const struct accounts_http_options *options, struct fault *fault)
{
    struct accounts_http *http = calloc(1, sizeof *http);
    if (!http) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the pages of accounts");
    http->accounts = options->accounts;
    http->database = options->database;
    http->invite_only = options->invite_only;
    http->public_url = options->public_url ? strdup(options->public_url) : NULL;
    http->version = strdup(options->version);
    enum status status = OK;
    if ((options->public_url && !http->public_url) || !http->version || !make_routes(http))
        status = fault_set(fault, STATUS_NO_MEMORY, "no memory for the pages of accounts");
    if (status == OK) status = pages_open(&http->pages, fault);
    if (status != OK) {
        accounts_http_close(http);
        return status;
    }
    *out = http;
    return OK;
}

void accounts_http_close(struct accounts_http *http)
{
    if (!http) return;
    pages_close(http->pages);
    free(http->public_url);
    free(http->version);
    free(http->api);
    free(http->routes);
    free(http);
}

enum status accounts_http_install(struct accounts_http *http, struct gateway *gateway,
                                  struct fault *fault)
{
    gateway_set_error_page(gateway, page_error, http);
    return gateway_add_routes(gateway, http->routes, http->route_count, fault);
}
