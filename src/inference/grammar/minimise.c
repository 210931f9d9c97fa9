/* minimise.c - the fewest states, by splitting what can be told apart.
 *
 * Valmari, "Fast brief practical DFA minimization" (2012): two partitions split each other, one of
 * states, one of edges (by label and target). O(m log m) in the edges, also where edges are
 * missing. Ranges of bytes are first cut at common borders, so that a label is a number. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/dfa.h"

enum { MINIMISE_EDGES_MAX = 1 << 20 }; /* 40 bytes each */

/* Items in blocks; those of a block lie side by side, its marked ones first. */
struct partition {
    uint32_t *items, *place; /* items in order of blocks; where each item lies */
    uint32_t *block_of;      /* of each item */
    uint32_t *first, *end;   /* of each block */
    uint32_t *marked;        /* of each block: how many */
    uint32_t *touched;       /* blocks that have marked items */
    uint32_t block_count, touched_count;
};

struct labelled_edge {
    uint32_t from, label, to;
};

struct minimising {
    struct partition blocks, cords; /* of states; of edges */
    struct labelled_edge *edges;
    uint32_t edge_count;
    uint32_t *into_from, *into; /* edges by target */
    uint32_t state_count;
    unsigned char class_of[256], class_first[256];
    uint32_t class_count;
};

static bool partition_init(struct partition *p, uint32_t count)
{
    size_t room = (size_t)count + 1;
    p->items = calloc(room, sizeof *p->items);
    p->place = calloc(room, sizeof *p->place);
    p->block_of = calloc(room, sizeof *p->block_of);
    p->first = calloc(room, sizeof *p->first);
    p->end = calloc(room, sizeof *p->end);
    p->marked = calloc(room, sizeof *p->marked);
    p->touched = calloc(room, sizeof *p->touched);
    if (!p->items || !p->place || !p->block_of || !p->first || !p->end || !p->marked || !p->touched)
        return false;
    for (uint32_t i = 0; i < count; i++) p->items[i] = p->place[i] = i;
    p->block_count = count > 0;
    p->end[0] = count;
    return true;
}

static void partition_deinit(struct partition *p)
{
    free(p->items);
    free(p->place);
    free(p->block_of);
    free(p->first);
    free(p->end);
    free(p->marked);
    free(p->touched);
}

static void partition_mark(struct partition *p, uint32_t item)
{
    uint32_t block = p->block_of[item], at = p->place[item];
    uint32_t to = p->first[block] + p->marked[block];
    if (at < to) return; /* it is marked */
    p->items[at] = p->items[to];
    p->place[p->items[at]] = at;
    p->items[to] = item;
    p->place[item] = to;
    if (p->marked[block]++ == 0) p->touched[p->touched_count++] = block;
}

/* The smaller part of each touched block becomes a block of its own. */
static void partition_split(struct partition *p)
{
    while (p->touched_count) {
        uint32_t block = p->touched[--p->touched_count];
        uint32_t middle = p->first[block] + p->marked[block], fresh = p->block_count;
        bool all = middle == p->end[block];
        bool marked_is_smaller = p->marked[block] <= p->end[block] - middle;
        p->marked[block] = 0;
        if (all) continue;
        p->block_count++;
        p->first[fresh] = marked_is_smaller ? p->first[block] : middle;
        p->end[fresh] = marked_is_smaller ? middle : p->end[block];
        if (marked_is_smaller)
            p->first[block] = middle;
        else
            p->end[block] = middle;
        p->marked[fresh] = 0;
        for (uint32_t i = p->first[fresh]; i < p->end[fresh]; i++) p->block_of[p->items[i]] = fresh;
    }
}

/* Bytes that no edge tells apart are one label. */
static void find_classes(struct minimising *m, const struct dfa *dfa)
{
    bool cuts[257] = {[0] = true};
    for (uint32_t i = 0; i < dfa->edge_count; i++)
        cuts[dfa->edges[i].first] = cuts[dfa->edges[i].last + 1] = true;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (cuts[byte]) m->class_first[m->class_count++] = (unsigned char)byte;
        m->class_of[byte] = (unsigned char)(m->class_count - 1);
    }
}

/* How many edges there are of each label that is a class of bytes: `from` of the next one. */
static uint64_t count_labelled(const struct minimising *m, const struct dfa *dfa,
                               uint64_t from[257])
{
    memset(from, 0, 257 * sizeof *from);
    for (uint32_t i = 0; i < dfa->edge_count; i++)
        for (unsigned c = m->class_of[dfa->edges[i].first]; c <= m->class_of[dfa->edges[i].last];
             c++)
            from[c + 1]++;
    for (unsigned c = 0; c < 256; c++) from[c + 1] += from[c];
    return from[256] + dfa->call_count;
}

static int by_label(const void *a, const void *b)
{
    const struct labelled_edge *x = a, *y = b;
    return x->label < y->label ? -1 : x->label > y->label;
}

