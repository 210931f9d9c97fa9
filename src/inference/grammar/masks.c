/* masks.c - walks over the tree of tokens, and the tree of what they found. */
#include "inference/grammar/masks.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"

/* ---- walking ---- */

bool mask_walk_init(struct mask_walk *walk, const struct masks *masks)
{
    size_t depths = (size_t)masks->trie->longest_bytes + 1;
    *walk = (struct mask_walk){0};
    walk->positions = calloc(depths, sizeof *walk->positions);
    walk->frame_counts = calloc(depths, sizeof *walk->frame_counts);
    walk->states = calloc(depths, sizeof *walk->states);
    walk->bits = calloc(token_mask_words(masks->trie->vocabulary) + 1, sizeof *walk->bits);
    if (stacks_init(&walk->stacks, masks->automaton) && walk->positions && walk->frame_counts &&
        walk->states && walk->bits)
        return true;
    mask_walk_deinit(walk);
    return false;
}

static void node_free(struct mask_node *node)
{
    if (!node) return;
    free(node->bits);
    free(node->tokens);
    free(node->leaves);
    free(node);
}

void mask_walk_deinit(struct mask_walk *walk)
{
    stacks_deinit(&walk->stacks);
    free(walk->positions);
    free(walk->frame_counts);
    free(walk->states);
    free(walk->bits);
    free(walk->leaves);
    node_free(walk->spare[0]);
    node_free(walk->spare[1]);
    *walk = (struct mask_walk){0};
}

static void take_token(struct mask_walk *walk, int32_t token)
{
    uint64_t bit = (uint64_t)1 << (token % 64), *word = &walk->bits[token / 64];
    walk->token_count += !(*word & bit);
    *word |= bit;
}

static void take_node(struct mask_walk *walk, const struct token_trie *trie,
                      const struct trie_node *node)
{
    if (node->token == NO_TOKEN) return;
    take_token(walk, node->token);
    if (!node->has_same) return;
    for (int32_t token = trie->next_same[node->token]; token != NO_TOKEN;
         token = trie->next_same[token])
        take_token(walk, token);
}

static void take_leave(struct mask_walk *walk, uint32_t node)
{
    if (!ARRAY_MORE(walk->leaves, walk->leave_count, walk->leave_capacity, 1)) {
        walk->stacks.failed = true;
        return;
    }
    walk->leaves[walk->leave_count++] = node;
}

static void walk_below(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                       struct position start);

/* The same from one place on the bottom frame, as long as nothing is called and nothing counted:
 * there the position is a state. This is where nearly all the time goes. */
static void walk_below_plainly(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                               uint32_t state)
{
    const struct automaton *automaton = walk->stacks.automaton;
    const struct trie_node *nodes = trie->nodes;
    uint32_t *states = walk->states, end = nodes[top].end;
    states[nodes[top].depth] = state;
    for (uint32_t i = top + 1; i < end;) {
        const struct trie_node *node = &nodes[i];
        uint32_t next = automaton_next(automaton, states[node->depth - 1], node->byte);
        if (next == NO_STATE) {
            i = node->end;
            continue;
        }
        unsigned flags = automaton->states[next].flags;
        take_node(walk, trie, node);
        if (flags & STATE_ACCEPTS && node->end > i + 1) take_leave(walk, i);
        if (flags & STATE_CALLS) {
            struct stacks *stacks = &walk->stacks;
            uint32_t frame_count = stacks->frame_count;
            struct position position = stacks_begin(0);
            stacks_add(stacks, &position, (struct place){next, BOTTOM_FRAME, 0});
            stacks_close(stacks, &position);
            walk_below(walk, trie, i, position);
            stacks->frame_count = frame_count;
            i = node->end;
            continue;
        }
        states[node->depth] = next;
        i++;
    }
}

