/* json_views.c - see json_views.h. */
#include "accounts/adaptation/json_views.h"

#include "accounts/adaptation/client_name.h"
#include "base/moment.h"

json_t *text_json(struct text text)
{
    if (text.length == 0) return json_string("");
    if (utf8_valid(text)) return json_stringn(text.data, text.length);
    struct buffer clean;
    buffer_init(&clean);
    buffer_append_utf8_lossy(&clean, text);
    json_t *view = clean.failed ? NULL : json_stringn(clean.data, clean.length);
    buffer_deinit(&clean);
    return view;
}

json_t *id_json(struct uuid id)
{
    char text[UUID_TEXT_BYTES];
    uuid_format(id, text);
    return json_string(text);
}

json_t *moment_json(int64_t unix_us)
{
    char text[MOMENT_TEXT_BYTES];
    if (unix_us == 0 || unix_us == INT64_MAX) return json_null();
    moment_format(unix_us, text);
    return json_string(text);
}

/* One member a line. */
/* clang-format off */

json_t *account_json(const struct account *account)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o}",
                     "id", id_json(account->id),
                     "email", account->email,
                     "status", account_status_name(account->status),
                     "role", account_role_name(account->role),
                     "plan", account->plan,
                     "email_verified", account->verified_us != 0,
                     "created_at", moment_json(account->created_us),
                     "verified_at", moment_json(account->verified_us),
                     "tenant_id", id_json(account->tenant_id));
}

json_t *signed_in_json(const struct signed_in *in, const char *csrf, int64_t now_us)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "access_token", in->access,
                     "refresh_token", in->refresh,
                     "token_type", "Bearer",
                     "expires_in", (json_int_t)((in->access_expires_us - now_us) / 1000000),
                     "session_expires_at", moment_json(in->refresh_expires_us),
                     "user", account_json(&in->account),
                     "user_id", id_json(in->account.id),
                     "session_id", id_json(in->session),
                     "role", account_role_name(in->account.role),
                     "csrf_token", csrf);
}

json_t *session_json(const struct session_view *session)
{
    char device[CLIENT_NAME_BYTES];
    client_name(session->user_agent, device);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}",
                     "id", id_json(session->id),
                     "device", text_json(text_of(device)),
                     "user_agent", text_json(session->user_agent),
                     "ip", text_json(session->ip),
                     "created_at", moment_json(session->created_us),
                     "last_seen_at", moment_json(session->last_seen_us),
                     "expires_at", moment_json(session->expires_us),
                     "is_current", session->is_current);
}

/* {} for none. */
static json_t *object_json(struct text json)
{
    return json.length ? json_loadb(json.data, json.length, 0, NULL) : json_object();
}

json_t *token_json(const struct token_view *token)
{
    return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:I}",
                     "id", id_json(token->id),
                     "name", text_json(text_of(token->name)),
                     "prefix", token->prefix,
                     "created_at", moment_json(token->created_us),
                     "expires_at", moment_json(token->expires_us),
                     "last_used_at", moment_json(token->last_used_us),
                     "is_active", token->is_active,
                     "scopes", object_json(token->scopes),
                     "limits", object_json(token->limits),
                     "spent_tokens", (json_int_t)token->spent_tokens);
}

json_t *invitation_json(const struct invitation_view *invitation)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}",
                     "id", id_json(invitation->id),
                     "email", invitation->email,
                     "plan", invitation->plan,
                     "role", account_role_name(invitation->role),
                     "created_at", moment_json(invitation->created_us),
                     "expires_at", moment_json(invitation->expires_us),
                     "used_at", moment_json(invitation->used_us));
}

static json_t *letter_json(const struct mail_view *letter)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:I}",
                     "id", id_json(letter->id),
                     "recipient", text_json(letter->recipient),
                     "subject", text_json(letter->subject),
                     "link", text_json(letter->link),
                     "error", text_json(letter->error),
                     "state", mail_state_name(letter->state),
                     "created_at", moment_json(letter->created_us),
                     "state_at", moment_json(letter->state_us),
                     "attempts", (json_int_t)letter->attempts);
}
/* clang-format on */

json_t *list_of_all(json_t *list, size_t count)
{
    if (json_array_size(list) == count) return list;
    json_decref(list);
    return NULL;
}

json_t *sessions_json(const struct session_view *sessions, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, session_json(&sessions[i]));
    return list_of_all(list, count);
}

json_t *tokens_json(const struct token_view *tokens, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, token_json(&tokens[i]));
    return list_of_all(list, count);
}

json_t *accounts_json(const struct account *accounts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, account_json(&accounts[i]));
    return list_of_all(list, count);
}

json_t *invitations_json(const struct invitation_view *invitations, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, invitation_json(&invitations[i]));
    return list_of_all(list, count);
}

json_t *letters_json(const struct mail_view *letters, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, letter_json(&letters[i]));
    return list_of_all(list, count);
}

json_t *recovery_codes_json(const struct recovery_codes *codes)
{
    json_t *list = json_array();
    for (size_t i = 0; i < MFA_RECOVERY_CODES; i++)
        json_array_append_new(list, json_string(codes->code[i]));
    return list_of_all(list, MFA_RECOVERY_CODES);
}
