/* csrf.c - a browser sends cookies also with what another site made it send. So what changes
 * something and comes by cookie, or by a stranger's form, must bring a token that only our own
 * pages know: a keyed hash of the session, or of a random cookie for who has no session yet.
 *
 * JSON needs no token: another site's page can't send that type without asking first (CORS). */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "gateway/adaptation/gateway_private.h"
#include "platform/platform.h"

static bool is_unsafe(struct http_exchange *exchange)
{
    struct text method = http_method(exchange);
    return !text_equal(method, TEXT("GET")) && !text_equal(method, TEXT("HEAD"));
}

static void sign(const struct gateway *gateway, struct text of, char out[CSRF_TOKEN_BYTES])
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, gateway->options.server_key, SERVER_KEY_BYTES);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)"csrf ", 5);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)of.data, of.length);
    crypto_auth_hmacsha256_final(&state, mac);
    base64url_encode(mac, sizeof mac, out);
}

/* What the token is of: the session's id, or the cookie of a stranger. */
static struct text subject(struct http_exchange *exchange, const struct gateway_note *note,
                           char session[UUID_TEXT_BYTES])
{
    if (note->caller.kind != CALLER_ACCOUNT)
        return cookie_value(http_header(exchange, "Cookie"), TEXT(CSRF_COOKIE));
    uuid_format(note->caller.principal.credential_id, session);
    return text_of(session);
}

const char *gateway_csrf_token(struct http_exchange *exchange)
{
    struct gateway_note *note = gateway_note_of(exchange);
    if (!note) return "";
    if (note->csrf[0]) return note->csrf;
    char session[UUID_TEXT_BYTES], fresh[CSRF_TOKEN_BYTES];
    struct text of = subject(exchange, note, session);
    if (of.length == 0) {
        unsigned char random[32];
        char cookie[160];
        entropy_fill(random, sizeof random);
        base64url_encode(random, sizeof random, fresh);
        of = text_of(fresh);
        snprintf(cookie, sizeof cookie, CSRF_COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax%s", fresh,
                 note->gateway->options.is_https ? "; Secure" : "");
        http_set_header(exchange, "Set-Cookie", cookie);
    }
    sign(note->gateway, of, note->csrf);
    return note->csrf;
}

void gateway_csrf_token_of(const struct http_exchange *exchange, struct uuid session,
                           char token[CSRF_TOKEN_BYTES])
{
    char of[UUID_TEXT_BYTES];
    uuid_format(session, of);
    sign(gateway_note_of(exchange)->gateway, text_of(of), token);
}

enum status gateway_check_csrf(const struct gateway *gateway, struct http_exchange *exchange,
                               struct gateway_note *note, enum style style, struct fault *fault)
{
    bool is_form = style == STYLE_PAGE && note->caller.kind == CALLER_STRANGER;
    if (!is_unsafe(exchange) || !(note->caller.by_cookie || is_form)) return OK;
    struct text type = http_header(exchange, "Content-Type"), json = TEXT("application/json");
    if (text_equal_ignore_case(text_slice(type, 0, json.length), json)) return OK;
    char session[UUID_TEXT_BYTES], expected[CSRF_TOKEN_BYTES];
    struct text of = subject(exchange, note, session);
    struct text given = http_header(exchange, "X-CSRF-Token");
    if (given.length == 0) given = http_form_field(exchange, "csrf");
    sign(gateway, of, expected);
    if (of.length && secret_equal(text_of(expected), given)) return OK;
    return fault_set(fault, STATUS_FORBIDDEN,
                     "this form is too old, or was not ours: reload the page and try again");
}

void gateway_set_session_cookie(struct http_exchange *exchange, const char *access_token,
                                int64_t expires_us)
{
    const struct gateway_note *note = gateway_note_of(exchange);
    bool is_https = note && note->gateway->options.is_https;
    int64_t life_s = access_token ? (expires_us / 1000 - clock_wall_ms()) / 1000 : 0;
    char cookie[256];
    snprintf(cookie, sizeof cookie,
             SESSION_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
             access_token ? access_token : "", (long long)(life_s > 0 ? life_s : 0),
             is_https ? "; Secure" : "");
    http_set_header(exchange, "Set-Cookie", cookie);
}
