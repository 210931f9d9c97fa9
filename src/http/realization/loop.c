/* loop.c - one event loop: its thread, its listening socket, the news from other threads, and how
 * it comes to an end. */
#include <string.h>
#include <unistd.h>

#include "http/realization/server_parts.h"
#include "platform/platform.h"

enum { BACKLOG = 511, COMPLAIN_EVERY_MS = 10 * 1000 };

/* A flood must not fill the log. */
static void complain(struct http_loop *loop, int error)
{
    uint64_t now_ms = uv_now(&loop->uv);
    if (loop->complained_ms && now_ms - loop->complained_ms < COMPLAIN_EVERY_MS) return;
    loop->complained_ms = now_ms;
    log_write("http", LOG_WARN, NULL, "can't accept connections: %s", uv_strerror(error));
}

static void on_connection(uv_stream_t *listener, int error);

static void on_turned_away(uv_handle_t *handle)
{
    struct http_loop *loop = handle->data;
    bool more_wait = loop->more_wait && !loop->stopping;
    loop->turning_away = loop->more_wait = false;
    if (more_wait) on_connection((uv_stream_t *)&loop->listener, 0);
}

/* Accept and close: libuv stops listening while a connection waits to be accepted. */
static void turn_away(struct http_loop *loop)
{
    complain(loop, UV_ENOMEM);
    if (loop->turning_away) {
        loop->more_wait = true;
        return;
    }
    loop->turning_away = true;
    loop->turned_away.data = loop;
    uv_tcp_init(&loop->uv, &loop->turned_away);
    (void)uv_accept((uv_stream_t *)&loop->listener, (uv_stream_t *)&loop->turned_away);
    uv_close((uv_handle_t *)&loop->turned_away, on_turned_away);
}

static void on_connection(uv_stream_t *listener, int error)
{
    struct http_loop *loop = listener->data;
    if (error)
        complain(loop, error);
    else if (!connection_accept(loop))
        turn_away(loop);
}

static void stop_listening(struct http_loop *loop)
{
    if (!uv_is_closing((uv_handle_t *)&loop->listener))
        uv_close((uv_handle_t *)&loop->listener, NULL);
}

static void on_last_words_over(uv_timer_t *timer)
{
    connections_close(timer->data);
}

/* Whoever makes the answers that still run ends them, and what they say last is sent. */
static void on_grace_over(uv_timer_t *timer)
{
    const struct http_loop *loop = timer->data;
    const struct http_server_options *options = &loop->server->options;
    if (options->grace_over) options->grace_over(options->context);
    uint64_t last_words_ms = options->grace_over ? options->last_words_ms : 0;
    uv_timer_start(timer, on_last_words_over, last_words_ms, 0);
}

/* ---- news ---- */

void loop_post(struct http_exchange *exchange)
{
    struct http_loop *loop = exchange->loop;
    if (exchange->in_news) return;
    exchange->in_news = true;
    exchange->next_news = NULL;
    if (loop->last_news)
        loop->last_news->next_news = exchange;
    else
        loop->first_news = exchange;
    loop->last_news = exchange;
    uv_async_send(&loop->news_signal); /* within the lock: the loop can't close under us */
}

static struct http_exchange *take_news(struct http_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct http_exchange *exchange = loop->first_news;
    if (exchange) {
        loop->first_news = exchange->next_news;
        if (!loop->first_news) loop->last_news = NULL;
        exchange->in_news = false;
    }
    pthread_mutex_unlock(&loop->lock);
    return exchange;
}

static void begin_stop(struct http_loop *loop, uint64_t grace_ms)
{
    loop->stopping = true;
    stop_listening(loop);
    connections_stop(loop);
    uv_timer_start(&loop->grace_timer, on_grace_over, grace_ms, 0);
}

/* Handle what is there now. What is posted meanwhile has signalled again and waits for its turn:
 * busy streams must not keep the loop from its sockets. */
static void handle_news(struct http_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    const struct http_exchange *last = loop->last_news;
    pthread_mutex_unlock(&loop->lock);
    for (bool more = last != NULL; more;) {
        struct http_exchange *exchange = take_news(loop);
        more = exchange && exchange != last;
        if (exchange && exchange->connection)
            connection_answer(exchange->connection);
        else if (exchange)
            exchange_client_left(exchange);
    }
}

static void on_news(uv_async_t *signal)
{
    struct http_loop *loop = signal->data;
    handle_news(loop);
    pthread_mutex_lock(&loop->lock);
    bool stop = loop->stop_wanted;
    uint64_t grace_ms = loop->grace_ms;
    loop->stop_wanted = false;
    pthread_mutex_unlock(&loop->lock);
    if (stop && !loop->closed) begin_stop(loop, grace_ms);
    loop_check_drained(loop);
}

void loop_check_drained(struct http_loop *loop)
{
    if (!loop->stopping || loop->closed || loop->connections || loop->exchange_count > 0) return;
    pthread_mutex_lock(&loop->lock);
    loop->closed = true;
    pthread_mutex_unlock(&loop->lock);
    uv_close((uv_handle_t *)&loop->news_signal, NULL);
    uv_close((uv_handle_t *)&loop->grace_timer, NULL);
}

/* ---- life ---- */

static void *loop_main(void *argument)
{
    struct http_loop *loop = argument;
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* until loop_check_drained closed the last handle */
    return NULL;
}

static enum status loop_listen(struct http_loop *loop, int socket, struct fault *fault)
{
    loop->listener.data = loop->news_signal.data = loop->grace_timer.data = loop;
    int error = uv_tcp_init(&loop->uv, &loop->listener);
    if (!error) error = uv_async_init(&loop->uv, &loop->news_signal, on_news);
    if (!error) error = uv_timer_init(&loop->uv, &loop->grace_timer);
    if (!error) error = uv_tcp_open(&loop->listener, socket);
    if (!error) error = uv_listen((uv_stream_t *)&loop->listener, BACKLOG, on_connection);
    return error ? fault_set(fault, STATUS_IO, "cannot listen: %s", uv_strerror(error)) : OK;
}

static void close_handle(uv_handle_t *handle, void *argument)
{
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* Takes the socket, also when it fails. */
enum status loop_open(struct http_loop *loop, struct http_server *server, int socket,
                      struct fault *fault)
{
    int error = uv_loop_init(&loop->uv);
    if (error) {
        close(socket);
        return fault_set(fault, STATUS_IO, "cannot make an event loop: %s", uv_strerror(error));
    }
    loop->server = server;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->told, NULL);
    enum status status = loop_listen(loop, socket, fault);
    if (status == OK) {
        error = pthread_create(&loop->thread, NULL, loop_main, loop);
        loop->started = error == 0;
        if (error)
            status = fault_set(fault, STATUS_NO_MEMORY, "cannot start the thread of a loop: %s",
                               strerror(error));
    }
    if (status != OK) {
        uv_walk(&loop->uv, close_handle, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    return status;
}

void loop_stop(struct http_loop *loop, uint64_t grace_ms)
{
    pthread_mutex_lock(&loop->lock);
    if (!loop->closed) {
        loop->stop_wanted = true;
        loop->grace_ms = grace_ms;
        uv_async_send(&loop->news_signal);
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_join(struct http_loop *loop)
{
    if (!loop->server) return; /* never opened */
    if (loop->started) pthread_join(loop->thread, NULL);
    uv_loop_close(&loop->uv);
    pthread_cond_destroy(&loop->told);
    pthread_mutex_destroy(&loop->lock);
}
