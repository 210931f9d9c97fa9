/* totp_test.c - the vectors of RFC 6238 and RFC 4226, and what is right when. */
#include "accounts/totp.h"

#include "base/test_support.h"

static const unsigned char secret[TOTP_SECRET_BYTES + 1] = "12345678901234567890";

/* RFC 6238 appendix B, SHA-1. */
static void vectors_of_rfc_6238(void **state)
{
    static const struct {
        int64_t now_s;
        uint32_t code;
    } vectors[] = {
        {59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
        {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130},
    };
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++)
        assert_int_equal(totp_code(secret, 20, vectors[i].now_s / TOTP_STEP_S, 8), vectors[i].code);
}

/* RFC 4226 appendix D. */
static void vectors_of_rfc_4226(void **state)
{
    static const uint32_t codes[] = {755224, 287082, 359152, 969429, 338314,
                                     254676, 287922, 162583, 399871, 520489};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        assert_int_equal(totp_code(secret, 20, (int64_t)i, TOTP_DIGITS), codes[i]);
}

static void a_code_is_right_around_its_half_minute(void **state)
{
    const struct text code = TEXT("969429"); /* of step 3: seconds 90 to 119 */
    assert_int_equal(totp_match(secret, code, 59, 0), 0);
    for (int64_t now_s = 60; now_s < 150; now_s++)
        assert_int_equal(totp_match(secret, code, now_s, 0), 3);
    assert_int_equal(totp_match(secret, code, 150, 0), 0);
    assert_int_equal(totp_match(secret, TEXT("969 429"), 100, 0), 3);
}

static void a_code_is_right_once(void **state)
{
    assert_int_equal(totp_match(secret, TEXT("969429"), 100, 2), 3);
    assert_int_equal(totp_match(secret, TEXT("969429"), 100, 3), 0);
    assert_int_equal(totp_match(secret, TEXT("359152"), 100, 3), 0); /* older than one used */
}

static void what_is_no_code(void **state)
{
    static const char *const bad[] = {"", "96942", "9694290", "96942x", "-969429", "969429\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(totp_is_code(text_of(bad[i])));
        assert_int_equal(totp_match(secret, text_of(bad[i]), 100, 0), 0);
    }
    assert_true(totp_is_code(TEXT("000 000")));
}

/* "12345678901234567890" in base32 as the RFC's readers write it. */
static void what_an_app_reads(void **state)
{
    char letters[TOTP_SECRET_TEXT_BYTES];
    struct buffer uri;
    totp_secret_format(secret, letters);
    assert_string_equal(letters, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    buffer_init(&uri);
    totp_uri(TEXT("Liminal at home"), TEXT("ada+1@example.com"), secret, &uri);
    assert_string_equal(uri.data,
                        "otpauth://totp/Liminal%20at%20home:ada%2B1%40example.com?secret="
                        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Liminal%20at%20home");
    buffer_deinit(&uri);
}

static void recovery_codes(void **state)
{
    static const unsigned char key[SERVER_KEY_BYTES] = "key";
    static const struct uuid ada = {{1}}, bob = {{2}};
    const unsigned char random[RECOVERY_RANDOM_BYTES] = {0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54};
    char code[RECOVERY_CODE_BYTES];
    struct secret_hash a, b;
    recovery_code_format(random, code);
    assert_string_equal(code, "23456-789ab"); /* bits 0 to 9, five each */
    assert_true(recovery_code_hash(key, ada, text_of(code), &a));
    assert_true(recovery_code_hash(key, ada, TEXT(" 23456 789AB"), &b));
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(recovery_code_hash(key, bob, text_of(code), &b));
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_true(recovery_code_hash(key, ada, TEXT("23456-789ac"), &b));
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_false(recovery_code_hash(key, ada, TEXT("23456-789a"), &b));
    assert_false(recovery_code_hash(key, ada, TEXT("23456-789ab2"), &b));
    assert_false(recovery_code_hash(key, ada, TEXT("23456-789a0"), &b));
    assert_false(recovery_code_hash(key, ada, TEXT("23456-789a\0"), &b));
    assert_false(recovery_code_hash(key, ada, TEXT(""), &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_6238),
        cmocka_unit_test(vectors_of_rfc_4226),
        cmocka_unit_test(a_code_is_right_around_its_half_minute),
        cmocka_unit_test(a_code_is_right_once),
        cmocka_unit_test(what_is_no_code),
        cmocka_unit_test(what_an_app_reads),
        cmocka_unit_test(recovery_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
