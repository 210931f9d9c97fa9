/* api_tokens.c - API keys: under /v1/auth/tokens with the envelope, and as the seed has them, at
 * /tokens, with a form (R41, R42, R43). Only who signed in makes keys: no key makes keys. */
#include <stdlib.h>

#include <string.h>

#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"
#include "base/moment.h"
#include "http/json_body.h"

/* ---- with the envelope ---- */

/* A member that is an object, as JSON text in the arena. */
static enum status object_field(const struct call *call, const char *name, struct text *json,
                                struct fault *fault)
{
    json_t *object;
    *json = TEXT("");
    TRY(json_read_object(call->body, name, &object, fault));
    if (!object) return OK;
    struct buffer text;
    buffer_init(&text);
    json_append(&text, object);
    enum status status = buffer_status(&text, fault);
    const char *copy = status == OK ? arena_copy(call->job, text.data, text.length) : NULL;
    *json = (struct text){copy, text.length};
    buffer_deinit(&text);
    if (status == OK && !copy) status = fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    return status;
}

/* Absent: accounts' own; null or "never": never. */
static enum status expiry_field(const struct call *call, int64_t *expires_us, struct fault *fault)
{
    struct text moment;
    const json_t *member = json_object_get(call->body, "expires_at");
    *expires_us = json_is_null(member) ? INT64_MAX : 0;
    TRY(field_optional(call, "expires_at", &moment, fault));
    if (moment.length == 0) return OK;
    if (text_equal(moment, TEXT("never"))) {
        *expires_us = INT64_MAX;
        return OK;
    }
    if (moment_parse(moment, expires_us) && *expires_us > 0) return OK;
    return fault_set_param(fault, STATUS_INVALID, "expires_at",
                           "expires_at must be a time such as 2027-01-31T00:00:00Z, or null");
}

/* What is not known is refused: nobody shall believe in a restriction that is none. */
static enum status check_members(const struct call *call, struct fault *fault)
{
    static const char *const KNOWN[] = {"name", "expires_at", "scopes", "limits"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)call->body, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_COUNT(KNOWN) && strcmp(name, KNOWN[i]) != 0) i++;
        if (i == ARRAY_COUNT(KNOWN))
            return fault_set_param(fault, STATUS_INVALID, "scopes",
                                   "a key has name, expires_at, scopes and limits, and no `%.40s`: "
                                   "what it may is in scopes, how much in limits",
                                   name);
    }
    return OK;
}

static enum status create(struct call *call, json_t **answer, struct fault *fault)
{
    struct token_wish wish;
    struct token_view token;
    char secret[SECRET_TEXT_BYTES];
    TRY(check_members(call, fault));
    TRY(field_optional(call, "name", &wish.name, fault));
    TRY(expiry_field(call, &wish.expires_us, fault));
    TRY(object_field(call, "scopes", &wish.scopes, fault));
    TRY(object_field(call, "limits", &wish.limits, fault));
    TRY(accounts_token_create(call->accounts, call->user, &wish, secret, &token, fault));
    call->http_code = 201;
    *answer = token_json(&token);
    json_object_set_new(*answer, "token", json_string(secret));
    return OK;
}

static enum status list(struct call *call, json_t **answer, struct fault *fault)
{
    struct token_view *tokens;
    size_t count;
    TRY(accounts_token_list(call->accounts, call->user, call->job, &tokens, &count, fault));
    *answer = json_pack("{s:o}", "tokens", tokens_json(tokens, count));
    return OK;
}

static enum status revoke(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid token;
    TRY(path_id(call, &token, fault));
    TRY(accounts_token_revoke(call->accounts, call->user, token, fault));
    *answer = json_pack("{s:b}", "revoked", 1);
    return OK;
}

