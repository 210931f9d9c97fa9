/* hf_tokenizer.c - see hf_tokenizer.h.
 *
 * GGUF knows three kinds: "llama" (SentencePiece with scores), "gpt2" (byte-level BPE with merges)
 * and "bert" (WordPiece). A SentencePiece model that was exported as tokenizer.json has lost its
 * scores; but its merges are sorted by them, so ranks serve as well. */
#include "model/file/hf_tokenizer.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "model/file/token_table.h"

enum tokenizer_kind { KIND_SENTENCEPIECE, KIND_BYTE_BPE, KIND_WORDPIECE };

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for the tokenizer");
}

/* ---- which kind ---- */

static enum status find_kind(const json_t *model, enum tokenizer_kind *kind, struct fault *fault)
{
    const char *type = hf_string(model, "type");
    if (type && strcmp(type, "WordPiece") == 0) {
        *kind = KIND_WORDPIECE;
        return OK;
    }
    if (type && strcmp(type, "BPE") == 0) {
        bool bytes = json_is_true(json_object_get(model, "byte_fallback"));
        *kind = bytes ? KIND_SENTENCEPIECE : KIND_BYTE_BPE;
        return OK;
    }
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "tokenizer.json: models of type \"%.40s\" cannot be converted; BPE and "
                     "WordPiece can",
                     type ? type : "");
}

/* The pattern by which a byte-level BPE first cuts text into words has a name in GGUF. */
static const struct {
    const char *pattern, *name;
} pre_tokenizers[] = {
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| "
     "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "llama-bpe"},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
     "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "qwen2"},
};

/* Step `index` of a pre-tokenizer that may be a sequence or a single step. */
static const json_t *pre_tokenizer_step(const json_t *pre_tokenizer, size_t index)
{
    const json_t *steps = json_object_get(pre_tokenizer, "pretokenizers");
    if (steps) return json_array_get(steps, index);
    return index == 0 ? pre_tokenizer : NULL;
}

static enum status find_pre_tokenizer(const json_t *tokenizer, const char **name,
                                      struct fault *fault)
{
    const json_t *pre_tokenizer = json_object_get(tokenizer, "pre_tokenizer");
    bool digits = false;
    const json_t *step;
    for (size_t i = 0; (step = pre_tokenizer_step(pre_tokenizer, i)); i++) {
        const char *type = hf_string(step, "type");
        if (!type) break;
        const char *pattern = hf_string(json_object_get(step, "pattern"), "Regex");
        for (size_t p = 0; pattern && p < ARRAY_COUNT(pre_tokenizers); p++)
            if (strcmp(pattern, pre_tokenizers[p].pattern) == 0) {
                *name = pre_tokenizers[p].name;
                return OK;
            }
        if (strcmp(type, "Digits") == 0) digits = true;
        if (strcmp(type, "ByteLevel") == 0 && !json_is_false(json_object_get(step, "use_regex"))) {
            *name = digits ? "smollm" : "gpt-2";
            return OK;
        }
    }
    return fault_set(
        fault, STATUS_UNSUPPORTED,
        "tokenizer.json: its pre-tokenizer is none of gpt-2, smollm, llama-bpe, qwen2");
}

/* ---- the vocabulary ---- */

static enum status place_token(struct token_table *vocabulary, const json_t *id, struct text token,
                               enum token_type type, struct fault *fault)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) >= (json_int_t)vocabulary->count)
        return fault_set(fault, STATUS_CORRUPT,
                         "tokenizer.json: the id of \"%.40s\" is not below the %" PRIu32
                         " rows of the embedding",
                         token.data, vocabulary->count);
    vocabulary->tokens[json_integer_value(id)] = token;
    vocabulary->types[json_integer_value(id)] = (int32_t)type;
    return OK;
}

/* "<0x0A>" */
static bool is_byte_token(const char *token)
{
    return strlen(token) == 6 && strncmp(token, "<0x", 3) == 0 &&
           isxdigit((unsigned char)token[3]) && isxdigit((unsigned char)token[4]) &&
           token[5] == '>';
}

/* GGUF marks the start of a word where WordPiece marks what continues one. */
static enum status mark_word_start(struct arena *arena, const char *token, struct text *out,
                                   struct fault *fault)
{
    bool continues = strncmp(token, "##", 2) == 0;
    const char *marked = continues ? token + 2 : arena_printf(arena, SPACE_MARK "%s", token);
    if (!marked) return no_memory(fault);
    *out = text_of(marked);
    return OK;
}

