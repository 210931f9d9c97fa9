/* answer_grammar_test.c - which answers are allowed, byte by byte, in the formats of the families.
 */
#include "inference/answer_grammar.h"

#include <stdlib.h>

#include "base/test_support.h"
#include "inference/chat_format_test_support.h"

static const struct chat_format BARE = {
    .tools =
        {
            .opening_at_start = LITERAL("[{\"name\": \""),
            .between = LITERAL("\", \"arguments\": "),
            .middle = LITERAL("}, {\"name\": \""),
            .end = LITERAL("}]"),
        },
};

#define TOOLS                                                                                      \
    "[{\"type\": \"function\", \"function\": {\"name\": \"now\", \"parameters\": {\"type\": "      \
    "\"object\", \"properties\": {}, \"additionalProperties\": false}}}, {\"type\": \"function\"," \
    "\"function\": {\"name\": \"add\", \"parameters\": {\"type\": \"object\", \"properties\": "    \
    "{\"n\": {\"type\": \"integer\"}}, \"required\": [\"n\"], \"additionalProperties\": false}}}]"

/* One language of answers. */
struct allowed {
    json_t *tools, *names;
    struct grammar *grammar;
};

static struct allowed allow(struct answer_rules rules, const char *names)
{
    struct allowed allowed = {.tools = json_loads(TOOLS, 0, NULL),
                              .names = names ? json_loads(names, 0, NULL) : NULL};
    struct fault fault;
    grammar_part root, yes;
    assert_ok(grammar_new(&allowed.grammar, &fault), &fault);
    rules.tools = allowed.tools;
    rules.allowed = allowed.names;
    yes = grammar_literal(allowed.grammar, TEXT("yes"));
    if (rules.content) rules.content = &yes;
    assert_ok(answer_grammar_add(allowed.grammar, &rules, &root, &fault), &fault);
    grammar_set_root(allowed.grammar, root);
    assert_ok(grammar_finish(allowed.grammar, &fault), &fault);
    return allowed;
}

static void drop(struct allowed *allowed)
{
    grammar_free(allowed->grammar);
    json_decref(allowed->tools);
    json_decref(allowed->names);
}

/* Special tokens stand in the texts as S(name). */
static void expect(const struct allowed *allowed, const char *answer, bool wanted)
{
    struct buffer bytes;
    buffer_init(&bytes);
    for (const char *at = answer; *at; at++) {
        if (strncmp(at, "S(", 2) != 0) {
            buffer_append_char(&bytes, *at);
            continue;
        }
        size_t length = strcspn(at + 2, ")");
        buffer_append_char(&bytes, (char)GRAMMAR_SPECIAL);
        buffer_append(&bytes, at + 2, length);
        buffer_append_char(&bytes, (char)GRAMMAR_SPECIAL);
        at += 2 + length;
    }
    if (grammar_matches(allowed->grammar, buffer_text(&bytes)) != wanted)
        fail_msg("%s %s", answer, wanted ? "is refused" : "is allowed");
    buffer_deinit(&bytes);
}

#define NOW "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"
#define ADD "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"n\": 12}}\n</tool_call>"

static void free_text_and_calls_that_fit(void **state)
{
    struct allowed any =
        allow((struct answer_rules){.format = &HERMES, .choice = TOOLS_AUTO}, NULL);
    expect(&any, "", true);
    expect(&any, "Hello <tool_cal> and <tool_call", true);
    expect(&any, NOW, true);
    expect(&any, "Let me see.\n" NOW "\n" ADD, true);
    expect(&any, NOW "!", false);
    expect(&any, NOW NOW, false);
    expect(&any, "<tool_call>", false);
    expect(&any, "<tool_call>now</tool_call>", false);
    expect(&any, "<tool_call>\n{\"name\": \"other\", \"arguments\": {}}\n</tool_call>", false);
    expect(&any, "<tool_call>\n{\"name\": \"add\", \"arguments\": {}}\n</tool_call>", false);
    expect(&any, "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"n\": 1}}\n</tool_call>",
           false);
    expect(&any, "<think>\nHm. <tool_call>?\n</think>\n\n" ADD, true);
    drop(&any);
}

static void calls_may_be_required(void **state)
{
    struct allowed calls =
        allow((struct answer_rules){.format = &HERMES, .choice = TOOLS_REQUIRED}, NULL);
    expect(&calls, NOW "\n" ADD "\n" NOW, true);
    expect(&calls, "\n" NOW, true);
    expect(&calls, "<think>Hm.</think>" NOW, true);
    expect(&calls, "", false);
    expect(&calls, "Hello", false);
    expect(&calls, "<think>Hm.</think>", false);
    expect(&calls, "Hello " NOW, false);
    drop(&calls);

    struct allowed one = allow(
        (struct answer_rules){.format = &HERMES, .choice = TOOLS_REQUIRED, .is_one_call = true},
        "[\"add\"]");
    expect(&one, ADD, true);
    expect(&one, NOW, false);
    expect(&one, ADD "\n" ADD, false);
    drop(&one);
}

static void calls_may_be_forbidden(void **state)
{
    struct allowed none =
        allow((struct answer_rules){.format = &HERMES, .choice = TOOLS_NONE}, NULL);
    expect(&none, "Hello <tool", true);
    expect(&none, NOW, false);
    drop(&none);
}

