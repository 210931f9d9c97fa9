/* json_schema_circle_test.c - schemas that lead back to themselves: with the same value they say
 * nothing and are refused; by way of a property or an item that is how recursion is written. */
#include "inference/grammar/json_schema_testing.h"

#define CIRCLE "leads in a circle"

static void circles_are_refused_by_place(void **state)
{
    static const struct refusal CASES[] = {
        {"{\"$ref\":\"#\"}", STATUS_INVALID, "#/$ref: " CIRCLE},
        {"{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}},"
         "\"$ref\":\"#/$defs/a\"}",
         STATUS_INVALID, "#/$defs/b/$ref: " CIRCLE},
        {"{\"definitions\":{\"a\":{\"$ref\":\"#/definitions/a\"}},"
         "\"items\":{\"$ref\":\"#/definitions/a\"},\"type\":\"array\"}",
         STATUS_INVALID, "#/definitions/a/$ref: " CIRCLE},
        {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"type\":\"object\","
         "\"properties\":{\"p\":{\"$ref\":\"#/properties/p\"}}}",
         STATUS_INVALID, "#/properties/p/$ref: " CIRCLE},
        {"{\"allOf\":[{\"$ref\":\"#\"}]}", STATUS_INVALID, "#/allOf/0/$ref: " CIRCLE},
        {"{\"anyOf\":[{\"$ref\":\"#\"},{\"type\":\"integer\"}]}", STATUS_INVALID,
         "#/anyOf/0/$ref: " CIRCLE},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"allOf\":[{\"$ref\":\"#\"}]}]}", STATUS_INVALID,
         "#/oneOf/1/allOf/0/$ref: " CIRCLE},
        {"{\"not\":{\"$ref\":\"#\"}}", STATUS_INVALID, "#/not/$ref: " CIRCLE},
        {"{\"not\":{\"not\":{\"$ref\":\"#\"}}}", STATUS_INVALID, "#/not/not/$ref: " CIRCLE},
        {"{\"if\":{\"$ref\":\"#\"},\"then\":{\"type\":\"null\"}}", STATUS_INVALID,
         "#/if/$ref: " CIRCLE},
        {"{\"if\":{\"type\":\"null\"},\"then\":{\"$ref\":\"#\"}}", STATUS_INVALID,
         "#/then/$ref: " CIRCLE},
        {"{\"if\":{\"type\":\"null\"},\"else\":{\"anyOf\":[{\"$ref\":\"#\"},true]}}",
         STATUS_INVALID, "#/else/anyOf/0/$ref: " CIRCLE},
        {"{\"dependentSchemas\":{\"a\":{\"$ref\":\"#\"}}}", STATUS_INVALID,
         "#/dependentSchemas/a/$ref: " CIRCLE},
        {"{\"dependencies\":{\"b\":[\"c\"],\"a\":{\"$ref\":\"#\"}}}", STATUS_INVALID,
         "#/dependencies/a/$ref: " CIRCLE},
        {"{\"$anchor\":\"me\",\"allOf\":[{\"$ref\":\"#me\"}]}", STATUS_INVALID,
         "#/allOf/0/$ref: " CIRCLE},
        {"{\"$id\":\"http://x.org/a\",\"allOf\":[{\"$ref\":\"a#\"}]}", STATUS_INVALID,
         "#/allOf/0/$ref: " CIRCLE},
        {"{\"$dynamicAnchor\":\"me\",\"anyOf\":[{\"$dynamicRef\":\"#me\"},{\"type\":\"null\"}]}",
         STATUS_INVALID, "#/anyOf/0/$dynamicRef: " CIRCLE},
        {"{\"$recursiveAnchor\":true,\"anyOf\":[{\"$recursiveRef\":\"#\"},{\"type\":\"null\"}]}",
         STATUS_INVALID, "#/anyOf/0/$recursiveRef: " CIRCLE},
        {"{\"unevaluatedProperties\":false,\"allOf\":[{\"$ref\":\"#\"}],\"properties\":{\"a\":true}"
         "}",
         STATUS_INVALID, "#/allOf/0/$ref: " CIRCLE},
        /* Begun within the circle, whose last step is no reference. */
        {"{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/$defs/a/allOf/0\"}},"
         "\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"}]}}}",
         STATUS_INVALID, "#/$defs/a/allOf/0/$ref: " CIRCLE},
        /* Where values that are given are judged: of enum, and names. */
        {"{\"enum\":[1,2],\"anyOf\":[{\"$ref\":\"#\"},true]}", STATUS_INVALID,
         "#/anyOf/0/$ref: " CIRCLE},
        {"{\"type\":\"object\",\"properties\":{\"a\":true},\"not\":{\"propertyNames\":"
         "{\"$ref\":\"#/$defs/n\"}},\"$defs\":{\"n\":{\"anyOf\":[{\"$ref\":\"#/$defs/n\"},"
         "{\"minLength\":2}]}}}",
         STATUS_INVALID, "#/$defs/n/anyOf/0/$ref: " CIRCLE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) expect_refused(&CASES[i]);
}

