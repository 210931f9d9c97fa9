/* merges.h - byte-pair merging: which two neighbouring symbols become one, and in which order.
 *
 * A symbol is a number; what it stands for is bpe.c's business. Merging follows the rule common to
 * SentencePiece and Hugging Face: of all neighbouring pairs that have a rank the lowest rank goes
 * first, the leftmost among equals (Sennrich et al. 2016, "Neural Machine Translation of Rare Words
 * with Subword Units"). O(n log n) in the symbols of a word. */
#ifndef LIMINAL_MODEL_TOKENIZER_MERGES_H
#define LIMINAL_MODEL_TOKENIZER_MERGES_H

#include "base/status.h"
#include "base/text.h"

enum { SYMBOL_NONE = 0xFFFFFFFFu }; /* a character in no token: merges with nothing */

struct symbol {
    uint32_t id;
    uint32_t start; /* byte offset in the word; it ends where the next one starts */
};

struct merge {
    uint32_t left, right;
    uint32_t rank;
    uint32_t result;
};

/* All merges, hashed by pair. Zero is an empty table. */
struct merge_table {
    struct merge *slots;
    uint32_t count, capacity;
};
void merge_table_deinit(struct merge_table *table);
/* Of several merges of one pair the lowest rank counts. */
enum status merge_table_add(struct merge_table *table, struct merge merge,
                            struct fault *fault) MUST_USE;
/* NULL when the pair does not merge. */
const struct merge *merge_table_find(const struct merge_table *table, uint32_t left,
                                     uint32_t right);

/* Memory that one thread reuses from word to word. Zero is empty. */
struct merge_work {
    struct symbol *symbols; /* the word, filled by the caller */
    size_t capacity;
    uint32_t *links; /* long words: previous and next of each symbol */
    size_t links_capacity;
    struct merge_candidate *heap;
    size_t heap_count, heap_capacity;
};
void merge_work_deinit(struct merge_work *work);
/* Room for `count` symbols. */
enum status merge_work_reserve(struct merge_work *work, size_t count, struct fault *fault) MUST_USE;

/* Merge work->symbols[0..*count) in place until no pair is left; *count becomes what remains. */
enum status merge_symbols(const struct merge_table *table, struct merge_work *work, size_t *count,
                          struct fault *fault) MUST_USE;

#endif
