/* gateway.c - the routes, and what a request passes on its way to its handler. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/adaptation/gateway_private.h"
#include "gateway/openapi.h"
#include "platform/platform.h"

/* ---- life ---- */

enum { ROUTES_LIMIT = 512 };

static void show_routes(struct http_exchange *exchange, void *context)
{
    const struct gateway *gateway = context;
    struct buffer out;
    buffer_init(&out);
    openapi_append(&out, gateway->rows, gateway->count, gateway->options.version);
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}

/* clang-format off */
static const char HEALTH_SCHEMA[] = JSON(
    {"type": "object", "required": ["status", "version", "uptime_seconds", "checks"],
     "properties": {
        "status": {"enum": ["ok", "degraded", "unavailable"]},
        "version": {"type": "string"},
        "uptime_seconds": {"type": "integer"},
        "checks": {"type": "object", "additionalProperties": {"enum": ["ok", "none", "unavailable"]}}}});
/* clang-format on */

static enum status add_own_routes(struct gateway *gateway, struct fault *fault)
{
    const struct gateway_route rows[OWN_ROUTES] = {
        /* R23: probes have no key */
        {"GET", "/healthz", ACCESS_OPEN, STYLE_OPENAI, LIMIT_NONE, false, gateway_healthz, gateway,
         "Is the server ready, and does what it depends on answer?", NULL, HEALTH_SCHEMA},
        {"GET", "/openapi.json", ACCESS_OPEN, STYLE_OPENAI, LIMIT_READ, false, show_routes, gateway,
         "All routes, as this document", NULL, JSON({"type" : "object"})},
    };
    memcpy(gateway->own_rows, rows, sizeof rows);
    return gateway_add_routes(gateway, gateway->own_rows, OWN_ROUTES, fault);
}

static void recheck(void *argument)
{
    presence_recheck(argument);
}

enum status gateway_open(struct gateway **out, const struct gateway_options *options,
                         struct fault *fault)
{
    for (const char *const *proxy = options->proxies; proxy && *proxy; proxy++)
        if (!proxy_is_valid(*proxy))
            return fault_set_param(fault, STATUS_INVALID, "trusted-proxy",
                                   "%s is no address and no network such as 10.0.0.0/8", *proxy);
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (!gateway) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the gateway");
    gateway->options = *options;
    gateway->opened_ms = clock_wall_ms();
    pthread_mutex_init(&gateway->presence_lock, NULL);
    gateway->service_key = strdup(options->service_key ? options->service_key : "");
    gateway->http_routes = calloc(ROUTES_LIMIT, sizeof *gateway->http_routes);
    gateway->served = calloc(ROUTES_LIMIT, sizeof *gateway->served);
    gateway->rows = calloc(ROUTES_LIMIT, sizeof *gateway->rows);
    if (!gateway->service_key || !gateway->http_routes || !gateway->served || !gateway->rows) {
        gateway_close(gateway);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the gateway");
    }
    enum status status = attendant_open(&gateway->attendant, recheck, gateway, fault);
    if (status == OK) status = add_own_routes(gateway, fault);
    if (status != OK) {
        gateway_close(gateway);
        return status;
    }
    *out = gateway;
    return OK;
}

void gateway_close(struct gateway *gateway)
{
    if (!gateway) return;
    attendant_close(gateway->attendant);
    pthread_mutex_destroy(&gateway->presence_lock);
    free(gateway->service_key);
    free(gateway->http_routes);
    free(gateway->served);
    free(gateway->rows);
    free(gateway);
}

static void handle(struct http_exchange *exchange, void *context);

enum status gateway_add_routes(struct gateway *gateway, const struct gateway_route *routes,
                               size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        const struct gateway_route *row = &routes[i];
        if (row->access == ACCESS_UNSAID)
            return fault_set(fault, STATUS_INTERNAL, "the route %s %s does not say who may use it",
                             row->method, row->pattern);
        if (gateway->count == ROUTES_LIMIT)
            return fault_set(fault, STATUS_INTERNAL, "there are more than %d routes", ROUTES_LIMIT);
        struct served_route *served = &gateway->served[gateway->count];
        *served = (struct served_route){gateway, row};
        gateway->rows[gateway->count] = row;
        gateway->http_routes[gateway->count++] =
            (struct http_route){row->method, row->pattern, handle, served};
    }
    return OK;
}

