/* elsewhere.c - signing in with an account at another service: what is remembered while the browser
 * is away, and whose account it is that comes back. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "accounts/realization/identity_store.h"
#include "accounts/realization/mfa_check.h"
#include "accounts/realization/provider_client.h"
#include "accounts/sign_in_elsewhere.h"
#include "base/arena.h"
#include "http/json_body.h"
#include "platform/platform.h"

enum {
    AWAY_MS = 10 * 60 * 1000,
    TICKET_MS = 5 * 60 * 1000,
    ARRIVALS_PER_CLIENT = 60, /* in WINDOW_S: each asks the provider, and keeps a worker waiting */
    WINDOW_S = 15 * 60,
};

/* ---- providers ---- */

size_t elsewhere_providers(const struct accounts *accounts,
                           const struct identity_provider **providers)
{
    *providers = accounts->options.providers;
    return accounts->options.provider_count;
}

static enum status find_provider(const struct accounts *accounts, struct text name, size_t *index,
                                 struct fault *fault)
{
    for (*index = 0; *index < accounts->options.provider_count; ++*index)
        if (text_equal(name, text_of(accounts->options.providers[*index].name))) return OK;
    return fault_set(fault, STATUS_NOT_FOUND, "nobody can sign in here with '%.*s'",
                     name.length > 40 ? 40 : (int)name.length, name.data);
}

static const char *redirect_uri_of(const struct accounts *accounts, struct text provider,
                                   struct arena *job)
{
    return arena_printf(job, "%s/v1/auth/oauth/%.*s/callback", accounts->public_url,
                        TEXT_FORMAT(provider));
}

/* ---- what is remembered ---- */

/* Kept under the hash of the state, so that who can read the hot state can't come back with it. */
static struct text key_of(const char *what, struct text secret, char key[HOT_KEY_BYTES])
{
    struct secret_hash hash = secret_hash_of(secret);
    char hex[2 * SECRET_HASH_BYTES + 1];
    hex_encode(hash.bytes, sizeof hash.bytes, hex);
    snprintf(key, HOT_KEY_BYTES, "auth:%s:%s", what, hex);
    return text_of(key);
}

struct journey {
    char state[SECRET_TEXT_BYTES], nonce[SECRET_TEXT_BYTES], verifier[SECRET_TEXT_BYTES];
    struct text provider, cookie, return_to, invitation;
};

static enum status remember(struct accounts *accounts, const struct journey *j, struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    struct buffer value;
    json_t *object = json_pack(
        "{s:s%, s:s, s:s, s:s%, s:s%, s:s%}", "provider", j->provider.data, j->provider.length,
        "nonce", j->nonce, "verifier", j->verifier, "cookie", j->cookie.data, j->cookie.length,
        "return_to", j->return_to.data, j->return_to.length, "invitation",
        j->invitation.length ? j->invitation.data : "", j->invitation.length);
    if (!object) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sign-in");
    buffer_init(&value);
    json_append(&value, object);
    enum status status = buffer_status(&value, fault);
    if (status == OK)
        status = hot_put(accounts->options.hot, key_of("elsewhere", text_of(j->state), key),
                         buffer_text(&value), AWAY_MS, fault);
    buffer_deinit(&value);
    json_decref(object);
    return status;
}

static enum status not_believed(struct fault *fault)
{
    return fault_set(fault, STATUS_UNAUTHORIZED,
                     "this sign-in was not begun in this browser, or too long ago: begin again");
}

/* Once: it is gone afterwards. */
static enum status recall(struct accounts *accounts, struct text state, struct arena *job,
                          json_t **journey, struct fault *fault)
{
    char key[HOT_KEY_BYTES];
    struct text value;
    enum status status =
        hot_take(accounts->options.hot, key_of("elsewhere", state, key), job, &value, fault);
    if (status == STATUS_NOT_FOUND) return not_believed(fault);
    TRY(status);
    return json_body_parse(value, journey, fault);
}

/* ---- leaving ---- */

static enum status leave(struct accounts *accounts, size_t index, struct journey *j,
                         struct arena *job, struct departure *departure, struct fault *fault)
{
    struct buffer url;
    const char *redirect_uri = redirect_uri_of(accounts, j->provider, job);
    if (!redirect_uri) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sign-in");
    const struct authorization authorization = {
        .redirect_uri = text_of(redirect_uri),
        .state = text_of(j->state),
        .nonce = text_of(j->nonce),
        .verifier = text_of(j->verifier),
    };
    buffer_init(&url);
    enum status status =
        provider_authorize_url(accounts->providers[index], &authorization, &url, fault);
    if (status == OK)
        departure->url = (struct text){arena_copy(job, url.data, url.length), url.length};
    buffer_deinit(&url);
    TRY(status);
    if (!departure->url.data) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sign-in");
    return remember(accounts, j, fault);
}

