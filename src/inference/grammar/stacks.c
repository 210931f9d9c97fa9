/* stacks.c - steps of a pushdown automaton, all its readings at once. */
#include "inference/grammar/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"

bool stacks_init(struct stacks *stacks, const struct automaton *automaton)
{
    *stacks = (struct stacks){.automaton = automaton};
    if (!ARRAY_MORE(stacks->frames, 0, stacks->frame_capacity, 64) ||
        !ARRAY_MORE(stacks->places, 0, stacks->place_capacity, 64)) {
        stacks_deinit(stacks);
        return false;
    }
    stacks->frames[BOTTOM_FRAME] = (struct frame){0};
    stacks->frame_count = 1;
    return true;
}

void stacks_deinit(struct stacks *stacks)
{
    free(stacks->frames);
    free(stacks->places);
    *stacks = (struct stacks){0};
}

struct position stacks_begin(uint32_t first)
{
    return (struct position){.first = first};
}

/* Frames that were made on different ways may be equal. */
static bool stacks_equal(const struct stacks *stacks, uint32_t a, uint32_t b)
{
    while (a != b) {
        const struct frame *x = &stacks->frames[a], *y = &stacks->frames[b];
        if (a == BOTTOM_FRAME || b == BOTTOM_FRAME || x->target != y->target ||
            x->symbol != y->symbol || x->count != y->count)
            return false;
        a = x->parent;
        b = y->parent;
    }
    return true;
}

/* Of two equal numbers of rounds but for how many are over, with enough in both, the lower can do
 * all that the higher can; without an upper bound the higher can. */
static bool count_covers(const struct automaton_symbol *symbol, uint32_t count, uint32_t other)
{
    if (count == other) return true;
    if (symbol->most == UINT32_MAX) return count > other;
    return count >= symbol->least && count < other;
}

/* Can `place` do all that `other` can? Places of one state. */
static bool place_covers(const struct stacks *stacks, struct place place, struct place other)
{
    const struct automaton *automaton = stacks->automaton;
    const struct frame *x = &stacks->frames[place.frame], *y = &stacks->frames[other.frame];
    if (automaton->states[place.state].flags & STATE_ROUND || place.count || other.count)
        return count_covers(&automaton->symbols[x->symbol], place.count, other.count) &&
               stacks_equal(stacks, place.frame, other.frame);
    if (place.frame == other.frame) return true;
    return place.frame != BOTTOM_FRAME && other.frame != BOTTOM_FRAME && x->target == y->target &&
           x->symbol == y->symbol &&
           count_covers(&automaton->symbols[x->symbol], x->count, y->count) &&
           stacks_equal(stacks, x->parent, y->parent);
}

void stacks_add(struct stacks *stacks, struct position *position, struct place place)
{
    struct place *places = stacks->places + position->first;
    if (position->count == STACKS_MAX) {
        stacks->let_go = true;
        return;
    }
    for (uint32_t i = 0; i < position->count; i++)
        if (places[i].state == place.state && place_covers(stacks, places[i], place)) return;
    if (!ARRAY_MORE(stacks->places, position->first + position->count, stacks->place_capacity, 1)) {
        stacks->failed = true;
        return;
    }
    stacks->places[position->first + position->count++] = place;
}

/* Call: a new frame, and the start of what is called. */
static void enter(struct stacks *stacks, struct position *position, struct frame frame)
{
    if (!ARRAY_MORE(stacks->frames, stacks->frame_count, stacks->frame_capacity, 1)) {
        stacks->failed = true;
        return;
    }
    stacks->frames[stacks->frame_count++] = frame;
    uint32_t start = stacks->automaton->symbols[frame.symbol].start;
    stacks_add(stacks, position, (struct place){start, stacks->frame_count - 1, 0});
}

