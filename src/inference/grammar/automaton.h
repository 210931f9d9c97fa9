/* automaton.h - a finished grammar, laid out for matching. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_AUTOMATON_H
#define LIMINAL_INFERENCE_GRAMMAR_AUTOMATON_H

#include "base/status.h"

struct automaton;
void automaton_free(struct automaton *automaton);

#endif
