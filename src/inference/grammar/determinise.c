/* determinise.c - from any number of states at once to one. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/automaton.h"
#include "inference/grammar/dfa.h"

enum {
    DENSE_SET = 32,    /* states from which on a set may be dense, */
    DENSE_SPREAD = 16, /* if their numbers lie so close on average */
    FEW_EDGES = 16,    /* are sorted by insertion */
};

void dfa_deinit(struct dfa *dfa)
{
    free(dfa->states);
    free(dfa->edges);
    free(dfa->calls);
    *dfa = (struct dfa){0};
}

void dfa_clear(struct dfa *dfa)
{
    dfa->state_count = dfa->edge_count = dfa->call_count = 0;
}

bool dfa_add_state(struct dfa *dfa, bool accepts)
{
    if (!ARRAY_MORE(dfa->states, dfa->state_count, dfa->state_capacity, 1)) return false;
    dfa->states[dfa->state_count++] = (struct dfa_state){
        .first_edge = dfa->edge_count, .first_call = dfa->call_count, .accepts = accepts};
    return true;
}

/* Neighbours with one target are one edge. */
bool dfa_add_edge(struct dfa *dfa, struct dfa_edge edge)
{
    struct dfa_state *state = &dfa->states[dfa->state_count - 1];
    if (state->edge_count) {
        struct dfa_edge *last = &dfa->edges[dfa->edge_count - 1];
        if (last->target == edge.target && last->last + 1 == edge.first) {
            last->last = edge.last;
            return true;
        }
    }
    if (!ARRAY_MORE(dfa->edges, dfa->edge_count, dfa->edge_capacity, 1)) return false;
    dfa->edges[dfa->edge_count++] = edge;
    state->edge_count++;
    return true;
}

bool dfa_add_call(struct dfa *dfa, struct dfa_call call)
{
    if (!ARRAY_MORE(dfa->calls, dfa->call_count, dfa->call_capacity, 1)) return false;
    dfa->calls[dfa->call_count++] = call;
    dfa->states[dfa->state_count - 1].call_count++;
    return true;
}

/* The set of NFA states behind a DFA state. */
struct state_set {
    uint32_t first, count; /* in items */
    uint32_t hash;
};

struct determinising {
    const struct nfa *nfa;
    uint32_t *edges_from; /* of each NFA state: its edges in `edges`; one more at the end */
    const struct nfa_edge **edges;
    bool *matters; /* NFA states that have more than empty edges: only these make sets differ */
    uint32_t *mark, stamp;
    uint32_t *stack;
    uint32_t *set_of; /* of each NFA state: the DFA state of what it alone leads to, plus one */

    struct state_set *sets; /* of each DFA state */
    uint32_t set_count, set_capacity;
    uint32_t *items;
    uint32_t item_count, item_capacity;
    uint32_t *slots; /* hash table: set + 1 */
    uint32_t slot_count;

    const struct nfa_edge **out; /* edges that leave the set at hand */
    uint32_t out_count, out_capacity;
    const struct nfa_edge **sorted;
    uint32_t sorted_capacity;
    uint32_t *targets;
    uint32_t target_count, target_capacity;
    uint64_t work_left;
};

