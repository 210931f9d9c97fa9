/* board.h - figures that one thread writes as often as it likes and any thread reads, without
 * either waiting for a lock: a sequence lock over words (after Lamport, 1977). A reader gets
 * figures of one moment; it looks again while they change. */
#ifndef LIMINAL_INFERENCE_BOARD_H
#define LIMINAL_INFERENCE_BOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { BOARD_WORDS = 40 };

struct board {
    atomic_uint version; /* odd while it is written */
    _Atomic uint64_t words[BOARD_WORDS];
};

/* `bytes` is a multiple of 8, at most BOARD_WORDS of them, and the same for both. One thread. */
void board_write(struct board *board, const void *figures, size_t bytes);
/* Any thread. */
void board_read(const struct board *board, void *figures, size_t bytes);

#endif
