/* status.h - the one set of outcomes that every function in Liminal reports.
 *
 * A function that can fail returns enum status and, where a person should hear about it, takes an
 * optional last parameter `struct fault *` for the sentence. OK is 0 everywhere.
 * The table in status.c maps a status to its HTTP code, OpenAI error type and process exit code. */
#ifndef LIMINAL_BASE_STATUS_H
#define LIMINAL_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>

enum status {
    OK = 0,
    STATUS_INVALID,      /* the caller's input is wrong; the fault names the field */
    STATUS_UNAUTHORIZED, /* who are you? */
    STATUS_FORBIDDEN,    /* known, but not allowed */
    STATUS_NOT_FOUND,
    STATUS_CONFLICT,    /* exists already, or in a state that forbids this */
    STATUS_TOO_LARGE,   /* over a stated bound */
    STATUS_BUSY,        /* over capacity or rate: try again later */
    STATUS_UNSUPPORTED, /* well-formed, but we do not do this */
    STATUS_CORRUPT,     /* foreign bytes that break their own format */
    STATUS_NO_MEMORY,
    STATUS_IO,          /* disk or network failed */
    STATUS_UNAVAILABLE, /* a part we depend on is not there (yet) */
    STATUS_STOPPING,    /* the program is about to end */
    STATUS_TIMEOUT,
    STATUS_CANCELLED,
    STATUS_INTERNAL, /* our bug */
    STATUS_COUNT
};

#define MUST_USE                        __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* The short stable name, e.g. "not_found". */
const char *status_name(enum status status);
/* The HTTP status code, e.g. 404. */
int status_http_code(enum status status);
/* The `type` of an OpenAI error object, e.g. "invalid_request_error". */
const char *status_error_type(enum status status);
/* The process exit code (docs/cli.md lists them): 0 ok, 2 usage, 3 not found, ... */
int status_exit_code(enum status status);

enum { FAULT_MESSAGE_BYTES = 1024, FAULT_PARAM_BYTES = 96 };

/* What went wrong, for a person: one sentence that names the fault and, where there is one, the
 * remedy. `param` names the offending field of a request ("temperature", "messages[2].role"). */
struct fault {
    enum status status;
    char message[FAULT_MESSAGE_BYTES];
    char param[FAULT_PARAM_BYTES];
};

/* Fill *fault (may be NULL) and return `status`, so that `return fault_set(...)` reads well.
 * The message is cut at a UTF-8 boundary when too long. */
enum status fault_set(struct fault *fault, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* The same, naming the field at fault. */
enum status fault_set_param(struct fault *fault, enum status status, const char *param,
                            const char *format, ...) PRINTF_LIKE(4, 5);
/* Put `context: ` before the message already there (e.g. a file's name). */
void fault_prefix(struct fault *fault, const char *format, ...) PRINTF_LIKE(2, 3);

/* Return at once when the expression is not OK. Where something is owned, use TRY_DONE with a
 * local `enum status status` and a `done:` label. */
#define TRY(expression)                          \
    do {                                         \
        enum status try_status = (expression);   \
        if (try_status != OK) return try_status; \
    } while (0)
#define TRY_DONE(expression)         \
    do {                             \
        status = (expression);       \
        if (status != OK) goto done; \
    } while (0)

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
