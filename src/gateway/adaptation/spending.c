/* spending.c - the tokens of models that an API token may spend: what a request may need is claimed
 * before it is made when there is a cap, and settled when it has ended. */
#include <stdlib.h>

#include "gateway/adaptation/gateway_private.h"
#include "platform/platform.h"

struct settlement {
    struct errand errand; /* first */
    struct accounts *accounts;
    struct principal principal;
    int64_t tokens;
};

enum status gateway_claim_tokens(struct http_exchange *exchange, uint64_t most, struct fault *fault)
{
    struct gateway_note *note = gateway_note_of(exchange);
    const struct principal *principal = &note->caller.principal;
    if (note->caller.kind != CALLER_ACCOUNT) return OK;
    if (!principal->limits.spend_cap_tokens && !principal->limits.tokens_per_day) return OK;
    TRY(accounts_token_spend(note->gateway->options.accounts, principal, (int64_t)most, fault));
    note->tokens_claimed = most;
    return OK;
}

void gateway_count_tokens(const struct http_exchange *exchange, uint64_t tokens)
{
    struct gateway_note *note = gateway_note_of(exchange);
    if (note) note->tokens_used = tokens;
}

static void settle(struct errand *errand)
{
    struct settlement *settlement = (struct settlement *)errand;
    struct fault fault;
    if (accounts_token_spend(settlement->accounts, &settlement->principal, settlement->tokens,
                             &fault) != OK)
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
    settlement->accounts = gateway->options.accounts;
    settlement->principal = note->caller.principal;
    settlement->principal.token_name =
        TEXT(""); /* lies in the request's arena, as the scope does */
    settlement->principal.scope = (struct api_scope){.models = NULL};
    settlement->tokens = tokens;
    attendant_send(gateway->attendant, &settlement->errand);
}
