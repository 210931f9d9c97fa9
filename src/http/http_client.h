/* http_client.h - the face of the HTTP(S) client: blocking calls for the command line and for
 * fetching models. Proxies come from the usual environment variables (http_proxy, https_proxy,
 * no_proxy); certificates are checked against the system's, or those in SSL_CERT_FILE.
 *
 * It knows nothing of models: an URL, a path, a digest. */
#ifndef LIMINAL_HTTP_CLIENT_H
#define LIMINAL_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

enum { HTTP_SHA256_HEX_BYTES = 65 }; /* 64 digits and the NUL */

/* Bytes here so far, and in all (0: the server has not said). Return false to stop: the download
 * then answers STATUS_CANCELLED and keeps what it has, to be resumed. */
typedef bool http_progress(void *argument, uint64_t done_bytes, uint64_t total_bytes);

/* A file to fetch. Only url and path are needed; the zeros of the others mean the defaults. */
struct http_download {
    const char *url;      /* http:// or https:// */
    const char *path;     /* the file to make; grows as PATH.part, renamed when whole */
    const char *sha256;   /* what it must be, 64 hex digits; NULL: not known */
    uint64_t size_bytes;  /* how long it must be; 0: not known */
    uint64_t limit_bytes; /* refuse anything longer; 0: what the disk holds */
    /* NULL-ended "Name: value"; credentials among them (Authorization, Cookie) stay with the host
     * of the URL when it redirects to another. */
    const char *const *headers;
    http_progress *progress;      /* may be NULL; called a few times a second */
    void *argument;               /* of progress */
    unsigned attempts;            /* in a row without a new byte; default 6 */
    uint64_t retry_delay_ms;      /* before the second attempt, doubling up to 15 s; default 500 */
    uint64_t connect_deadline_ms; /* default 20 s */
    uint64_t stall_deadline_ms;   /* no byte for this long ends an attempt; default 30 s */
    char *digest;                 /* NULL, or HTTP_SHA256_HEX_BYTES to receive the file's sha256 */
};

/* Fetch into PATH.part, resuming what an earlier call left there, then check length and digest and
 * rename. Afterwards PATH is either whole and right or untouched. Dropped connections are retried
 * where they stopped; a file that changed on the server in between (ETag, length) starts again.
 * STATUS_NOT_FOUND (404, 410), STATUS_UNAUTHORIZED (401), STATUS_FORBIDDEN (403),
 * STATUS_TOO_LARGE, STATUS_CORRUPT (not the digest or length asked for: the part is removed),
 * STATUS_CONFLICT (another process is fetching the same file), STATUS_UNAVAILABLE (no network, no
 * such host, the server fails), STATUS_IO (disk, TLS), STATUS_CANCELLED. */
enum status http_download(const struct http_download *download, struct fault *fault) MUST_USE;

/* One small call: a JSON document, the health of a server. */
struct http_call {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers; /* NULL-ended "Name: value" */
    struct text body;
    size_t limit_bytes;   /* of the answer; default 16 MiB */
    uint64_t deadline_ms; /* for all of it; default 30 s */
};

/* OK whenever an answer came, whatever its code; `answer` is appended to. */
enum status http_call(const struct http_call *call, int *http_code, struct buffer *answer,
                      struct fault *fault) MUST_USE;

#endif