/* clang-format off */
static const struct api_row ROWS[] = {
    {"POST", "/v1/auth/tokens", ACCESS_PERSON, LIMIT_WRITE, create,
     "Make an API key, which is shown this once",
     SCHEMA({"type": "object", "properties": {
         "name": {"type": "string", "maxLength": 100}, "scopes": SCOPES_SCHEMA,
         "limits": LIMITS_SCHEMA, "expires_at": MOMENT_OR_NULL}}),
     SCHEMA({"type": "object", "required": ["id", "name", "token"],
           "properties": {"id": ID, "name": STRING, "token": STRING}})},
    {"GET", "/v1/auth/tokens", ACCESS_PERSON, LIMIT_READ, list, "The API keys, without what is secret", NULL,
     SCHEMA({"type": "object", "required": ["tokens"], "properties": {"tokens": LIST(TOKEN_SCHEMA)}})},
    {"POST", "/v1/auth/tokens/{id}/revoke", ACCESS_PERSON, LIMIT_WRITE, revoke, "Revoke an API key", NULL,
     SCHEMA({"type": "object", "required": ["revoked"], "properties": {"revoked": FLAG}})},
    {"DELETE", "/v1/auth/tokens/{id}", ACCESS_PERSON, LIMIT_WRITE, revoke, "Revoke an API key", NULL,
     SCHEMA({"type": "object", "required": ["revoked"], "properties": {"revoked": FLAG}})},
};
/* clang-format on */

const struct api_rows token_api = {ROWS, ARRAY_COUNT(ROWS)};

/* ---- as the seed has it ---- */

static void seed_reply(struct http_exchange *exchange, enum status status,
                       const struct fault *fault, json_t *answer)
{
    struct buffer text;
    buffer_init(&text);
    json_append(&text, answer);
    http_set_header(exchange, "Cache-Control", "no-store");
    if (status != OK)
        gateway_reply_fault(exchange, status, fault, NULL);
    else if (!answer || text.failed)
        gateway_reply_fault(exchange, STATUS_NO_MEMORY, NULL, NULL);
    else
        http_reply_json(exchange, 200, buffer_text(&text));
    buffer_deinit(&text);
    json_decref(answer);
}

static void seed_create(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct token_view token;
    char secret[SECRET_TEXT_BYTES];
    call_init(&call, exchange, context);
    const struct token_wish wish = {.name = http_form_field(exchange, "name")};
    enum status status =
        accounts_token_create(call.accounts, call.user, &wish, secret, &token, &fault);
    json_t *answer = status == OK ? json_pack("{s:s, s:o}", "token", secret, "name",
                                              text_json(text_of(token.name)))
                                  : NULL;
    seed_reply(exchange, status, &fault, answer);
}

static void seed_list(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    json_t *answer = NULL;
    call_init(&call, exchange, context);
    enum status status = list(&call, &answer, &fault);
    seed_reply(exchange, status, &fault, answer);
}

/* R43: 400 for whatever is not there to be revoked. */
static void seed_revoke(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct uuid token;
    call_init(&call, exchange, context);
    enum status status = path_id(&call, &token, &fault);
    if (status == OK) status = accounts_token_revoke(call.accounts, call.user, token, &fault);
    if (status == STATUS_NOT_FOUND)
        status = fault_set(&fault, STATUS_INVALID, "Token not found or does not belong to user");
    json_t *answer = status == OK ? json_pack("{s:s}", "status", "success") : NULL;
    seed_reply(exchange, status, &fault, answer);
}

static const struct gateway_route SEED_ROWS[] = {
    {"POST", "/tokens/create", ACCESS_PERSON, STYLE_OPENAI, LIMIT_WRITE, false, seed_create,
     .summary = "Make an API key from a form's `name`"},
    {"GET", "/tokens", ACCESS_PERSON, STYLE_OPENAI, LIMIT_READ, false, seed_list,
     .summary = "The API keys, without what is secret",
     .answer_schema = SCHEMA({"type" : "object", "properties" : {"tokens" : LIST(TOKEN_SCHEMA)}})},
    {"POST", "/tokens/{id}/revoke", ACCESS_PERSON, STYLE_OPENAI, LIMIT_WRITE, false, seed_revoke,
     .summary = "Revoke an API key"},
};

const struct route_rows seed_token_routes = {SEED_ROWS, ARRAY_COUNT(SEED_ROWS)};
