/* grammar.h - languages of texts: what an answer may look like, byte by byte.
 *
 * A grammar is a set of named rules over bytes, context-free: literals, classes of bytes or
 * characters, sequences, choices, repetitions, references. It is built here, or read from GBNF, a
 * regular expression or a JSON Schema. Pure; knows no tokens (constraint.h) and no requests.
 *
 *     struct grammar *g;  grammar_new(&g, &fault);
 *     grammar_part yes = grammar_literal(g, TEXT("yes")), no = grammar_literal(g, TEXT("no"));
 *     grammar_set_root(g, grammar_choice(g, (grammar_part[]){yes, no}, 2));
 *     TRY(grammar_finish(g, &fault));
 *
 * Building never fails in between: what went wrong first (no memory, too large) grammar_finish
 * tells. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_H
#define LIMINAL_INFERENCE_GRAMMAR_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

struct grammar;
typedef uint32_t grammar_part; /* a piece of a grammar, usable any number of times */

enum { GRAMMAR_UNBOUNDED = UINT32_MAX };

enum status grammar_new(struct grammar **out, struct fault *fault) MUST_USE;
void grammar_free(struct grammar *grammar);

/* ---- parts ---- */
grammar_part grammar_empty(struct grammar *grammar);
grammar_part grammar_literal(struct grammar *grammar, struct text bytes);
/* A special token by its name, such as [TOOL_CALLS], which is no text and which no other part here
 * takes. Its bytes are the name between two GRAMMAR_SPECIAL, which UTF-8 never has. */
grammar_part grammar_special_token(struct grammar *grammar, struct text name);
enum { GRAMMAR_SPECIAL = 0xFF };
/* One character of the inclusive ranges of code points (pairs), or, negated, any other; as UTF-8.
 */
grammar_part grammar_class(struct grammar *grammar, const uint32_t *ranges, size_t range_count,
                           bool negated);
grammar_part grammar_sequence(struct grammar *grammar, const grammar_part *parts, size_t count);
grammar_part grammar_choice(struct grammar *grammar, const grammar_part *parts, size_t count);
grammar_part grammar_repeat(struct grammar *grammar, grammar_part part, uint32_t least,
                            uint32_t most /* or GRAMMAR_UNBOUNDED */);
/* Any text, also none, that does not contain `word`, and behind which `word` begins nowhere earlier
 * than right at its end; for free text up to a mark. */
grammar_part grammar_text_without(struct grammar *grammar, struct text word);
/* A rule to be defined later, so that it may contain itself. */
grammar_part grammar_rule(struct grammar *grammar);
void grammar_rule_set(struct grammar *grammar, grammar_part rule, grammar_part is);

/* ---- readers: a part each, or a fault that names what and where (docs/format-grammar.md) ---- */
/* ECMAScript's; the whole text has to match. */
enum status grammar_add_regex(struct grammar *grammar, struct text pattern, grammar_part *part,
                              struct fault *fault) MUST_USE;
/* The value as JSON text. What a schema says and cannot be honoured is refused by its JSON pointer
 * and keyword (STATUS_UNSUPPORTED), never ignored. */
enum status grammar_add_json_schema(struct grammar *grammar, const json_t *schema,
                                    grammar_part *part, struct fault *fault) MUST_USE;
/* The same, and with `closed` an object that lists properties has no others where nothing is said
 * of them (OpenAI's strict schemas). */
enum status grammar_add_json_schema_closed(struct grammar *grammar, const json_t *schema,
                                           bool closed, grammar_part *part,
                                           struct fault *fault) MUST_USE;
/* Any JSON object (response_format json_object). */
grammar_part grammar_json_object(struct grammar *grammar);
/* llama.cpp's GBNF; its root is the rule "root". */
enum status grammar_add_gbnf(struct grammar *grammar, struct text source, grammar_part *part,
                             struct fault *fault) MUST_USE;

/* ---- the end of building ---- */
void grammar_set_root(struct grammar *grammar, grammar_part part);
/* Check, simplify and lay out for matching: every rule set, nothing endless (left recursion is
 * resolved or refused by name), within limits. Afterwards the grammar is immutable. */
enum status grammar_finish(struct grammar *grammar, struct fault *fault) MUST_USE;

/* Does the grammar know this whole text? Byte by byte, without tokens: for tests and short texts.
 */
bool grammar_matches(const struct grammar *grammar, struct text text);

#endif