static enum status read_tokens(const json_t *model, enum tokenizer_kind kind,
                               struct token_table *vocabulary, struct arena *arena,
                               struct fault *fault)
{
    const char *token;
    json_t *id;
    json_object_foreach(json_object_get(model, "vocab"), token, id)
    {
        struct text text = text_of(token);
        enum token_type type = TOKEN_NORMAL;
        if (kind == KIND_WORDPIECE) TRY(mark_word_start(arena, token, &text, fault));
        if (kind == KIND_SENTENCEPIECE && is_byte_token(token)) type = TOKEN_BYTE;
        TRY(place_token(vocabulary, id, text, type, fault));
    }
    return OK;
}

/* Some packages forget to mark their control tokens as special. */
static bool looks_special(struct text token)
{
    return (text_starts_with(token, TEXT("<|")) && text_ends_with(token, TEXT("|>"))) ||
           (text_starts_with(token, TEXT("<unused")) && text_ends_with(token, TEXT(">"))) ||
           text_equal(token, TEXT("<pad>")) || text_equal(token, TEXT("<mask>")) ||
           text_equal(token, TEXT("[@BOS@]")) || text_equal(token, TEXT("<2mass>"));
}

static enum status read_added_tokens(const struct hf_folder *folder, enum tokenizer_kind kind,
                                     struct token_table *vocabulary, struct arena *arena,
                                     struct fault *fault)
{
    const char *unknown = hf_string(json_object_get(folder->tokenizer, "model"), "unk_token");
    size_t i;
    json_t *added;
    json_array_foreach(json_object_get(folder->tokenizer, "added_tokens"), i, added)
    {
        const char *content = hf_string(added, "content");
        if (!content)
            return fault_set(fault, STATUS_CORRUPT, "tokenizer.json: added token %zu is empty", i);
        struct text token = text_of(content);
        bool special = json_is_true(json_object_get(added, "special")) || looks_special(token);
        enum token_type type = special ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
        if (kind == KIND_SENTENCEPIECE && unknown && strcmp(unknown, content) == 0)
            type = TOKEN_UNKNOWN;
        if (type == TOKEN_USER_DEFINED)
            TRY(token_table_replace(arena, token, TEXT(SPACE_MARK), TEXT(" "), &token, fault));
        TRY(place_token(vocabulary, json_object_get(added, "id"), token, type, fault));
    }
    return OK;
}

static enum status fill_holes(struct token_table *vocabulary, struct arena *arena,
                              struct fault *fault)
{
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        if (vocabulary->types[id]) continue;
        const char *name = arena_printf(arena, "[PAD%" PRIu32 "]", id);
        if (!name) return no_memory(fault);
        vocabulary->tokens[id] = text_of(name);
        vocabulary->types[id] = TOKEN_UNUSED;
    }
    return OK;
}

/* ---- merges ---- */

/* Both forms: "a b", and since 2024 ["a", "b"]. */
static bool merge_parts(const json_t *merge, struct text *left, struct text *right)
{
    if (json_is_array(merge)) {
        *left = text_of(json_string_value(json_array_get(merge, 0)));
        *right = text_of(json_string_value(json_array_get(merge, 1)));
    } else {
        struct text whole = text_of(json_string_value(merge));
        size_t space = text_find(whole, TEXT(" "));
        if (space == SIZE_MAX) return false;
        *left = text_slice(whole, 0, space);
        *right = text_slice(whole, space + 1, whole.length);
    }
    return left->length && right->length;
}

static enum status bad_merge(struct fault *fault, size_t index)
{
    return fault_set(fault, STATUS_CORRUPT, "tokenizer.json: merge %zu is no pair", index);
}

static enum status add_merges(const json_t *model, struct gguf_writer *writer, struct arena *arena,
                              struct fault *fault)
{
    const json_t *merges = json_object_get(model, "merges");
    size_t count = json_array_size(merges);
    struct text *lines = arena_alloc_array(arena, count, sizeof *lines);
    if (!lines) return no_memory(fault);
    for (size_t i = 0; i < count; i++) {
        struct text left, right;
        if (!merge_parts(json_array_get(merges, i), &left, &right)) return bad_merge(fault, i);
        const char *line = arena_printf(arena, "%.*s %.*s", TEXT_FORMAT(left), TEXT_FORMAT(right));
        if (!line) return no_memory(fault);
        lines[i] = text_of(line);
    }
    gguf_writer_add_strings(writer, "tokenizer.ggml.merges", lines, count);
    return OK;
}

/* The score of a token is minus the rank of the first merge that makes it; what no merge makes
 * (single characters) comes last. */
