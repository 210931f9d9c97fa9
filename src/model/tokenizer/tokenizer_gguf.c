/* tokenizer_gguf.c - a tokenizer from the tokenizer.ggml.* entries of a model file.
 *
 * The names and numbers are those of the GGUF specification and of llama.cpp, which defines by what
 * it does what the entries mean (docs/format-tokenizer.md). All values are hostile until checked.
 */
#include <string.h>

#include "model/file/gguf.h"
#include "model/tokenizer/pipeline.h"
#include "model/tokenizer/pretokenizer_family.h"

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
    return kind == 0 ? TOKEN_NORMAL : (unsigned)kind; /* 0: the writer did not know */
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

/* Phi-3's special tokens swallow the white space behind them; the file does not say so. */
static bool strips_right(bool is_phi3, struct text t)
{
    return is_phi3 && !text_equal(t, TEXT("<unk>")) && !text_equal(t, TEXT("<s>")) &&
           !text_equal(t, TEXT("<|endoftext|>"));
}

static enum status read_added(struct tokenizer *tokenizer, const struct gguf *gguf,
                              struct fault *fault)
{
    struct text architecture, model;
    TRY(gguf_string(gguf, "general.architecture", TEXT(""), &architecture, fault));
    TRY(gguf_string(gguf, "tokenizer.ggml.model", TEXT(""), &model, fault));
    bool is_phi3 = text_equal(architecture, TEXT("phi3")) && text_equal(model, TEXT("llama"));
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
                                 .strip_right = strips_right(is_phi3, vocabulary->texts[id]),
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

/* What a scheme does where the file is silent. */
struct special_defaults {
    int32_t bos, eos;
    bool adds_bos, adds_eos;
};

static enum status read_special(struct tokenizer *tokenizer, const struct gguf *gguf,
                                struct special_defaults defaults, struct fault *fault)
{
    uint32_t count = tokenizer->vocabulary.count;
    TRY(read_id(gguf, "tokenizer.ggml.bos_token_id", defaults.bos, count, &tokenizer->bos, fault));
    TRY(read_id(gguf, "tokenizer.ggml.eos_token_id", defaults.eos, count, &tokenizer->eos, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_bos_token", defaults.adds_bos, &tokenizer->adds_bos,
                  fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_eos_token", defaults.adds_eos, &tokenizer->adds_eos,
                  fault));
    tokenizer->adds_bos = tokenizer->adds_bos && tokenizer->bos >= 0;
    tokenizer->adds_eos = tokenizer->adds_eos && tokenizer->eos >= 0;
    TRY(id_list_set(&tokenizer->prefix, &tokenizer->bos, tokenizer->adds_bos, tokenizer, fault));
    return id_list_set(&tokenizer->suffix, &tokenizer->eos, tokenizer->adds_eos, tokenizer, fault);
}

static enum status add_step(struct tokenizer *tokenizer, enum normalizer_kind kind,
                            struct text what, struct text with, struct fault *fault)
{
    struct normalizer_step step = {.kind = kind, .what = what, .with = with};
    return normalizer_add(&tokenizer->normalizer, step, fault);
}

/* SentencePiece's own rule on spaces: one at most between words, none around the text. */
static enum status add_space_removal(struct tokenizer *tokenizer, struct fault *fault)
{
    struct normalizer_step step = {.kind = NORMALIZE_SUBSTITUTE, .with = TEXT(" ")};
    step.pattern = arena_alloc(&tokenizer->memory, sizeof *step.pattern);
    if (!step.pattern) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a tokenizer");
    TRY(splitter_open(step.pattern, TEXT(" {2,}"), false, SPLIT_ISOLATED, false, fault));
    TRY(normalizer_add(&tokenizer->normalizer, step, fault));
    TRY(add_step(tokenizer, NORMALIZE_STRIP_LEFT, TEXT(""), TEXT(""), fault));
    return add_step(tokenizer, NORMALIZE_STRIP_RIGHT, TEXT(""), TEXT(""), fault);
}

/* "llama": SentencePiece, also Gemma's. */
static enum status read_sentencepiece(struct tokenizer *tokenizer, const struct gguf *gguf,
                                      struct fault *fault)
{
    const struct gguf_value *scores;
    bool adds_space, removes_spaces;
    struct vocabulary *vocabulary = &tokenizer->vocabulary;
    TRY(find_array(gguf, "tokenizer.ggml.scores", GGUF_F32, vocabulary->count, &scores, fault));
    if (!scores) return fault_set(fault, STATUS_CORRUPT, "the file has no tokenizer.ggml.scores");
    float *copy = arena_alloc_array(&tokenizer->memory, vocabulary->count, sizeof *copy);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the scores");
    memcpy(copy, scores->array.data, vocabulary->count * sizeof *copy);
    TRY(bpe_init_characters(&tokenizer->bpe, vocabulary, true, fault));
    TRY(bpe_add_scores(&tokenizer->bpe, vocabulary, copy, fault));
    bpe_finish(&tokenizer->bpe, vocabulary);

    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", true, &adds_space, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.remove_extra_whitespaces", false, &removes_spaces, fault));
    if (removes_spaces) TRY(add_space_removal(tokenizer, fault));
    if (adds_space) TRY(add_step(tokenizer, NORMALIZE_PREPEND, TEXT(""), TEXT(" "), fault));
    TRY(add_step(tokenizer, NORMALIZE_REPLACE, TEXT(" "), TEXT("▁"), fault));
    tokenizer->decoder = (struct decoder){.kind = DECODER_MARKER, .drops_first_space = adds_space};
    TRY(read_id(gguf, "tokenizer.ggml.unknown_token_id", 0, vocabulary->count,
                &tokenizer->bpe.unknown, fault));
    tokenizer->bpe.fuse_unknown = true;
    return read_special(tokenizer, gguf, (struct special_defaults){1, 2, true, false}, fault);
}

