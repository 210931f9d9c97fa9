/* keyed_hash.h - SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012): a hash that nobody who
 * lacks the key can steer. Pages of the cache are found by it, and pages on disk proven by it. */
#ifndef LIMINAL_INFERENCE_KEYED_HASH_H
#define LIMINAL_INFERENCE_KEYED_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t words[2];
};

struct hash128 {
    uint64_t words[2];
};

struct hash128 keyed_hash(const struct hash_key *key, const void *data, size_t length);

static inline bool hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.words[0] == b.words[0] && a.words[1] == b.words[1];
}

#endif
