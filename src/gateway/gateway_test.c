/* gateway_test.c - real requests through a real gateway to small handlers: what strangers,
 * browsers, keys and the operator may, and that what ended ends. */
#include "gateway/gateway.h"

#include "http/http_test_server.h"

#include "accounts/test_accounts.h" /* after: it has a `fault` for all */

static struct gateway *gateway;
static atomic_int used; /* tokens that handle_models says it made */

/* ---- the house behind the door ---- */

static void handle_caller(struct http_exchange *exchange, void *context)
{
    http_reply(exchange, 200, "text/plain", text_of(gateway_caller_name(exchange)));
}

static void handle_csrf(struct http_exchange *exchange, void *context)
{
    http_reply(exchange, 200, "text/plain", text_of(gateway_csrf_token(exchange)));
}

/* Claims 100 tokens, and uses fewer. */
static void handle_models(struct http_exchange *exchange, void *context)
{
    struct fault refused;
    enum status status =
        gateway_check_model(exchange, http_query_parameter(exchange, "model"), &refused);
    if (status == OK) status = gateway_claim_tokens(exchange, 100, &refused);
    if (status != OK) {
        gateway_reply_fault(exchange, status, &refused, NULL);
        return;
    }
    gateway_count_tokens(exchange, (uint64_t)atomic_load(&used));
    http_reply(exchange, 200, "text/plain", TEXT("done"));
}

#define ROW(method_, pattern_, access_, style_, limit_, handler_)                   \
    {                                                                               \
        .method = method_, .pattern = pattern_, .access = access_, .style = style_, \
        .limit = limit_, .handler = handler_                                        \
    }

static const struct gateway_route ROUTES[] = {
    ROW("GET", "/open", ACCESS_OPEN, STYLE_OPENAI, LIMIT_NONE, handle_caller),
    ROW("POST", "/form", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, handle_caller),
    ROW("GET", "/csrf", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, handle_csrf),
    ROW("GET", "/mine", ACCESS_ACCOUNT, STYLE_ENVELOPE, LIMIT_READ, handle_caller),
    ROW("POST", "/mine", ACCESS_ACCOUNT, STYLE_ENVELOPE, LIMIT_NONE, handle_caller),
    ROW("GET", "/person", ACCESS_PERSON, STYLE_ENVELOPE, LIMIT_NONE, handle_caller),
    ROW("GET", "/stream", ACCESS_ACCOUNT, STYLE_OPENAI, LIMIT_NONE, handle_stream),
    ROW("POST", "/models", ACCESS_MODELS, STYLE_OPENAI, LIMIT_NONE, handle_models),
};

static void on_ended_account(void *argument, struct uuid user)
{
    gateway_account_ended(gateway, user);
}

static int begin(void **state)
{
    begin_test(state);
    memset(&stage, 0, sizeof stage);
    test_options.ended = on_ended_account;
    reopen();
    struct gateway_options options = {
        .accounts = accounts,
        .hot = hot,
        .service_key = "sesame",
        .version = "test",
        .server_key = "0123456789abcdef0123456789abcde",
        .per_minute = {[LIMIT_READ] = 3},
    };
    assert_ok(gateway_open(&gateway, &options, &fault), &fault);
    assert_ok(gateway_add_routes(gateway, ROUTES, ARRAY_COUNT(ROUTES), &fault), &fault);
    struct http_server_options server_options = {.host = "127.0.0.1", .loops = 1, .workers = 4};
    gateway_install(gateway, &server_options);
    size_t count;
    const struct http_route *routes = gateway_http_routes(gateway, &count);
    assert_ok(http_server_open(&stage.server, &server_options, routes, count, &fault), &fault);
    stage.port = http_server_port(stage.server);
    return 0;
}

static int end(void **state)
{
    close_stage();
    gateway_close(gateway);
    return end_test(state);
}

/* The code of an answer; `headers` end in CRLF each; the answer stays for answer_has. */
static struct buffer answer;

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    struct buffer request;
    buffer_init(&request);
    buffer_printf(&request, "%s %s HTTP/1.1\r\n" CLOSE "%sContent-Length: %zu\r\n\r\n%s", method,
                  path, headers, strlen(body), body);
    buffer_clear(&answer);
    client_exchange(stage.port, request.data, &answer);
    buffer_deinit(&request);
    return answer_code(&answer);
}

static const char *bearer(const char *secret)
{
    static char header[160];
    snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", secret);
    return header;
}

static const char *cookie(const char *secret)
{
    static char header[160];
    snprintf(header, sizeof header, "Cookie: " SESSION_COOKIE "=%s\r\n", secret);
    return header;
}

