/* bpe.c - see bpe.h. */
#include "model/tokenizer/bpe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/tokenizer.h"

static const char MARKER[] = "\xE2\x96\x81"; /* "▁" */
enum { MARKER_BYTES = sizeof MARKER - 1, MARKER_CODEPOINT = 0x2581 };

/* ---- characters ---- */

static struct character *character_slot(const struct bpe *bpe, uint32_t codepoint)
{
    uint32_t mask = bpe->character_capacity - 1, at = (codepoint * 0x9E3779B1u >> 7) & mask;
    while (bpe->characters[at].codepoint && bpe->characters[at].codepoint != codepoint)
        at = (at + 1) & mask;
    return &bpe->characters[at];
}

static uint32_t character_symbol(const struct bpe *bpe, uint32_t codepoint)
{
    if (bpe->character_capacity == 0 || codepoint == 0) return SYMBOL_NONE;
    const struct character *slot = character_slot(bpe, codepoint);
    return slot->codepoint ? slot->symbol : SYMBOL_NONE;
}

static enum status characters_grow(struct bpe *bpe, struct fault *fault)
{
    struct bpe larger = *bpe;
    larger.character_capacity = bpe->character_capacity ? bpe->character_capacity * 2 : 1024;
    larger.characters = calloc(larger.character_capacity, sizeof *larger.characters);
    if (!larger.characters) return fault_set(fault, STATUS_NO_MEMORY, "no memory for characters");
    for (uint32_t i = 0; i < bpe->character_capacity; i++)
        if (bpe->characters[i].codepoint)
            *character_slot(&larger, bpe->characters[i].codepoint) = bpe->characters[i];
    free(bpe->characters);
    *bpe = larger;
    return OK;
}

/* U+0000 marks free slots; it is always written as a byte token. */
static enum status character_set(struct bpe *bpe, uint32_t codepoint, uint32_t symbol,
                                 struct fault *fault)
{
    if (codepoint == 0) return OK;
    if (bpe->character_count >= bpe->character_capacity / 2) TRY(characters_grow(bpe, fault));
    struct character *slot = character_slot(bpe, codepoint);
    if (!slot->codepoint) bpe->character_count++;
    *slot = (struct character){codepoint, symbol};
    return OK;
}

/* ---- building ---- */

void bpe_deinit(struct bpe *bpe)
{
    merge_table_deinit(&bpe->merges);
    free(bpe->characters);
    bpe->characters = NULL;
}

void bpe_work_deinit(struct bpe_work *work)
{
    merge_work_deinit(&work->merges);
    word_cache_deinit(&work->cache);
}

static void bpe_init(struct bpe *bpe, const struct vocabulary *vocabulary)
{
    *bpe = (struct bpe){
        .symbol_count = vocabulary->count, .token_count = vocabulary->count, .unknown = -1};
    for (size_t byte = 0; byte < 256; byte++) bpe->byte_symbols[byte] = SYMBOL_NONE;
}

enum status bpe_init_bytes(struct bpe *bpe, const struct vocabulary *vocabulary,
                           struct fault *fault)
{
    bpe_init(bpe, vocabulary);
    bpe->is_byte_level = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        char letter[4];
        size_t length = byte_alphabet_letter((unsigned char)byte, letter);
        int32_t id = vocabulary_find(vocabulary, (struct text){letter, length});
        if (id < 0)
            return fault_set(fault, STATUS_CORRUPT,
                             "the byte-level vocabulary has no token for byte 0x%02X", byte);
        bpe->byte_symbols[byte] = (uint32_t)id;
    }
    return OK;
}

enum status bpe_init_characters(struct bpe *bpe, const struct vocabulary *vocabulary,
                                bool byte_fallback, struct fault *fault)
{
    bpe_init(bpe, vocabulary);
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        struct text t = vocabulary->texts[id];
        uint32_t codepoint;
        if (vocabulary_is_plain(vocabulary, id) &&
            utf8_decode(t.data, t.length, &codepoint) == t.length)
            TRY(character_set(bpe, codepoint, id, fault));
    }
    for (unsigned byte = 0; byte_fallback && byte < 256; byte++) {
        char name[8];
        int length = snprintf(name, sizeof name, "<0x%02X>", byte);
        int32_t id = vocabulary_find(vocabulary, (struct text){name, (size_t)length});
        if (id >= 0) bpe->byte_symbols[byte] = (uint32_t)id;
    }
    return OK;
}

