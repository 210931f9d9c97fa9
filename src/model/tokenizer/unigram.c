/* unigram.c - see unigram.h. */
#include "model/tokenizer/unigram.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/tokenizer.h"

/* SentencePiece: how much worse than the worst token an unknown character is. */
static const float UNKNOWN_PENALTY = 10.0f;

void unigram_work_deinit(struct unigram_work *work)
{
    free(work->steps);
    *work = (struct unigram_work){0};
}

enum status unigram_init(struct unigram *unigram, const struct vocabulary *vocabulary,
                         const float *scores, int32_t unknown, bool byte_fallback,
                         struct fault *fault)
{
    float lowest = 0;
    *unigram =
        (struct unigram){.scores = scores, .unknown = unknown, .byte_fallback = byte_fallback};
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        if (!isfinite(scores[id]))
            return fault_set(fault, STATUS_CORRUPT, "the score of token %u is no number", id);
        if (scores[id] < lowest) lowest = scores[id];
        if (vocabulary->texts[id].length > unigram->longest_bytes)
            unigram->longest_bytes = vocabulary->texts[id].length;
    }
    unigram->unknown_score = lowest - UNKNOWN_PENALTY;
    for (unsigned byte = 0; byte < 256; byte++) {
        char name[8];
        int length = snprintf(name, sizeof name, "<0x%02X>", byte);
        unigram->byte_ids[byte] = vocabulary_find(vocabulary, (struct text){name, (size_t)length});
        if (unigram->byte_ids[byte] < 0) unigram->byte_fallback = false;
    }
    return OK;
}

/* Is token `id`, `length` bytes behind position `at`, the best way to where it ends so far? */
static void relax(struct unigram_step *steps, size_t at, size_t length, int32_t id, float score)
{
    struct unigram_step *end = &steps[at + length];
    float total = steps[at].score + score;
    if (end->length == 0 || total > end->score)
        *end = (struct unigram_step){total, (uint32_t)length, id};
}

static void search(const struct unigram *unigram, const struct vocabulary *vocabulary,
                   struct text word, struct unigram_step *steps)
{
    memset(steps, 0, (word.length + 1) * sizeof *steps);
    for (size_t at = 0; at < word.length;) {
        uint32_t codepoint;
        size_t character = utf8_decode(word.data + at, word.length - at, &codepoint);
        if (character == 0) character = 1;
        bool covers_character = false;
        size_t most = word.length - at;
        if (most > unigram->longest_bytes) most = unigram->longest_bytes;
        for (size_t length = character; length <= most; length++) {
            if (at + length < word.length && ((unsigned char)word.data[at + length] & 0xC0) == 0x80)
                continue;
            int32_t id = vocabulary_find(vocabulary, text_slice(word, at, at + length));
            if (id < 0 || id == unigram->unknown || !vocabulary_is_plain(vocabulary, (uint32_t)id))
                continue;
            relax(steps, at, length, id, unigram->scores[id]);
            covers_character |= length == character;
        }
        if (!covers_character)
            relax(steps, at, character, unigram->unknown, unigram->unknown_score);
        at += character;
    }
}

static enum status emit_unknown(const struct unigram *unigram, struct text source,
                                struct token_list *out, struct fault *fault)
{
    if (!unigram->byte_fallback) return token_list_add(out, unigram->unknown, fault);
    for (size_t i = 0; i < source.length; i++)
        TRY(token_list_add(out, unigram->byte_ids[(unsigned char)source.data[i]], fault));
    return OK;
}

enum status unigram_encode(const struct unigram *unigram, const struct vocabulary *vocabulary,
                           struct text word, struct unigram_work *work, struct token_list *out,
                           struct fault *fault)
{
    if (work->capacity < word.length + 1) {
        size_t capacity = word.length + 1;
        struct unigram_step *steps = realloc(work->steps, capacity * sizeof *steps);
        if (!steps) return fault_set(fault, STATUS_NO_MEMORY, "no memory to cut a word");
        work->steps = steps;
        work->capacity = capacity;
    }
    struct unigram_step *steps = work->steps;
    search(unigram, vocabulary, word, steps);
    /* The steps lead back from the end: turn the lengths round to walk them from the front. */
    uint32_t length = 0;
    for (size_t at = word.length; at > 0;) {
        uint32_t last = steps[at].length;
        steps[at].length = length;
        at -= last;
        length = last;
    }
    steps[0].length = length;
    size_t unknown_from = 0;
    for (size_t at = 0; at < word.length;) {
        size_t end = at + steps[at].length;
        bool is_unknown = steps[end].id == unigram->unknown;
        if (!is_unknown) TRY(token_list_add(out, steps[end].id, fault));
        bool run_ends = end == word.length || steps[end + steps[end].length].id != unigram->unknown;
        if (is_unknown && run_ends)
            TRY(emit_unknown(unigram, text_slice(word, unknown_from, end), out, fault));
        if (!is_unknown || run_ends) unknown_from = end;
        at = end;
    }
    return OK;
}
