/* regular_determinise.c - from a nondeterministic automaton with look-around to the smallest
 * deterministic one.
 *
 * A state is a set of threads (Rabin and Scott 1959). A thread is a state of the nondeterministic
 * automaton with its duties: what was looked ahead for on its way is read along until it is found
 * or can no longer be. What is looked behind for is read along from the start, once for all
 * threads. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/regular_private.h"

enum { NOWHERE = UINT32_MAX, NO_DUTIES = 0 };

/* ---- lists of numbers, each known by one number ---- */

struct list {
    const uint32_t *items;
    uint32_t count;
};

struct lists {
    struct list *items; /* by number */
    uint32_t count, capacity, *table, table_size;
};

static uint32_t *list_slot(const struct lists *lists, struct list list)
{
    uint32_t hash = list.count, mask = lists->table_size - 1;
    for (uint32_t i = 0; i < list.count; i++) hash = (hash ^ list.items[i]) * 16777619u;
    uint32_t at = (hash ^ hash >> 15) & mask;
    for (; lists->table[at]; at = (at + 1) & mask) {
        struct list known = lists->items[lists->table[at] - 1];
        if (known.count == list.count &&
            memcmp(known.items, list.items, list.count * sizeof *list.items) == 0)
            break;
    }
    return &lists->table[at];
}

static bool lists_grow(struct lists *lists, struct arena *job)
{
    if (2 * lists->count < lists->table_size) return true;
    lists->table_size = lists->table_size ? 2 * lists->table_size : 64;
    lists->table = arena_alloc_array(job, lists->table_size, sizeof *lists->table);
    if (!lists->table) return false;
    for (uint32_t i = 0; i < lists->count; i++) *list_slot(lists, lists->items[i]) = i + 1;
    return true;
}

/* False without memory. */
static bool list_number(struct lists *lists, struct list list, struct arena *job, uint32_t *number)
{
    if (!lists_grow(lists, job)) return false;
    uint32_t *slot = list_slot(lists, list);
    if (!*slot) {
        uint32_t *copy = arena_alloc_array(job, (size_t)list.count + 1, sizeof *copy);
        if (!copy ||
            !arena_array_grow(&lists->items, lists->count, &lists->capacity, sizeof list, job))
            return false;
        if (list.count) memcpy(copy, list.items, list.count * sizeof *copy);
        lists->items[lists->count++] = (struct list){copy, list.count};
        *slot = lists->count;
    }
    *number = *slot - 1;
    return true;
}

/* ---- determinising ---- */

/* Numbers that are gathered. */
struct bag {
    uint32_t *items;
    uint32_t count, capacity;
};

struct determiniser {
    const struct nfa *nfa;
    struct arena *job;
    struct fault *fault;
    enum status status;
    struct lists threads;    /* state, number of duties */
    uint32_t *plain_threads; /* of each state: the number of its thread without duties, plus one */
    struct lists duties;     /* look, its state, look, its state, ..., sorted */
    struct lists sets; /* threads, sorted, then the states of what looks behind, then accepts */
    uint32_t *behind;  /* of each look, where it looks behind */
    struct bag stack, kernel, gathered, ends, unread, bounds, own_duties, kernel_before;
    uint32_t *marks, mark, marks_capacity;
    struct regular *language;
    uint32_t state_capacity;
};

static void fail_memory(struct determiniser *d)
{
    if (d->status == OK)
        d->status = fault_set(d->fault, STATUS_NO_MEMORY, "no memory for a pattern");
}

static void bag_put(struct determiniser *d, struct bag *bag, uint32_t item)
{
    if (!arena_array_grow(&bag->items, bag->count, &bag->capacity, sizeof item, d->job))
        fail_memory(d);
    else
        bag->items[bag->count++] = item;
}

