/* download_plan.c - see download_plan.h. */
#include "http/download_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(char *out, size_t capacity, struct text value)
{
    if (value.length >= capacity) value.length = 0; /* an absurd one is worth nothing */
    memcpy(out, value.data, value.length);
    out[value.length] = '\0';
}

void download_answer_header(struct download_answer *answer, struct text line)
{
    size_t colon = text_find(line, TEXT(":"));
    if (colon == SIZE_MAX) return;
    struct text name = text_slice(line, 0, colon);
    struct text value = text_trim(text_slice(line, colon + 1, line.length));
    if (text_equal_ignore_case(name, TEXT("etag"))) {
        keep(answer->etag, sizeof answer->etag, value);
    } else if (text_equal_ignore_case(name, TEXT("last-modified"))) {
        keep(answer->last_modified, sizeof answer->last_modified, value);
    } else if (text_equal_ignore_case(name, TEXT("content-range"))) {
        keep(answer->content_range, sizeof answer->content_range, value);
    } else if (text_equal_ignore_case(name, TEXT("retry-after"))) {
        char seconds[12];
        keep(seconds, sizeof seconds, value);
        answer->retry_after_s = (unsigned)strtoul(seconds, NULL, 10);
    }
}

const char *download_validator(const struct download_answer *answer)
{
    bool strong = answer->etag[0] == '"'; /* weak ones ("W/...") don't promise equal bytes */
    return strong ? answer->etag : answer->last_modified;
}

/* "bytes 100-199/200" or "bytes * /200"; `first` is untouched by the latter. */
static bool parse_content_range(const char *range, uint64_t *first, uint64_t *total)
{
    unsigned long long from, to, all;
    int end = 0;
    if (sscanf(range, "bytes %llu-%llu/%llu%n", &from, &to, &all, &end) == 3 && end > 0 &&
        range[end] == '\0') {
        if (from > to || to >= all) return false;
        *first = from;
        *total = all;
        return true;
    }
    end = 0;
    if (sscanf(range, "bytes */%llu%n", &all, &end) != 1 || end == 0 || range[end] != '\0')
        return false;
    *total = all;
    return true;
}

static void keep_validator(struct download_state *state, const struct download_answer *answer)
{
    snprintf(state->validator, sizeof state->validator, "%s", download_validator(answer));
}

static enum download_step judge_part(struct download_state *state,
                                     const struct download_answer *answer)
{
    uint64_t first = UINT64_MAX, total = 0;
    if (!parse_content_range(answer->content_range, &first, &total)) return DOWNLOAD_RESTART;
    const char *validator = download_validator(answer);
    bool changed = state->validator[0] && validator[0] && strcmp(state->validator, validator) != 0;
    bool other_length = state->total_bytes && state->total_bytes != total;
    if (first != state->have_bytes || changed || other_length) return DOWNLOAD_RESTART;
    state->total_bytes = total;
    if (first == 0) keep_validator(state, answer);
    return DOWNLOAD_APPEND;
}

static enum download_step judge_beyond_end(struct download_state *state,
                                           const struct download_answer *answer)
{
    uint64_t first, total = 0;
    if (state->have_bytes == 0) return DOWNLOAD_FAIL;
    bool whole = parse_content_range(answer->content_range, &first, &total) &&
                 total == state->have_bytes &&
                 (state->total_bytes == 0 || state->total_bytes == total);
    return whole ? DOWNLOAD_WHOLE : DOWNLOAD_RESTART;
}

enum download_step download_judge(struct download_state *state,
                                  const struct download_answer *answer)
{
    int code = answer->http_code;
    if (code == 200) {
        state->total_bytes = answer->length_bytes;
        keep_validator(state, answer);
        return DOWNLOAD_REPLACE;
    }
    if (code == 206) return judge_part(state, answer);
    if (code == 416) return judge_beyond_end(state, answer);
    if (code == 408 || code == 425 || code == 429 || code >= 500) return DOWNLOAD_RETRY;
    return DOWNLOAD_FAIL;
}
