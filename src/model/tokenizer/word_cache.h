/* word_cache.h - the ids of short words seen lately: text repeats its words, and finding one again
 * is several times faster than merging it again. Direct-mapped, of fixed size, for one thread. */
#ifndef LIMINAL_MODEL_TOKENIZER_WORD_CACHE_H
#define LIMINAL_MODEL_TOKENIZER_WORD_CACHE_H

#include "base/text.h"

enum {
    WORD_CACHE_SLOTS = 4096, /* 64 bytes each */
    WORD_CACHE_BYTES = 22,   /* of a word; longer ones are not kept */
    WORD_CACHE_IDS = 9,      /* of a word; more are not kept */
};

struct cached_word {
    int32_t ids[WORD_CACHE_IDS];
    unsigned char length; /* 0: empty */
    unsigned char count;
    char bytes[WORD_CACHE_BYTES];
};

/* Zero is an empty cache; its memory comes with the first word. */
struct word_cache {
    struct cached_word *words;
};
void word_cache_deinit(struct word_cache *cache);
/* NULL when the word is not kept. */
const struct cached_word *word_cache_find(const struct word_cache *cache, struct text word);
/* Keep a word in place of another; words too long, and all when memory is out, are left aside. */
void word_cache_put(struct word_cache *cache, struct text word, const int32_t *ids, size_t count);

#endif
