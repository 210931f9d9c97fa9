/* pages_public.c - the pages of who is not signed in yet: home, signing up, proving an address,
 * signing in, forgotten passwords, and the first administrator. */
#include <string.h>

#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"
#include "accounts/invitations.h"
#include "accounts/mfa.h"
#include "accounts/sign_in_elsewhere.h"

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

/* What a link filled in already. */
static json_t *values_of_link(const struct call *call, const char *name)
{
    return json_pack("{s:{s:o}}", "values", name,
                     text_json(http_query_parameter(call->exchange, name)));
}

static void register_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, REGISTER.page, values_of_link(&call, "invitation"));
}

/* R39. */
static enum status read_new_password(const struct call *call, struct text *password,
                                     struct fault *fault)
{
    TRY(form_required(call, "password", "Password", password, fault));
    if (text_equal(*password, http_form_field(call->exchange, "confirm_password"))) return OK;
    return fault_set_param(fault, STATUS_INVALID, "confirm_password", "Passwords do not match");
}

static enum status sign_up(const struct call *call, struct fault *fault)
{
    struct account account;
    struct sign_up wish = {.invitation = http_form_field(call->exchange, "invitation")};
    TRY(form_required(call, "email", "Email", &wish.email, fault));
    TRY(read_new_password(call, &wish.password, fault));
    enum status status =
        accounts_register(call->accounts, &wish, &call->caller->client, &account, fault);
    if (status == STATUS_CONFLICT)
        fault_set_param(fault, status, "email", "User with this email already exists");
    return status;
}

static void register_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = sign_up(&call, &fault);
    if (status == OK)
        page_redirect(&call, "/register/success");
    else
        form_again(&call, &REGISTER, json_object(), status, &fault);
}

static void register_success(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, "register_success", json_object());
}

/* ---- proving an address ---- */

/* R40, X28: whose code it is, the code tells. */
static void verify(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct account account;
    call_init(&call, exchange, context);
    enum status status = accounts_verify_email(
        call.accounts, http_query_parameter(exchange, "code"), &account, &fault);
    if (status == OK) {
        page_redirect(&call, "/verify/success");
        return;
    }
    static const struct form FORM = {"verify_failed", {{"email", false}}};
    form_again(&call, &FORM, json_object(), status, &fault);
}

static void verify_success(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, "verify_success", json_object());
}

/* ---- letters that are asked for ---- */

/* Whether there is such an account, the answer does not tell. */
typedef enum status letter_request(struct accounts *accounts, struct text email,
                                   const struct client *client, struct fault *fault);

static void ask_for_letter(struct http_exchange *exchange, void *context, const struct form *form,
                           letter_request *request)
{
    struct call call;
    struct fault fault;
    struct text email;
    call_init(&call, exchange, context);
    enum status status = form_required(&call, "email", "Email", &email, &fault);
    if (status == OK) status = request(call.accounts, email, &call.caller->client, &fault);
    if (status == OK)
        page_reply(&call, 200, "letter_sent", json_object());
    else
        form_again(&call, form, json_object(), status, &fault);
}

static void resend_post(struct http_exchange *exchange, void *context)
{
    static const struct form FORM = {"verify_failed", {{"email", false}}};
    ask_for_letter(exchange, context, &FORM, accounts_request_verification);
}

static const struct form FORGOT = {"forgot", {{"email", false}}};

static void forgot_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, FORGOT.page, json_object());
}

static void forgot_post(struct http_exchange *exchange, void *context)
{
    ask_for_letter(exchange, context, &FORGOT, accounts_request_reset);
}

/* ---- a new password ---- */

static const struct form RESET = {
    "reset", {{"code", false}, {"password", true}, {"confirm_password", true}}};

static void reset_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, RESET.page, values_of_link(&call, "code"));
}

static enum status set_password(const struct call *call, struct fault *fault)
{
    struct text password;
    TRY(read_new_password(call, &password, fault));
    return accounts_reset_password(call->accounts, http_form_field(call->exchange, "code"),
                                   password, fault);
}

static void reset_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = set_password(&call, &fault);
    if (status == OK)
        page_redirect(&call, "/login?done=reset");
    else
        form_again(&call, &RESET, json_object(), status, &fault);
}

/* ---- signing in and out ---- */

static const struct form LOGIN = {
    "login", {{"email", false}, {"password", true}, {"mfa_code", true}, {"next", false}}};

static void login_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    json_t *page = values_of_link(&call, "next");
    json_object_set_new(page, "done", text_json(http_query_parameter(exchange, "done")));
    page_reply(&call, 200, LOGIN.page, page);
}

static enum status sign_in(const struct call *call, struct signed_in *in, struct fault *fault)
{
    struct credentials credentials = {.mfa_code = http_form_field(call->exchange, "mfa_code")};
    TRY(form_required(call, "email", "Email", &credentials.email, fault));
    TRY(form_required(call, "password", "Password", &credentials.password, fault));
    return accounts_sign_in(call->accounts, &credentials, &call->caller->client, in, fault);
}

/* No open redirect: only to a path of ours. */
static void go_on(const struct call *call)
{
    struct text next = http_form_field(call->exchange, "next");
    const char *path = path_is_local(next) ? arena_copy(call->job, next.data, next.length) : NULL;
    page_redirect(call, path ? path : "/dashboard");
}

static void login_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct signed_in in;
    call_init(&call, exchange, context);
    enum status status = sign_in(&call, &in, &fault);
    if (status == OK) {
        call_take_session(&call, &in);
        go_on(&call);
        return;
    }
    bool wants_code =
        strcmp(fault.param, "mfa_required") == 0 || strcmp(fault.param, "mfa_code") == 0;
    form_again(&call, &LOGIN, json_pack("{s:b}", "wants_code", wants_code), status, &fault);
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
    {"GET", "/reset", ACCESS_OPEN, STYLE_PAGE, LIMIT_READ, false, reset_page, .summary = "A new password"},
    {"POST", "/reset", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, reset_post, .summary = "Set a new password"},
};
/* clang-format on */

const struct route_rows public_pages = {ROWS, ARRAY_COUNT(ROWS)};
