/* regular_tree.c - the automaton of a pattern's tree.
 *
 * The tree becomes a nondeterministic automaton (Thompson), and that a deterministic one (sets of
 * states). The text is taken to begin with BEGIN and to end with END, which are dropped at the end,
 * so that an anchor may stand anywhere. */
#include "inference/grammar/regular_private.h"

#include <stdlib.h>
#include <string.h>

enum { NFA_LIMIT = 200000 };

struct maker {
    struct arena *job;
    struct fault *fault;
    enum status status; /* what went wrong first */
};

static void *fail_memory(struct maker *maker)
{
    if (maker->status == OK)
        maker->status = fault_set(maker->fault, STATUS_NO_MEMORY, "no memory for a pattern");
    return NULL;
}

static void fail_size(struct maker *maker)
{
    if (maker->status == OK)
        maker->status = fault_set(maker->fault, STATUS_TOO_LARGE,
                                  "needs an automaton of more than %d states", REGULAR_STATE_LIMIT);
}

/* ---- the nondeterministic automaton ---- */

/* Up to two ways without a character, or one on the characters of a set. */
struct nfa_state {
    const struct range *ranges;
    size_t range_count;
    uint32_t next, other; /* UINT32_MAX: none */
};

struct nfa {
    struct nfa_state *states;
    uint32_t count, capacity;
    struct maker *maker;
};

static uint32_t nfa_add(struct nfa *nfa, struct nfa_state state)
{
    if (nfa->count == nfa->capacity) {
        uint32_t capacity = nfa->capacity ? 2 * nfa->capacity : 64;
        if (capacity > NFA_LIMIT) fail_size(nfa->maker);
        struct nfa_state *more = nfa->maker->status == OK
                                     ? arena_alloc_array(nfa->maker->job, capacity, sizeof *more)
                                     : NULL;
        if (!more) {
            fail_memory(nfa->maker);
            return 0;
        }
        if (nfa->count) memcpy(more, nfa->states, nfa->count * sizeof *more);
        nfa->states = more;
        nfa->capacity = capacity;
    }
    nfa->states[nfa->count] = state;
    return nfa->count++;
}

static uint32_t nfa_split(struct nfa *nfa, uint32_t next, uint32_t other)
{
    return nfa_add(nfa, (struct nfa_state){.next = next, .other = other});
}

/* The state from which the tree is read and then `then` reached; built from the end. */
static uint32_t nfa_build(struct nfa *nfa, const struct node *node, uint32_t then)
{
    if (nfa->maker->status != OK) return 0;
    switch (node->kind) {
    case NODE_EMPTY: return then;
    case NODE_SET:
        return nfa_add(nfa, (struct nfa_state){.ranges = node->ranges,
                                               .range_count = node->range_count,
                                               .next = then,
                                               .other = UINT32_MAX});
    case NODE_SEQUENCE: return nfa_build(nfa, node->left, nfa_build(nfa, node->right, then));
    case NODE_CHOICE: {
        uint32_t left = nfa_build(nfa, node->left, then);
        return nfa_split(nfa, left, nfa_build(nfa, node->right, then));
    }
    case NODE_REPEAT: break;
    }
    uint32_t start = then;
    if (node->most == UINT32_MAX) {
        start = nfa_split(nfa, UINT32_MAX, then);
        uint32_t body = nfa_build(nfa, node->left, start);
        if (nfa->maker->status == OK) nfa->states[start].next = body;
    } else {
        for (uint32_t i = node->least; i < node->most; i++)
            start = nfa_split(nfa, nfa_build(nfa, node->left, start), then);
    }
    for (uint32_t i = 0; i < node->least; i++) start = nfa_build(nfa, node->left, start);
    return start;
}

/* ---- sets of states ---- */

struct subset {
    uint32_t *members; /* sorted; only those that read something, and the last one */
    uint32_t count;
};

struct determiniser {
    const struct nfa *nfa;
    struct maker *maker;
    struct subset *subsets;
    uint32_t subset_count, subset_capacity, *table, table_size;
    struct regular *language;
    uint32_t state_capacity;
    uint32_t *stack, *marks, mark, *gathered;
    uint32_t *bounds; /* scratch: where ranges begin or have ended */
    size_t bound_capacity;
};

