/* vocabulary.c - see vocabulary.h. */
#include "model/tokenizer/vocabulary.h"

#include <string.h>

enum status vocabulary_init(struct vocabulary *vocabulary, uint32_t count, struct arena *memory,
                            struct fault *fault)
{
    *vocabulary = (struct vocabulary){.count = count};
    if (count == 0) return fault_set(fault, STATUS_CORRUPT, "the vocabulary is empty");
    if (count > VOCABULARY_LIMIT)
        return fault_set(fault, STATUS_TOO_LARGE, "the vocabulary has %u tokens, at most %d", count,
                         VOCABULARY_LIMIT);
    vocabulary->texts = arena_alloc_array(memory, count, sizeof *vocabulary->texts);
    vocabulary->kinds = arena_alloc_array(memory, count, sizeof *vocabulary->kinds);
    if (!vocabulary->texts || !vocabulary->kinds)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for %u tokens", count);
    for (uint32_t id = 0; id < count; id++) vocabulary->texts[id] = (struct text){"", 0};
    memset(vocabulary->kinds, TOKEN_UNUSED, count);
    return OK;
}

enum status vocabulary_set(struct vocabulary *vocabulary, uint32_t id, struct text t, unsigned kind,
                           struct arena *memory, struct fault *fault)
{
    if (id >= vocabulary->count)
        return fault_set(fault, STATUS_CORRUPT, "token id %u is beyond the vocabulary of %u", id,
                         vocabulary->count);
    if (t.length > VOCABULARY_TOKEN_BYTES)
        return fault_set(fault, STATUS_CORRUPT, "token %u is %zu bytes long, at most %d", id,
                         t.length, VOCABULARY_TOKEN_BYTES);
    if (kind < TOKEN_NORMAL || kind > TOKEN_BYTE)
        return fault_set(fault, STATUS_CORRUPT, "token %u is of the unknown kind %u", id, kind);
    char *copy = arena_copy(memory, t.data, t.length);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "no memory for token %u", id);
    vocabulary->texts[id] = (struct text){copy, t.length};
    vocabulary->kinds[id] = (unsigned char)kind;
    return OK;
}

static uint32_t hash_text(struct text t)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ t.length;
    size_t at = 0;
    for (; at + 8 <= t.length; at += 8) {
        uint64_t word;
        memcpy(&word, t.data + at, 8);
        hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
        hash ^= hash >> 29;
    }
    uint64_t rest = 0;
    memcpy(&rest, t.data + at, t.length - at);
    hash = (hash ^ rest) * 0x94D049BB133111EBu;
    return (uint32_t)(hash ^ (hash >> 32));
}

/* The slot that holds `t`, or the free one where it belongs. */
static uint32_t slot_of(const struct vocabulary *vocabulary, struct text t)
{
    uint32_t slot = hash_text(t) & vocabulary->slot_mask;
    while (vocabulary->slots[slot] &&
           !text_equal(vocabulary->texts[vocabulary->slots[slot] - 1], t))
        slot = (slot + 1) & vocabulary->slot_mask;
    return slot;
}

enum status vocabulary_index(struct vocabulary *vocabulary, struct arena *memory,
                             struct fault *fault)
{
    uint32_t capacity = 16;
    while (capacity < vocabulary->count * 2) capacity *= 2;
    vocabulary->slots = arena_alloc_array(memory, capacity, sizeof *vocabulary->slots);
    if (!vocabulary->slots)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to index %u tokens",
                         vocabulary->count);
    vocabulary->slot_mask = capacity - 1;
    for (uint32_t id = 0; id < vocabulary->count; id++)
        if (vocabulary->texts[id].length && vocabulary->kinds[id] != TOKEN_UNUSED)
            vocabulary->slots[slot_of(vocabulary, vocabulary->texts[id])] = id + 1;
    return OK;
}

bool vocabulary_is_plain(const struct vocabulary *vocabulary, uint32_t id)
{
    unsigned kind = vocabulary->kinds[id];
    return (kind == TOKEN_NORMAL || kind == TOKEN_USER_DEFINED) && vocabulary->texts[id].length;
}

int32_t vocabulary_find(const struct vocabulary *vocabulary, struct text t)
{
    if (t.length == 0) return -1;
    return (int32_t)vocabulary->slots[slot_of(vocabulary, t)] - 1;
}