/* In order of labels. */
static void put_labelled(struct minimising *m, const struct dfa *dfa, uint64_t from[257])
{
    struct labelled_edge *calls = m->edges + from[256];
    uint32_t call_count = 0;
    m->edge_count = (uint32_t)from[256] + dfa->call_count;
    for (uint32_t state_number = 0; state_number < dfa->state_count; state_number++) {
        const struct dfa_state *state = &dfa->states[state_number];
        for (uint32_t i = 0; i < state->edge_count; i++) {
            const struct dfa_edge *edge = &dfa->edges[state->first_edge + i];
            for (uint32_t c = m->class_of[edge->first]; c <= m->class_of[edge->last]; c++)
                m->edges[from[c]++] = (struct labelled_edge){state_number, c, edge->target};
        }
        for (uint32_t i = 0; i < state->call_count; i++) {
            const struct dfa_call *call = &dfa->calls[state->first_call + i];
            calls[call_count++] =
                (struct labelled_edge){state_number, 256 + call->symbol, call->target};
        }
    }
    if (call_count > 1) qsort(calls, call_count, sizeof *calls, by_label);
}

/* Edges of one label are one block at first. */
static void split_by_label(struct minimising *m)
{
    struct partition *cords = &m->cords;
    cords->block_count = 0;
    for (uint32_t i = 0; i < m->edge_count; i++) {
        if (i == 0 || m->edges[i].label != m->edges[i - 1].label) {
            cords->first[cords->block_count] = i;
            cords->block_count++;
        }
        cords->end[cords->block_count - 1] = i + 1;
        cords->block_of[i] = cords->block_count - 1;
    }
}

static void index_targets(struct minimising *m)
{
    for (uint32_t i = 0; i < m->edge_count; i++) m->into_from[m->edges[i].to + 2]++;
    for (uint32_t i = 0; i < m->state_count; i++) m->into_from[i + 2] += m->into_from[i + 1];
    for (uint32_t i = 0; i < m->edge_count; i++) m->into[m->into_from[m->edges[i].to + 1]++] = i;
}

static bool minimising_init(struct minimising *m, const struct dfa *dfa, uint32_t edge_count)
{
    m->state_count = dfa->state_count;
    m->edges = calloc((size_t)edge_count + 1, sizeof *m->edges);
    m->into = calloc((size_t)edge_count + 1, sizeof *m->into);
    m->into_from = calloc((size_t)dfa->state_count + 2, sizeof *m->into_from);
    return m->edges && m->into && m->into_from && partition_init(&m->blocks, dfa->state_count) &&
           partition_init(&m->cords, edge_count);
}

static void minimising_deinit(struct minimising *m)
{
    partition_deinit(&m->blocks);
    partition_deinit(&m->cords);
    free(m->edges);
    free(m->into);
    free(m->into_from);
}

/* Split until edges of one cord start in one block, and edges into one block are whole cords. */
static void refine(struct minimising *m, const struct dfa *dfa)
{
    uint32_t next_block = 1;
    for (uint32_t i = 0; i < m->state_count; i++)
        if (dfa->states[i].accepts) partition_mark(&m->blocks, i);
    partition_split(&m->blocks);
    for (uint32_t cord = 0; cord < m->cords.block_count; cord++) {
        for (uint32_t i = m->cords.first[cord]; i < m->cords.end[cord]; i++)
            partition_mark(&m->blocks, m->edges[m->cords.items[i]].from);
        partition_split(&m->blocks);
        for (; next_block < m->blocks.block_count; next_block++) {
            for (uint32_t i = m->blocks.first[next_block]; i < m->blocks.end[next_block]; i++) {
                uint32_t state = m->blocks.items[i];
                for (uint32_t j = m->into_from[state]; j < m->into_from[state + 1]; j++)
                    partition_mark(&m->cords, m->into[j]);
            }
            partition_split(&m->cords);
        }
    }
}

/* Each block by one of its states. The start's block comes first. */
static bool write_blocks(const struct minimising *m, const struct dfa *dfa, struct dfa *out)
{
    uint32_t start = m->blocks.block_of[0];
    for (uint32_t i = 0; i < m->blocks.block_count; i++) {
        uint32_t block = i == 0 ? start : i == start ? 0 : i;
        const struct dfa_state *state = &dfa->states[m->blocks.items[m->blocks.first[block]]];
        if (!dfa_add_state(out, state->accepts)) return false;
        for (uint32_t j = 0; j < state->edge_count; j++) {
            struct dfa_edge edge = dfa->edges[state->first_edge + j];
            uint32_t target = m->blocks.block_of[edge.target];
            edge.target = target == start ? 0 : target == 0 ? start : target;
            if (!dfa_add_edge(out, edge)) return false;
        }
        for (uint32_t j = 0; j < state->call_count; j++) {
            struct dfa_call call = dfa->calls[state->first_call + j];
            uint32_t target = m->blocks.block_of[call.target];
            call.target = target == start ? 0 : target == 0 ? start : target;
            if (!dfa_add_call(out, call)) return false;
        }
    }
    return true;
}

enum status dfa_minimise(struct dfa *out, const struct dfa *dfa, struct fault *fault)
{
    enum status status = OK;
    struct minimising m = {0};
    dfa_clear(out);
    find_classes(&m, dfa);
    uint64_t from[257], edge_count = count_labelled(&m, dfa, from);
    if (edge_count > MINIMISE_EDGES_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "the grammar needs more than %d edges",
                         MINIMISE_EDGES_MAX);
    if (!minimising_init(&m, dfa, (uint32_t)edge_count))
        TRY_DONE(fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar"));
    put_labelled(&m, dfa, from);
    split_by_label(&m);
    index_targets(&m);
    refine(&m, dfa);
    if (!write_blocks(&m, dfa, out))
        TRY_DONE(fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar"));
done:
    minimising_deinit(&m);
    return status;
}
