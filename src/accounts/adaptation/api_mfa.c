/* api_mfa.c - a second factor: setting it up, showing it, ending it. */
#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"
#include "accounts/mfa.h"
#include "accounts/sign_in_elsewhere.h"

static enum status state(struct call *call, json_t **answer, struct fault *fault)
{
    struct mfa_state mfa;
    TRY(accounts_mfa_state(call->accounts, call->user, &mfa, fault));
    *answer =
        json_pack("{s:b, s:o, s:I}", "enabled", mfa.is_enabled, "since", moment_json(mfa.since_us),
                  "recovery_codes_left", (json_int_t)mfa.recovery_codes_left);
    return OK;
}

static enum status enrol(struct call *call, json_t **answer, struct fault *fault)
{
    struct mfa_enrolment enrolment;
    TRY(accounts_mfa_enrol(call->accounts, call->user, call->job, &enrolment, fault));
    *answer = json_pack("{s:s, s:o, s:o}", "secret", enrolment.secret, "otpauth_uri",
                        text_json(enrolment.uri), "qr_svg", text_json(enrolment.qr_svg));
    return OK;
}

static enum status confirm(struct call *call, json_t **answer, struct fault *fault)
{
    struct text code;
    struct recovery_codes codes;
    TRY(field_required(call, "code", &code, fault));
    TRY(accounts_mfa_confirm(call->accounts, &call->caller->principal, code, &codes, fault));
    *answer = json_pack("{s:o}", "recovery_codes", recovery_codes_json(&codes));
    return OK;
}

static enum status renew_codes(struct call *call, json_t **answer, struct fault *fault)
{
    struct text code;
    struct recovery_codes codes;
    TRY(field_required(call, "code", &code, fault));
    TRY(accounts_mfa_renew_codes(call->accounts, call->user, code, &codes, fault));
    *answer = json_pack("{s:o}", "recovery_codes", recovery_codes_json(&codes));
    return OK;
}

static enum status disable(struct call *call, json_t **answer, struct fault *fault)
{
    struct text password, code;
    TRY(field_optional(call, "password", &password, fault));
    TRY(field_required(call, "code", &code, fault));
    TRY(accounts_mfa_disable(call->accounts, call->user, password, code, fault));
    *answer = json_pack("{s:b}", "enabled", 0);
    return OK;
}

/* For who has shown the first factor already: by a refresh token whose session lacks the second, or
 * elsewhere, by the ticket that one came back with. */
static enum status verify(struct call *call, json_t **answer, struct fault *fault)
{
    struct text code, ticket, token;
    struct signed_in in;
    TRY(field_required(call, "code", &code, fault));
    TRY(field_optional(call, "ticket", &ticket, fault));
    if (ticket.length) {
        TRY(elsewhere_mfa(call->accounts, ticket, code, &call->caller->client, &in, fault));
    } else {
        TRY(field_required(call, "refresh_token", &token, fault));
        TRY(accounts_refresh(call->accounts, token, code, &in, fault));
    }
    *answer = call_take_session(call, &in);
    return OK;
}

/* clang-format off */
#define CODE_REQUEST SCHEMA({"type": "object", "required": ["code"], "properties": {"code": WORD}})
#define CODES_ANSWER SCHEMA({"type": "object", "required": ["recovery_codes"], \
                             "properties": {"recovery_codes": LIST(STRING)}})
#define ENROL_ANSWER SCHEMA({"type": "object", "required": ["secret", "otpauth_uri", "qr_svg"], \
                             "properties": {"secret": STRING, "otpauth_uri": STRING, "qr_svg": STRING}})

static const struct api_row ROWS[] = {
    {"GET", "/v1/auth/mfa", ACCESS_PERSON, LIMIT_READ, state, "Is there a second factor?", NULL,
     SCHEMA({"type": "object", "required": ["enabled", "since", "recovery_codes_left"],
             "properties": {"enabled": FLAG, "since": MOMENT_OR_NULL, "recovery_codes_left": COUNT}})},
    {"POST", "/v1/auth/mfa/enrol", ACCESS_PERSON, LIMIT_WRITE, enrol,
     "A secret for an app; nothing changes before it is confirmed", NULL, ENROL_ANSWER},
    {"POST", "/v1/auth/mfa/enable", ACCESS_PERSON, LIMIT_WRITE, enrol,
     "A secret for an app (seed 003's name)", NULL, ENROL_ANSWER},
    {"POST", "/v1/auth/mfa/request", ACCESS_PERSON, LIMIT_WRITE, enrol,
     "A secret for an app (another name: X66)", NULL, ENROL_ANSWER},
    {"POST", "/v1/auth/mfa/confirm", ACCESS_PERSON, LIMIT_WRITE, confirm,
     "From now on a code is needed; ten recovery codes, shown this once", CODE_REQUEST, CODES_ANSWER},
    {"POST", "/v1/auth/mfa/recovery_codes", ACCESS_PERSON, LIMIT_WRITE, renew_codes,
     "Ten new recovery codes; the old ones end", CODE_REQUEST, CODES_ANSWER},
    {"POST", "/v1/auth/mfa/disable", ACCESS_PERSON, LIMIT_WRITE, disable, "End the second factor",
     SCHEMA({"type": "object", "required": ["code"], "properties": {"code": WORD, "password": STRING}}),
     SCHEMA({"type": "object", "required": ["enabled"], "properties": {"enabled": FLAG}})},
    {"POST", "/v1/auth/mfa/verify", ACCESS_OPEN, LIMIT_WRITE, verify,
     "New tokens for a session that has not shown the second factor yet",
     SCHEMA({"type": "object", "required": ["code"],
             "properties": {"code": WORD, "refresh_token": WORD, "ticket": WORD},
             "anyOf": [{"required": ["refresh_token"]}, {"required": ["ticket"]}]}),
     SCHEMA(SIGNED_IN_SCHEMA)},
};
/* clang-format on */

const struct api_rows mfa_api = {ROWS, ARRAY_COUNT(ROWS)};
