/* regular.c - automata: trimming, products, simple languages, questions. See regular.h. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/regular_private.h"

enum { NOWHERE = UINT32_MAX };

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
}

static enum status too_large(struct fault *fault)
{
    return fault_set(fault, STATUS_TOO_LARGE, "needs an automaton of more than %d states",
                     REGULAR_STATE_LIMIT);
}

/* ---- pairs of states, numbered as they turn up ---- */

struct pair {
    uint32_t a, b; /* NOWHERE: that automaton has refused */
};

struct pairs {
    struct pair *items; /* by number */
    uint32_t *table;    /* of numbers plus one; its size a power of two */
    uint32_t count, capacity, table_size;
    struct arena *job;
};

static uint32_t *pair_slot(const struct pairs *pairs, struct pair pair)
{
    uint64_t hash = ((uint64_t)pair.a << 32 | pair.b) * 0x9E3779B97F4A7C15u;
    uint32_t mask = pairs->table_size - 1, at = (uint32_t)(hash >> 32) & mask;
    for (; pairs->table[at]; at = (at + 1) & mask) {
        const struct pair *known = &pairs->items[pairs->table[at] - 1];
        if (known->a == pair.a && known->b == pair.b) break;
    }
    return &pairs->table[at];
}

static bool pairs_grow_table(struct pairs *pairs)
{
    if (2 * pairs->count < pairs->table_size) return true;
    pairs->table_size = pairs->table_size ? 2 * pairs->table_size : 64;
    pairs->table = arena_alloc_array(pairs->job, pairs->table_size, sizeof *pairs->table);
    if (!pairs->table) return false;
    for (uint32_t i = 0; i < pairs->count; i++) *pair_slot(pairs, pairs->items[i]) = i + 1;
    return true;
}

static enum status pair_number(struct pairs *pairs, struct pair pair, uint32_t *number,
                               struct fault *fault)
{
    if (!pairs_grow_table(pairs)) return no_memory(fault);
    uint32_t *slot = pair_slot(pairs, pair);
    if (!*slot) {
        if (pairs->count == REGULAR_STATE_LIMIT) return too_large(fault);
        if (!arena_array_grow(&pairs->items, pairs->count, &pairs->capacity, sizeof pair,
                              pairs->job))
            return no_memory(fault);
        pairs->items[pairs->count++] = pair;
        *slot = pairs->count;
    }
    *number = *slot - 1;
    return OK;
}

/* ---- trimming ---- */

bool regular_reverse(const struct regular *language, struct reversed_edges *out, struct arena *job)
{
    uint32_t count = language->state_count;
    size_t edges = 0;
    for (uint32_t i = 0; i < count; i++) edges += language->states[i].edge_count;
    uint32_t *offsets = arena_alloc_array(job, (size_t)count + 2, sizeof *offsets);
    uint32_t *sources = arena_alloc_array(job, edges + 1, sizeof *sources);
    if (!offsets || !sources) return false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = 0; e < language->states[i].edge_count; e++)
            offsets[language->states[i].edges[e].target + 2]++;
    for (uint32_t i = 2; i < count + 2; i++) offsets[i] += offsets[i - 1];
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = 0; e < language->states[i].edge_count; e++)
            sources[offsets[language->states[i].edges[e].target + 1]++] = i;
    *out = (struct reversed_edges){offsets, sources};
    return true;
}

/* Which states lead to an accepting one: a walk backwards. */
static bool *find_useful(const struct regular *language, struct arena *job)
{
    uint32_t count = language->state_count, pending = 0;
    bool *useful = arena_alloc_array(job, count, sizeof *useful);
    uint32_t *todo = arena_alloc_array(job, count, sizeof *todo);
    struct reversed_edges into;
    if (!useful || !todo || !regular_reverse(language, &into, job)) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        useful[i] = language->states[i].accepts;
        if (useful[i]) todo[pending++] = i;
    }
    while (pending > 0) {
        uint32_t state = todo[--pending];
        for (uint32_t s = into.from[state]; s < into.from[state + 1]; s++) {
            if (useful[into.sources[s]]) continue;
            useful[into.sources[s]] = true;
            todo[pending++] = into.sources[s];
        }
    }
    return useful;
}

