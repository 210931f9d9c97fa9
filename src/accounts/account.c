/* account.c - see account.h. */
#include "accounts/account.h"

#include <ctype.h>
#include <string.h>

static const char *const status_names[] = {
    [ACCOUNT_PENDING] = "pending_verification",
    [ACCOUNT_ACTIVE] = "active",
    [ACCOUNT_SUSPENDED] = "suspended",
    [ACCOUNT_DELETED] = "deleted",
};
static const char *const role_names[] = {[ROLE_USER] = "user", [ROLE_ADMIN] = "admin"};

const char *account_status_name(enum account_status status)
{
    return status_names[status];
}

const char *account_role_name(enum account_role role)
{
    return role_names[role];
}

bool account_status_parse(struct text name, enum account_status *status)
{
    for (size_t i = 0; i < ARRAY_COUNT(status_names); i++) {
        if (!text_equal(name, text_of(status_names[i]))) continue;
        *status = (enum account_status)i;
        return true;
    }
    return false;
}

bool account_role_parse(struct text name, enum account_role *role)
{
    for (size_t i = 0; i < ARRAY_COUNT(role_names); i++) {
        if (!text_equal(name, text_of(role_names[i]))) continue;
        *role = (enum account_role)i;
        return true;
    }
    return false;
}

/* ---- e-mail addresses ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_letter_or_digit(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool all_of(struct text t, const char *others)
{
    for (size_t i = 0; i < t.length; i++)
        if (!is_letter_or_digit(t.data[i]) && !(t.data[i] && strchr(others, t.data[i])))
            return false;
    return t.length > 0;
}

static struct text domain_of(struct text email)
{
    size_t at = text_find(email, TEXT("@"));
    return at == SIZE_MAX ? (struct text){0} : text_slice(email, at + 1, email.length);
}

/* ^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$ */
enum status email_check(struct text email, struct fault *fault)
{
    struct text domain = domain_of(email);
    struct text local = text_slice(email, 0, email.length - domain.length - 1);
    size_t letters = 0;
    while (letters < domain.length && is_letter(domain.data[domain.length - 1 - letters]))
        letters++;
    bool has_dot = letters + 1 < domain.length && domain.data[domain.length - 1 - letters] == '.';
    if (domain.length && email.length < EMAIL_BYTES && all_of(local, "._%+-") &&
        all_of(domain, ".-") && letters >= 2 && has_dot)
        return OK;
    return fault_set_param(fault, STATUS_INVALID, "email", "Invalid email format");
}

void email_key(struct text email, char key[EMAIL_BYTES])
{
    for (size_t i = 0; i < email.length; i++) key[i] = (char)tolower((unsigned char)email.data[i]);
    key[email.length] = '\0';
}

bool email_is_of(struct text email, const char *const *domains, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal_ignore_case(domain_of(email), text_of(domains[i]))) return true;
    return count == 0;
}

/* ---- passwords ---- */

static size_t character_count(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += ((unsigned char)t.data[i] & 0xc0) != 0x80;
    return count;
}

enum status password_check(struct text password, struct text email, struct fault *fault)
{
    if (character_count(password) < PASSWORD_LEAST)
        return fault_set_param(fault, STATUS_INVALID, "password",
                               "Password must be at least 8 characters");
    if (password.length > PASSWORD_MOST)
        return fault_set_param(fault, STATUS_INVALID, "password",
                               "Password must be at most %d bytes", PASSWORD_MOST);
    if (text_equal_ignore_case(password, email))
        return fault_set_param(fault, STATUS_INVALID, "password",
                               "Password must not be the e-mail address");
    return OK;
}

/* ---- what an account may ---- */

enum status account_check_usable(const struct account *account, int64_t now_us, struct fault *fault)
{
    bool in_grace = account->status == ACCOUNT_PENDING &&
                    now_us - account->created_us < (int64_t)PENDING_GRACE_S * 1000000;
    if (account->status == ACCOUNT_ACTIVE || in_grace) return OK;
    return fault_set(fault, STATUS_FORBIDDEN, "User account is %s",
                     account_status_name(account->status));
}

enum status account_check_may_make_tokens(const struct account *account, struct fault *fault)
{
    if (account->status == ACCOUNT_ACTIVE) return OK;
    return fault_set(fault, STATUS_FORBIDDEN, "User cannot generate tokens");
}

enum status plan_check(struct text plan, struct fault *fault)
{
    bool is_name = plan.length > 0 && plan.length < PLAN_BYTES;
    for (size_t i = 0; is_name && i < plan.length; i++) {
        char c = plan.data[i];
        is_name = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (is_name) return OK;
    return fault_set_param(fault, STATUS_INVALID, "plan",
                           "a plan's name is 1 to %d small letters, digits, '-' and '_'",
                           PLAN_BYTES - 1);
}

enum status account_verify(struct account *account, int64_t now_us, struct fault *fault)
{
    if (account->status != ACCOUNT_PENDING)
        return fault_set(fault, STATUS_CONFLICT, "User is not in pending verification status");
    account->status = ACCOUNT_ACTIVE;
    account->verified_us = now_us;
    return OK;
}
