/* http_server.h - the face of the HTTP/1.1 server: libuv loops parse and write, handlers are plain
 * blocking code on worker threads, streams are fed from any thread.
 *
 * The loop does socket I/O only. When a request is whole (headers and body, bounded and with
 * deadlines) its handler is called on a worker. The handler answers once (http_reply_*) or turns
 * the exchange into a stream and returns; a stream outlives its handler and is fed, from any
 * thread, until http_stream_end or until the client is gone.
 *
 * When has a client left? When its connection is reset, or when it has shut its sending side: a
 * program that ends looks no different from one that half-closes and waits. So a stream ends at
 * either. A handler that has not answered yet goes on (http_client_gone tells it), and what it
 * answers is still written, for `printf ... | nc -N` to read. */
#ifndef LIMINAL_HTTP_SERVER_H
#define LIMINAL_HTTP_SERVER_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

struct http_server;
struct http_exchange; /* one request and its answer; valid during the handler */
struct http_stream;

typedef void http_handler(struct http_exchange *exchange, void *context);

struct http_route {
    const char *method;  /* "GET" */
    const char *pattern; /* "/v1/models/{id}": a {name} takes one segment, {name*} the rest */
    http_handler *handler;
    void *context;
};

/* What is pointed to must live as long as the server. */
struct http_server_options {
    const char *host;                 /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;                    /* 0: any free one, see http_server_port */
    unsigned loops, workers;          /* 0: sensible */
    size_t header_limit_bytes;        /* default 64 KiB, 431 beyond */
    size_t body_limit_bytes;          /* default 16 MiB, 413 beyond; also for inflated gzip */
    size_t bodies_limit_bytes;        /* all bodies in memory together: 503 beyond; 512 MiB */
    uint64_t header_deadline_ms;      /* whole header within this: default 10 s */
    uint64_t body_deadline_ms;        /* default 60 s, and longer for what comes at 16 kB/s */
    uint64_t idle_deadline_ms;        /* keep-alive: default 75 s */
    uint64_t write_deadline_ms;       /* client reads under 1 kB/s for this long: default 60 s */
    uint64_t last_words_ms;           /* see grace_over: default 5 s */
    size_t stream_limit_bytes;        /* unsent bytes per stream before it counts as dead: 4 MiB */
    unsigned connection_limit;        /* default 4096, 503 beyond */
    unsigned queue_limit;             /* requests waiting for a worker; 503 beyond */
    const char *const *allowed_hosts; /* NULL-ended; Host must be one of these, "localhost", or an
                                         IP literal; "*" allows all (DNS rebinding) */
    const char *const *cors_origins;  /* NULL-ended; "*" or exact origins; NULL: no CORS */
    /* Seen before the handler, on the worker, when the route is known (http_route_pattern): answer
     * (and return true) to refuse. Also asked about paths that do not exist, so that strangers
     * learn nothing; not asked about OPTIONS. May be NULL. */
    bool (*guard)(struct http_exchange *exchange, void *context);
    /* Writes an error (404, 405, 413, http_reply_fault...) as a body of the house's shape, by
     * http_reply. Must not block: it is called on the loop for what never became a request, where
     * method and path are empty. */
    void (*error_body)(struct http_exchange *exchange, enum status status, int http_code,
                       const struct fault *fault, void *context);
    /* After the answer is out or the client is gone (code 499 if it had none): one log line,
     * metrics. On the loop's thread: must not block. */
    void (*finished)(const struct http_exchange *exchange, int http_code, uint64_t bytes_out,
                     uint64_t duration_ns, bool client_gone, void *context);
    /* The grace of http_server_stop is over: end what still runs. What it answers is still sent for
     * last_words_ms; then all is cut off. Called once by each loop, on its thread: must not block.
     * NULL: cut off at once. */
    void (*grace_over)(void *context);
    void *context;
};

enum status http_server_open(struct http_server **server, const struct http_server_options *options,
                             const struct http_route *routes, size_t route_count,
                             struct fault *fault) MUST_USE;
/* Would http_server_open find its port free now? For a program that prepares long before it serves,
 * so that it fails at once. Reads host and port; the port is not kept. */
enum status http_server_check_port(const struct http_server_options *options,
                                   struct fault *fault) MUST_USE;
uint16_t http_server_port(const struct http_server *server);
/* Stop accepting, let running answers finish for at most grace_ms, then close (grace_over). Returns
 * at once. Any thread, but no signal handler. */
