/* tokenizer_json.c - a tokenizer from Hugging Face's tokenizer.json (and tokenizer_config.json):
 * vocabulary, added tokens, model, special tokens. docs/format-tokenizer.md tells the format.
 *
 * The file is hostile until checked. What is not understood is refused by name: a tokenizer that
 * silently differs is worse than none. */
#include "model/tokenizer/tokenizer_json.h"

#include <string.h>

enum {
    HOLES_LIMIT = 1 << 16,       /* ids without a token: vocabularies are dense but for padding */
    TEMPLATE_LIMIT = 16,         /* special tokens before or behind a text */
    WORD_LIMIT_CHARACTERS = 100, /* of WordPiece, when the file does not say */
};

/* The two files while they are being read. */
struct source {
    const json_t *root, *config, *model, *added;
    bool has_byte_tokens;
};

struct text json_member_text(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    return json_is_string(member)
               ? (struct text){json_string_value(member), json_string_length(member)}
               : (struct text){"", 0};
}

bool json_member_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *member = json_object_get(object, key);
    return json_is_boolean(member) ? json_is_true(member) : fallback;
}

enum status json_text_keep(struct tokenizer *tokenizer, struct text t, struct text *kept,
                           struct fault *fault)
{
    char *copy = arena_copy(&tokenizer->memory, t.data, t.length);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a tokenizer");
    *kept = (struct text){copy, t.length};
    return OK;
}

/* ---- vocabulary ---- */

static enum status check_id(const json_t *id, size_t entries, uint32_t *out, struct fault *fault)
{
    json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
    if (value < 0 || (uint64_t)value >= entries + HOLES_LIMIT || value >= VOCABULARY_LIMIT)
        return fault_set(fault, STATUS_CORRUPT,
                         "the token id %lld is out of range in a vocabulary of %zu",
                         (long long)value, entries);
    *out = (uint32_t)value;
    return OK;
}

static enum status largest_id(const struct source *source, uint32_t *largest, struct fault *fault)
{
    json_t *vocabulary = json_object_get(source->model, "vocab"), *id;
    size_t entries =
        json_object_size(vocabulary) + json_array_size(vocabulary) + json_array_size(source->added);
    const char *key;
    uint32_t value = 0;
    *largest = json_array_size(vocabulary) ? (uint32_t)json_array_size(vocabulary) - 1 : 0;
    json_object_foreach(vocabulary, key, id)
    {
        TRY(check_id(id, entries, &value, fault));
        if (value > *largest) *largest = value;
    }
    for (size_t i = 0; i < json_array_size(source->added); i++) {
        id = json_object_get(json_array_get(source->added, i), "id");
        TRY(check_id(id, entries, &value, fault));
        if (value > *largest) *largest = value;
    }
    return OK;
}

static unsigned kind_of(const struct source *source, struct text t)
{
    return source->has_byte_tokens && decoder_byte_value(t) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL;
}

/* {"text": id, ...} */
static enum status fill_from_object(struct tokenizer *tokenizer, const struct source *source,
                                    json_t *entries, struct fault *fault)
{
    const char *key;
    json_t *id;
    json_object_foreach(entries, key, id)
    {
        struct text t = text_of(key);
        TRY(vocabulary_set(&tokenizer->vocabulary, (uint32_t)json_integer_value(id), t,
                           kind_of(source, t), &tokenizer->memory, fault));
    }
    return OK;
}

/* [["text", score], ...] */
static enum status fill_from_array(struct tokenizer *tokenizer, const struct source *source,
                                   const json_t *entries, float *scores, struct fault *fault)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const json_t *key = json_array_get(entry, 0), *score = json_array_get(entry, 1);
        if (!json_is_string(key) || !json_is_number(score))
            return fault_set(fault, STATUS_CORRUPT, "token %zu is not a text and a score", i);
        struct text t = {json_string_value(key), json_string_length(key)};
        TRY(vocabulary_set(&tokenizer->vocabulary, (uint32_t)i, t, kind_of(source, t),
                           &tokenizer->memory, fault));
        scores[i] = (float)json_number_value(score);
    }
    return OK;
}

