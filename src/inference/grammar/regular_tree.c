/* regular_tree.c - the automaton of a pattern's tree: first a nondeterministic one (Thompson),
 * which regular_determinise.c makes deterministic. What looks ahead or behind is an automaton of
 * its own, made before the one it is a part of. */
#include "inference/grammar/regular_private.h"

enum { NFA_LIMIT = 200000, LOOK_LIMIT = 64, LOOK_NESTING = 8 };

/* What a tree is a part of. */
enum within { WITHIN_TEXT, WITHIN_AHEAD, WITHIN_BEHIND };

struct maker {
    struct arena *job;
    struct fault *fault;
    enum status status; /* what went wrong first */
    struct nfa nfa;
    struct look looks[LOOK_LIMIT];
    enum within within;
    int nesting;
};

static uint32_t fail(struct maker *maker, enum status status, const char *message)
{
    if (maker->status == OK) maker->status = fault_set(maker->fault, status, "%s", message);
    return 0;
}

static uint32_t fail_size(struct maker *maker)
{
    if (maker->status == OK)
        maker->status = fault_set(maker->fault, STATUS_TOO_LARGE,
                                  "needs an automaton of more than %d states", REGULAR_STATE_LIMIT);
    return 0;
}

/* ---- states ---- */

static uint32_t nfa_add(struct maker *maker, struct nfa_state state)
{
    struct nfa *nfa = &maker->nfa;
    if (maker->status != OK) return 0;
    if (nfa->count == NFA_LIMIT) return fail_size(maker);
    if (!arena_array_grow(&nfa->states, nfa->count, &nfa->capacity, sizeof state, maker->job))
        return fail(maker, STATUS_NO_MEMORY, "no memory for a pattern");
    nfa->states[nfa->count] = state;
    return nfa->count++;
}

static uint32_t nfa_split(struct maker *maker, uint32_t next, uint32_t other)
{
    return nfa_add(maker, (struct nfa_state){.kind = NFA_SPLIT, .next = next, .other = other});
}

static uint32_t nfa_build(struct maker *maker, const struct node *node, uint32_t then);

static uint32_t build_repeat(struct maker *maker, const struct node *node, uint32_t then)
{
    uint32_t start = then;
    if (node->most == UINT32_MAX) {
        start = nfa_split(maker, UINT32_MAX, then);
        uint32_t body = nfa_build(maker, node->left, start);
        if (maker->status == OK) maker->nfa.states[start].next = body;
    } else {
        for (uint32_t i = node->least; i < node->most && maker->status == OK; i++)
            start = nfa_split(maker, nfa_build(maker, node->left, start), then);
    }
    for (uint32_t i = 0; i < node->least && maker->status == OK; i++)
        start = nfa_build(maker, node->left, start);
    return start;
}

/* ---- looking ahead and behind ---- */

static bool has_begin(const struct node *node)
{
    return node && (node->kind == NODE_BEGIN || has_begin(node->left) || has_begin(node->right));
}

/* (anything)* tree where it looks behind, tree (anything)* where it looks ahead. */
static enum status compile_look(const struct maker *outer, struct look *look)
{
    static const struct range ALL = {0, REGULAR_LAST_CHARACTER};
    static struct node all = {.kind = NODE_SET, .ranges = &ALL, .range_count = 1};
    const struct node anything = {.kind = NODE_REPEAT, .left = &all, .most = UINT32_MAX};
    bool is_behind = look->node->is_behind;
    struct maker maker = {.job = outer->job,
                          .fault = outer->fault,
                          .within = is_behind ? WITHIN_BEHIND : WITHIN_AHEAD,
                          .nesting = outer->nesting + 1};
    uint32_t end = nfa_add(&maker, (struct nfa_state){.kind = NFA_ACCEPT});
    if (!is_behind) end = nfa_build(&maker, &anything, end);
    uint32_t start = nfa_build(&maker, look->node->left, end);
    maker.nfa.start = is_behind ? nfa_build(&maker, &anything, start) : start;
    TRY(maker.status);
    maker.nfa.looks = maker.looks;
    bool differs = has_begin(look->node->left);
    for (int at_start = differs || is_behind ? 1 : 0; at_start >= 0; at_start--) {
        struct regular *language;
        TRY(regular_determinise(&language, &maker.nfa, at_start, maker.job, maker.fault));
        look->languages[at_start] = language;
        if (is_behind) break; /* it is always read from where the text begins */
    }
    if (!look->languages[1]) look->languages[1] = look->languages[0];
    return OK;
}

