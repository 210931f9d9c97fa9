/* openai_constraint.c - see openai_constraint.h. */
#include "inference/adaptation/openai_constraint.h"

#include <stdlib.h>
#include <string.h>

#include "http/json_body.h"

/* ---- reading ---- */

/* A second form beside a first one: nobody can say which was meant. */
static enum status set_form(struct openai_constraint *constraint, struct openai_constraint form,
                            struct fault *fault)
{
    if (constraint->form != FORM_ANY)
        return fault_set_param(fault, STATUS_INVALID, form.field,
                               "%s and %s cannot be used together", constraint->field, form.field);
    *constraint = form;
    return OK;
}

static enum status read_schema(struct openai_constraint *constraint, const json_t *schema,
                               const char *field, bool is_strict, struct fault *fault)
{
    if (!json_is_object(schema) && !json_is_boolean(schema))
        return fault_set_param(fault, STATUS_INVALID, field, "%s needs a JSON Schema, as an object",
                               field);
    return set_form(
        constraint,
        (struct openai_constraint){
            .form = FORM_JSON_SCHEMA, .field = field, .schema = schema, .is_strict = is_strict},
        fault);
}

/* {"type": "json_schema", "json_schema": {"name": ..., "strict": ..., "schema": ...}} */
static enum status read_openai_schema(struct openai_constraint *constraint, const json_t *format,
                                      struct fault *fault)
{
    const json_t *wrapper = json_body_field(format, "json_schema");
    const json_t *strict = json_body_field(wrapper, "strict");
    if (!json_is_object(wrapper) || (strict && !json_is_boolean(strict)))
        return fault_set_param(fault, STATUS_INVALID, "response_format",
                               "response_format.json_schema must be an object with a name, a "
                               "schema, and strict true or false");
    return read_schema(constraint, json_object_get(wrapper, "schema"), "response_format",
                       json_is_true(strict), fault);
}

static enum status read_response_format(struct openai_constraint *constraint, const json_t *root,
                                        struct fault *fault)
{
    static const char FIELD[] = "response_format";
    json_t *format;
    TRY(json_read_object(root, FIELD, &format, fault));
    if (!format) return OK;
    const json_t *type = json_body_field(format, "type");
    struct text name = json_is_string(type) ? json_text_of(type) : TEXT("");
    if (text_equal(name, TEXT("text"))) return OK;
    if (text_equal(name, TEXT("json_schema"))) return read_openai_schema(constraint, format, fault);
    if (text_equal(name, TEXT("json_object"))) {
        const json_t *schema = json_body_field(format, "schema"); /* llama.cpp's */
        if (schema) return read_schema(constraint, schema, FIELD, false, fault);
        return set_form(constraint,
                        (struct openai_constraint){.form = FORM_JSON_OBJECT, .field = FIELD},
                        fault);
    }
    return fault_set_param(fault, type ? STATUS_UNSUPPORTED : STATUS_INVALID, FIELD,
                           "response_format.type must be text, json_object or json_schema");
}

static enum status read_words(struct openai_constraint *constraint, const json_t *words,
                              const char *field, struct fault *fault)
{
    size_t count = json_array_size(words);
    bool are_strings = count > 0 && count <= REQUEST_WORDS_LIMIT;
    for (size_t i = 0; i < count; i++) are_strings &= json_is_string(json_array_get(words, i));
    if (!are_strings)
        return fault_set_param(fault, STATUS_INVALID, field,
                               "%s must be an array of 1 to %d strings", field,
                               REQUEST_WORDS_LIMIT);
    return set_form(constraint,
                    (struct openai_constraint){.form = FORM_CHOICE, .field = field, .words = words},
                    fault);
}

/* One of the ways to name a form; `value` NULL: it is not there. */
static enum status read_form(struct openai_constraint *constraint, enum constraint_form form,
                             const json_t *value, const char *field, struct fault *fault)
{
    if (!value) return OK;
    if (form == FORM_JSON_SCHEMA) return read_schema(constraint, value, field, false, fault);
    if (form == FORM_CHOICE) return read_words(constraint, value, field, fault);
    if (form == FORM_JSON_OBJECT) {
        if (!json_is_boolean(value))
            return fault_set_param(fault, STATUS_INVALID, field, "%s must be true or false", field);
        if (json_is_false(value)) return OK;
        return set_form(constraint, (struct openai_constraint){.form = form, .field = field},
                        fault);
    }
    if (!json_is_string(value))
        return fault_set_param(fault, STATUS_INVALID, field, "%s must be a string", field);
    return set_form(
        constraint,
        (struct openai_constraint){.form = form, .field = field, .source = json_text_of(value)},
        fault);
}