/* Add the state and what it reaches without a character to the set being gathered. */
static uint32_t gather(struct determiniser *d, uint32_t state, uint32_t count)
{
    uint32_t depth = 0;
    d->stack[depth++] = state;
    while (depth > 0) {
        uint32_t at = d->stack[--depth];
        if (at == UINT32_MAX || d->marks[at] == d->mark) continue;
        d->marks[at] = d->mark;
        const struct nfa_state *s = &d->nfa->states[at];
        if (s->ranges || s->next == at) {
            d->gathered[count++] = at;
        } else {
            d->stack[depth++] = s->other;
            d->stack[depth++] = s->next;
        }
    }
    return count;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Its slot in the table, or the free one where it belongs. */
static uint32_t *subset_slot(const struct determiniser *d, const uint32_t *members, uint32_t count)
{
    uint32_t hash = count, mask = d->table_size - 1;
    for (uint32_t i = 0; i < count; i++) hash = (hash ^ members[i]) * 16777619u;
    uint32_t at = (hash ^ hash >> 15) & mask;
    for (; d->table[at]; at = (at + 1) & mask) {
        const struct subset *known = &d->subsets[d->table[at] - 1];
        if (known->count == count && memcmp(known->members, members, count * sizeof *members) == 0)
            break;
    }
    return &d->table[at];
}

static bool grow_table(struct determiniser *d)
{
    if (2 * d->subset_count < d->table_size) return true;
    d->table_size = d->table_size ? 2 * d->table_size : 64;
    d->table = arena_alloc_array(d->maker->job, d->table_size, sizeof *d->table);
    if (!d->table) return false;
    for (uint32_t i = 0; i < d->subset_count; i++)
        *subset_slot(d, d->subsets[i].members, d->subsets[i].count) = i + 1;
    return true;
}

/* The number of the gathered set, new or known; UINT32_MAX after a failure. */
static uint32_t intern(struct determiniser *d, uint32_t count)
{
    struct arena *job = d->maker->job;
    qsort(d->gathered, count, sizeof *d->gathered, compare_numbers);
    if (!grow_table(d)) goto no_memory;
    uint32_t *slot = subset_slot(d, d->gathered, count);
    if (*slot) return *slot - 1;
    if (d->subset_count == REGULAR_STATE_LIMIT) {
        fail_size(d->maker);
        return UINT32_MAX;
    }
    uint32_t *members = arena_alloc_array(job, (size_t)count + 1, sizeof *members);
    if (!members || !arena_array_grow(&d->subsets, d->subset_count, &d->subset_capacity,
                                      sizeof *d->subsets, job))
        goto no_memory;
    memcpy(members, d->gathered, count * sizeof *members);
    d->subsets[d->subset_count] = (struct subset){members, count};
    *slot = ++d->subset_count;
    return d->subset_count - 1;
no_memory:
    fail_memory(d->maker);
    return UINT32_MAX;
}

/* Where the behaviour of the set may change: sorted, each once. */
static size_t find_bounds(struct determiniser *d, const struct subset *subset)
{
    size_t count = 0, need = 0, kept = 0;
    for (uint32_t i = 0; i < subset->count; i++)
        need += 2 * d->nfa->states[subset->members[i]].range_count;
    if (need > d->bound_capacity) {
        d->bounds = arena_alloc_array(d->maker->job, 2 * need, sizeof *d->bounds);
        d->bound_capacity = d->bounds ? 2 * need : 0;
        if (!d->bounds) fail_memory(d->maker);
    }
    if (d->maker->status != OK) return 0;
    for (uint32_t i = 0; i < subset->count; i++) {
        const struct nfa_state *state = &d->nfa->states[subset->members[i]];
        for (size_t r = 0; r < state->range_count; r++) {
            d->bounds[count++] = state->ranges[r].first;
            d->bounds[count++] = state->ranges[r].last + 1;
        }
    }
    if (count) qsort(d->bounds, count, sizeof *d->bounds, compare_numbers);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || d->bounds[i] != d->bounds[kept - 1]) d->bounds[kept++] = d->bounds[i];
    return kept;
}

static bool state_reads(const struct nfa_state *state, uint32_t character)
{
    for (size_t r = 0; r < state->range_count; r++)
        if (character >= state->ranges[r].first && character <= state->ranges[r].last) return true;
    return false;
}

static void expand_subset(struct determiniser *d, uint32_t number)
{
    struct subset subset = d->subsets[number];
    size_t bounds = find_bounds(d, &subset);
    struct regular_state *state = &d->language->states[number];
    state->edges = arena_alloc_array(d->maker->job, bounds + 1, sizeof *state->edges);
    if (!state->edges) fail_memory(d->maker);
    for (size_t b = 0; b + 1 < bounds && d->maker->status == OK; b++) {
        uint32_t count = 0;
        d->mark++;
        for (uint32_t i = 0; i < subset.count; i++) {
            const struct nfa_state *from = &d->nfa->states[subset.members[i]];
            if (state_reads(from, d->bounds[b])) count = gather(d, from->next, count);
        }
        if (count == 0) continue;
        uint32_t target = intern(d, count);
        if (target == UINT32_MAX) return;
        state->edges[state->edge_count++] =
            (struct regular_edge){d->bounds[b], d->bounds[b + 1] - 1, target};
    }
}

