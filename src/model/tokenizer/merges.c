/* merges.c - see merges.h. Short words scan an array for the lowest rank; long ones keep a heap. */
#include "model/tokenizer/merges.h"

#include <stdlib.h>
#include <string.h>

enum {
    SHORT_WORD = 40, /* symbols up to which scanning beats the heap */
    RANK_NONE = 0xFFFFFFFFu,
    LINK_NONE = 0xFFFFFFFFu,
};

/* ---- the table ---- */

static uint32_t hash_pair(uint32_t left, uint32_t right)
{
    uint64_t pair = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(pair >> 32);
}

/* The slot of the pair, or the free one (result == SYMBOL_NONE) where it belongs. */
static struct merge *slot_of(const struct merge_table *table, uint32_t left, uint32_t right)
{
    uint32_t mask = table->capacity - 1, at = hash_pair(left, right) & mask;
    while (table->slots[at].result != SYMBOL_NONE &&
           (table->slots[at].left != left || table->slots[at].right != right))
        at = (at + 1) & mask;
    return &table->slots[at];
}

static enum status table_grow(struct merge_table *table, struct fault *fault)
{
    struct merge_table larger = {.capacity = table->capacity ? table->capacity * 2 : 1024};
    if (larger.capacity) larger.slots = malloc(larger.capacity * sizeof *larger.slots);
    if (!larger.slots) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the merges");
    memset(larger.slots, 0xFF, larger.capacity * sizeof *larger.slots);
    for (uint32_t i = 0; i < table->capacity; i++) {
        struct merge merge = table->slots[i];
        if (merge.result != SYMBOL_NONE) *slot_of(&larger, merge.left, merge.right) = merge;
    }
    larger.count = table->count;
    free(table->slots);
    *table = larger;
    return OK;
}

void merge_table_deinit(struct merge_table *table)
{
    free(table->slots);
    *table = (struct merge_table){0};
}

enum status merge_table_add(struct merge_table *table, struct merge merge, struct fault *fault)
{
    if (table->count >= table->capacity / 2) TRY(table_grow(table, fault));
    struct merge *slot = slot_of(table, merge.left, merge.right);
    if (slot->result == SYMBOL_NONE) table->count++;
    if (slot->result == SYMBOL_NONE || merge.rank < slot->rank) *slot = merge;
    return OK;
}

const struct merge *merge_table_find(const struct merge_table *table, uint32_t left, uint32_t right)
{
    if (table->capacity == 0) return NULL;
    const struct merge *slot = slot_of(table, left, right);
    return slot->result == SYMBOL_NONE ? NULL : slot;
}

/* ---- short words ---- */

/* The rank of merging symbols[at] with its right neighbour; *result what becomes of them. */
static uint32_t rank_at(const struct merge_table *table, const struct symbol *symbols, size_t at,
                        uint32_t *result)
{
    const struct merge *merge = merge_table_find(table, symbols[at].id, symbols[at + 1].id);
    if (!merge) return RANK_NONE;
    *result = merge->result;
    return merge->rank;
}

static size_t merge_short(const struct merge_table *table, struct symbol *symbols, size_t count)
{
    uint32_t ranks[SHORT_WORD], results[SHORT_WORD];
    for (size_t i = 0; i + 1 < count; i++) ranks[i] = rank_at(table, symbols, i, &results[i]);
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; i++)
            if (ranks[i] < ranks[best]) best = i;
        if (ranks[best] == RANK_NONE) break;
        symbols[best].id = results[best];
        count--;
        for (size_t i = best + 1; i < count; i++) {
            symbols[i] = symbols[i + 1];
            ranks[i - 1] = ranks[i];
            results[i - 1] = results[i];
        }
        if (best + 1 < count) ranks[best] = rank_at(table, symbols, best, &results[best]);
        if (best > 0) ranks[best - 1] = rank_at(table, symbols, best - 1, &results[best - 1]);
    }
    return count;
}

/* ---- long words ---- */

/* A pair that could merge. It has gone stale when one of the two has merged elsewhere since. */
struct merge_candidate {
    uint64_t order; /* rank, then position: the lowest goes first */
    uint32_t left, right;
};