static struct signed_in sign_in_ada(struct account *account)
{
    struct signed_in signed_in;
    *account = verified_ada();
    assert_ok(sign_in_as(ada, password, &client, &signed_in), &fault);
    return signed_in;
}

static void make_token(const struct account *account, const char *scopes, const char *limits,
                       char secret[SECRET_TEXT_BYTES])
{
    struct token_view view;
    const struct token_wish wish = {.scopes = text_of(scopes), .limits = text_of(limits)};
    assert_ok(accounts_token_create(accounts, account->id, &wish, secret, &view, &fault), &fault);
}

/* ---- the tests ---- */

static void a_row_must_say_who_may(void **state)
{
    static const struct gateway_route SILENT = {
        .method = "GET", .pattern = "/silent", .handler = handle_caller};
    assert_status(gateway_add_routes(gateway, &SILENT, 1, &fault), STATUS_INTERNAL);
    assert_contains(fault.message, "GET /silent does not say who may use it");
}

static void strangers_get_in_where_all_may(void **state)
{
    assert_int_equal(ask("GET", "/open", "", ""), 200);
    assert_int_equal(ask("GET", "/open", bearer("nonsense"), ""), 200);
    assert_int_equal(ask("GET", "/mine", "", ""), 401);
    assert_true(answer_has(&answer, "\"code\":\"unauthorized\""));
    assert_int_equal(ask("GET", "/mine", bearer("lim_nonsense"), ""), 401);
    assert_int_equal(ask("GET", "/nothing", "", ""), 401);
    assert_int_equal(ask("GET", "/nothing", bearer("sesame"), ""), 404);
}

static void the_operator_owns_nothing(void **state)
{
    assert_int_equal(ask("POST", "/models?model=m", bearer("sesame"), ""), 200);
    assert_int_equal(ask("POST", "/models?model=m", "X-API-Key: sesame\r\n", ""), 200);
    assert_int_equal(ask("POST", "/models?model=m", cookie("sesame"), ""), 401); /* no cookie */
    assert_int_equal(ask("GET", "/mine", bearer("sesame"), ""), 403);
    assert_int_equal(ask("GET", "/person", bearer("sesame"), ""), 403);
}

static void sessions_and_keys_say_who_it_is(void **state)
{
    struct account account;
    struct signed_in signed_in = sign_in_ada(&account);
    char id[UUID_TEXT_BYTES], secret[SECRET_TEXT_BYTES], key[80];
    uuid_format(account.id, id);
    make_token(&account, "", "", secret);
    snprintf(key, sizeof key, "X-API-Key: %s\r\n", secret);
    const char *const headers[] = {bearer(signed_in.access), cookie(signed_in.cookie), key};
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        assert_int_equal(ask("GET", "/mine", headers[i], ""), 200);
        assert_true(answer_has(&answer, id));
        assert_int_equal(ask("GET", "/person", headers[i], ""), i == 2 ? 403 : 200);
    }
}

static void limits_are_told_and_kept(void **state)
{
    struct account account;
    struct signed_in signed_in = sign_in_ada(&account);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask("GET", "/mine", bearer(signed_in.access), ""), 200);
        assert_true(answer_has(&answer, "RateLimit-Limit: 3\r\n"));
    }
    assert_int_equal(ask("GET", "/mine", bearer(signed_in.access), ""), 429);
    assert_true(answer_has(&answer, "Retry-After: "));
    assert_true(answer_has(&answer, "\"code\":\"rate_limited\""));
    char secret[SECRET_TEXT_BYTES];
    make_token(&account, "", "{\"requests_per_minute\":1}", secret); /* instead of the account's */
    assert_int_equal(ask("GET", "/mine", bearer(secret), ""), 200);
    assert_int_equal(ask("POST", "/mine", bearer(secret), ""), 200); /* of no limited kind */
    assert_int_equal(ask("GET", "/mine", bearer(secret), ""), 429);
}

static void keys_do_what_they_were_made_for(void **state)
{
    struct account account;
    sign_in_ada(&account);
    char secret[SECRET_TEXT_BYTES];
    make_token(&account, "{\"models\":[\"small*\"]}", "", secret);
    assert_int_equal(ask("POST", "/models?model=small-1", bearer(secret), ""), 200);
    assert_int_equal(ask("POST", "/models?model=large", bearer(secret), ""), 403);
    make_token(&account, "{\"routes\":[\"GET /mine\"]}", "", secret);
    assert_int_equal(ask("GET", "/mine", bearer(secret), ""), 200);
    assert_int_equal(ask("POST", "/mine", bearer(secret), ""), 403);
    make_token(&account, "{\"read_only\":true}", "", secret);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 403);
}

