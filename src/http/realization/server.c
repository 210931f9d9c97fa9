/* server.c - a server's life: options, listening sockets, loops and workers. */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/realization/server_parts.h"
#include "platform/platform.h"

static void fill_defaults(struct http_server_options *options)
{
    unsigned cores = machine_cores();
    if (!options->host) options->host = "127.0.0.1";
    if (!options->loops) options->loops = cores >= 8 ? 2 : 1;
    if (!options->workers) options->workers = 16;
    if (!options->header_limit_bytes) options->header_limit_bytes = 64 * 1024;
    if (!options->body_limit_bytes) options->body_limit_bytes = 16 << 20;
    if (!options->bodies_limit_bytes) options->bodies_limit_bytes = 512 << 20;
    if (!options->header_deadline_ms) options->header_deadline_ms = 10 * 1000;
    if (!options->body_deadline_ms) options->body_deadline_ms = 60 * 1000;
    if (!options->idle_deadline_ms) options->idle_deadline_ms = 75 * 1000;
    if (!options->write_deadline_ms) options->write_deadline_ms = 60 * 1000;
    if (!options->last_words_ms) options->last_words_ms = 5 * 1000;
    if (!options->stream_limit_bytes) options->stream_limit_bytes = 4 << 20;
    if (!options->connection_limit) options->connection_limit = 4096;
    if (!options->queue_limit) options->queue_limit = 1024;
}

/* A connection is a descriptor: have enough of them, or accept fewer clients. */
static void fit_connection_limit(struct http_server_options *options)
{
    enum { OTHER_DESCRIPTORS = 128 }; /* models, logs, the loops' own */
    struct rlimit limit;
    rlim_t wanted = (rlim_t)options->connection_limit + OTHER_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    if (limit.rlim_cur >= wanted) return;
    options->connection_limit = limit.rlim_cur > 2 * OTHER_DESCRIPTORS
                                    ? (unsigned)limit.rlim_cur - OTHER_DESCRIPTORS
                                    : (unsigned)limit.rlim_cur / 2;
    log_write("http", LOG_WARN, NULL,
              "at most %u connections, because this process may open no more than %llu files",
              options->connection_limit, (unsigned long long)limit.rlim_cur);
}

/* ---- listening ---- */

static enum status listen_fault(const struct http_server_options *options, int error,
                                struct fault *fault)
{
    const char *host = options->host;
    unsigned port = options->port;
    switch (error) {
    case EADDRINUSE:
        return fault_set(fault, STATUS_CONFLICT,
                         "port %u on %s is taken: another program listens there; stop it or "
                         "choose another port",
                         port, host);
    case EACCES:
        return fault_set(fault, STATUS_FORBIDDEN,
                         "port %u may not be opened by this user: choose one above 1023", port);
    case EADDRNOTAVAIL:
        return fault_set(fault, STATUS_INVALID, "this machine has no address %s", host);
    default:
        return fault_set(fault, STATUS_IO, "cannot listen on %s port %u: %s", host, port,
                         strerror(error));
    }
}

static int bind_socket(const struct addrinfo *address, bool share, int *error)
{
    int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        (!share || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0) &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    *error = errno;
    if (fd >= 0) close(fd);
    return -1;
}

static uint16_t socket_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &length);
    in_port_t port = address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                   : ((struct sockaddr_in *)&address)->sin_port;
    return ntohs(port);
}

static void set_port(struct addrinfo *address, uint16_t port)
{
    if (address->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)address->ai_addr)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address->ai_addr)->sin_port = htons(port);
}

/* One socket per loop on the same port. With SO_REUSEPORT a second server of the same user could
 * bind it unnoticed, so a first bind without it asks whether the port is free. */
static enum status open_sockets(struct http_server *server, struct addrinfo *address, int *sockets,
                                struct fault *fault)
{
    int error;
    bool share = server->loop_count > 1;
    int first = bind_socket(address, false, &error);
    if (first < 0) return listen_fault(&server->options, error, fault);
    server->port = socket_port(first);
    if (!share) {
        sockets[0] = first;
        return OK;
    }
    close(first);
    set_port(address, server->port);
    for (unsigned i = 0; i < server->loop_count; i++) {
        sockets[i] = bind_socket(address, true, &error);
        if (sockets[i] < 0) return listen_fault(&server->options, error, fault);
    }
    return OK;
}

static enum status listen_all(struct http_server *server, int *sockets, struct fault *fault)
{
    char port[8];
    struct addrinfo *address = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    snprintf(port, sizeof port, "%u", server->options.port);
    int error = getaddrinfo(server->options.host, port, &hints, &address);
    if (error)
        return fault_set(fault, STATUS_INVALID, "cannot listen on \"%s\": %s", server->options.host,
                         gai_strerror(error));
    enum status status = open_sockets(server, address, sockets, fault);
    freeaddrinfo(address);
    return status;
}

enum status http_server_check_port(const struct http_server_options *options, struct fault *fault)
{
    struct http_server server = {.options = *options, .loop_count = 1};
    int fd;
    fill_defaults(&server.options);
    TRY(listen_all(&server, &fd, fault));
    close(fd);
    return OK;
}

/* ---- life ---- */

/* Signals belong to the program's main thread: ours start with all of them blocked. */
static enum status start_threads(struct http_server *server, int *sockets, struct fault *fault)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    enum status status;
    TRY_DONE(worker_pool_open(&server->pool, server->options.workers, server->options.queue_limit,
                              fault));
    for (unsigned i = 0; i < server->loop_count; i++) {
        int taken = sockets[i];
        sockets[i] = -1;
        TRY_DONE(loop_open(&server->loops[i], server, taken, fault));
    }
done:
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

enum status http_server_open(struct http_server **server, const struct http_server_options *options,
                             const struct http_route *routes, size_t route_count,
                             struct fault *fault)
{
    enum { LOOPS_LIMIT = 64 };
    int sockets[LOOPS_LIMIT];
    memset(sockets, -1, sizeof sockets);
    TRY(routes_check(routes, route_count, fault));
    struct http_server *made = calloc(1, sizeof *made);
    if (!made) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    made->options = *options;
    fill_defaults(&made->options);
    fit_connection_limit(&made->options);
    made->routes = routes;
    made->route_count = route_count;
    made->loop_count = made->options.loops < LOOPS_LIMIT ? made->options.loops : LOOPS_LIMIT;

    enum status status;
    made->loops = calloc(made->loop_count, sizeof *made->loops);
    if (!made->loops) {
        status = fault_set(fault, STATUS_NO_MEMORY, "out of memory");
        goto done;
    }
    TRY_DONE(listen_all(made, sockets, fault));
    TRY_DONE(start_threads(made, sockets, fault));
done:
    for (unsigned i = 0; i < LOOPS_LIMIT; i++)
        if (sockets[i] >= 0) close(sockets[i]);
    if (status == OK)
        *server = made;
    else
        http_server_close(made);
    return status;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server, uint64_t grace_ms)
{
    atomic_store(&server->stop_called, true);
    for (unsigned i = 0; i < server->loop_count; i++)
        if (server->loops[i].started) loop_stop(&server->loops[i], grace_ms);
}

void http_server_close(struct http_server *server)
{
    if (!server) return;
    if (!atomic_load(&server->stop_called)) http_server_stop(server, 0);
    if (server->loops)
        for (unsigned i = 0; i < server->loop_count; i++) loop_join(&server->loops[i]);
    worker_pool_close(&server->pool);
    free(server->loops);
    free(server);
}