enum status gateway_add_watcher(struct gateway *gateway, const struct gateway_watcher *watcher,
                                struct fault *fault)
{
    if (gateway->watcher_count == WATCHERS)
        return fault_set(fault, STATUS_INTERNAL, "there are more than %d watchers", WATCHERS);
    gateway->watchers[gateway->watcher_count++] = *watcher;
    return OK;
}

enum status gateway_add_check(struct gateway *gateway, const struct gateway_check *check,
                              struct fault *fault)
{
    if (gateway->check_count == CHECKS)
        return fault_set(fault, STATUS_INTERNAL, "there are more than %d checks", CHECKS);
    gateway->checks[gateway->check_count++] = *check;
    return OK;
}

void gateway_set_error_page(struct gateway *gateway, gateway_error_page *page, void *context)
{
    gateway->error_page = page;
    gateway->error_page_context = context;
}

const struct http_route *gateway_http_routes(struct gateway *gateway, size_t *count)
{
    *count = gateway->count;
    return gateway->http_routes;
}

/* ---- an exchange's note ---- */

struct gateway_note *gateway_note_of(const struct http_exchange *exchange)
{
    return http_note(exchange);
}

/* Made when the exchange is seen first; NULL without memory. */
static struct gateway_note *make_note(const struct gateway *gateway, struct http_exchange *exchange)
{
    struct gateway_note *note = http_note(exchange);
    if (note) return note;
    note = arena_alloc(http_arena(exchange), sizeof *note);
    if (!note) return NULL;
    *note = (struct gateway_note){.gateway = gateway};
    http_set_note(exchange, note);
    return note;
}

const struct caller *gateway_caller(const struct http_exchange *exchange)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    assert(note); /* a handler runs only behind admit() */
    return &note->caller;
}

const char *gateway_caller_name(const struct http_exchange *exchange)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    assert(note);
    return note->name;
}

void gateway_set_note(struct http_exchange *exchange, const void *kind, void *of_handler)
{
    struct gateway_note *note = gateway_note_of(exchange);
    assert(note);
    note->kind = kind;
    note->of_handler = of_handler;
}

void *gateway_note(const struct http_exchange *exchange, const void *kind)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    return note && note->kind == kind ? note->of_handler : NULL;
}

struct fault *gateway_fault(struct http_exchange *exchange)
{
    struct gateway_note *note = gateway_note_of(exchange);
    assert(note);
    return &note->fault;
}

/* ---- the way to a handler ---- */

/* A route that is open to all is open also to who comes with a credential that is none any more. */
static enum status find_caller(const struct gateway *gateway, struct http_exchange *exchange,
                               struct gateway_note *note, enum access access, struct fault *fault)
{
    enum status status = gateway_find_caller(gateway, exchange, note, fault);
    if (status == OK || access != ACCESS_OPEN) return status;
    note->caller.kind = CALLER_STRANGER;
    return OK;
}

/* A browser that looks at a page with a cookie of yesterday gets a new one (R201). Forms and
 * scripts do not: several at once would each get another. What fails is tried again with the next
 * page. */
static void renew_cookie(const struct gateway *gateway, struct http_exchange *exchange,
                         struct gateway_note *note)
{
    struct caller *caller = &note->caller;
    struct signed_in renewed;
    struct fault fault;
    bool is_look = note->row->style == STYLE_PAGE && text_equal(http_method(exchange), TEXT("GET"));
    if (!is_look || !caller->by_cookie || !caller->principal.rotate_cookie) return;
    if (accounts_cookie_rotate(gateway->options.accounts, &caller->principal, &caller->client,
                               &renewed, &fault) != OK) {
        log_write("gateway", LOG_WARN, NULL, "a cookie was not renewed: %s", fault.message);
        return;
    }
    caller->principal.credential_id = renewed.session;
    caller->principal.rotate_cookie = false;
    gateway_set_session_cookie(exchange, renewed.cookie, renewed.cookie_expires_us);
}

