/* secret_test.c - forms, hashes, and that nothing can be changed in an access token. */
#include "accounts/secret.h"

#include "base/test_support.h"

static const unsigned char key[SERVER_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const struct uuid session = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void forms(void **state)
{
    char text[SECRET_TEXT_BYTES];
    const unsigned char random[SECRET_BYTES] = {0xff, 0xee};
    secret_format(random, API_TOKEN_MARK, text);
    assert_int_equal(strlen(text), 4 + 43);
    assert_memory_equal(text, "lim__-4AAAA", 11);
    struct secret_hash a = secret_hash_of(TEXT("abc"));
    assert_memory_equal(a.bytes, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8); /* FIPS 180-2 */
}

static void make_token(enum session_token_kind kind, char out[ACCESS_TOKEN_BYTES])
{
    session_token_make(key, &(struct session_token){kind, session, 1000}, out);
}

static bool read_token(const unsigned char *with, struct text token, int64_t now_s,
                       struct uuid *read)
{
    struct session_token found;
    if (!session_token_read(with, token, now_s, &found)) return false;
    *read = found.session;
    return found.kind == SESSION_TOKEN_ACCESS && found.expires_s == 1000;
}

static void session_tokens_expire(void **state)
{
    char token[ACCESS_TOKEN_BYTES];
    struct uuid read;
    make_token(SESSION_TOKEN_ACCESS, token);
    assert_true(strlen(token) < ACCESS_TOKEN_BYTES);
    assert_true(read_token(key, text_of(token), 999, &read));
    assert_true(uuid_equal(read, session));
    assert_false(read_token(key, text_of(token), 1000, &read));
}

static void every_letter_counts(void **state)
{
    char token[ACCESS_TOKEN_BYTES];
    struct uuid read;
    make_token(SESSION_TOKEN_ACCESS, token);
    for (size_t i = 0; i < strlen(token); i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_false(read_token(key, text_of(token), 0, &read));
        token[i] = kept;
        assert_false(read_token(key, (struct text){token, i}, 0, &read));
    }
    unsigned char other[SERVER_KEY_BYTES] = {0};
    assert_false(read_token(other, text_of(token), 0, &read));
    assert_true(read_token(key, text_of(token), 0, &read));
}

/* A cookie lives longer: it must not be made into what programs send. */
static void a_cookie_is_no_access_token(void **state)
{
    char token[ACCESS_TOKEN_BYTES];
    struct session_token read;
    make_token(SESSION_TOKEN_COOKIE, token);
    assert_true(session_token_read(key, text_of(token), 0, &read));
    assert_int_equal(read.kind, SESSION_TOKEN_COOKIE);
    assert_true(uuid_equal(read.session, session));
    token[1] = 'a'; /* "lat_..." */
    assert_false(session_token_read(key, text_of(token), 0, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(session_tokens_expire),
        cmocka_unit_test(a_cookie_is_no_access_token),
        cmocka_unit_test(every_letter_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