/* The accepting state of the nondeterministic automaton is the one that leads to itself. */
static struct regular *determinise(struct maker *maker, const struct nfa *nfa, uint32_t start,
                                   uint32_t accepting)
{
    struct arena *job = maker->job;
    struct determiniser d = {.nfa = nfa, .maker = maker, .mark = 1};
    d.language = arena_alloc(job, sizeof *d.language);
    d.stack = arena_alloc_array(job, 2 * (size_t)nfa->count + 2, sizeof *d.stack);
    d.marks = arena_alloc_array(job, nfa->count, sizeof *d.marks);
    d.gathered = arena_alloc_array(job, nfa->count, sizeof *d.gathered);
    if (!d.language || !d.stack || !d.marks || !d.gathered) return fail_memory(maker);
    intern(&d, gather(&d, start, 0));
    for (uint32_t i = 0; i < d.subset_count && maker->status == OK; i++) {
        if (!arena_array_grow(&d.language->states, i, &d.state_capacity, sizeof *d.language->states,
                              job))
            return fail_memory(maker);
        const struct subset *subset = &d.subsets[i];
        d.language->states[i] = (struct regular_state){.edges = NULL};
        for (uint32_t m = 0; m < subset->count; m++)
            if (subset->members[m] == accepting) d.language->states[i].accepts = true;
        expand_subset(&d, i);
    }
    d.language->state_count = d.subset_count;
    return maker->status == OK ? d.language : NULL;
}

/* ---- anchors away ---- */

static uint32_t target_on(const struct regular_state *state, uint32_t character)
{
    for (uint32_t e = 0; e < state->edge_count; e++)
        if (state->edges[e].first <= character && state->edges[e].last >= character)
            return state->edges[e].target;
    return UINT32_MAX;
}

/* From the texts with BEGIN and END around them to those between: a copy of the start's successor
 * goes first, and what accepts after END accepts. */
static struct regular *drop_anchors(struct maker *maker, const struct regular *anchored)
{
    struct regular *language = arena_alloc(maker->job, sizeof *language);
    if (!language) return fail_memory(maker);
    uint32_t start = target_on(&anchored->states[0], BEGIN);
    if (start == UINT32_MAX) return language;
    language->state_count = anchored->state_count + 1;
    language->states =
        arena_alloc_array(maker->job, language->state_count, sizeof *language->states);
    if (!language->states) return fail_memory(maker);
    for (uint32_t i = 0; i < language->state_count; i++) {
        const struct regular_state *from = &anchored->states[i ? i - 1 : start];
        struct regular_state *to = &language->states[i];
        uint32_t end = target_on(from, END);
        to->accepts = end != UINT32_MAX && anchored->states[end].accepts;
        to->edges = arena_alloc_array(maker->job, (size_t)from->edge_count + 1, sizeof *to->edges);
        if (!to->edges) return fail_memory(maker);
        for (uint32_t e = 0; e < from->edge_count; e++) {
            struct regular_edge edge = from->edges[e];
            if (edge.first > REGULAR_LAST_CHARACTER) continue;
            if (edge.last > REGULAR_LAST_CHARACTER) edge.last = REGULAR_LAST_CHARACTER;
            edge.target++;
            to->edges[to->edge_count++] = edge;
        }
    }
    return language;
}

/* ---- all of it ---- */

/* (anything)* tree (anything)* */
static struct regular *make(struct maker *maker, const struct node *tree)
{
    static const struct range ALL = {0, END};
    static struct node all = {.kind = NODE_SET, .ranges = &ALL, .range_count = 1};
    const struct node anything = {.kind = NODE_REPEAT, .left = &all, .most = UINT32_MAX};
    struct nfa nfa = {.maker = maker};
    uint32_t accepting = nfa_split(&nfa, 0, UINT32_MAX);
    if (maker->status != OK) return NULL;
    nfa.states[accepting].next = accepting;
    uint32_t rest = nfa_build(&nfa, &anything, accepting);
    uint32_t start = nfa_build(&nfa, &anything, nfa_build(&nfa, tree, rest));
    if (maker->status != OK) return NULL;
    struct regular *anchored = determinise(maker, &nfa, start, accepting);
    return anchored ? drop_anchors(maker, anchored) : NULL;
}

enum status regular_tree_compile(struct regular **out, const struct node *tree, struct arena *job,
                                 struct fault *fault)
{
    struct maker maker = {.job = job, .fault = fault};
    struct regular *language = make(&maker, tree);
    if (!language) return maker.status;
    TRY(regular_trim(language, job, fault));
    return regular_minimise(out, language, job, fault);
}
