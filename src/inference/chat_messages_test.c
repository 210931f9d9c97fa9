/* chat_messages_test.c - conversations with tools, as templates of different habits are told them.
 */
#include "inference/chat_messages.h"

#include <stdlib.h>

#include "base/test_support.h"

#define CALL(id, name, arguments)                                                   \
    "{\"id\": \"" id "\", \"type\": \"function\", \"function\": {\"name\": \"" name \
    "\", \"arguments\": " arguments "}}"
#define USER          "{\"role\": \"user\", \"content\": \"Well?\"}"
#define CALLER(calls) "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [" calls "]}"
#define RESULT(id, content) \
    "{\"role\": \"tool\", \"content\": \"" content "\", \"tool_call_id\": \"" id "\"}"
#define TOOLS                                                                                 \
    "[{\"type\": \"function\", \"function\": {\"name\": \"now\", \"description\": \"time\", " \
    "\"parameters\": {\"type\": \"object\", \"properties\": {}}}}]"

static json_t *parse(const char *source)
{
    json_error_t error;
    json_t *value = json_loads(source, 0, &error);
    if (!value) fail_msg("%s: %s", source, error.text);
    return value;
}

static json_t *arrange(const struct chat_format *format, const char *messages, const char *tools)
{
    struct fault fault;
    json_t *told, *in = parse(messages), *before = json_deep_copy(in);
    json_t *known = tools ? parse(tools) : NULL;
    assert_ok(chat_messages_arrange(format, in, known, &told, &fault), &fault);
    assert_true(json_equal(in, before)); /* what came in is the caller's */
    json_decref(in);
    json_decref(before);
    json_decref(known);
    return told;
}

static void expect(const struct chat_format *format, const char *messages, const char *wanted)
{
    json_t *told = arrange(format, messages, NULL), *want = parse(wanted);
    if (!json_equal(told, want)) fail_msg("%s, not %s", json_dumps(told, 0), wanted);
    json_decref(told);
    json_decref(want);
}

static const char *content(const json_t *messages, size_t index)
{
    return json_string_value(json_object_get(json_array_get(messages, index), "content"));
}

static void a_template_that_knows_tools_gets_them(void **state)
{
    const struct chat_format format = {.tools = {.middle = TEXT("\n")}};
    expect(&format,
           "[" USER "," CALLER(CALL("call_1", "now", "{\"a\": [1]}") "," CALL(
               "x", "g", "{}")) "," RESULT("call_1", "12:00") "," RESULT("none", "?") "]",
           "[" USER "," CALLER(CALL("call_1", "now", "{\"a\": [1]}") "," CALL(
               "x", "g", "{}")) "," RESULT("call_1", "12:00") "," RESULT("none", "?") "]");
}

static void habits_are_kept(void **state)
{
    const struct chat_format format = {
        .tools = {.middle = TEXT("\n")},
        .arguments_are_text = true,
        .content_is_null = true,
        .ids_are_short = true,
    };
    expect(&format,
           "[" USER "," CALLER(CALL("call_abc123XYZ", "now", "{\"a\": [1]}")) "," RESULT(
               "call_abc123XYZ", "12:00") "]",
           "[" USER ", {\"role\": \"assistant\", \"content\": null, \"tool_calls\": [" CALL(
               "abc123XYZ", "now", "\"{\\\"a\\\": [1]}\"") "]}," RESULT("abc123XYZ", "12:00") "]");
    json_t *told = arrange(&format,
                           "[" USER "," CALLER(CALL("functions.now:0", "now", "{}")) "," RESULT(
                               "functions.now:0", "12:00") "]",
                           NULL);
    const json_t *call = json_array_get(json_object_get(json_array_get(told, 1), "tool_calls"), 0);
    const char *id = json_string_value(json_object_get(call, "id"));
    assert_int_equal(strlen(id), CALL_ID_LENGTH);
    assert_int_equal(strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz"), CALL_ID_LENGTH);
    assert_string_equal(
        id, json_string_value(json_object_get(json_array_get(told, 2), "tool_call_id")));
    json_decref(told);
}

static void one_call_at_a_time_becomes_several_messages(void **state)
{
    const struct chat_format format = {.is_generic = false};
    expect(&format,
           "[" USER ", {\"role\": \"assistant\", \"content\": \"Look:\", \"tool_calls\": [" CALL(
               "1", "f", "{}") "," CALL("2", "g", "{}") "]}]",
           "[" USER ", {\"role\": \"assistant\", \"content\": \"Look:\", \"tool_calls\": [" CALL(
               "1", "f", "{}") "]}," CALLER(CALL("2", "g", "{}")) "]");
}

static void a_template_without_tools_is_told_in_words(void **state)
{
    struct chat_format format = {.is_generic = true, .takes_system = true};
    format.tools = GENERIC_TOOL_FORMAT;
    expect(&format,
           "[" USER ", {\"role\": \"assistant\", \"content\": \"Look:\", \"tool_calls\": [" CALL(
               "1", "f",
               "{\"a\": 1}") "," CALL("2", "g",
                                      "{}") "]}," RESULT("1", "one") "," RESULT("2", "two") "," USER
                                                                                            "]",
           "[" USER
           ", {\"role\": \"assistant\", \"content\": \"Look:\\n<tool_call>\\n"
           "{\\\"name\\\": \\\"f\\\", \\\"arguments\\\": {\\\"a\\\": "
           "1}}\\n</tool_call>\\n<tool_call>\\n"
           "{\\\"name\\\": \\\"g\\\", \\\"arguments\\\": {}}\\n</tool_call>\"},"
           "{\"role\": \"user\", \"content\": \"<tool_response>\\none\\n</tool_response>\\n"
           "<tool_response>\\ntwo\\n</tool_response>\"}," USER "]");
}

static void the_tools_are_told_where_the_template_listens(void **state)
{
    struct chat_format format = {.is_generic = true, .takes_system = true};
    json_t *told = arrange(&format, "[" USER "]", TOOLS);
    assert_int_equal(json_array_size(told), 2);
    assert_contains(content(told, 0), "{\"name\": \"now\", \"description\": \"time\"");
    assert_contains(content(told, 0), "<tool_call>");
    assert_string_equal(content(told, 1), "Well?");
    json_decref(told);

    told = arrange(&format, "[{\"role\": \"system\", \"content\": \"Be brief.\"}," USER "]", TOOLS);
    assert_int_equal(json_array_size(told), 2);
    assert_int_equal(strncmp(content(told, 0), "Be brief.\n\n# Tools", 18), 0);
    json_decref(told);

    format.takes_system = false;
    told = arrange(&format, "[" USER "," USER "]", TOOLS);
    assert_int_equal(json_array_size(told), 2);
    assert_contains(content(told, 0), "</tool_response>.\n\nWell?");
    assert_string_equal(content(told, 1), "Well?");
    json_decref(told);

    told = arrange(&format, "[" USER "]", "[]");
    assert_string_equal(content(told, 0), "Well?");
    json_decref(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_that_knows_tools_gets_them),
        cmocka_unit_test(habits_are_kept),
        cmocka_unit_test(one_call_at_a_time_becomes_several_messages),
        cmocka_unit_test(a_template_without_tools_is_told_in_words),
        cmocka_unit_test(the_tools_are_told_where_the_template_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
