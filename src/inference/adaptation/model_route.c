/* model_route.c - from the name of a model in a request's body to a handler that has the model.
 *
 * A request whose model must be loaded first is deferred: it holds no worker, and when the model is
 * there, or is known not to come, its handler is called again. */
#include <string.h>

#include "http/json_body.h"
#include "inference/adaptation/api_private.h"
#include "platform/platform.h"

/* Lives in the exchange's arena. */
struct model_wait {
    struct model_ticket ticket; /* first */
    struct http_exchange *exchange;
    uint64_t began_ns;
};

static void on_told(struct model_ticket *ticket)
{
    http_resume(((struct model_wait *)ticket)->exchange);
}

static bool is_void(struct model_ticket *ticket)
{
    return http_client_gone(((struct model_wait *)ticket)->exchange);
}

/* ---- what the body says ---- */

static enum status read_keep_alive(const json_t *root, int64_t *keep_ms, struct fault *fault)
{
    const json_t *value = json_body_field(root, "keep_alive");
    *keep_ms = KEEP_ALIVE_UNSET_MS;
    if (!value) return OK;
    if (json_is_number(value)) {
        *keep_ms = keep_alive_of_seconds(json_number_value(value));
        return OK;
    }
    return keep_alive_parse(json_text_of(value), keep_ms, fault);
}

static enum status read_wish(const json_t *root, enum model_use use, struct model_wish *wish,
                             struct fault *fault)
{
    *wish = (struct model_wish){.name = TEXT("local-llm"), .use = use};
    TRY(json_read_text(root, "model", &wish->name, fault));
    return read_keep_alive(root, &wish->keep_ms, fault);
}

/* ---- the way to the handler ---- */

/* Takes the lease. */
static void call_handler(const struct model_route *route, struct http_exchange *exchange,
                         struct request_note *note, json_t *root, struct model_lease *lease)
{
    note->model = arena_copy(http_arena(exchange), lease->name, strlen(lease->name));
    route->handler(exchange, route->api, root, lease);
    model_lease_release(lease);
}

/* The model is there, or is known not to come. */
static void go_on(const struct model_route *route, struct http_exchange *exchange,
                  struct request_note *note)
{
    struct model_wait *wait = note->wait;
    struct model_ticket *ticket = &wait->ticket;
    json_t *root;
    note->wait = NULL;
    note->waited_ns = clock_monotonic_ns() - wait->began_ns;
    if (!ticket->lease) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u", ticket->retry_after_s);
        if (ticket->retry_after_s) http_set_header(exchange, "Retry-After", seconds);
        gateway_reply_fault(exchange, ticket->fault.status, &ticket->fault, NULL);
    } else if (gateway_read_body(exchange, &root)) {
        call_handler(route, exchange, note, root, ticket->lease);
        json_decref(root);
    } else {
        model_lease_release(ticket->lease);
    }
}

static enum status begin_wait(const struct model_route *route, struct http_exchange *exchange,
                              struct request_note *note, const struct model_wish *wish,
                              struct fault *fault)
{
    struct model_wait *wait = arena_alloc(http_arena(exchange), sizeof *wait);
    if (!wait) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    *wait = (struct model_wait){
        .ticket = {.told = on_told, .is_void = is_void},
        .exchange = exchange,
        .began_ns = clock_monotonic_ns(),
    };
    note->wait = wait;
    http_defer(exchange);
    model_host_await(route->api->host, wish, &wait->ticket);
    return OK;
}

static enum status find_model(const struct model_route *route, struct http_exchange *exchange,
                              struct request_note *note, json_t *root, struct fault *fault)
{
    struct model_wish wish;
    struct model_lease *lease;
    TRY(read_wish(root, route->use, &wish, fault));
    TRY(gateway_check_model(exchange, wish.name, fault));
    TRY(model_host_take(route->api->host, &wish, &lease, fault));
    if (!lease) return begin_wait(route, exchange, note, &wish, fault);
    call_handler(route, exchange, note, root, lease);
    return OK;
}

void model_route_handle(struct http_exchange *exchange, void *context)
{
    const struct model_route *route = context;
    struct request_note *note = api_note(exchange);
    struct fault fault;
    json_t *root;
    if (!note) {
        fault_set(&fault, STATUS_NO_MEMORY, "no memory for the request");
        gateway_reply_fault(exchange, STATUS_NO_MEMORY, &fault, NULL);
        return;
    }
    if (note->wait) {
        go_on(route, exchange, note);
        return;
    }
    if (!gateway_read_body(exchange, &root)) return;
    enum status status = find_model(route, exchange, note, root, &fault);
    if (status != OK) gateway_reply_fault(exchange, status, &fault, NULL);
    json_decref(root);
}
