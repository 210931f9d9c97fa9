/* constraint_private.h - the inside of a constraint, for the files of this folder. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_CONSTRAINT_PRIVATE_H
#define LIMINAL_INFERENCE_GRAMMAR_CONSTRAINT_PRIVATE_H

#include "inference/grammar/masks.h"
#include "inference/grammar/parts.h"

struct constraint {
    struct grammar *grammar;
    const struct token_trie *trie;
    struct masks masks;
    _Atomic uint32_t references;
};

#endif