/* Added tokens override what the model says of the same id. */
static enum status fill_added(struct tokenizer *tokenizer, const struct source *source,
                              struct text unknown, struct fault *fault)
{
    for (size_t i = 0; i < json_array_size(source->added); i++) {
        const json_t *added = json_array_get(source->added, i);
        struct text t = json_member_text(added, "content");
        unsigned kind =
            json_member_bool(added, "special", false) ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
        if (unknown.length && text_equal(t, unknown)) kind = TOKEN_UNKNOWN;
        uint32_t id = (uint32_t)json_integer_value(json_object_get(added, "id"));
        TRY(vocabulary_set(&tokenizer->vocabulary, id, t, kind, &tokenizer->memory, fault));
    }
    return OK;
}

static enum status read_vocabulary(struct tokenizer *tokenizer, const struct source *source,
                                   float **scores, struct fault *fault)
{
    uint32_t largest;
    json_t *entries = json_object_get(source->model, "vocab");
    TRY(largest_id(source, &largest, fault));
    TRY(vocabulary_init(&tokenizer->vocabulary, largest + 1, &tokenizer->memory, fault));
    if (json_is_object(entries)) {
        TRY(fill_from_object(tokenizer, source, entries, fault));
    } else {
        *scores = arena_alloc_array(&tokenizer->memory, largest + 1, sizeof **scores);
        if (!*scores) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the scores");
        TRY(fill_from_array(tokenizer, source, entries, *scores, fault));
    }
    TRY(fill_added(tokenizer, source, json_member_text(source->model, "unk_token"), fault));
    return vocabulary_index(&tokenizer->vocabulary, &tokenizer->memory, fault);
}

/* ---- added tokens ---- */

static enum status read_added(struct tokenizer *tokenizer, const struct source *source,
                              struct fault *fault)
{
    uint32_t count = (uint32_t)json_array_size(source->added);
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += json_member_text(json_array_get(source->added, i), "content").length;
    struct arena *memory = &tokenizer->memory;
    TRY(added_tokens_init(&tokenizer->raw_added, count, bytes, memory, fault));
    TRY(added_tokens_init(&tokenizer->normalized_added, count, bytes, memory, fault));
    for (uint32_t i = 0; i < count; i++) {
        const json_t *added = json_array_get(source->added, i);
        struct text t = json_member_text(added, "content");
        bool is_special = json_member_bool(added, "special", false);
        if (json_member_bool(added, "single_word", false))
            return fault_set(fault, STATUS_UNSUPPORTED,
                             "the added token \"%.*s\" is single_word, which is not supported",
                             TEXT_FORMAT(text_slice(t, 0, 64)));
        struct added_token token = {
            .id = (int32_t)json_integer_value(json_object_get(added, "id")),
            .is_special = is_special,
            .strip_left = json_member_bool(added, "lstrip", false),
            .strip_right = json_member_bool(added, "rstrip", false),
        };
        bool in_normalized = json_member_bool(added, "normalized", !is_special);
        added_tokens_add(in_normalized ? &tokenizer->normalized_added : &tokenizer->raw_added, t,
                         token);
    }
    return OK;
}

/* ---- models ---- */

/* A member that changes what a model does and that we do not follow: absent, null, "", 0 or false
 * is fine. */
static enum status refuse_member(const json_t *model, const char *key, struct fault *fault)
{
    const json_t *member = json_object_get(model, key);
    bool is_neutral = !member || json_is_null(member) || json_is_false(member) ||
                      (json_is_string(member) && json_string_length(member) == 0) ||
                      (json_is_number(member) && json_number_value(member) == 0);
    return is_neutral
               ? OK
               : fault_set(fault, STATUS_UNSUPPORTED, "the tokenizer's %s is not supported", key);
}

/* "left right" or ["left", "right"]. */
static enum status read_merge(struct tokenizer *tokenizer, const json_t *merge, uint32_t rank,
                              struct fault *fault)
{
    const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
    struct text whole = {json_string_value(merge), json_string_length(merge)}, parts[2];
    size_t space = json_is_string(merge) ? text_find(whole, TEXT(" ")) : SIZE_MAX;
    if (json_is_string(left) && json_is_string(right)) {
        parts[0] = (struct text){json_string_value(left), json_string_length(left)};
        parts[1] = (struct text){json_string_value(right), json_string_length(right)};
    } else if (space != SIZE_MAX) {
        parts[0] = text_slice(whole, 0, space);
        parts[1] = text_slice(whole, space + 1, whole.length);
    } else {
        return fault_set(fault, STATUS_CORRUPT, "merge %u does not name two tokens", rank);
    }
    return bpe_add_merge(&tokenizer->bpe, &tokenizer->vocabulary, parts[0], parts[1], rank, fault);
}

