/* regex.c - a regular expression as a part: the whole text has to match.
 *
 * The reader of ECMAScript patterns gives a tree; its repetitions stay repetitions here, so that
 * large bounds are counted instead of written out. Look-aheads, look-behinds and back references
 * are refused by name (docs/format-grammar.md). */
#include <stdlib.h>

#include "inference/grammar/grammar.h"
#include "inference/grammar/regular_private.h"

enum { REGEX_MEMORY_MAX = 16 << 20, REGEX_NESTING_MAX = 400 };

struct regex {
    struct grammar *grammar;
    struct arena *job;
    struct fault *fault;
    unsigned nesting;
};

/* Where a piece stands: ^ and $ say nothing there, and only there are they allowed. */
struct standing {
    bool at_begin, at_end;
};

static enum status no_memory(struct regex *r)
{
    return fault_set(r->fault, STATUS_NO_MEMORY, "no memory for a regular expression");
}

static enum status add_node(struct regex *r, const struct node *node, struct standing standing,
                            grammar_part *part);

static enum status add_anchor(struct regex *r, bool says_nothing, grammar_part *part)
{
    if (!says_nothing)
        return fault_set(r->fault, STATUS_UNSUPPORTED,
                         "regex: ^ and $ are supported only at the beginning and the end, where "
                         "they may be left out: the whole text has to match");
    *part = grammar_empty(r->grammar);
    return OK;
}

static enum status add_set(struct regex *r, const struct node *node, grammar_part *part)
{
    uint32_t *pairs = arena_alloc_array(r->job, 2 * node->range_count + 1, sizeof *pairs);
    if (!pairs) return no_memory(r);
    for (size_t i = 0; i < node->range_count; i++) {
        pairs[2 * i] = node->ranges[i].first;
        pairs[2 * i + 1] = node->ranges[i].last;
    }
    *part = grammar_class(r->grammar, pairs, node->range_count, false);
    return OK;
}

/* The items of a sequence or choice, whose pairs lean to the left, in order. */
static const struct node **list_items(struct regex *r, const struct node *node, size_t *count)
{
    size_t length = 1;
    for (const struct node *n = node; n->kind == node->kind; n = n->left) length++;
    const struct node **items = arena_alloc_array(r->job, length, sizeof *items);
    *count = length;
    const struct node *n = node;
    for (; items && n->kind == node->kind; n = n->left) items[--length] = n->right;
    if (items) items[0] = n;
    return items;
}

static enum status add_list(struct regex *r, const struct node *node, struct standing standing,
                            grammar_part *part)
{
    size_t count, begun = 0, ended;
    const struct node **items = list_items(r, node, &count);
    grammar_part *parts = items ? arena_alloc_array(r->job, count, sizeof *parts) : NULL;
    if (!parts) return no_memory(r);
    bool is_choice = node->kind == NODE_CHOICE;
    while (begun < count && (items[begun]->kind == NODE_EMPTY || items[begun]->kind == NODE_BEGIN))
        begun++;
    ended = count;
    while (ended > 0 &&
           (items[ended - 1]->kind == NODE_EMPTY || items[ended - 1]->kind == NODE_END))
        ended--;
    for (size_t i = 0; i < count; i++) {
        struct standing inner = {standing.at_begin && (is_choice || i <= begun),
                                 standing.at_end && (is_choice || i + 1 >= ended)};
        TRY(add_node(r, items[i], inner, &parts[i]));
    }
    *part = is_choice ? grammar_choice(r->grammar, parts, count)
                      : grammar_sequence(r->grammar, parts, count);
    return OK;
}

static enum status add_node(struct regex *r, const struct node *node, struct standing standing,
                            grammar_part *part)
{
    const struct standing inside = {false, false};
    grammar_part repeated;
    if (r->nesting == REGEX_NESTING_MAX)
        return fault_set(r->fault, STATUS_TOO_LARGE, "regex: nested more than %d deep",
                         REGEX_NESTING_MAX);
    switch (node->kind) {
    case NODE_EMPTY: *part = grammar_empty(r->grammar); return OK;
    case NODE_SET: return add_set(r, node, part);
    case NODE_BEGIN: return add_anchor(r, standing.at_begin, part);
    case NODE_END: return add_anchor(r, standing.at_end, part);
    case NODE_LOOK:
        return fault_set(r->fault, STATUS_UNSUPPORTED,
                         "regex: look-ahead, look-behind and word boundaries are not supported "
                         "here");
    case NODE_SEQUENCE:
    case NODE_CHOICE:
        r->nesting++;
        TRY(add_list(r, node, standing, part));
        r->nesting--;
        return OK;
    case NODE_REPEAT:
        r->nesting++;
        TRY(add_node(r, node->left, node->most == 1 ? standing : inside, &repeated));
        r->nesting--;
        *part = grammar_repeat(r->grammar, repeated, node->least,
                               node->most == UINT32_MAX ? GRAMMAR_UNBOUNDED : node->most);
        return OK;
    }
    return OK;
}

enum status grammar_add_regex(struct grammar *grammar, struct text pattern, grammar_part *part,
                              struct fault *fault)
{
    struct arena job;
    struct fault own;
    struct regex r = {grammar, &job, fault ? fault : &own, 0};
    const struct node *tree;
    const struct standing whole = {true, true};
    enum status status;
    arena_init(&job, REGEX_MEMORY_MAX);
    status = regular_tree_read(&tree, pattern, &job, r.fault);
    if (status != OK)
        fault_prefix(r.fault, "regex");
    else
        status = add_node(&r, tree, whole, part);
    arena_deinit(&job);
    return status;
}
