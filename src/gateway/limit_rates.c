/* limit_rates.c - see limit_rates.h. */
#include "gateway/limit_rates.h"

static const char *const NAMES[LIMIT_KINDS] = {
    [LIMIT_NONE] = "none", [LIMIT_READ] = "read",     [LIMIT_WRITE] = "write",
    [LIMIT_CHAT] = "chat", [LIMIT_UPLOAD] = "upload",
};

enum { RATE_DIGITS = 7 };

const char *limit_kind_name(enum limit_kind kind)
{
    return NAMES[kind];
}

static bool read_number(struct text digits, double *number)
{
    if (digits.length == 0 || digits.length > RATE_DIGITS) return false;
    *number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return false;
        *number = *number * 10 + (digits.data[i] - '0');
    }
    return true;
}

static bool read_rate(struct text word, double per_minute[LIMIT_KINDS])
{
    size_t equals = text_find(word, TEXT("="));
    if (equals == SIZE_MAX) return false;
    struct text name = text_trim(text_slice(word, 0, equals));
    struct text number = text_trim(text_slice(word, equals + 1, word.length));
    for (int kind = LIMIT_NONE + 1; kind < LIMIT_KINDS; kind++)
        if (text_equal(name, text_of(NAMES[kind]))) return read_number(number, &per_minute[kind]);
    return false;
}

enum status limit_rates_parse(struct text words, double per_minute[LIMIT_KINDS],
                              struct fault *fault)
{
    for (int kind = 0; kind < LIMIT_KINDS; kind++) per_minute[kind] = 0;
    if (text_equal(text_trim(words), TEXT("off"))) return OK;
    while (words.length) {
        size_t comma = text_find(words, TEXT(","));
        size_t end = comma == SIZE_MAX ? words.length : comma;
        struct text word = text_trim(text_slice(words, 0, end));
        if (!read_rate(word, per_minute))
            return fault_set_param(fault, STATUS_INVALID, "rate-limits",
                                   "`%.*s` is no limit: write chat=60, with chat, upload, write or "
                                   "read, or `off` for none at all",
                                   TEXT_FORMAT(word));
        words = comma == SIZE_MAX ? TEXT("") : text_slice(words, comma + 1, words.length);
    }
    return OK;
}