static void leave(struct stacks *stacks, struct position *position, uint32_t frame)
{
    if (frame == BOTTOM_FRAME) {
        position->can_end = true;
        return;
    }
    struct frame left = stacks->frames[frame];
    const struct automaton_symbol *symbol = &stacks->automaton->symbols[left.symbol];
    if (symbol->kind != SYMBOL_LOOP || left.count >= symbol->least)
        stacks_add(stacks, position, (struct place){left.target, left.parent, 0});
    if (symbol->kind == SYMBOL_LOOP && left.count < symbol->most) {
        left.count = symbol_count_up(symbol, left.count);
        enter(stacks, position, left);
    }
}

/* A call at the very end of an automaton needs no frame of its own: what is above takes over. */
static bool is_tail(const struct automaton *automaton, const struct automaton_call *call)
{
    const struct automaton_state *target = &automaton->states[call->target];
    return automaton->symbols[call->symbol].kind == SYMBOL_CALL && target->flags == STATE_ACCEPTS &&
           target->edge_count == 0;
}

static void call_one(struct stacks *stacks, struct position *position,
                     const struct automaton_call *call, uint32_t frame)
{
    const struct automaton *automaton = stacks->automaton;
    if (is_tail(automaton, call)) {
        struct place inner = {automaton->symbols[call->symbol].start, frame, 0};
        stacks_add(stacks, position, inner);
        return;
    }
    enter(stacks, position,
          (struct frame){
              .parent = frame, .target = call->target, .symbol = call->symbol, .count = 1});
}

static void call_all(struct stacks *stacks, struct position *position, struct place place)
{
    const struct automaton *automaton = stacks->automaton;
    const struct automaton_state *state = &automaton->states[place.state];
    for (uint32_t i = 0; i < state->call_count && !stacks->failed; i++) {
        if (position->count == STACKS_MAX) {
            stacks->let_go = true;
            return;
        }
        call_one(stacks, position, &automaton->calls[state->first_call + i], place.frame);
    }
}

static bool may_return(const struct stacks *stacks, struct place place)
{
    unsigned flags = stacks->automaton->states[place.state].flags;
    if (flags & STATE_ACCEPTS) return true;
    if (!(flags & STATE_ROUND)) return false;
    uint32_t symbol = stacks->frames[place.frame].symbol;
    return place.count >= stacks->automaton->symbols[symbol].least;
}

/* Can the place take a byte at all? */
static bool is_open(const struct stacks *stacks, struct place place)
{
    const struct automaton_state *state = &stacks->automaton->states[place.state];
    if (state->edge_count == 0 || !(state->flags & STATE_ROUND)) return state->edge_count > 0;
    uint32_t symbol = stacks->frames[place.frame].symbol;
    return place.count < stacks->automaton->symbols[symbol].most;
}

void stacks_close(struct stacks *stacks, struct position *position)
{
    enum { STOPS = STATE_ACCEPTS | STATE_CALLS | STATE_ROUND };
    bool is_plain = true;
    for (uint32_t i = 0; i < position->count; i++) {
        struct place place = stacks->places[position->first + i];
        if (!(stacks->automaton->states[place.state].flags & STOPS)) continue;
        is_plain = false;
        if (may_return(stacks, place)) leave(stacks, position, place.frame);
        call_all(stacks, position, place);
    }
    if (is_plain) return;
    uint32_t kept = 0;
    struct place *places = stacks->places + position->first;
    for (uint32_t i = 0; i < position->count; i++)
        if (is_open(stacks, places[i])) places[kept++] = places[i];
    position->count = kept;
}

struct position stacks_step(struct stacks *stacks, struct position from, unsigned char byte,
                            uint32_t first)
{
    struct position next = stacks_begin(first);
    for (uint32_t i = 0; i < from.count; i++) {
        struct place place = stacks->places[from.first + i];
        place.state = automaton_next(stacks->automaton, place.state, byte);
        if (place.state == NO_STATE) continue;
        if (stacks->automaton->states[place.state].flags & STATE_ROUND) {
            uint32_t symbol = stacks->frames[place.frame].symbol;
            place.count = symbol_count_up(&stacks->automaton->symbols[symbol], place.count);
        }
        stacks_add(stacks, &next, place);
    }
    stacks_close(stacks, &next);
    return next;
}

