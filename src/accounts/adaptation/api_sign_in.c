/* api_sign_in.c - signing up, proving an address, signing in and out, and passwords, as JSON. */
#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"

/* ---- signing up ---- */

static enum status sign_up(struct call *call, json_t **answer, struct fault *fault)
{
    struct sign_up wish;
    struct account account;
    TRY(field_required(call, "email", &wish.email, fault));
    TRY(field_required(call, "password", &wish.password, fault));
    TRY(field_optional(call, "invitation", &wish.invitation, fault));
    TRY(accounts_register(call->accounts, &wish, &call->caller->client, &account, fault));
    call->http_code = 201;
    *answer = json_pack("{s:o}", "user", account_json(&account));
    return OK;
}

static enum status verify(struct call *call, json_t **answer, struct fault *fault)
{
    struct text code;
    struct account account;
    TRY(field_of_either(call, "code", "token", &code, fault));
    TRY(accounts_verify_email(call->accounts, code, &account, fault));
    *answer = json_pack("{s:o}", "user", account_json(&account));
    return OK;
}

/* The same answer whether or not there is such an account. */
static json_t *sent(void)
{
    return json_pack("{s:b}", "sent", 1);
}

static enum status resend(struct call *call, json_t **answer, struct fault *fault)
{
    struct text email;
    TRY(field_required(call, "email", &email, fault));
    TRY(accounts_request_verification(call->accounts, email, &call->caller->client, fault));
    *answer = sent();
    return OK;
}

/* ---- signing in and out ---- */

static enum status sign_in(struct call *call, json_t **answer, struct fault *fault)
{
    struct credentials credentials;
    struct signed_in in;
    TRY(field_required(call, "email", &credentials.email, fault));
    TRY(field_required(call, "password", &credentials.password, fault));
    TRY(field_optional(call, "mfa_code", &credentials.mfa_code, fault));
    TRY(accounts_sign_in(call->accounts, &credentials, &call->caller->client, &in, fault));
    *answer = call_take_session(call, &in);
    return OK;
}

static enum status refresh(struct call *call, json_t **answer, struct fault *fault)
{
    struct text token, code;
    struct signed_in in;
    TRY(field_required(call, "refresh_token", &token, fault));
    TRY(field_optional(call, "mfa_code", &code, fault));
    TRY(accounts_refresh(call->accounts, token, code, &in, fault));
    *answer = call_take_session(call, &in);
    return OK;
}

static json_t *signed_out(void)
{
    return json_pack("{s:b}", "signed_out", 1);
}

static enum status sign_out(struct call *call, json_t **answer, struct fault *fault)
{
    TRY(call_sign_out(call, fault));
    *answer = signed_out();
    return OK;
}

static enum status sign_out_everywhere(struct call *call, json_t **answer, struct fault *fault)
{
    TRY(accounts_sign_out(call->accounts, call->user, NULL, fault));
    gateway_set_session_cookie(call->exchange, NULL, 0);
    *answer = signed_out();
    return OK;
}

/* ---- passwords ---- */

static enum status forgot(struct call *call, json_t **answer, struct fault *fault)
{
    struct text email;
    TRY(field_required(call, "email", &email, fault));
    TRY(accounts_request_reset(call->accounts, email, &call->caller->client, fault));
    *answer = sent();
    return OK;
}

static json_t *changed(void)
{
    return json_pack("{s:b}", "changed", 1);
}

static enum status reset(struct call *call, json_t **answer, struct fault *fault)
{
    struct text code, password;
    TRY(field_of_either(call, "code", "token", &code, fault));
    TRY(field_of_either(call, "password", "new_password", &password, fault));
    TRY(accounts_reset_password(call->accounts, code, password, fault));
    *answer = changed();
    return OK;
}

static enum status change(struct call *call, json_t **answer, struct fault *fault)
{
    struct text current, password;
    TRY(field_required(call, "current_password", &current, fault));
    TRY(field_required(call, "new_password", &password, fault));
    TRY(accounts_change_password(call->accounts, call->user, call->caller->principal.credential_id,
                                 current, password, fault));
    *answer = changed();
    return OK;
}

/* ---- the rows ---- */

/* clang-format off */
#define EMAIL_REQUEST  SCHEMA({"type": "object", "required": ["email"], "properties": {"email": WORD}})
#define SENT_ANSWER    SCHEMA({"type": "object", "required": ["sent"], "properties": {"sent": FLAG}})
#define OUT_ANSWER     SCHEMA({"type": "object", "required": ["signed_out"], "properties": {"signed_out": FLAG}})
#define CHANGED_ANSWER SCHEMA({"type": "object", "required": ["changed"], "properties": {"changed": FLAG}})
#define USER_ANSWER    SCHEMA({"type": "object", "required": ["user"], "properties": {"user": USER_SCHEMA}})
#define CODE_REQUEST   SCHEMA({"type": "object", "properties": {"code": WORD, "token": WORD}, \
                             "anyOf": [{"required": ["code"]}, {"required": ["token"]}]})
