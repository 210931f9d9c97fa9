/* pages_dashboard.c - the page of who is signed in: the API keys. A key is shown once, in the
 * answer to the form that made it. */
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"

static const struct form NEW_TOKEN = {"dashboard", {{"name", false}}};

/* The page's own part of the context. */
static enum status dashboard_context(const struct call *call, json_t **context, struct fault *fault)
{
    struct token_view *tokens;
    size_t count;
    TRY(accounts_token_list(call->accounts, call->user, call->job, &tokens, &count, fault));
    *context = json_pack("{s:o, s:o}", "tokens", tokens_json(tokens, count), "done",
                         text_json(http_query_parameter(call->exchange, "done")));
    return OK;
}

static void dashboard(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    json_t *page;
    call_init(&call, exchange, context);
    enum status status = dashboard_context(&call, &page, &fault);
    if (status == OK)
        page_reply(&call, 200, "dashboard", page);
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

static void token_create(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct token_view token;
    char secret[SECRET_TEXT_BYTES];
    json_t *page;
    call_init(&call, exchange, context);
    const struct token_wish wish = {.name = http_form_field(exchange, "name")};
    enum status made =
        accounts_token_create(call.accounts, call.user, &wish, secret, &token, &fault);
    struct fault of_list;
    enum status status = dashboard_context(&call, &page, &of_list);
    if (status != OK) {
        gateway_reply_fault(exchange, status, &of_list, NULL);
    } else if (made != OK) {
        form_again(&call, &NEW_TOKEN, page, made, &fault);
    } else {
        json_object_set_new(page, "secret", json_string(secret));
        page_reply(&call, 201, "dashboard", page);
    }
}

static void token_revoke(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct uuid token;
    call_init(&call, exchange, context);
    enum status status = path_id(&call, &token, &fault);
    if (status == OK) status = accounts_token_revoke(call.accounts, call.user, token, &fault);
    if (status == OK)
        page_redirect(&call, "/dashboard?done=revoked");
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

/* clang-format off */
static const struct gateway_route ROWS[] = {
    {"GET", "/dashboard", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, dashboard, .summary = "The API keys"},
    {"POST", "/dashboard/tokens", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, token_create,
     .summary = "Make an API key, which is shown this once"},
    {"POST", "/dashboard/tokens/{id}/revoke", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, token_revoke,
     .summary = "Revoke an API key"},
};
/* clang-format on */

const struct route_rows dashboard_pages = {ROWS, ARRAY_COUNT(ROWS)};
