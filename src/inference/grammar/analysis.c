/* analysis.c - what is reached, empty, possible, large; and what gets an automaton of its own.
 *
 * A part is written out (inlined) where it is used, so that as much as possible is one automaton
 * without a stack. A heavy part used with several continuations is called instead: laid out once,
 * its masks shared by all places of use. A continuation is what follows the part: a part at the end
 * of another shares the other's, so right-linear rules (`a ::= "x" a | "y"`) become plain loops. */
#include "inference/grammar/analysis.h"

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"

struct analysis {
    const struct grammar *grammar;
    struct part_info *info;
    grammar_part *order; /* reached parts, children before parents but for recursion */
    uint32_t order_count;
    uint32_t *parents_from; /* of each part: its entries in parents; one more at the end */
    grammar_part *parents;
};

static const grammar_part *children_of(const struct grammar *grammar, const struct part *part)
{
    return grammar->children + part->first;
}

static uint32_t child_count(const struct part *part)
{
    switch (part->kind) {
    case PART_LITERAL:
    case PART_CLASS:
    case PART_WITHOUT: return 0;
    default: return part->count;
    }
}

/* ---- weights ---- */

static uint32_t capped(uint64_t weight)
{
    return weight < WEIGHT_MAX ? (uint32_t)weight : WEIGHT_MAX;
}

/* Classes of many characters count for more than their few states: each state where many tokens
 * fit costs a walk over the vocabulary. */
static uint32_t class_weight(const struct grammar *grammar, const struct part *part)
{
    uint64_t characters = 0;
    for (uint32_t i = 0; i < part->count; i++) {
        struct code_range range = grammar->ranges[part->first + i];
        characters += range.last - range.first + 1;
    }
    return characters <= 32 ? 1 : characters <= 128 ? 4 : capped(WEIGHT_HEAVY - 8 + part->count);
}

static uint32_t repeat_copies(const struct part *part)
{
    if (part->most != GRAMMAR_UNBOUNDED) return part->most;
    return part->least ? part->least : 1;
}

bool repeat_is_counted(const struct grammar *grammar, const struct part_info *info,
                       grammar_part repeat)
{
    const struct part *part = &grammar->parts[repeat];
    uint32_t copies = repeat_copies(part);
    return copies > 1 &&
           (uint64_t)copies * info[*children_of(grammar, part)].weight > WEIGHT_EXPANDED;
}

/* Recursion makes heavy: `done` tells the parts whose weight is known. */
static uint32_t part_weight(const struct analysis *a, grammar_part self, const bool *done)
{
    const struct part *part = &a->grammar->parts[self];
    const grammar_part *children = children_of(a->grammar, part);
    uint64_t weight = 1;
    switch (part->kind) {
    case PART_LITERAL: return capped(part->count);
    case PART_CLASS: return class_weight(a->grammar, part);
    case PART_WITHOUT: return WEIGHT_HEAVY + part->count;
    default: break;
    }
    for (uint32_t i = 0; i < part->count; i++)
        weight += done[children[i]] ? a->info[children[i]].weight : WEIGHT_HEAVY;
    if (part->kind == PART_REPEAT && !repeat_is_counted(a->grammar, a->info, self))
        weight *= repeat_copies(part);
    return capped(weight);
}

/* Light but for literals and its end, such as a property's name before its value: then the end is
 * what is laid out once, and what stands before it is written out, so that one automaton knows all
 * names, and not a call for each. */
static bool is_light_before_end(const struct analysis *a, grammar_part self, const bool *done)
{
    const struct part *part = &a->grammar->parts[self];
    uint64_t before = 0;
    if (part->kind != PART_SEQUENCE) return false;
    for (uint32_t i = 0; i + 1 < part->count; i++) {
        grammar_part child = children_of(a->grammar, part)[i];
        if (a->grammar->parts[child].kind == PART_LITERAL) continue;
        before += done[child] ? a->info[child].weight : WEIGHT_HEAVY;
    }
    return before < WEIGHT_HEAVY;
}