#define RESET_REQUEST  SCHEMA({"type": "object", \
                             "properties": {"code": WORD, "token": WORD, "password": WORD, "new_password": WORD}, \
                             "allOf": [{"anyOf": [{"required": ["code"]}, {"required": ["token"]}]}, \
                                       {"anyOf": [{"required": ["password"]}, {"required": ["new_password"]}]}]})

static const struct api_row ROWS[] = {
    {"POST", "/v1/auth/signup", ACCESS_OPEN, LIMIT_WRITE, sign_up, "Sign up",
     SCHEMA({"type": "object", "required": ["email", "password"],
           "properties": {"email": WORD, "password": {"type": "string", "minLength": 8}, "invitation": STRING}}),
     USER_ANSWER},
    {"POST", "/v1/auth/verify", ACCESS_OPEN, LIMIT_WRITE, verify,
     "Prove an address with the code that was mailed to it", CODE_REQUEST, USER_ANSWER},
    {"POST", "/v1/auth/verify_email", ACCESS_OPEN, LIMIT_WRITE, verify,
     "Prove an address (seed 003's name)", CODE_REQUEST, USER_ANSWER},
    {"POST", "/v1/auth/resend", ACCESS_OPEN, LIMIT_WRITE, resend,
     "Mail the code again", EMAIL_REQUEST, SENT_ANSWER},
    {"POST", "/v1/auth/login", ACCESS_OPEN, LIMIT_WRITE, sign_in, "Sign in",
     SCHEMA({"type": "object", "required": ["email", "password"],
           "properties": {"email": WORD, "password": WORD, "mfa_code": STRING}}),
     SCHEMA(SIGNED_IN_SCHEMA)},
    {"POST", "/v1/auth/refresh", ACCESS_OPEN, LIMIT_WRITE, refresh,
     "New tokens for a refresh token, which is then used up",
     SCHEMA({"type": "object", "required": ["refresh_token"],
           "properties": {"refresh_token": WORD, "mfa_code": STRING}}),
     SCHEMA(SIGNED_IN_SCHEMA)},
    {"POST", "/v1/auth/logout", ACCESS_PERSON, LIMIT_WRITE, sign_out, "End this session", NULL, OUT_ANSWER},
    {"POST", "/v1/auth/logout_all", ACCESS_PERSON, LIMIT_WRITE, sign_out_everywhere,
     "End all sessions", NULL, OUT_ANSWER},
    {"POST", "/v1/auth/password/forgot", ACCESS_OPEN, LIMIT_WRITE, forgot,
     "Mail a code for a new password", EMAIL_REQUEST, SENT_ANSWER},
    {"POST", "/v1/auth/request_reset", ACCESS_OPEN, LIMIT_WRITE, forgot,
     "Mail a code for a new password (seed 003's name)", EMAIL_REQUEST, SENT_ANSWER},
    {"POST", "/v1/auth/reset/request", ACCESS_OPEN, LIMIT_WRITE, forgot,
     "Mail a code for a new password (another name: X65)", EMAIL_REQUEST, SENT_ANSWER},
    {"POST", "/v1/auth/password/reset", ACCESS_OPEN, LIMIT_WRITE, reset,
     "Set a new password with the mailed code; all sessions end", RESET_REQUEST, CHANGED_ANSWER},
    {"POST", "/v1/auth/complete_reset", ACCESS_OPEN, LIMIT_WRITE, reset,
     "Set a new password (seed 003's name)", RESET_REQUEST, CHANGED_ANSWER},
    {"POST", "/v1/auth/reset/confirm", ACCESS_OPEN, LIMIT_WRITE, reset,
     "Set a new password (another name: X65)", RESET_REQUEST, CHANGED_ANSWER},
    {"POST", "/v1/auth/password/change", ACCESS_PERSON, LIMIT_WRITE, change,
     "Change the password; all other sessions end",
     SCHEMA({"type": "object", "required": ["current_password", "new_password"],
           "properties": {"current_password": WORD, "new_password": WORD}}),
     CHANGED_ANSWER},
};
/* clang-format on */

const struct api_rows sign_in_api = {ROWS, ARRAY_COUNT(ROWS)};
