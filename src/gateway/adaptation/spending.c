/* spending.c - the tokens of models that an API token may spend: what a request may need is claimed
 * before it is made when there is a cap, and settled when it has ended. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/adaptation/gateway_private.h"
#include "platform/platform.h"
#include "storage/hot_state.h"

struct settlement {
    struct errand errand; /* first */
    const struct gateway *gateway;
    struct principal principal;
    int64_t tokens;
};

/* ---- a day's tokens: a bucket that fills within a day ---- */

/* `tokens` below 0 gives back. */
static enum status spend_of_day(const struct gateway *gateway, const struct principal *principal,
                                int64_t tokens, struct hot_allowance *allowance,
                                struct fault *fault)
{
    enum { DAY_S = 86400 };
    double limit = (double)principal->limits.tokens_per_day;
    const struct hot_bucket bucket = {.per_second = limit / DAY_S, .burst = limit};
    char key[HOT_KEY_BYTES], id[UUID_TEXT_BYTES];
    uuid_format(principal->credential_id, id);
    snprintf(key, sizeof key, "tokens:%s", id);
    return hot_spend(gateway->options.hot, text_of(key), &bucket, (double)tokens, allowance, fault);
}

/* Without the hot state nobody could count, and nothing is spent. */
static enum status claim_of_day(const struct gateway *gateway, struct http_exchange *exchange,
                                struct gateway_note *note, uint64_t most, struct fault *fault)
{
    const struct principal *principal = &note->caller.principal;
    struct hot_allowance allowance;
    unsigned long long limit = principal->limits.tokens_per_day;
    if (!limit) return OK;
    TRY(spend_of_day(gateway, principal, (int64_t)most, &allowance, fault));
    if (allowance.allowed) return OK;
    if (allowance.wait_ms == UINT64_MAX)
        return fault_set(fault, STATUS_FORBIDDEN,
                         "this request may need %llu tokens, and its key has %llu a day: ask for "
                         "fewer with max_tokens",
                         (unsigned long long)most, limit);
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(allowance.wait_ms + 999) / 1000);
    http_set_header(exchange, "Retry-After", seconds);
    note->has_retry_after = true;
    return fault_set(fault, STATUS_BUSY,
                     "this key's %llu tokens a day are spent: there are enough again in %s s",
                     limit, seconds);
}

/* ---- before and after ---- */

enum status gateway_claim_tokens(struct http_exchange *exchange, uint64_t most, struct fault *fault)
{
    struct gateway_note *note = gateway_note_of(exchange);
    const struct principal *principal = &note->caller.principal;
    if (note->caller.kind != CALLER_ACCOUNT) return OK;
    if (!principal->limits.spend_cap_tokens && !principal->limits.tokens_per_day) return OK;
    TRY(claim_of_day(note->gateway, exchange, note, most, fault));
    enum status status =
        accounts_token_spend(note->gateway->options.accounts, principal, (int64_t)most, fault);
    struct hot_allowance ignored;
    struct fault lost; /* then the day is shorter by as much */
    if (status == OK)
        note->tokens_claimed = most;
    else if (principal->limits.tokens_per_day &&
             spend_of_day(note->gateway, principal, -(int64_t)most, &ignored, &lost) != OK)
        log_write("gateway", LOG_WARN, NULL, "claimed tokens were not given back: %s",
                  lost.message);
    return status;
}

void gateway_count_tokens(const struct http_exchange *exchange, uint64_t tokens)
{
    struct gateway_note *note = gateway_note_of(exchange);
    if (note) note->tokens_used = tokens;
}

static void settle(struct errand *errand)
{
    struct settlement *settlement = (struct settlement *)errand;
    const struct principal *principal = &settlement->principal;
    struct hot_allowance ignored;
    struct fault fault;
    enum status status = accounts_token_spend(settlement->gateway->options.accounts, principal,
                                              settlement->tokens, &fault);
    if (status == OK && principal->limits.tokens_per_day)
        status = spend_of_day(settlement->gateway, principal, settlement->tokens, &ignored, &fault);
    if (status != OK)
        log_write("gateway", LOG_WARN, NULL, "spent tokens were not counted: %s", fault.message);
    free(settlement);
}

void gateway_settle(struct gateway *gateway, const struct gateway_note *note)
{
    int64_t tokens = (int64_t)note->tokens_used - (int64_t)note->tokens_claimed;
    if (tokens == 0 || note->caller.kind != CALLER_ACCOUNT ||
        note->caller.principal.credential != CREDENTIAL_API_TOKEN)
        return;
    struct settlement *settlement = calloc(1, sizeof *settlement);
    if (!settlement) {
        log_write("gateway", LOG_WARN, NULL, "no memory to count %lld tokens", (long long)tokens);
        return;
    }
    settlement->errand.run = settle;
    settlement->gateway = gateway;
    settlement->principal = note->caller.principal;
    settlement->principal.token_name =
        TEXT(""); /* lies in the request's arena, as the scope does */
    settlement->principal.scope = (struct api_scope){.models = NULL};
    settlement->tokens = tokens;
    attendant_send(gateway->attendant, &settlement->errand);
}