struct form_field {
    enum constraint_form form;
    const char *name, *field;
};

static enum status read_fields(struct openai_constraint *constraint, const json_t *object,
                               const struct form_field *fields, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++)
        TRY(read_form(constraint, fields[i].form, json_body_field(object, fields[i].name),
                      fields[i].field, fault));
    return OK;
}

enum status openai_constraint_read(struct openai_constraint *constraint, const json_t *root,
                                   struct fault *fault)
{
    static const struct form_field OWN[] = {
        {FORM_GRAMMAR, "grammar", "grammar"},
        {FORM_REGEX, "regex", "regex"},
        {FORM_JSON_SCHEMA, "guided_json", "guided_json"},
        {FORM_REGEX, "guided_regex", "guided_regex"},
        {FORM_GRAMMAR, "guided_grammar", "guided_grammar"},
        {FORM_CHOICE, "guided_choice", "guided_choice"},
    };
    static const struct form_field STRUCTURED[] = {
        {FORM_JSON_SCHEMA, "json", "structured_outputs.json"},
        {FORM_REGEX, "regex", "structured_outputs.regex"},
        {FORM_GRAMMAR, "grammar", "structured_outputs.grammar"},
        {FORM_CHOICE, "choice", "structured_outputs.choice"},
        {FORM_JSON_OBJECT, "json_object", "structured_outputs.json_object"},
    };
    json_t *structured;
    *constraint = (struct openai_constraint){.form = FORM_ANY};
    TRY(read_response_format(constraint, root, fault));
    TRY(read_fields(constraint, root, OWN, ARRAY_COUNT(OWN), fault));
    TRY(json_read_object(root, "structured_outputs", &structured, fault));
    return read_fields(constraint, structured, STRUCTURED, ARRAY_COUNT(STRUCTURED), fault);
}

/* ---- grammars ---- */

static enum status add_words(struct grammar *grammar, const json_t *words, grammar_part *part,
                             struct fault *fault)
{
    size_t count = json_array_size(words);
    grammar_part *parts = calloc(count, sizeof *parts);
    if (!parts) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the choice");
    for (size_t i = 0; i < count; i++)
        parts[i] = grammar_literal(grammar, json_text_of(json_array_get(words, i)));
    *part = grammar_choice(grammar, parts, count);
    free(parts);
    return OK;
}

static enum status add_form(struct grammar *grammar, const struct openai_constraint *constraint,
                            grammar_part *part, struct fault *fault)
{
    switch (constraint->form) {
    case FORM_JSON_SCHEMA:
        return grammar_add_json_schema_closed(grammar, constraint->schema, constraint->is_strict,
                                              part, fault);
    case FORM_GRAMMAR: return grammar_add_gbnf(grammar, constraint->source, part, fault);
    case FORM_REGEX: return grammar_add_regex(grammar, constraint->source, part, fault);
    case FORM_CHOICE: return add_words(grammar, constraint->words, part, fault);
    case FORM_JSON_OBJECT:
    case FORM_ANY: break;
    }
    *part = grammar_json_object(grammar);
    return OK;
}

enum status openai_constraint_fault(const struct openai_constraint *constraint, enum status status,
                                    struct fault *fault)
{
    bool is_ours = status == OK || status == STATUS_NO_MEMORY || status == STATUS_INTERNAL;
    if (is_ours || !constraint->field || !fault || fault->param[0]) return status;
    char why[FAULT_MESSAGE_BYTES];
    memcpy(why, fault->message, sizeof why);
    /* Too large is the form, not the request. */
    return fault_set_param(fault, status == STATUS_TOO_LARGE ? STATUS_UNSUPPORTED : status,
                           constraint->field, "%s: %s", constraint->field, why);
}

enum status openai_constraint_add(struct grammar *grammar,
                                  const struct openai_constraint *constraint, grammar_part *part,
                                  struct fault *fault)
{
    return openai_constraint_fault(constraint, add_form(grammar, constraint, part, fault), fault);
}

void openai_constraint_key(const struct openai_constraint *constraint, struct buffer *key)
{
    buffer_printf(key, "%d %d ", (int)constraint->form, constraint->is_strict);
    json_append(key, constraint->schema); /* its order means something */
    json_append(key, constraint->words);
    buffer_append_text(key, constraint->source);
}
