/* api_personal.c - a person takes everything along, or has it deleted. */
#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"
#include "accounts/personal_data.h"

/* May be large, and stays the text that it is. */
static void export(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct buffer json;
    buffer_init(&json);
    call_init(&call, exchange, context);
    enum status status = accounts_export(call.accounts, call.user, &json, &fault);
    http_set_header(exchange, "Cache-Control", "no-store");
    if (status == OK)
        gateway_reply_ok(exchange, 200, buffer_text(&json));
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
    buffer_deinit(&json);
}

static const struct gateway_route EXPORT_ROWS[] = {
    {"GET", "/v1/auth/export", ACCESS_PERSON, STYLE_ENVELOPE, LIMIT_WRITE, false, export,
     .summary = "All that is kept of me", .answer_schema = SCHEMA(OBJECT)},
};

const struct route_rows export_routes = {EXPORT_ROWS, ARRAY_COUNT(EXPORT_ROWS)};

static enum status delete_me(struct call *call, json_t **answer, struct fault *fault)
{
    struct text password, code;
    TRY(field_optional(call, "password", &password, fault));
    TRY(field_optional(call, "mfa_code", &code, fault));
    TRY(accounts_delete(call->accounts, &call->caller->principal, password, code, fault));
    gateway_set_session_cookie(call->exchange, NULL, 0);
    *answer = json_pack("{s:b}", "deleted", 1);
    return OK;
}

/* clang-format off */
static const struct api_row ROWS[] = {
    {"DELETE", "/v1/auth/me", ACCESS_PERSON, LIMIT_WRITE, delete_me, "Delete my account with all that is mine",
     SCHEMA({"type": "object", "properties": {"password": STRING, "mfa_code": STRING}}),
     SCHEMA({"type": "object", "required": ["deleted"], "properties": {"deleted": FLAG}})},
};
/* clang-format on */

const struct api_rows personal_api = {ROWS, ARRAY_COUNT(ROWS)};
