/* content_struct_test.c - each type of segment, and what is dropped (R144). */
#include "conversations/content_struct.h"

#include "base/test_support.h"

static struct fault fault;

/* Normalised, and once more, which must change nothing; `wanted` NULL: dropped. */
static void check(const char *given, const char *content, const char *wanted)
{
    json_t *tree = json_loads(given, JSON_DECODE_ANY, NULL), *made, *again;
    assert_non_null(tree);
    assert_ok(content_struct_normalise(tree, text_of(content), &made, &fault), &fault);
    char *text = made ? json_dumps(made, JSON_COMPACT) : NULL;
    if (!wanted) assert_null(text);
    if (wanted) {
        assert_non_null(text);
        assert_string_equal(text, wanted);
        assert_ok(content_struct_normalise(made, text_of(content), &again, &fault), &fault);
        assert_true(json_equal(made, again));
        json_decref(again);
    }
    free(text);
    json_decref(made);
    json_decref(tree);
}

static void the_specifications_own_example_stays(void **state)
{
    static const char example[] =
        "{\"segments\":["
        "{\"type\":\"text\",\"text\":\"...\",\"start\":0,\"end\":42,\"tags\":[\"markdown\"]},"
        "{\"type\":\"code\",\"text\":\"print('hi')\",\"language\":\"python\"},"
        "{\"type\":\"citation\",\"text\":\"...\",\"source_id\":\"doc-123\","
        "\"chunk_id\":\"chunk-5\",\"score\":0.87},"
        "{\"type\":\"tool_call\",\"name\":\"lookup_customer\",\"arguments\":{\"id\":\"42\"},"
        "\"result\":{\"status\":\"ok\"},\"duration_ms\":123},"
        "{\"type\":\"attachment\",\"kind\":\"image\",\"uri\":\"s3://...\",\"mime\":\"image/png\","
        "\"description\":\"rendered chart\"},"
        "{\"type\":\"redaction\",\"text\":\"[redacted]\",\"reason\":\"policy\",\"policy\":\"p0\"}"
        "],\"summary\":{\"highlights\":\"optional per-turn summary\"}}";
    json_t *tree = json_loads(example, 0, NULL), *made;
    char content[43];
    memset(content, 'x', 42);
    content[42] = '\0';
    assert_ok(content_struct_normalise(tree, text_of(content), &made, &fault), &fault);
    /* 0.87 is printed with more digits: compare trees */
    assert_true(json_equal(made, tree));
    json_decref(made);
    json_decref(tree);
}

static void unknown_keys_go_and_meta_stays(void **state)
{
    check(
        "{\"segments\":[{\"type\":\"code\",\"text\":\"x\",\"language\":\"c\",\"secret\":1,"
        "\"meta\":{\"any\":[1,{\"thing\":null}]}}],\"extra\":1}",
        "x",
        "{\"segments\":[{\"type\":\"code\",\"text\":\"x\",\"language\":\"c\","
        "\"meta\":{\"any\":[1,{\"thing\":null}]}}]}");
}

static void keys_of_a_wrong_type_go(void **state)
{
    check(
        "{\"segments\":[{\"type\":\"citation\",\"source_id\":\"d\",\"score\":\"high\","
        "\"chunk_id\":5,\"meta\":[]}]}",
        "", "{\"segments\":[{\"type\":\"citation\",\"source_id\":\"d\"}]}");
    check("{\"segments\":[{\"type\":\"text\",\"text\":\"x\",\"tags\":[\"a\",1]}]}", "x",
          "{\"segments\":[{\"type\":\"text\",\"text\":\"x\"}]}");
}

static void segments_that_are_none_go(void **state)
{
    static const char *const none[] = {
        "\"bad\"",
        "null",
        "{}",
        "{\"type\":\"video\",\"text\":\"x\"}",
        "[]",
        "{\"type\":\"text\"}",
        "1",
        "{\"type\":\"tool_call\",\"arguments\":{}}",
        "{\"type\":1,\"text\":\"x\"}",
    };
    char given[200];
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        snprintf(given, sizeof given, "{\"segments\":[%s]}", none[i]);
        check(given, "", NULL);
        check(given, "hello", "{\"segments\":[{\"type\":\"text\",\"text\":\"hello\"}]}");
    }
}

static void what_is_no_structure_is_dropped(void **state)
{
    check("null", "hi", NULL);
    check("[]", "hi", NULL);
    check("\"text\"", "hi", NULL);
    check("{\"segments\":\"not-a-list\"}", "hi", NULL);
    check("{\"segments\":{}}", "hi", NULL);
}

static void highlights_stand_by_themselves(void **state)
{
    check("{\"summary\":{\"highlights\":\"short\",\"more\":1}}", "",
          "{\"segments\":[],\"summary\":{\"highlights\":\"short\"}}");
    check("{\"segments\":[],\"summary\":{\"highlights\":5}}", "", NULL);
}

/* Positions are counted in characters, not bytes. */
static void positions_lie_within_the_content(void **state)
{
    static const char format[] = "{\"segments\":[{\"type\":\"text\",\"text\":\"x\",%s}]}";
    static const char content[] = "h\xc3\xa9llo";
    static const char *const good[] = {"\"start\":0,\"end\":5", "\"start\":5", "\"end\":0",
                                       "\"start\":2,\"end\":2"};
    static const char *const bad[] = {"\"start\":-1",  "\"end\":6",     "\"start\":4,\"end\":2",
                                      "\"start\":1.0", "\"end\":\"1\"", "\"start\":true"};
    char given[200];
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        snprintf(given, sizeof given, format, good[i]);
        check(given, content, given);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        snprintf(given, sizeof given, format, bad[i]);
        check(given, content, "{\"segments\":[{\"type\":\"text\",\"text\":\"h\xc3\xa9llo\"}]}");
    }
}

static void there_are_bounds(void **state)
{
    json_t *segments = json_array(), *made;
    for (int i = 0; i <= SEGMENTS_LIMIT; i++)
        json_array_append_new(segments, json_pack("{s:s, s:s}", "type", "text", "text", "x"));
    json_t *tree = json_pack("{s:o}", "segments", segments);
    assert_status(content_struct_normalise(tree, TEXT(""), &made, &fault), STATUS_TOO_LARGE);
    assert_string_equal(fault.param, "content_struct.segments");
    json_decref(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specifications_own_example_stays),
        cmocka_unit_test(unknown_keys_go_and_meta_stays),
        cmocka_unit_test(keys_of_a_wrong_type_go),
        cmocka_unit_test(segments_that_are_none_go),
        cmocka_unit_test(what_is_no_structure_is_dropped),
        cmocka_unit_test(highlights_stand_by_themselves),
        cmocka_unit_test(positions_lie_within_the_content),
        cmocka_unit_test(there_are_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
