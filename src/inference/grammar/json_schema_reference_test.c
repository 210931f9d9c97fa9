/* json_schema_reference_test.c - what references mean: URIs, embedded documents, anchors, dynamic
 * references, meta-schemas. */
#include "inference/grammar/json_schema_private.h"
#include "inference/grammar/json_schema_testing.h"

/* RFC 3986, 5.4. */
static void uris_are_resolved(void **state)
{
    static const char *const CASES[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
    };
    struct arena job;
    arena_init(&job, 1 << 20);
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        struct text uri = uri_resolve(&job, TEXT("http://a/b/c/d;p?q"), text_of(CASES[i][0]));
        if (!text_equal(uri, text_of(CASES[i][1])))
            fail_msg("%s became %.*s", CASES[i][0], (int)uri.length, uri.data);
    }
    struct text alone = uri_resolve(&job, TEXT(""), TEXT("other"));
    assert_true(text_equal(alone, TEXT("other")));
    arena_deinit(&job);
}

static void embedded_documents_are_found(void **state)
{
    static const struct example EXAMPLES[] = {
        {"{\"$id\":\"https://x.org/a/root.json\",\"items\":{\"$ref\":\"../b/item.json\"},"
         "\"$defs\":{\"i\":{\"$id\":\"https://x.org/b/item.json\",\"$ref\":\"#/$defs/n\","
         "\"$defs\":{\"n\":{\"type\":\"null\"}}}}}",
         {"[null]"},
         {"[1]"}},
        {"{\"$ref\":\"https://x.org/b.json#/$defs/n\",\"$defs\":{\"b\":{\"$id\":"
         "\"https://x.org/b.json\",\"$defs\":{\"n\":{\"$ref\":\"c.json#there\"}}},"
         "\"c\":{\"$id\":\"https://x.org/c.json\",\"$defs\":{\"t\":{\"$anchor\":\"there\","
         "\"const\":7}}}}}",
         {"7"},
         {"8"}},
        /* Each embedded document speaks its own draft: in draft 7 nothing counts beside $ref. */
        {"{\"allOf\":[{\"$ref\":\"old\"}],\"$defs\":{\"o\":{\"$id\":\"old\",\"$schema\":"
         "\"http://json-schema.org/draft-07/schema#\",\"$ref\":\"#/definitions/i\","
         "\"maximum\":1,\"definitions\":{\"i\":{\"type\":\"integer\"}}}}}",
         {"5"},
         {"\"a\""}},
        {"{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\"id\":\"http://x.org/r\","
         "\"items\":{\"$ref\":\"s\"},\"definitions\":{\"s\":{\"id\":\"s\",\"type\":\"null\"}}}",
         {"[null]"},
         {"[1]"}},
        {"{\"properties\":{\"$id\":{\"type\":\"null\"}},\"required\":[\"$id\"]}",
         {"{\"$id\":null}"},
         {"{\"$id\":1}"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
    static const struct refusal ELSEWHERE[] = {
        {"{\"$ref\":\"https://x.org/other\"}", STATUS_UNSUPPORTED, "#/$ref: \"https://x.org/"},
        {"{\"$id\":\"https://x.org/a\",\"items\":{\"$ref\":\"b\"}}", STATUS_UNSUPPORTED,
         "#/items/$ref: \"b\" is another document"},
        {"{\"$ref\":\"x\",\"const\":{\"$id\":\"x\"}}", STATUS_UNSUPPORTED,
         "#/$ref: \"x\" is another"},
        {"{\"$ref\":\"#nowhere\"}", STATUS_INVALID, "#/$ref: \"#nowhere\" leads nowhere"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ELSEWHERE); i++) expect_refused(&ELSEWHERE[i]);
}

static void dynamic_references_lead_outwards(void **state)
{
    static const struct example EXAMPLES[] = {
        /* A tree, whose nodes the root makes stricter. */
        {"{\"$id\":\"strict\",\"$dynamicAnchor\":\"node\",\"$ref\":\"tree\","
         "\"required\":[\"v\"],\"$defs\":{\"tree\":{\"$id\":\"tree\",\"$dynamicAnchor\":\"node\","
         "\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"null\"},\"next\":"
         "{\"$dynamicRef\":\"#node\"}},\"additionalProperties\":false}}}",
         {"{\"v\":null}", "{\"v\":null,\"next\":{\"v\":null}}"},
         {"{}", "{\"v\":null,\"next\":{}}"}},
        /* Without a dynamic anchor it is a $ref. */
        {"{\"$dynamicRef\":\"#a\",\"$defs\":{\"a\":{\"$anchor\":\"a\",\"const\":1}}}",
         {"1"},
         {"2"}},
        {"{\"$recursiveAnchor\":true,\"type\":\"array\",\"items\":{\"$recursiveRef\":\"#\"}}",
         {"[]", "[[],[[]]]"},
         {"[1]"}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) expect(&EXAMPLES[i], false);
    static const struct refusal TWO_WAYS = {
        "{\"anyOf\":[{\"$ref\":\"a\"},{\"$ref\":\"b\"}],\"$defs\":{"
        "\"a\":{\"$id\":\"a\",\"$dynamicAnchor\":\"x\",\"$ref\":\"c\"},"
        "\"b\":{\"$id\":\"b\",\"$dynamicAnchor\":\"x\",\"$ref\":\"c\"},"
        "\"c\":{\"$id\":\"c\",\"$dynamicAnchor\":\"x\",\"items\":{\"$dynamicRef\":\"#x\"}}}}",
        STATUS_UNSUPPORTED, "#/$defs/c/items/$dynamicRef: "};
    expect_refused(&TWO_WAYS);
}

static void meta_schemas_are_built_in(void **state)
{
    static const char *const NAMES[] = {"http://json-schema.org/draft-04/schema#",
                                        "http://json-schema.org/draft-06/schema#",
                                        "http://json-schema.org/draft-07/schema",
                                        "https://json-schema.org/draft-07/schema#",
                                        "https://json-schema.org/draft/2019-09/schema",
                                        "https://json-schema.org/draft/2020-12/schema"};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        char schema[200];
        snprintf(schema, sizeof schema, "{\"items\":{\"$ref\":\"%s\"},\"type\":\"array\"}",
                 NAMES[i]);
        const struct example example = {
            schema,
            {"[{\"properties\":{\"a\":{\"minLength\":2}}}]", "[{\"items\":{\"type\":\"null\"}}]"},
            {"[{\"properties\":{\"a\":{\"type\":\"strong\"}}}]", "[1]",
             "[{\"properties\":{\"a\":{\"minLength\":-2}}}]"}};
        expect(&example, false);
    }
    static const struct refusal UNKNOWN = {"{\"$ref\":\"http://json-schema.org/draft-99/schema\"}",
                                           STATUS_UNSUPPORTED, "#/$ref: "};
    expect_refused(&UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_are_resolved),
        cmocka_unit_test(embedded_documents_are_found),
        cmocka_unit_test(dynamic_references_lead_outwards),
        cmocka_unit_test(meta_schemas_are_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
