/* arena.c - a list of chunks, each twice the last, handed out front to back. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t capacity, used;
    _Alignas(16) unsigned char bytes[];
};

enum { FIRST_CHUNK_BYTES = 4096, LARGEST_CHUNK_BYTES = 1 << 20 };

void arena_init(struct arena *arena, size_t budget_bytes)
{
    *arena = (struct arena){.budget_bytes = budget_bytes};
}

void arena_deinit(struct arena *arena)
{
    for (struct arena_chunk *chunk = arena->chunk; chunk;) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *arena = (struct arena){.budget_bytes = arena->budget_bytes};
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t need = (bytes + 15) & ~(size_t)15;
    if (arena->budget_bytes && need > arena->budget_bytes - arena->used_bytes) return NULL;
    struct arena_chunk *chunk = arena->chunk;
    if (!chunk || chunk->capacity - chunk->used < need) {
        size_t capacity = chunk ? chunk->capacity * 2 : FIRST_CHUNK_BYTES;
        if (capacity > LARGEST_CHUNK_BYTES) capacity = LARGEST_CHUNK_BYTES;
        if (capacity < need) capacity = need;
        struct arena_chunk *fresh = malloc(sizeof *fresh + capacity);
        if (!fresh) return NULL;
        *fresh = (struct arena_chunk){.next = chunk, .capacity = capacity};
        arena->chunk = chunk = fresh;
    }
    void *block = chunk->bytes + chunk->used;
    chunk->used += need;
    arena->used_bytes += need;
    return memset(block, 0, need);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
    return arena_alloc(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (copy && length) memcpy(copy, bytes, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
