/* restrict.c - takes bytes that cannot be written out of an automaton, and all that then leads
 * nowhere.
 *
 * Alive is a state from which its automaton can be brought to an end. That spreads backwards from
 * accepting states, over edges, and over calls once both what is called and what follows it is
 * alive. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/automaton.h"

enum { NO_CALL = UINT32_MAX };

/* `state` may be alive because of the state it is listed under. */
struct reason {
    uint32_t state;
    uint32_t call; /* in calls, or NO_CALL: by an edge */
};

struct restricting {
    struct automaton *automaton;
    const bool *has_byte;
    bool *is_alive;
    uint32_t *reasons_from; /* of each state: its reasons; one more at the end */
    struct reason *reasons;
    uint32_t *queue, queue_count;
};

static bool edge_has_byte(const struct automaton_edge *edge, const bool *has_byte)
{
    for (unsigned byte = edge->first; byte <= edge->last; byte++)
        if (has_byte[byte]) return true;
    return false;
}

/* List, or only count, the reasons of all states. */
static void list_reasons(struct restricting *r, bool only_count)
{
    const struct automaton *a = r->automaton;
    for (uint32_t s = 0; s < a->state_count; s++) {
        const struct automaton_state *state = &a->states[s];
        for (uint32_t i = 0; i < state->edge_count; i++) {
            const struct automaton_edge *edge = &a->edges[state->first_edge + i];
            if (!edge_has_byte(edge, r->has_byte)) continue;
            uint32_t *at = &r->reasons_from[edge->target + 1];
            if (!only_count) r->reasons[*at] = (struct reason){s, NO_CALL};
            ++*at;
        }
        for (uint32_t i = 0; i < state->call_count; i++) {
            uint32_t number = state->first_call + i;
            const struct automaton_call *call = &a->calls[number];
            const uint32_t causes[2] = {call->target, a->symbols[call->symbol].start};
            for (int j = 0; j < 2; j++) {
                uint32_t *at = &r->reasons_from[causes[j] + 1];
                if (!only_count) r->reasons[*at] = (struct reason){s, number};
                ++*at;
            }
        }
    }
}

static bool gather_reasons(struct restricting *r)
{
    uint32_t count = r->automaton->state_count;
    r->reasons_from = calloc((size_t)count + 2, sizeof *r->reasons_from);
    if (!r->reasons_from) return false;
    /* Counted one further on, so that the counts become places, then ends. */
    list_reasons(r, true);
    uint32_t before = 0;
    for (uint32_t s = 0; s <= count; s++) {
        uint32_t own = r->reasons_from[s + 1];
        r->reasons_from[s + 1] = before;
        before += own;
    }
    r->reasons = calloc((size_t)before + 1, sizeof *r->reasons);
    if (r->reasons) list_reasons(r, false);
    return r->reasons;
}

static void revive(struct restricting *r, uint32_t state)
{
    if (r->is_alive[state]) return;
    r->is_alive[state] = true;
    r->queue[r->queue_count++] = state;
}

static bool is_call_alive(const struct restricting *r, const struct automaton_call *call)
{
    return r->is_alive[call->target] && r->is_alive[r->automaton->symbols[call->symbol].start];
}

static void revive_reasons(struct restricting *r, uint32_t state)
{
    for (uint32_t i = r->reasons_from[state]; i < r->reasons_from[state + 1]; i++) {
        struct reason reason = r->reasons[i];
        if (reason.call == NO_CALL || is_call_alive(r, &r->automaton->calls[reason.call]))
            revive(r, reason.state);
    }
}

static bool is_end(const struct automaton *automaton, uint32_t state)
{
    return automaton->states[state].flags & (STATE_ACCEPTS | STATE_ROUND);
}