static enum status score_by_merges(const json_t *model, struct token_table *vocabulary,
                                   struct arena *arena, struct fault *fault)
{
    const json_t *vocab = json_object_get(model, "vocab");
    const json_t *merges = json_object_get(model, "merges");
    size_t count = json_array_size(merges);
    for (uint32_t id = 0; id < vocabulary->count; id++)
        vocabulary->scores[id] = vocabulary->types[id] == TOKEN_NORMAL ? -1e6f : 0;
    float score = 0;
    for (size_t i = 0; i < count; i++) {
        struct text left, right;
        if (!merge_parts(json_array_get(merges, i), &left, &right)) return bad_merge(fault, i);
        const char *made = arena_printf(arena, "%.*s%.*s", TEXT_FORMAT(left), TEXT_FORMAT(right));
        if (!made) return no_memory(fault);
        const json_t *id = json_object_get(vocab, made);
        if (!id) return fault_set(fault, STATUS_CORRUPT, "merge %zu makes no token", i);
        float *slot = &vocabulary->scores[json_integer_value(id)];
        if (*slot == -1e6f) *slot = score--;
    }
    return OK;
}

/* ---- special tokens and switches ---- */

static bool find_token(const struct token_table *vocabulary, const char *token, uint32_t *id)
{
    for (*id = 0; *id < vocabulary->count; ++*id)
        if (vocabulary->types[*id] != TOKEN_NORMAL &&
            text_equal(vocabulary->tokens[*id], text_of(token)))
            return true;
    return false;
}

/* "<s>", or {"content": "<s>", ...} */
static const char *named_token(const json_t *config, const char *key)
{
    const json_t *entry = json_object_get(config, key);
    return json_is_object(entry) ? hf_string(entry, "content") : json_string_value(entry);
}

/* The token at the start (or end) of TemplateProcessing's single sequence, or NULL. */
static const char *template_token(const json_t *tokenizer, bool first)
{
    const json_t *processor = json_object_get(tokenizer, "post_processor");
    const json_t *processors = json_object_get(processor, "processors");
    size_t count = processors ? json_array_size(processors) : 1;
    for (size_t i = 0; i < count; i++) {
        const json_t *step = processors ? json_array_get(processors, i) : processor;
        const json_t *single = json_object_get(step, "single");
        size_t length = json_array_size(single);
        if (length < 2) continue;
        const json_t *piece = json_array_get(single, first ? 0 : length - 1);
        return hf_string(json_object_get(piece, "SpecialToken"), "id");
    }
    return NULL;
}

static const struct {
    const char *token_key, *id_key, *gguf;
    const char *wordpiece; /* its usual name, for folders without tokenizer_config.json */
} specials[] = {
    {"bos_token", "bos_token_id", "tokenizer.ggml.bos_token_id", "[CLS]"},
    {"eos_token", "eos_token_id", "tokenizer.ggml.eos_token_id", "[SEP]"},
    {"unk_token", NULL, "tokenizer.ggml.unknown_token_id", "[UNK]"},
    {"sep_token", NULL, "tokenizer.ggml.seperator_token_id", "[SEP]"}, /* spelt so in the format */
    {"pad_token", "pad_token_id", "tokenizer.ggml.padding_token_id", "[PAD]"},
    {"cls_token", NULL, "tokenizer.ggml.cls_token_id", "[CLS]"},
    {"mask_token", NULL, "tokenizer.ggml.mask_token_id", "[MASK]"},
};

/* config.json has an id, or a list of them of which the first is the main one. */
static bool listed_id(const json_t *config, const char *key, uint32_t count, uint32_t *id)
{
    const json_t *entry = key ? json_object_get(config, key) : NULL;
    if (json_is_array(entry)) entry = json_array_get(entry, 0);
    if (!json_is_integer(entry) || json_integer_value(entry) < 0 ||
        json_integer_value(entry) >= (json_int_t)count)
        return false;
    *id = (uint32_t)json_integer_value(entry);
    return true;
}

static void add_specials(const struct hf_folder *folder, enum tokenizer_kind kind,
                         const struct token_table *vocabulary, struct gguf_writer *writer)
{
    for (size_t i = 0; i < ARRAY_COUNT(specials); i++) {
        const char *name = named_token(folder->tokenizer_config, specials[i].token_key);
        if (!name && kind == KIND_WORDPIECE) name = specials[i].wordpiece;
        uint32_t id;
        if ((name && find_token(vocabulary, name, &id)) ||
            listed_id(folder->config, specials[i].id_key, vocabulary->count, &id))
            gguf_writer_add_u32(writer, specials[i].gguf, id);
    }
}

/* Does encoding put a token at this end of the text? */
static bool adds_token(const struct hf_folder *folder, const char *key, bool first)
{
    const json_t *setting = json_object_get(folder->tokenizer_config, key);
    if (json_is_boolean(setting)) return json_is_true(setting);
    return template_token(folder->tokenizer, first) != NULL;
}

