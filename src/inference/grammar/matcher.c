/* matcher.c - one answer's place in its grammar, now and some tokens ago. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/array.h"
#include "inference/grammar/constraint_private.h"

enum { HISTORY = MATCHER_REWIND_MAX + 1, FIRST_FRAMES = 1024, FIRST_PLACES = 16 };

/* The position after some token. */
struct moment {
    struct place *places;
    uint32_t count, capacity;
    uint32_t frame_count; /* frames made up to then */
    bool can_end;
};

struct matcher {
    struct constraint *constraint;
    struct stacks stacks;           /* places: room to step in; frames: of all moments */
    struct moment moments[HISTORY]; /* a ring by position */
    uint32_t position, oldest;      /* moments are kept from oldest to position */
    uint32_t *kept_before;          /* while frames are swept: how many below each stay */
    uint32_t kept_capacity;
    struct mask_walk walk;
};

static struct moment *moment_at(struct matcher *matcher, uint32_t position)
{
    return &matcher->moments[position % HISTORY];
}

static bool moment_set(struct matcher *matcher, struct moment *moment, struct position position)
{
    if (!ARRAY_MORE(moment->places, 0, moment->capacity, position.count)) return false;
    memcpy(moment->places, matcher->stacks.places + position.first,
           position.count * sizeof *moment->places);
    moment->count = position.count;
    moment->can_end = position.can_end;
    moment->frame_count = matcher->stacks.frame_count;
    return true;
}

/* What nearly all answers need, so that writing them allocates nothing. */
static bool reserve(struct matcher *matcher)
{
    struct stacks *stacks = &matcher->stacks;
    for (uint32_t i = 0; i < HISTORY; i++) {
        struct moment *moment = &matcher->moments[i];
        if (!ARRAY_MORE(moment->places, 0, moment->capacity, FIRST_PLACES)) return false;
    }
    return ARRAY_MORE(stacks->frames, 0, stacks->frame_capacity, FIRST_FRAMES) &&
           ARRAY_MORE(stacks->places, 0, stacks->place_capacity, 2 * STACKS_MAX) &&
           ARRAY_MORE(matcher->kept_before, 0, matcher->kept_capacity, FIRST_FRAMES + 1);
}

enum status matcher_new(struct matcher **out, struct constraint *constraint, struct fault *fault)
{
    struct matcher *matcher = *out = calloc(1, sizeof *matcher);
    if (matcher) {
        matcher->constraint = constraint_share(constraint);
        struct stacks *stacks = &matcher->stacks;
        if (mask_walk_init(&matcher->walk, constraint->grammar->automaton, constraint->trie) &&
            stacks_init(stacks, constraint->grammar->automaton) && reserve(matcher) &&
            moment_set(matcher, &matcher->moments[0], stacks_start(stacks, 0)) && !stacks->failed)
            return OK;
    }
    matcher_free(matcher);
    *out = NULL;
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for an answer's place in its grammar");
}

void matcher_free(struct matcher *matcher)
{
    if (!matcher) return;
    for (uint32_t i = 0; i < HISTORY; i++) free(matcher->moments[i].places);
    stacks_deinit(&matcher->stacks);
    masks_walk_end(&matcher->walk);
    free(matcher->kept_before);
    constraint_release(matcher->constraint);
    free(matcher);
}

/* ---- masks ---- */

static void allow_ends(const struct token_trie *trie, uint64_t *mask)
{
    for (uint32_t i = 0; i < trie->end_count; i++)
        mask[trie->ends[i] / 64] |= (uint64_t)1 << (trie->ends[i] % 64);
}

enum status matcher_mask(struct matcher *matcher, uint64_t *mask, struct fault *fault)
{
    const struct token_trie *trie = matcher->constraint->trie;
    const struct moment *now = moment_at(matcher, matcher->position);
    bool any = now->can_end;
    memset(mask, 0, token_mask_words(trie->vocabulary) * sizeof *mask);
    for (uint32_t i = 0; i < now->count; i++)
        if (!masks_add(&matcher->constraint->masks, &matcher->walk, &matcher->stacks,
                       now->places[i], mask, &any))
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the tokens that may follow");
    if (now->can_end) allow_ends(trie, mask);
    if (!any)
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "the model has no token with which the grammar could go on here");
    return OK;
}

/* ---- frames that no moment needs any more ---- */

