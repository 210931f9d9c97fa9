/* arena.h - memory by lifetime: everything of one job (a request, a turn, a file being parsed) is
 * taken from its arena and given back at once. An arena belongs to one thread at a time. */
#ifndef LIMINAL_BASE_ARENA_H
#define LIMINAL_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunk;
    struct arena_chunk *spare; /* from before a rewind */
    size_t used_bytes;         /* all that was handed out, and not taken back */
    size_t budget_bytes;       /* refuse beyond this; 0: no bound */
};
/* How far an arena was filled. */
struct arena_mark {
    struct arena_chunk *chunk;
    size_t chunk_used, used_bytes;
};

void arena_init(struct arena *arena, size_t budget_bytes);
void arena_deinit(struct arena *arena);
/* Zeroed, aligned to 16 bytes. NULL when memory or the budget is exhausted. */
void *arena_alloc(struct arena *arena, size_t bytes) MUST_USE;
/* The same for count x size, NULL on overflow. */
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) MUST_USE;
/* A copy with a closing NUL. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length) MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* For a step of the job that needs memory of its own: all that was handed out since the mark is
 * taken back, to be handed out again. Marks nest. */
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

#endif
