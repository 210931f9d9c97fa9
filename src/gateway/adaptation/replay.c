/* replay.c - requests with an Idempotency-Key are done once (R231): the first claims the key in the
 * hot state, its answer is listened to, and whoever comes again within a day gets the same bytes.
 *
 * What failed for our own reasons, or never reached its client, is forgotten: then the next try is
 * the first again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/adaptation/gateway_private.h"
#include "gateway/idempotency.h"
#include "platform/platform.h"
#include "storage/hot_state.h"

enum {
    RUNNING_TTL_MS =
        60 * 60 * 1000, /* a server that died while answering blocks the key for so long */
    ANSWERED_TTL_MS = 24 * 60 * 60 * 1000,
    ANSWER_LIMIT_BYTES = HOT_VALUE_BYTES - 1024,
};

struct recording {
    struct errand errand; /* first */
    const struct gateway *gateway;
    char key[HOT_KEY_BYTES];
    unsigned char fingerprint[FINGERPRINT_BYTES];
    int http_code;
    char content_type[80];
    struct buffer body;
    bool is_broken, is_too_long;
};

/* ---- storing ---- */

static void store(const struct recording *recording)
{
    struct hot_state *hot = recording->gateway->options.hot;
    struct fault fault;
    enum status status;
    if (recording->is_broken || recording->http_code >= 500 || recording->http_code == 429) {
        status = hot_delete(hot, text_of(recording->key), &fault);
    } else {
        struct idempotency_record record = {
            .state = recording->is_too_long ? RECORD_TOO_LONG : RECORD_ANSWERED,
            .http_code = recording->http_code,
            .content_type = text_of(recording->content_type),
            .body = buffer_text(&recording->body),
        };
        struct buffer bytes;
        buffer_init(&bytes);
        memcpy(record.fingerprint, recording->fingerprint, FINGERPRINT_BYTES);
        idempotency_record_write(&bytes, &record);
        status = buffer_status(&bytes, &fault);
        if (status == OK)
            status =
                hot_put(hot, text_of(recording->key), buffer_text(&bytes), ANSWERED_TTL_MS, &fault);
        buffer_deinit(&bytes);
    }
    if (status != OK)
        log_write("gateway", LOG_WARN, NULL, "an Idempotency-Key stays taken for an hour: %s",
                  fault.message);
}

static void recording_free(struct recording *recording)
{
    buffer_deinit(&recording->body);
    free(recording);
}

static void run_errand(struct errand *errand)
{
    struct recording *recording = (struct recording *)errand;
    store(recording);
    recording_free(recording);
}

/* ---- listening ---- */

static void on_answer(void *argument, const struct http_answer_piece *piece)
{
    struct recording *recording = argument;
    recording->http_code = piece->http_code;
    if (recording->body.length + piece->bytes.length > ANSWER_LIMIT_BYTES)
        recording->is_too_long = true;
    if (!recording->is_too_long) buffer_append_text(&recording->body, piece->bytes);
    if (!piece->is_last) return;
    recording->is_broken = piece->is_broken || recording->body.failed;
    snprintf(recording->content_type, sizeof recording->content_type, "%s", piece->content_type);
    attendant_send(recording->gateway->attendant, &recording->errand);
}

/* ---- a request ---- */

static enum status take_fingerprint(struct http_exchange *exchange,
                                    unsigned char fingerprint[FINGERPRINT_BYTES],
                                    struct fault *fault)
{
    struct sha256 *sha = sha256_new();
    if (!sha) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    const struct text parts[] = {http_method(exchange), http_path(exchange), http_body(exchange)};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        sha256_update(sha, parts[i].data, parts[i].length);
        sha256_update(sha, "", 1);
    }
    sha256_final_free(sha, fingerprint);
    return OK;
}

static enum status answer_again(struct http_exchange *exchange, struct text existing,
                                const unsigned char fingerprint[FINGERPRINT_BYTES],
                                struct fault *fault)
{
    struct idempotency_record record;
    TRY(idempotency_record_read(existing, &record, fault));
    TRY(idempotency_judge(&record, fingerprint, fault));
    const char *type =
        arena_copy(http_arena(exchange), record.content_type.data, record.content_type.length);
    if (!type) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    http_set_header(exchange, "Idempotent-Replayed", "true");
    http_reply(exchange, record.http_code, *type ? type : NULL, record.body);
    return OK;
}

static enum status claim(struct http_exchange *exchange, struct recording *recording,
                         bool *is_answered, struct fault *fault)
{
    struct idempotency_record record = {.state = RECORD_RUNNING};
    struct buffer bytes;
    struct text existing;
    bool is_ours;
    buffer_init(&bytes);
    memcpy(record.fingerprint, recording->fingerprint, FINGERPRINT_BYTES);
    idempotency_record_write(&bytes, &record);
    enum status status = buffer_status(&bytes, fault);
    if (status == OK)
        status =
            hot_claim(recording->gateway->options.hot, text_of(recording->key), buffer_text(&bytes),
                      RUNNING_TTL_MS, http_arena(exchange), &is_ours, &existing, fault);
    buffer_deinit(&bytes);
    TRY(status);
    *is_answered = !is_ours;
    if (is_ours) return OK;
    return answer_again(exchange, existing, recording->fingerprint, fault);
}

enum status replay_begin(const struct gateway *gateway, struct http_exchange *exchange,
                         struct text caller, bool *is_answered, struct fault *fault)
{
    struct text key = http_header(exchange, "Idempotency-Key");
    *is_answered = false;
    if (key.length == 0) return OK;
    TRY(idempotency_key_check(key, fault));
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    recording->gateway = gateway;
    recording->errand.run = run_errand;
    snprintf(recording->key, sizeof recording->key, "once:%.*s:%.*s", TEXT_FORMAT(caller),
             TEXT_FORMAT(key));
    enum status status = take_fingerprint(exchange, recording->fingerprint, fault);
    if (status == OK) status = claim(exchange, recording, is_answered, fault);
    if (status == OK && !*is_answered)
        http_listen(exchange, on_answer, recording);
    else
        recording_free(recording);
    return status;
}