static enum status heap_push(struct merge_work *work, struct merge_candidate candidate,
                             struct fault *fault)
{
    if (work->heap_count == work->heap_capacity) {
        size_t capacity = work->heap_capacity ? work->heap_capacity * 2 : 256;
        struct merge_candidate *heap = realloc(work->heap, capacity * sizeof *heap);
        if (!heap) return fault_set(fault, STATUS_NO_MEMORY, "no memory to merge a long word");
        work->heap = heap;
        work->heap_capacity = capacity;
    }
    size_t at = work->heap_count++;
    while (at > 0 && candidate.order < work->heap[(at - 1) / 2].order) {
        work->heap[at] = work->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    work->heap[at] = candidate;
    return OK;
}

static struct merge_candidate heap_pop(struct merge_work *work)
{
    struct merge_candidate *heap = work->heap, top = heap[0], last = heap[--work->heap_count];
    size_t at = 0, count = work->heap_count;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && heap[child + 1].order < heap[child].order) child++;
        if (last.order <= heap[child].order) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}

static enum status push_pair(const struct merge_table *table, struct merge_work *work,
                             uint32_t left_at, uint32_t right_at, struct fault *fault)
{
    uint32_t left = work->symbols[left_at].id, right = work->symbols[right_at].id;
    const struct merge *merge = merge_table_find(table, left, right);
    if (!merge) return OK;
    return heap_push(
        work, (struct merge_candidate){(uint64_t)merge->rank << 32 | left_at, left, right}, fault);
}

static enum status merge_long(const struct merge_table *table, struct merge_work *work,
                              size_t *count, struct fault *fault)
{
    if (work->links_capacity < *count) {
        uint32_t *links = realloc(work->links, *count * 2 * sizeof *links);
        if (!links) return fault_set(fault, STATUS_NO_MEMORY, "no memory to merge a long word");
        work->links = links;
        work->links_capacity = *count;
    }
    struct symbol *symbols = work->symbols;
    uint32_t *previous = work->links, *next = work->links + *count, end = (uint32_t)*count;
    work->heap_count = 0;
    for (uint32_t i = 0; i < end; i++) {
        previous[i] = i - 1; /* that of the first is LINK_NONE */
        next[i] = i + 1 < end ? i + 1 : LINK_NONE;
    }
    for (uint32_t i = 0; i + 1 < end; i++) TRY(push_pair(table, work, i, i + 1, fault));
    while (work->heap_count > 0) {
        struct merge_candidate candidate = heap_pop(work);
        uint32_t at = (uint32_t)candidate.order, right = next[at];
        if (symbols[at].id != candidate.left || right == LINK_NONE ||
            symbols[right].id != candidate.right)
            continue;
        symbols[at].id = merge_table_find(table, candidate.left, candidate.right)->result;
        symbols[right].id = SYMBOL_NONE;
        next[at] = next[right];
        next[right] = LINK_NONE;
        if (next[at] != LINK_NONE) {
            previous[next[at]] = at;
            TRY(push_pair(table, work, at, next[at], fault));
        }
        if (previous[at] != LINK_NONE) TRY(push_pair(table, work, previous[at], at, fault));
    }
    size_t kept = 0;
    for (uint32_t at = 0; at != LINK_NONE; at = next[at]) symbols[kept++] = symbols[at];
    *count = kept;
    return OK;
}

/* ---- both ---- */

void merge_work_deinit(struct merge_work *work)
{
    free(work->symbols);
    free(work->links);
    free(work->heap);
    *work = (struct merge_work){0};
}

enum status merge_work_reserve(struct merge_work *work, size_t count, struct fault *fault)
{
    if (work->capacity >= count) return OK;
    size_t capacity = count < 128 ? 128 : count;
    struct symbol *symbols = realloc(work->symbols, capacity * sizeof *symbols);
    if (!symbols) return fault_set(fault, STATUS_NO_MEMORY, "no memory for %zu symbols", count);
    work->symbols = symbols;
    work->capacity = capacity;
    return OK;
}

enum status merge_symbols(const struct merge_table *table, struct merge_work *work, size_t *count,
                          struct fault *fault)
{
    if (*count > SHORT_WORD) return merge_long(table, work, count, fault);
    *count = merge_short(table, work->symbols, *count);
    return OK;
}
