/* pages_public.c - the pages of who is not signed in yet: home, signing up, proving an address,
 * signing in, forgotten passwords, and the first administrator. */
#include <string.h>

#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"
#include "accounts/invitations.h"
#include "accounts/mfa.h"

/* ---- home ---- */

/* For programs that look what this is. */
static void reply_object(const struct call *call)
{
    struct buffer text;
    buffer_init(&text);
    buffer_printf(&text,
                  "{\"name\":\"Liminal\",\"version\":\"%s\",\"base_url\":\"/v1\","
                  "\"models\":\"/v1/models\",\"health\":\"/health\",\"metrics\":\"/metrics\","
                  "\"openapi\":\"/openapi.json\",\"documentation\":\"docs/api.md\"}",
                  call->http->version);
    http_reply_json(call->exchange, 200, buffer_text(&text));
    buffer_deinit(&text);
}

static void home(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    http_set_header(exchange, "Vary", "Accept, Cookie");
    if (text_find(http_header(exchange, "Accept"), TEXT("text/html")) == SIZE_MAX)
        reply_object(&call);
    else
        page_reply(&call, 200, "home", json_object());
}

/* ---- signing up ---- */

static const struct form REGISTER = {
    "register",
    {{"email", false}, {"password", true}, {"confirm_password", true}, {"invitation", false}},
};

static void register_page(struct http_exchange *exchange, void *context)
{
    page_show_with(exchange, context, REGISTER.page, (const char *const[]){"invitation", NULL});
}

static enum status sign_up(const struct call *call, struct fault *fault)
{
    struct account account;
    struct sign_up wish = {.invitation = http_form_field(call->exchange, "invitation")};
    TRY(form_required(call, "email", "Email", &wish.email, fault));
    TRY(form_new_password(call, &wish.password, fault));
    return accounts_register(call->accounts, &wish, &call->caller->client, &account, fault);
}

static void register_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &REGISTER, sign_up, "/register/success");
}

static void register_success(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, "register_success");
}

/* ---- proving an address ---- */

static const struct form VERIFY = {"verify_failed", {{"email", false}}};

/* R40, X28: whose code it is, the code tells. */
static enum status prove_address(const struct call *call, struct fault *fault)
{
    struct account account;
    struct text code = http_query_parameter(call->exchange, "code");
    return accounts_verify_email(call->accounts, code, &account, fault);
}

/* A mail program that looks whether the link is alive proves nothing. */
static void verify(struct http_exchange *exchange, void *context)
{
    if (text_equal(http_method(exchange), TEXT("HEAD"))) {
        http_reply(exchange, 200, "text/html; charset=utf-8", TEXT(""));
        return;
    }
    form_submit(exchange, context, &VERIFY, prove_address, "/verify/success");
}

static void verify_success(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, "verify_success");
}

/* ---- letters that are asked for ---- */

/* The answers do not tell whether there is such an account. */

static enum status ask_for_link(const struct call *call, struct fault *fault)
{
    struct text email;
    TRY(form_required(call, "email", "Email", &email, fault));
    return accounts_request_verification(call->accounts, email, &call->caller->client, fault);
}

static void resend_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &VERIFY, ask_for_link, "/letter");
}

static const struct form FORGOT = {"forgot", {{"email", false}}};

static void forgot_page(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, FORGOT.page);
}

static enum status ask_for_reset(const struct call *call, struct fault *fault)
{
    struct text email;
    TRY(form_required(call, "email", "Email", &email, fault));
    return accounts_request_reset(call->accounts, email, &call->caller->client, fault);
}

static void forgot_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &FORGOT, ask_for_reset, "/letter");
}

static void letter_sent(struct http_exchange *exchange, void *context)
{
    page_show(exchange, context, "letter_sent");
}

/* ---- a new password ---- */

static const struct form RESET = {
    "reset", {{"code", false}, {"password", true}, {"confirm_password", true}}};

static void reset_page(struct http_exchange *exchange, void *context)
{
    page_show_with(exchange, context, RESET.page, (const char *const[]){"code", NULL});
}

