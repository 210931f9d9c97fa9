/* regular.h - regular languages of texts, as deterministic automata over characters.
 *
 * What the strings and numbers of a JSON Schema may be: read from patterns, intersected, excluded,
 * and tried on texts. Values are immutable and live in the arena they were made in; from every
 * state an accepting one can be reached. Must not know JSON. */
#ifndef LIMINAL_INFERENCE_REGULAR_H
#define LIMINAL_INFERENCE_REGULAR_H

#include "base/arena.h"
#include "base/text.h"

enum { REGULAR_STATE_LIMIT = 20000, REGULAR_LAST_CHARACTER = 0x10FFFF };

/* On the characters first..last go to `target`. Sorted; no overlaps; what is missing is refused. */
struct regular_edge {
    uint32_t first, last, target;
};
struct regular_state {
    struct regular_edge *edges;
    uint32_t edge_count;
    bool accepts;
};
/* Begins in states[0]; no states at all: no text. */
struct regular {
    struct regular_state *states;
    uint32_t state_count;
};

/* All of these: STATUS_TOO_LARGE beyond REGULAR_STATE_LIMIT, STATUS_NO_MEMORY; the faults are
 * sentences without a subject, for the caller to prefix. */

/* The texts in which an ECMAScript pattern (flag u) is found, as JSON Schema's `pattern` means it.
 * STATUS_INVALID for a broken pattern, STATUS_UNSUPPORTED for back references, look-behind and
 * other things beyond regular languages. */
enum status regular_pattern(struct regular **out, struct text pattern, struct arena *job,
                            struct fault *fault) MUST_USE;
/* Exactly these texts. */
enum status regular_texts(struct regular **out, const struct text *texts, size_t count,
                          struct arena *job, struct fault *fault) MUST_USE;
/* All texts of `least` to `most` characters; SIZE_MAX: unbounded. */
enum status regular_length(struct regular **out, size_t least, size_t most, struct arena *job,
                           struct fault *fault) MUST_USE;

enum regular_operation { REGULAR_BOTH, REGULAR_EITHER, REGULAR_FIRST_ONLY };
enum status regular_combine(struct regular **out, const struct regular *a, const struct regular *b,
                            enum regular_operation operation, struct arena *job,
                            struct fault *fault) MUST_USE;
/* The same language in the fewest states. */
enum status regular_minimise(struct regular **out, const struct regular *language,
                             struct arena *job, struct fault *fault) MUST_USE;

/* The same in another arena. */
enum status regular_copy(struct regular **out, const struct regular *language, struct arena *job,
                         struct fault *fault) MUST_USE;

bool regular_is_empty(const struct regular *language);
/* Whatever follows in this state is accepted. */
bool regular_accepts_all(const struct regular *language, uint32_t state);
bool regular_accepts(const struct regular *language, struct text text);

/* Drop the states from which nothing is accepted, and renumber. In place; for makers of automata.
 */
enum status regular_trim(struct regular *language, struct arena *job, struct fault *fault) MUST_USE;

#endif