static void what_a_key_spends_is_counted(void **state)
{
    struct account account;
    sign_in_ada(&account);
    char secret[SECRET_TEXT_BYTES];
    make_token(&account, "", "{\"spend_cap_tokens\":150}", secret);
    atomic_store(&used, 40);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 200);
    /* 60 of the 100 that were claimed come back, behind the answer's back */
    for (int ms = 0; ms < CLIENT_PATIENCE_MS; ms++) {
        struct token_view *tokens;
        size_t count;
        assert_ok(accounts_token_list(accounts, account.id, &job, &tokens, &count, &fault), &fault);
        if (tokens[0].spent_tokens == 40) break;
        pause_ms(1);
    }
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 200);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 403);
    assert_true(answer_has(&answer, "150"));
}

/* A handler claims 100 and uses 40. */
static void a_day_has_its_tokens(void **state)
{
    struct account account;
    sign_in_ada(&account);
    char secret[SECRET_TEXT_BYTES];
    make_token(&account, "", "{\"tokens_per_day\":150}", secret);
    atomic_store(&used, 40);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 200);
    int code = 0;
    for (int ms = 0; ms < CLIENT_PATIENCE_MS && code != 200; ms++) {
        code = ask("POST", "/models?model=m", bearer(secret), ""); /* when 60 have come back */
        pause_ms(1);
    }
    assert_int_equal(code, 200);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 429);
    assert_true(answer_has(&answer, "Retry-After: "));
    assert_true(answer_has(&answer, "150 tokens a day are spent"));
    make_token(&account, "", "{\"tokens_per_day\":99}", secret);
    assert_int_equal(ask("POST", "/models?model=m", bearer(secret), ""), 403);
    assert_true(answer_has(&answer, "may need 100 tokens"));
}

