/* regular_minimise.c - the same language in the fewest states.
 *
 * Most automata here are trees of names, or texts with a length: from most states no cycle can be
 * reached before all that could still be decided is. Such states are told apart in one pass from
 * their ends (Revuz, "Minimisation of acyclic deterministic automata in linear time", 1992). The
 * others take rounds (Moore 1956); in each only those states are looked at again that lead to one
 * whose class has changed, and the largest part of a class keeps its number (Hopcroft 1971). */
#include <string.h>

#include "inference/grammar/regular_private.h"

enum { UNKNOWN = UINT32_MAX };

struct minimiser {
    const struct regular *language;
    struct arena *job;
    struct reversed_edges into;
    uint32_t *class_of; /* of each state */
    uint32_t class_count;
    bool *is_cyclic; /* a cycle can be reached before all is decided */
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

/* ---- what a state does, by the classes found so far ---- */

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

/* ---- states from which all is accepted ---- */

static bool covers_all_characters(const struct regular_state *state)
{
    uint32_t next = 0;
    for (uint32_t e = 0; e < state->edge_count && state->edges[e].first == next; e++)
        next = state->edges[e].last + 1;
    return next == REGULAR_LAST_CHARACTER + 1;
}

/* All that might be universal, less those that lead to one that is not. */
static bool *find_universal(const struct minimiser *m)
{
    uint32_t count = m->language->state_count, pending = 0;
    bool *universal = arena_alloc_array(m->job, (size_t)count + 1, sizeof *universal);
    uint32_t *others = arena_alloc_array(m->job, (size_t)count + 1, sizeof *others);
    if (!universal || !others) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct regular_state *state = &m->language->states[i];
        universal[i] = state->accepts && covers_all_characters(state);
        if (!universal[i]) others[pending++] = i;
    }
    while (pending > 0) {
        uint32_t other = others[--pending];
        for (uint32_t s = m->into.from[other]; s < m->into.from[other + 1]; s++) {
            uint32_t source = m->into.sources[s];
            if (!universal[source]) continue;
            universal[source] = false;
            others[pending++] = source;
        }
    }
    return universal;
}

/* ---- states that reach no cycle: from their ends ---- */

/* Each state once all that it leads to is known. What remains is cyclic. */
static bool classify_acyclic(struct minimiser *m)
{
    const struct regular *language = m->language;
    uint32_t count = language->state_count, queued = 0, table_size = 16;
    while (table_size < 2 * count) table_size *= 2;
    uint32_t *open = arena_alloc_array(m->job, (size_t)count + 1, sizeof *open);
    uint32_t *queue = arena_alloc_array(m->job, (size_t)count + 1, sizeof *queue);
    uint32_t *leaders = arena_alloc_array(m->job, (size_t)count + 1, sizeof *leaders);
    uint32_t *table = arena_alloc_array(m->job, table_size, sizeof *table); /* classes, plus one */
    bool *universal = find_universal(m);
    if (!open || !queue || !leaders || !table || !universal) return false;
    for (uint32_t i = 0; i < count; i++) {
        m->is_cyclic[i] = true;
        open[i] = universal[i] ? 0 : language->states[i].edge_count;
        if (open[i] == 0) queue[queued++] = i;
        if (universal[i]) m->class_count = 1; /* all of them: class 0 */
    }
    for (uint32_t next = 0; next < queued; next++) {
        uint32_t self = queue[next];
        const struct regular_state *state = &language->states[self];
        m->is_cyclic[self] = false;
        if (!universal[self]) {
            uint32_t at = (uint32_t)behaviour_hash(state, m->class_of) & (table_size - 1);
            while (table[at] &&
                   !same_behaviour(&language->states[leaders[table[at] - 1]], state, m->class_of))
                at = (at + 1) & (table_size - 1);
            if (!table[at]) {
                leaders[m->class_count] = self;
                table[at] = ++m->class_count;
            }
            m->class_of[self] = table[at] - 1;
        }
        for (uint32_t s = m->into.from[self]; s < m->into.from[self + 1]; s++) {
            uint32_t source = m->into.sources[s];
            if (!universal[source] && --open[source] == 0) queue[queued++] = source;
        }
    }
    return true;
}

/* ---- the others: in rounds ---- */

/* Members of one class that do alike. */
struct group {
    uint32_t class, leader, size, new_class;
    bool has_rest; /* the members that were not looked at are in it */
};

struct refinement {
    struct minimiser *m;
    uint32_t *head, *size;     /* of each class: its first member, how many */
    uint32_t *next, *previous; /* of each state within its class */
    uint32_t *dirty, *later;   /* states to be looked at, in this round and the next */
    uint32_t dirty_count, later_count;
    bool *is_dirty, *is_later;
    uint32_t *dirty_of, *best_of; /* of each class: how many; its largest group, plus one */
    struct group *groups;
    uint32_t group_count, *group_of; /* of each dirty state */
    uint32_t *table, table_mask;     /* of groups, plus one */
};

