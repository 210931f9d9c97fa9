/* api_admin.c - what administrators do: people, invitations, and the letters that went out. */
#include "accounts/adaptation/call.h"
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/schemas.h"
#include "accounts/administration.h"
#include "accounts/invitations.h"
#include "accounts/mfa.h"
#include "accounts/personal_data.h"
#include "http/json_body.h"
#include "mail/mail.h"

/* ---- people ---- */

static enum status read_query(const struct call *call, struct account_query *query,
                              struct fault *fault)
{
    struct text cursor = http_query_parameter(call->exchange, "cursor");
    struct text status = http_query_parameter(call->exchange, "status");
    struct text limit = http_query_parameter(call->exchange, "limit");
    *query = (struct account_query){.search = http_query_parameter(call->exchange, "search")};
    if (cursor.length && !uuid_parse(cursor, &query->before))
        return fault_set_param(fault, STATUS_INVALID, "cursor", "this is no cursor of ours");
    if (status.length) query->status = arena_copy(call->job, status.data, status.length);
    for (size_t i = 0; i < limit.length; i++) {
        if (limit.data[i] < '0' || limit.data[i] > '9' || limit.length > 3)
            return fault_set_param(fault, STATUS_INVALID, "limit", "limit must be 1 to %d",
                                   ACCOUNTS_PAGE_MOST);
        query->limit = query->limit * 10 + (unsigned)(limit.data[i] - '0');
    }
    return OK;
}

static enum status list_users(struct call *call, json_t **answer, struct fault *fault)
{
    struct account_query query;
    struct account *accounts;
    size_t count;
    bool more;
    TRY(read_query(call, &query, fault));
    TRY(accounts_list(call->accounts, &query, call->job, &accounts, &count, &more, fault));
    call->is_list = true;
    if (more) {
        char *cursor = arena_alloc(call->job, UUID_TEXT_BYTES);
        if (!cursor) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
        uuid_format(accounts[count - 1].id, cursor);
        call->next_cursor = cursor;
    }
    *answer = accounts_json(accounts, count);
    return OK;
}

static enum status answer_user(struct call *call, struct uuid user, json_t **answer,
                               struct fault *fault)
{
    struct account account;
    TRY(accounts_find(call->accounts, user, &account, fault));
    *answer = json_pack("{s:o}", "user", account_json(&account));
    return OK;
}

static enum status find_user(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid user;
    TRY(path_id(call, &user, fault));
    return answer_user(call, user, answer, fault);
}

/* All members are read before the first one counts. */
static enum status change_user(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid user;
    struct text status, role, plan;
    enum account_status to_status;
    enum account_role to_role;
    bool keeps_factor = true;
    TRY(path_id(call, &user, fault));
    TRY(field_optional(call, "status", &status, fault));
    TRY(field_optional(call, "role", &role, fault));
    TRY(field_optional(call, "plan", &plan, fault));
    TRY(json_read_bool(call->body, "second_factor", &keeps_factor, fault));
    if (status.length && !account_status_parse(status, &to_status))
        return fault_set_param(fault, STATUS_INVALID, "status",
                               "status must be pending_verification, active or suspended");
    if (role.length && !account_role_parse(role, &to_role))
        return fault_set_param(fault, STATUS_INVALID, "role", "role must be user or admin");
    if (plan.length) TRY(accounts_set_plan(call->accounts, user, plan, fault));
    if (role.length) TRY(accounts_set_role(call->accounts, user, to_role, fault));
    if (status.length) TRY(accounts_set_status(call->accounts, user, to_status, fault));
    if (!keeps_factor) TRY(accounts_mfa_remove(call->accounts, user, fault));
    return answer_user(call, user, answer, fault);
}

static enum status delete_user(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid user;
    TRY(path_id(call, &user, fault));
    TRY(accounts_delete_by_admin(call->accounts, user, fault));
    *answer = json_pack("{s:b}", "deleted", 1);
    return OK;
}

/* ---- invitations ---- */

static enum status list_invitations(struct call *call, json_t **answer, struct fault *fault)
{
    struct invitation_view *invitations;
    size_t count;
    TRY(accounts_invitations(call->accounts, call->job, &invitations, &count, fault));
    *answer = json_pack("{s:o}", "invitations", invitations_json(invitations, count));
    return OK;
}

