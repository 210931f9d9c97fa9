/* convert_llama2c_test.c - small checkpoints made here, byte by byte as llama2.c writes them. */
#include "base/test_support.h"
#include "model/file/convert.h"
#include "model/file/gguf.h"
#include "model/file/test_folder.h"

enum {
    WIDTH = 8,
    HIDDEN = 12,
    LAYERS = 2,
    HEADS = 2,
    KV_HEADS = 1,
    VOCABULARY = 300,
    CONTEXT = 16
};
enum { KV_WIDTH = WIDTH / HEADS * KV_HEADS };

/* Each weight is its own index, so that its place in the result tells where it came from. */
static void put_weights(struct buffer *out, size_t count, float *next)
{
    for (size_t i = 0; i < count; i++, ++*next) buffer_append(out, next, sizeof *next);
}

static void put_checkpoint(struct buffer *out, bool tied)
{
    const int32_t header[] = {
        WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, tied ? VOCABULARY : -VOCABULARY, CONTEXT};
    float next = 0;
    buffer_append(out, header, sizeof header);
    put_weights(out, VOCABULARY * WIDTH, &next);
    put_weights(out, LAYERS * WIDTH, &next);                    /* attention norms */
    put_weights(out, LAYERS * WIDTH * WIDTH, &next);            /* wq */
    put_weights(out, 2 * LAYERS * KV_WIDTH * WIDTH, &next);     /* wk, wv */
    put_weights(out, LAYERS * WIDTH * WIDTH, &next);            /* wo */
    put_weights(out, LAYERS * WIDTH, &next);                    /* feed-forward norms */
    put_weights(out, 3 * LAYERS * HIDDEN * WIDTH, &next);       /* w1, w2, w3 */
    put_weights(out, WIDTH, &next);                             /* final norm */
    put_weights(out, (size_t)CONTEXT * (WIDTH / HEADS), &next); /* rotary tables */
    if (!tied) put_weights(out, VOCABULARY * WIDTH, &next);
}

static void put_token(struct buffer *out, float score, const char *piece, uint32_t length)
{
    buffer_append(out, &score, sizeof score);
    buffer_append(out, &length, sizeof length);
    buffer_append(out, piece, length);
}

/* With byte tokens as "<0x0A>", or as the character of that number as older files have them. */
static void put_tokenizer(struct buffer *out, bool old)
{
    uint32_t longest = 27;
    buffer_append(out, &longest, sizeof longest);
    put_token(out, 0, "<unk>", 5);
    put_token(out, 0, "\n<s>\n", 5);
    put_token(out, 0, "\n</s>\n", 6);
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[8];
        uint32_t length = old ? (uint32_t)utf8_encode(byte, name)
                              : (uint32_t)snprintf(name, sizeof name, "<0x%02X>", byte);
        put_token(out, 0, name, length);
    }
    for (int id = 259; id < VOCABULARY; id++) {
        char piece[16];
        int length = snprintf(piece, sizeof piece, " w %d", id);
        put_token(out, (float)-id, piece, (uint32_t)length);
    }
}

static float value_at(const struct gguf *gguf, const char *name, size_t row, size_t column)
{
    const struct gguf_tensor *tensor = gguf_find_tensor(gguf, name);
    if (!tensor || tensor->type != TENSOR_F32) fail_msg("%s is missing or not F32", name);
    if (!tensor) return 0; /* for the analyzer: fail_msg does not return */
    float value;
    memcpy(&value, (const float *)tensor->data + row * tensor->dimensions[0] + column,
           sizeof value);
    return value;
}

static uint32_t number(const struct gguf *gguf, const char *key)
{
    uint32_t value;
    struct fault fault;
    assert_ok(gguf_u32(gguf, key, 4294967295u, &value, &fault), &fault);
    return value;
}

static void check_result(const char *path, bool tied)
{
    struct gguf *gguf;
    struct fault fault;
    assert_ok(gguf_open(&gguf, path, &fault), &fault);
    assert_int_equal(number(gguf, "llama.embedding_length"), WIDTH);
    assert_int_equal(number(gguf, "llama.attention.head_count_kv"), KV_HEADS);
    assert_int_equal(number(gguf, "llama.context_length"), CONTEXT);
    assert_int_equal(number(gguf, "llama.rope.dimension_count"), WIDTH / HEADS);
    assert_int_equal(number(gguf, "tokenizer.ggml.bos_token_id"), 1);

    size_t at = VOCABULARY * WIDTH;
    assert_true(value_at(gguf, "token_embd.weight", 3, 5) == 3 * WIDTH + 5);
    assert_true(value_at(gguf, "blk.1.attn_norm.weight", 0, 2) == (float)(at + WIDTH + 2));
    at += LAYERS * WIDTH;
    assert_true(value_at(gguf, "blk.1.attn_q.weight", 2, 1) ==
                (float)(at + WIDTH * WIDTH + 2 * WIDTH + 1));
    at += LAYERS * WIDTH * WIDTH;
    assert_true(value_at(gguf, "blk.0.attn_k.weight", 0, 0) == (float)at);
    assert_true(value_at(gguf, "blk.0.attn_v.weight", 0, 0) ==
                (float)(at + LAYERS * KV_WIDTH * WIDTH));
    at += 2 * LAYERS * KV_WIDTH * WIDTH + LAYERS * WIDTH * WIDTH + LAYERS * WIDTH;
    assert_true(value_at(gguf, "blk.0.ffn_gate.weight", 0, 0) == (float)at);
    at += LAYERS * HIDDEN * WIDTH;
    assert_true(value_at(gguf, "blk.0.ffn_down.weight", 1, 0) == (float)(at + HIDDEN));
    at += LAYERS * HIDDEN * WIDTH;
    assert_true(value_at(gguf, "blk.1.ffn_up.weight", 0, 0) == (float)(at + HIDDEN * WIDTH));
    at += LAYERS * HIDDEN * WIDTH;
    assert_true(value_at(gguf, "output_norm.weight", 0, 7) == (float)(at + 7));
    at += WIDTH + CONTEXT * (WIDTH / HEADS);
    if (tied)
        assert_null(gguf_find_tensor(gguf, "output.weight"));
    else
        assert_true(value_at(gguf, "output.weight", 0, 0) == (float)at);

    const struct gguf_value *tokens = gguf_find(gguf, "tokenizer.ggml.tokens");
    assert_int_equal(tokens->array.count, VOCABULARY);
    assert_true(text_equal(tokens->array.strings[1], TEXT("<s>")));
    assert_true(text_equal(tokens->array.strings[3 + 0xe9], TEXT("<0xE9>")));
    assert_true(text_equal(tokens->array.strings[260], TEXT("\u2581w\u2581260")));
    int32_t types[VOCABULARY];
    memcpy(types, gguf_find(gguf, "tokenizer.ggml.token_type")->array.data, sizeof types);
    assert_int_equal(types[0], 2);
    assert_int_equal(types[2], 3);
    assert_int_equal(types[100], 6);
    assert_int_equal(types[299], 1);
    float scores[VOCABULARY];
    memcpy(scores, gguf_find(gguf, "tokenizer.ggml.scores")->array.data, sizeof scores);
    assert_true(scores[299] == -299);
    gguf_close(gguf);
}

