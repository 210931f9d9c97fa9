/* download_plan.h - what a server's answer means for a file of which a part is here already.
 * Pure rules (RFC 9110 13.1.5, 14.2 to 14.4, 15.5.17); servers lie, so everything is compared. */
#ifndef LIMINAL_HTTP_DOWNLOAD_PLAN_H
#define LIMINAL_HTTP_DOWNLOAD_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { VALIDATOR_BYTES = 256 };

/* What is known of the file so far. */
struct download_state {
    uint64_t have_bytes;
    uint64_t total_bytes;            /* 0: not known */
    char validator[VALIDATOR_BYTES]; /* a strong ETag or a Last-Modified; "" when there is none */
};

/* The headers of an answer that matter. */
struct download_answer {
    int http_code;
    uint64_t length_bytes; /* of the body; 0: not known */
    char etag[VALIDATOR_BYTES], last_modified[VALIDATOR_BYTES], content_range[96];
    unsigned retry_after_s;
};

enum download_step {
    DOWNLOAD_APPEND,  /* the body continues what is here */
    DOWNLOAD_REPLACE, /* the body is the whole file: what is here goes */
    DOWNLOAD_WHOLE,   /* nothing is missing */
    DOWNLOAD_RESTART, /* what is here can't be continued: drop it and ask for all */
    DOWNLOAD_RETRY,   /* the server has trouble: ask again later */
    DOWNLOAD_FAIL,    /* asking again would not help */
};

/* Keep one header ("ETag: ..." without the line break) of an answer. */
void download_answer_header(struct download_answer *answer, struct text line);
/* The value for If-Range and for the next run: a strong ETag, else Last-Modified, else "". */
const char *download_validator(const struct download_answer *answer);
/* Judge; updates state->total_bytes and, where the body is the beginning of the file, the
 * validator.
 */
enum download_step download_judge(struct download_state *state,
                                  const struct download_answer *answer);

#endif
