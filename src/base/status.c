/* status.c - the table behind status.h, and how faults are written. */
#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int http_code;
    const char *error_type;
    int exit_code;
} STATUS_TABLE[STATUS_COUNT] = {
    [OK] = {"ok", 200, "none", 0},
    [STATUS_INVALID] = {"invalid", 400, "invalid_request_error", 2},
    [STATUS_UNAUTHORIZED] = {"unauthorized", 401, "authentication_error", 4},
    [STATUS_FORBIDDEN] = {"forbidden", 403, "permission_error", 4},
    [STATUS_NOT_FOUND] = {"not_found", 404, "not_found_error", 3},
    [STATUS_CONFLICT] = {"conflict", 409, "conflict_error", 5},
    [STATUS_TOO_LARGE] = {"too_large", 413, "invalid_request_error", 2},
    [STATUS_BUSY] = {"busy", 429, "rate_limit_error", 6},
    [STATUS_UNSUPPORTED] = {"unsupported", 400, "invalid_request_error", 7},
    [STATUS_CORRUPT] = {"corrupt", 400, "invalid_request_error", 8},
    [STATUS_NO_MEMORY] = {"no_memory", 503, "server_error", 9},
    [STATUS_IO] = {"io", 500, "server_error", 10},
    [STATUS_UNAVAILABLE] = {"unavailable", 503, "server_error", 6},
    [STATUS_STOPPING] = {"stopping", 503, "server_error", 6},
    [STATUS_TIMEOUT] = {"timeout", 504, "server_error", 6},
    [STATUS_CANCELLED] = {"cancelled", 499, "server_error", 130},
    [STATUS_INTERNAL] = {"internal", 500, "server_error", 70},
};

static enum status known(enum status status)
{
    return status < STATUS_COUNT ? status : STATUS_INTERNAL;
}

const char *status_name(enum status status)
{
    return STATUS_TABLE[known(status)].name;
}

int status_http_code(enum status status)
{
    return STATUS_TABLE[known(status)].http_code;
}

const char *status_error_type(enum status status)
{
    return STATUS_TABLE[known(status)].error_type;
}

int status_exit_code(enum status status)
{
    return STATUS_TABLE[known(status)].exit_code;
}

/* Cut a string that filled its buffer back to the last whole UTF-8 character. */
static void trim_partial_character(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
    if (start == 0) return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > 1 && length - (start - 1) < need) text[start - 1] = '\0';
}

static void write_message(struct fault *fault, const char *format, va_list arguments)
{
    int length = vsnprintf(fault->message, sizeof fault->message, format, arguments);
    if (length < 0) fault->message[0] = '\0';
    if ((size_t)length >= sizeof fault->message) trim_partial_character(fault->message);
}

enum status fault_set(struct fault *fault, enum status status, const char *format, ...)
{
    if (!fault) return status;
    va_list arguments;
    va_start(arguments, format);
    fault->status = status;
    fault->param[0] = '\0';
    write_message(fault, format, arguments);
    va_end(arguments);
    return status;
}

enum status fault_set_param(struct fault *fault, enum status status, const char *param,
                            const char *format, ...)
{
    if (!fault) return status;
    va_list arguments;
    va_start(arguments, format);
    fault->status = status;
    if (snprintf(fault->param, sizeof fault->param, "%s", param) >= (int)sizeof fault->param)
        trim_partial_character(fault->param);
    write_message(fault, format, arguments);
    va_end(arguments);
    return status;
}

void fault_prefix(struct fault *fault, const char *format, ...)
{
    if (!fault) return;
    char old[FAULT_MESSAGE_BYTES];
    memcpy(old, fault->message, sizeof old);
    va_list arguments;
    va_start(arguments, format);
    write_message(fault, format, arguments);
    va_end(arguments);
    size_t used = strlen(fault->message);
    int length = snprintf(fault->message + used, sizeof fault->message - used, ": %s", old);
    if (length >= (int)(sizeof fault->message - used)) trim_partial_character(fault->message);
}
