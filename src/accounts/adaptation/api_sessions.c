/* api_sessions.c - who am I, and where am I signed in? */
#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"

static enum status me(struct call *call, json_t **answer, struct fault *fault)
{
    *answer = json_pack("{s:o}", "user", account_json(&call->caller->principal.account));
    return OK;
}

static enum status list(struct call *call, json_t **answer, struct fault *fault)
{
    struct session_view *sessions;
    size_t count;
    TRY(accounts_sessions(call->accounts, call->user, call->caller->principal.credential_id,
                          call->job, &sessions, &count, fault));
    *answer = json_pack("{s:o}", "sessions", sessions_json(sessions, count));
    return OK;
}

static enum status end(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid session;
    TRY(path_id(call, &session, fault));
    if (uuid_equal(session, call->caller->principal.credential_id))
        TRY(call_sign_out(call, fault));
    else
        TRY(accounts_sign_out(call->accounts, call->user, &session, fault));
    *answer = json_pack("{s:b}", "signed_out", 1);
    return OK;
}

/* clang-format off */
static const struct api_row ROWS[] = {
    {"GET", "/v1/auth/me", ACCESS_ACCOUNT, LIMIT_READ, me, "Who am I?", NULL,
     SCHEMA({"type": "object", "required": ["user"], "properties": {"user": USER_SCHEMA}})},
    {"GET", "/v1/auth/sessions", ACCESS_PERSON, LIMIT_READ, list, "Where am I signed in?", NULL,
     SCHEMA({"type": "object", "required": ["sessions"], "properties": {"sessions": LIST(SESSION_SCHEMA)}})},
    {"DELETE", "/v1/auth/sessions/{id}", ACCESS_PERSON, LIMIT_WRITE, end, "Sign out there", NULL,
     SCHEMA({"type": "object", "required": ["signed_out"], "properties": {"signed_out": FLAG}})},
};
/* clang-format on */

const struct api_rows session_api = {ROWS, ARRAY_COUNT(ROWS)};