/* What an API token was made for, and how often it may be used. */
static enum status check_token(const struct gateway *gateway, struct http_exchange *exchange,
                               const struct gateway_note *note, const struct gateway_route *row,
                               struct fault *fault)
{
    const struct principal *principal = &note->caller.principal;
    if (note->caller.kind != CALLER_ACCOUNT || principal->credential != CREDENTIAL_API_TOKEN)
        return OK;
    return scope_check(&principal->scope, principal->token_name, text_of(row->method),
                       text_of(row->pattern), TEXT(""), fault);
}

enum status gateway_check_model(const struct http_exchange *exchange, struct text model,
                                struct fault *fault)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    const struct principal *principal = &note->caller.principal;
    if (note->caller.kind != CALLER_ACCOUNT || principal->credential != CREDENTIAL_API_TOKEN)
        return OK;
    return scope_check(&principal->scope, principal->token_name, text_of(note->row->method),
                       text_of(note->row->pattern), model, fault);
}

/* Whose requests are one's own: an account's, but each API token has its own, because one may not
 * see what another may. */
static struct text replay_name(const struct gateway_note *note, char id[UUID_TEXT_BYTES])
{
    const struct principal *principal = &note->caller.principal;
    if (note->caller.kind != CALLER_ACCOUNT || principal->credential != CREDENTIAL_API_TOKEN)
        return text_of(note->name);
    uuid_format(principal->credential_id, id);
    return text_of(id);
}

/* *is_answered: there is nothing left to do. */
static enum status admit(struct gateway *gateway, struct http_exchange *exchange,
                         const struct gateway_route *row, bool *is_answered, struct fault *fault)
{
    *is_answered = false;
    struct gateway_note *note = make_note(gateway, exchange);
    if (!note) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    if (note->is_admitted) return OK;
    note->row = row;
    TRY(find_caller(gateway, exchange, note, row->access, fault));
    TRY(access_judge(row->access, &note->caller, fault));
    TRY(check_token(gateway, exchange, note, row, fault));
    TRY(gateway_check_csrf(gateway, exchange, note, row->style, fault));
    TRY(gateway_spend(gateway, exchange, note, row->limit, fault));
    note->is_admitted = true;
    renew_cookie(gateway, exchange, note);
    presence_enter(gateway, exchange, note);
    char id[UUID_TEXT_BYTES];
    if (!row->replays) return OK;
    return replay_begin(gateway, exchange, replay_name(note, id), is_answered, fault);
}

static void handle(struct http_exchange *exchange, void *context)
{
    const struct served_route *served = context;
    struct fault fault;
    bool is_answered;
    enum status status = admit(served->gateway, exchange, served->row, &is_answered, &fault);
    if (status != OK)
        gateway_reply_fault(exchange, status, &fault, NULL);
    else if (!is_answered)
        served->row->handler(exchange, served->row->context);
}

static enum status admit_lost(const struct gateway *gateway, struct http_exchange *exchange,
                              struct fault *fault)
{
    struct gateway_note *note = make_note(gateway, exchange);
    if (!note) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    TRY(gateway_find_caller(gateway, exchange, note, fault));
    return access_judge(ACCESS_MODELS, &note->caller, fault);
}

/* Paths that do not exist tell strangers nothing. */
static bool guard(struct http_exchange *exchange, void *context)
{
    if (http_route_pattern(exchange)[0]) return false;
    struct fault fault;
    enum status status = admit_lost(context, exchange, &fault);
    if (status != OK) gateway_reply_fault(exchange, status, &fault, NULL);
    return status != OK;
}

static void grace_over(void *context)
{
    const struct gateway *gateway = context;
    for (size_t i = 0; i < gateway->watcher_count; i++)
        if (gateway->watchers[i].grace_over)
            gateway->watchers[i].grace_over(gateway->watchers[i].context);
}

void gateway_install(struct gateway *gateway, struct http_server_options *options)
{
    options->guard = guard;
    options->error_body = gateway_error_body;
    options->finished = gateway_finished;
    options->grace_over = grace_over;
    options->context = gateway;
}