static void join_class(struct refinement *r, uint32_t state, uint32_t class)
{
    r->previous[state] = UNKNOWN;
    r->next[state] = r->head[class];
    if (r->head[class] != UNKNOWN) r->previous[r->head[class]] = state;
    r->head[class] = state;
    r->size[class]++;
    r->m->class_of[state] = class;
}

static void leave_class(struct refinement *r, uint32_t state)
{
    uint32_t class = r->m->class_of[state], next = r->next[state], previous = r->previous[state];
    if (previous == UNKNOWN)
        r->head[class] = next;
    else
        r->next[previous] = next;
    if (next != UNKNOWN) r->previous[next] = previous;
    r->size[class]--;
}

static bool refinement_init(struct refinement *r)
{
    uint32_t table_size = 16;
    struct arena *job = r->m->job;
    size_t count = (size_t)r->m->language->state_count + 1;
    while (table_size < 4 * count) table_size *= 2;
    uint32_t **const numbers[] = {&r->head,  &r->size,     &r->next,    &r->previous, &r->dirty,
                                  &r->later, &r->dirty_of, &r->best_of, &r->group_of};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        if (!(*numbers[i] = arena_alloc_array(job, count, sizeof(uint32_t)))) return false;
    r->is_dirty = arena_alloc_array(job, count, sizeof *r->is_dirty);
    r->is_later = arena_alloc_array(job, count, sizeof *r->is_later);
    r->groups = arena_alloc_array(job, 2 * count, sizeof *r->groups);
    r->table = arena_alloc_array(job, table_size, sizeof *r->table);
    return r->is_dirty && r->is_later && r->groups && r->table;
}

/* States whose shortest texts differ in length are not alike: without this to begin with, long rows
 * of states would be told apart one state a round. */
static bool begin_with_lengths(struct refinement *r)
{
    struct minimiser *m = r->m;
    uint32_t count = m->language->state_count, queued = 0;
    uint32_t *shortest = arena_alloc_array(m->job, (size_t)count + 1, sizeof *shortest);
    uint32_t *queue = arena_alloc_array(m->job, (size_t)count + 1, sizeof *queue);
    uint32_t *class_of_length = arena_alloc_array(m->job, (size_t)count + 1, sizeof *queue);
    if (!shortest || !queue || !class_of_length) return false;
    for (uint32_t i = 0; i < count; i++) {
        shortest[i] = m->language->states[i].accepts ? 0 : UNKNOWN;
        if (shortest[i] == 0) queue[queued++] = i;
    }
    for (uint32_t next = 0; next < queued; next++) {
        uint32_t self = queue[next];
        for (uint32_t s = m->into.from[self]; s < m->into.from[self + 1]; s++) {
            uint32_t source = m->into.sources[s];
            if (shortest[source] != UNKNOWN) continue;
            shortest[source] = shortest[self] + 1;
            queue[queued++] = source;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!m->is_cyclic[i]) continue;
        uint32_t *class = &class_of_length[shortest[i]];
        if (*class == 0) {
            r->head[m->class_count] = UNKNOWN;
            *class = ++m->class_count;
        }
        join_class(r, i, *class - 1);
        r->dirty[r->dirty_count++] = i;
        r->is_dirty[i] = true;
    }
    return true;
}

static struct group *find_group(struct refinement *r, uint32_t class, uint32_t state)
{
    const struct regular_state *states = r->m->language->states;
    const uint32_t *class_of = r->m->class_of;
    uint32_t at = (uint32_t)mix(behaviour_hash(&states[state], class_of), class) & r->table_mask;
    for (; r->table[at]; at = (at + 1) & r->table_mask) {
        struct group *known = &r->groups[r->table[at] - 1];
        if (known->class == class &&
            same_behaviour(&states[known->leader], &states[state], class_of))
            return known;
    }
    struct group *group = &r->groups[r->group_count++];
    *group = (struct group){.class = class, .leader = state, .new_class = class};
    r->table[at] = r->group_count;
    return group;
}

/* Those members of the class that are not looked at are alike: any of them stands for all. */
static void group_rest(struct refinement *r, uint32_t class)
{
    uint32_t rest = r->size[class] - r->dirty_of[class], member = r->head[class];
    if (rest == 0) return;
    while (r->is_dirty[member]) member = r->next[member];
    struct group *group = find_group(r, class, member);
    group->has_rest = true;
    group->size = rest;
}

static void find_groups(struct refinement *r)
{
    uint32_t *class_of = r->m->class_of;
    r->group_count = 0;
    for (r->table_mask = 15; r->table_mask < 4 * r->dirty_count;)
        r->table_mask = 2 * r->table_mask + 1;
    memset(r->table, 0, ((size_t)r->table_mask + 1) * sizeof *r->table);
    for (uint32_t i = 0; i < r->dirty_count; i++) r->dirty_of[class_of[r->dirty[i]]]++;
    for (uint32_t i = 0; i < r->dirty_count; i++) {
        uint32_t self = r->dirty[i], class = class_of[self];
        if (r->dirty_of[class]) group_rest(r, class);
        r->dirty_of[class] = 0; /* that was the first of them */
        struct group *group = find_group(r, class, self);
        r->group_of[self] = (uint32_t)(group - r->groups);
        group->size++;
    }
}

