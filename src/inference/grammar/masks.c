/* masks.c - the tree of what walks found. */
#include "inference/grammar/masks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- nodes ---- */

static void node_free(struct mask_node *node)
{
    if (!node) return;
    free(node->bits);
    free(node->tokens);
    mask_exits_free(node->exits);
    free(node);
}

static size_t node_bytes(const struct mask_node *node, const struct token_trie *trie)
{
    size_t tokens = node->bits ? token_mask_words(trie->vocabulary) * sizeof *node->bits
                               : node->token_count * sizeof *node->tokens;
    return sizeof *node + tokens + mask_exits_bytes(node->exits);
}

/* The tokens found, as a list where there are few. */
static bool keep_tokens(struct mask_node *node, const struct mask_walk *walk,
                        const struct token_trie *trie)
{
    size_t words = token_mask_words(trie->vocabulary), count = 0;
    node->token_count = walk->token_count;
    if (walk->token_count > words) {
        node->bits = malloc(words * sizeof *node->bits);
        if (node->bits) memcpy(node->bits, walk->bits, words * sizeof *node->bits);
        return node->bits;
    }
    node->tokens = malloc((walk->token_count + 1) * sizeof *node->tokens);
    if (!node->tokens) return false;
    for (size_t i = 0; count < walk->token_count; i++)
        for (uint64_t word = walk->bits[i]; word; word &= word - 1)
            node->tokens[count++] = (uint32_t)(i * 64 + (unsigned)__builtin_ctzll(word));
    return true;
}

/* A node of what the walk found; NULL when memory is out. */
static struct mask_node *node_new(const struct mask_walk *walk, const struct token_trie *trie,
                                  struct mask_key key)
{
    struct mask_node *node = walk->stacks.failed ? NULL : calloc(1, sizeof *node);
    if (!node) return NULL;
    node->key = key;
    if (walk->leave_count) node->exits = mask_exits_new(trie, walk->leaves, walk->leave_count);
    if (keep_tokens(node, walk, trie) && (node->exits || !walk->leave_count)) return node;
    node_free(node);
    return NULL;
}

/* A list of nodes and all below them: children are put in front of what is left. */
static void list_free(struct mask_node *node)
{
    while (node) {
        for (unsigned i = 0; i < MASK_BUCKETS; i++) {
            struct mask_node *first = atomic_load(&node->children[i]), *last = first;
            if (!first) continue;
            while (atomic_load(&last->next)) last = atomic_load(&last->next);
            atomic_store(&last->next, atomic_load(&node->next));
            atomic_store(&node->next, first);
        }
        struct mask_node *next = atomic_load(&node->next);
        node_free(node);
        node = next;
    }
}

bool masks_init(struct masks *masks, const struct automaton *automaton,
                const struct token_trie *trie)
{
    *masks = (struct masks){.automaton = automaton, .trie = trie};
    masks->roots = calloc(automaton->state_count, sizeof *masks->roots);
    masks->counted = calloc(automaton->state_count, sizeof *masks->counted);
    if (masks->roots && masks->counted) return true;
    masks_deinit(masks);
    return false;
}

void masks_deinit(struct masks *masks)
{
    for (uint32_t i = 0; masks->roots && i < masks->automaton->state_count; i++)
        list_free(atomic_load(&masks->roots[i]));
    for (uint32_t i = 0; masks->counted && i < masks->automaton->state_count; i++)
        counted_tokens_free(atomic_load(&masks->counted[i]));
    free(masks->roots);
    free(masks->counted);
    *masks = (struct masks){0};
}

/* ---- finding and keeping ---- */

static bool keys_equal(struct mask_key a, struct mask_key b)
{
    return a.state == b.state && a.symbol == b.symbol && a.least_left == b.least_left &&
           a.most_left == b.most_left;
}

static struct mask_node *find_in(struct mask_node *_Atomic *bucket, struct mask_key key)
{
    struct mask_node *node = atomic_load_explicit(bucket, memory_order_acquire);
    while (node && !keys_equal(node->key, key))
        node = atomic_load_explicit(&node->next, memory_order_acquire);
    return node;
}

/* Put the node in front. Two threads may put equal ones: both stay right. */
static void publish(struct mask_node *_Atomic *bucket, struct mask_node *node)
{
    struct mask_node *head = atomic_load(bucket);
    do atomic_store(&node->next, head);
    while (!atomic_compare_exchange_weak(bucket, &head, node));
}

/* Keep a fresh node where all threads find it, or, when enough is kept, with the walk, until the
 * mask at hand is done. */
static struct mask_node *keep(struct masks *masks, struct mask_walk *walk,
                              struct mask_node *_Atomic *bucket, struct mask_node *node)
{
    if (!node) return NULL;
    size_t bytes = node_bytes(node, masks->trie);
    if (atomic_fetch_add(&masks->used_bytes, bytes) + bytes <= MASKS_BYTES_MAX) {
        publish(bucket, node);
        return node;
    }
    atomic_fetch_sub(&masks->used_bytes, bytes);
    atomic_store(&node->next, walk->spares);
    walk->spares = node;
    return node;
}

