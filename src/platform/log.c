/* log.c - structured log lines, one JSON object each, written with a single write(2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"

enum { COMPONENT_LIMIT = 16, COMPONENT_BYTES = 32 };

/* Set once at start, before threads exist; read-only afterwards. */
static struct {
    enum log_level least;
    size_t count;
    struct {
        char component[COMPONENT_BYTES];
        enum log_level least;
    } entries[COMPONENT_LIMIT];
} filter = {.least = LOG_INFO};

static const char *const LEVEL_NAMES[] = {"debug", "info", "warn", "error", "off"};

static int level_by_name(struct text name)
{
    for (size_t i = 0; i < ARRAY_COUNT(LEVEL_NAMES); i++)
        if (text_equal_ignore_case(name, text_of(LEVEL_NAMES[i]))) return (int)i;
    return -1;
}

enum status log_configure(const char *specification, struct fault *fault)
{
    filter.least = LOG_INFO;
    filter.count = 0;
    struct text rest = text_of(specification);
    while (rest.length) {
        size_t comma = text_find(rest, TEXT(","));
        struct text word = text_trim(text_slice(rest, 0, comma));
        rest = comma == SIZE_MAX ? (struct text){0} : text_slice(rest, comma + 1, rest.length);
        if (!word.length) continue;
        size_t equals = text_find(word, TEXT("="));
        struct text level = equals == SIZE_MAX ? word : text_slice(word, equals + 1, word.length);
        int least = level_by_name(text_trim(level));
        if (least < 0)
            return fault_set_param(fault, STATUS_INVALID, "LIMINAL_LOG",
                                   "\"%.*s\" is no log level: use debug, info, warn, error or off",
                                   TEXT_FORMAT(level));
        if (equals == SIZE_MAX) {
            filter.least = (enum log_level)least;
            continue;
        }
        if (equals >= COMPONENT_BYTES || filter.count == COMPONENT_LIMIT)
            return fault_set_param(fault, STATUS_INVALID, "LIMINAL_LOG",
                                   "too many or too long component names in LIMINAL_LOG");
        memcpy(filter.entries[filter.count].component, word.data, equals);
        filter.entries[filter.count].component[equals] = '\0';
        filter.entries[filter.count++].least = (enum log_level)least;
    }
    return OK;
}

bool log_enabled(const char *component, enum log_level level)
{
    for (size_t i = 0; i < filter.count; i++)
        if (strcmp(filter.entries[i].component, component) == 0)
            return level >= filter.entries[i].least;
    return level >= filter.least;
}

void log_write(const char *component, enum log_level level, const char *fields_json,
               const char *format, ...)
{
    if (!log_enabled(component, level)) return;
    struct buffer line;
    buffer_init(&line);
    va_list arguments;
    va_start(arguments, format);
    char text[2048];
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;

    int64_t now = clock_wall_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    buffer_printf(&line,
                  "{\"timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",\"level\":\"%s\","
                  "\"component\":\"%s\",\"message\":",
                  utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                  utc.tm_sec, (int)(now % 1000), LEVEL_NAMES[level], component);
    buffer_append_json_string(&line, (struct text){text, used});
    if (fields_json && *fields_json) buffer_printf(&line, ",%s", fields_json);
    buffer_append_string(&line, "}\n");
    if (!line.failed) {
        ssize_t ignored = write(STDERR_FILENO, line.data, line.length);
        (void)ignored;
    }
    buffer_deinit(&line);
}