static void spread(struct restricting *r)
{
    const struct automaton *a = r->automaton;
    for (uint32_t s = 0; s < a->state_count; s++) {
        if (a->states[s].flags & STATE_ACCEPTS) revive(r, s);
        if (!(a->states[s].flags & STATE_ROUND)) continue;
        /* A round that ends there is over, whether or not another can begin. */
        for (uint32_t i = r->reasons_from[s]; i < r->reasons_from[s + 1]; i++)
            if (r->reasons[i].call == NO_CALL) revive(r, r->reasons[i].state);
    }
    for (uint32_t next = 0; next < r->queue_count; next++) revive_reasons(r, r->queue[next]);
}

/* Edges of dead bytes and to dead states, and dead calls, are left out. Ranges may fall apart. */
static void rewrite_state(const struct restricting *r, struct automaton_state *state,
                          struct automaton_edge *edges, uint32_t *edge_count)
{
    const struct automaton *a = r->automaton;
    uint32_t first = *edge_count, kept_calls = 0;
    for (uint32_t i = 0; i < state->edge_count; i++) {
        struct automaton_edge edge = a->edges[state->first_edge + i];
        if (!r->is_alive[edge.target] && !is_end(a, edge.target)) continue;
        bool was_there = false;
        for (unsigned byte = edge.first; byte <= edge.last; byte++) {
            bool is_there = r->has_byte[byte];
            if (is_there && !was_there)
                edges[(*edge_count)++] =
                    (struct automaton_edge){edge.target, (unsigned char)byte, (unsigned char)byte};
            if (is_there) edges[*edge_count - 1].last = (unsigned char)byte;
            was_there = is_there;
        }
    }
    for (uint32_t i = 0; i < state->call_count; i++) {
        struct automaton_call call = a->calls[state->first_call + i];
        if (is_call_alive(r, &call)) a->calls[state->first_call + kept_calls++] = call;
    }
    state->first_edge = first;
    state->edge_count = (uint16_t)(*edge_count - first);
    state->call_count = kept_calls;
    if (kept_calls == 0) state->flags &= (uint8_t)~STATE_CALLS;
}

static size_t count_pieces(const struct restricting *r)
{
    size_t count = 0;
    for (uint32_t i = 0; i < r->automaton->edge_count; i++) {
        const struct automaton_edge *edge = &r->automaton->edges[i];
        bool was_there = false;
        for (unsigned byte = edge->first; byte <= edge->last; byte++) {
            count += r->has_byte[byte] && !was_there;
            was_there = r->has_byte[byte];
        }
    }
    return count;
}

static bool rewrite(struct restricting *r)
{
    struct automaton *a = r->automaton;
    struct automaton_edge *edges = calloc(count_pieces(r) + 1, sizeof *edges);
    uint32_t edge_count = 0;
    if (!edges) return false;
    for (uint32_t s = 0; s < a->state_count; s++)
        rewrite_state(r, &a->states[s], edges, &edge_count);
    free(a->edges);
    a->edges = edges;
    a->edge_count = edge_count;
    return automaton_make_rows(a);
}

static bool knows_all_bytes(const struct automaton *automaton, const bool *has_byte)
{
    for (uint32_t i = 0; i < automaton->edge_count; i++)
        for (unsigned b = automaton->edges[i].first; b <= automaton->edges[i].last; b++)
            if (!has_byte[b]) return false;
    return true;
}

enum status automaton_restrict(struct automaton *automaton, const bool has_byte[256],
                               struct fault *fault)
{
    struct restricting r = {.automaton = automaton, .has_byte = has_byte};
    if (knows_all_bytes(automaton, has_byte)) return OK;
    r.is_alive = calloc(automaton->state_count, sizeof *r.is_alive);
    r.queue = calloc(automaton->state_count, sizeof *r.queue);
    bool done = r.is_alive && r.queue && gather_reasons(&r);
    if (done) {
        spread(&r);
        done = rewrite(&r);
    }
    bool is_possible = automaton->knows_empty || (done && r.is_alive[automaton->start]);
    free(r.is_alive);
    free(r.queue);
    free(r.reasons);
    free(r.reasons_from);
    if (!done) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the grammar");
    return is_possible ? OK
                       : fault_set(fault, STATUS_UNSUPPORTED,
                                   "the model has no tokens for any text of the grammar");
}