static bool index_edges(struct determinising *d)
{
    const struct nfa *nfa = d->nfa;
    d->edges_from = calloc((size_t)nfa->state_count + 2, sizeof *d->edges_from);
    d->edges = calloc((size_t)nfa->edge_count + 1, sizeof *d->edges);
    d->matters = calloc(nfa->state_count, sizeof *d->matters);
    d->mark = calloc(nfa->state_count, sizeof *d->mark);
    d->stack = calloc(nfa->state_count, sizeof *d->stack);
    d->set_of = calloc(nfa->state_count, sizeof *d->set_of);
    if (!d->edges_from || !d->edges || !d->matters || !d->mark || !d->stack || !d->set_of)
        return false;
    for (uint32_t i = 0; i < nfa->edge_count; i++) d->edges_from[nfa->edges[i].from + 2]++;
    for (uint32_t i = 0; i < nfa->state_count; i++) d->edges_from[i + 2] += d->edges_from[i + 1];
    for (uint32_t i = 0; i < nfa->edge_count; i++) {
        const struct nfa_edge *edge = &nfa->edges[i];
        d->edges[d->edges_from[edge->from + 1]++] = edge;
        d->matters[edge->from] |= edge->label != NFA_EMPTY;
    }
    d->matters[NFA_ACCEPT] = true;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Append the states that matter and are reached from `from` by empty edges, unless marked. */
static bool close_over_empty(struct determinising *d, uint32_t from)
{
    uint32_t depth = 0;
    if (d->mark[from] == d->stamp) return true;
    d->mark[from] = d->stamp;
    d->stack[depth++] = from;
    while (depth) {
        uint32_t state = d->stack[--depth];
        if (d->matters[state]) {
            if (!ARRAY_MORE(d->items, d->item_count, d->item_capacity, 1)) return false;
            d->items[d->item_count++] = state;
        }
        for (uint32_t i = d->edges_from[state]; i < d->edges_from[state + 1]; i++) {
            const struct nfa_edge *edge = d->edges[i];
            if (edge->label != NFA_EMPTY || d->mark[edge->to] == d->stamp) continue;
            d->mark[edge->to] = d->stamp;
            d->stack[depth++] = edge->to;
        }
    }
    return true;
}

static bool sets_equal(const struct determinising *d, const struct state_set *a,
                       const struct state_set *b)
{
    if (a->count != b->count) return false;
    return a->count == 0 ||
           memcmp(d->items + a->first, d->items + b->first, a->count * sizeof *d->items) == 0;
}

static uint32_t *find_set(const struct determinising *d, const struct state_set *set)
{
    uint32_t mask = d->slot_count - 1;
    for (uint32_t i = set->hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &d->slots[i];
        if (*slot == 0) return slot;
        const struct state_set *other = &d->sets[*slot - 1];
        if (other->hash == set->hash && sets_equal(d, other, set)) return slot;
    }
}

static bool grow_slots(struct determinising *d)
{
    if (d->set_count * 2 < d->slot_count) return true;
    uint32_t grown = d->slot_count ? d->slot_count * 2 : 256;
    uint32_t *fresh = calloc(grown, sizeof *fresh);
    if (!fresh) return false;
    free(d->slots);
    d->slots = fresh;
    d->slot_count = grown;
    for (uint32_t i = 0; i < d->set_count; i++) *find_set(d, &d->sets[i]) = i + 1;
    return true;
}

/* The states that were reached last, in order. A large set is mostly dense: then it is read off the
 * marks. */
static void sort_reached(struct determinising *d, uint32_t first, uint32_t count)
{
    if (count < 2) return;
    uint32_t *items = d->items + first;
    uint32_t least = UINT32_MAX, most = 0, kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i] < least) least = items[i];
        if (items[i] > most) most = items[i];
    }
    if (count < DENSE_SET || most - least > DENSE_SPREAD * count) {
        qsort(items, count, sizeof *items, by_number);
        return;
    }
    for (uint32_t state = least; state <= most; state++)
        if (d->mark[state] == d->stamp && d->matters[state]) items[kept++] = state;
}

static void work(struct determinising *d, uint64_t steps)
{
    d->work_left = steps < d->work_left ? d->work_left - steps : 0;
}

/* The DFA state of the set that d->targets lead to; a new one when it was not seen before. */
static bool number_set(struct determinising *d, uint32_t *number)
{
    struct state_set set = {.first = d->item_count, .hash = 2166136261u};
    d->stamp++;
    for (uint32_t i = 0; i < d->target_count; i++)
        if (!close_over_empty(d, d->targets[i])) return false;
    set.count = d->item_count - set.first;
    work(d, set.count * 4);
    sort_reached(d, set.first, set.count);
    for (uint32_t i = 0; i < set.count; i++)
        set.hash = (set.hash ^ d->items[set.first + i]) * 16777619u;
    set.hash ^= set.hash >> 15;
    if (!grow_slots(d)) return false;
    uint32_t *slot = find_set(d, &set);
    if (*slot) {
        d->item_count = set.first;
        *number = *slot - 1;
        return true;
    }
    if (!ARRAY_MORE(d->sets, d->set_count, d->set_capacity, 1)) return false;
    d->sets[d->set_count++] = set;
    *slot = d->set_count;
    *number = d->set_count - 1;
    return true;
}

/* The same; mostly there is one target, and it was seen before. */
static bool number_targets(struct determinising *d, uint32_t *number)
{
    uint32_t first = d->targets[0], *known = &d->set_of[first];
    for (uint32_t i = 1; i < d->target_count; i++)
        if (d->targets[i] != first) return number_set(d, number);
    if (*known == 0) {
        if (!number_set(d, known)) return false;
        ++*known;
    }
    *number = *known - 1;
    return true;
}

/* All byte edges, then all calls, that leave the set. */
static bool gather_out(struct determinising *d, struct state_set set, enum nfa_label label)
{
    d->out_count = 0;
    for (uint32_t i = 0; i < set.count; i++) {
        uint32_t state = d->items[set.first + i];
        for (uint32_t j = d->edges_from[state]; j < d->edges_from[state + 1]; j++) {
            if (d->edges[j]->label != label) continue;
            if (!ARRAY_MORE(d->out, d->out_count, d->out_capacity, 1)) return false;
            d->out[d->out_count++] = d->edges[j];
        }
    }
    return ARRAY_MORE(d->targets, 0, d->target_capacity, d->out_count + 1);
}

