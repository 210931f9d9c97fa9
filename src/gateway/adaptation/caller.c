/* caller.c - who is it? The service's key, an account's session or key, or a stranger. */
#include <stdio.h>
#include <string.h>

#include "gateway/adaptation/gateway_private.h"

/* A copy that lives as long as the exchange. */
static struct text keep(struct http_exchange *exchange, struct text text)
{
    const char *copy = arena_copy(http_arena(exchange), text.data, text.length);
    return copy ? (struct text){copy, text.length} : TEXT("");
}

static void note_client(const struct gateway *gateway, struct http_exchange *exchange,
                        struct client *client)
{
    struct text remote = http_remote_address(exchange);
    struct text forwarded = http_header(exchange, "X-Forwarded-For");
    client->ip = keep(exchange, client_address(remote, forwarded, gateway->options.proxies));
    client->user_agent = keep(exchange, http_header(exchange, "User-Agent"));
    /* MDN advises it: browsers of phones, and no others, have it in their name */
    client->is_mobile = text_find(client->user_agent, TEXT("Mobi")) != SIZE_MAX;
}

enum status gateway_find_caller(const struct gateway *gateway, struct http_exchange *exchange,
                                struct gateway_note *note, struct fault *fault)
{
    struct caller *caller = &note->caller;
    struct credential_found found;
    caller->kind = CALLER_STRANGER;
    note_client(gateway, exchange, &caller->client);
    TRY(credential_find(http_header(exchange, "X-API-Key"), http_header(exchange, "Authorization"),
                        http_header(exchange, "Cookie"), &found, fault));
    if (found.secret.length == 0) return OK;
    if (!found.by_cookie && secret_equal(text_of(gateway->service_key), found.secret)) {
        caller->kind = CALLER_SERVICE;
        snprintf(note->name, sizeof note->name, "service");
        return OK;
    }
    TRY(accounts_authenticate(gateway->options.accounts, found.secret, http_arena(exchange),
                              &caller->principal, fault));
    caller->kind = CALLER_ACCOUNT;
    caller->by_cookie = found.by_cookie;
    uuid_format(caller->principal.account.id, note->name);
    return OK;
}