/* "left right"; the left one may itself start with a space. */
static enum status read_merge(struct tokenizer *tokenizer, struct text merge, uint32_t rank,
                              struct fault *fault)
{
    size_t space = text_find(text_slice(merge, 1, merge.length), TEXT(" "));
    if (space == SIZE_MAX)
        return fault_set(fault, STATUS_CORRUPT, "merge %u does not name two tokens", rank);
    return bpe_add_merge(&tokenizer->bpe, &tokenizer->vocabulary, text_slice(merge, 0, space + 1),
                         text_slice(merge, space + 2, merge.length), rank, fault);
}

/* "gpt2": byte level. */
static enum status read_byte_level(struct tokenizer *tokenizer, const struct gguf *gguf,
                                   struct fault *fault)
{
    const struct gguf_value *merges;
    const struct pretokenizer_family *family;
    struct text pre;
    bool adds_space;
    TRY(gguf_string(gguf, "tokenizer.ggml.pre", TEXT(""), &pre, fault));
    TRY(pretokenizer_family_find(pre, &family, fault));
    for (size_t i = 0; i < ARRAY_COUNT(family->patterns) && family->patterns[i]; i++)
        TRY(pretokenizer_add_split(&tokenizer->pretokenizer, text_of(family->patterns[i]), false,
                                   SPLIT_ISOLATED, false, fault));
    TRY(find_array(gguf, "tokenizer.ggml.merges", GGUF_STRING, 0, &merges, fault));
    if (!merges) return fault_set(fault, STATUS_CORRUPT, "the file has no tokenizer.ggml.merges");
    if (merges->array.count > UINT32_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "the file has too many merges");
    TRY(bpe_init_bytes(&tokenizer->bpe, &tokenizer->vocabulary, fault));
    for (uint32_t rank = 0; rank < merges->array.count; rank++)
        TRY(read_merge(tokenizer, merges->array.strings[rank], rank, fault));
    tokenizer->bpe.whole_words = family->whole_words;
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_space_prefix", false, &adds_space, fault));
    if (adds_space) TRY(add_step(tokenizer, NORMALIZE_PREPEND, TEXT(""), TEXT(" "), fault));
    tokenizer->decoder =
        (struct decoder){.kind = DECODER_ALPHABET, .drops_first_space = adds_space};
    return read_special(tokenizer, gguf,
                        (struct special_defaults){-1, -1, family->adds_bos, family->adds_eos},
                        fault);
}

/* "bert": tokens that start a word carry "▁", those that continue one nothing. */
static enum status read_wordpiece(struct tokenizer *tokenizer, const struct gguf *gguf,
                                  struct fault *fault)
{
    enum { LIMIT_CHARACTERS = 100 }; /* of a word, as in BERT's own tokenizer */
    uint32_t count = tokenizer->vocabulary.count;
    bool lowercase, strip_accents, adds_separator;
    int32_t unknown, class, separator;
    TRY(gguf_bool(gguf, "tokenizer.ggml.normalizer.lowercase", true, &lowercase, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.normalizer.strip_accents", lowercase, &strip_accents,
                  fault));
    TRY(normalizer_add_bert(&tokenizer->normalizer, true, true, strip_accents, lowercase, fault));
    TRY(pretokenizer_add_bert(&tokenizer->pretokenizer, fault));
    TRY(read_id(gguf, "tokenizer.ggml.unknown_token_id", 100, count, &unknown, fault));
    if (unknown < 0)
        return fault_set(fault, STATUS_CORRUPT,
                         "the file names no tokenizer.ggml.unknown_token_id");
    tokenizer->model = MODEL_WORDPIECE;
    wordpiece_init(&tokenizer->wordpiece, &tokenizer->vocabulary, TEXT("▁"), TEXT(""),
                   LIMIT_CHARACTERS, unknown);
    tokenizer->decoder = (struct decoder){.kind = DECODER_WORDPIECE, .cleans_up = true};

    TRY(read_id(gguf, "tokenizer.ggml.cls_token_id", 101, count, &class, fault));
    TRY(read_special(tokenizer, gguf, (struct special_defaults){class, -1, true, false}, fault));
    TRY(read_id(gguf, "tokenizer.ggml.seperator_token_id", 102, count, &separator, fault));
    TRY(gguf_bool(gguf, "tokenizer.ggml.add_sep_token", true, &adds_separator, fault));
    if (!adds_separator || separator < 0) return OK;
    return id_list_set(&tokenizer->suffix, &separator, 1, tokenizer, fault);
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
    if (text_equal(model, TEXT("gpt2"))) return read_byte_level(tokenizer, gguf, fault);
    if (text_equal(model, TEXT("bert"))) return read_wordpiece(tokenizer, gguf, fault);
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "the tokenizer model \"%.*s\" is not supported; llama, gpt2 and bert are",
                     TEXT_FORMAT(text_slice(model, 0, 64)));
}

enum status tokenizer_from_gguf(struct tokenizer **tokenizer, const struct gguf *gguf,
                                struct fault *fault)
{
    enum status status;
    struct tokenizer *fresh = NULL;
    TRY(tokenizer_new(&fresh, fault));
    TRY_DONE(read_vocabulary(fresh, gguf, fault));
    TRY_DONE(read_added(fresh, gguf, fault));
    TRY_DONE(read_model(fresh, gguf, fault));
    TRY_DONE(tokenizer_finish(fresh, fault));
    TRY_DONE(read_ends(fresh, gguf, fault));
done:
    if (status == OK)
        *tokenizer = fresh;
    else
        tokenizer_free(fresh);
    return status;
}
