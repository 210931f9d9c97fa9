/* regular_minimise.c - the same language in the fewest states (Moore's refinement). */
#include <string.h>

#include "inference/grammar/regular_private.h"

enum { UNKNOWN = UINT32_MAX };

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

/* Does the state do as that other one does, up to the classes found so far? */
static bool same_behaviour(const struct regular_state *a, const struct regular_state *b,
                           const uint32_t *class_of)
{
    if (a->accepts != b->accepts) return false;
    uint32_t i = 0, k = 0, from_a = 0, from_b = 0;
    while (i < a->edge_count && k < b->edge_count) {
        const struct regular_edge *x = &a->edges[i], *y = &b->edges[k];
        uint32_t first_a = from_a > x->first ? from_a : x->first;
        uint32_t first_b = from_b > y->first ? from_b : y->first;
        if (first_a != first_b || class_of[x->target] != class_of[y->target]) return false;
        uint32_t last = x->last < y->last ? x->last : y->last;
        from_a = from_b = last + 1;
        if (x->last == last) i++;
        if (y->last == last) k++;
    }
    return i == a->edge_count && k == b->edge_count;
}

/* Equal for states that behave alike: ranges that touch and lead to one class count as one. */
static uint64_t behaviour_hash(const struct regular_state *state, const uint32_t *class_of)
{
    uint64_t hash = state->accepts;
    for (uint32_t e = 0; e < state->edge_count; e++) {
        uint32_t first = state->edges[e].first, class = class_of[state->edges[e].target];
        while (e + 1 < state->edge_count && state->edges[e + 1].first == state->edges[e].last + 1 &&
               class_of[state->edges[e + 1].target] == class)
            e++;
        hash = mix(mix(hash, (uint64_t)first << 32 | state->edges[e].last), class);
    }
    return hash;
}

/* One round of Moore's refinement: new classes from old ones. */
static uint32_t refine(const struct regular *language, const uint32_t *class_of, uint32_t *refined,
                       uint32_t *leaders, uint32_t *table, uint32_t table_mask)
{
    uint32_t classes = 0;
    memset(table, 0, ((size_t)table_mask + 1) * sizeof *table);
    for (uint32_t i = 0; i < language->state_count; i++) {
        uint64_t hash = mix(behaviour_hash(&language->states[i], class_of), class_of[i]);
        uint32_t at = (uint32_t)hash & table_mask;
        for (; table[at]; at = (at + 1) & table_mask) {
            uint32_t leader = leaders[table[at] - 1];
            if (class_of[leader] == class_of[i] &&
                same_behaviour(&language->states[leader], &language->states[i], class_of))
                break;
        }
        if (!table[at]) {
            leaders[classes] = i;
            table[at] = ++classes;
        }
        refined[i] = table[at] - 1;
    }
    return classes;
}

/* ---- where to begin ---- */

/* Classes to begin with: states are not alike whose shortest texts, or whose longest ones, differ
 * in length. Without them long rows of states would be told apart one state a round. */
static bool classes_of_lengths(const struct regular *language, uint32_t *class_of,
                               struct arena *job)
{
    uint32_t count = language->state_count, queued = 0;
    struct reversed_edges into;
    uint32_t *shortest = arena_alloc_array(job, (size_t)count + 1, sizeof *shortest);
    uint32_t *longest = arena_alloc_array(job, (size_t)count + 1, sizeof *longest);
    uint32_t *open = arena_alloc_array(job, (size_t)count + 1, sizeof *open);
    uint32_t *queue = arena_alloc_array(job, (size_t)count + 1, sizeof *queue);
    if (!shortest || !longest || !open || !queue || !regular_reverse(language, &into, job))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        shortest[i] = language->states[i].accepts ? 0 : UNKNOWN;
        if (shortest[i] == 0) queue[queued++] = i;
    }
    for (uint32_t next = 0; next < queued; next++)
        for (uint32_t s = into.from[queue[next]]; s < into.from[queue[next] + 1]; s++) {
            uint32_t source = into.sources[s];
            if (shortest[source] != UNKNOWN) continue;
            shortest[source] = shortest[queue[next]] + 1;
            queue[queued++] = source;
        }
    queued = 0;
    for (uint32_t i = 0; i < count; i++) {
        open[i] = language->states[i].edge_count; /* edges to states whose longest is not known */
        if (open[i] == 0) queue[queued++] = i;
    }
    for (uint32_t next = 0; next < queued; next++)
        for (uint32_t s = into.from[queue[next]]; s < into.from[queue[next] + 1]; s++) {
            uint32_t source = into.sources[s], length = longest[queue[next]] + 1;
            if (length > longest[source]) longest[source] = length;
            if (--open[source] == 0) queue[queued++] = source;
        }
    for (uint32_t i = 0; i < count; i++)
        class_of[i] = (uint32_t)mix(shortest[i], open[i] ? UNKNOWN : longest[i]);
    return true;
}

enum status regular_minimise(struct regular **out, const struct regular *language,
                             struct arena *job, struct fault *fault)
{
    uint32_t count = language->state_count, table_size = 16;
    while (table_size < 2 * count) table_size *= 2;
    uint32_t *class_of = arena_alloc_array(job, (size_t)count + 1, sizeof *class_of);
    uint32_t *refined = arena_alloc_array(job, (size_t)count + 1, sizeof *refined);
    uint32_t *leaders = arena_alloc_array(job, (size_t)count + 1, sizeof *leaders);
    uint32_t *table = arena_alloc_array(job, table_size, sizeof *table);
    struct regular *small = arena_alloc(job, sizeof *small);
    if (!class_of || !refined || !leaders || !table || !small ||
        !classes_of_lengths(language, class_of, job))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
    uint32_t classes = 0;
    for (uint32_t before = UINT32_MAX; before != classes;) {
        before = classes;
        classes = refine(language, class_of, refined, leaders, table, table_size - 1);
        uint32_t *swap = class_of;
        class_of = refined;
        refined = swap;
    }
    small->state_count = classes;
    small->states = arena_alloc_array(job, (size_t)classes + 1, sizeof *small->states);
    if (!small->states) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
    for (uint32_t c = 0; c < classes; c++) { /* state 0 leads class 0 */
        const struct regular_state *leader = &language->states[leaders[c]];
        struct regular_state *state = &small->states[c];
        state->accepts = leader->accepts;
        state->edges = arena_alloc_array(job, leader->edge_count, sizeof *state->edges);
        if (leader->edge_count && !state->edges)
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
        for (uint32_t e = 0; e < leader->edge_count; e++) {
            struct regular_edge edge = leader->edges[e];
            edge.target = class_of[edge.target];
            regular_add_edge(state, edge);
        }
    }
    *out = small;
    return OK;
}
