/* tokenizer_json_steps.c - the normalizer, pre-tokenizer and decoder of a tokenizer.json.
 *
 * Each of the three is an object with a "type", or a "Sequence" of such. The types and their
 * members are those of Hugging Face's tokenizers library (docs/format-tokenizer.md). */
#include <string.h>

#include "model/tokenizer/pretokenizer_family.h"
#include "model/tokenizer/tokenizer_json.h"

enum { NESTING_LIMIT = 8 };

/* One type of step and the function that reads it. */
struct step_reader {
    const char *type;
    enum status (*read)(struct tokenizer *tokenizer, const json_t *description,
                        struct fault *fault);
};

static enum status refuse_type(const char *what, struct text type, struct fault *fault)
{
    return fault_set(fault, STATUS_UNSUPPORTED, "the %s \"%.*s\" is not supported", what,
                     TEXT_FORMAT(text_slice(type, 0, 64)));
}

/* Read one step, or each of a Sequence, whose list is the member `list`. */
static enum status read_steps(struct tokenizer *tokenizer, const json_t *description,
                              const char *what, const char *list, const struct step_reader *readers,
                              size_t reader_count, unsigned depth, struct fault *fault)
{
    struct text type = json_member_text(description, "type");
    if (depth == NESTING_LIMIT)
        return fault_set(fault, STATUS_UNSUPPORTED, "the %s is nested too deeply", what);
    if (text_equal(type, TEXT("Sequence"))) {
        const json_t *steps = json_object_get(description, list);
        for (size_t i = 0; i < json_array_size(steps); i++)
            TRY(read_steps(tokenizer, json_array_get(steps, i), what, list, readers, reader_count,
                           depth + 1, fault));
        return OK;
    }
    for (size_t i = 0; i < reader_count; i++)
        if (text_equal(type, text_of(readers[i].type)))
            return readers[i].read(tokenizer, description, fault);
    return refuse_type(what, type, fault);
}

/* "pattern": {"String": ...} or {"Regex": ...}. */
static enum status read_pattern(const json_t *description, struct text *pattern, bool *is_literal,
                                struct fault *fault)
{
    const json_t *member = json_object_get(description, "pattern");
    const json_t *literal = json_object_get(member, "String");
    *is_literal = json_is_string(literal);
    *pattern = json_member_text(member, *is_literal ? "String" : "Regex");
    if (pattern->length == 0)
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "a pattern of the tokenizer is neither a String nor a Regex");
    return OK;
}

/* ---- normalizers ---- */

static enum status add_step(struct tokenizer *tokenizer, enum normalizer_kind kind,
                            struct fault *fault)
{
    return normalizer_add(&tokenizer->normalizer, (struct normalizer_step){.kind = kind}, fault);
}

static enum status read_prepend(struct tokenizer *tokenizer, const json_t *description,
                                struct fault *fault)
{
    struct normalizer_step step = {.kind = NORMALIZE_PREPEND};
    TRY(json_text_keep(tokenizer, json_member_text(description, "prepend"), &step.with, fault));
    return normalizer_add(&tokenizer->normalizer, step, fault);
}

static enum status read_replace(struct tokenizer *tokenizer, const json_t *description,
                                struct fault *fault)
{
    struct normalizer_step step = {.kind = NORMALIZE_REPLACE};
    struct text pattern;
    bool is_literal;
    TRY(read_pattern(description, &pattern, &is_literal, fault));
    TRY(json_text_keep(tokenizer, json_member_text(description, "content"), &step.with, fault));
    if (is_literal) {
        TRY(json_text_keep(tokenizer, pattern, &step.what, fault));
        return normalizer_add(&tokenizer->normalizer, step, fault);
    }
    step.kind = NORMALIZE_SUBSTITUTE;
    step.pattern = arena_alloc(&tokenizer->memory, sizeof *step.pattern);
    if (!step.pattern) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a tokenizer");
    TRY(splitter_open(step.pattern, pattern, false, SPLIT_ISOLATED, false, fault));
    return normalizer_add(&tokenizer->normalizer, step, fault);
}

