/* constraint.c - a grammar and a vocabulary, shared. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "inference/grammar/constraint_private.h"

static enum status open_constraint(struct constraint *constraint, const struct token_trie *trie,
                                   struct fault *fault)
{
    struct automaton *automaton = constraint->grammar->automaton;
    TRY(automaton_restrict(automaton, trie->has_byte, fault));
    if (!masks_init(&constraint->masks, automaton, trie))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the masks of a grammar");
    return OK;
}

enum status constraint_new(struct constraint **out, struct grammar *grammar,
                           struct token_trie *trie, struct fault *fault)
{
    struct constraint *constraint = *out = calloc(1, sizeof *constraint);
    assert(grammar->automaton); /* it is finished */
    if (!constraint) {
        grammar_free(grammar);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a constraint");
    }
    constraint->grammar = grammar;
    constraint->trie = trie;
    atomic_init(&constraint->references, 1);
    enum status status = open_constraint(constraint, trie, fault);
    if (status != OK) {
        constraint_release(constraint);
        *out = NULL;
    }
    return status;
}

struct constraint *constraint_share(struct constraint *constraint)
{
    atomic_fetch_add(&constraint->references, 1);
    return constraint;
}

void constraint_release(struct constraint *constraint)
{
    if (!constraint || atomic_fetch_sub(&constraint->references, 1) > 1) return;
    masks_deinit(&constraint->masks);
    grammar_free(constraint->grammar);
    free(constraint);
}

void constraint_warm(struct constraint *constraint, const _Atomic bool *stop)
{
    struct mask_walk walk;
    struct masks *masks = &constraint->masks;
    if (!mask_walk_init(&walk, masks->automaton, masks->trie)) return; /* then none are known */
    masks_warm(masks, &walk, stop);
    masks_walk_end(&walk);
}

size_t constraint_bytes(const struct constraint *constraint)
{
    const struct grammar *grammar = constraint->grammar;
    const struct automaton *a = grammar->automaton;
    return sizeof *constraint + grammar->part_capacity * sizeof *grammar->parts +
           grammar->child_capacity * sizeof *grammar->children + grammar->byte_capacity +
           a->state_count * sizeof *a->states + a->edge_count * sizeof *a->edges +
           a->call_count * sizeof *a->calls + a->row_count * sizeof *a->rows +
           atomic_load(&constraint->masks.used_bytes);
}
