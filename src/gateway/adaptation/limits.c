/* limits.c - how often: a token bucket for each caller and kind of request (R243), told in the
 * RateLimit headers. */
#include <math.h>
#include <stdio.h>

#include "gateway/adaptation/gateway_private.h"
#include "platform/platform.h"
#include "storage/hot_state.h"

static void tell(struct http_exchange *exchange, double limit,
                 const struct hot_allowance *allowance)
{
    char number[32];
    snprintf(number, sizeof number, "%.0f", limit);
    http_set_header(exchange, "RateLimit-Limit", number);
    snprintf(number, sizeof number, "%.0f", floor(allowance->left));
    http_set_header(exchange, "RateLimit-Remaining", number);
    double reset_s = (limit - allowance->left) * 60 / limit;
    snprintf(number, sizeof number, "%.0f", ceil(reset_s));
    http_set_header(exchange, "RateLimit-Reset", number);
}

/* One from the bucket `key`, which a minute fills with `limit`. */
static enum status spend_one(const struct gateway *gateway, struct http_exchange *exchange,
                             struct gateway_note *note, const char *key, double limit,
                             struct fault *fault)
{
    const struct hot_bucket bucket = {.per_second = limit / 60, .burst = limit};
    struct hot_allowance allowance;
    struct fault down;
    if (hot_spend(gateway->options.hot, text_of(key), &bucket, 1, &allowance, &down) != OK) {
        /* Who may do what is the database's to say; this only keeps one from taking all. */
        log_write("gateway", LOG_WARN, NULL, "serving without limits: %s", down.message);
        return OK;
    }
    tell(exchange, limit, &allowance);
    if (allowance.allowed) return OK;
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(allowance.wait_ms + 999) / 1000);
    http_set_header(exchange, "Retry-After", seconds);
    note->has_retry_after = true;
    return fault_set(fault, STATUS_BUSY,
                     "too many requests: %.0f a minute are allowed of this kind; again in %s s",
                     limit, seconds);
}

/* A token with a limit of its own has that, of all kinds together. */
static enum status spend_of_token(const struct gateway *gateway, struct http_exchange *exchange,
                                  struct gateway_note *note, struct fault *fault)
{
    const struct principal *principal = &note->caller.principal;
    char key[HOT_KEY_BYTES], id[UUID_TEXT_BYTES];
    uuid_format(principal->credential_id, id);
    snprintf(key, sizeof key, "limit:token:%s", id);
    return spend_one(gateway, exchange, note, key, (double)principal->limits.requests_per_minute,
                     fault);
}

enum status gateway_spend(const struct gateway *gateway, struct http_exchange *exchange,
                          struct gateway_note *note, enum limit_kind kind, struct fault *fault)
{
    double limit = gateway->options.per_minute[kind];
    bool is_stranger = note->caller.kind == CALLER_STRANGER;
    if (kind == LIMIT_NONE || note->caller.kind == CALLER_SERVICE) return OK;
    if (!is_stranger && note->caller.principal.limits.requests_per_minute)
        return spend_of_token(gateway, exchange, note, fault);
    if (limit <= 0) return OK;
    struct text who = is_stranger ? note->caller.client.ip : text_of(note->name);
    char key[HOT_KEY_BYTES];
    snprintf(key, sizeof key, "limit:%s:%s:%.*s", limit_kind_name(kind),
             is_stranger ? "ip" : "user", TEXT_FORMAT(who));
    return spend_one(gateway, exchange, note, key, limit, fault);
}