/* The byte edges in d->out in order of their first bytes, into d->sorted. */
static bool sort_out(struct determinising *d)
{
    if (!ARRAY_MORE(d->sorted, 0, d->sorted_capacity, d->out_count + 1)) return false;
    if (d->out_count <= FEW_EDGES) {
        for (uint32_t i = 0, at; i < d->out_count; i++) {
            for (at = i; at > 0 && d->sorted[at - 1]->first > d->out[i]->first; at--)
                d->sorted[at] = d->sorted[at - 1];
            d->sorted[at] = d->out[i];
        }
        return true;
    }
    uint32_t from[257] = {0}; /* counted, then put where they belong */
    for (uint32_t i = 0; i < d->out_count; i++) from[d->out[i]->first + 1]++;
    for (unsigned byte = 0; byte < 256; byte++) from[byte + 1] += from[byte];
    for (uint32_t i = 0; i < d->out_count; i++) d->sorted[from[d->out[i]->first]++] = d->out[i];
    return true;
}

/* From where an edge begins or has ended to the next such place the same edges are open. */
static bool put_edges(struct determinising *d, struct dfa *dfa, struct state_set set)
{
    uint32_t begun = 0, open = 0;
    if (!gather_out(d, set, NFA_BYTES) || !sort_out(d)) return false;
    for (unsigned first = 0, next; first < 256 && d->work_left; first = next) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < open; i++)
            if (d->out[i]->last >= first) d->out[kept++] = d->out[i];
        open = kept;
        if (open == 0 && begun == d->out_count) break;
        if (open == 0) first = d->sorted[begun]->first;
        while (begun < d->out_count && d->sorted[begun]->first == first)
            d->out[open++] = d->sorted[begun++];
        next = begun < d->out_count ? d->sorted[begun]->first : 256;
        for (uint32_t i = 0; i < open; i++) {
            if (d->out[i]->last + 1u < next) next = d->out[i]->last + 1u;
            d->targets[i] = d->out[i]->to;
        }
        work(d, open + 1);
        d->target_count = open;
        struct dfa_edge edge = {.first = (unsigned char)first, .last = (unsigned char)(next - 1)};
        if (!number_targets(d, &edge.target) || !dfa_add_edge(dfa, edge)) return false;
    }
    return true;
}

static int by_symbol(const void *a, const void *b)
{
    const struct nfa_edge *x = *(const struct nfa_edge *const *)a;
    const struct nfa_edge *y = *(const struct nfa_edge *const *)b;
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static bool put_calls(struct determinising *d, struct dfa *dfa, struct state_set set)
{
    if (!gather_out(d, set, NFA_CALL)) return false;
    if (d->out_count > 1) qsort(d->out, d->out_count, sizeof(const void *), by_symbol);
    for (uint32_t i = 0; i < d->out_count;) {
        struct dfa_call call = {.symbol = d->out[i]->symbol};
        d->target_count = 0;
        for (; i < d->out_count && d->out[i]->symbol == call.symbol; i++)
            d->targets[d->target_count++] = d->out[i]->to;
        if (!number_targets(d, &call.target) || !dfa_add_call(dfa, call)) return false;
    }
    return true;
}

static bool holds_accept(const struct determinising *d, struct state_set set)
{
    for (uint32_t i = 0; i < set.count; i++)
        if (d->items[set.first + i] == NFA_ACCEPT) return true;
    return false;
}

static enum status expand_sets(struct determinising *d, struct dfa *dfa, uint32_t most_states,
                               struct fault *fault)
{
    for (uint32_t i = 0; i < d->set_count; i++) {
        if (d->set_count > most_states || d->work_left == 0)
            return fault_set(fault, STATUS_TOO_LARGE,
                             "the grammar needs more than %d states, or is too ambiguous",
                             GRAMMAR_STATES_MAX);
        struct state_set set = d->sets[i];
        if (!dfa_add_state(dfa, holds_accept(d, set)) || !put_edges(d, dfa, set) ||
            !put_calls(d, dfa, set))
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar");
    }
    return OK;
}

enum status dfa_determinise(struct dfa *dfa, const struct nfa *nfa, uint32_t most_states,
                            uint64_t *work_left, struct fault *fault)
{
    enum status status = OK;
    uint32_t start;
    struct determinising d = {.nfa = nfa, .work_left = *work_left};
    dfa_clear(dfa);
    if (!index_edges(&d) || !ARRAY_MORE(d.targets, 0, d.target_capacity, 1))
        TRY_DONE(fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar"));
    d.targets[0] = NFA_START;
    d.target_count = 1;
    if (!number_targets(&d, &start))
        TRY_DONE(fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar"));
    work(&d, nfa->edge_count);
    TRY_DONE(expand_sets(&d, dfa, most_states, fault));
done:
    *work_left = d.work_left;
    free(d.edges_from);
    free(d.edges);
    free(d.matters);
    free(d.mark);
    free(d.stack);
    free(d.set_of);
    free(d.sets);
    free(d.items);
    free(d.slots);
    free(d.out);
    free(d.sorted);
    free(d.targets);
    return status;
}
