/* idempotency.h - what is kept of a request with an Idempotency-Key, so that it is done once
 * however often it is sent (R231). Pure: records as bytes. docs/format-hot-state.md shows them. */
#ifndef LIMINAL_GATEWAY_IDEMPOTENCY_H
#define LIMINAL_GATEWAY_IDEMPOTENCY_H

#include "base/status.h"
#include "base/text.h"

enum {
    IDEMPOTENCY_KEY_BYTES = 200, /* at most */
    FINGERPRINT_BYTES = 32,      /* SHA-256 of method, path and body */
};

enum record_state {
    RECORD_RUNNING,  /* somebody is at it */
    RECORD_ANSWERED, /* and this was the answer */
    RECORD_TOO_LONG, /* it was answered at too great a length to keep */
};

struct idempotency_record {
    enum record_state state;
    unsigned char fingerprint[FINGERPRINT_BYTES];
    int http_code;
    struct text content_type, body; /* borrowed */
};

/* 1 to 200 visible ASCII characters; STATUS_INVALID names the header. */
enum status idempotency_key_check(struct text key, struct fault *fault) MUST_USE;

void idempotency_record_write(struct buffer *out, const struct idempotency_record *record);
/* STATUS_CORRUPT for what was not written by the above. */
enum status idempotency_record_read(struct text bytes, struct idempotency_record *record,
                                    struct fault *fault) MUST_USE;

/* May `record` be replayed to a request of this fingerprint? STATUS_CONFLICT says why not. */
enum status idempotency_judge(const struct idempotency_record *record,
                              const unsigned char fingerprint[FINGERPRINT_BYTES],
                              struct fault *fault) MUST_USE;

#endif
