/* board.c - see board.h.
 *
 * A word is stored with release and loaded with acquire. So whoever sees a word of a newer version
 * also sees that the version has changed, and looks again. */
#include "inference/realization/board.h"

#include <assert.h>
#include <string.h>

void board_write(struct board *board, const void *figures, size_t bytes)
{
    assert(bytes % sizeof(uint64_t) == 0 && bytes <= sizeof board->words);
    unsigned version = atomic_load_explicit(&board->version, memory_order_relaxed);
    atomic_store_explicit(&board->version, version + 1, memory_order_relaxed);
    for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const char *)figures + i * sizeof word, sizeof word);
        atomic_store_explicit(&board->words[i], word, memory_order_release);
    }
    atomic_store_explicit(&board->version, version + 2, memory_order_release);
}

void board_read(const struct board *board, void *figures, size_t bytes)
{
    unsigned before, after;
    do {
        before = atomic_load_explicit(&board->version, memory_order_acquire);
        for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
            uint64_t word = atomic_load_explicit(&board->words[i], memory_order_acquire);
            memcpy((char *)figures + i * sizeof word, &word, sizeof word);
        }
        after = atomic_load_explicit(&board->version, memory_order_relaxed);
    } while (before != after || before % 2);
}