static void other_sites_cannot_act_by_cookie(void **state)
{
    struct account account;
    struct signed_in signed_in = sign_in_ada(&account);
    static const char FORM[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    char headers[400], body[80];
    snprintf(headers, sizeof headers, "%s%s", cookie(signed_in.cookie), FORM);
    assert_int_equal(ask("POST", "/mine", headers, "a=b"), 403);
    assert_int_equal(ask("POST", "/mine", headers, "csrf=guess"), 403);
    assert_int_equal(ask("GET", "/csrf", headers, ""), 200);
    const char *token = strstr(answer.data, "\r\n\r\n") + 4;
    snprintf(body, sizeof body, "csrf=%.43s", token);
    assert_int_equal(ask("POST", "/mine", headers, body), 200);
    snprintf(headers, sizeof headers, "%sContent-Type: application/json\r\n",
             cookie(signed_in.cookie)); /* which a page of another site can't send */
    assert_int_equal(ask("POST", "/mine", headers, "{}"), 200);
    assert_int_equal(ask("POST", "/mine", bearer(signed_in.access), "a=b"), 200);
    /* A stranger's form is bound to a cookie. */
    assert_int_equal(ask("POST", "/form", FORM, body), 403);
    assert_int_equal(ask("GET", "/csrf", "", ""), 200);
    const char *set = strstr(answer.data, "Set-Cookie: " CSRF_COOKIE "=");
    assert_non_null(set);
    snprintf(body, sizeof body, "csrf=%.43s", strstr(answer.data, "\r\n\r\n") + 4);
    snprintf(headers, sizeof headers, "Cookie: %.56s\r\n%s", set + strlen("Set-Cookie: "), FORM);
    assert_int_equal(ask("POST", "/form", headers, body), 200);
    assert_int_equal(ask("POST", "/form", FORM, body), 403);
}

static void a_page_renews_a_cookie_of_yesterday(void **state)
{
    struct account account;
    struct signed_in signed_in = sign_in_ada(&account);
    assert_int_equal(ask("GET", "/csrf", cookie(signed_in.cookie), ""), 200);
    assert_false(answer_has(&answer, "Set-Cookie: " SESSION_COOKIE));
    now_us += DAY_US + MINUTE_US;
    assert_int_equal(ask("GET", "/mine", cookie(signed_in.cookie), ""), 200);
    assert_false(answer_has(&answer, "Set-Cookie: " SESSION_COOKIE)); /* a script's */
    assert_int_equal(ask("GET", "/csrf", cookie(signed_in.cookie), ""), 200);
    const char *set = strstr(answer.data, "Set-Cookie: " SESSION_COOKIE "=");
    assert_non_null(set);
    char renewed[ACCESS_TOKEN_BYTES], headers[400], body[80];
    int length = (int)strcspn(set + strlen("Set-Cookie: " SESSION_COOKIE "="), ";");
    snprintf(renewed, sizeof renewed, "%.*s", length,
             set + strlen("Set-Cookie: " SESSION_COOKIE "="));
    assert_string_not_equal(renewed, signed_in.cookie);
    /* The form on that page goes with the new cookie. */
    snprintf(body, sizeof body, "csrf=%.43s", strstr(answer.data, "\r\n\r\n") + 4);
    snprintf(headers, sizeof headers, "%sContent-Type: application/x-www-form-urlencoded\r\n",
             cookie(renewed));
    assert_int_equal(ask("POST", "/mine", headers, body), 200);
    assert_int_equal(ask("GET", "/mine", cookie(signed_in.cookie), ""), 200); /* for a minute */
    now_us += 2 * MINUTE_US;
    assert_int_equal(ask("GET", "/mine", cookie(signed_in.cookie), ""), 401);
    assert_int_equal(ask("GET", "/person", cookie(renewed), ""), 200);
}

static int open_stream(const char *secret, struct buffer *heard)
{
    char request[300];
    int before = atomic_load(&stage.handled);
    snprintf(request, sizeof request, "GET /stream HTTP/1.1\r\n" LOCAL "%s\r\n", bearer(secret));
    int fd = client_connect(stage.port);
    assert_true(client_send(fd, request));
    wait_for(&stage.handled, before + 1);
    buffer_init(heard);
    assert_true(http_stream_send(atomic_load(&stage.stream), TEXT("data: 1\n\n")));
    assert_true(client_receive_until(fd, heard, "data: 1"));
    return fd;
}

static void close_stream(int fd, struct buffer *heard)
{
    client_receive_all(fd, heard); /* ends, because the server has cut it off */
    assert_false(answer_has(heard, "data: 2"));
    wait_for(&stage.gone, 1);
    http_stream_end(atomic_load(&stage.stream));
    close(fd);
    buffer_deinit(heard);
}

static void a_suspended_user_is_cut_off_in_mid_stream(void **state)
{
    struct account account;
    struct buffer heard;
    struct signed_in signed_in = sign_in_ada(&account);
    int fd = open_stream(signed_in.access, &heard);
    assert_ok(accounts_set_status(accounts, account.id, ACCOUNT_SUSPENDED, &fault), &fault);
    close_stream(fd, &heard);
    assert_int_equal(ask("GET", "/mine", bearer(signed_in.access), ""), 401);
}

/* What happens on another server is found out by looking. */
static void a_key_revoked_elsewhere_ends_its_streams(void **state)
{
    struct account account;
    struct buffer heard;
    struct accounts *elsewhere;
    struct token_view *tokens;
    size_t count;
    char secret[SECRET_TEXT_BYTES];
    sign_in_ada(&account);
    make_token(&account, "", "", secret);
    int fd = open_stream(secret, &heard);
    struct accounts_options options = test_options;
    options.ended = NULL;
    assert_ok(accounts_open(&elsewhere, &options, &fault), &fault);
    assert_ok(accounts_token_list(elsewhere, account.id, &job, &tokens, &count, &fault), &fault);
    assert_ok(accounts_token_revoke(elsewhere, account.id, tokens[0].id, &fault), &fault);
    accounts_close(elsewhere);
    close_stream(fd, &heard);
}

#define GATEWAY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_row_must_say_who_may),
        GATEWAY_TEST(strangers_get_in_where_all_may),
        GATEWAY_TEST(the_operator_owns_nothing),
        GATEWAY_TEST(sessions_and_keys_say_who_it_is),
        GATEWAY_TEST(limits_are_told_and_kept),
        GATEWAY_TEST(keys_do_what_they_were_made_for),
        GATEWAY_TEST(what_a_key_spends_is_counted),
        GATEWAY_TEST(a_day_has_its_tokens),
        GATEWAY_TEST(other_sites_cannot_act_by_cookie),
        GATEWAY_TEST(a_page_renews_a_cookie_of_yesterday),
        GATEWAY_TEST(a_suspended_user_is_cut_off_in_mid_stream),
        GATEWAY_TEST(a_key_revoked_elsewhere_ends_its_streams),
    };
    int failed = cmocka_run_group_tests(tests, open_sqlite, close_databases);
    buffer_deinit(&answer);
    return failed;
}