/* Leave only those that can be reached too. */
static bool keep_reachable(const struct regular *language, bool *useful, struct arena *job)
{
    bool *reached = arena_alloc_array(job, language->state_count, sizeof *reached);
    uint32_t *todo = arena_alloc_array(job, language->state_count, sizeof *todo);
    if (!reached || !todo) return false;
    uint32_t pending = 1;
    reached[0] = true;
    while (pending > 0) {
        const struct regular_state *state = &language->states[todo[--pending]];
        for (uint32_t e = 0; e < state->edge_count; e++) {
            uint32_t target = state->edges[e].target;
            if (reached[target]) continue;
            reached[target] = true;
            todo[pending++] = target;
        }
    }
    for (uint32_t i = 0; i < language->state_count; i++) useful[i] &= reached[i];
    return true;
}

void regular_add_edge(struct regular_state *state, struct regular_edge edge)
{
    struct regular_edge *last = state->edge_count ? &state->edges[state->edge_count - 1] : NULL;
    if (last && last->target == edge.target && last->last + 1 == edge.first)
        last->last = edge.last;
    else
        state->edges[state->edge_count++] = edge;
}

enum status regular_trim(struct regular *language, struct arena *job, struct fault *fault)
{
    uint32_t count = language->state_count;
    if (count == 0) return OK;
    bool *useful = find_useful(language, job);
    uint32_t *number = arena_alloc_array(job, count, sizeof *number);
    if (!useful || !number || !keep_reachable(language, useful, job)) return no_memory(fault);
    if (!useful[0]) {
        language->state_count = 0;
        return OK;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (useful[i]) number[i] = kept++;
    for (uint32_t i = 0; i < count; i++) {
        if (!useful[i]) continue;
        struct regular_state state = language->states[i];
        uint32_t edge_count = state.edge_count;
        state.edge_count = 0;
        for (uint32_t e = 0; e < edge_count; e++) {
            struct regular_edge edge = state.edges[e];
            if (!useful[edge.target]) continue;
            edge.target = number[edge.target];
            regular_add_edge(&state, edge);
        }
        language->states[number[i]] = state;
    }
    language->state_count = kept;
    return OK;
}

/* ---- products ---- */

/* Where `state` goes on the character, and how far the same holds; *at moves along the edges. */
static uint32_t follow(const struct regular *language, uint32_t state, uint32_t character,
                       uint32_t *at, uint32_t *last)
{
    if (state == NOWHERE) return NOWHERE;
    const struct regular_state *from = &language->states[state];
    while (*at < from->edge_count && from->edges[*at].last < character) ++*at;
    if (*at == from->edge_count) return NOWHERE;
    const struct regular_edge *edge = &from->edges[*at];
    if (edge->first > character) {
        if (edge->first - 1 < *last) *last = edge->first - 1;
        return NOWHERE;
    }
    if (edge->last < *last) *last = edge->last;
    return edge->target;
}

static uint32_t edge_count_of(const struct regular *language, uint32_t state)
{
    return state == NOWHERE ? 0 : language->states[state].edge_count;
}

static bool accepts_at(const struct regular *language, uint32_t state)
{
    return state != NOWHERE && language->states[state].accepts;
}

/* Can anything come of the pair? */
static bool pair_matters(uint32_t a, uint32_t b, enum regular_operation operation)
{
    switch (operation) {
    case REGULAR_BOTH: return a != NOWHERE && b != NOWHERE;
    case REGULAR_EITHER: return a != NOWHERE || b != NOWHERE;
    default: return a != NOWHERE;
    }
}

static bool pair_accepts(bool a, bool b, enum regular_operation operation)
{
    switch (operation) {
    case REGULAR_BOTH: return a && b;
    case REGULAR_EITHER: return a || b;
    default: return a && !b;
    }
}

static enum status expand_pair(struct regular_state *state, const struct regular *a,
                               const struct regular *b, struct pair in,
                               enum regular_operation operation, struct pairs *pairs,
                               struct fault *fault)
{
    size_t bound = 2 * ((size_t)edge_count_of(a, in.a) + edge_count_of(b, in.b)) + 1;
    state->edges = arena_alloc_array(pairs->job, bound, sizeof *state->edges);
    if (!state->edges) return no_memory(fault);
    state->accepts = pair_accepts(accepts_at(a, in.a), accepts_at(b, in.b), operation);
    uint32_t at_a = 0, at_b = 0;
    for (uint32_t first = 0; first <= REGULAR_LAST_CHARACTER;) {
        uint32_t last = REGULAR_LAST_CHARACTER, target;
        struct pair to;
        to.a = follow(a, in.a, first, &at_a, &last);
        to.b = follow(b, in.b, first, &at_b, &last);
        if (pair_matters(to.a, to.b, operation)) {
            TRY(pair_number(pairs, to, &target, fault));
            regular_add_edge(state, (struct regular_edge){first, last, target});
        }
        first = last + 1;
    }
    return OK;
}

enum status regular_combine(struct regular **out, const struct regular *a, const struct regular *b,
                            enum regular_operation operation, struct arena *job,
                            struct fault *fault)
{
    struct pairs pairs = {.job = job};
    struct regular *language = arena_alloc(job, sizeof *language);
    if (!language) return no_memory(fault);
    *out = language;
    struct pair start = {a->state_count ? 0 : NOWHERE, b->state_count ? 0 : NOWHERE};
    uint32_t number, capacity = 0;
    if (!pair_matters(start.a, start.b, operation)) return OK;
    TRY(pair_number(&pairs, start, &number, fault));
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (!arena_array_grow(&language->states, i, &capacity, sizeof *language->states, job))
            return no_memory(fault);
        language->states[i] = (struct regular_state){.edges = NULL};
        TRY(expand_pair(&language->states[i], a, b, pairs.items[i], operation, &pairs, fault));
        language->state_count = i + 1;
    }
    return regular_trim(language, job, fault);
}