static void write_buffer(const char *name, struct buffer *buffer)
{
    assert_false(buffer->failed);
    write_test_file(name, buffer->data, buffer->length);
    buffer_clear(buffer);
}

static void two_files_and_one_give_the_same(void **state)
{
    struct buffer bytes;
    struct fault fault;
    for (int tied = 0; tied < 2; tied++) {
        buffer_init(&bytes);
        put_checkpoint(&bytes, tied);
        write_buffer("model.bin", &bytes);
        put_tokenizer(&bytes, tied);
        write_buffer("tokenizer.bin", &bytes);
        put_checkpoint(&bytes, tied);
        put_tokenizer(&bytes, !tied);
        write_buffer("both.data", &bytes);
        assert_ok(convert_llama2c(test_path("model.bin"), test_path("tokenizer.bin"),
                                  test_path("a.gguf"), "F32", NULL, &fault),
                  &fault);
        check_result(test_path("a.gguf"), tied);
        assert_ok(
            convert_llama2c(test_path("both.data"), NULL, test_path("b.gguf"), "F32", NULL, &fault),
            &fault);
        check_result(test_path("b.gguf"), tied);
        buffer_deinit(&bytes);
    }
}

static void assert_refused(const char *model, const char *tokenizer, const char *type,
                           enum status wanted, const char *words)
{
    struct fault fault = {.message = ""};
    enum status status = convert_llama2c(test_path(model), tokenizer ? test_path(tokenizer) : NULL,
                                         test_path("out.gguf"), type, NULL, &fault);
    if (status != wanted) fail_msg("%s: %s", words, status_name(status));
    assert_contains(fault.message, words);
    assert_false(file_exists(test_path("out.gguf")));
}

static void broken_input_is_refused(void **state)
{
    struct buffer bytes;
    buffer_init(&bytes);
    put_checkpoint(&bytes, true);
    write_buffer("model.bin", &bytes);
    put_tokenizer(&bytes, false);
    size_t tokenizer_bytes = bytes.length;
    write_buffer("tokenizer.bin", &bytes);
    assert_refused("model.bin", NULL, "F32", STATUS_INVALID, "tokenizer.bin");
    assert_refused("model.bin", "model.bin", "F32", STATUS_CORRUPT, "tokenizer: token");
    assert_refused("tokenizer.bin", NULL, "F32", STATUS_CORRUPT, "no llama2.c checkpoint");
    assert_refused("absent.bin", NULL, "F32", STATUS_NOT_FOUND, "absent.bin");
    assert_refused("model.bin", "tokenizer.bin", "Q9", STATUS_INVALID, "Q9");
    assert_refused("model.bin", "tokenizer.bin", "Q2_K", STATUS_UNSUPPORTED, "Q2_K");

    put_tokenizer(&bytes, false);
    write_test_file("cut.bin", bytes.data, tokenizer_bytes - 1);
    assert_refused("model.bin", "cut.bin", "F32", STATUS_CORRUPT, "token 299");
    buffer_clear(&bytes);
    put_checkpoint(&bytes, true);
    write_test_file("cut.bin", bytes.data, bytes.length / 2);
    assert_refused("cut.bin", "tokenizer.bin", "F32", STATUS_CORRUPT, "its shape needs");

    const int32_t bad[][7] = {
        {0, 1, 1, 1, 1, 1, 1},       {8, 8, 1, 3, 1, 9, 9}, /* heads do not divide the width */
        {8, 8, 1, 2, 3, 9, 9},       {8, 8, -1, 2, 1, 9, 9},
        {1 << 30, 8, 1, 2, 1, 9, 9}, {8, 8, 1, 2, 1, INT32_MIN, 9}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        write_test_file("bad.bin", bad[i], sizeof bad[i]);
        assert_refused("bad.bin", NULL, "F32", STATUS_CORRUPT, "bad.bin");
    }
    /* NaN is no weight */
    memset(bytes.data + 28, 0xff, 4);
    write_buffer("nan.bin", &bytes);
    assert_refused("nan.bin", "tokenizer.bin", "F32", STATUS_CORRUPT, "not finite");
    buffer_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TEST_FOLDER(two_files_and_one_give_the_same),
        IN_TEST_FOLDER(broken_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
