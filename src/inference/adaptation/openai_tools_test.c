/* openai_tools_test.c - what the readers make of tools, of how they are to be used, and of the
 * messages that tell of their use. */
#include "inference/adaptation/openai_tools.h"

#include <stdlib.h>

#include "base/test_support.h"
#include "inference/adaptation/openai_messages.h"

#define TOOL(name)       "{\"type\": \"function\", \"function\": {\"name\": \"" name "\"}}"
#define TOOLS            "\"tools\": [" TOOL("now") ", " TOOL("get_weather") "]"
#define FUNCTION(fields) "{\"tools\": [{\"type\": \"function\", \"function\": {" fields "}}]}"

static json_t *parse(const char *source)
{
    json_error_t error;
    json_t *value = json_loads(source, 0, &error);
    if (!value) fail_msg("%s: %s", source, error.text);
    return value;
}

static void expect_json(const json_t *got, const char *wanted)
{
    json_t *want = parse(wanted);
    if (!json_equal(got, want)) fail_msg("%s, not %s", json_dumps(got, 0), wanted);
    json_decref(want);
}

/* ---- tools ---- */

static void read_tools(const char *source, struct openai_tools *tools)
{
    struct fault fault;
    json_t *root = parse(source);
    assert_ok(openai_tools_read(tools, root, &fault), &fault);
    json_decref(root);
}

static void expect_parameters(const char *source, const char *wanted)
{
    struct openai_tools tools;
    read_tools(source, &tools);
    const json_t *function = json_object_get(json_array_get(tools.tools, 0), "function");
    expect_json(json_object_get(function, "parameters"), wanted);
    assert_null(json_object_get(function, "strict"));
    openai_tools_deinit(&tools);
}

static void arguments_are_always_an_object(void **state)
{
    expect_parameters(
        FUNCTION("\"name\": \"f\", \"strict\": true"),
        "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}");
    expect_parameters(FUNCTION("\"name\": \"f\", \"parameters\": {\"required\": [\"a\"]}"),
                      "{\"type\": \"object\", \"required\": [\"a\"]}");
    expect_parameters(
        FUNCTION("\"name\": \"f\", \"parameters\": {\"type\": \"object\", \"title\": \"T\"}"),
        "{\"type\": \"object\", \"title\": \"T\"}");
}

static void expect_use(const char *fields, enum tool_choice choice, const char *allowed, bool one)
{
    struct openai_tools tools;
    read_tools(fields, &tools);
    bool parallel = strstr(fields, "\"parallel_tool_calls\": true") != NULL;
    assert_int_equal(tools.asks_parallel, parallel);
    assert_int_equal(tools.choice, choice);
    assert_int_equal(tools.is_one_call, one);
    if (allowed)
        expect_json(tools.allowed, allowed);
    else
        assert_null(tools.allowed);
    openai_tools_deinit(&tools);
}

static void the_choice_has_all_of_openais_forms(void **state)
{
    expect_use("{}", TOOLS_NONE, NULL, false);
    expect_use("{\"tools\": [], \"tool_choice\": \"auto\"}", TOOLS_AUTO, NULL, false);
    expect_use("{" TOOLS "}", TOOLS_AUTO, NULL, false);
    expect_use("{" TOOLS ", \"tool_choice\": \"none\"}", TOOLS_NONE, NULL, false);
    expect_use("{" TOOLS ", \"parallel_tool_calls\": true}", TOOLS_AUTO, NULL, false);
    expect_use("{" TOOLS ", \"tool_choice\": \"required\", \"parallel_tool_calls\": false}",
               TOOLS_REQUIRED, NULL, true);
    expect_use("{" TOOLS ", \"tool_choice\": " TOOL("get_weather") "}", TOOLS_REQUIRED,
               "[\"get_weather\"]", true);
    expect_use("{" TOOLS
               ", \"tool_choice\": {\"type\": \"allowed_tools\", \"allowed_tools\": "
               "{\"mode\": \"auto\", \"tools\": [" TOOL("now") "]}}}",
               TOOLS_AUTO, "[\"now\"]", false);
}