static void recursion_by_properties_and_items_is_none(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},"
         "\"additionalProperties\":false}",
         {"{}", "{\"a\":{\"a\":{}}}"},
         {"{\"a\":1}"}},
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}]}",
         {"1", "[1,[2,[]]]"},
         {"\"a\"", "[\"a\"]"}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"}],\"items\":{\"not\":"
         "{\"$ref\":\"#\"}}}",
         {"[]", "[null,1]"},
         {"[1]", "[null,[]]", "[null,[null]]"}},
        {"{\"type\":\"object\",\"patternProperties\":{\"^x\":{\"$ref\":\"#\"}},"
         "\"additionalProperties\":{\"allOf\":[{\"$ref\":\"#\"}]}}",
         {"{}", "{\"x\":{}}", "{\"y\":{\"x\":{}}}"},
         {"{\"x\":1}", "{\"y\":1}"}},
        {"{\"type\":\"array\",\"contains\":{\"anyOf\":[{\"$ref\":\"#\"},{\"const\":0}]}}",
         {"[0]", "[1,[0]]"},
         {"[]", "[1,[1]]"}},
        /* A name is a string, of which this says nothing. */
        {"{\"type\":[\"object\",\"string\"],\"propertyNames\":{\"$ref\":\"#\"}}",
         {"{\"a\":1}"},
         {"1"}},
        /* The same twice is no circle. */
        {"{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/b\"}],\"$defs\":{\"a\":"
         "{\"type\":\"integer\"},\"b\":{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/"
         "a\"}]}}}",
         {"1"},
         {"\"a\""}},
        /* What nobody comes to, and what has no effect. */
        {"{\"type\":\"null\",\"$defs\":{\"a\":{\"$ref\":\"#/$defs/a\"}}}", {"null"}, {"1"}},
        {"{\"type\":\"null\",\"then\":{\"$ref\":\"#\"}}", {"null"}, {"1"}},
        {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/definitions/a\","
         "\"allOf\":[{\"$ref\":\"#\"}],\"definitions\":{\"a\":{\"type\":\"null\"}}}",
         {"null"},
         {"1"}},
        {"{\"const\":{\"$ref\":\"#\"}}", {"{\"$ref\":\"#\"}"}, {"1"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

/* A chain of `count` references, at whose end is a null. */
static void print_chain(struct buffer *out, int count)
{
    buffer_append_string(out, "{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
    for (int i = 0; i < count; i++)
        buffer_printf(out, "\"d%d\":{\"$ref\":\"#/$defs/d%d\"},", i, i + 1);
    buffer_printf(out, "\"d%d\":{\"type\":\"null\"}}}", count);
}

static void long_chains_end(void **state)
{
    struct buffer chain;
    buffer_init(&chain);
    print_chain(&chain, 500);
    const struct example honoured = {chain.data, {"null"}, {"1"}};
    expect(&honoured, false);
    buffer_clear(&chain);
    print_chain(&chain, 50000);
    const struct refusal refused = {chain.data, STATUS_TOO_LARGE, "#/$defs/d"};
    expect_refused(&refused);
    buffer_deinit(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circles_are_refused_by_place),
        cmocka_unit_test(recursion_by_properties_and_items_is_none),
        cmocka_unit_test(long_chains_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
