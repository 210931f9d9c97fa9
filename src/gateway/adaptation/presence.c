/* presence.c - who is being answered right now, so that an answer ends when its credential does: at
 * once on the server where that happened, within about a second on the others. */
#include "gateway/adaptation/gateway_private.h"

enum { LOOKED_AT = 64 }; /* in one round: a query each */

void presence_enter(struct gateway *gateway, struct http_exchange *exchange,
                    struct gateway_note *note)
{
    if (note->caller.kind != CALLER_ACCOUNT) return;
    struct presence *presence = &note->presence;
    *presence = (struct presence){.exchange = exchange, .is_here = true};
    pthread_mutex_lock(&gateway->presence_lock);
    presence->next = gateway->present;
    presence->before = &gateway->present;
    if (presence->next) presence->next->before = &presence->next;
    gateway->present = presence;
    pthread_mutex_unlock(&gateway->presence_lock);
}

void presence_leave(struct gateway *gateway, struct gateway_note *note)
{
    struct presence *presence = &note->presence;
    if (!presence->is_here) return;
    pthread_mutex_lock(&gateway->presence_lock);
    *presence->before = presence->next;
    if (presence->next) presence->next->before = presence->before;
    pthread_mutex_unlock(&gateway->presence_lock);
}

static const struct principal *principal_of(const struct presence *presence)
{
    return &gateway_note_of(presence->exchange)->caller.principal;
}

/* Those of a user, or of one credential. */
static void send_away(struct gateway *gateway, const struct uuid *user,
                      const struct uuid *credential)
{
    pthread_mutex_lock(&gateway->presence_lock);
    for (struct presence *presence = gateway->present; presence; presence = presence->next) {
        const struct principal *principal = principal_of(presence);
        bool is_meant = user ? uuid_equal(principal->account.id, *user)
                             : uuid_equal(principal->credential_id, *credential);
        if (is_meant) http_give_up(presence->exchange);
    }
    pthread_mutex_unlock(&gateway->presence_lock);
}

void gateway_account_ended(struct gateway *gateway, struct uuid user)
{
    send_away(gateway, &user, NULL);
}

/* Copies of those that have been here since the last round, without what lies in their arenas. */
static size_t pick_long_ones(struct gateway *gateway, struct principal picked[LOOKED_AT])
{
    size_t count = 0;
    pthread_mutex_lock(&gateway->presence_lock);
    for (struct presence *presence = gateway->present; presence; presence = presence->next) {
        if (presence->was_seen && count < LOOKED_AT) {
            picked[count] = *principal_of(presence);
            picked[count].token_name = TEXT("");
            picked[count].scope = (struct api_scope){.models = NULL};
            count++;
            presence->was_seen = false; /* the others' turn comes first */
        } else {
            presence->was_seen = true;
        }
    }
    pthread_mutex_unlock(&gateway->presence_lock);
    return count;
}

void presence_recheck(struct gateway *gateway)
{
    struct principal picked[LOOKED_AT];
    size_t count = pick_long_ones(gateway, picked);
    for (size_t i = 0; i < count; i++) {
        struct fault fault;
        enum status status = accounts_recheck(gateway->options.accounts, &picked[i], &fault);
        /* A database that does not answer says nothing against anybody. */
        if (status == STATUS_UNAUTHORIZED || status == STATUS_FORBIDDEN)
            send_away(gateway, NULL, &picked[i].credential_id);
    }
}