enum status bpe_add_merge(struct bpe *bpe, const struct vocabulary *vocabulary, struct text left,
                          struct text right, uint32_t rank, struct fault *fault)
{
    char joined[2 * VOCABULARY_TOKEN_BYTES];
    int32_t left_id = vocabulary_find(vocabulary, left);
    int32_t right_id = vocabulary_find(vocabulary, right);
    int32_t result = -1;
    if (left_id >= 0 && right_id >= 0) {
        memcpy(joined, left.data, left.length);
        memcpy(joined + left.length, right.data, right.length);
        result = vocabulary_find(vocabulary, (struct text){joined, left.length + right.length});
    }
    if (result < 0)
        return fault_set(
            fault, STATUS_CORRUPT, "merge %u (\"%.*s\" and \"%.*s\") names what is no token", rank,
            TEXT_FORMAT(text_slice(left, 0, 64)), TEXT_FORMAT(text_slice(right, 0, 64)));
    struct merge merge = {(uint32_t)left_id, (uint32_t)right_id, rank, (uint32_t)result};
    return merge_table_add(&bpe->merges, merge, fault);
}

/* Floats to integers in the opposite order. */
static uint32_t rank_of_score(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits & 0x80000000u ? bits : ~(bits | 0x80000000u);
}

/* The symbol of a token's part: a single character, or a token of its own. */
static uint32_t symbol_of_part(const struct bpe *bpe, const struct vocabulary *vocabulary,
                               struct text part)
{
    uint32_t codepoint;
    if (utf8_decode(part.data, part.length, &codepoint) == part.length)
        return character_symbol(bpe, codepoint);
    int32_t id = vocabulary_find(vocabulary, part);
    return id >= 0 && vocabulary_is_plain(vocabulary, (uint32_t)id) ? (uint32_t)id : SYMBOL_NONE;
}

/* Every way to put the token together from two parts is a merge. */
static enum status add_splits(struct bpe *bpe, const struct vocabulary *vocabulary, uint32_t id,
                              uint32_t rank, struct fault *fault)
{
    struct text t = vocabulary->texts[id];
    uint32_t codepoint;
    size_t at = utf8_decode(t.data, t.length, &codepoint);
    for (; at < t.length; at += utf8_decode(t.data + at, t.length - at, &codepoint)) {
        uint32_t left = symbol_of_part(bpe, vocabulary, text_slice(t, 0, at));
        if (left == SYMBOL_NONE) continue;
        uint32_t right = symbol_of_part(bpe, vocabulary, text_slice(t, at, t.length));
        if (right == SYMBOL_NONE) continue;
        TRY(merge_table_add(&bpe->merges, (struct merge){left, right, rank, id}, fault));
    }
    return OK;
}

/* A character that occurs in tokens without being one still takes part in merges. */
static enum status add_inner_characters(struct bpe *bpe, struct text t, struct fault *fault)
{
    uint32_t codepoint;
    for (size_t at = 0; at < t.length; at += utf8_decode(t.data + at, t.length - at, &codepoint)) {
        utf8_decode(t.data + at, t.length - at, &codepoint);
        if (character_symbol(bpe, codepoint) == SYMBOL_NONE)
            TRY(character_set(bpe, codepoint, bpe->symbol_count++, fault));
    }
    return OK;
}

enum status bpe_add_scores(struct bpe *bpe, const struct vocabulary *vocabulary,
                           const float *scores, struct fault *fault)
{
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        if (isnan(scores[id]))
            return fault_set(fault, STATUS_CORRUPT, "the score of token %u is no number", id);
        if (vocabulary_is_plain(vocabulary, id) && utf8_valid(vocabulary->texts[id]))
            TRY(add_inner_characters(bpe, vocabulary->texts[id], fault));
    }
    for (uint32_t id = 0; id < vocabulary->count; id++)
        if (vocabulary_is_plain(vocabulary, id) && utf8_valid(vocabulary->texts[id]))
            TRY(add_splits(bpe, vocabulary, id, rank_of_score(scores[id]), fault));
    return OK;
}

void bpe_finish(struct bpe *bpe, const struct vocabulary *vocabulary)
{
    bpe->cuts_at_marker = character_symbol(bpe, MARKER_CODEPOINT) < bpe->token_count;
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        struct text t = vocabulary->texts[id];
        for (size_t at = 1; at + MARKER_BYTES <= t.length; at++)
            if (memcmp(t.data + at, MARKER, MARKER_BYTES) == 0)
                bpe->joins_marker[(unsigned char)t.data[at - 1]] = true;
    }
}

/* ---- encoding ---- */

static bool has_byte_tokens(const struct bpe *bpe, struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        if (bpe->byte_symbols[(unsigned char)t.data[i]] == SYMBOL_NONE) return false;
    return true;
}

static enum status emit_bytes(const struct bpe *bpe, struct text t, struct token_list *out,
                              struct fault *fault)
{
    for (size_t i = 0; i < t.length; i++)
        TRY(token_list_add(out, (int32_t)bpe->byte_symbols[(unsigned char)t.data[i]], fault));
    return OK;
}

