/* left_recursion.h - `e ::= e "+" t | t` becomes `e ::= t ("+" t)*`. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_LEFT_RECURSION_H
#define LIMINAL_INFERENCE_GRAMMAR_LEFT_RECURSION_H

#include "inference/grammar/parts.h"

/* Rewrite rules whose alternatives begin with the rule itself. Through other rules it is not
 * resolved; finishing finds and refuses that. */
void left_recursion_resolve(struct grammar *grammar);

#endif