static void drop_spares(struct mask_walk *walk)
{
    list_free(walk->spares);
    walk->spares = NULL;
}

void masks_walk_end(struct mask_walk *walk)
{
    drop_spares(walk);
    mask_walk_deinit(walk);
}

/* ---- what the top of a stack allows ---- */

static struct mask_node *plain_node(struct masks *masks, struct mask_walk *walk, uint32_t state)
{
    struct mask_node *_Atomic *bucket = &masks->roots[state];
    struct mask_key key = {.state = state};
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    mask_walk_reset(walk, masks->trie);
    mask_walk_state(walk, masks->trie, state);
    return keep(masks, walk, bucket, node_new(walk, masks->trie, key));
}

/* What one walk says for all counts. Kept in any case: there are few such states. */
static const struct counted_tokens *counted_at(struct masks *masks, uint32_t state)
{
    struct counted_tokens *_Atomic *slot = &masks->counted[state];
    struct counted_tokens *known = atomic_load_explicit(slot, memory_order_acquire);
    if (known) return known;
    struct counted_tokens *fresh = counted_tokens_new(masks->automaton, masks->trie, state);
    if (!fresh) return NULL;
    if (!atomic_compare_exchange_strong(slot, &known, fresh)) {
        counted_tokens_free(fresh);
        return known;
    }
    atomic_fetch_add(&masks->used_bytes, counted_tokens_bytes(fresh, masks->trie));
    return fresh;
}

/* Rounds that a frame or place of a repetition still needs, and may still take, as far as one token
 * can tell. */
static struct mask_key counted_key(uint32_t state, const struct automaton_symbol *symbol,
                                   uint32_t count, uint32_t all)
{
    uint32_t least_left = count < symbol->least ? symbol->least - count : 0;
    uint32_t most_left = symbol->most == UINT32_MAX ? all : symbol->most - count;
    return (struct mask_key){.state = state,
                             .least_left = least_left < all ? least_left : all,
                             .most_left = most_left < all ? most_left : all};
}

static struct mask_node *counted_node(struct masks *masks, struct mask_walk *walk,
                                      struct place place, const struct automaton_symbol *symbol)
{
    const struct counted_tokens *counted = counted_at(masks, place.state);
    if (!counted) return NULL;
    struct mask_key key = counted_key(place.state, symbol, place.count, counted->most_begun + 2);
    /* In the middle of a round, that one is begun. */
    bool is_between = masks->automaton->states[place.state].flags & STATE_ROUND;
    if (!is_between) key.most_left--;
    if (key.most_left > counted->most_begun) key.most_left = counted->most_begun;
    struct mask_node *_Atomic *bucket = &masks->roots[place.state];
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    mask_walk_reset(walk, masks->trie);
    counted_tokens_bits(counted, masks->trie, key.most_left, walk->bits);
    walk->token_count = counted_tokens_fitting(counted, key.most_left);
    node = node_new(walk, masks->trie, key);
    if (node) node->counted = counted;
    return keep(masks, walk, bucket, node);
}

static struct mask_node *root_node(struct masks *masks, struct mask_walk *walk,
                                   const struct stacks *stacks, struct place place)
{
    if (place.frame != BOTTOM_FRAME) {
        const struct automaton_symbol *symbol =
            &masks->automaton->symbols[stacks->frames[place.frame].symbol];
        if (symbol->kind == SYMBOL_COUNTED) return counted_node(masks, walk, place, symbol);
    }
    return plain_node(masks, walk, place.state);
}

/* ---- what the frames below it add ---- */

static bool has_exits(const struct mask_node *node)
{
    return node->exits || node->counted || node->above;
}

static void walk_exits(struct mask_walk *walk, const struct token_trie *trie,
                       const struct mask_node *node, struct position start)
{
    const struct mask_exits *exits = node->counted ? node->counted->exits : node->exits;
    struct stacks *stacks = &walk->stacks;
    uint32_t frame_count = stacks->frame_count;
    for (unsigned byte = 0; exits && byte < 256; byte++) {
        if (exits->from[byte] == exits->from[byte + 1]) continue;
        struct position next = stacks_step(stacks, start, (unsigned char)byte, start.count);
        for (uint32_t i = exits->from[byte]; !position_is_dead(next) && i < exits->from[byte + 1];
             i++) {
            struct mask_exit exit = exits->items[i];
            bool is_allowed = !node->counted || (exit.begun <= node->key.most_left &&
                                                 exit.over >= node->key.least_left);
            if (is_allowed) mask_walk_node(walk, trie, exit.node, next);
        }
        stacks->frame_count = frame_count;
    }
}

