/* keep_alive.c - see keep_alive.h. */
#include "inference/keep_alive.h"

#include <math.h>
#include <stdbool.h>

#define LONGEST_S 32e9 /* a thousand years */

static const struct {
    const char *name;
    double seconds;
} UNITS[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

int64_t keep_alive_of_seconds(double seconds)
{
    if (seconds < 0 || seconds > LONGEST_S) return KEEP_ALIVE_FOREVER_MS;
    return (int64_t)llround(seconds * 1000);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with at most one point among them, from the front of `t`. */
static bool take_number(struct text *t, double *number)
{
    double scale = 0;
    size_t at = 0, digits = 0;
    *number = 0;
    for (; at < t->length && (is_digit(t->data[at]) || (t->data[at] == '.' && scale == 0)); at++) {
        if (t->data[at] == '.') {
            scale = 1;
            continue;
        }
        *number = *number * 10 + (t->data[at] - '0');
        scale *= 10;
        digits++;
    }
    if (scale > 0) *number /= scale;
    *t = text_slice(*t, at, t->length);
    return digits > 0;
}

/* The letters up to the next number. */
static bool take_unit(struct text *t, double *seconds)
{
    size_t length = 0;
    while (length < t->length && !is_digit(t->data[length]) && t->data[length] != '.') length++;
    struct text name = text_slice(*t, 0, length);
    *t = text_slice(*t, length, t->length);
    for (size_t i = 0; i < ARRAY_COUNT(UNITS); i++)
        if (text_equal(name, text_of(UNITS[i].name))) {
            *seconds = UNITS[i].seconds;
            return true;
        }
    return false;
}

static bool parse(struct text t, double *seconds)
{
    double number, unit;
    *seconds = 0;
    if (!take_number(&t, seconds)) return false;
    if (t.length == 0) return true; /* bare: seconds */
    number = *seconds;
    *seconds = 0;
    for (;;) {
        if (!take_unit(&t, &unit)) return false;
        *seconds += number * unit;
        if (t.length == 0) return true;
        if (!take_number(&t, &number)) return false;
    }
}

enum status keep_alive_parse(struct text t, int64_t *keep_ms, struct fault *fault)
{
    struct text trimmed = text_trim(t);
    bool is_negative = text_starts_with(trimmed, TEXT("-"));
    if (is_negative) trimmed = text_slice(trimmed, 1, trimmed.length);
    double seconds;
    if (!parse(trimmed, &seconds))
        return fault_set_param(fault, STATUS_INVALID, "keep_alive",
                               "keep_alive must be a time like \"5m\", \"1h30m\" or 300 (seconds), "
                               "0 for not at all, or -1 for ever");
    *keep_ms = is_negative && seconds > 0 ? KEEP_ALIVE_FOREVER_MS : keep_alive_of_seconds(seconds);
    return OK;
}
