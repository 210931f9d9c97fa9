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

static void free_chunks(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_deinit(struct arena *arena)
{
    free_chunks(arena->chunk);
    free_chunks(arena->spare);
    *arena = (struct arena){.budget_bytes = arena->budget_bytes};
}

/* A chunk with room for `need`; all spare ones are of the largest usual size. */
static struct arena_chunk *next_chunk(struct arena *arena, size_t need)
{
    struct arena_chunk *chunk = arena->chunk, *fresh = arena->spare;
    if (fresh && need <= fresh->capacity) {
        arena->spare = fresh->next;
        fresh->used = 0;
    } else {
        size_t capacity = chunk ? chunk->capacity * 2 : FIRST_CHUNK_BYTES;
        if (capacity > LARGEST_CHUNK_BYTES) capacity = LARGEST_CHUNK_BYTES;
        if (capacity < need) capacity = need;
        fresh = malloc(sizeof *fresh + capacity);
        if (!fresh) return NULL;
        *fresh = (struct arena_chunk){.capacity = capacity};
    }
    fresh->next = chunk;
    arena->chunk = fresh;
    return fresh;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t need = (bytes + 15) & ~(size_t)15;
    if (arena->budget_bytes && need > arena->budget_bytes - arena->used_bytes) return NULL;
    struct arena_chunk *chunk = arena->chunk;
    if (!chunk || chunk->capacity - chunk->used < need) chunk = next_chunk(arena, need);
    if (!chunk) return NULL;
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

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->chunk, arena->chunk ? arena->chunk->used : 0,
                               arena->used_bytes};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->chunk != mark.chunk) {
        struct arena_chunk *chunk = arena->chunk;
        arena->chunk = chunk->next;
        if (chunk->capacity == LARGEST_CHUNK_BYTES) {
            chunk->next = arena->spare;
            arena->spare = chunk;
        } else {
            free(chunk);
        }
    }
    if (mark.chunk) mark.chunk->used = mark.chunk_used;
    arena->used_bytes = mark.used_bytes;
}