/* What is added where the stack above `parent` is left into `frame`. */
static struct mask_node *child_node(struct masks *masks, struct mask_walk *walk,
                                    struct mask_node *parent, struct frame frame)
{
    struct mask_key key = {.state = frame.target};
    const struct automaton_symbol *symbol = &masks->automaton->symbols[frame.symbol];
    if (symbol->kind == SYMBOL_LOOP) {
        key = counted_key(frame.target, symbol, frame.count, masks->trie->longest_bytes + 1);
        key.symbol = frame.symbol;
    }
    uint32_t hash = (key.state * 31 + key.symbol) * 31 + key.least_left * 7 + key.most_left;
    struct mask_node *_Atomic *bucket = &parent->children[hash % MASK_BUCKETS];
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    struct stacks *stacks = &walk->stacks;
    mask_walk_reset(walk, masks->trie);
    struct position start = stacks_return_into(stacks, frame);
    for (const struct mask_node *from = parent; from; from = from->above)
        walk_exits(walk, masks->trie, from, start);
    node = node_new(walk, masks->trie, key);
    if (node && start.can_end) node->above = parent;
    return keep(masks, walk, bucket, node);
}

/* ---- all of a stack ---- */

static void add_tokens(const struct mask_node *node, const struct token_trie *trie, uint64_t *bits)
{
    if (node->bits) {
        size_t words = token_mask_words(trie->vocabulary);
        for (size_t i = 0; i < words; i++) bits[i] |= node->bits[i];
        return;
    }
    for (uint32_t i = 0; i < node->token_count; i++)
        bits[node->tokens[i] / 64] |= (uint64_t)1 << (node->tokens[i] % 64);
}

bool masks_add(struct masks *masks, struct mask_walk *walk, const struct stacks *stacks,
               struct place place, uint64_t *bits, bool *any)
{
    drop_spares(walk);
    struct mask_node *node = root_node(masks, walk, stacks, place);
    for (uint32_t frame = place.frame; node; frame = stacks->frames[frame].parent) {
        add_tokens(node, masks->trie, bits);
        *any |= node->token_count > 0;
        if (!has_exits(node) || frame == BOTTOM_FRAME) break;
        node = child_node(masks, walk, node, stacks->frames[frame]);
    }
    walk->stacks.failed = false;
    return node;
}

/* ---- ahead of time ---- */

enum {
    WARM_VISITS = 1 << 20,       /* nodes of the tree of tokens; some 25 ms */
    WARM_SHARE = WARM_VISITS / 8 /* of one automaton, before all had their turn */
};

struct warming {
    struct masks *masks;
    struct mask_walk *walk;
    const _Atomic bool *stop;
};

static bool may_go_on(const struct warming *warming)
{
    return warming->walk->visited < WARM_VISITS && !(warming->stop && atomic_load(warming->stop)) &&
           atomic_load(&warming->masks->used_bytes) < MASKS_BYTES_MAX / 4;
}

/* Masks of states. Those of counted automata are put together for each count from one walk. */
static void warm_states(const struct warming *warming, uint32_t from, uint32_t to, bool is_counted,
                        uint64_t most_visits)
{
    struct masks *masks = warming->masks;
    struct mask_walk *walk = warming->walk;
    uint64_t begun = walk->visited;
    for (uint32_t state = from; state < to && may_go_on(warming); state++) {
        if (masks->automaton->states[state].edge_count == 0) continue;
        if (walk->visited - begun > most_visits) return;
        if (!is_counted) {
            (void)plain_node(masks, walk, state);
        } else if (!atomic_load(&masks->counted[state])) {
            (void)counted_at(masks, state);
            walk->visited += masks->trie->node_count / 4;
        }
    }
}

static void warm_automata(const struct warming *warming, uint64_t most_visits)
{
    const struct automaton *automaton = warming->masks->automaton;
    warm_states(warming, automaton->start, automaton->root_end, false, most_visits);
    for (uint32_t i = 0; i < automaton->symbol_count; i++) {
        const struct automaton_symbol *symbol = &automaton->symbols[i];
        bool is_counted = symbol->kind == SYMBOL_COUNTED;
        warm_states(warming, symbol->start, symbol->end, is_counted, most_visits);
    }
}

/* What follows a call: for all states of the automaton that is called. */
static void warm_call(const struct warming *warming, const struct automaton_call *call)
{
    struct masks *masks = warming->masks;
    const struct automaton_symbol *symbol = &masks->automaton->symbols[call->symbol];
    struct frame frame = {.target = call->target, .symbol = call->symbol, .count = 1};
    if (symbol->kind == SYMBOL_COUNTED) return;
    for (uint32_t state = symbol->start; state < symbol->end && may_go_on(warming); state++) {
        struct mask_node *node = atomic_load(&masks->roots[state]);
        warming->walk->visited++;
        if (node && has_exits(node)) (void)child_node(masks, warming->walk, node, frame);
    }
}

void masks_warm(struct masks *masks, struct mask_walk *walk, const _Atomic bool *stop)
{
    const struct warming warming = {masks, walk, stop};
    warm_automata(&warming, WARM_SHARE);
    for (uint32_t i = 0; i < masks->automaton->call_count; i++)
        warm_call(&warming, &masks->automaton->calls[i]);
    warm_automata(&warming, WARM_VISITS);
    walk->stacks.failed = false;
    drop_spares(walk);
}
