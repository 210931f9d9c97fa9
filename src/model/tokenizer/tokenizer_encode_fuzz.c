/* tokenizer_encode_fuzz.c - any bytes as text, through small tokenizers of every scheme. Byte-level
 * ones must lose nothing; streams must say what whole decodings say.
 * The first byte of the input chooses the tokenizer and the flags. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTE_LEVEL, BYTE_FALLBACK, WORDPIECE, UNIGRAM, SCHEMES };
static struct tokenizer *tokenizers[SCHEMES];

#define ADDED                                                              \
    "\"added_tokens\":[{\"id\":300,\"content\":\"<s>\",\"special\":true}," \
    "{\"id\":301,\"content\":\"<t>\",\"rstrip\":true,\"normalized\":true}]"

static void open_tokenizer(size_t scheme, const struct buffer *json)
{
    struct fault fault = {0};
    if (tokenizer_from_json(&tokenizers[scheme], buffer_text(json), TEXT(""), &fault) == OK) return;
    fprintf(stderr, "tokenizer %zu: %s\n", scheme, fault.message);
    abort();
}

/* The 256 bytes, some merges, the pre-tokenizer of Llama 3. */
static void open_byte_level(void)
{
    struct buffer json;
    buffer_init(&json);
    buffer_append_string(&json, "{" ADDED
                                ",\"model\":{\"type\":\"BPE\",\"merges\":[\"t h\",\"th e\","
                                "\"\u0120 the\",\"a a\",\"aa aa\",\"\u0120 \u0120\",\"1 2\"],"
                                "\"vocab\":{\"th\":256,\"the\":257,\"\u0120the\":258,\"aa\":259,"
                                "\"aaaa\":260,\"\u0120\u0120\":261,\"12\":262");
    for (unsigned byte = 0; byte < 256; byte++) {
        char letter[4];
        size_t length = byte_alphabet_letter((unsigned char)byte, letter);
        buffer_append_char(&json, ',');
        buffer_append_json_string(&json, (struct text){letter, length});
        buffer_printf(&json, ":%u", byte);
    }
    buffer_append_string(
        &json,
        "}},\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
        "\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"(?i:'s|'t)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}"
        "]?"
        "\\\\p{L}+|\\\\p{N}{1,3}| "
        "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+"
        "(?!\\\\S)|\\\\s+\"}},{\"type\":\"ByteLevel\",\"use_regex\":false,\"add_prefix_space\":"
        "false}"
        "]},\"decoder\":{\"type\":\"ByteLevel\"}}");
    open_tokenizer(BYTE_LEVEL, &json);
    buffer_deinit(&json);
}

/* Some characters, the byte tokens for all others. */
static void open_byte_fallback(void)
{
    struct buffer json;
    buffer_init(&json);
    buffer_append_string(
        &json, "{" ADDED
               ",\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
               "\"merges\":[\"\u2581 a\",\"a b\",\"\u2581 \u2581\",\"\u00e9 a\"],\"vocab\":{"
               "\"\u2581\":256,\"a\":257,\"b\":258,\"\u2581a\":259,\"ab\":260,"
               "\"\u2581\u2581\":261,\"\u00e9\":262,\"\u00e9a\":263");
    for (unsigned byte = 0; byte < 256; byte++)
        buffer_printf(&json, ",\"<0x%02X>\":%u", byte, byte);
    buffer_append_string(
        &json,
        "}},\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
        "{\"type\":\"Prepend\",\"prepend\":\"\u2581\"},{\"type\":\"Replace\",\"pattern\":"
        "{\"String\":\" \"},\"content\":\"\u2581\"}]},\"decoder\":{\"type\":\"Sequence\","
        "\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\u2581\"},\"content\":"
        "\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\","
        "\"content\":\" \",\"start\":1,\"stop\":0}]}}");
    open_tokenizer(BYTE_FALLBACK, &json);
    buffer_deinit(&json);
}

static void open_words(void)
{
    struct buffer json;
    buffer_init(&json);
    buffer_append_string(
        &json,
        "{" ADDED
        ",\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[U]\","
        "\"continuing_subword_prefix\":\"##\",\"vocab\":{\"[U]\":0,\"a\":1,\"##b\":2,\"e\":3,"
        "\".\":4,\"##\u00df\":5}},\"normalizer\":{\"type\":\"BertNormalizer\"},"
        "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
        "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}}");
    open_tokenizer(WORDPIECE, &json);
    buffer_clear(&json);
    buffer_append_string(
        &json, "{" ADDED
               ",\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<unk>\",0],"
               "[\"\u2581\",-2],[\"a\",-2.5],[\"\u2581a\",-3],[\"ab\",-3.5],[\"\u00e9\",-4]]},"
               "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\u2581\","
               "\"prepend_scheme\":\"first\"},\"decoder\":{\"type\":\"Metaspace\","
               "\"replacement\":\"\u2581\"}}");
    open_tokenizer(UNIGRAM, &json);
    buffer_deinit(&json);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    open_byte_level();
    open_byte_fallback();
    open_words();
    return 0;
}

static void check_stream(const struct tokenizer *tokenizer, const struct token_list *ids)
{
    struct detokenizer detokenizer;
    struct buffer streamed, whole, lossy;
    buffer_init(&streamed);
    buffer_init(&whole);
    buffer_init(&lossy);
    detokenizer_init(&detokenizer, tokenizer);
    for (size_t i = 0; i < ids->count; i++) {
        detokenizer_add(&detokenizer, ids->ids[i], &streamed);
        assert(utf8_valid(buffer_text(&streamed)) || ids->count > 1000);
    }
    detokenizer_finish(&detokenizer, &streamed);
    if (tokenizer_decode(tokenizer, ids->ids, ids->count, false, &whole, NULL) != OK) abort();
    buffer_append_utf8_lossy(&lossy, buffer_text(&whole));
    assert(text_equal(buffer_text(&streamed), buffer_text(&lossy)));
    detokenizer_deinit(&detokenizer);
    buffer_deinit(&streamed);
    buffer_deinit(&whole);
    buffer_deinit(&lossy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    size_t scheme = data[0] % SCHEMES;
    unsigned flags = data[0] / SCHEMES % 4;
    const struct tokenizer *tokenizer = tokenizers[scheme];
    struct text t = {(const char *)data + 1, size - 1};
    struct token_list ids = {0};
    struct buffer text;
    buffer_init(&text);
    if (tokenizer_encode(tokenizer, t, flags, &ids, NULL) != OK) abort();
    for (size_t i = 0; i < ids.count; i++)
        assert(ids.ids[i] >= 0 && (uint32_t)ids.ids[i] < tokenizer_size(tokenizer));
    if (tokenizer_decode(tokenizer, ids.ids, ids.count, true, &text, NULL) != OK) abort();
    /* "<t>" takes the spaces behind it along; without it every byte must come back. */
    if (scheme == BYTE_LEVEL && text_find(t, TEXT("<t>")) == SIZE_MAX)
        assert(text_equal(buffer_text(&text), t));
    check_stream(tokenizer, &ids);
    buffer_deinit(&text);
    token_list_deinit(&ids);
    return 0;
}