/* ---- what is reached, in what order ---- */

struct visit {
    grammar_part part;
    uint32_t next_child;
};

static enum status check_rule(const struct grammar *grammar, grammar_part part, struct fault *fault)
{
    char name[96];
    if (grammar->parts[part].kind != PART_RULE || grammar->parts[part].count == 1) return OK;
    grammar_rule_describe(grammar, part, name);
    return fault_set(fault, STATUS_INVALID, "%s is used, but not defined", name);
}

/* Depth first without recursion: rules may form long chains. */
static enum status walk_parts(struct analysis *a, struct visit *stack, bool *done,
                              struct fault *fault)
{
    uint32_t depth = 0;
    stack[depth++] = (struct visit){a->grammar->root, 0};
    a->info[a->grammar->root].is_reached = true;
    TRY(check_rule(a->grammar, a->grammar->root, fault));
    while (depth) {
        struct visit *top = &stack[depth - 1];
        const struct part *part = &a->grammar->parts[top->part];
        if (top->next_child == child_count(part)) {
            struct part_info *info = &a->info[top->part];
            info->weight = part_weight(a, top->part, done);
            info->is_heavy =
                info->weight >= WEIGHT_HEAVY && !is_light_before_end(a, top->part, done);
            done[top->part] = true;
            a->order[a->order_count++] = top->part;
            depth--;
            continue;
        }
        grammar_part child = children_of(a->grammar, part)[top->next_child++];
        if (a->info[child].is_reached) continue;
        TRY(check_rule(a->grammar, child, fault));
        a->info[child].is_reached = true;
        stack[depth++] = (struct visit){child, 0};
    }
    return OK;
}

static void gather_parents(struct analysis *a)
{
    const struct grammar *grammar = a->grammar;
    for (uint32_t i = 0; i < a->order_count; i++) {
        const struct part *part = &grammar->parts[a->order[i]];
        for (uint32_t j = 0; j < child_count(part); j++)
            a->parents_from[children_of(grammar, part)[j] + 1]++;
    }
    for (uint32_t i = 0; i < grammar->part_count; i++) a->parents_from[i + 1] += a->parents_from[i];
    for (uint32_t i = 0; i < a->order_count; i++) {
        const struct part *part = &grammar->parts[a->order[i]];
        for (uint32_t j = 0; j < child_count(part); j++)
            a->parents[a->parents_from[children_of(grammar, part)[j]]++] = a->order[i];
    }
    memmove(a->parents_from + 1, a->parents_from, grammar->part_count * sizeof *a->parents_from);
    a->parents_from[0] = 0;
}

/* ---- empty and possible: the least solutions of the same equations ---- */

enum truth { TRUTH_NULLABLE, TRUTH_PRODUCTIVE };

static bool *truth_of(const struct analysis *a, grammar_part part, enum truth which)
{
    struct part_info *info = &a->info[part];
    return which == TRUTH_NULLABLE ? &info->is_nullable : &info->is_productive;
}

static bool is_true_at_once(const struct part *part, enum truth which)
{
    switch (part->kind) {
    case PART_LITERAL:
    case PART_CLASS: return which == TRUTH_PRODUCTIVE;
    case PART_WITHOUT: return true;
    case PART_SEQUENCE: return part->count == 0;
    case PART_REPEAT: return part->least == 0;
    default: return false;
    }
}

/* Spread from what is true at once to parents: a sequence needs all its children, others one. */
static void solve(struct analysis *a, enum truth which, uint32_t *missing, grammar_part *queue)
{
    uint32_t queued = 0;
    for (uint32_t i = 0; i < a->order_count; i++) {
        grammar_part self = a->order[i];
        missing[self] = a->grammar->parts[self].count;
        *truth_of(a, self, which) = is_true_at_once(&a->grammar->parts[self], which);
        if (*truth_of(a, self, which)) queue[queued++] = self;
    }
    for (uint32_t next = 0; next < queued; next++) {
        grammar_part child = queue[next];
        for (uint32_t i = a->parents_from[child]; i < a->parents_from[child + 1]; i++) {
            grammar_part parent = a->parents[i];
            bool *truth = truth_of(a, parent, which);
            bool needs_all = a->grammar->parts[parent].kind == PART_SEQUENCE;
            if (*truth || (needs_all && --missing[parent] > 0)) continue;
            *truth = true;
            queue[queued++] = parent;
        }
    }
}

