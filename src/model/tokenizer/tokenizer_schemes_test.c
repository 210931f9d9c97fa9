/* tokenizer_schemes_test.c - each normalizer, pre-tokenizer, model and decoder that a
 * tokenizer.json may name, in small made-up tokenizers, against the reference
 * (tests/oracle/tokenizer_schemes.mjs). */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>

static bool ids_equal(const struct token_list *ids, const json_t *expected)
{
    if (ids->count != json_array_size(expected)) return false;
    for (size_t i = 0; i < ids->count; i++)
        if (ids->ids[i] != json_integer_value(json_array_get(expected, i))) return false;
    return true;
}

/* Returns how many strings came out differently, each of which it prints. */
static size_t check_case(const char *name, const struct tokenizer *tokenizer, const json_t *row)
{
    struct text t = testing_json_text(json_array_get(row, 0));
    struct text wanted = testing_json_text(json_array_get(row, 2));
    struct token_list ids = {0};
    struct buffer decoded;
    buffer_init(&decoded);
    testing_encode(tokenizer, t, TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL, &ids);
    testing_decode(tokenizer, &ids, false, &decoded);
    bool same = ids_equal(&ids, json_array_get(row, 1));
    bool same_text = text_equal(buffer_text(&decoded), wanted);
    if (!same || !same_text) {
        char *expected = json_dumps(json_array_get(row, 1), 0);
        fprintf(stderr, "%s: \"%.*s\"\n  expected %s\n  got     ", name, TEXT_FORMAT(t), expected);
        for (size_t i = 0; i < ids.count; i++) fprintf(stderr, " %d", ids.ids[i]);
        fprintf(stderr, "\n  decoded  \"%.*s\"\n  expected \"%.*s\"\n",
                TEXT_FORMAT(buffer_text(&decoded)), TEXT_FORMAT(wanted));
        free(expected);
    }
    token_list_deinit(&ids);
    buffer_deinit(&decoded);
    return !same || !same_text;
}

static void every_scheme(void **state)
{
    json_t *schemes = testing_read_golden("schemes.json");
    size_t wrong = 0;
    assert_true(json_array_size(schemes) >= 50);
    for (size_t i = 0; i < json_array_size(schemes); i++) {
        const json_t *scheme = json_array_get(schemes, i);
        const json_t *cases = json_object_get(scheme, "cases");
        const char *name = json_string_value(json_object_get(scheme, "name"));
        char *json = json_dumps(json_object_get(scheme, "tokenizer"), 0);
        struct fault fault = {0};
        struct tokenizer *tokenizer;
        if (tokenizer_from_json(&tokenizer, text_of(json), TEXT(""), &fault) != OK)
            fail_msg("%s: %s", name, fault.message);
        assert_true(json_array_size(cases) >= 40);
        for (size_t k = 0; k < json_array_size(cases); k++)
            wrong += check_case(name, tokenizer, json_array_get(cases, k));
        tokenizer_free(tokenizer);
        free(json);
    }
    json_decref(schemes);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_scheme)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
