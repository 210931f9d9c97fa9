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

static void access_tokens_expire(void **state)
{
    char token[ACCESS_TOKEN_BYTES];
    struct uuid read;
    access_token_make(key, session, 1000, token);
    assert_true(strlen(token) < ACCESS_TOKEN_BYTES);
    assert_true(access_token_read(key, text_of(token), 999, &read));
    assert_true(uuid_equal(read, session));
    assert_false(access_token_read(key, text_of(token), 1000, &read));
}

static void every_letter_counts(void **state)
{
    char token[ACCESS_TOKEN_BYTES];
    struct uuid read;
    access_token_make(key, session, 1000, token);
    for (size_t i = 0; i < strlen(token); i++) {
        char kept = token[i];
        token[i] = kept == 'A' ? 'B' : 'A';
        assert_false(access_token_read(key, text_of(token), 0, &read));
        token[i] = kept;
        assert_false(access_token_read(key, (struct text){token, i}, 0, &read));
    }
    unsigned char other[SERVER_KEY_BYTES] = {0};
    assert_false(access_token_read(other, text_of(token), 0, &read));
    assert_true(access_token_read(key, text_of(token), 0, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(access_tokens_expire),
        cmocka_unit_test(every_letter_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