static enum status read_strip(struct tokenizer *tokenizer, const json_t *description,
                              struct fault *fault)
{
    if (json_member_bool(description, "strip_left", true))
        TRY(add_step(tokenizer, NORMALIZE_STRIP_LEFT, fault));
    return json_member_bool(description, "strip_right", true)
               ? add_step(tokenizer, NORMALIZE_STRIP_RIGHT, fault)
               : OK;
}

static enum status read_nfc(struct tokenizer *tokenizer, const json_t *description,
                            struct fault *fault)
{
    return add_step(tokenizer, NORMALIZE_NFC, fault);
}

static enum status read_nfd(struct tokenizer *tokenizer, const json_t *description,
                            struct fault *fault)
{
    return add_step(tokenizer, NORMALIZE_NFD, fault);
}

static enum status read_lowercase(struct tokenizer *tokenizer, const json_t *description,
                                  struct fault *fault)
{
    return add_step(tokenizer, NORMALIZE_LOWERCASE, fault);
}

static enum status read_strip_accents(struct tokenizer *tokenizer, const json_t *description,
                                      struct fault *fault)
{
    return add_step(tokenizer, NORMALIZE_DROP_MARKS, fault);
}

static enum status read_bert_normalizer(struct tokenizer *tokenizer, const json_t *description,
                                        struct fault *fault)
{
    bool lowercase = json_member_bool(description, "lowercase", true);
    return normalizer_add_bert(
        &tokenizer->normalizer, json_member_bool(description, "clean_text", true),
        json_member_bool(description, "handle_chinese_chars", true),
        json_member_bool(description, "strip_accents", lowercase), lowercase, fault);
}

enum status json_read_normalizer(struct tokenizer *tokenizer, const json_t *description,
                                 struct fault *fault)
{
    static const struct step_reader READERS[] = {
        {"Prepend", read_prepend},
        {"Replace", read_replace},
        {"Strip", read_strip},
        {"NFC", read_nfc},
        {"NFD", read_nfd},
        {"Lowercase", read_lowercase},
        {"StripAccents", read_strip_accents},
        {"BertNormalizer", read_bert_normalizer},
    };
    if (!description || json_is_null(description)) return OK;
    return read_steps(tokenizer, description, "normalizer", "normalizers", READERS,
                      ARRAY_COUNT(READERS), 0, fault);
}

/* ---- pre-tokenizers ---- */

static enum status add_split(struct tokenizer *tokenizer, struct text pattern,
                             enum split_behavior behavior, struct fault *fault)
{
    return pretokenizer_add_split(&tokenizer->pretokenizer, pattern, false, behavior, false, fault);
}

static enum status read_behavior(const json_t *description, enum split_behavior *behavior,
                                 struct fault *fault)
{
    static const struct {
        const char *name;
        enum split_behavior behavior;
    } NAMES[] = {
        {"Removed", SPLIT_REMOVED},
        {"Isolated", SPLIT_ISOLATED},
        {"MergedWithPrevious", SPLIT_MERGED_WITH_PREVIOUS},
        {"MergedWithNext", SPLIT_MERGED_WITH_NEXT},
        {"Contiguous", SPLIT_CONTIGUOUS},
    };
    struct text name = json_member_text(description, "behavior");
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        *behavior = NAMES[i].behavior;
        if (text_equal(name, text_of(NAMES[i].name))) return OK;
    }
    return refuse_type("splitting behavior", name, fault);
}

static enum status read_split(struct tokenizer *tokenizer, const json_t *description,
                              struct fault *fault)
{
    struct text pattern;
    bool is_literal;
    enum split_behavior behavior;
    TRY(read_pattern(description, &pattern, &is_literal, fault));
    TRY(read_behavior(description, &behavior, fault));
    return pretokenizer_add_split(&tokenizer->pretokenizer, pattern, is_literal, behavior,
                                  json_member_bool(description, "invert", false), fault);
}

static enum status read_digits(struct tokenizer *tokenizer, const json_t *description,
                               struct fault *fault)
{
    bool individual = json_member_bool(description, "individual_digits", false);
    return add_split(tokenizer, individual ? TEXT("\\p{N}") : TEXT("\\p{N}+"), SPLIT_ISOLATED,
                     fault);
}