/* ---- simple languages ---- */

enum status regular_length(struct regular **out, size_t least, size_t most, struct arena *job,
                           struct fault *fault)
{
    bool bounded = most != SIZE_MAX;
    size_t last = bounded ? most : least;
    struct regular *language = arena_alloc(job, sizeof *language);
    if (!language) return no_memory(fault);
    *out = language;
    if (least > most) return OK;
    if (last >= REGULAR_STATE_LIMIT) return too_large(fault);
    language->state_count = (uint32_t)last + 1;
    language->states = arena_alloc_array(job, last + 1, sizeof *language->states);
    struct regular_edge *edges = arena_alloc_array(job, last + 1, sizeof *edges);
    if (!language->states || !edges) return no_memory(fault);
    for (size_t i = 0; i <= last; i++) {
        uint32_t target = (uint32_t)(i < last ? i + 1 : last);
        edges[i] = (struct regular_edge){0, REGULAR_LAST_CHARACTER, target};
        bool goes_on = i < last || !bounded;
        language->states[i] = (struct regular_state){
            .edges = &edges[i], .edge_count = goes_on, .accepts = i >= least};
    }
    return OK;
}

/* A tree of the texts; its edges are sorted at the end. */
static enum status plant(struct regular *tree, struct text text, struct arena *job,
                         struct fault *fault)
{
    uint32_t at = 0, character;
    for (size_t i = 0; i < text.length;) {
        size_t bytes = utf8_decode(text.data + i, text.length - i, &character);
        if (bytes == 0) return fault_set(fault, STATUS_INVALID, "has a text that is no UTF-8");
        i += bytes;
        struct regular_state *state = &tree->states[at];
        uint32_t e = 0;
        while (e < state->edge_count && state->edges[e].first != character) e++;
        if (e == state->edge_count) {
            if (tree->state_count == REGULAR_STATE_LIMIT) return too_large(fault);
            if ((e & (e - 1)) == 0) { /* full at each power of two */
                struct regular_edge *more = arena_alloc_array(job, e ? 2 * e : 1, sizeof *more);
                if (!more) return no_memory(fault);
                if (e) memcpy(more, state->edges, e * sizeof *more);
                state->edges = more;
            }
            state->edges[state->edge_count++] =
                (struct regular_edge){character, character, tree->state_count++};
        }
        at = state->edges[e].target;
    }
    tree->states[at].accepts = true;
    return OK;
}

