/* tokenizer_gguf.c - a tokenizer from the tokenizer.ggml.* entries of a model file.
 *
 * The names and numbers are those of the GGUF specification and of llama.cpp, which defines by what
 * it does what the entries mean (docs/format-tokenizer.md). All values are hostile until checked.
 */
#include <string.h>

#include "model/file/gguf.h"
#include "model/tokenizer/pipeline.h"

/* An array entry of `kind`, or NULL when absent; STATUS_CORRUPT when it is something else or does
 * not have `count` values (any number if 0). */
static enum status find_array(const struct gguf *gguf, const char *key, enum gguf_kind kind,
                              uint64_t count, const struct gguf_value **out, struct fault *fault)
{
    const struct gguf_value *value = gguf_find(gguf, key);
    *out = value;
    if (!value) return OK;
    if (value->kind != GGUF_ARRAY || value->array.kind != kind)
        return fault_set(fault, STATUS_CORRUPT, "%s is not an array of the right kind", key);
    if (count && value->array.count != count)
        return fault_set(fault, STATUS_CORRUPT, "%s has %llu values for %llu tokens", key,
                         (unsigned long long)value->array.count, (unsigned long long)count);
    return OK;
}

/* A file without kinds has its byte tokens by name. */
static unsigned kind_of(const struct gguf_value *kinds, uint32_t id, struct text t)
{
    int32_t kind;
    if (!kinds) return decoder_byte_value(t) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL;
    memcpy(&kind, kinds->array.data + (size_t)id * sizeof kind, sizeof kind);
    return (unsigned)kind;
}

static enum status read_vocabulary(struct tokenizer *tokenizer, const struct gguf *gguf,
                                   struct fault *fault)
{
    const struct gguf_value *tokens, *kinds;
    struct vocabulary *vocabulary = &tokenizer->vocabulary;
    TRY(find_array(gguf, "tokenizer.ggml.tokens", GGUF_STRING, 0, &tokens, fault));
    if (!tokens) return fault_set(fault, STATUS_CORRUPT, "the file has no tokenizer.ggml.tokens");
    uint64_t count = tokens->array.count;
    if (count > VOCABULARY_LIMIT)
        return fault_set(fault, STATUS_TOO_LARGE, "the vocabulary has %llu tokens, at most %d",
                         (unsigned long long)count, VOCABULARY_LIMIT);
    TRY(find_array(gguf, "tokenizer.ggml.token_type", GGUF_I32, count, &kinds, fault));
    TRY(vocabulary_init(vocabulary, (uint32_t)count, &tokenizer->memory, fault));
    for (uint32_t id = 0; id < count; id++) {
        struct text t = tokens->array.strings[id];
        unsigned kind = kind_of(kinds, id, t);
        if (kind == TOKEN_BYTE && decoder_byte_value(t) < 0)
            return fault_set(fault, STATUS_CORRUPT, "token %u is to be a byte but is not <0xXX>",
                             id);
        TRY(vocabulary_set(vocabulary, id, t, kind, &tokenizer->memory, fault));
    }
    return vocabulary_index(vocabulary, &tokenizer->memory, fault);
}

static bool is_added(const struct vocabulary *vocabulary, uint32_t id)
{
    unsigned kind = vocabulary->kinds[id];
    return kind == TOKEN_CONTROL || kind == TOKEN_USER_DEFINED || kind == TOKEN_UNKNOWN;
}

static enum status read_added(struct tokenizer *tokenizer, struct fault *fault)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    uint32_t count = 0;
    size_t bytes = 0;
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        if (!is_added(vocabulary, id)) continue;
        count++;
        bytes += vocabulary->texts[id].length;
    }
    TRY(added_tokens_init(&tokenizer->raw_added, count, bytes, &tokenizer->memory, fault));
    for (uint32_t id = 0; id < vocabulary->count; id++)
        if (is_added(vocabulary, id))
            added_tokens_add(&tokenizer->raw_added, vocabulary->texts[id],
                             (struct added_token){
                                 .id = (int32_t)id,
                                 .is_special = tokenizer_is_special(tokenizer, (int32_t)id),
                             });
    return OK;
}

/* An id that a key names, -1 when absent; one beyond the vocabulary is refused. */
static enum status read_id(const struct gguf *gguf, const char *key, int32_t fallback,
                           uint32_t count, int32_t *id, struct fault *fault)
{
    uint32_t value;
    TRY(gguf_u32(gguf, key, UINT32_MAX, &value, fault));
    *id = value == UINT32_MAX ? fallback : (int32_t)value;
    if (value != UINT32_MAX && value >= count)
        return fault_set(fault, STATUS_CORRUPT, "%s is %u, beyond the vocabulary of %u", key, value,
                         count);
    if (*id >= 0 && (uint32_t)*id >= count) *id = -1;
    return OK;
}