static enum status read_punctuation(struct tokenizer *tokenizer, const json_t *description,
                                    struct fault *fault)
{
    enum split_behavior behavior = SPLIT_ISOLATED;
    if (json_object_get(description, "behavior")) TRY(read_behavior(description, &behavior, fault));
    return add_split(tokenizer, TEXT("[!-/:-@\\x5B-`{-~\\p{P}]"), behavior, fault);
}

static enum status read_white_space_split(struct tokenizer *tokenizer, const json_t *description,
                                          struct fault *fault)
{
    return add_split(tokenizer, TEXT("\\s+"), SPLIT_REMOVED, fault);
}

static enum status read_white_space(struct tokenizer *tokenizer, const json_t *description,
                                    struct fault *fault)
{
    return pretokenizer_add_split(&tokenizer->pretokenizer, TEXT("\\w+|[^\\w\\s]+"), false,
                                  SPLIT_REMOVED, true, fault);
}

static enum status read_bert_pretokenizer(struct tokenizer *tokenizer, const json_t *description,
                                          struct fault *fault)
{
    return pretokenizer_add_bert(&tokenizer->pretokenizer, fault);
}

/* When to put the mark in front: "prepend_scheme", or "add_prefix_space" of older files. */
static enum status read_scheme(const json_t *description, enum prefix_scheme *scheme,
                               struct fault *fault)
{
    struct text name = json_member_text(description, "prepend_scheme");
    *scheme = PREFIX_ALWAYS;
    if (name.length == 0 && !json_member_bool(description, "add_prefix_space", true))
        *scheme = PREFIX_NEVER;
    if (name.length == 0 || text_equal(name, TEXT("always"))) return OK;
    *scheme = text_equal(name, TEXT("first")) ? PREFIX_FIRST : PREFIX_NEVER;
    if (*scheme == PREFIX_FIRST || text_equal(name, TEXT("never"))) return OK;
    return refuse_type("prepend scheme", name, fault);
}

static enum status read_metaspace(struct tokenizer *tokenizer, const json_t *description,
                                  struct fault *fault)
{
    struct stage stage = {.kind = STAGE_PREFIX};
    TRY(read_scheme(description, &stage.scheme, fault));
    TRY(json_text_keep(tokenizer, json_member_text(description, "replacement"), &stage.space,
                       fault));
    if (!text_equal(stage.space, TEXT("▁")))
        return refuse_type("Metaspace replacement", stage.space, fault);
    TRY(pretokenizer_add_take(&tokenizer->pretokenizer, stage, fault));
    if (!json_member_bool(description, "split", true)) return OK;
    return pretokenizer_add_split(&tokenizer->pretokenizer, stage.space, true,
                                  SPLIT_MERGED_WITH_NEXT, false, fault);
}

/* The alphabet itself is the model's business: here are only the space in front and the words. */
static enum status read_byte_level(struct tokenizer *tokenizer, const json_t *description,
                                   struct fault *fault)
{
    struct stage prefix = {.kind = STAGE_PREFIX, .space = TEXT(" "), .scheme = PREFIX_ALWAYS};
    const struct pretokenizer_family *gpt2;
    if (tokenizer->pretokenizer.is_byte_level)
        return fault_set(fault, STATUS_UNSUPPORTED, "ByteLevel behind ByteLevel is not supported");
    if (json_member_bool(description, "add_prefix_space", true))
        TRY(pretokenizer_add_take(&tokenizer->pretokenizer, prefix, fault));
    TRY(pretokenizer_family_find(TEXT("gpt-2"), &gpt2, fault));
    if (json_member_bool(description, "use_regex", true))
        TRY(add_split(tokenizer, text_of(gpt2->patterns[0]), SPLIT_ISOLATED, fault));
    tokenizer->pretokenizer.is_byte_level = true;
    return OK;
}