struct position stacks_return_into(struct stacks *stacks, struct frame frame)
{
    struct position start = stacks_begin(0);
    if (!ARRAY_MORE(stacks->frames, stacks->frame_count, stacks->frame_capacity, 1)) {
        stacks->failed = true;
        return start;
    }
    frame.parent = BOTTOM_FRAME;
    stacks->frames[stacks->frame_count++] = frame;
    leave(stacks, &start, stacks->frame_count - 1);
    stacks_close(stacks, &start);
    return start;
}

struct position stacks_start(struct stacks *stacks, uint32_t first)
{
    struct position start = stacks_begin(first);
    const struct automaton_state *state = &stacks->automaton->states[stacks->automaton->start];
    if (state->edge_count || state->call_count) /* else only the empty text is left */
        stacks_add(stacks, &start, (struct place){stacks->automaton->start, BOTTOM_FRAME, 0});
    stacks_close(stacks, &start);
    start.can_end |= stacks->automaton->knows_empty;
    return start;
}

/* ---- one reading by trying ---- */

enum { SEARCH_STEPS_MAX = 1 << 16, SEARCH_DEPTH_MAX = 2000 };

struct search {
    struct stacks *stacks;
    const unsigned char *bytes;
    size_t length;
    uint32_t steps, depth;
    struct place found;
};

static bool search_from(struct search *search, struct place place, size_t at);

/* Each place of a small position, added without closing. */
static bool search_each(struct search *search, struct position position, size_t at)
{
    struct place places[2];
    uint32_t count = position.count < 2 ? position.count : 2;
    memcpy(places, search->stacks->places + position.first, count * sizeof *places);
    for (uint32_t i = 0; i < count; i++)
        if (search_from(search, places[i], at)) return true;
    return false;
}

static bool search_byte(struct search *search, struct place place, size_t at)
{
    struct stacks *stacks = search->stacks;
    if (!is_open(stacks, place)) return false;
    place.state = automaton_next(stacks->automaton, place.state, search->bytes[at]);
    if (place.state == NO_STATE) return false;
    if (stacks->automaton->states[place.state].flags & STATE_ROUND) {
        uint32_t symbol = stacks->frames[place.frame].symbol;
        place.count = symbol_count_up(&stacks->automaton->symbols[symbol], place.count);
    }
    return search_from(search, place, at + 1);
}

static bool search_calls(struct search *search, struct place place, size_t at)
{
    const struct automaton *automaton = search->stacks->automaton;
    const struct automaton_state *state = &automaton->states[place.state];
    for (uint32_t i = 0; i < state->call_count; i++) {
        const struct automaton_call *call = &automaton->calls[state->first_call + i];
        struct position called = stacks_begin(0);
        call_one(search->stacks, &called, call, place.frame);
        if (search_each(search, called, at)) return true;
    }
    return false;
}

/* A byte, a return or a call, whichever leads to the end. */
static bool search_from(struct search *search, struct place place, size_t at)
{
    if (at == search->length) {
        search->found = place;
        return true;
    }
    if (search->steps == SEARCH_STEPS_MAX || search->depth == SEARCH_DEPTH_MAX) return false;
    search->steps++;
    search->depth++;
    bool is_found = search_byte(search, place, at);
    if (!is_found && may_return(search->stacks, place)) {
        struct position left = stacks_begin(0);
        leave(search->stacks, &left, place.frame);
        is_found = search_each(search, left, at);
    }
    is_found = is_found || search_calls(search, place, at);
    search->depth--;
    return is_found;
}

struct position stacks_find_one(struct stacks *stacks, struct place place,
                                const unsigned char *bytes, size_t length)
{
    struct search search = {.stacks = stacks, .bytes = bytes, .length = length};
    struct position position = stacks_begin(0);
    if (!search_from(&search, place, 0)) return position;
    stacks_add(stacks, &position, search.found);
    stacks_close(stacks, &position);
    return position;
}
