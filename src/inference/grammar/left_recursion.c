/* left_recursion.c - direct left recursion to repetition. */
#include "inference/grammar/left_recursion.h"

#include <stdlib.h>

static bool begins_with(const struct grammar *grammar, grammar_part part, grammar_part rule)
{
    const struct part *p = &grammar->parts[part];
    return p->kind == PART_SEQUENCE && p->count > 0 && grammar->children[p->first] == rule;
}

static grammar_part without_first(struct grammar *grammar, grammar_part sequence,
                                  grammar_part *work)
{
    struct part p = grammar->parts[sequence];
    for (uint32_t i = 1; i < p.count; i++) work[i - 1] = grammar->children[p.first + i];
    return grammar_sequence(grammar, work, p.count - 1);
}

static bool needs_resolving(const struct grammar *grammar, grammar_part rule)
{
    const struct part *r = &grammar->parts[rule];
    if (r->kind != PART_RULE || r->count == 0) return false;
    const struct part *choice = &grammar->parts[grammar->children[r->first]];
    for (uint32_t i = 0; choice->kind == PART_CHOICE && i < choice->count; i++)
        if (begins_with(grammar, grammar->children[choice->first + i], rule)) return true;
    return false;
}

/* `work` has room for three times the longest list. */
static void resolve_rule(struct grammar *grammar, grammar_part rule, grammar_part *work)
{
    struct part choice = grammar->parts[grammar->children[grammar->parts[rule].first]];
    grammar_part *bases = work, *tails = work + choice.count, *rest = tails + choice.count;
    size_t base_count = 0, tail_count = 0;
    for (uint32_t i = 0; i < choice.count; i++) {
        grammar_part alternative = grammar->children[choice.first + i];
        if (begins_with(grammar, alternative, rule))
            tails[tail_count++] = without_first(grammar, alternative, rest);
        else if (alternative != rule)
            bases[base_count++] = alternative;
    }
    grammar_part base = grammar_choice(grammar, bases, base_count);
    grammar_part tail = grammar_choice(grammar, tails, tail_count);
    grammar_part more = grammar_repeat(grammar, tail, 0, GRAMMAR_UNBOUNDED);
    grammar_rule_set(grammar, rule, grammar_sequence(grammar, (grammar_part[]){base, more}, 2));
}

void left_recursion_resolve(struct grammar *grammar)
{
    uint32_t longest = 0, count = grammar->part_count;
    grammar_part *work = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (grammar->parts[i].count > longest) longest = grammar->parts[i].count;
    for (grammar_part i = 0; i < count; i++) {
        if (!needs_resolving(grammar, i)) continue;
        if (!work) work = calloc((size_t)longest * 3 + 3, sizeof *work);
        if (!work) {
            grammar_fail(grammar, STATUS_NO_MEMORY, "no memory for the grammar");
            return;
        }
        resolve_rule(grammar, i, work);
    }
    free(work);
}