enum status json_read_pretokenizer(struct tokenizer *tokenizer, const json_t *description,
                                   struct fault *fault)
{
    static const struct step_reader READERS[] = {
        {"Split", read_split},
        {"ByteLevel", read_byte_level},
        {"Metaspace", read_metaspace},
        {"Digits", read_digits},
        {"Punctuation", read_punctuation},
        {"Whitespace", read_white_space},
        {"WhitespaceSplit", read_white_space_split},
        {"BertPreTokenizer", read_bert_pretokenizer},
    };
    if (!description || json_is_null(description)) return OK;
    return read_steps(tokenizer, description, "pre-tokenizer", "pretokenizers", READERS,
                      ARRAY_COUNT(READERS), 0, fault);
}

/* ---- decoders ---- */

static enum status read_alphabet_decoder(struct tokenizer *tokenizer, const json_t *description,
                                         struct fault *fault)
{
    tokenizer->decoder.kind = DECODER_ALPHABET;
    return OK;
}

static enum status read_wordpiece_decoder(struct tokenizer *tokenizer, const json_t *description,
                                          struct fault *fault)
{
    tokenizer->decoder.kind = DECODER_WORDPIECE;
    tokenizer->decoder.cleans_up = json_member_bool(description, "cleanup", true);
    if (text_equal(json_member_text(description, "prefix"), tokenizer->wordpiece.next)) return OK;
    return refuse_type("WordPiece decoder's prefix", json_member_text(description, "prefix"),
                       fault);
}

static enum status read_metaspace_decoder(struct tokenizer *tokenizer, const json_t *description,
                                          struct fault *fault)
{
    enum prefix_scheme scheme;
    TRY(read_scheme(description, &scheme, fault));
    tokenizer->decoder.kind = DECODER_MARKER;
    tokenizer->decoder.drops_first_space = scheme != PREFIX_NEVER;
    if (text_equal(json_member_text(description, "replacement"), TEXT("▁"))) return OK;
    return refuse_type("Metaspace replacement", json_member_text(description, "replacement"),
                       fault);
}

static enum status read_replace_decoder(struct tokenizer *tokenizer, const json_t *description,
                                        struct fault *fault)
{
    struct text pattern, content = json_member_text(description, "content");
    bool is_literal;
    TRY(read_pattern(description, &pattern, &is_literal, fault));
    tokenizer->decoder.kind = DECODER_MARKER;
    if (is_literal && text_equal(pattern, TEXT("▁")) && text_equal(content, TEXT(" "))) return OK;
    return refuse_type("decoder's replacement of", pattern, fault);
}

static enum status read_strip_decoder(struct tokenizer *tokenizer, const json_t *description,
                                      struct fault *fault)
{
    const json_t *start = json_object_get(description, "start");
    const json_t *stop = json_object_get(description, "stop");
    tokenizer->decoder.drops_first_space = true;
    if (tokenizer->decoder.is_fused &&
        text_equal(json_member_text(description, "content"), TEXT(" ")) &&
        json_integer_value(start) == 1 && json_integer_value(stop) == 0)
        return OK;
    return fault_set(
        fault, STATUS_UNSUPPORTED,
        "a Strip decoder that takes anything but one space in front of the whole text is "
        "not supported");
}

/* Pieces are joined in any case; but what follows is meant for the whole text. */
static enum status read_fuse_decoder(struct tokenizer *tokenizer, const json_t *description,
                                     struct fault *fault)
{
    tokenizer->decoder.is_fused = true;
    return OK;
}

/* Byte tokens are decoded as such wherever they are. */
static enum status read_byte_fallback_decoder(struct tokenizer *tokenizer,
                                              const json_t *description, struct fault *fault)
{
    return OK;
}

enum status json_read_decoder(struct tokenizer *tokenizer, const json_t *description,
                              struct fault *fault)
{
    static const struct step_reader READERS[] = {
        {"ByteLevel", read_alphabet_decoder},  {"WordPiece", read_wordpiece_decoder},
        {"Metaspace", read_metaspace_decoder}, {"Replace", read_replace_decoder},
        {"Strip", read_strip_decoder},         {"ByteFallback", read_byte_fallback_decoder},
        {"Fuse", read_fuse_decoder},
    };
    if (!description || json_is_null(description))
        return fault_set(fault, STATUS_UNSUPPORTED, "a tokenizer without decoder is not supported");
    return read_steps(tokenizer, description, "decoder", "decoders", READERS, ARRAY_COUNT(READERS),
                      0, fault);
}