/* 1 for each frame that some kept moment can return to. */
static void mark_frames(struct matcher *matcher, uint32_t *marks)
{
    memset(marks, 0, (matcher->stacks.frame_count + 1) * sizeof *marks);
    marks[BOTTOM_FRAME] = 1;
    for (uint32_t position = matcher->oldest; position <= matcher->position; position++) {
        const struct moment *moment = moment_at(matcher, position);
        for (uint32_t i = 0; i < moment->count; i++)
            for (uint32_t f = moment->places[i].frame; !marks[f];
                 f = matcher->stacks.frames[f].parent)
                marks[f] = 1;
    }
}

/* Move the marked frames together; parents stay below their children. */
static void sweep_frames(struct matcher *matcher, uint32_t *marks)
{
    struct stacks *stacks = &matcher->stacks;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < stacks->frame_count; i++) {
        bool is_kept = marks[i];
        marks[i] = kept; /* from now on: its new number */
        if (!is_kept) continue;
        struct frame frame = stacks->frames[i];
        frame.parent = marks[frame.parent];
        stacks->frames[kept++] = frame;
    }
    marks[stacks->frame_count] = kept;
    stacks->frame_count = kept;
    for (uint32_t position = matcher->oldest; position <= matcher->position; position++) {
        struct moment *moment = moment_at(matcher, position);
        moment->frame_count = marks[moment->frame_count];
        for (uint32_t i = 0; i < moment->count; i++)
            moment->places[i].frame = marks[moment->places[i].frame];
    }
}

/* Once the array is full it is swept, and grows only where that does not help. */
static bool make_room(struct matcher *matcher)
{
    struct stacks *stacks = &matcher->stacks;
    if (stacks->frame_count < stacks->frame_capacity / 4 * 3) return true;
    if (!ARRAY_MORE(matcher->kept_before, 0, matcher->kept_capacity, stacks->frame_count + 1))
        return false;
    mark_frames(matcher, matcher->kept_before);
    sweep_frames(matcher, matcher->kept_before);
    if (stacks->frame_count < stacks->frame_capacity / 2) return true;
    return ARRAY_MORE(stacks->frames, 0, stacks->frame_capacity, stacks->frame_capacity * 2);
}

/* ---- tokens ---- */

/* The position behind `bytes`, from the given places. */
static struct position advance(struct stacks *stacks, const struct place *places, uint32_t count,
                               struct text bytes)
{
    struct position at = {.count = count};
    memcpy(stacks->places, places, count * sizeof *places);
    for (size_t i = 0; i < bytes.length; i++) {
        /* Two positions take turns: the step reads one and writes the other. */
        uint32_t first = at.first == 0 ? STACKS_MAX : 0;
        at = stacks_step(stacks, at, (unsigned char)bytes.data[i], first);
    }
    return at;
}

/* Where readings had to be let go, those that fit may have been among them: then one of them is
 * looked for, and followed alone. */
static struct position advance_all(struct stacks *stacks, const struct moment *now,
                                   struct text bytes)
{
    stacks->let_go = false;
    struct position at = advance(stacks, now->places, now->count, bytes);
    for (uint32_t i = 0; stacks->let_go && position_is_dead(at) && i < now->count; i++)
        at = stacks_find_one(stacks, now->places[i], (const unsigned char *)bytes.data,
                             bytes.length);
    return at;
}

bool matcher_accept(struct matcher *matcher, int32_t token)
{
    const struct token_trie *trie = matcher->constraint->trie;
    struct stacks *stacks = &matcher->stacks;
    const struct moment *now = moment_at(matcher, matcher->position);
    if (token < 0 || (uint32_t)token >= trie->vocabulary) return false;
    if (trie->is_end[token]) return now->can_end;
    struct text bytes = token_trie_text(trie, token);
    if (bytes.length == 0 || !make_room(matcher)) return false;
    if (!ARRAY_MORE(stacks->places, 0, stacks->place_capacity, now->count)) return false;
    struct position at = advance_all(stacks, now, bytes);
    bool fits = !position_is_dead(at) && !stacks->failed &&
                moment_set(matcher, moment_at(matcher, matcher->position + 1), at);
    stacks->failed = false;
    if (!fits) {
        stacks->frame_count = now->frame_count;
        return false;
    }
    matcher->position++;
    if (matcher->position - matcher->oldest > MATCHER_REWIND_MAX) matcher->oldest++;
    return true;
}

uint32_t matcher_position(const struct matcher *matcher)
{
    return matcher->position;
}

void matcher_rewind(struct matcher *matcher, uint32_t position)
{
    assert(position <= matcher->position && position >= matcher->oldest);
    matcher->position = position;
    matcher->stacks.frame_count = moment_at(matcher, position)->frame_count;
}

bool matcher_is_complete(const struct matcher *matcher)
{
    const struct moment *now = &matcher->moments[matcher->position % HISTORY];
    return now->count == 0 && now->can_end;
}
