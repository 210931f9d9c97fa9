/* finish.c - the end of building. */
#include <stdlib.h>

#include "inference/grammar/automaton.h"
#include "inference/grammar/reference.h"

void automaton_free(struct automaton *automaton)
{
    (void)automaton;
}

enum status grammar_finish(struct grammar *grammar, struct fault *fault)
{
    if (grammar->status != OK) {
        if (fault) *fault = grammar->fault;
        return grammar->status;
    }
    return OK;
}

bool grammar_matches(const struct grammar *grammar, struct text text)
{
    bool *accepts = calloc(text.length + 1, 1);
    reference_match(grammar, text, accepts);
    bool matches = accepts[text.length];
    free(accepts);
    return matches;
}