static void move_state(struct refinement *r, uint32_t state, uint32_t class)
{
    const struct reversed_edges *into = &r->m->into;
    leave_class(r, state);
    join_class(r, state, class);
    for (uint32_t s = into->from[state]; s < into->from[state + 1]; s++) {
        uint32_t source = into->sources[s];
        if (r->is_later[source]) continue;
        r->is_later[source] = true;
        r->later[r->later_count++] = source;
    }
}

/* The largest group of a class keeps its number. */
static void split_classes(struct refinement *r)
{
    for (uint32_t g = 0; g < r->group_count; g++) {
        uint32_t *best = &r->best_of[r->groups[g].class];
        if (*best == 0 || r->groups[g].size > r->groups[*best - 1].size) *best = g + 1;
    }
    for (uint32_t g = 0; g < r->group_count; g++) {
        struct group *group = &r->groups[g];
        if (r->best_of[group->class] == g + 1) continue;
        group->new_class = r->m->class_count++;
        r->head[group->new_class] = UNKNOWN;
        if (!group->has_rest) continue;
        for (uint32_t member = r->head[group->class], next; member != UNKNOWN; member = next) {
            next = r->next[member];
            if (!r->is_dirty[member]) move_state(r, member, group->new_class);
        }
    }
    for (uint32_t i = 0; i < r->dirty_count; i++) {
        const struct group *group = &r->groups[r->group_of[r->dirty[i]]];
        if (group->new_class != group->class) move_state(r, r->dirty[i], group->new_class);
    }
    for (uint32_t g = 0; g < r->group_count; g++) r->best_of[r->groups[g].class] = 0;
}

static void next_round(struct refinement *r)
{
    uint32_t *states = r->dirty;
    bool *flags = r->is_dirty;
    for (uint32_t i = 0; i < r->dirty_count; i++) flags[states[i]] = false;
    r->dirty = r->later;
    r->is_dirty = r->is_later;
    r->dirty_count = r->later_count;
    r->later = states;
    r->is_later = flags;
    r->later_count = 0;
}

static bool classify_cyclic(struct minimiser *m)
{
    struct refinement r = {.m = m};
    bool any = false;
    for (uint32_t i = 0; i < m->language->state_count; i++) any |= m->is_cyclic[i];
    if (!any) return true;
    if (!refinement_init(&r) || !begin_with_lengths(&r)) return false;
    while (r.dirty_count > 0) {
        find_groups(&r);
        split_classes(&r);
        next_round(&r);
    }
    return true;
}

/* ---- all ---- */

/* Each class by its first state, in their order: the start stays state 0. */
static bool write_classes(const struct minimiser *m, struct regular *small)
{
    const struct regular *language = m->language;
    size_t edge_count = 0;
    uint32_t *number = arena_alloc_array(m->job, (size_t)m->class_count + 1, sizeof *number);
    uint32_t *leaders = arena_alloc_array(m->job, (size_t)m->class_count + 1, sizeof *leaders);
    if (!number || !leaders) return false;
    for (uint32_t i = 0; i < language->state_count; i++) {
        if (number[m->class_of[i]]) continue;
        leaders[small->state_count] = i;
        number[m->class_of[i]] = ++small->state_count;
        edge_count += language->states[i].edge_count;
    }
    small->states =
        arena_alloc_array(m->job, (size_t)small->state_count + 1, sizeof *small->states);
    struct regular_edge *edges = arena_alloc_array(m->job, edge_count + 1, sizeof *edges);
    if (!small->states || !edges) return false;
    for (uint32_t c = 0; c < small->state_count; c++) {
        const struct regular_state *leader = &language->states[leaders[c]];
        struct regular_state *state = &small->states[c];
        *state = (struct regular_state){.edges = edges, .accepts = leader->accepts};
        for (uint32_t e = 0; e < leader->edge_count; e++) {
            struct regular_edge edge = leader->edges[e];
            edge.target = number[m->class_of[edge.target]] - 1;
            regular_add_edge(state, edge);
        }
        edges += state->edge_count;
    }
    return true;
}

enum status regular_minimise(struct regular **out, const struct regular *language,
                             struct arena *job, struct fault *fault)
{
    size_t count = (size_t)language->state_count + 1;
    struct minimiser m = {.language = language, .job = job};
    m.class_of = arena_alloc_array(job, count, sizeof *m.class_of);
    m.is_cyclic = arena_alloc_array(job, count, sizeof *m.is_cyclic);
    struct regular *small = arena_alloc(job, sizeof *small);
    if (!m.class_of || !m.is_cyclic || !small || !regular_reverse(language, &m.into, job) ||
        !classify_acyclic(&m) || !classify_cyclic(&m) || !write_classes(&m, small))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
    *out = small;
    return OK;
}
