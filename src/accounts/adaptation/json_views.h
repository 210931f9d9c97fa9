/* json_views.h - what others may see of accounts, as JSON: for the API's answers and for the pages.
 *
 * All give a new tree, or NULL without memory. Times are RFC 3339 in UTC. */
#ifndef LIMINAL_ACCOUNTS_JSON_VIEWS_H
#define LIMINAL_ACCOUNTS_JSON_VIEWS_H

#include <jansson.h>

#include "accounts/accounts.h"
#include "accounts/invitations.h"
#include "accounts/mfa.h"
#include "mail/mail.h"

/* Whatever bytes; what is no UTF-8 becomes U+FFFD. */
json_t *text_json(struct text text);
json_t *id_json(struct uuid id);
/* null for 0, which is never, and for INT64_MAX. */
json_t *moment_json(int64_t unix_us);

json_t *account_json(const struct account *account);
/* R234 with seed 003's flat fields (X6). */
json_t *signed_in_json(const struct signed_in *in, const char *csrf, int64_t now_us);
json_t *session_json(const struct session_view *session);
json_t *token_json(const struct token_view *token);

json_t *recovery_codes_json(const struct recovery_codes *codes);
json_t *invitation_json(const struct invitation_view *invitation);

json_t *accounts_json(const struct account *accounts, size_t count);
json_t *invitations_json(const struct invitation_view *invitations, size_t count);
json_t *letters_json(const struct mail_view *letters, size_t count);
json_t *sessions_json(const struct session_view *sessions, size_t count);
json_t *tokens_json(const struct token_view *tokens, size_t count);

/* `list` if all of `count` found a place in it; else NULL, and the list is freed. */
json_t *list_of_all(json_t *list, size_t count);

#endif