static enum status read_bpe(struct tokenizer *tokenizer, const struct source *source,
                            struct fault *fault)
{
    struct bpe *bpe = &tokenizer->bpe;
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    const json_t *model = source->model, *merges = json_object_get(model, "merges");
    TRY(refuse_member(model, "dropout", fault));
    TRY(refuse_member(model, "continuing_subword_prefix", fault));
    TRY(refuse_member(model, "end_of_word_suffix", fault));
    tokenizer->model = MODEL_BPE;
    bool byte_fallback = json_member_bool(model, "byte_fallback", false);
    if (tokenizer->pretokenizer.is_byte_level)
        TRY(bpe_init_bytes(bpe, vocabulary, fault));
    else
        TRY(bpe_init_characters(bpe, vocabulary, byte_fallback, fault));
    if (json_array_size(merges) > UINT32_MAX / 2)
        return fault_set(fault, STATUS_TOO_LARGE, "the tokenizer has too many merges");
    for (size_t i = 0; i < json_array_size(merges); i++)
        TRY(read_merge(tokenizer, json_array_get(merges, i), (uint32_t)i, fault));
    bpe->unknown = vocabulary_find(vocabulary, json_member_text(model, "unk_token"));
    bpe->fuse_unknown = json_member_bool(model, "fuse_unk", false);
    bpe->whole_words = json_member_bool(model, "ignore_merges", false);
    bpe_finish(bpe, vocabulary);
    return OK;
}

static enum status read_wordpiece(struct tokenizer *tokenizer, const struct source *source,
                                  struct fault *fault)
{
    const json_t *model = source->model;
    const json_t *limit = json_object_get(model, "max_input_chars_per_word");
    int32_t unknown = vocabulary_find(&tokenizer->vocabulary, json_member_text(model, "unk_token"));
    struct text next;
    TRY(json_text_keep(tokenizer, json_member_text(model, "continuing_subword_prefix"), &next,
                       fault));
    if (unknown < 0)
        return fault_set(fault, STATUS_CORRUPT, "the tokenizer's unk_token is no token");
    json_int_t characters =
        json_is_integer(limit) ? json_integer_value(limit) : WORD_LIMIT_CHARACTERS;
    tokenizer->model = MODEL_WORDPIECE;
    wordpiece_init(&tokenizer->wordpiece, &tokenizer->vocabulary, TEXT(""), next,
                   characters > 0 ? (size_t)characters : 0, unknown);
    return OK;
}

static enum status read_unigram(struct tokenizer *tokenizer, const struct source *source,
                                const float *scores, struct fault *fault)
{
    const json_t *unknown = json_object_get(source->model, "unk_id");
    json_int_t id = json_is_integer(unknown) ? json_integer_value(unknown) : -1;
    if (!scores || id < 0 || id >= (json_int_t)tokenizer->vocabulary.count)
        return fault_set(fault, STATUS_CORRUPT, "the tokenizer's unk_id is no token");
    tokenizer->model = MODEL_UNIGRAM;
    return unigram_init(&tokenizer->unigram, &tokenizer->vocabulary, scores, (int32_t)id,
                        json_member_bool(source->model, "byte_fallback", false), fault);
}

static enum status read_model(struct tokenizer *tokenizer, const struct source *source,
                              struct text type, const float *scores, struct fault *fault)
{
    if (tokenizer->pretokenizer.is_byte_level && !text_equal(type, TEXT("BPE")))
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "a ByteLevel pre-tokenizer is only supported with the model BPE");
    if (text_equal(type, TEXT("BPE"))) return read_bpe(tokenizer, source, fault);
    if (text_equal(type, TEXT("WordPiece"))) return read_wordpiece(tokenizer, source, fault);
    if (text_equal(type, TEXT("Unigram"))) return read_unigram(tokenizer, source, scores, fault);
    return fault_set(
        fault, STATUS_UNSUPPORTED,
        "the tokenizer model \"%.*s\" is not supported; BPE, WordPiece and Unigram are",
        TEXT_FORMAT(text_slice(type, 0, 64)));
}