static enum status set_bos_eos(struct tokenizer *tokenizer, const struct gguf *gguf,
                               bool default_bos, int32_t default_bos_id, int32_t default_eos_id,
                               struct fault *fault)
{
    uint32_t count = tokenizer->vocabulary.count;
    TRY(read_id(gguf, "tokenizer.ggml.bos_token_id", default_bos_id, count, &tokenizer->bos,
                fault));
    TRY(read_id(gguf, "tokenizer.ggml.eos_token_id", default_eos_id, count, &tokenizer->eos,
                fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_bos_token", default_bos, &tokenizer->adds_bos, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_eos_token", false, &tokenizer->adds_eos, fault));
    tokenizer->adds_bos = tokenizer->adds_bos && tokenizer->bos >= 0;
    tokenizer->adds_eos = tokenizer->adds_eos && tokenizer->eos >= 0;
    TRY(id_list_set(&tokenizer->prefix, &tokenizer->bos, tokenizer->adds_bos, tokenizer, fault));
    return id_list_set(&tokenizer->suffix, &tokenizer->eos, tokenizer->adds_eos, tokenizer, fault);
}

/* "llama": SentencePiece, also Gemma's. */
static enum status read_sentencepiece(struct tokenizer *tokenizer, const struct gguf *gguf,
                                      struct fault *fault)
{
    const struct gguf_value *scores;
    bool add_space;
    struct vocabulary *vocabulary = &tokenizer->vocabulary;
    TRY(find_array(gguf, "tokenizer.ggml.scores", GGUF_F32, vocabulary->count, &scores, fault));
    if (!scores) return fault_set(fault, STATUS_CORRUPT, "the file has no tokenizer.ggml.scores");
    float *copy = arena_alloc_array(&tokenizer->memory, vocabulary->count, sizeof *copy);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the scores");
    memcpy(copy, scores->array.data, vocabulary->count * sizeof *copy);
    TRY(bpe_init_characters(&tokenizer->bpe, vocabulary, true, fault));
    TRY(bpe_add_scores(&tokenizer->bpe, vocabulary, copy, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", true, &add_space, fault));
    struct normalizer *normalizer = &tokenizer->normalizer;
    if (add_space)
        TRY(normalizer_add(normalizer,
                           (struct normalizer_step){.kind = NORMALIZE_PREPEND, .with = TEXT(" ")},
                           fault));
    TRY(normalizer_add(
        normalizer,
        (struct normalizer_step){.kind = NORMALIZE_REPLACE, .what = TEXT(" "), .with = TEXT("▁")},
        fault));
    tokenizer->decoder = (struct decoder){DECODER_MARKER, add_space};
    TRY(read_id(gguf, "tokenizer.ggml.unknown_token_id", 0, vocabulary->count,
                &tokenizer->bpe.unknown, fault));
    return set_bos_eos(tokenizer, gguf, true, 1, 2, fault);
}

/* Ids that close an answer, beside eos. */
static enum status read_ends(struct tokenizer *tokenizer, const struct gguf *gguf,
                             struct fault *fault)
{
    static const char *const KEYS[] = {"tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        int32_t id;
        TRY(read_id(gguf, KEYS[i], -1, tokenizer->vocabulary.count, &id, fault));
        tokenizer_mark_end(tokenizer, id);
    }
    return OK;
}

static enum status read_model(struct tokenizer *tokenizer, const struct gguf *gguf,
                              struct fault *fault)
{
    struct text model;
    TRY(gguf_string(gguf, "tokenizer.ggml.model", TEXT(""), &model, fault));
    if (text_equal(model, TEXT("llama"))) return read_sentencepiece(tokenizer, gguf, fault);
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "the tokenizer model \"%.*s\" is not supported; llama is",
                     TEXT_FORMAT(text_slice(model, 0, 64)));
}

enum status tokenizer_from_gguf(struct tokenizer **tokenizer, const struct gguf *gguf,
                                struct fault *fault)
{
    enum status status;
    struct tokenizer *fresh = NULL;
    TRY(tokenizer_new(&fresh, fault));
    TRY_DONE(read_vocabulary(fresh, gguf, fault));
    TRY_DONE(read_added(fresh, fault));
    TRY_DONE(read_model(fresh, gguf, fault));
    bpe_finish(&fresh->bpe, &fresh->vocabulary);
    TRY_DONE(tokenizer_finish(fresh, fault));
    TRY_DONE(read_ends(fresh, gguf, fault));
done:
    if (status == OK)
        *tokenizer = fresh;
    else
        tokenizer_free(fresh);
    return status;
}