/* All tokens below `top`, which is reached in `start`. */
static void walk_below(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                       struct position start)
{
    struct stacks *stacks = &walk->stacks;
    const struct trie_node *nodes = trie->nodes;
    uint32_t top_depth = nodes[top].depth, end = nodes[top].end;
    walk->positions[top_depth] = start;
    walk->frame_counts[top_depth] = stacks->frame_count;
    for (uint32_t i = top + 1; i < end;) {
        struct position from = walk->positions[nodes[i].depth - 1];
        stacks->frame_count = walk->frame_counts[nodes[i].depth - 1];
        struct position next = stacks_step(stacks, from, nodes[i].byte, from.first + from.count);
        if (!position_is_dead(next)) take_node(walk, trie, &nodes[i]);
        if (next.can_end && nodes[i].end > i + 1) take_leave(walk, i);
        if (next.count == 0) {
            i = nodes[i].end;
            continue;
        }
        walk->positions[nodes[i].depth] = next;
        walk->frame_counts[nodes[i].depth] = stacks->frame_count;
        i++;
    }
    stacks->frame_count = walk->frame_counts[top_depth];
}

static void walk_reset(struct mask_walk *walk, const struct token_trie *trie)
{
    memset(walk->bits, 0, token_mask_words(trie->vocabulary) * sizeof *walk->bits);
    walk->leave_count = walk->token_count = 0;
    walk->stacks.frame_count = 1;
    walk->stacks.frames[BOTTOM_FRAME] = (struct frame){0};
}

/* ---- nodes ---- */

static size_t node_bytes(const struct mask_node *node, const struct token_trie *trie)
{
    size_t tokens = node->bits ? token_mask_words(trie->vocabulary) * sizeof *node->bits
                               : node->token_count * sizeof *node->tokens;
    return sizeof *node + tokens + node->leave_count * sizeof *node->leaves;
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
    node->leave_count = walk->leave_count;
    node->leaves = malloc((walk->leave_count + 1) * sizeof *node->leaves);
    if (!node->leaves || !keep_tokens(node, walk, trie)) {
        node_free(node);
        return NULL;
    }
    memcpy(node->leaves, walk->leaves, walk->leave_count * sizeof *node->leaves);
    return node;
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

/* Keep a fresh node where all threads find it, or, when enough is kept, in the walk's own memory
 * until the node after the next. */
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
    node_free(walk->spare[0]);
    walk->spare[0] = walk->spare[1];
    walk->spare[1] = node;
    return node;
}

/* ---- keys ---- */

/* Rounds beyond what one token can hold make no difference. */
static struct mask_key counted_key(const struct masks *masks, uint32_t state, uint32_t symbol,
                                   uint32_t count)
{
    const struct automaton_symbol *s = &masks->automaton->symbols[symbol];
    uint32_t all = masks->trie->longest_bytes + 1;
    uint32_t least_left = count < s->least ? s->least - count : 0;
    uint32_t most_left = s->most == UINT32_MAX ? all : s->most - count;
    return (struct mask_key){state, symbol, least_left < all ? least_left : all,
                             most_left < all ? most_left : all};
}

/* ---- finding nodes ---- */

static bool is_counting(const struct stacks *stacks, struct place place)
{
    return place.frame != BOTTOM_FRAME &&
           stacks->automaton->symbols[stacks->frames[place.frame].symbol].kind == SYMBOL_COUNTED;
}

static struct mask_node *plain_node(struct masks *masks, struct mask_walk *walk, uint32_t state)
{
    struct mask_node *_Atomic *bucket = &masks->roots[state];
    struct mask_key key = {.state = state};
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    walk_reset(walk, masks->trie);
    walk_below_plainly(walk, masks->trie, 0, state);
    return keep(masks, walk, bucket, node_new(walk, masks->trie, key));
}

