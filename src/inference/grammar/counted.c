/* counted.c - the walk that counts rounds, and masks from it. */
#include "inference/grammar/counted.h"

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"

struct depth_state {
    uint32_t state, begun, over;
};

/* Tokens in the order of the walk. */
struct counting {
    struct counted_tokens *found;
    const struct automaton *automaton;
    const struct token_trie *trie;
    struct depth_state *at; /* of each depth */
    uint32_t *tokens, *begun;
    uint32_t count;
    struct mask_exit *leaves;
    uint32_t leave_count, leave_capacity;
};

static bool is_round(const struct automaton *automaton, uint32_t state)
{
    return automaton->states[state].flags & STATE_ROUND;
}

static void count_node(struct counting *c, const struct trie_node *node, uint32_t begun)
{
    for (int32_t token = node->token; token != NO_TOKEN; token = c->trie->next_same[token]) {
        c->tokens[c->count] = (uint32_t)token;
        c->begun[c->count++] = begun;
        c->found->bits[token / 64] |= (uint64_t)1 << (token % 64);
    }
    if (begun > c->found->most_begun) c->found->most_begun = begun;
}

static bool walk(struct counting *c, uint32_t state)
{
    const struct trie_node *nodes = c->trie->nodes;
    c->at[0] = (struct depth_state){state, 0, 0};
    for (uint32_t i = 1; i < c->trie->node_count;) {
        const struct trie_node *node = &nodes[i];
        struct depth_state at = c->at[node->depth - 1];
        at.begun += is_round(c->automaton, at.state);
        at.state = automaton_next(c->automaton, at.state, node->byte);
        if (at.state == NO_STATE) {
            i = node->end;
            continue;
        }
        count_node(c, node, at.begun);
        if (is_round(c->automaton, at.state)) {
            at.over++;
            if (node->end > i + 1) {
                if (!ARRAY_MORE(c->leaves, c->leave_count, c->leave_capacity, 1)) return false;
                c->leaves[c->leave_count++] =
                    (struct mask_exit){i, (uint16_t)at.begun, (uint16_t)at.over};
            }
        }
        c->at[node->depth] = at;
        i++;
    }
    c->found->exits = mask_exits_new(c->trie, c->leaves, c->leave_count);
    return c->found->exits;
}

/* By the rounds they begin; within one number in the order of the walk. */
static bool sort_tokens(struct counting *c)
{
    struct counted_tokens *found = c->found;
    found->tokens = calloc((size_t)c->count + 1, sizeof *found->tokens);
    found->up_to = calloc((size_t)found->most_begun + 2, sizeof *found->up_to);
    if (!found->tokens || !found->up_to) return false;
    for (uint32_t i = 0; i < c->count; i++) found->up_to[c->begun[i] + 1]++;
    for (uint32_t n = 0; n < found->most_begun; n++) found->up_to[n + 1] += found->up_to[n];
    for (uint32_t i = 0; i < c->count; i++)
        found->tokens[found->up_to[c->begun[i]]++] = c->tokens[i];
    return true;
}

struct counted_tokens *counted_tokens_new(const struct automaton *automaton,
                                          const struct token_trie *trie, uint32_t state)
{
    struct counting c = {.automaton = automaton, .trie = trie};
    bool done = false;
    c.found = calloc(1, sizeof *c.found);
    c.at = calloc((size_t)trie->longest_bytes + 1, sizeof *c.at);
    c.tokens = calloc((size_t)trie->text_count + 1, sizeof *c.tokens);
    c.begun = calloc((size_t)trie->text_count + 1, sizeof *c.begun);
    if (c.found) c.found->bits = calloc(token_mask_words(trie->vocabulary) + 1, sizeof(uint64_t));
    if (c.found && c.at && c.tokens && c.begun && c.found->bits)
        done = walk(&c, state) && sort_tokens(&c);
    if (!done) {
        counted_tokens_free(c.found);
        c.found = NULL;
    }
    free(c.at);
    free(c.tokens);
    free(c.begun);
    free(c.leaves);
    return c.found;
}

void counted_tokens_free(struct counted_tokens *counted)
{
    if (!counted) return;
    free(counted->bits);
    free(counted->tokens);
    free(counted->up_to);
    mask_exits_free(counted->exits);
    free(counted);
}

size_t counted_tokens_bytes(const struct counted_tokens *counted, const struct token_trie *trie)
{
    return sizeof *counted + token_mask_words(trie->vocabulary) * sizeof *counted->bits +
           counted->up_to[counted->most_begun] * sizeof *counted->tokens +
           mask_exits_bytes(counted->exits);
}

uint32_t counted_tokens_fitting(const struct counted_tokens *counted, uint32_t left)
{
    return counted->up_to[left < counted->most_begun ? left : counted->most_begun];
}

void counted_tokens_bits(const struct counted_tokens *counted, const struct token_trie *trie,
                         uint32_t left, uint64_t *bits)
{
    uint32_t fitting = counted_tokens_fitting(counted, left);
    uint32_t all = counted->up_to[counted->most_begun];
    if (fitting <= all - fitting) {
        for (uint32_t i = 0; i < fitting; i++)
            bits[counted->tokens[i] / 64] |= (uint64_t)1 << (counted->tokens[i] % 64);
        return;
    }
    memcpy(bits, counted->bits, token_mask_words(trie->vocabulary) * sizeof *bits);
    for (uint32_t i = fitting; i < all; i++)
        bits[counted->tokens[i] / 64] &= ~((uint64_t)1 << (counted->tokens[i] % 64));
}