static void swap_bags(struct bag *a, struct bag *b)
{
    struct bag swap = *a;
    *a = *b;
    *b = swap;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int compare_duties(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return x[0] != y[0] ? compare_numbers(x, y) : compare_numbers(x + 1, y + 1);
}

static void bag_sort(struct bag *bag)
{
    if (bag->count > 1) qsort(bag->items, bag->count, sizeof *bag->items, compare_numbers);
}

/* ---- duties ---- */

/* A look with the number of its language: 2 * look + at_start. */
static const struct regular *language_of(const struct determiniser *d, uint32_t look)
{
    return d->nfa->looks[look / 2].languages[look % 2];
}

static bool is_negated(const struct determiniser *d, uint32_t look)
{
    return d->nfa->looks[look / 2].node->is_negated;
}

enum outcome { OUTCOME_OPEN, OUTCOME_HOLDS, OUTCOME_FAILS };

/* Is it decided, whatever follows? */
static enum outcome outcome_of(const struct determiniser *d, uint32_t look, uint32_t state)
{
    const struct regular *language = language_of(d, look);
    bool is_dead = state == NOWHERE || language->state_count == 0;
    if (!is_dead && !regular_accepts_all(language, state)) return OUTCOME_OPEN;
    return is_dead == is_negated(d, look) ? OUTCOME_HOLDS : OUTCOME_FAILS;
}

/* If the text ends here. */
static bool holds_at_end(const struct determiniser *d, uint32_t look, uint32_t state)
{
    const struct regular *language = language_of(d, look);
    return (language->state_count > 0 && language->states[state].accepts) != is_negated(d, look);
}

/* The number of the duties in d->own_duties. */
static uint32_t number_duties(struct determiniser *d)
{
    struct bag *own = &d->own_duties;
    uint32_t kept = 0, number = NO_DUTIES;
    if (own->count > 2) qsort(own->items, own->count / 2, 2 * sizeof *own->items, compare_duties);
    for (uint32_t i = 0; i < own->count; i += 2) {
        if (kept && compare_duties(&own->items[i], &own->items[kept - 2]) == 0) continue;
        own->items[kept++] = own->items[i];
        own->items[kept++] = own->items[i + 1];
    }
    if (!list_number(&d->duties, (struct list){own->items, kept}, d->job, &number)) fail_memory(d);
    return number;
}

/* The duties after one more character; false when one of them fails. */
static bool step_duties(struct determiniser *d, uint32_t *duties, uint32_t character)
{
    struct list before = d->duties.items[*duties];
    if (before.count == 0) return true;
    d->own_duties.count = 0;
    for (uint32_t i = 0; i < before.count; i += 2) {
        uint32_t look = before.items[i];
        uint32_t state = regular_next(language_of(d, look), before.items[i + 1], character);
        enum outcome outcome = outcome_of(d, look, state);
        if (outcome == OUTCOME_FAILS) return false;
        if (outcome == OUTCOME_HOLDS) continue;
        bag_put(d, &d->own_duties, look);
        bag_put(d, &d->own_duties, state);
    }
    *duties = number_duties(d);
    return true;
}

static uint32_t with_duty(struct determiniser *d, uint32_t duties, uint32_t look)
{
    struct list before = d->duties.items[duties];
    d->own_duties.count = 0;
    for (uint32_t i = 0; i < before.count; i++) bag_put(d, &d->own_duties, before.items[i]);
    bag_put(d, &d->own_duties, look);
    bag_put(d, &d->own_duties, 0);
    return d->status == OK ? number_duties(d) : NO_DUTIES;
}

static bool duties_hold_at_end(const struct determiniser *d, uint32_t duties)
{
    struct list list = d->duties.items[duties];
    for (uint32_t i = 0; i < list.count; i += 2)
        if (!holds_at_end(d, list.items[i], list.items[i + 1])) return false;
    return true;
}

/* ---- what is reached without a character ---- */

/* Where a text is: does it begin, or end, here? */
struct standing {
    bool at_start, at_end;
};

static bool thread_number(struct determiniser *d, uint32_t state, uint32_t duties, uint32_t *number)
{
    uint32_t pair[2] = {state, duties}, *plain = &d->plain_threads[state];
    if (duties == NO_DUTIES && *plain) {
        *number = *plain - 1;
        return true;
    }
    if (!list_number(&d->threads, (struct list){pair, 2}, d->job, number)) return false;
    if (duties == NO_DUTIES) *plain = *number + 1;
    return true;
}

static bool has_mark(struct determiniser *d, uint32_t thread)
{
    while (thread >= d->marks_capacity)
        if (!arena_array_grow(&d->marks, d->marks_capacity, &d->marks_capacity, sizeof *d->marks,
                              d->job))
            return false;
    return true;
}

/* Put the thread on the stack, unless it was there already. */
static void push(struct determiniser *d, uint32_t state, uint32_t duties)
{
    uint32_t number;
    if (state == NOWHERE || d->status != OK) return;
    if (!thread_number(d, state, duties, &number) || !has_mark(d, number)) {
        fail_memory(d);
        return;
    }
    if (d->marks[number] == d->mark) return;
    d->marks[number] = d->mark;
    bag_put(d, &d->stack, number);
}

static void pass_look(struct determiniser *d, const struct nfa_state *state, uint32_t duties,
                      struct standing standing)
{
    uint32_t look = 2 * state->look + standing.at_start;
    const struct node *node = d->nfa->looks[state->look].node;
    if (node->is_behind) {
        uint32_t at = d->behind[state->look];
        const struct regular *language = d->nfa->looks[state->look].languages[1];
        bool found = at != NOWHERE && language->state_count > 0 && language->states[at].accepts;
        if (found != node->is_negated) push(d, state->next, duties);
        return;
    }
    enum outcome outcome = outcome_of(d, look, 0);
    if (standing.at_end) outcome = holds_at_end(d, look, 0) ? OUTCOME_HOLDS : OUTCOME_FAILS;
    if (outcome == OUTCOME_HOLDS) push(d, state->next, duties);
    if (outcome == OUTCOME_OPEN) push(d, state->next, with_duty(d, duties, look));
}

static void push_kernel(struct determiniser *d)
{
    d->mark++;
    for (uint32_t i = 0; i < d->kernel.count; i++) {
        struct list thread = d->threads.items[d->kernel.items[i]];
        push(d, thread.items[0], thread.items[1]);
    }
}

/* From what is on the stack: the threads that read are gathered, and the ends that are not entered.
 * Is an accepting state among those reached, with no duty left that fails if the text ends? */
static bool close(struct determiniser *d, struct standing standing, struct bag *gathered)
{
    bool accepts = false;
    while (d->stack.count > 0 && d->status == OK) {
        uint32_t number = d->stack.items[--d->stack.count];
        struct list thread = d->threads.items[number];
        const struct nfa_state *state = &d->nfa->states[thread.items[0]];
        uint32_t duties = thread.items[1];
        switch (state->kind) {
        case NFA_READ: bag_put(d, gathered, number); break;
        case NFA_ACCEPT: accepts |= duties_hold_at_end(d, duties); break;
        case NFA_BEGIN:
            if (standing.at_start) push(d, state->next, duties);
            break;
        case NFA_END:
            if (standing.at_end)
                push(d, state->next, duties);
            else
                bag_put(d, &d->ends, state->next);
            break;
        case NFA_LOOK: pass_look(d, state, duties, standing); break;
        case NFA_SPLIT:
            push(d, state->next, duties);
            push(d, state->other, duties);
            break;
        }
    }
    return accepts;
}

/* The threads that the kernel leads to are gathered; is the text so far accepted? What is looked
 * for is found or not by whether the text ends, so then there are two ways. */
static bool close_kernel(struct determiniser *d, bool at_start)
{
    struct standing within = {at_start, false}, at_end = {at_start, true};
    bool accepts = false;
    d->gathered.count = d->ends.count = d->unread.count = d->stack.count = 0;
    if (d->nfa->look_count > 0) {
        push_kernel(d);
        accepts = close(d, at_end, &d->unread);
        push_kernel(d);
        (void)close(d, within, &d->gathered);
        return accepts;
    }
    push_kernel(d);
    accepts = close(d, within, &d->gathered);
    for (uint32_t i = 0; i < d->ends.count; i++) push(d, d->ends.items[i], NO_DUTIES);
    return close(d, at_end, &d->unread) || accepts;
}

/* The number of the set that the kernel leads to; NOWHERE: nothing comes of it. */
static uint32_t number_set(struct determiniser *d, bool at_start)
{
    uint32_t number = NOWHERE;
    bool accepts = close_kernel(d, at_start);
    if (d->gathered.count == 0 && !accepts) return NOWHERE;
    bag_sort(&d->gathered);
    for (uint32_t i = 0; i < d->nfa->look_count; i++) bag_put(d, &d->gathered, d->behind[i]);
    bag_put(d, &d->gathered, accepts);
    if (d->status != OK) return NOWHERE;
    struct list set = {d->gathered.items, d->gathered.count};
    if (!list_number(&d->sets, set, d->job, &number)) fail_memory(d);
    if (d->sets.count > REGULAR_STATE_LIMIT && d->status == OK)
        d->status = fault_set(d->fault, STATUS_TOO_LARGE,
                              "needs an automaton of more than %d states", REGULAR_STATE_LIMIT);
    return d->status == OK ? number : NOWHERE;
}

/* ---- edges ---- */

static uint32_t thread_count(const struct determiniser *d, struct list set)
{
    return set.count - d->nfa->look_count - 1;
}

static void add_language_bounds(struct determiniser *d, const struct regular *language,
                                uint32_t state)
{
    if (state == NOWHERE || language->state_count == 0) return;
    const struct regular_state *from = &language->states[state];
    for (uint32_t e = 0; e < from->edge_count; e++) {
        bag_put(d, &d->bounds, from->edges[e].first);
        bag_put(d, &d->bounds, from->edges[e].last + 1);
    }
}

/* Where the behaviour of the set may change: sorted, each once. */
static void find_bounds(struct determiniser *d, struct list set)
{
    struct bag *bounds = &d->bounds;
    uint32_t threads = thread_count(d, set), kept = 0;
    bounds->count = 0;
    for (uint32_t i = 0; i < threads; i++) {
        struct list thread = d->threads.items[set.items[i]];
        struct list duties = d->duties.items[thread.items[1]];
        const struct nfa_state *state = &d->nfa->states[thread.items[0]];
        for (size_t r = 0; r < state->range_count; r++) {
            bag_put(d, bounds, state->ranges[r].first);
            bag_put(d, bounds, state->ranges[r].last + 1);
        }
        for (uint32_t k = 0; k < duties.count; k += 2)
            add_language_bounds(d, language_of(d, duties.items[k]), duties.items[k + 1]);
    }
    for (uint32_t i = 0; i < d->nfa->look_count && threads > 0; i++)
        if (d->nfa->looks[i].node->is_behind)
            add_language_bounds(d, d->nfa->looks[i].languages[1], set.items[threads + i]);
    bag_sort(bounds);
    for (uint32_t i = 0; i < bounds->count; i++)
        if (i == 0 || bounds->items[i] != bounds->items[kept - 1])
            bounds->items[kept++] = bounds->items[i];
    bounds->count = kept;
}

static bool state_reads(const struct nfa_state *state, uint32_t character)
{
    for (size_t r = 0; r < state->range_count; r++)
        if (character >= state->ranges[r].first && character <= state->ranges[r].last) return true;
    return false;
}

/* The kernel after the character. */
static void step_set(struct determiniser *d, struct list set, uint32_t character)
{
    uint32_t threads = thread_count(d, set);
    d->kernel.count = 0;
    for (uint32_t i = 0; i < threads && d->status == OK; i++) {
        struct list thread = d->threads.items[set.items[i]];
        const struct nfa_state *state = &d->nfa->states[thread.items[0]];
        uint32_t number, duties = thread.items[1];
        if (!state_reads(state, character) || !step_duties(d, &duties, character)) continue;
        if (!thread_number(d, state->next, duties, &number)) fail_memory(d);
        if (d->status == OK) bag_put(d, &d->kernel, number);
    }
    for (uint32_t i = 0; i < d->nfa->look_count; i++) {
        uint32_t at = set.items[threads + i];
        if (d->nfa->looks[i].node->is_behind && at != NOWHERE)
            at = regular_next(d->nfa->looks[i].languages[1], at, character);
        d->behind[i] = at;
    }
}

/* The same as after the characters before? Without look-around it leads to the same set. */
static bool is_kernel_before(const struct determiniser *d)
{
    return d->kernel.count > 0 && d->kernel.count == d->kernel_before.count &&
           memcmp(d->kernel.items, d->kernel_before.items,
                  d->kernel.count * sizeof *d->kernel.items) == 0;
}

static void expand_set(struct determiniser *d, uint32_t number)
{
    struct list set = d->sets.items[number];
    struct regular_state *state = &d->language->states[number];
    *state = (struct regular_state){.accepts = set.items[set.count - 1]};
    find_bounds(d, set);
    state->edges = arena_alloc_array(d->job, (size_t)d->bounds.count + 1, sizeof *state->edges);
    if (!state->edges) fail_memory(d);
    d->kernel_before.count = 0;
    for (uint32_t b = 0, target = NOWHERE; b + 1 < d->bounds.count && d->status == OK; b++) {
        uint32_t first = d->bounds.items[b], last = d->bounds.items[b + 1] - 1;
        step_set(d, set, first);
        if (d->nfa->look_count > 0 || !is_kernel_before(d))
            target = d->kernel.count ? number_set(d, false) : NOWHERE;
        swap_bags(&d->kernel, &d->kernel_before);
        if (target != NOWHERE)
            state->edges[state->edge_count++] = (struct regular_edge){first, last, target};
    }
}

static void expand_sets(struct determiniser *d, bool at_start)
{
    uint32_t number;
    if (!list_number(&d->duties, (struct list){NULL, 0}, d->job, &number) ||
        !thread_number(d, d->nfa->start, NO_DUTIES, &number)) {
        fail_memory(d);
        return;
    }
    bag_put(d, &d->kernel, number);
    if (d->status != OK || number_set(d, at_start) == NOWHERE) return;
    for (uint32_t i = 0; i < d->sets.count && d->status == OK; i++) {
        if (!arena_array_grow(&d->language->states, i, &d->state_capacity,
                              sizeof *d->language->states, d->job))
            fail_memory(d);
        else
            expand_set(d, i);
        d->language->state_count = i + 1;
    }
}

enum status regular_determinise(struct regular **out, const struct nfa *nfa, bool at_start,
                                struct arena *job, struct fault *fault)
{
    struct determiniser d = {.nfa = nfa, .job = job, .fault = fault};
    d.language = arena_alloc(job, sizeof *d.language);
    d.behind = arena_alloc_array(job, (size_t)nfa->look_count + 1, sizeof *d.behind);
    d.plain_threads = arena_alloc_array(job, (size_t)nfa->count + 1, sizeof *d.plain_threads);
    if (!d.language || !d.behind || !d.plain_threads) fail_memory(&d);
    if (d.status == OK) expand_sets(&d, at_start);
    TRY(d.status);
    TRY(regular_trim(d.language, job, fault));
    return regular_minimise(out, d.language, job, fault);
}
