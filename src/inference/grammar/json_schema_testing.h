/* json_schema_testing.h - for tests: what a schema knows, and how it is refused. */
#ifndef LIMINAL_INFERENCE_JSON_SCHEMA_TESTING_H
#define LIMINAL_INFERENCE_JSON_SCHEMA_TESTING_H

#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"
#include "inference/grammar/grammar.h"

static struct grammar *compile(const char *source, bool closed)
{
    struct grammar *grammar;
    struct fault fault;
    grammar_part root;
    json_t *schema = json_loads(source, JSON_DECODE_ANY, NULL);
    if (!schema) fail_msg("no JSON: %s", source);
    assert_ok(grammar_new(&grammar, &fault), &fault);
    assert_ok(grammar_add_json_schema_closed(grammar, schema, closed, &root, &fault), &fault);
    grammar_set_root(grammar, root);
    assert_ok(grammar_finish(grammar, &fault), &fault);
    json_decref(schema);
    return grammar;
}

struct example {
    const char *schema;
    const char *known[6], *unknown[6]; /* texts */
};

static void expect(const struct example *example, bool closed)
{
    struct grammar *grammar = compile(example->schema, closed);
    for (int i = 0; i < 6 && example->known[i]; i++)
        if (!grammar_matches(grammar, text_of(example->known[i])))
            fail_msg("%s does not know %s", example->schema, example->known[i]);
    for (int i = 0; i < 6 && example->unknown[i]; i++)
        if (grammar_matches(grammar, text_of(example->unknown[i])))
            fail_msg("%s knows %s", example->schema, example->unknown[i]);
    grammar_free(grammar);
}

struct refusal {
    const char *schema;
    enum status status;
    const char *name; /* how the fault begins: the place in the schema */
};

static void expect_refused(const struct refusal *refusal)
{
    struct grammar *grammar;
    struct fault fault = {.message = ""};
    grammar_part root;
    json_t *schema = json_loads(refusal->schema, JSON_DECODE_ANY, NULL);
    assert_non_null(schema);
    assert_ok(grammar_new(&grammar, &fault), &fault);
    enum status status = grammar_add_json_schema(grammar, schema, &root, &fault);
    if (status != refusal->status ||
        strncmp(fault.message, refusal->name, strlen(refusal->name)) != 0)
        fail_msg("%s: %s, %s", refusal->schema, status_name(status), fault.message);
    grammar_free(grammar);
    json_decref(schema);
}

#endif