/* What one walk says for all counts. Kept in any case: there are few such states. */
static const struct counted_tokens *counted_at(struct masks *masks, uint32_t state)
{
    struct counted_tokens *known =
        atomic_load_explicit(&masks->counted[state], memory_order_acquire);
    if (known) return known;
    struct counted_tokens *fresh = counted_tokens_new(masks->automaton, masks->trie, state);
    if (!fresh || atomic_compare_exchange_strong(&masks->counted[state], &known, fresh)) {
        if (fresh) atomic_fetch_add(&masks->used_bytes, counted_tokens_bytes(fresh, masks->trie));
        return fresh;
    }
    counted_tokens_free(fresh);
    return known;
}

/* In the middle of a round, that one is begun. */
static struct mask_node *counted_node(struct masks *masks, struct mask_walk *walk,
                                      const struct stacks *stacks, struct place place)
{
    const struct token_trie *trie = masks->trie;
    const struct counted_tokens *counted = counted_at(masks, place.state);
    if (!counted) return NULL;
    struct mask_key key =
        counted_key(masks, place.state, stacks->frames[place.frame].symbol, place.count);
    key.symbol = 0; /* all that matters is how many rounds are left */
    if (!(masks->automaton->states[place.state].flags & STATE_ROUND)) key.most_left--;
    if (key.most_left > counted->most_begun) key.most_left = counted->most_begun;
    struct mask_node *_Atomic *bucket = &masks->roots[place.state];
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    walk_reset(walk, trie);
    counted_tokens_bits(counted, trie, key.most_left, walk->bits);
    walk->token_count = counted_tokens_fitting(counted, key.most_left);
    for (uint32_t i = 0; i < counted->leave_count; i++)
        if (counted->leaves[i].begun <= key.most_left && counted->leaves[i].over >= key.least_left)
            take_leave(walk, counted->leaves[i].node);
    return keep(masks, walk, bucket, node_new(walk, trie, key));
}

static struct mask_node *root_node(struct masks *masks, struct mask_walk *walk,
                                   const struct stacks *stacks, struct place place)
{
    return is_counting(stacks, place) ? counted_node(masks, walk, stacks, place)
                                      : plain_node(masks, walk, place.state);
}

/* What is added where the stack above `parent` is left into `frame`. */
static struct mask_node *child_node(struct masks *masks, struct mask_walk *walk,
                                    struct mask_node *parent, struct frame frame)
{
    struct mask_key key = {.state = frame.target};
    if (masks->automaton->symbols[frame.symbol].kind == SYMBOL_LOOP)
        key = counted_key(masks, frame.target, frame.symbol, frame.count);
    uint32_t hash = (key.state * 31 + key.symbol) * 31 + key.least_left * 7 + key.most_left;
    struct mask_node *_Atomic *bucket = &parent->children[hash % MASK_BUCKETS];
    struct mask_node *node = find_in(bucket, key);
    if (node) return node;
    walk_reset(walk, masks->trie);
    struct stacks *stacks = &walk->stacks;
    if (!ARRAY_MORE(stacks->frames, stacks->frame_count, stacks->frame_capacity, 1)) return NULL;
    frame.parent = BOTTOM_FRAME;
    stacks->frames[stacks->frame_count++] = frame;
    struct position start = stacks_begin(0);
    stacks_return(stacks, &start, stacks->frame_count - 1);
    stacks_close(stacks, &start);
    for (uint32_t i = 0; i < parent->leave_count; i++) {
        if (start.can_end) take_leave(walk, parent->leaves[i]);
        walk_below(walk, masks->trie, parent->leaves[i], start);
    }
    return keep(masks, walk, bucket, node_new(walk, masks->trie, key));
}

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
    struct mask_node *node = root_node(masks, walk, stacks, place);
    uint32_t frame = place.frame;
    while (node) {
        add_tokens(node, masks->trie, bits);
        *any |= node->token_count > 0;
        if (node->leave_count == 0 || frame == BOTTOM_FRAME) break;
        node = child_node(masks, walk, node, stacks->frames[frame]);
        frame = stacks->frames[frame].parent;
    }
    walk->stacks.failed = false;
    return node;
}