/* Append the ids of the merged symbols of `word`. */
static enum status emit_symbols(const struct bpe *bpe, struct text word,
                                const struct symbol *symbols, size_t count, struct token_list *out,
                                struct fault *fault)
{
    bool after_unknown = false;
    for (size_t i = 0; i < count; i++) {
        if (symbols[i].id < bpe->token_count) {
            TRY(token_list_add(out, (int32_t)symbols[i].id, fault));
            after_unknown = false;
            continue;
        }
        size_t end = i + 1 < count ? symbols[i + 1].start : word.length;
        struct text source = text_slice(word, symbols[i].start, end);
        if (has_byte_tokens(bpe, source)) {
            TRY(emit_bytes(bpe, source, out, fault));
            after_unknown = false;
        } else if (bpe->unknown < 0) {
            return fault_set(fault, STATUS_INVALID,
                             "the vocabulary has neither a token for \"%.*s\" nor one for unknown "
                             "characters",
                             TEXT_FORMAT(source));
        } else if (!after_unknown || !bpe->fuse_unknown) {
            TRY(token_list_add(out, bpe->unknown, fault));
            after_unknown = true;
        }
    }
    return OK;
}

static size_t split_bytes(const struct bpe *bpe, struct text word, struct symbol *symbols)
{
    for (size_t i = 0; i < word.length; i++)
        symbols[i] = (struct symbol){bpe->byte_symbols[(unsigned char)word.data[i]], (uint32_t)i};
    return word.length;
}

/* An invalid byte is a symbol that merges with nothing. */
static size_t split_characters(const struct bpe *bpe, struct text word, struct symbol *symbols)
{
    size_t count = 0;
    for (size_t at = 0; at < word.length;) {
        uint32_t codepoint;
        size_t length = utf8_decode(word.data + at, word.length - at, &codepoint);
        uint32_t id = length ? character_symbol(bpe, codepoint) : SYMBOL_NONE;
        symbols[count++] = (struct symbol){id, (uint32_t)at};
        at += length ? length : 1;
    }
    return count;
}

static enum status encode_part(const struct bpe *bpe, struct text part, struct bpe_work *work,
                               struct token_list *out, struct fault *fault)
{
    const struct cached_word *known = word_cache_find(&work->cache, part);
    if (known) {
        for (size_t i = 0; i < known->count; i++) TRY(token_list_add(out, known->ids[i], fault));
        return OK;
    }
    size_t before = out->count;
    TRY(merge_work_reserve(&work->merges, part.length, fault));
    struct symbol *symbols = work->merges.symbols;
    size_t count =
        bpe->is_byte_level ? split_bytes(bpe, part, symbols) : split_characters(bpe, part, symbols);
    TRY(merge_symbols(&bpe->merges, &work->merges, &count, fault));
    TRY(emit_symbols(bpe, part, symbols, count, out, fault));
    if (out->count > before)
        word_cache_put(&work->cache, part, out->ids + before, out->count - before);
    return OK;
}

/* The end of the longest prefix of `word` after which no token can straddle: before a "▁" whose
 * preceding byte never precedes one inside a token. Cutting there changes no result and turns the
 * whole text that SentencePiece calls one word into short ones. */
static size_t next_cut(const struct bpe *bpe, struct text word)
{
    for (size_t at = 1; bpe->cuts_at_marker && at + MARKER_BYTES <= word.length; at++) {
        const char *hit = memchr(word.data + at, MARKER[0], word.length - at);
        if (!hit) break;
        at = (size_t)(hit - word.data);
        if (at + MARKER_BYTES <= word.length && memcmp(hit, MARKER, MARKER_BYTES) == 0 &&
            !bpe->joins_marker[(unsigned char)hit[-1]])
            return at;
    }
    return word.length;
}

/* The token that is the whole word, or -1. */
static int32_t find_whole_word(const struct bpe *bpe, const struct vocabulary *vocabulary,
                               struct text word)
{
    char letters[2 * VOCABULARY_TOKEN_BYTES + 4];
    if (!bpe->is_byte_level) return vocabulary_find(vocabulary, word);
    if (word.length > VOCABULARY_TOKEN_BYTES) return -1;
    size_t length = 0;
    for (size_t i = 0; i < word.length; i++)
        length += byte_alphabet_letter((unsigned char)word.data[i], letters + length);
    return vocabulary_find(vocabulary, (struct text){letters, length});
}

enum status bpe_encode(const struct bpe *bpe, const struct vocabulary *vocabulary, struct text word,
                       struct bpe_work *work, struct token_list *out, struct fault *fault)
{
    if (bpe->whole_words) {
        int32_t id = find_whole_word(bpe, vocabulary, word);
        if (id >= 0 && vocabulary_is_plain(vocabulary, (uint32_t)id))
            return token_list_add(out, id, fault);
    }
    if (bpe->is_byte_level) return encode_part(bpe, word, work, out, fault);
    while (word.length > 0) {
        size_t cut = next_cut(bpe, word);
        TRY(encode_part(bpe, text_slice(word, 0, cut), work, out, fault));
        word = text_slice(word, cut, word.length);
    }
    return OK;
}
