/* http_test_client.h - raw sockets for the tests: they say exactly what they mean, also what no
 * client would. Everything waits at most CLIENT_PATIENCE_MS and then fails the test. */
#ifndef LIMINAL_HTTP_TEST_CLIENT_H
#define LIMINAL_HTTP_TEST_CLIENT_H

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test_support.h"
#include "base/text.h"

enum { CLIENT_PATIENCE_MS = 20000 };

static inline int client_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_return_code(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* False when the server has closed already, which some tests await. */
static inline bool client_send_bytes(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static inline bool client_send(int fd, const char *text)
{
    return client_send_bytes(fd, text, strlen(text));
}

/* One recv; 0 when the server has closed or reset the connection. */
static inline size_t client_receive(int fd, char *bytes, size_t capacity)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (poll(&poll_fd, 1, CLIENT_PATIENCE_MS) != 1) fail_msg("the server keeps silent");
    ssize_t length = recv(fd, bytes, capacity, 0);
    return length > 0 ? (size_t)length : 0;
}

/* All until the server closes. */
static inline void client_receive_all(int fd, struct buffer *out)
{
    char bytes[16384];
    size_t length;
    while ((length = client_receive(fd, bytes, sizeof bytes)) > 0)
        buffer_append(out, bytes, length);
    buffer_append(out, "", 0);
}

/* Until `mark` has come; false when the server closes first. */
static inline bool client_receive_until(int fd, struct buffer *out, const char *mark)
{
    char bytes[16384];
    while (text_find(buffer_text(out), text_of(mark)) == SIZE_MAX) {
        size_t length = client_receive(fd, bytes, sizeof bytes);
        if (length == 0) return false;
        buffer_append(out, bytes, length);
    }
    return true;
}

/* Send `request` on a connection of its own and gather the answer until the server closes. */
static inline void client_exchange(uint16_t port, const char *request, struct buffer *out)
{
    int fd = client_connect(port);
    client_send(fd, request);
    client_receive_all(fd, out);
    close(fd);
}

/* The code in "HTTP/1.1 200 ...", 0 when there is none. */
static inline int answer_code(const struct buffer *answer)
{
    int code = 0;
    if (!answer->data || sscanf(answer->data, "HTTP/1.1 %3d ", &code) != 1) return 0;
    return code;
}

static inline bool answer_has(const struct buffer *answer, const char *part)
{
    return text_find(buffer_text(answer), text_of(part)) != SIZE_MAX;
}

#endif