/* Does a space go in front of the text? Either the normaliser or the pre-tokenizer says so. */
static bool prepends_space(const json_t *tokenizer)
{
    const json_t *normalizer = json_object_get(tokenizer, "normalizer");
    const json_t *steps = json_object_get(normalizer, "normalizers");
    size_t count = steps ? json_array_size(steps) : 1;
    for (size_t i = 0; i < count; i++) {
        const char *type = hf_string(steps ? json_array_get(steps, i) : normalizer, "type");
        if (type && strcmp(type, "Prepend") == 0) return true;
    }
    const char *scheme = hf_string(json_object_get(tokenizer, "pre_tokenizer"), "prepend_scheme");
    return scheme && strcmp(scheme, "never") != 0;
}

/* ---- chat template ---- */

/* One template, or a list of named ones of which "default" is the one for chats. */
static const char *pick_template(const json_t *entry)
{
    if (!json_is_array(entry)) return json_string_value(entry);
    size_t i;
    json_t *named;
    json_array_foreach((json_t *)entry, i, named)
    {
        const char *name = hf_string(named, "name");
        if (name && strcmp(name, "default") == 0) return hf_string(named, "template");
    }
    return NULL;
}

static enum status add_chat_template(const struct hf_folder *folder, struct gguf_writer *writer,
                                     struct fault *fault)
{
    const char *inside = pick_template(json_object_get(folder->tokenizer_config, "chat_template"));
    if (inside) {
        gguf_writer_add_string(writer, "tokenizer.chat_template", text_of(inside));
        return OK;
    }
    struct buffer text;
    buffer_init(&text);
    enum status status = hf_folder_text(folder->path, "chat_template.jinja", &text, fault);
    if (status == OK && text.length)
        gguf_writer_add_string(writer, "tokenizer.chat_template", buffer_text(&text));
    buffer_deinit(&text);
    return status;
}

/* ---- the whole ---- */

static enum status read_vocabulary(const struct hf_folder *folder, enum tokenizer_kind kind,
                                   struct token_table *vocabulary, struct arena *arena,
                                   struct fault *fault)
{
    const json_t *model = json_object_get(folder->tokenizer, "model");
    TRY(read_tokens(model, kind, vocabulary, arena, fault));
    TRY(read_added_tokens(folder, kind, vocabulary, arena, fault));
    TRY(fill_holes(vocabulary, arena, fault));
    if (kind == KIND_SENTENCEPIECE) return score_by_merges(model, vocabulary, arena, fault);
    vocabulary->scores = NULL;
    return OK;
}

static enum status add_kind(const struct hf_folder *folder, enum tokenizer_kind kind,
                            const struct token_table *vocabulary, struct gguf_writer *writer,
                            struct arena *arena, struct fault *fault)
{
    const char *pre_tokenizer = NULL;
    switch (kind) {
    case KIND_SENTENCEPIECE:
        token_table_add_entries(vocabulary, "llama", "default", writer);
        gguf_writer_add_bool(writer, "tokenizer.ggml.add_space_prefix",
                             prepends_space(folder->tokenizer));
        return OK;
    case KIND_WORDPIECE: token_table_add_entries(vocabulary, "bert", "default", writer); return OK;
    case KIND_BYTE_BPE: break;
    }
    TRY(find_pre_tokenizer(folder->tokenizer, &pre_tokenizer, fault));
    token_table_add_entries(vocabulary, "gpt2", pre_tokenizer, writer);
    return add_merges(json_object_get(folder->tokenizer, "model"), writer, arena, fault);
}

enum status hf_tokenizer_add_entries(const struct hf_folder *folder, uint32_t vocabulary_count,
                                     struct gguf_writer *writer, struct arena *arena,
                                     struct fault *fault)
{
    enum tokenizer_kind kind = KIND_SENTENCEPIECE;
    struct token_table vocabulary;
    TRY(find_kind(json_object_get(folder->tokenizer, "model"), &kind, fault));
    TRY(token_table_init(&vocabulary, vocabulary_count, arena, fault));
    TRY(read_vocabulary(folder, kind, &vocabulary, arena, fault));
    TRY(add_kind(folder, kind, &vocabulary, writer, arena, fault));
    add_specials(folder, kind, &vocabulary, writer);
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_bos_token",
                         adds_token(folder, "add_bos_token", true));
    gguf_writer_add_bool(writer, "tokenizer.ggml.add_eos_token",
                         adds_token(folder, "add_eos_token", false));
    return add_chat_template(folder, writer, fault);
}
