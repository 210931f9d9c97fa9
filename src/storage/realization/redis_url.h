/* redis_url.h - redis://[user:password@]host[:port][/database] or unix:/path, taken apart. Pure. */
#ifndef LIMINAL_STORAGE_REDIS_URL_H
#define LIMINAL_STORAGE_REDIS_URL_H

#include <stdint.h>

#include "base/status.h"

struct redis_url {
    char host[256]; /* or the socket's path, when port is 0 */
    char user[128], password[256];
    uint16_t port;
    unsigned database;
};

/* STATUS_INVALID; the fault never repeats the URL, which may hold a password. */
enum status redis_url_parse(const char *url, struct redis_url *parsed,
                            struct fault *fault) MUST_USE;

#endif
