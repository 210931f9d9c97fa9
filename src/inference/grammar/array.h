/* array.h - arrays that grow, for the files of this folder. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_ARRAY_H
#define LIMINAL_INFERENCE_GRAMMAR_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

/* Room for `need` items in all; false when memory is out, and the array is as it was. */
static inline bool array_reserve(void *array_pointer, uint32_t *capacity, size_t need,
                                 size_t item_bytes)
{
    void **array = array_pointer;
    if (need <= *capacity) return true;
    if (need > UINT32_MAX / 2) return false;
    size_t grown = *capacity ? (size_t)*capacity * 2 : 16;
    if (grown < need) grown = need;
    void *fresh = realloc(*array, grown * item_bytes);
    if (!fresh) return false;
    *array = fresh;
    *capacity = (uint32_t)grown;
    return true;
}

/* Room for `more` items behind the `count` that are there. */
#define ARRAY_MORE(array, count, capacity, more) \
    array_reserve(&(array), &(capacity), (size_t)(count) + (more), sizeof *(array))

/* The same in an arena: room for one more item; false without memory. Doubles, and leaves the old
 * items to the arena. */
static inline bool arena_array_grow(void *items_pointer, uint32_t count, uint32_t *capacity,
                                    size_t item_bytes, struct arena *job)
{
    void **items = items_pointer;
    if (count < *capacity) return true;
    uint32_t doubled = *capacity ? 2 * *capacity : 32;
    void *more = arena_alloc_array(job, doubled, item_bytes);
    if (!more) return false;
    if (count) memcpy(more, *items, count * item_bytes);
    *items = more;
    *capacity = doubled;
    return true;
}

#endif
