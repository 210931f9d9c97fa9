/* id_token_test.c - ID tokens that an independent implementation made (tests/oracle/id_tokens.mjs):
 * the right ones are believed, and each wrong one is refused for its reason. */
#include "accounts/id_token.h"

#include "base/test_support.h"
#include "http/json_body.h"
#include "platform/platform.h"

static json_t *vectors;
static struct arena job;

static int begin(void **state)
{
    struct fault fault;
    struct buffer file;
    buffer_init(&file);
    arena_init(&job, 0);
    assert_ok(file_read(LIMINAL_SOURCE_DIR "/tests/vectors/accounts/id_tokens.json", 1 << 20, &file,
                        &fault),
              &fault);
    assert_ok(json_body_parse(buffer_text(&file), &vectors, &fault), &fault);
    buffer_deinit(&file);
    return 0;
}

static int end(void **state)
{
    json_decref(vectors);
    arena_deinit(&job);
    return 0;
}

static enum status verify(struct text token, struct id_claims *claims, struct fault *fault)
{
    const struct id_expectation expected = {
        .issuer = json_field_text(vectors, "issuer"),
        .client_id = json_field_text(vectors, "client_id"),
        .nonce = json_field_text(vectors, "nonce"),
        .now_s = json_integer_value(json_object_get(vectors, "now")),
    };
    return id_token_verify(token, json_object_get(vectors, "jwks"), &expected, &job, claims, fault);
}

static void check_case(const json_t *one)
{
    struct id_claims claims;
    struct fault fault = {0};
    struct text verdict = json_field_text(one, "verdict");
    const char *name = json_string_value(json_object_get(one, "name")),
               *words = json_string_value(json_object_get(one, "words"));
    enum status wanted = text_equal(verdict, TEXT("ok"))       ? OK
                         : text_equal(verdict, TEXT("no key")) ? STATUS_NOT_FOUND
                                                               : STATUS_UNAUTHORIZED;
    enum status status = verify(json_field_text(one, "token"), &claims, &fault);
    if (status != wanted || (words && !strstr(fault.message, words)))
        fail_msg("%s: %s: %s", name, status_name(status), fault.message);
    if (status != OK) return;
    assert_true(text_equal(claims.subject, TEXT("ada")));
    assert_true(text_equal(claims.email, TEXT("ada@example.com")) && claims.email_verified);
}

static void tokens_of_an_independent_implementation(void **state)
{
    const json_t *cases = json_object_get(vectors, "cases");
    assert_true(json_array_size(cases) >= 40);
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(json_array_get(cases, i));
}

/* Every letter of a token is signed, or is the signature. */
static void no_letter_can_be_changed(void **state)
{
    struct id_claims claims;
    struct fault fault;
    struct text token =
        json_field_text(json_array_get(json_object_get(vectors, "cases"), 1), "token");
    char *copy = arena_copy(&job, token.data, token.length);
    assert_non_null(copy);
    for (size_t i = 0; i < token.length; i++) {
        char kept = copy[i];
        copy[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify((struct text){copy, token.length}, &claims, &fault), OK);
        copy[i] = kept;
    }
    assert_ok(verify((struct text){copy, token.length}, &claims, &fault), &fault);
}

static void without_a_nonce_of_ours_nothing_is_believed(void **state)
{
    struct id_claims claims;
    struct fault fault;
    struct id_expectation expected = {
        .issuer = json_field_text(vectors, "issuer"),
        .client_id = json_field_text(vectors, "client_id"),
        .now_s = json_integer_value(json_object_get(vectors, "now")),
    };
    const json_t *one = json_array_get(json_object_get(vectors, "cases"), 0);
    assert_status(id_token_verify(json_field_text(one, "token"), json_object_get(vectors, "jwks"),
                                  &expected, &job, &claims, &fault),
                  STATUS_UNAUTHORIZED);
}

static void an_address_counts_only_as_the_provider_says(void **state)
{
    static const struct {
        const char *json;
        bool verified;
    } cases[] = {
        {"{\"email\":\"a@b.de\",\"email_verified\":true}", true},
        {"{\"email\":\"a@b.de\",\"email_verified\":\"true\"}", true},
        {"{\"email\":\"a@b.de\",\"email_verified\":\"false\"}", false},
        {"{\"email\":\"a@b.de\",\"email_verified\":1}", false},
        {"{\"email\":\"a@b.de\"}", false},
    };
    struct id_claims claims;
    struct fault fault;
    json_t *object;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_ok(json_body_parse(text_of(cases[i].json), &object, &fault), &fault);
        assert_ok(id_claims_read_email(object, &job, &claims, &fault), &fault);
        assert_int_equal(claims.email_verified, cases[i].verified);
        json_decref(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_an_independent_implementation),
        cmocka_unit_test(no_letter_can_be_changed),
        cmocka_unit_test(without_a_nonce_of_ours_nothing_is_believed),
        cmocka_unit_test(an_address_counts_only_as_the_provider_says),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