enum status elsewhere_begin(struct accounts *accounts, struct text provider, struct text return_to,
                            struct text invitation, struct arena *job, struct departure *departure,
                            struct fault *fault)
{
    size_t index;
    struct journey j = {.provider = provider, .invitation = invitation};
    TRY(find_provider(accounts, provider, &index, fault));
    j.return_to = return_to.length ? return_to : TEXT("/");
    if (!return_path_is_ours(j.return_to))
        return fault_set_param(fault, STATUS_INVALID, "return_to",
                               "return_to must be a path of this server");
    if (invitation.length >= SECRET_TEXT_BYTES || !utf8_valid(invitation))
        return fault_set_param(fault, STATUS_INVALID, "invitation",
                               "Invalid or expired invitation");
    accounts_new_secret("", j.state);
    accounts_new_secret("", j.nonce);
    accounts_new_secret("", j.verifier);
    accounts_new_secret("", departure->cookie);
    j.cookie = text_of(departure->cookie);
    return leave(accounts, index, &j, job, departure, fault);
}

/* ---- whose account is it? ---- */

struct meeting {
    struct accounts *accounts;
    struct text provider, invitation;
    const struct id_claims *claims;
    struct account *account;
};

/* Nobody has proven this address before, so whoever made the account may be a stranger who waits
 * for its owner: password and sessions are theirs, and end. */
static enum status take_over(struct transaction *t, struct account *account, int64_t now_us,
                             struct fault *fault)
{
    TRY(store_password_remove(t, account->id, now_us, fault));
    TRY(store_sessions_revoke(t, account->id, NULL, NULL, now_us, fault));
    TRY(account_verify(account, now_us, fault));
    return store_account_update(t, account, fault);
}

static enum status make_account(struct transaction *t, const struct meeting *m, int64_t now_us,
                                struct fault *fault)
{
    struct account *account = m->account;
    *account = (struct account){
        .id = accounts_new_id(m->accounts),
        .status = ACCOUNT_ACTIVE, /* the provider has proven the address */
        .created_us = now_us,
        .verified_us = now_us,
    };
    snprintf(account->email, sizeof account->email, "%.*s", TEXT_FORMAT(m->claims->email));
    snprintf(account->plan, sizeof account->plan, "free");
    TRY(accounts_admit(m->accounts, t, m->invitation, account, fault));
    return store_account_insert(t, account, NULL, fault);
}

static enum status find_by_email(struct transaction *t, const struct meeting *m, int64_t now_us,
                                 struct fault *fault)
{
    char key[EMAIL_BYTES], unused[PASSWORD_HASH_BYTES];
    if (!m->claims->email_verified || email_check(m->claims->email, NULL) != OK)
        return fault_set(fault, STATUS_FORBIDDEN,
                         "%.*s does not say that it has verified your e-mail address: verify it "
                         "there, or sign up here",
                         TEXT_FORMAT(m->provider));
    email_key(m->claims->email, key);
    enum status status = store_account_find_email(t, key, m->account, unused, fault);
    if (status == STATUS_NOT_FOUND) return make_account(t, m, now_us, fault);
    TRY(status);
    return m->account->status == ACCOUNT_PENDING ? take_over(t, m->account, now_us, fault) : OK;
}

static enum status meet(struct transaction *t, void *argument, struct fault *fault)
{
    const struct meeting *m = argument;
    int64_t now_us = accounts_now_us(m->accounts);
    enum status status = store_identity_find(t, m->provider, m->claims->subject, m->account, fault);
    if (status != STATUS_NOT_FOUND) {
        TRY(status);
        return account_check_usable(m->account, now_us, fault);
    }
    TRY(find_by_email(t, m, now_us, fault));
    TRY(account_check_usable(m->account, now_us, fault));
    return store_identity_insert(t, accounts_new_id(m->accounts), m->account->id, m->provider,
                                 m->claims->subject, now_us, fault);
}

/* ---- coming back ---- */

struct beginning {
    struct accounts *accounts;
    const struct client *client;
    int64_t mfa_us;
    struct signed_in *out;
};

static enum status begin(struct transaction *t, void *argument, struct fault *fault)
{
    const struct beginning *b = argument;
    return accounts_begin_session(b->accounts, t, b->client, b->mfa_us, b->out, fault);
}

static enum status sign_in(struct accounts *accounts, const struct client *client, bool mfa_shown,
                           struct signed_in *out, struct fault *fault)
{
    struct beginning b = {accounts, client, mfa_shown ? accounts_now_us(accounts) : 0, out};
    TRY(database_write(accounts->options.database, sql_actor_system(), begin, &b, fault));
    if (accounts->options.single_session) accounts_tell_ended(accounts, out->account.id);
    return OK;
}