static enum status set_password(const struct call *call, struct fault *fault)
{
    struct text password;
    TRY(form_new_password(call, &password, fault));
    return accounts_reset_password(call->accounts, http_form_field(call->exchange, "code"),
                                   password, fault);
}

static void reset_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &RESET, set_password, "/login?done=reset");
}

/* ---- the first administrator ---- */

static const struct form SET_UP = {
    "set_up",
    {{"code", false}, {"email", false}, {"password", true}, {"confirm_password", true}},
};

static void set_up_page(struct http_exchange *exchange, void *context)
{
    page_show_with(exchange, context, SET_UP.page, (const char *const[]){"code", NULL});
}

static enum status set_up(const struct call *call, struct fault *fault)
{
    struct account account;
    struct text email, password;
    TRY(form_required(call, "email", "Email", &email, fault));
    TRY(form_new_password(call, &password, fault));
    return accounts_set_up(call->accounts, http_form_field(call->exchange, "code"), email, password,
                           &call->caller->client, &account, fault);
}

static void set_up_post(struct http_exchange *exchange, void *context)
{
    form_submit(exchange, context, &SET_UP, set_up, "/login?done=set_up");
}

/* ---- signing in and out ---- */

const struct form login_form = {
    "login", {{"email", false}, {"password", true}, {"mfa_code", true}, {"next", false}}};

static void login_page(struct http_exchange *exchange, void *context)
{
    page_show_with(exchange, context, login_form.page, (const char *const[]){"next", "done", NULL});
}

static enum status sign_in(const struct call *call, struct signed_in *in, struct fault *fault)
{
    struct credentials credentials = {.mfa_code = http_form_field(call->exchange, "mfa_code")};
    TRY(form_required(call, "email", "Email", &credentials.email, fault));
    TRY(form_required(call, "password", "Password", &credentials.password, fault));
    return accounts_sign_in(call->accounts, &credentials, &call->caller->client, in, fault);
}

static void login_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct signed_in in;
    call_init(&call, exchange, context);
    enum status status = sign_in(&call, &in, &fault);
    if (status == OK) {
        call_set_cookie(&call, &in);
        page_go_on(&call, http_form_field(exchange, "next"));
        return;
    }
    bool wants_code = mfa_is_required(&fault) || strcmp(fault.param, "mfa_code") == 0;
    form_again(&call, &login_form, json_pack("{s:b}", "wants_code", wants_code), status, &fault);
}

static void logout_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = call_sign_out(&call, &fault);
    if (status == OK)
        page_redirect(&call, "/");
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

/* ---- the rows ---- */

/* clang-format off */
static const struct gateway_route ROWS[] = {
    {"GET", "/", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, home, .summary = "What this is"},
    {"GET", "/register", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, register_page, .summary = "Sign up"},
    {"POST", "/register", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, register_post, .summary = "Sign up"},
    {"GET", "/register/success", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, register_success,
     .summary = "A letter is on its way"},
    {"GET", "/verify", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, verify,
     .summary = "Prove an address with the code of the letter"},
    {"GET", "/verify/success", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, verify_success,
     .summary = "The address is proven"},
    {"POST", "/verify/resend", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, resend_post,
     .summary = "Send the letter again"},
    {"GET", "/login", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, login_page, .summary = "Sign in"},
    {"POST", "/login", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, login_post, .summary = "Sign in"},
    {"POST", "/logout", ACCESS_PERSON, STYLE_PAGE, LIMIT_WRITE, false, logout_post, .summary = "Sign out"},
    {"GET", "/forgot", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, forgot_page, .summary = "Forgotten password"},
    {"POST", "/forgot", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, forgot_post,
     .summary = "Send a link for a new password"},
    {"GET", "/letter", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, letter_sent, .summary = "A letter is on its way"},
    {"GET", "/setup", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, set_up_page, .summary = "The first administrator"},
    {"POST", "/setup", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, set_up_post, .summary = "The first administrator"},
    {"GET", "/reset", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, reset_page, .summary = "A new password"},
    {"POST", "/reset", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, reset_post, .summary = "Set a new password"},
};
/* clang-format on */

const struct route_rows public_pages = {ROWS, ARRAY_COUNT(ROWS)};