/* ---- special tokens around a text ---- */

struct template_ids {
    int32_t before[TEMPLATE_LIMIT], behind[TEMPLATE_LIMIT];
    size_t before_count, behind_count;
};

static enum status template_add(const struct tokenizer *tokenizer, struct template_ids *ids,
                                struct text token, bool is_behind, struct fault *fault)
{
    int32_t id = tokenizer_find(tokenizer, token);
    size_t *count = is_behind ? &ids->behind_count : &ids->before_count;
    if (id < 0 || *count == TEMPLATE_LIMIT)
        return fault_set(fault, STATUS_CORRUPT,
                         "the post-processor's special token \"%.*s\" is no token, or one too many",
                         TEXT_FORMAT(text_slice(token, 0, 64)));
    (is_behind ? ids->behind : ids->before)[(*count)++] = id;
    return OK;
}

/* "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}, ...] */
static enum status read_template(const struct tokenizer *tokenizer, const json_t *processor,
                                 struct template_ids *ids, struct fault *fault)
{
    const json_t *parts = json_object_get(processor, "single");
    bool is_behind = false;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const json_t *special = json_object_get(part, "SpecialToken");
        if (special)
            TRY(template_add(tokenizer, ids, json_member_text(special, "id"), is_behind, fault));
        else
            is_behind = true;
    }
    return OK;
}

/* "cls": ["[CLS]", 101], "sep": ["[SEP]", 102] */
static enum status read_cls_sep(const struct tokenizer *tokenizer, const json_t *processor,
                                struct template_ids *ids, struct fault *fault)
{
    const json_t *class = json_array_get(json_object_get(processor, "cls"), 0);
    const json_t *separator = json_array_get(json_object_get(processor, "sep"), 0);
    TRY(template_add(tokenizer, ids, text_of(json_string_value(class)), false, fault));
    return template_add(tokenizer, ids, text_of(json_string_value(separator)), true, fault);
}

static enum status read_processor(const struct tokenizer *tokenizer, const json_t *processor,
                                  struct template_ids *ids, struct fault *fault)
{
    struct text type = json_member_text(processor, "type");
    if (text_equal(type, TEXT("TemplateProcessing")))
        return read_template(tokenizer, processor, ids, fault);
    if (text_equal(type, TEXT("BertProcessing")) || text_equal(type, TEXT("RobertaProcessing")))
        return read_cls_sep(tokenizer, processor, ids, fault);
    if (text_equal(type, TEXT("ByteLevel"))) return OK; /* changes offsets, not ids */
    return fault_set(fault, STATUS_UNSUPPORTED, "the post-processor \"%.*s\" is not supported",
                     TEXT_FORMAT(text_slice(type, 0, 64)));
}

static enum status read_processors(const struct tokenizer *tokenizer, const json_t *processor,
                                   struct template_ids *ids, struct fault *fault)
{
    if (!processor || json_is_null(processor)) return OK;
    const json_t *list = json_object_get(processor, "processors");
    if (!text_equal(json_member_text(processor, "type"), TEXT("Sequence")))
        return read_processor(tokenizer, processor, ids, fault);
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(read_processor(tokenizer, json_array_get(list, i), ids, fault));
    return OK;
}

/* "bos_token": "<s>" or {"content": "<s>", ...}; the id, or -1. */
static int32_t config_token(const struct tokenizer *tokenizer, const json_t *config,
                            const char *key)
{
    struct text t = json_member_text(config, key);
    if (t.length == 0) t = json_member_text(json_object_get(config, key), "content");
    return tokenizer_find(tokenizer, t);
}

static bool holds(const struct id_list *list, int32_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->ids[i] == id) return true;
    return false;
}

/* The post-processor decides what is added; the configuration names bos and eos. Without one, the
 * first token in front is bos and the last one behind is eos. */
