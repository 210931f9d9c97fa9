/* word_cache.c - see word_cache.h. */
#include "model/tokenizer/word_cache.h"

#include <stdlib.h>
#include <string.h>

void word_cache_deinit(struct word_cache *cache)
{
    free(cache->words);
    cache->words = NULL;
}

static bool is_kept(struct text word)
{
    return word.length > 0 && word.length <= WORD_CACHE_BYTES;
}

/* FNV-1a, folded to the top bits of a product. */
static size_t slot_of(struct text word)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < word.length; i++)
        hash = (hash ^ (unsigned char)word.data[i]) * 0x100000001B3u;
    return (size_t)((hash * 0x9E3779B97F4A7C15u) >> 32) % WORD_CACHE_SLOTS;
}

const struct cached_word *word_cache_find(const struct word_cache *cache, struct text word)
{
    if (!cache->words || !is_kept(word)) return NULL;
    const struct cached_word *slot = &cache->words[slot_of(word)];
    return slot->length == word.length && memcmp(slot->bytes, word.data, word.length) == 0 ? slot
                                                                                           : NULL;
}

void word_cache_put(struct word_cache *cache, struct text word, const int32_t *ids, size_t count)
{
    if (!is_kept(word) || count > WORD_CACHE_IDS) return;
    if (!cache->words) cache->words = calloc(WORD_CACHE_SLOTS, sizeof *cache->words);
    if (!cache->words) return;
    struct cached_word *slot = &cache->words[slot_of(word)];
    slot->length = (unsigned char)word.length;
    slot->count = (unsigned char)count;
    memcpy(slot->bytes, word.data, word.length);
    if (count) memcpy(slot->ids, ids, count * sizeof *ids);
}
