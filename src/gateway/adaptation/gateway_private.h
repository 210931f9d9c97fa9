/* gateway_private.h - what the files of the gateway share. */
#ifndef LIMINAL_GATEWAY_PRIVATE_H
#define LIMINAL_GATEWAY_PRIVATE_H

#include <pthread.h>

#include "gateway/adaptation/attendant.h"
#include "gateway/gateway.h"

enum { WATCHERS = 8, CHECKS = 8, OWN_ROUTES = 2 };

/* One row, and the way back to the gateway. */
struct served_route {
    struct gateway *gateway;
    const struct gateway_route *row;
};

struct gateway {
    struct gateway_options options;
    char *service_key;
    struct gateway_route own_rows[OWN_ROUTES];
    struct http_route *http_routes;
    struct served_route *served; /* contexts of http_routes */
    const struct gateway_route **rows;
    size_t count;
    gateway_error_page *error_page; /* NULL: a plain one */
    void *error_page_context;
    struct gateway_watcher watchers[WATCHERS];
    size_t watcher_count;
    struct gateway_check checks[CHECKS];
    size_t check_count;
    int64_t opened_ms;
    struct attendant *attendant;
    pthread_mutex_t presence_lock;
    struct presence *present; /* a list */
};

/* An answer that is on its way to an account. */
struct presence {
    struct http_exchange *exchange;
    struct presence *next, **before;
    bool is_here, was_seen;
};

/* What is known of an exchange; in its arena. */
struct gateway_note {
    const struct gateway *gateway;
    struct caller caller;
    char name[UUID_TEXT_BYTES];
    const struct gateway_route *row; /* NULL: no route */
    struct presence presence;
    uint64_t tokens_claimed, tokens_used;
    bool is_admitted;     /* the handler of an exchange that waited is called again */
    bool has_retry_after; /* said already */
    struct fault fault;   /* status OK: none */
    char csrf[CSRF_TOKEN_BYTES];
    const void *kind; /* of the handler's own note */
    void *of_handler;
};

/* The exchange's, made when it was seen first (gateway.c); NULL when there was no memory for it. */
struct gateway_note *gateway_note_of(const struct http_exchange *exchange);

/* ---- caller.c ---- */
/* Who is it? STATUS_UNAUTHORIZED for a credential that is none. */
enum status gateway_find_caller(const struct gateway *gateway, struct http_exchange *exchange,
                                struct gateway_note *note, struct fault *fault) MUST_USE;

/* ---- limits.c ---- */
/* Take the request from the caller's bucket, and say in the headers what is left. STATUS_BUSY. */
enum status gateway_spend(const struct gateway *gateway, struct http_exchange *exchange,
                          struct gateway_note *note, enum limit_kind kind,
                          struct fault *fault) MUST_USE;

/* ---- csrf.c ---- */
/* STATUS_FORBIDDEN for what a browser was led to send. */
enum status gateway_check_csrf(const struct gateway *gateway, struct http_exchange *exchange,
                               struct gateway_note *note, enum style style,
                               struct fault *fault) MUST_USE;

/* ---- replay.c ---- */
/* Nothing without an Idempotency-Key. *is_answered: it was done before, and the same answer went
 * out. STATUS_CONFLICT: it is being done, or the key was used for something else. Fails also when
 * the hot state is away, because nobody could promise that it is done once. */
enum status replay_begin(const struct gateway *gateway, struct http_exchange *exchange,
                         struct text caller, bool *is_answered, struct fault *fault) MUST_USE;

/* ---- presence.c ---- */
void presence_enter(struct gateway *gateway, struct http_exchange *exchange,
                    struct gateway_note *note);
void presence_leave(struct gateway *gateway, struct gateway_note *note);
/* Ask of those who have been here for a while whether they are still welcome. */
void presence_recheck(struct gateway *gateway);

/* ---- spending.c ---- */
/* What was spent and not claimed is counted, and what was claimed and not spent is given back. */
void gateway_settle(struct gateway *gateway, const struct gateway_note *note);

/* ---- healthz.c ---- */
http_handler gateway_healthz;

/* ---- outcome.c ---- */
void gateway_error_body(struct http_exchange *exchange, enum status status, int http_code,
                        const struct fault *fault, void *context);
void gateway_finished(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                      uint64_t duration_ns, bool client_gone, void *context);

#endif