/* Signed in, or a ticket for who has to show a second factor first. */
static enum status let_in(struct accounts *accounts, const struct client *client,
                          struct elsewhere *out, struct fault *fault)
{
    char key[HOT_KEY_BYTES], user[UUID_TEXT_BYTES];
    struct fault missing;
    bool shown;
    enum status status = mfa_check(accounts, out->signed_in.account.id, TEXT(""), &shown, &missing);
    if (status == OK) return sign_in(accounts, client, shown, &out->signed_in, fault);
    out->mfa_required = status == STATUS_UNAUTHORIZED && mfa_is_required(&missing);
    if (!out->mfa_required) {
        if (fault) *fault = missing;
        return status;
    }
    accounts_new_secret("", out->ticket);
    uuid_format(out->signed_in.account.id, user);
    return hot_put(accounts->options.hot, key_of("elsewhere-mfa", text_of(out->ticket), key),
                   text_of(user), TICKET_MS, fault);
}

static enum status identify(struct accounts *accounts, size_t index, const json_t *journey,
                            const struct arrival *arrival, struct arena *job,
                            struct id_claims *claims, struct fault *fault)
{
    const struct identity_provider *provider = &accounts->options.providers[index];
    const char *redirect_uri = redirect_uri_of(accounts, text_of(provider->name), job);
    if (!redirect_uri) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sign-in");
    /* The cookie says that it is the browser that left; RFC 9207 that it is the provider. */
    bool is_same =
        text_equal(json_field_text(journey, "provider"), text_of(provider->name)) &&
        text_equal(json_field_text(journey, "cookie"), arrival->cookie) &&
        (arrival->issuer.length == 0 || text_equal(arrival->issuer, text_of(provider->issuer)));
    if (!is_same) return not_believed(fault);
    if (arrival->error.length > 0 || arrival->code.length == 0)
        return fault_set(fault, STATUS_UNAUTHORIZED, "%s did not sign you in", provider->label);
    const struct authorization authorization = {
        .redirect_uri = text_of(redirect_uri),
        .nonce = json_field_text(journey, "nonce"),
        .verifier = json_field_text(journey, "verifier"),
    };
    return provider_identify(accounts->providers[index], &authorization, arrival->code,
                             accounts_now_us(accounts) / 1000000, job, claims, fault);
}

static enum status welcome(struct accounts *accounts, size_t index, const json_t *journey,
                           const struct arrival *arrival, const struct client *client,
                           struct arena *job, struct elsewhere *out, struct fault *fault)
{
    struct id_claims claims;
    struct text path = json_field_text(journey, "return_to");
    TRY(identify(accounts, index, journey, arrival, job, &claims, fault));
    struct meeting meeting = {
        .accounts = accounts,
        .provider = text_of(accounts->options.providers[index].name),
        .invitation = json_field_text(journey, "invitation"),
        .claims = &claims,
        .account = &out->signed_in.account,
    };
    out->return_to = (struct text){arena_copy(job, path.data, path.length), path.length};
    if (!out->return_to.data) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a sign-in");
    TRY(database_write(accounts->options.database, sql_actor_system(), meet, &meeting, fault));
    return let_in(accounts, client, out, fault);
}

enum status elsewhere_finish(struct accounts *accounts, struct text provider,
                             const struct arrival *arrival, const struct client *client,
                             struct arena *job, struct elsewhere *out, struct fault *fault)
{
    size_t index;
    json_t *journey;
    *out = (struct elsewhere){0};
    TRY(find_provider(accounts, provider, &index, fault));
    TRY(accounts_limit(accounts, "elsewhere", client->ip, ARRIVALS_PER_CLIENT, WINDOW_S, fault));
    TRY(recall(accounts, arrival->state, job, &journey, fault));
    enum status status = welcome(accounts, index, journey, arrival, client, job, out, fault);
    json_decref(journey);
    return status;
}

/* ---- the second factor ---- */

struct ticket {
    struct accounts *accounts;
    struct uuid user;
    struct account *account;
};

static enum status find_account(struct transaction *t, void *argument, struct fault *fault)
{
    const struct ticket *ticket = argument;
    TRY(store_account_find(t, ticket->user, ticket->account, fault));
    return account_check_usable(ticket->account, accounts_now_us(ticket->accounts), fault);
}

/* A wrong code leaves the ticket: five of them lock the factor. */
enum status elsewhere_mfa(struct accounts *accounts, struct text ticket_text, struct text mfa_code,
                          const struct client *client, struct signed_in *signed_in,
                          struct fault *fault)
{
    struct hot_state *hot = accounts->options.hot;
    char key[HOT_KEY_BYTES];
    struct arena job;
    struct text user;
    struct ticket ticket = {.accounts = accounts, .account = &signed_in->account};
    bool shown = false;
    arena_init(&job, 0);
    enum status status =
        hot_get(hot, key_of("elsewhere-mfa", ticket_text, key), &job, &user, fault);
    bool is_good = status == OK && uuid_parse(user, &ticket.user);
    arena_deinit(&job);
    if (status == STATUS_NOT_FOUND || (status == OK && !is_good)) return not_believed(fault);
    TRY(status);
    TRY(database_read(accounts->options.database, sql_actor_system(), find_account, &ticket,
                      fault));
    TRY(mfa_check(accounts, ticket.user, mfa_code, &shown, fault));
    TRY(hot_delete(hot, text_of(key), fault));
    return sign_in(accounts, client, shown, signed_in, fault);
}