static void a_prompt_may_end_in_the_reasoning(void **state)
{
    struct answer_rules rules = {
        .format = &HERMES, .choice = TOOLS_REQUIRED, .reasoning = REASONING_BEGUN};
    struct allowed calls = allow(rules, NULL);
    expect(&calls, "Hm.</think>\n\n" NOW, true);
    expect(&calls, NOW, false);
    drop(&calls);
    rules.reasoning = REASONING_OVER;
    struct allowed over = allow(rules, NULL);
    expect(&over, NOW, true);
    expect(&over, "<think>Hm.</think>" NOW, false);
    drop(&over);
    rules.reasoning = REASONING_BEGUN;
    rules.choice = TOOLS_AUTO;
    struct allowed any = allow(rules, NULL);
    expect(&any, "Hm. " NOW, true); /* a thought */
    expect(&any, "Hm.</think> " NOW, true);
    expect(&any, "Hm.</think> <tool_call>x", false);
    drop(&any);
}

static void a_text_may_have_to_be_of_a_form(void **state)
{
    grammar_part content = 0;
    struct allowed form = allow(
        (struct answer_rules){.format = &HERMES, .choice = TOOLS_AUTO, .content = &content}, NULL);
    expect(&form, "yes", true);
    expect(&form, NOW, true);
    expect(&form, "<think>Hm.</think>\nyes", true);
    expect(&form, "no", false);
    expect(&form, "yes" NOW, false);
    drop(&form);
}

static void special_tokens_are_not_spelled(void **state)
{
    struct allowed any =
        allow((struct answer_rules){.format = &MISTRAL, .choice = TOOLS_AUTO}, NULL);
    expect(&any, "S([TOOL_CALLS])nowS([CALL_ID])abcDEF123S([ARGS]){}", true);
    expect(&any,
           "Well:S([TOOL_CALLS])nowS([CALL_ID])abcDEF123S([ARGS]){}"
           "S([TOOL_CALLS])addS([CALL_ID])000000000S([ARGS]){\"n\": 1}",
           true);
    expect(&any, "S([TOOL_CALLS])nowS([CALL_ID])abcS([ARGS]){}", false);
    expect(&any, "[TOOL_CALLS]nowS([CALL_ID])abcDEF123S([ARGS]){}", false);
    expect(&any, "[TOOL_CALLS]", false);
    expect(&any, "[TOOL_CALL]", true);
    expect(&any, "Well.S([ARGS])", false);
    drop(&any);
}

static void calls_without_a_tag_begin_the_answer(void **state)
{
    struct allowed any = allow((struct answer_rules){.format = &LLAMA, .choice = TOOLS_AUTO}, NULL);
    expect(&any, "{\"name\": \"now\", \"parameters\": {}}", true);
    expect(&any, "S(<|python_tag|>){\"name\": \"now\", \"parameters\": {}}", true);
    expect(&any, "Well. S(<|python_tag|>){\"name\": \"now\", \"parameters\": {}}", true);
    expect(&any, "Say {\"name\": \"now\"}", true);
    expect(&any, "{\"name\": \"now\"}", false);
    expect(&any, "{}", false);
    expect(&any, "<b>Well</b>", true);
    expect(&any, "<", false); /* who knows what becomes of it */
    expect(&any, "<|python_tag|>{\"name\": \"now\", \"parameters\": {}}", false);
    expect(&any, "", true);
    drop(&any);

    struct allowed bare = allow((struct answer_rules){.format = &BARE, .choice = TOOLS_AUTO}, NULL);
    expect(&bare,
           "[{\"name\": \"now\", \"arguments\": {}}, {\"name\": \"add\", \"arguments\": "
           "{\"n\": -3}}]",
           true);
    expect(&bare, "Hello [{", true);
    expect(&bare, "[1]", false);
    drop(&bare);
}

static void a_schema_that_cannot_be_honoured_is_refused_by_name(void **state)
{
    struct grammar *grammar;
    struct fault fault;
    grammar_part root;
    json_t *tools = json_loads(TOOLS, 0, NULL);
    json_t *function = json_object_get(json_array_get(tools, 1), "function");
    json_object_set_new(json_object_get(function, "parameters"), "properties", json_integer(3));
    const struct answer_rules rules = {.format = &HERMES, .tools = tools, .choice = TOOLS_AUTO};
    assert_ok(grammar_new(&grammar, &fault), &fault);
    assert_int_not_equal(answer_grammar_add(grammar, &rules, &root, &fault), OK);
    assert_string_equal(fault.param, "tools[1].function.parameters");
    assert_contains(fault.message, "tools[1].function.parameters: ");
    grammar_free(grammar);
    json_decref(tools);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_text_and_calls_that_fit),
        cmocka_unit_test(calls_may_be_required),
        cmocka_unit_test(calls_may_be_forbidden),
        cmocka_unit_test(a_prompt_may_end_in_the_reasoning),
        cmocka_unit_test(a_text_may_have_to_be_of_a_form),
        cmocka_unit_test(special_tokens_are_not_spelled),
        cmocka_unit_test(calls_without_a_tag_begin_the_answer),
        cmocka_unit_test(a_schema_that_cannot_be_honoured_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
