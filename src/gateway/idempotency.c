/* idempotency.c - see idempotency.h. */
#include "gateway/idempotency.h"

#include <string.h>

enum status idempotency_key_check(struct text key, struct fault *fault)
{
    bool fits = key.length > 0 && key.length <= IDEMPOTENCY_KEY_BYTES;
    for (size_t i = 0; fits && i < key.length; i++) fits = key.data[i] > ' ' && key.data[i] < 0x7F;
    if (fits) return OK;
    return fault_set_param(fault, STATUS_INVALID, "Idempotency-Key",
                           "Idempotency-Key must be 1 to %d visible ASCII characters",
                           IDEMPOTENCY_KEY_BYTES);
}

/* ---- records: a letter, the fingerprint, and of an answer its code, type, NUL and body ---- */

static const char LETTERS[] = {
    [RECORD_RUNNING] = 'r', [RECORD_ANSWERED] = 'a', [RECORD_TOO_LONG] = 'l'};
enum { HEAD_BYTES = 1 + FINGERPRINT_BYTES };

void idempotency_record_write(struct buffer *out, const struct idempotency_record *record)
{
    buffer_append_char(out, LETTERS[record->state]);
    buffer_append(out, record->fingerprint, FINGERPRINT_BYTES);
    if (record->state != RECORD_ANSWERED) return;
    buffer_printf(out, "%03d", record->http_code);
    buffer_append_text(out, record->content_type);
    buffer_append_char(out, '\0');
    buffer_append_text(out, record->body);
}

static bool read_state(char letter, enum record_state *state)
{
    for (size_t i = 0; i < sizeof LETTERS; i++)
        if (LETTERS[i] == letter) {
            *state = (enum record_state)i;
            return true;
        }
    return false;
}

static bool read_answer(struct text rest, struct idempotency_record *record)
{
    record->http_code = 0;
    if (rest.length < 4) return false;
    for (size_t i = 0; i < 3; i++) {
        if (rest.data[i] < '0' || rest.data[i] > '9') return false;
        record->http_code = record->http_code * 10 + (rest.data[i] - '0');
    }
    rest = text_slice(rest, 3, rest.length);
    const char *end = memchr(rest.data, '\0', rest.length);
    if (!end) return false;
    size_t length = (size_t)(end - rest.data);
    record->content_type = text_slice(rest, 0, length);
    record->body = text_slice(rest, length + 1, rest.length);
    return true;
}

enum status idempotency_record_read(struct text bytes, struct idempotency_record *record,
                                    struct fault *fault)
{
    *record = (struct idempotency_record){.http_code = 0};
    bool is_whole = bytes.length >= HEAD_BYTES && read_state(bytes.data[0], &record->state);
    if (is_whole) memcpy(record->fingerprint, bytes.data + 1, FINGERPRINT_BYTES);
    if (is_whole && record->state == RECORD_ANSWERED)
        is_whole = read_answer(text_slice(bytes, HEAD_BYTES, bytes.length), record);
    if (is_whole) return OK;
    return fault_set(fault, STATUS_CORRUPT, "the record of this Idempotency-Key is damaged");
}

enum status idempotency_judge(const struct idempotency_record *record,
                              const unsigned char fingerprint[FINGERPRINT_BYTES],
                              struct fault *fault)
{
    static const char FIELD[] = "Idempotency-Key";
    if (memcmp(record->fingerprint, fingerprint, FINGERPRINT_BYTES) != 0)
        return fault_set_param(fault, STATUS_CONFLICT, FIELD,
                               "this Idempotency-Key was used for another request: use a new one");
    if (record->state == RECORD_RUNNING)
        return fault_set_param(fault, STATUS_CONFLICT, FIELD,
                               "the request with this Idempotency-Key is being answered: try again "
                               "in a moment");
    if (record->state == RECORD_TOO_LONG)
        return fault_set_param(fault, STATUS_CONFLICT, FIELD,
                               "the request with this Idempotency-Key was answered, at too great a "
                               "length to be answered again");
    return OK;
}