static enum status read_special(struct tokenizer *tokenizer, const struct source *source,
                                struct fault *fault)
{
    struct template_ids ids = {.before_count = 0};
    const json_t *config = source->config;
    tokenizer->bos = config_token(tokenizer, config, "bos_token");
    tokenizer->eos = config_token(tokenizer, config, "eos_token");
    TRY(read_processors(tokenizer, json_object_get(source->root, "post_processor"), &ids, fault));
    if (tokenizer->bos < 0 && ids.before_count) tokenizer->bos = ids.before[0];
    if (tokenizer->eos < 0 && ids.behind_count) tokenizer->eos = ids.behind[ids.behind_count - 1];
    TRY(id_list_set(&tokenizer->prefix, ids.before, ids.before_count, tokenizer, fault));
    TRY(id_list_set(&tokenizer->suffix, ids.behind, ids.behind_count, tokenizer, fault));
    tokenizer->adds_bos = tokenizer->bos >= 0 && holds(&tokenizer->prefix, tokenizer->bos);
    tokenizer->adds_eos = tokenizer->eos >= 0 && holds(&tokenizer->suffix, tokenizer->eos);
    return OK;
}

/* ---- the whole ---- */

static bool decodes_byte_tokens(const json_t *decoder)
{
    const json_t *list = json_object_get(decoder, "decoders");
    bool found = text_equal(json_member_text(decoder, "type"), TEXT("ByteFallback"));
    for (size_t i = 0; i < json_array_size(list); i++)
        found |=
            text_equal(json_member_text(json_array_get(list, i), "type"), TEXT("ByteFallback"));
    return found;
}

/* Older files leave the model's type out: its members tell. */
static struct text model_type(const json_t *model)
{
    struct text type = json_member_text(model, "type");
    if (type.length) return type;
    if (json_object_get(model, "merges")) return TEXT("BPE");
    return json_object_get(model, "unk_id") ? TEXT("Unigram") : TEXT("WordPiece");
}

static enum status read_all(struct tokenizer *tokenizer, struct source *source, struct fault *fault)
{
    float *scores = NULL;
    const json_t *root = source->root, *decoder = json_object_get(root, "decoder");
    source->model = json_object_get(root, "model");
    source->added = json_object_get(root, "added_tokens");
    source->has_byte_tokens = decodes_byte_tokens(decoder);
    if (!json_is_object(source->model))
        return fault_set(fault, STATUS_CORRUPT, "the tokenizer has no model");
    TRY(read_vocabulary(tokenizer, source, &scores, fault));
    TRY(read_added(tokenizer, source, fault));
    TRY(json_read_normalizer(tokenizer, json_object_get(root, "normalizer"), fault));
    TRY(json_read_pretokenizer(tokenizer, json_object_get(root, "pre_tokenizer"), fault));
    TRY(read_model(tokenizer, source, model_type(source->model), scores, fault));
    TRY(json_read_decoder(tokenizer, decoder, fault));
    TRY(read_special(tokenizer, source, fault));
    return tokenizer_finish(tokenizer, fault);
}

static enum status parse(struct text text, bool is_config, json_t **out, struct fault *fault)
{
    const char *what = is_config ? "tokenizer_config.json" : "tokenizer.json";
    /* Integers as reals would lose ids; a configuration has none, but limits beyond 64 bits. */
    size_t numbers = is_config ? JSON_DECODE_INT_AS_REAL : 0;
    json_error_t error;
    *out = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | numbers,
                      &error);
    if (json_is_object(*out)) return OK;
    if (*out) return fault_set(fault, STATUS_CORRUPT, "%s is not a JSON object", what);
    /* Jansson keeps silent when memory runs out. */
    if (error.text[0] == '\0' || json_error_code(&error) == json_error_out_of_memory)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to read %s", what);
    return fault_set(fault, STATUS_CORRUPT, "%s: %s (line %d)", what, error.text, error.line);
}

enum status tokenizer_from_json(struct tokenizer **tokenizer, struct text json, struct text config,
                                struct fault *fault)
{
    enum status status;
    struct tokenizer *fresh = NULL;
    json_t *root = NULL, *settings = NULL;
    TRY_DONE(parse(json, false, &root, fault));
    if (config.length) TRY_DONE(parse(config, true, &settings, fault));
    TRY_DONE(tokenizer_new(&fresh, fault));
    struct source source = {.root = root, .config = settings};
    TRY_DONE(read_all(fresh, &source, fault));
done:
    json_decref(root);
    json_decref(settings);
    if (status == OK)
        *tokenizer = fresh;
    else
        tokenizer_free(fresh);
    return status;
}