static enum status invite(struct call *call, json_t **answer, struct fault *fault)
{
    struct invitation_wish wish = {.role = ROLE_USER};
    struct invitation_view invitation;
    struct text role;
    char code[SECRET_TEXT_BYTES];
    TRY(field_optional(call, "email", &wish.email, fault));
    TRY(field_optional(call, "plan", &wish.plan, fault));
    TRY(field_optional(call, "role", &role, fault));
    if (role.length && !account_role_parse(role, &wish.role))
        return fault_set_param(fault, STATUS_INVALID, "role", "role must be user or admin");
    TRY(accounts_invite(call->accounts, call->user, &wish, code, &invitation, fault));
    call->http_code = 201;
    *answer = invitation_json(&invitation);
    json_object_set_new(*answer, "code", json_string(code));
    return OK;
}

static enum status revoke_invitation(struct call *call, json_t **answer, struct fault *fault)
{
    struct uuid id;
    TRY(path_id(call, &id, fault));
    TRY(accounts_invitation_revoke(call->accounts, id, fault));
    *answer = json_pack("{s:b}", "revoked", 1);
    return OK;
}

/* ---- letters ---- */

static enum status list_letters(struct call *call, json_t **answer, struct fault *fault)
{
    struct mail_view *letters;
    size_t count;
    TRY(mail_recent(call->http->database, LETTERS_SHOWN, call->job, &letters, &count, fault));
    *answer = json_pack("{s:o}", "letters", letters_json(letters, count));
    return OK;
}

/* ---- the rows ---- */

/* clang-format off */
#define USER_ANSWER SCHEMA({"type": "object", "required": ["user"], "properties": {"user": USER_SCHEMA}})

static const struct api_row ROWS[] = {
    {"GET", "/v1/admin/users", ACCESS_ADMIN, LIMIT_READ, list_users,
     "People, the newest first (search, status, cursor, limit)", NULL, SCHEMA(LIST(USER_SCHEMA))},
    {"GET", "/v1/admin/users/{id}", ACCESS_ADMIN, LIMIT_READ, find_user, "One of them", NULL, USER_ANSWER},
    {"PATCH", "/v1/admin/users/{id}", ACCESS_ADMIN, LIMIT_WRITE, change_user,
     "Change status, role or plan, or remove a lost second factor",
     SCHEMA({"type": "object", "properties": {
         "status": {"enum": ["pending_verification", "active", "suspended"]},
         "role": {"enum": ["user", "admin"]}, "plan": WORD, "second_factor": FLAG}}),
     USER_ANSWER},
    {"DELETE", "/v1/admin/users/{id}", ACCESS_ADMIN, LIMIT_WRITE, delete_user,
     "Delete an account with all that is its", NULL,
     SCHEMA({"type": "object", "required": ["deleted"], "properties": {"deleted": FLAG}})},
    {"GET", "/v1/admin/invitations", ACCESS_ADMIN, LIMIT_READ, list_invitations, "The newest invitations", NULL,
     SCHEMA({"type": "object", "required": ["invitations"], "properties": {"invitations": LIST(INVITATION_SCHEMA)}})},
    {"POST", "/v1/admin/invitations", ACCESS_ADMIN, LIMIT_WRITE, invite,
     "Invite somebody; the code is shown this once",
     SCHEMA({"type": "object", "properties": {"email": STRING, "plan": STRING, "role": {"enum": ["user", "admin"]}}}),
     SCHEMA({"type": "object", "required": ["id", "code"], "properties": {"id": ID, "code": STRING}})},
    {"DELETE", "/v1/admin/invitations/{id}", ACCESS_ADMIN, LIMIT_WRITE, revoke_invitation,
     "Take an invitation back", NULL,
     SCHEMA({"type": "object", "required": ["revoked"], "properties": {"revoked": FLAG}})},
    {"GET", "/v1/admin/mail", ACCESS_ADMIN, LIMIT_READ, list_letters,
     "The newest letters, and what became of them", NULL,
     SCHEMA({"type": "object", "required": ["letters"], "properties": {"letters": LIST(LETTER_SCHEMA)}})},
};
/* clang-format on */

const struct api_rows admin_api = {ROWS, ARRAY_COUNT(ROWS)};
