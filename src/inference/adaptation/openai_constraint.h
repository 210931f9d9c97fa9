/* openai_constraint.h - the form that a request wants its answer in: response_format, or grammar,
 * regex and the names that vLLM's users know.
 *
 * Pure: read from the request's JSON and checked, and made a part of a grammar. Values are borrowed
 * from the tree. Must not know engines. */
#ifndef LIMINAL_INFERENCE_OPENAI_CONSTRAINT_H
#define LIMINAL_INFERENCE_OPENAI_CONSTRAINT_H

#include <jansson.h>

#include "base/text.h"
#include "inference/grammar/grammar.h"

enum constraint_form {
    FORM_ANY, /* nothing is wanted */
    FORM_JSON_OBJECT,
    FORM_JSON_SCHEMA,
    FORM_GRAMMAR,
    FORM_REGEX,
    FORM_CHOICE,
};

enum { REQUEST_WORDS_LIMIT = 10000 /* of a choice */ };

struct openai_constraint {
    enum constraint_form form;
    const char *field;    /* of the request that says so, for faults */
    const json_t *schema; /* FORM_JSON_SCHEMA */
    bool is_strict;
    struct text source;  /* FORM_GRAMMAR, FORM_REGEX */
    const json_t *words; /* FORM_CHOICE: strings, at least one */
};

enum status openai_constraint_read(struct openai_constraint *constraint, const json_t *root,
                                   struct fault *fault) MUST_USE;

/* The part that an answer in this form is; not for FORM_ANY. A fault names the field, and within it
 * the place: "response_format: #/properties/age/multipleOf: ...". */
enum status openai_constraint_add(struct grammar *grammar,
                                  const struct openai_constraint *constraint, grammar_part *part,
                                  struct fault *fault) MUST_USE;
/* The fault of what was made of the form, with the field that asked for it. Returns the status. */
enum status openai_constraint_fault(const struct openai_constraint *constraint, enum status status,
                                    struct fault *fault);
/* Append what tells this form from others, for constraint_cache_get. */
void openai_constraint_key(const struct openai_constraint *constraint, struct buffer *key);

#endif
