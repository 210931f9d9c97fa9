/* elsewhere_http.c - signing in with an account at another service: the browser goes there, and
 * comes back. A cookie of ten minutes shows that it is the browser that left. */
#include <stdio.h>

#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"
#include "accounts/sign_in_elsewhere.h"

#define DEPARTURE_COOKIE "liminal_departure"

enum { DEPARTURE_LIFE_S = 600 };

/* `value` NULL takes it away. Lax: it must come along from the other service's page. */
static void set_departure_cookie(const struct call *call, const char *value)
{
    char cookie[200];
    struct text url = text_of(call->http->public_url);
    snprintf(cookie, sizeof cookie,
             DEPARTURE_COOKIE "=%s; Path=/v1/auth/oauth; Max-Age=%d; HttpOnly; SameSite=Lax%s",
             value ? value : "", value ? DEPARTURE_LIFE_S : 0,
             text_starts_with(url, TEXT("https:")) ? "; Secure" : "");
    http_set_header(call->exchange, "Set-Cookie", cookie);
}

static void start(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct departure departure;
    call_init(&call, exchange, context);
    struct text next = http_query_parameter(exchange, "next");
    enum status status =
        elsewhere_begin(call.accounts, http_path_parameter(exchange, "provider"),
                        next.length ? next : TEXT("/dashboard"),
                        http_query_parameter(exchange, "invitation"), call.job, &departure, &fault);
    if (status != OK) {
        gateway_reply_fault(exchange, status, &fault, NULL);
        return;
    }
    set_departure_cookie(&call, departure.cookie);
    page_redirect(&call, departure.url.data);
}

/* ---- back again ---- */

static const struct form CODE = {"login_code",
                                 {{"ticket", false}, {"next", false}, {"mfa_code", true}}};

static void ask_for_code(const struct call *call, const struct elsewhere *elsewhere)
{
    page_reply(call, 200, CODE.page,
               json_pack("{s:{s:s, s:o}}", "values", "ticket", elsewhere->ticket, "next",
                         text_json(elsewhere->return_to)));
}

static void callback(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct elsewhere elsewhere;
    call_init(&call, exchange, context);
    const struct arrival arrival = {
        .state = http_query_parameter(exchange, "state"),
        .code = http_query_parameter(exchange, "code"),
        .error = http_query_parameter(exchange, "error"),
        .issuer = http_query_parameter(exchange, "iss"),
        .cookie = cookie_value(http_header(exchange, "Cookie"), TEXT(DEPARTURE_COOKIE)),
    };
    enum status status =
        elsewhere_finish(call.accounts, http_path_parameter(exchange, "provider"), &arrival,
                         &call.caller->client, call.job, &elsewhere, &fault);
    set_departure_cookie(&call, NULL);
    if (status != OK) {
        form_again(&call, &login_form, json_object(), status, &fault);
    } else if (elsewhere.mfa_required) {
        ask_for_code(&call, &elsewhere);
    } else {
        call_set_cookie(&call, &elsewhere.signed_in);
        page_go_on(&call, elsewhere.return_to);
    }
}

static void code_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct signed_in in;
    call_init(&call, exchange, context);
    enum status status =
        elsewhere_mfa(call.accounts, http_form_field(exchange, "ticket"),
                      http_form_field(exchange, "mfa_code"), &call.caller->client, &in, &fault);
    if (status != OK) {
        form_again(&call, &CODE, json_object(), status, &fault);
        return;
    }
    call_set_cookie(&call, &in);
    page_go_on(&call, http_form_field(exchange, "next"));
}

/* clang-format off */
static const struct gateway_route ROWS[] = {
    {"GET", "/v1/auth/oauth/{provider}/start", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, start,
     .summary = "Go to another service to sign in"},
    {"GET", "/v1/auth/oauth/{provider}/callback", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, callback,
     .summary = "Come back from there"},
    {"POST", "/login/code", ACCESS_OPEN, STYLE_PAGE, LIMIT_WRITE, false, code_post,
     .summary = "The second factor, after signing in elsewhere"},
};
/* clang-format on */

const struct route_rows elsewhere_routes = {ROWS, ARRAY_COUNT(ROWS)};