static uint32_t look_number(struct maker *maker, const struct node *node)
{
    struct nfa *nfa = &maker->nfa;
    for (uint32_t i = 0; i < nfa->look_count; i++)
        if (maker->looks[i].node == node) return i;
    if (maker->within == (node->is_behind ? WITHIN_AHEAD : WITHIN_BEHIND))
        return fail(maker, STATUS_UNSUPPORTED,
                    "a look-behind (or \\b) within a look-ahead, or the other way round, is not "
                    "supported");
    if (nfa->look_count == LOOK_LIMIT || maker->nesting == LOOK_NESTING)
        return fail(maker, STATUS_TOO_LARGE, "has too many look-arounds");
    struct look *look = &maker->looks[nfa->look_count];
    *look = (struct look){.node = node};
    enum status status = compile_look(maker, look);
    if (status != OK) maker->status = status;
    return nfa->look_count++;
}

/* ---- all nodes ---- */

/* The state from which the tree is read and then `then` reached; built from the end. */
static uint32_t nfa_build(struct maker *maker, const struct node *node, uint32_t then)
{
    struct nfa_state state = {.next = then, .other = UINT32_MAX};
    if (maker->status != OK) return 0;
    switch (node->kind) {
    case NODE_EMPTY: return then;
    case NODE_SEQUENCE: return nfa_build(maker, node->left, nfa_build(maker, node->right, then));
    case NODE_REPEAT: return build_repeat(maker, node, then);
    case NODE_CHOICE: {
        uint32_t left = nfa_build(maker, node->left, then);
        return nfa_split(maker, left, nfa_build(maker, node->right, then));
    }
    case NODE_SET:
        state.kind = NFA_READ;
        state.ranges = node->ranges;
        state.range_count = node->range_count;
        break;
    case NODE_BEGIN: state.kind = NFA_BEGIN; break;
    case NODE_END:
        if (maker->within == WITHIN_BEHIND)
            return fail(maker, STATUS_UNSUPPORTED, "$ within a look-behind is not supported");
        state.kind = NFA_END;
        break;
    case NODE_LOOK:
        state.kind = NFA_LOOK;
        state.look = look_number(maker, node);
        break;
    }
    return nfa_add(maker, state);
}

/* ---- the outer ends ---- */

/* Where anything may stand beside it, a repetition need not go on: the fewest rounds will do. That
 * saves the states that would count hundreds of them. NULL without memory. */
static const struct node *shorten(struct maker *maker, const struct node *node, bool at_begin)
{
    static const struct node empty = {.kind = NODE_EMPTY};
    struct node *copy = arena_alloc(maker->job, sizeof *copy);
    const struct node *left = node->left, *right = node->right;
    if (!copy) return NULL;
    *copy = *node;
    switch (node->kind) {
    case NODE_REPEAT: copy->most = node->least; return node->least ? copy : &empty;
    case NODE_SEQUENCE: {
        bool is_left = at_begin ? left->kind != NODE_EMPTY : right->kind == NODE_EMPTY;
        if (is_left)
            left = shorten(maker, left, at_begin);
        else
            right = shorten(maker, right, at_begin);
        break;
    }
    case NODE_CHOICE:
        left = shorten(maker, left, at_begin);
        right = shorten(maker, right, at_begin);
        break;
    default: return node;
    }
    copy->left = left;
    copy->right = right;
    return left && right ? copy : NULL;
}

/* (anything)* tree (anything)* */
enum status regular_tree_compile(struct regular **out, const struct node *tree, struct arena *job,
                                 struct fault *fault)
{
    static const struct range ALL = {0, REGULAR_LAST_CHARACTER};
    static struct node all = {.kind = NODE_SET, .ranges = &ALL, .range_count = 1};
    const struct node anything = {.kind = NODE_REPEAT, .left = &all, .most = UINT32_MAX};
    struct maker maker = {.job = job, .fault = fault};
    const struct node *shorter = shorten(&maker, tree, true);
    if (shorter) shorter = shorten(&maker, shorter, false);
    if (!shorter) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a pattern");
    uint32_t end = nfa_add(&maker, (struct nfa_state){.kind = NFA_ACCEPT});
    uint32_t rest = nfa_build(&maker, &anything, end);
    maker.nfa.start = nfa_build(&maker, &anything, nfa_build(&maker, shorter, rest));
    TRY(maker.status);
    maker.nfa.looks = maker.looks;
    return regular_determinise(out, &maker.nfa, true, job, fault);
}