static int compare_edges(const void *a, const void *b)
{
    uint32_t x = ((const struct regular_edge *)a)->first;
    uint32_t y = ((const struct regular_edge *)b)->first;
    return x < y ? -1 : x > y;
}

enum status regular_texts(struct regular **out, const struct text *texts, size_t count,
                          struct arena *job, struct fault *fault)
{
    size_t states = 1;
    for (size_t i = 0; i < count && states < REGULAR_STATE_LIMIT; i++) states += texts[i].length;
    if (states > REGULAR_STATE_LIMIT) states = REGULAR_STATE_LIMIT;
    struct regular *tree = arena_alloc(job, sizeof *tree);
    if (!tree) return no_memory(fault);
    *out = tree;
    if (count == 0) return OK;
    tree->states = arena_alloc_array(job, states, sizeof *tree->states);
    if (!tree->states) return no_memory(fault);
    tree->state_count = 1;
    for (size_t i = 0; i < count; i++) TRY(plant(tree, texts[i], job, fault));
    for (uint32_t i = 0; i < tree->state_count; i++)
        if (tree->states[i].edge_count > 1)
            qsort(tree->states[i].edges, tree->states[i].edge_count, sizeof(struct regular_edge),
                  compare_edges);
    return OK;
}

enum status regular_copy(struct regular **out, const struct regular *language, struct arena *job,
                         struct fault *fault)
{
    size_t edge_count = 0;
    for (uint32_t i = 0; i < language->state_count; i++)
        edge_count += language->states[i].edge_count;
    struct regular *copy = arena_alloc(job, sizeof *copy);
    struct regular_state *states =
        arena_alloc_array(job, (size_t)language->state_count + 1, sizeof *states);
    struct regular_edge *edges = arena_alloc_array(job, edge_count + 1, sizeof *edges);
    if (!copy || !states || !edges) return no_memory(fault);
    *copy = (struct regular){states, language->state_count};
    for (uint32_t i = 0; i < language->state_count; i++) {
        states[i] = language->states[i];
        states[i].edges = edges;
        for (uint32_t e = 0; e < states[i].edge_count; e++) *edges++ = language->states[i].edges[e];
    }
    *out = copy;
    return OK;
}

/* ---- questions ---- */

bool regular_is_empty(const struct regular *language)
{
    return language->state_count == 0;
}

bool regular_accepts_all(const struct regular *language, uint32_t state)
{
    const struct regular_state *s = &language->states[state];
    return s->accepts && s->edge_count == 1 && s->edges[0].target == state &&
           s->edges[0].first == 0 && s->edges[0].last == REGULAR_LAST_CHARACTER;
}

uint32_t regular_next(const struct regular *language, uint32_t state, uint32_t character)
{
    uint32_t at = 0, last = REGULAR_LAST_CHARACTER;
    return follow(language, state, character, &at, &last);
}

bool regular_accepts(const struct regular *language, struct text text)
{
    uint32_t state = 0;
    if (language->state_count == 0) return false;
    for (size_t i = 0; i < text.length;) {
        uint32_t character;
        size_t bytes = utf8_decode(text.data + i, text.length - i, &character);
        if (bytes == 0) return false;
        i += bytes;
        state = regular_next(language, state, character);
        if (state == NOWHERE) return false;
    }
    return language->states[state].accepts;
}
