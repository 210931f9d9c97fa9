/* server_parts.h - the parts of the server and who may touch what. Private to this folder.
 *
 *   server      made at open, read-only afterwards
 *   loop        one thread; owns its connections. `lock` guards what other threads hand over.
 *   connection  belongs to its loop's thread alone
 *   exchange    one request and its answer. Passed from the loop to a worker and back; the part
 *               under the loop's lock is shared while the answer is being made.
 */
#ifndef LIMINAL_HTTP_SERVER_PARTS_H
#define LIMINAL_HTTP_SERVER_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "http/http_server.h"
#include "http/request_parser.h"
#include "http/route.h"
#include "http/target.h"

struct connection;
struct http_loop;

struct http_stream {
    struct http_exchange *exchange;
};

enum presence {
    CLIENT_THERE,
    CLIENT_SHUT, /* has shut its sending side: may have left, may wait for the answer */
    CLIENT_LEFT, /* for certain */
};
enum gone_state { GONE_UNTOLD, GONE_TELLING, GONE_TOLD };
enum deferral {
    DEFER_NONE,
    DEFER_ASKED,   /* the handler has yet to return */
    DEFER_WAITING, /* for http_resume */
    DEFER_RESUMED, /* before the handler returned */
};

struct http_exchange {
    struct http_server *server;
    struct http_loop *loop;
    uint64_t start_ns;
    char remote_address[64];
    char request_id[72];

    /* the loop's until dispatched, then the worker's */
    struct http_request request;
    struct http_target target;
    struct http_parameter *form; /* of the body, see http_form_field */
    size_t form_count;
    bool form_read;
    struct route_match match;
    struct buffer headers; /* lines that the handler adds */
    void *note;
    size_t body_bytes; /* counted against bodies_limit_bytes */
    bool replied, keep_alive, http_1_0, was_deferred;
    bool no_body; /* the answer is its head alone: to HEAD, or by its code */
    int http_code;
    struct http_exchange *next_waiting;
    void (*heard)(void *argument, const struct http_answer_piece *piece); /* http_listen */
    void *heard_argument;

    /* the loop's */
    struct connection *connection; /* NULL when the client is gone */
    bool cut_off;                  /* by the server, which stops */
    uint64_t bytes_out;

    /* under loop->lock */
    struct buffer outbox;
    size_t in_flight_bytes;
    unsigned open_parts; /* the handler, and a stream: the answer is complete when both are done */
    bool broken;         /* out of memory, or too far behind: give up on the client */
    bool in_news;
    struct http_exchange *next_news;
    struct http_stream stream;
    bool streaming;
    bool head_waits; /* the stream's head: it goes out with the first bytes */
    const char *stream_type;
    void (*on_gone)(void *argument);
    void *gone_argument;
    enum gone_state gone_state;
    enum deferral deferral;

    _Atomic enum presence presence; /* of the client; set by the loop */
};

struct worker_pool {
    pthread_t *threads;
    unsigned thread_count, waiting_limit;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct http_exchange *first, *last;
    unsigned waiting;
    bool stopping;
};

#define TOO_MANY_BODIES "The server holds too many requests in memory. Try again."
enum { READ_BYTES = 64 * 1024, FIELDS_LIMIT = 128 };

struct http_loop {
    struct http_server *server;
    pthread_t thread;
    bool started;
    uv_loop_t uv;
    uv_tcp_t listener;
    uv_async_t news_signal;
    uv_timer_t grace_timer;
    struct connection *connections;
    size_t exchange_count;
    uint64_t complained_ms; /* when accepting last failed */
    uv_tcp_t turned_away;   /* a client that there was no memory for */
    bool turning_away, more_wait;
    bool stopping;
    char read_bytes[READ_BYTES];

    pthread_mutex_t lock;
    pthread_cond_t told; /* a `gone` callback returned */
    struct http_exchange *first_news, *last_news;
    bool stop_wanted, closed;
    uint64_t grace_ms;
};

struct http_server {
    struct http_server_options options;
    const struct http_route *routes;
    size_t route_count;
    uint16_t port;
    struct worker_pool pool;
    struct http_loop *loops;
    unsigned loop_count;
    atomic_uint connection_count;
    atomic_size_t body_bytes; /* of all requests in memory */
    atomic_bool stop_called;
};

/* ---- worker_pool.c ---- */
enum status worker_pool_open(struct worker_pool *pool, unsigned threads, unsigned waiting_limit,
                             struct fault *fault) MUST_USE;
/* False when too many are waiting already. */
bool worker_pool_submit(struct worker_pool *pool, struct http_exchange *exchange);
/* One that was taken in before: it goes ahead of the others, however many wait. */
void worker_pool_resubmit(struct worker_pool *pool, struct http_exchange *exchange);
void worker_pool_close(struct worker_pool *pool); /* after the last exchange has finished */

/* ---- dispatch.c: on a worker ---- */
void exchange_handle(struct http_exchange *exchange);

/* ---- exchange.c ---- */
/* On the loop. NULL: no memory. */
struct http_exchange *exchange_new(struct http_loop *loop, struct connection *connection);
/* Count what the request's body takes up; false when all bodies together are too many bytes. */
bool exchange_count_body(struct http_exchange *exchange);
/* The handler has returned: does it wait for http_resume? If so, the exchange is no longer the
 * caller's. `again`: it was resumed already, and is to be called again. */
bool exchange_waits(struct http_exchange *exchange, bool *again);
/* Answer with an error in the house's shape. */
void exchange_reply_error(struct http_exchange *exchange, int http_code, enum status status,
                          const struct fault *fault);
/* The handler is done with the exchange and won't touch it again. */
void exchange_handler_done(struct http_exchange *exchange);
/* Can't the answer be completed? Also says whether it is a stream that goes on. On the loop. */
bool exchange_given_up(struct http_exchange *exchange, bool *streaming);
/* On the loop: take what is to be written now; true when nothing will follow it. */
bool exchange_take_output(struct http_exchange *exchange, struct buffer *out);
/* On the loop: what was taken has been written. */
void exchange_written(struct http_exchange *exchange, size_t bytes);
/* On the loop: the client has left (or is given up). Tells the stream, once. */
void exchange_client_left(struct http_exchange *exchange);
/* On the loop: tell `finished` and free. */
void exchange_finish(struct http_exchange *exchange);
/* On the loop: free what never became a request. */
void exchange_discard(struct http_exchange *exchange);

/* ---- loop.c ---- */
/* Takes the socket, also when it fails. */
enum status loop_open(struct http_loop *loop, struct http_server *server, int socket,
                      struct fault *fault) MUST_USE;
/* With exchange->loop->lock held: have the loop look at the exchange. */
void loop_post(struct http_exchange *exchange);
void loop_stop(struct http_loop *loop, uint64_t grace_ms); /* any thread */
void loop_join(struct http_loop *loop);
/* On the loop: something ended; leave if it was the last thing. */
void loop_check_drained(struct http_loop *loop);

/* ---- connection.c: on the loop ---- */
/* False when there is no memory for it; it then still waits to be accepted. */
bool connection_accept(struct http_loop *loop);
/* The exchange has news: bytes to write, an end, a failure. */
void connection_answer(struct connection *connection);
void connections_stop(struct http_loop *loop);  /* close those that wait for requests */
void connections_close(struct http_loop *loop); /* close all */

#endif
