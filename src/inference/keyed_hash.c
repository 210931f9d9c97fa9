/* keyed_hash.c - see keyed_hash.h. */
#include "inference/keyed_hash.h"

#include <string.h>

enum { ROUNDS_PER_WORD = 2, ROUNDS_AT_END = 4 };

struct state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(struct state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v3;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 += s->v3;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 += s->v1;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v2 = rotate(s->v2, 32);
    }
}

static inline void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, ROUNDS_PER_WORD);
    s->v0 ^= word;
}

static inline uint64_t load(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word); /* little endian, as every machine we run on */
    return word;
}

static uint64_t finish(struct state *s)
{
    mix(s, ROUNDS_AT_END);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

struct hash128 keyed_hash(const struct hash_key *key, const void *data, size_t length)
{
    struct state s = {
        .v0 = key->words[0] ^ 0x736f6d6570736575u, /* "somepseudorandomlygeneratedbytes" */
        .v1 = key->words[1] ^ 0x646f72616e646f6du ^ 0xee,
        .v2 = key->words[0] ^ 0x6c7967656e657261u,
        .v3 = key->words[1] ^ 0x7465646279746573u,
    };
    const unsigned char *bytes = data;
    size_t words = length / sizeof(uint64_t);
    for (size_t i = 0; i < words; i++) absorb(&s, load(bytes + i * sizeof(uint64_t)));

    unsigned char rest[sizeof(uint64_t)] = {0};
    if (length % sizeof rest) memcpy(rest, bytes + words * sizeof rest, length % sizeof rest);
    rest[7] = (unsigned char)length;
    absorb(&s, load(rest));

    struct hash128 hash;
    s.v2 ^= 0xee;
    hash.words[0] = finish(&s);
    s.v1 ^= 0xdd;
    hash.words[1] = finish(&s);
    return hash;
}
