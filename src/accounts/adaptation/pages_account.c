/* pages_account.c - one's own account: where one is signed in, the password, the second factor,
 * taking everything along, and the end. */
#include <string.h>

#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"
#include "accounts/mfa.h"
#include "accounts/personal_data.h"

/* ---- where one is signed in ---- */

static enum status overview(const struct call *call, json_t **page, struct fault *fault)
{
    struct session_view *sessions;
    struct mfa_state mfa;
    size_t count;
    TRY(accounts_sessions(call->accounts, call->user, call->caller->principal.credential_id,
                          call->job, &sessions, &count, fault));
    TRY(accounts_mfa_state(call->accounts, call->user, &mfa, fault));
    *page = json_pack("{s:o, s:o, s:{s:b, s:o, s:I}}", "sessions", sessions_json(sessions, count),
                      "done", text_json(http_query_parameter(call->exchange, "done")), "mfa",
                      "enabled", mfa.is_enabled, "since", moment_json(mfa.since_us), "codes_left",
                      (json_int_t)mfa.recovery_codes_left);
    return OK;
}

static void account_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    json_t *page;
    call_init(&call, exchange, context);
    enum status status = overview(&call, &page, &fault);
    if (status == OK)
        page_reply(&call, 200, "account", page);
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

static void session_end(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct uuid session;
    call_init(&call, exchange, context);
    enum status status = path_id(&call, &session, &fault);
    if (status == OK) status = accounts_sign_out(call.accounts, call.user, &session, &fault);
    if (status == OK)
        page_redirect(&call, "/account?done=ended");
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

static void sessions_end(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = accounts_sign_out(call.accounts, call.user, NULL, &fault);
    if (status != OK) {
        gateway_reply_fault(exchange, status, &fault, NULL);
        return;
    }
    gateway_set_session_cookie(exchange, NULL, 0);
    page_redirect(&call, "/login");
}

/* ---- the password ---- */

static const struct form PASSWORD = {
    "password", {{"current_password", true}, {"password", true}, {"confirm_password", true}}};

static void password_page(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, PASSWORD.page);
}

static enum status change_password(const struct call *call, struct fault *fault)
{
    struct text current, password;
    TRY(form_required(call, "current_password", "The current password", &current, fault));
    TRY(form_new_password(call, &password, fault));
    return accounts_change_password(call->accounts, call->user,
                                    call->caller->principal.credential_id, current, password,
                                    fault);
}

static void password_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &PASSWORD, change_password, "/account?done=password");
}

/* ---- the second factor ---- */

static const struct form MFA_ON = {"mfa_on", {{"mfa_code", true}}};

/* The secret is shown this once: a wrong code is tried again with the app that has it. */
static void mfa_enrol(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct mfa_enrolment enrolment;
    call_init(&call, exchange, context);
    enum status status = accounts_mfa_enrol(call.accounts, call.user, call.job, &enrolment, &fault);
    if (status == OK)
        page_reply(&call, 200, MFA_ON.page,
                   json_pack("{s:s, s:o}", "secret", enrolment.secret, "qr_html",
                             text_json(enrolment.qr_svg)));
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

static void show_recovery_codes(const struct call *call, const struct recovery_codes *codes)
{
    page_reply(call, 200, "recovery_codes",
               json_pack("{s:o}", "codes", recovery_codes_json(codes)));
}

static void mfa_confirm(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct text code;
    struct recovery_codes codes;
    call_init(&call, exchange, context);
    enum status status = form_required(&call, "mfa_code", "The code", &code, &fault);
    if (status == OK)
        status = accounts_mfa_confirm(call.accounts, &call.caller->principal, code, &codes, &fault);
    if (status == OK)
        show_recovery_codes(&call, &codes);
    else
        form_again(&call, &MFA_ON, json_object(), status, &fault);
}

static const struct form MFA_CODES = {"mfa_codes", {{"mfa_code", true}}};

static void mfa_codes_page(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, MFA_CODES.page);
}

