/* gateway.h - what every request passes before its handler, and the face of that: who is it, may
 * they, how often, was it asked before?
 *
 * Each capability brings a table of routes, and each row says who may; a row that does not is
 * refused when the program starts. So a route without a check does not exist. From the same tables
 * come openapi.json and the tests that try every route with every other user's credentials.
 *
 * Handlers are those of http_server.h; they ask gateway_caller() who it is. Must not know what the
 * routes do. */
#ifndef LIMINAL_GATEWAY_H
#define LIMINAL_GATEWAY_H

#include <jansson.h>

#include "gateway/route.h"

struct gateway;

/* ---- life ---- */

/* How a request ended, for metrics and the log. */
struct gateway_outcome {
    int http_code;
    uint64_t bytes_out, duration_ns;
    bool client_gone;
    const struct fault *fault; /* what was answered; NULL: no error */
};
/* What is written of it; a watcher may add fields (",\"name\":value"), and say it otherwise. */
struct gateway_log_line {
    const char *component, *message;
    struct buffer *fields;
};

/* A capability that wants to hear of all requests; what it does not want is NULL. Both are called
 * on a loop's thread and must not block. */
struct gateway_watcher {
    void (*finished)(const struct http_exchange *exchange, const struct gateway_outcome *outcome,
                     struct gateway_log_line *line, void *context); /* the answer is out */
    void (*grace_over)(void *context); /* as http_server_options has it */
    void *context;
};

struct gateway_options {
    struct accounts *accounts;                  /* borrowed */
    struct hot_state *hot;                      /* borrowed */
    const char *service_key;                    /* of the operator; "": none */
    const char *version;                        /* of the program, for /healthz */
    unsigned char server_key[SERVER_KEY_BYTES]; /* signs what keeps forms safe */
    const char *const *proxies;                 /* NULL-ended: whose X-Forwarded-For is believed */
    bool is_https;                              /* as the world sees it: cookies are Secure */
    double per_minute[LIMIT_KINDS];             /* 0: without limit */
};

/* `proxies` and `version` must live as long; other strings are copied. */
enum status gateway_open(struct gateway **out, const struct gateway_options *options,
                         struct fault *fault) MUST_USE;
/* After the server that used its routes is closed. */
void gateway_close(struct gateway *gateway);

/* Before the server starts. STATUS_INTERNAL for a row that does not say who may. Rows must live as
 * long as the gateway. */
enum status gateway_add_routes(struct gateway *gateway, const struct gateway_route *routes,
                               size_t count, struct fault *fault) MUST_USE;
enum status gateway_add_watcher(struct gateway *gateway, const struct gateway_watcher *watcher,
                                struct fault *fault) MUST_USE;
/* A part that the service depends on. `check` runs on a worker and takes a moment at most;
 * STATUS_NOT_FOUND says that there is none yet. When a vital one fails, the service is not ready.
 */
struct gateway_check {
    const char *name;
    bool is_vital;
    enum status (*check)(void *context, struct fault *fault);
    void *context;
};
enum status gateway_add_check(struct gateway *gateway, const struct gateway_check *check,
                              struct fault *fault) MUST_USE;
/* How errors of STYLE_PAGE look: answers the exchange. Without one they are plain. */
typedef void gateway_error_page(struct http_exchange *exchange, int http_code, enum status status,
                                const struct fault *fault, void *context);
void gateway_set_error_page(struct gateway *gateway, gateway_error_page *page, void *context);
/* Sets guard, error_body, finished, grace_over and context. */
void gateway_install(struct gateway *gateway, struct http_server_options *options);
/* An account's credentials ended (accounts_options.ended): so do the answers on their way to it.
 * Any thread; does not block. */
void gateway_account_ended(struct gateway *gateway, struct uuid user);
/* For http_server_open; lives as long as the gateway. */
const struct http_route *gateway_http_routes(struct gateway *gateway, size_t *count);

/* ---- what handlers ask ---- */

/* Lives as long as the exchange; never NULL within a handler. */
const struct caller *gateway_caller(const struct http_exchange *exchange);
/* What makes two callers two: an account's id as text, "service", or "". Lives as the exchange. */
const char *gateway_caller_name(const struct http_exchange *exchange);

/* The handler's own, for watchers; `kind` is the address of something of its capability's, so that
 * nobody takes another's for its own: gateway_note gives NULL for another kind. */
void gateway_set_note(struct http_exchange *exchange, const void *kind, void *note);
void *gateway_note(const struct http_exchange *exchange, const void *kind);
/* What went wrong, for the log, when it shows only after the answer has begun. */
struct fault *gateway_fault(struct http_exchange *exchange);

/* The body as a JSON object; or answers why not, and returns false. */
bool gateway_read_body(struct http_exchange *exchange, json_t **root) MUST_USE;

/* STATUS_FORBIDDEN when the caller's API token is not for this model. */
enum status gateway_check_model(const struct http_exchange *exchange, struct text model,
                                struct fault *fault) MUST_USE;
/* Before models make tokens: as many as the request may need at most. STATUS_FORBIDDEN beyond the
 * cap of the caller's API token. Blocks. */
enum status gateway_claim_tokens(struct http_exchange *exchange, uint64_t most,
                                 struct fault *fault) MUST_USE;
/* How many it was in the end; by a watcher, at the latest. */
void gateway_count_tokens(const struct http_exchange *exchange, uint64_t tokens);

/* ---- answers ---- */

/* The error in the route's style. `code`: the machine-readable one, NULL: the status's. */
void gateway_reply_fault(struct http_exchange *exchange, enum status status,
                         const struct fault *fault, const char *code);
/* {"status":"ok","data":...,"request_id":"..."}; `data` is JSON text. */
void gateway_reply_ok(struct http_exchange *exchange, int http_code, struct text data);
/* The same of a tree, which it takes; NULL is taken for want of memory. */
void gateway_reply_tree(struct http_exchange *exchange, int http_code, json_t *data);
/* A page of a list (JSON text), and the cursor that goes on; NULL: this was the last (R230). */
void gateway_reply_page(struct http_exchange *exchange, struct text data, const char *next_cursor);

/* The cookie that signs a browser in; NULL signs it out. Lives until `expires_us`. */
void gateway_set_session_cookie(struct http_exchange *exchange, const char *access_token,
                                int64_t expires_us);
enum { CSRF_TOKEN_BYTES = 44 };
/* What a form must send back as `csrf`, or a script as X-CSRF-Token; lives as the exchange. */
const char *gateway_csrf_token(struct http_exchange *exchange);
/* The same of a session that begins with this answer. */
void gateway_csrf_token_of(const struct http_exchange *exchange, struct uuid session,
                           char token[CSRF_TOKEN_BYTES]);

#endif
