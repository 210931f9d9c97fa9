/* call.c - see call.h. */
#include "accounts/adaptation/call.h"

#include "accounts/adaptation/json_views.h"
#include "http/json_body.h"
#include "platform/platform.h"

void call_init(struct call *call, struct http_exchange *exchange, const struct accounts_http *http)
{
    *call = (struct call){
        .exchange = exchange,
        .http = http,
        .accounts = http->accounts,
        .caller = gateway_caller(exchange),
        .job = http_arena(exchange),
        .http_code = 200,
    };
    if (call->caller->kind == CALLER_ACCOUNT) call->user = call->caller->principal.account.id;
}

/* ---- fields ---- */

enum status field_optional(const struct call *call, const char *name, struct text *value,
                           struct fault *fault)
{
    *value = TEXT("");
    return json_read_text(call->body, name, value, fault);
}

enum status field_required(const struct call *call, const char *name, struct text *value,
                           struct fault *fault)
{
    TRY(field_optional(call, name, value, fault));
    if (value->length) return OK;
    return fault_set_param(fault, STATUS_INVALID, name, "%s is required", name);
}

enum status field_of_either(const struct call *call, const char *name, const char *other,
                            struct text *value, struct fault *fault)
{
    TRY(field_optional(call, other, value, fault));
    return value->length ? OK : field_required(call, name, value, fault);
}

enum status path_id(const struct call *call, struct uuid *id, struct fault *fault)
{
    if (uuid_parse(http_path_parameter(call->exchange, "id"), id)) return OK;
    return fault_set(fault, STATUS_NOT_FOUND, "there is nothing with this id");
}

/* ---- what several handlers do ---- */

enum status call_sign_out(struct call *call, struct fault *fault)
{
    TRY(accounts_sign_out(call->accounts, call->user, &call->caller->principal.credential_id,
                          fault));
    gateway_set_session_cookie(call->exchange, NULL, 0);
    return OK;
}

void call_set_cookie(const struct call *call, const struct signed_in *in)
{
    gateway_set_session_cookie(call->exchange, in->cookie, in->cookie_expires_us);
}

json_t *call_take_session(const struct call *call, const struct signed_in *in)
{
    char csrf[CSRF_TOKEN_BYTES];
    call_set_cookie(call, in);
    gateway_csrf_token_of(call->exchange, in->session, csrf);
    return signed_in_json(in, csrf, clock_wall_ms() * 1000);
}
