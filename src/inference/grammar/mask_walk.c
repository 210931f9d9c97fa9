/* mask_walk.c - depth-first over the tree of tokens, an automaton alongside. */
#include "inference/grammar/mask_walk.h"

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"

bool mask_walk_init(struct mask_walk *walk, const struct automaton *automaton,
                    const struct token_trie *trie)
{
    size_t depths = (size_t)trie->longest_bytes + 1;
    *walk = (struct mask_walk){0};
    walk->positions = calloc(depths, sizeof *walk->positions);
    walk->frame_counts = calloc(depths, sizeof *walk->frame_counts);
    walk->states = calloc(depths, sizeof *walk->states);
    walk->bits = calloc(token_mask_words(trie->vocabulary) + 1, sizeof *walk->bits);
    if (stacks_init(&walk->stacks, automaton) && walk->positions && walk->frame_counts &&
        walk->states && walk->bits)
        return true;
    mask_walk_deinit(walk);
    return false;
}

void mask_walk_deinit(struct mask_walk *walk)
{
    stacks_deinit(&walk->stacks);
    free(walk->positions);
    free(walk->frame_counts);
    free(walk->states);
    free(walk->bits);
    free(walk->leaves);
    *walk = (struct mask_walk){0};
}

void mask_walk_reset(struct mask_walk *walk, const struct token_trie *trie)
{
    memset(walk->bits, 0, token_mask_words(trie->vocabulary) * sizeof *walk->bits);
    walk->leave_count = walk->token_count = 0;
    walk->stacks.frame_count = 1;
}

/* ---- what is found ---- */

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
    walk->leaves[walk->leave_count++] = (struct mask_exit){.node = node};
}

/* ---- walking ---- */

static void walk_below(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                       struct position start);

/* Below `top`, which is reached in one place, for as long as nothing is called, counted or left
 * but the bottom: there a state is all there is to know. This is where the time goes. Positions are
 * put from `first` on. */
static void walk_plainly(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                         struct place place, uint32_t first)
{
    struct stacks *stacks = &walk->stacks;
    const struct automaton *automaton = stacks->automaton;
    const struct trie_node *nodes = trie->nodes;
    const unsigned plain = place.frame == BOTTOM_FRAME ? STATE_ACCEPTS : 0;
    uint32_t *states = walk->states, end = nodes[top].end, frame_count = stacks->frame_count;
    states[nodes[top].depth] = place.state;
    for (uint32_t i = top + 1; i < end;) {
        const struct trie_node *node = &nodes[i];
        walk->visited++;
        place.state = automaton_next(automaton, states[node->depth - 1], node->byte);
        if (place.state == NO_STATE) {
            i = node->end;
            continue;
        }
        unsigned flags = automaton->states[place.state].flags;
        if (flags & ~plain) {
            struct position position = stacks_begin(first);
            stacks_add(stacks, &position, place);
            stacks_close(stacks, &position);
            mask_walk_node(walk, trie, i, position);
            stacks->frame_count = frame_count;
            i = node->end;
            continue;
        }
        take_node(walk, trie, node);
        if (flags & STATE_ACCEPTS && node->end > i + 1) take_leave(walk, i);
        states[node->depth] = place.state;
        i++;
    }
}

static bool is_plain(const struct mask_walk *walk, struct position position)
{
    const struct stacks *stacks = &walk->stacks;
    if (position.count != 1) return false;
    struct place place = stacks->places[position.first];
    return !(stacks->automaton->states[place.state].flags & STATE_ROUND) && place.count == 0 &&
           (place.frame == BOTTOM_FRAME ||
            stacks->automaton->symbols[stacks->frames[place.frame].symbol].kind != SYMBOL_COUNTED);
}

/* All tokens below `top`, which is reached in `start`. */
static void walk_below(struct mask_walk *walk, const struct token_trie *trie, uint32_t top,
                       struct position start)
{
    struct stacks *stacks = &walk->stacks;
    const struct trie_node *nodes = trie->nodes;
    uint32_t top_depth = nodes[top].depth, end = nodes[top].end;
    if (is_plain(walk, start)) {
        walk_plainly(walk, trie, top, stacks->places[start.first], start.first + start.count);
        return;
    }
    walk->positions[top_depth] = start;
    walk->frame_counts[top_depth] = stacks->frame_count;
    for (uint32_t i = top + 1; i < end;) {
        const struct trie_node *node = &nodes[i];
        walk->visited++;
        struct position from = walk->positions[node->depth - 1];
        stacks->frame_count = walk->frame_counts[node->depth - 1];
        struct position next = stacks_step(stacks, from, node->byte, from.first + from.count);
        if (!position_is_dead(next)) take_node(walk, trie, node);
        if (next.can_end && node->end > i + 1) take_leave(walk, i);
        if (next.count == 0 || is_plain(walk, next)) {
            if (next.count && node->end > i + 1)
                walk_plainly(walk, trie, i, stacks->places[next.first], next.first + next.count);
            i = node->end;
            continue;
        }
        walk->positions[node->depth] = next;
        walk->frame_counts[node->depth] = stacks->frame_count;
        i++;
    }
    stacks->frame_count = walk->frame_counts[top_depth];
}

void mask_walk_node(struct mask_walk *walk, const struct token_trie *trie, uint32_t node,
                    struct position position)
{
    bool has_more = trie->nodes[node].end > node + 1;
    if (position_is_dead(position)) return;
    take_node(walk, trie, &trie->nodes[node]);
    if (position.can_end && has_more) take_leave(walk, node);
    if (position.count && has_more) walk_below(walk, trie, node, position);
}

/* Few states go on with many of the bytes that tokens begin with. */
void mask_walk_state(struct mask_walk *walk, const struct token_trie *trie, uint32_t state)
{
    struct stacks *stacks = &walk->stacks;
    struct position start = stacks_begin(0);
    stacks_add(stacks, &start, (struct place){state, BOTTOM_FRAME, 0});
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t node = trie->below_root[byte], frame_count = stacks->frame_count;
        if (node == 0 || automaton_next(stacks->automaton, state, (unsigned char)byte) == NO_STATE)
            continue;
        mask_walk_node(walk, trie, node,
                       stacks_step(stacks, start, (unsigned char)byte, start.count));
        stacks->frame_count = frame_count;
    }
    walk->visited += 16;
}

/* ---- exits ---- */

struct mask_exits *mask_exits_new(const struct token_trie *trie, const struct mask_exit *leaves,
                                  uint32_t count)
{
    const struct trie_node *nodes = trie->nodes;
    struct mask_exits *exits = calloc(1, sizeof *exits);
    if (!exits) return NULL;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = leaves[i].node + 1; n < nodes[leaves[i].node].end; n = nodes[n].end)
            exits->from[nodes[n].byte + 1]++;
    for (unsigned byte = 0; byte < 256; byte++) exits->from[byte + 1] += exits->from[byte];
    exits->items = malloc(((size_t)exits->from[256] + 1) * sizeof *exits->items);
    if (!exits->items) {
        free(exits);
        return NULL;
    }
    uint32_t at[256];
    memcpy(at, exits->from, sizeof at);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = leaves[i].node + 1; n < nodes[leaves[i].node].end; n = nodes[n].end)
            exits->items[at[nodes[n].byte]++] =
                (struct mask_exit){n, leaves[i].begun, leaves[i].over};
    return exits;
}

void mask_exits_free(struct mask_exits *exits)
{
    if (!exits) return;
    free(exits->items);
    free(exits);
}

size_t mask_exits_bytes(const struct mask_exits *exits)
{
    return exits ? sizeof *exits + exits->from[256] * sizeof *exits->items : 0;
}