static void wrong_tools_are_refused_by_name(void **state)
{
    static const struct {
        const char *source;
        enum status status;
        const char *param;
    } cases[] = {
        {"{\"tools\": {}}", STATUS_INVALID, "tools"},
        {"{\"tools\": [1]}", STATUS_INVALID, "tools[0]"},
        {"{\"tools\": [{}]}", STATUS_INVALID, "tools[0].type"},
        {"{\"tools\": [{\"type\": \"custom\"}]}", STATUS_UNSUPPORTED, "tools[0].type"},
        {"{\"tools\": [{\"type\": \"function\"}]}", STATUS_INVALID, "tools[0].function"},
        {FUNCTION(""), STATUS_INVALID, "tools[0].function.name"},
        {FUNCTION("\"name\": \"a b\""), STATUS_INVALID, "tools[0].function.name"},
        {FUNCTION("\"name\": \"\""), STATUS_INVALID, "tools[0].function.name"},
        {FUNCTION("\"name\": \"a\", \"description\": 1"), STATUS_INVALID,
         "tools[0].function.description"},
        {FUNCTION("\"name\": \"a\", \"strict\": 1"), STATUS_INVALID, "tools[0].function.strict"},
        {FUNCTION("\"name\": \"a\", \"parameters\": []"), STATUS_INVALID,
         "tools[0].function.parameters"},
        {FUNCTION("\"name\": \"a\", \"parameters\": {\"type\": \"string\"}"), STATUS_INVALID,
         "tools[0].function.parameters"},
        {"{\"tools\": [" TOOL("a") ", " TOOL("a") "]}", STATUS_INVALID, "tools[1].function.name"},
        {"{\"tool_choice\": \"required\"}", STATUS_INVALID, "tool_choice"},
        {"{" TOOLS ", \"tool_choice\": \"often\"}", STATUS_INVALID, "tool_choice"},
        {"{" TOOLS ", \"tool_choice\": " TOOL("other") "}", STATUS_INVALID, "tool_choice"},
        {"{" TOOLS ", \"tool_choice\": {\"type\": \"custom\"}}", STATUS_UNSUPPORTED, "tool_choice"},
        {"{" TOOLS ", \"tool_choice\": {\"type\": \"allowed_tools\"}}", STATUS_INVALID,
         "tool_choice.allowed_tools.mode"},
        {"{" TOOLS ", \"tool_choice\": {\"type\": \"allowed_tools\", \"allowed_tools\": "
         "{\"mode\": \"auto\", \"tools\": []}}}",
         STATUS_INVALID, "tool_choice.allowed_tools.tools"},
        {"{" TOOLS ", \"parallel_tool_calls\": 1}", STATUS_INVALID, "parallel_tool_calls"},
        {"{\"functions\": [{}]}", STATUS_UNSUPPORTED, "functions"},
        {"{\"function_call\": \"auto\"}", STATUS_UNSUPPORTED, "function_call"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct openai_tools tools;
        struct fault fault = {.param = ""};
        json_t *root = parse(cases[i].source);
        enum status status = openai_tools_read(&tools, root, &fault);
        if (status != cases[i].status || strcmp(fault.param, cases[i].param) != 0)
            fail_msg("%s: %s, %s", cases[i].source, status_name(status), fault.param);
        assert_null(tools.tools);
        json_decref(root);
    }
}

/* ---- messages ---- */

#define CALL(id, arguments)                                          \
    "{\"id\": \"" id                                                 \
    "\", \"type\": \"function\", \"function\": {\"name\": \"now\", " \
    "\"arguments\": " arguments "}}"
#define USER          "{\"role\": \"user\", \"content\": \"Well?\"}"
#define CALLER(calls) "{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [" calls "]}"
#define MESSAGES(all) "{\"messages\": [" all "]}"

static void calls_and_results_are_read(void **state)
{
    struct fault fault;
    json_t *messages = NULL;
    size_t bytes;
    json_t *root = parse(MESSAGES(USER "," CALLER(CALL("c1", "\"{\\\"a\\\": [1]}\"") "," CALL(
        "c2", "\" \"")) ","
                        "{\"role\": \"tool\", \"tool_call_id\": \"c1\", \"content\": [{\"type\": "
                        "\"text\", "
                        "\"text\": \"12:00\"}]},"
                        "{\"role\": \"assistant\", \"content\": \"Noon.\", \"reasoning_content\": "
                        "\"Hm.\"}"));
    assert_ok(openai_messages_read(&messages, &bytes, root, &fault), &fault);
    assert_int_equal(bytes, 15);
    expect_json(messages,
                "[" USER ", {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [" CALL(
                    "c1", "{\"a\": [1]}") "," CALL("c2", "{}") "]},"
                "{\"role\": \"tool\", \"content\": \"12:00\", \"tool_call_id\": \"c1\", \"name\": \"now\"},"
                "{\"role\": \"assistant\", \"content\": \"Noon.\", \"reasoning_content\": \"Hm.\"}]");
    json_decref(messages);
    json_decref(root);
}

static void wrong_messages_are_refused_by_name(void **state)
{
    static const struct {
        const char *source, *param;
    } cases[] = {
        {MESSAGES(USER ", {\"role\": \"tool\", \"content\": \"\"}"), "messages[1].tool_call_id"},
        {MESSAGES(USER ", {\"role\": \"tool\", \"content\": \"\", \"tool_call_id\": \"x\"}"),
         "messages[1].tool_call_id"},
        {MESSAGES(USER "," CALLER(
             CALL("c", "\"{}\"")) ", {\"role\": \"tool\", \"tool_call_id\": \"c\"}"),
         "messages[2].content"},
        {MESSAGES(USER "," CALLER("1")), "messages[1].tool_calls[0]"},
        {MESSAGES(USER "," CALLER("{\"type\": \"function\"}")), "messages[1].tool_calls[0].id"},
        {MESSAGES(USER "," CALLER("{\"id\": \"a\", \"type\": \"custom\"}")),
         "messages[1].tool_calls[0].type"},
        {MESSAGES(USER "," CALLER("{\"id\": \"a\", \"type\": \"function\"}")),
         "messages[1].tool_calls[0].function.name"},
        {MESSAGES(USER "," CALLER(CALL("c", "\"{}\"") "," CALL("d", "{}"))),
         "messages[1].tool_calls[1].function.arguments"},
        {MESSAGES(USER "," CALLER(CALL("c", "\"[]\""))),
         "messages[1].tool_calls[0].function.arguments"},
        {MESSAGES(USER "," CALLER(CALL("c", "\"{\\\"a\\\":\""))),
         "messages[1].tool_calls[0].function.arguments"},
        {MESSAGES(USER ", {\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": {}}"),
         "messages[1].tool_calls"},
        {MESSAGES(USER ", {\"role\": \"assistant\", \"content\": \"\", \"reasoning_content\": 1}"),
         "messages[1].reasoning_content"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *messages, *root = parse(cases[i].source);
        size_t bytes;
        struct fault fault = {.param = ""};
        enum status status = openai_messages_read(&messages, &bytes, root, &fault);
        if (status != STATUS_INVALID || strcmp(fault.param, cases[i].param) != 0)
            fail_msg("%s: %s, %s", cases[i].source, status_name(status), fault.param);
        json_decref(root);
    }
}

static void arguments_are_bounded_all_together(void **state)
{
    struct buffer body;
    buffer_init(&body);
    buffer_append_string(&body, "{\"messages\": [" USER);
    for (int i = 0; i < 40; i++) {
        buffer_append_string(&body,
                             ",{\"role\": \"assistant\", \"tool_calls\": [{\"id\": \"a\", "
                             "\"type\": \"function\", \"function\": {\"name\": \"f\", "
                             "\"arguments\": \"{\\\"a\\\":[0");
        for (int k = 0; k < 15000; k++) buffer_append_string(&body, ",0");
        buffer_append_string(&body, "]}\"}}]}");
    }
    buffer_append_string(&body, "]}");
    json_t *messages, *root = parse(body.data);
    size_t bytes;
    struct fault fault;
    assert_status(openai_messages_read(&messages, &bytes, root, &fault), STATUS_INVALID);
    assert_contains(fault.message, "1 MiB");
    assert_string_equal(fault.param, "messages[35].tool_calls[0].function.arguments");
    json_decref(root);
    buffer_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_always_an_object),
        cmocka_unit_test(the_choice_has_all_of_openais_forms),
        cmocka_unit_test(wrong_tools_are_refused_by_name),
        cmocka_unit_test(calls_and_results_are_read),
        cmocka_unit_test(wrong_messages_are_refused_by_name),
        cmocka_unit_test(arguments_are_bounded_all_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