static void mfa_codes_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct text code;
    struct recovery_codes codes;
    call_init(&call, exchange, context);
    enum status status = form_required(&call, "mfa_code", "The code", &code, &fault);
    if (status == OK)
        status = accounts_mfa_renew_codes(call.accounts, call.user, code, &codes, &fault);
    if (status == OK)
        show_recovery_codes(&call, &codes);
    else
        form_again(&call, &MFA_CODES, json_object(), status, &fault);
}

static const struct form MFA_OFF = {"mfa_off", {{"password", true}, {"mfa_code", true}}};

static void mfa_off_page(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, MFA_OFF.page);
}

static enum status mfa_disable(const struct call *call, struct fault *fault)
{
    struct text code;
    TRY(form_required(call, "mfa_code", "The code", &code, fault));
    return accounts_mfa_disable(call->accounts, call->user,
                                http_form_field(call->exchange, "password"), code, fault);
}

static void mfa_off_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &MFA_OFF, mfa_disable, "/account?done=mfa_off");
}

/* ---- take it along, and the end ---- */

static void export(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct buffer json;
    buffer_init(&json);
    call_init(&call, exchange, context);
    enum status status = accounts_export(call.accounts, call.user, &json, &fault);
    if (status == OK) {
        http_set_header(exchange, "Content-Disposition", "attachment; filename=\"liminal.json\"");
        http_set_header(exchange, "Cache-Control", "no-store");
        http_reply(exchange, 200, "application/json", buffer_text(&json));
    } else {
        gateway_reply_fault(exchange, status, &fault, NULL);
    }
    buffer_deinit(&json);
}

static const struct form DELETE = {"delete", {{"password", true}, {"mfa_code", true}}};

static void delete_page(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, DELETE.page);
}

static enum status delete_account(const struct call *call, struct fault *fault)
{
    TRY(accounts_delete(call->accounts, &call->caller->principal,
                        http_form_field(call->exchange, "password"),
                        http_form_field(call->exchange, "mfa_code"), fault));
    gateway_set_session_cookie(call->exchange, NULL, 0);
    return OK;
}

static void delete_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &DELETE, delete_account, "/login?done=deleted");
}

/* ---- the rows ---- */

/* clang-format off */
static const struct gateway_route ROWS[] = {
    {"GET", "/account", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, account_page,
     .summary = "Sessions, password, second factor"},
    {"POST", "/account/sessions/{id}/end", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, session_end,
     .summary = "Sign out there"},
    {"POST", "/account/logout_all", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, sessions_end,
     .summary = "Sign out everywhere"},
    {"GET", "/account/password", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, password_page,
     .summary = "Change the password"},
    {"POST", "/account/password", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, password_post,
     .summary = "Change the password"},
    {"POST", "/account/mfa/enrol", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, mfa_enrol,
     .summary = "A secret for an app"},
    {"POST", "/account/mfa/confirm", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, mfa_confirm,
     .summary = "From now on a code is needed"},
    {"GET", "/account/mfa/codes", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, mfa_codes_page,
     .summary = "New recovery codes"},
    {"POST", "/account/mfa/codes", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, mfa_codes_post,
     .summary = "New recovery codes"},
    {"GET", "/account/mfa/off", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, mfa_off_page,
     .summary = "End the second factor"},
    {"POST", "/account/mfa/off", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, mfa_off_post,
     .summary = "End the second factor"},
    {"GET", "/account/export", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, export,
     .summary = "All that is kept of me, as a file"},
    {"GET", "/account/delete", ACCESS_PERSON, STYLE_PAGE, LIMIT_READ, false, delete_page,
     .summary = "Delete my account"},
    {"POST", "/account/delete", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, delete_post,
     .summary = "Delete my account"},
};
/* clang-format on */

const struct route_rows account_pages = {ROWS, ARRAY_COUNT(ROWS)};