void http_server_stop(struct http_server *server, uint64_t grace_ms);
/* Stop (without grace, unless http_server_stop gave one), wait until every handler has returned and
 * every stream was ended by its owner, and free. Not from a handler. */
void http_server_close(struct http_server *server);

/* ---- the request ---- texts live as long as the handler */
struct text http_method(const struct http_exchange *exchange);
struct text http_path(const struct http_exchange *exchange); /* decoded, without query */
struct text http_query_parameter(const struct http_exchange *exchange, const char *name);
struct text http_path_parameter(const struct http_exchange *exchange, const char *name);
struct text http_header(const struct http_exchange *exchange, const char *name); /* empty: none */
struct text http_body(const struct http_exchange *exchange); /* already inflated */
/* A field of a form's body (application/x-www-form-urlencoded); empty when there is none. */
struct text http_form_field(struct http_exchange *exchange, const char *name);
struct text http_remote_address(const struct http_exchange *exchange);
const char *http_request_id(const struct http_exchange *exchange);    /* also X-Request-Id out */
const char *http_route_pattern(const struct http_exchange *exchange); /* "" when none matched */
struct arena *http_arena(struct http_exchange *exchange);
/* A pointer of the handler's for `finished` (e.g. token counts), owned by the arena or the caller.
 */
void http_set_note(struct http_exchange *exchange, void *note);
void *http_note(const struct http_exchange *exchange);

/* ---- the answer ---- */
/* Before replying; names and values are checked against header injection. */
void http_set_header(struct http_exchange *exchange, const char *name, const char *value);
/* A body of application/json gets a final newline, also below. */
void http_reply(struct http_exchange *exchange, int http_code, const char *content_type,
                struct text body);
void http_reply_json(struct http_exchange *exchange, int http_code, struct text json);
/* The error in the house's shape (options.error_body). */
void http_reply_fault(struct http_exchange *exchange, enum status status,
                      const struct fault *fault);

/* Hear what this exchange is answered. `heard` is called by whoever answers, piece by piece in
 * order, until the last; it must not block and must not call the server. */
struct http_answer_piece {
    int http_code;
    const char *content_type; /* "": none */
    struct text bytes;
    bool is_last;
    bool is_broken; /* and the client did not get all of it */
};
void http_listen(struct http_exchange *exchange,
                 void (*heard)(void *argument, const struct http_answer_piece *piece),
                 void *argument);

/* Turn the exchange into a stream (chunked; text/event-stream gets no-cache and no buffering).
 * `gone` is called once, on the loop thread, when the client has left before http_stream_end - also
 * while nothing is being written. It must not block. After http_stream_end returned, it is not
 * called. */
struct http_stream *http_stream_begin(struct http_exchange *exchange, int http_code,
                                      const char *content_type, void (*gone)(void *argument),
                                      void *argument);
/* Queue bytes; false once the client is gone or too far behind. Any thread; never blocks. */
bool http_stream_send(struct http_stream *stream, struct text bytes);
/* Finish the answer and release the stream. Exactly once, any thread. It waits for a `gone` that is
 * being called at that moment: hold no lock here that `gone` takes. */
void http_stream_end(struct http_stream *stream);
/* Instead of http_stream_end, and only when nothing was sent yet: the answer is this code and this
 * whole body (with Content-Length), as http_reply would have given; http_stream_begin's code and
 * type do not count. So an answer that takes long holds no worker while it is made. The head of a
 * stream therefore goes out with its first bytes. Releases the stream. Any thread. */
void http_stream_reply(struct http_stream *stream, int http_code, const char *content_type,
                       struct text body);
/* For blocking (non-stream) handlers: has the client left? Any thread, while the exchange waits. */
bool http_client_gone(struct http_exchange *exchange);

/* End an answer that is on its way as a stream: its client is cut off, as one that reads too slowly
 * would be, and `gone` is called. What is answered whole is left to its end. Any thread, as long as
 * `finished` has not been called; never blocks. */
void http_give_up(struct http_exchange *exchange);

/* What the handler needs is not there yet: it returns without an answer and holds no worker, and
 * after http_resume it is called again from its start, also when the client has left meanwhile. */
void http_defer(struct http_exchange *exchange);
/* Exactly once after http_defer, any thread, also before the handler has returned. Never blocks. */
void http_resume(struct http_exchange *exchange);

#endif
