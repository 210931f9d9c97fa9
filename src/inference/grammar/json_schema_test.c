/* json_schema_test.c - schemas as grammars: what is known, what is not, and what is refused by
 * which name. Thousands of random ones are judged by another implementation in tests/e2e. */
#include <stdalign.h>

#include "inference/grammar/json_schema_testing.h"

static void keywords_mean_what_they_say(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{}",
         {"1", "[]", "{\"a\": [null, true]}", "\"\\u00e4\""},
         {"", "01", "nul", "\"\\ud800\""}},
        {"{\"type\":[\"string\",\"null\"]}", {"\"a\"", "null"}, {"1", "\"a"}},
        {"{\"enum\":[1,\"a\",{\"x\":[2]},null]}",
         {"1", "\"a\"", "{\"x\":[2]}", "{\"x\": [2]}", "null"},
         {"2", "\"b\"", "{}"}},
        {"{\"const\":\"\\n\\\"\"}", {"\"\\n\\\"\""}, {"\"n\""}},
        {"{\"enum\":[1,2,\"a\",\"bb\"],\"minLength\":2}", {"1", "\"bb\""}, {"\"a\""}},
        {"{\"type\":\"integer\",\"minimum\":-12,\"exclusiveMaximum\":105}",
         {"-12", "-9", "0", "99", "104"},
         {"-13", "105", "-0", "1.0", "007"}},
        {"{\"type\":\"number\",\"minimum\":0.25,\"maximum\":1.5}",
         {"0.25", "1", "1.5", "1.50", "0.3"},
         {"0.24", "1.51", "2", "0", "1e0"}},
        {"{\"type\":\"number\",\"exclusiveMinimum\":-0.5,\"exclusiveMaximum\":0}",
         {"-0.4", "-0.1"},
         {"-0.5", "0", "-0", "0.1"}},
        {"{\"type\":\"number\",\"not\":{\"type\":\"integer\"}}",
         {"0.5", "-0.25", "123.25"},
         {"1", "1.0", "119651464358818.997344537557064"}}, /* as a double an integer */
        {"{\"type\":\"number\",\"exclusiveMinimum\":1000}",
         {"1000.5"},
         {"1000", "1000.000000000000001"}},
        {"{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":0}",
         {"0", "7", "700"},
         {"1", "8", "-7"}},
        {"{\"type\":\"number\",\"multipleOf\":0.01}", {"1", "0.07", "3.140"}, {"0.001", "1e1"}},
        {"{\"type\":\"string\",\"minLength\":1,\"maxLength\":2}",
         {"\"a\"", "\"\\\\b\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
         {"\"\"", "\"abc\""}},
        {"{\"type\":\"string\",\"pattern\":\"b$\",\"maxLength\":2}",
         {"\"b\"", "\"ab\""},
         {"\"aab\"", "\"a\""}},
        {"{\"type\":\"string\",\"allOf\":[{\"pattern\":\"a\"},{\"pattern\":\"^.b\"}]}",
         {"\"ab\"", "\"xba\""},
         {"\"b\"", "\"ba\""}},
        {"{\"type\":\"string\",\"format\":\"date-time\"}",
         {"\"2024-02-29T23:59:59.5+01:00\""},
         {"\"2023-02-29T00:00:00Z\"", "\"2024-02-29\""}},
        {"{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"}],\"items\":{\"type\":"
         "\"integer\"},"
         "\"minItems\":1,\"maxItems\":3}",
         {"[null]", "[null,1, 2]"},
         {"[]", "[1]", "[null,null]", "[null,1,2,3]"}},
        {"{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"contains\":{\"const\":7},"
         "\"maxContains\":1}",
         {"[7]", "[1,7,2]"},
         {"[]", "[1]", "[7,7]"}},
        {"{\"type\":\"array\",\"prefixItems\":[true],\"contains\":true,\"minContains\":0,"
         "\"maxItems\":0}",
         {"[]"},
         {"[1]"}},
        {"{\"type\":\"array\",\"items\":{\"enum\":[\"a\",\"b\",\"c\"]},\"uniqueItems\":true}",
         {"[]", "[\"a\",\"c\"]"},
         {"[\"a\",\"a\"]"}},
        {"{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"uniqueItems\":true}",
         {"[\"red\",\"green\",\"blue\"]"},
         {"[\"red\",\"red\"]"}},
        /* Nothing tells these apart: at most one. */
        {"{\"items\":{\"type\":\"array\"},\"uniqueItems\":true,\"type\":\"array\"}",
         {"[]", "[[1,1]]"},
         {"[[],[]]"}},
        {"{\"prefixItems\":[{\"const\":1}],\"uniqueItems\":true,\"type\":\"array\"}",
         {"[]", "[1]"},
         {"[1,1]"}},
        /* Two that cannot be told apart: only the other way is left. */
        {"{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"array\",\"items\":{\"type\":\"array\"},"
         "\"minItems\":2,\"uniqueItems\":true}]}",
         {"null"},
         {"[[],[]]", "[[],[1]]", "[]"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

static void objects_have_their_properties_in_order(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"const\":1},"
         "\"c\":true},\"required\":[\"b\"],\"additionalProperties\":false}",
         {"{\"b\":1}", "{\"a\":2, \"b\": 1}", "{\"b\":1,\"c\":[]}"},
         {"{}", "{\"b\":1,\"a\":2}", "{\"b\":2}", "{\"b\":1,\"d\":1}", "{\"b\":1,}"}},
        {"{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}},"
         "\"additionalProperties\":{\"type\":\"null\"}}",
         {"{}", "{\"x\":null}", "{\"a\":1,\"ab\":null}", "{\"\":null}"},
         {"{\"a\":null}", "{\"x\":null,\"a\":null}", "{\"\\u0061\":null}"}},
        {"{\"type\":\"object\",\"patternProperties\":{\"^x-\":{\"const\":1}},"
         "\"additionalProperties\":false}",
         {"{}", "{\"x-a\":1,\"x-\":1}"},
         {"{\"x-a\":2}", "{\"y\":1}"}},
        {"{\"type\":\"object\",\"propertyNames\":{\"maxLength\":1},\"maxProperties\":2}",
         {"{}", "{\"a\":1,\"b\":2}"},
         {"{\"ab\":1}", "{\"a\":1,\"b\":2,\"c\":3}"}},
        {"{\"type\":\"object\",\"properties\":{\"a\":true,\"b\":true,\"c\":true},\"minProperties\":"
         "2,"
         "\"additionalProperties\":false}",
         {"{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":1,\"c\":1}"},
         {"{\"a\":1}", "{}"}},
        {"{\"type\":\"object\",\"required\":[\"z\"]}", {"{\"z\":1}", "{\"z\":1,\"y\":2}"}, {"{}"}},
        {"{\"type\":\"object\",\"properties\":{\"a\":true},\"dependentRequired\":{\"a\":[\"b\"]},"
         "\"additionalProperties\":{\"type\":\"null\"}}",
         {"{}", "{\"a\":1,\"b\":null}", "{\"b\":null}"},
         {"{\"a\":1}"}},
        {"{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"integer\"}}},{\"properties\":{\"a\":{"
         "\"minimum\":3}},\"required\":[\"a\"]}],\"type\":\"object\",\"unevaluatedProperties\":"
         "false}",
         {"{\"a\":3}"},
         {"{\"a\":2}", "{\"a\":\"x\"}", "{\"a\":3,\"b\":1}"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

static void schemas_combine(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"anyOf\":[{\"type\":\"integer\"},{\"const\":\"a\"}]}", {"1", "\"a\""}, {"\"b\""}},
        {"{\"oneOf\":[{\"type\":\"integer\",\"maximum\":9},{\"type\":\"integer\",\"minimum\":5}]}",
         {"4", "10"},
         {"5", "9"}},
        {"{\"type\":\"string\",\"not\":{\"enum\":[\"a\",\"ab\"]}}",
         {"\"\"", "\"b\"", "\"abc\""},
         {"\"a\"", "\"ab\""}},
        {"{\"type\":\"string\",\"not\":{\"pattern\":\"^a\"}}", {"\"ba\"", "\"\""}, {"\"ab\""}},
        {"{\"type\":\"object\",\"properties\":{\"k\":{\"enum\":[\"x\",\"y\"]},\"v\":true},"
         "\"required\":[\"k\",\"v\"],\"additionalProperties\":false,"
         "\"if\":{\"properties\":{\"k\":{\"const\":\"x\"}}},"
         "\"then\":{\"properties\":{\"v\":{\"type\":\"integer\"}}},"
         "\"else\":{\"properties\":{\"v\":{\"type\":\"null\"}}}}",
         {"{\"k\":\"x\",\"v\":1}", "{\"k\":\"y\",\"v\":null}"},
         {"{\"k\":\"x\",\"v\":null}", "{\"k\":\"y\",\"v\":1}"}},
        {"{\"$ref\":\"#/$defs/list\",\"$defs\":{\"list\":{\"type\":\"object\",\"properties\":{"
         "\"next\":{\"$ref\":\"#/$defs/list\"}},\"additionalProperties\":false}}}",
         {"{}", "{\"next\":{\"next\":{}}}"},
         {"{\"next\":1}"}},
        {"{\"$ref\":\"#n\",\"$defs\":{\"x\":{\"$anchor\":\"n\",\"type\":\"null\"}}}",
         {"null"},
         {"1"}},
        {"{\"$ref\":\"other\",\"$defs\":{\"x\":{\"$id\":\"other\",\"type\":\"null\"}}}",
         {"null"},
         {"1"}},
        {"{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/definitions/a\","
         "\"maximum\":1,\"definitions\":{\"a\":{\"type\":\"integer\"}}}",
         {"5"},
         {"\"a\""}},
        {"{\"$ref\":\"#/$defs/a\",\"maximum\":1,\"$defs\":{\"a\":{\"type\":\"integer\"}}}",
         {"1"},
         {"5"}},
        /* Five must fail at once, and what they share cannot. */
        {"{\"$defs\":{\"b\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"string\"}},"
         "\"required\":[\"n\"]}},\"oneOf\":["
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"p\"]}]},"
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"q\"]}]},"
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"r\"]}]},"
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"s\"]}]},"
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"t\"]}]},"
         "{\"allOf\":[{\"$ref\":\"#/$defs/b\"},{\"required\":[\"u\"]}]}]}",
         {"{\"n\":\"x\",\"p\":1}", "{\"n\":\"\",\"u\":null}"},
         {"{\"n\":\"x\"}", "{\"n\":\"x\",\"p\":1,\"q\":1}", "{\"p\":1}"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

static void numbers_that_are_no_multiples(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"not\":{\"multipleOf\":3}}",
         {"1", "-2", "0.5", "3.3"},
         {"3", "0", "-6", "3.0", "\"a\""}},
        {"{\"not\":{\"multipleOf\":1}}", {"0.5", "-1.25"}, {"0", "1", "1.0"}},
        {"{\"type\":\"number\",\"not\":{\"multipleOf\":0.5},\"minimum\":0,\"maximum\":1}",
         {"0.25", "0.3", "0.51"},
         {"0", "0.5", "1", "0.50", "1.25"}},
        {"{\"oneOf\":[{\"type\":\"integer\",\"multipleOf\":1},{\"type\":\"integer\",\"multipleOf\":"
         "2}]}",
         {"1", "-3", "99"},
         {"0", "2", "-4", "1.5"}},
        /* Of 1 to 8: no multiples of 2, 3, 5 and 7, of which the others say nothing new. */
        {"{\"type\":\"integer\",\"oneOf\":[{\"multipleOf\":1},{\"multipleOf\":2},{\"multipleOf\":3}"
         ","
         "{\"multipleOf\":4},{\"multipleOf\":5},{\"multipleOf\":6},{\"multipleOf\":7},{"
         "\"multipleOf\":8}]}",
         {"1", "11", "-13", "121"},
         {"2", "9", "49", "5", "0"}},
        {"{\"type\":\"integer\",\"oneOf\":[{\"not\":{\"multipleOf\":2}},{\"multipleOf\":3}]}",
         {"0", "1", "5", "6"},
         {"2", "3", "9", "4"}},
        {"{\"type\":\"integer\",\"if\":{\"multipleOf\":3},\"then\":{\"multipleOf\":2},\"else\":"
         "{\"maximum\":4}}",
         {"6", "4", "-1"},
         {"3", "9", "5"}},
        /* So many remainders are told for numbers of a few digits. */
        {"{\"type\":\"integer\",\"multipleOf\":4999,\"minimum\":1}",
         {"4999", "9998", "14997"},
         {"0", "1", "4998", "5000", "-4999"}},
        {"{\"type\":\"number\",\"multipleOf\":0.4999}",
         {"0", "-0.9998", "0.49990"},
         {"0.4", "4999.1"}},
        {"{\"type\":\"integer\",\"not\":{\"anyOf\":[{\"multipleOf\":97},{\"multipleOf\":89},"
         "{\"multipleOf\":83},{\"multipleOf\":2}]}}",
         {"1", "-31", "99", "101"},
         {"97", "89", "2", "-83", "0"}},
        /* Given values are judged in decimal as well. */
        {"{\"enum\":[10000000001.0,10000000002.0,0.3,0.25],\"multipleOf\":0.1}",
         {"10000000001", "0.3"},
         {"0.25"}},
        {"{\"enum\":[10000000001.0,10000000002.0,0.3],\"not\":{\"multipleOf\":2}}",
         {"10000000001", "0.3"},
         {"10000000002"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

/* What both alternatives know is not written, where it cannot be written by itself either. */
static void what_is_left_out_overlaps_still(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"oneOf\":[{\"type\":\"array\",\"not\":{\"type\":\"array\",\"uniqueItems\":true}},"
         "{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}]}",
         {"[]", "[1]"},
         {"[1,1]"}},
        {"{\"oneOf\":[{\"type\":\"object\",\"not\":{\"type\":\"object\",\"additionalProperties\":"
         "{\"type\":\"integer\"}}},{\"type\":\"object\"}]}",
         {"{}", "{\"a\":1}"},
         {"{\"a\":\"x\"}", "{\"a\":1,\"b\":null}"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
}

/* ---- where a schema lies in memory ---- */

static alignas(16) char heap[1 << 20];
static size_t heap_used;

static void *allocate_upwards(size_t size)
{
    size_t at = heap_used;
    heap_used += (size + 15) / 16 * 16;
    assert_true(heap_used <= sizeof heap);
    return heap + at;
}

static void *allocate_downwards(size_t size)
{
    allocate_upwards(size);
    return heap + sizeof heap - heap_used;
}

static void free_nothing(void *memory)
{
}

static enum status read_from_heap(const char *source, void *(*allocate)(size_t))
{
    struct grammar *grammar;
    struct fault fault;
    grammar_part root;
    heap_used = 0;
    json_set_alloc_funcs(allocate, free_nothing);
    json_t *schema = json_loads(source, 0, NULL);
    json_set_alloc_funcs(malloc, free);
    assert_non_null(schema);
    assert_ok(grammar_new(&grammar, &fault), &fault);
    enum status status = grammar_add_json_schema(grammar, schema, &root, &fault);
    grammar_free(grammar);
    return status;
}

/* The property "x" can have no value. That is found at once when the second schema is looked at
 * before the choices of the first, and else after 2^20 steps; which of the two it is must not hang
 * on where they lie. */
static void addresses_decide_nothing(void **state)
{
    struct buffer choices, source;
    static const char NEITHER[] =
        "{\"anyOf\":[{\"required\":[\"q\"],\"properties\":{\"q\":false}},"
        "{\"required\":[\"r\"],\"properties\":{\"r\":false}}]}";
    buffer_init(&choices);
    buffer_init(&source);
    for (int i = 0; i < 20; i++)
        buffer_printf(&choices, "%s{\"anyOf\":[{\"required\":[\"a%d\"]},{\"required\":[\"b%d\"]}]}",
                      i ? "," : "{\"type\":\"object\",\"allOf\":[", i, i);
    buffer_append_string(&choices, "]}");
    const char *orders[2][2] = {{choices.data, NEITHER}, {NEITHER, choices.data}};
    int at_once = 0;
    for (size_t i = 0; i < ARRAY_COUNT(orders); i++) {
        buffer_clear(&source);
        buffer_printf(&source,
                      "{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"x\":%s},"
                      "\"allOf\":[{\"properties\":{\"x\":%s}}]}",
                      orders[i][0], orders[i][1]);
        enum status status = read_from_heap(source.data, allocate_upwards);
        assert_int_equal(status, read_from_heap(source.data, allocate_downwards));
        at_once += status == STATUS_INVALID;
    }
    assert_int_equal(at_once, 1); /* the order of the schema tells */
    buffer_deinit(&choices);
    buffer_deinit(&source);
}

static void strict_schemas_are_closed(void **state)
{
    static const struct example OPEN = {
        "{\"type\":\"object\",\"properties\":{\"a\":true}}", {"{\"a\":1,\"b\":2}"}, {NULL}};
    static const struct example CLOSED = {
        "{\"type\":\"object\",\"properties\":{\"a\":true}}", {"{\"a\":1}"}, {"{\"a\":1,\"b\":2}"}};
    static const struct example MAP = {"{\"type\":\"object\"}", {"{\"b\":2}"}, {NULL}};
    expect(&OPEN, false);
    expect(&CLOSED, true);
    expect(&MAP, true);
}

static void what_cannot_be_honoured_is_refused_by_name(void **state)
{
    static const struct refusal CASES[] = {
        {"{\"properties\":{\"a\":{\"pattern\":\"(a)\\\\1\"}}}", STATUS_UNSUPPORTED,
         "#/properties/a/pattern: "},
        {"{\"items\":{\"$ref\":\"http://example.com/x\"}}", STATUS_UNSUPPORTED, "#/items/$ref: "},
        {"{\"$ref\":\"#/nowhere\"}", STATUS_INVALID, "#/$ref: "},
        {"{\"type\":\"object\",\"minProperties\":2}", STATUS_UNSUPPORTED, "#/minProperties: "},
        {"{\"not\":{\"uniqueItems\":true}}", STATUS_UNSUPPORTED, "#/not/uniqueItems: "},
        /* There are values, and we cannot write them: not "no value satisfies it". */
        {"{\"type\":\"array\",\"not\":{\"type\":\"array\",\"uniqueItems\":true}}",
         STATUS_UNSUPPORTED, "#/not/uniqueItems: "},
        {"{\"type\":\"object\",\"not\":{\"type\":\"object\",\"additionalProperties\":{\"type\":"
         "\"integer\"}}}",
         STATUS_UNSUPPORTED, "#/not/additionalProperties: "},
        {"{\"type\":\"integer\",\"minimum\":1000000,\"not\":{\"anyOf\":[{\"multipleOf\":97},"
         "{\"multipleOf\":89},{\"multipleOf\":83}]}}",
         STATUS_UNSUPPORTED, "#/not/anyOf/1/multipleOf: together with the others: needs"},
        {"{\"type\":\"integer\",\"exclusiveMinimum\":999,\"allOf\":[{\"multipleOf\":4999},"
         "{\"multipleOf\":4993}]}",
         STATUS_UNSUPPORTED, "#/allOf/1/multipleOf: together with the others: told only"},
        {"{\"type\":\"integer\",\"not\":{\"multipleOf\":5001}}", STATUS_UNSUPPORTED,
         "#/not/multipleOf: "},
        {"{\"type\":\"array\",\"not\":{\"uniqueItems\":false}}", STATUS_INVALID,
         "#: no value satisfies it"},
        {"{\"type\":\"integer\",\"not\":{\"type\":\"integer\"}}", STATUS_INVALID,
         "#: no value satisfies it"},
        {"{\"type\":\"integer\",\"not\":{\"multipleOf\":1}}", STATUS_INVALID,
         "#: no value satisfies it"},
        {"{\"type\":\"string\",\"not\":{\"type\":\"string\",\"uniqueItems\":true}}", STATUS_INVALID,
         "#: no value satisfies it"},
        {"{\"type\":\"array\",\"items\":{\"type\":\"array\"},\"minItems\":2,\"uniqueItems\":true}",
         STATUS_UNSUPPORTED, "#/uniqueItems: "},
        {"{\"$dynamicRef\":\"#a\"}", STATUS_INVALID, "#/$dynamicRef: "},
        {"{\"unevaluatedItems\":false}", STATUS_UNSUPPORTED, "#/unevaluatedItems: "},
        {"{\"type\":\"array\",\"multipleOf\":0,\"items\":{\"type\":\"number\",\"multipleOf\":0}}",
         STATUS_INVALID, "#/items/multipleOf: "},
        {"{\"type\":\"strong\"}", STATUS_INVALID, "#/type: "},
        {"{\"properties\":{\"a/b~\":{\"minLength\":-1}}}", STATUS_INVALID,
         "#/properties/a~1b~0/minLength: "},
        {"{\"type\":\"string\",\"enum\":[1]}", STATUS_INVALID, "#: "},
        {"{\"anyOf\":[]}", STATUS_INVALID, "#/anyOf: "},
        {"{\"properties\":{\"a\":5}}", STATUS_INVALID, "#"},
        {"false", STATUS_INVALID, "#: "},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) expect_refused(&CASES[i]);
}

static void any_object_is_an_object(void **state)
{
    struct grammar *grammar;
    struct fault fault;
    assert_ok(grammar_new(&grammar, &fault), &fault);
    grammar_set_root(grammar, grammar_json_object(grammar));
    assert_ok(grammar_finish(grammar, &fault), &fault);
    assert_true(grammar_matches(grammar, TEXT("{\"a\": [1, {\"b\":-1.5e10}]}")));
    assert_false(grammar_matches(grammar, TEXT("[]")));
    assert_false(grammar_matches(grammar, TEXT("{\"a\":  1}"))); /* one space at the most */
    assert_false(grammar_matches(grammar, TEXT("{\"a\":1234567890123456}")));
    grammar_free(grammar);
}

/* Thirty conditions are no 2^30 alternatives, and twenty closed ones of oneOf no 20^20. */
static void combinations_stay_small(void **state)
{
    struct buffer many;
    buffer_init(&many);
    buffer_append_string(&many, "{\"type\":\"object\",\"required\":[\"k\"],\"allOf\":[");
    for (int i = 0; i < 30; i++)
        buffer_printf(&many,
                      "%s{\"if\":{\"properties\":{\"k\":{\"const\":\"k%d\"}}},"
                      "\"then\":{\"required\":[\"v%d\"]}}",
                      i ? "," : "", i, i);
    buffer_append_string(&many, "]}");
    const struct example conditions = {
        many.data, {"{\"k\":\"k7\",\"v7\":1}", "{\"k\":\"other\"}"}, {"{\"k\":\"k7\",\"v8\":1}"}};
    expect(&conditions, false);
    buffer_clear(&many);
    buffer_append_string(&many, "{\"oneOf\":[");
    for (int i = 0; i < 20; i++)
        buffer_printf(&many,
                      "%s{\"type\":\"object\",\"properties\":{\"p%d\":{\"const\":%d}},"
                      "\"additionalProperties\":false}",
                      i ? "," : "", i, i);
    buffer_append_string(&many, "]}");
    const struct example exclusive = {
        many.data, {"{\"p7\":7}", "{\"p19\":19}"}, {"{}", "{\"p7\":8}", "{\"p7\":7,\"p8\":8}"}};
    expect(&exclusive, false);
    buffer_deinit(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_mean_what_they_say),
        cmocka_unit_test(objects_have_their_properties_in_order),
        cmocka_unit_test(schemas_combine),
        cmocka_unit_test(numbers_that_are_no_multiples),
        cmocka_unit_test(what_is_left_out_overlaps_still),
        cmocka_unit_test(addresses_decide_nothing),
        cmocka_unit_test(strict_schemas_are_closed),
        cmocka_unit_test(what_cannot_be_honoured_is_refused_by_name),
        cmocka_unit_test(any_object_is_an_object),
        cmocka_unit_test(combinations_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
