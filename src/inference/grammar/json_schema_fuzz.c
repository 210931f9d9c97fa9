/* json_schema_fuzz.c - any bytes as a JSON Schema: a grammar or a fault that says why, within
 * bounds of time and memory. What grammar there is must know none of two texts that are no JSON. */
#include <jansson.h>

#include "inference/grammar/grammar.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check(const json_t *schema, bool closed)
{
    struct grammar *grammar;
    struct fault fault = {.status = OK};
    grammar_part root;
    if (grammar_new(&grammar, &fault) != OK) return;
    enum status status = grammar_add_json_schema_closed(grammar, schema, closed, &root, &fault);
    if (status != OK && (fault.status != status || fault.message[0] == '\0')) __builtin_trap();
    if (status == OK) {
        grammar_set_root(grammar, root);
        if (grammar_finish(grammar, &fault) == OK &&
            (grammar_matches(grammar, TEXT("")) || grammar_matches(grammar, TEXT("{\"a\":1,}"))))
            __builtin_trap();
    }
    grammar_free(grammar);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size == 0 || size > 4096) return 0;
    json_error_t error;
    json_t *schema = json_loadb((const char *)data + 1, size - 1,
                                JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (schema) check(schema, data[0] & 1);
    json_decref(schema);
    return 0;
}