/* ---- continuations ---- */

enum { CONTINUATION_NONE = 0, CONTINUATION_MANY = UINT32_MAX };

static bool ends_parent(const struct part *parent, uint32_t child_index)
{
    return parent->kind == PART_CHOICE || parent->kind == PART_RULE ||
           (parent->kind == PART_SEQUENCE && child_index + 1 == parent->count);
}

/* Parents first. A use that comes after its part was decided is recursion: if anything follows it,
 * the part has to be called. */
static void choose_calls(struct analysis *a, uint32_t *continuations, bool *decided)
{
    uint32_t fresh = 1;
    continuations[a->grammar->root] = fresh++;
    for (uint32_t i = a->order_count; i-- > 0;) {
        grammar_part self = a->order[i];
        const struct part *part = &a->grammar->parts[self];
        uint32_t continuation = continuations[self];
        if (part_is_heavy(a->info, self) && continuation == CONTINUATION_MANY) {
            a->info[self].is_call = true;
            continuation = fresh++;
        }
        if (continuation == CONTINUATION_NONE) continuation = fresh++;
        decided[self] = true;
        if (part->kind == PART_REPEAT && repeat_is_counted(a->grammar, a->info, self))
            continue; /* a round has an automaton of its own in any case */
        for (uint32_t j = 0; j < child_count(part); j++) {
            grammar_part child = children_of(a->grammar, part)[j];
            bool is_tail = ends_parent(part, j);
            uint32_t follows = is_tail ? continuation : fresh++;
            if (decided[child]) {
                a->info[child].is_call |= !is_tail && part_is_heavy(a->info, child);
                continue;
            }
            bool is_new = continuations[child] == CONTINUATION_NONE;
            if (is_new)
                continuations[child] = follows;
            else if (continuations[child] != follows)
                continuations[child] = CONTINUATION_MANY;
        }
    }
}

enum status analysis_make(const struct grammar *grammar, struct part_info **out,
                          struct fault *fault)
{
    enum status status = OK;
    size_t count = grammar->part_count;
    struct analysis a = {.grammar = grammar};
    struct visit *stack = calloc(count, sizeof *stack);
    bool *flags = calloc(count, sizeof *flags);
    uint32_t *numbers = calloc(count, sizeof *numbers);
    grammar_part *queue = calloc(count, sizeof *queue);
    a.info = calloc(count, sizeof *a.info);
    a.order = calloc(count, sizeof *a.order);
    a.parents_from = calloc(count + 1, sizeof *a.parents_from);
    a.parents = calloc((size_t)grammar->child_count + 1, sizeof *a.parents);
    if (!stack || !flags || !numbers || !queue || !a.info || !a.order || !a.parents_from ||
        !a.parents) {
        (void)fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar");
        status = STATUS_NO_MEMORY;
        goto done;
    }
    TRY_DONE(walk_parts(&a, stack, flags, fault));
    gather_parents(&a);
    solve(&a, TRUTH_NULLABLE, numbers, queue);
    solve(&a, TRUTH_PRODUCTIVE, numbers, queue);
    memset(flags, 0, count * sizeof *flags);
    memset(numbers, 0, count * sizeof *numbers);
    choose_calls(&a, numbers, flags);
done:
    *out = a.info;
    if (status != OK) {
        free(a.info);
        *out = NULL;
    }
    free(stack);
    free(flags);
    free(numbers);
    free(queue);
    free(a.order);
    free(a.parents_from);
    free(a.parents);
    return status;
}
