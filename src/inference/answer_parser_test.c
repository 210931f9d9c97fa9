/* answer_parser_test.c - however an answer is cut into pieces, it is told apart in the same way.
 * chat_format_test.c reads back what the real templates write. */
#include "inference/answer_parser.h"

#include "base/test_support.h"
#include "inference/chat_format_test_support.h"

/* ---- what is told, as one line: T(text) R(reasoning) C0(name) A(arguments) E ---- */

struct transcript {
    struct buffer line;
    int last; /* kind, of which the parentheses are still open; -1: none */
};

static void close_last(struct transcript *transcript)
{
    if (transcript->last >= 0) buffer_append_char(&transcript->line, ')');
    transcript->last = -1;
}

static void write_down(void *argument, const struct answer_event *event)
{
    struct transcript *transcript = argument;
    if (event->kind != ANSWER_CALL_END) assert_true(event->text.length > 0);
    if (transcript->last != (int)event->kind) {
        close_last(transcript);
        buffer_append_char(&transcript->line, "TRCAE"[event->kind]);
        if (event->kind == ANSWER_CALL) buffer_printf(&transcript->line, "%u", event->call);
        if (event->kind != ANSWER_CALL_END) buffer_append_char(&transcript->line, '(');
    }
    buffer_append_text(&transcript->line, event->text);
    transcript->last = (int)event->kind;
    if (event->kind == ANSWER_CALL_END) transcript->last = -1;
    if (event->kind == ANSWER_CALL) close_last(transcript);
}

struct cuts {
    size_t first, every; /* a piece up to `first`, then pieces of `every` bytes */
};
enum { WAS_CUT = 1, NO_CALLS = 2, BEGUN = 4, OVER = 8 };

static void transcribe(const struct chat_format *format, unsigned flags, struct text answer,
                       struct cuts cuts, struct transcript *transcript)
{
    struct answer_parser parser;
    transcript->last = -1;
    buffer_clear(&transcript->line);
    enum chat_reasoning reasoning = flags & BEGUN  ? REASONING_BEGUN
                                    : flags & OVER ? REASONING_OVER
                                                   : REASONING_AHEAD;
    answer_parser_init(&parser, format, !(flags & NO_CALLS), reasoning, write_down, transcript);
    size_t from = 0, to = cuts.first;
    while (from < answer.length) {
        if (to > answer.length) to = answer.length;
        answer_parser_add(&parser, text_slice(answer, from, to));
        from = to;
        to += cuts.every;
    }
    answer_parser_finish(&parser, flags & WAS_CUT);
    close_last(transcript);
    answer_parser_deinit(&parser);
}

/* Whole, byte by byte, and cut in two at every place. */
static void expect(const struct chat_format *format, unsigned flags, const char *answer,
                   const char *wanted)
{
    struct transcript transcript;
    buffer_init(&transcript.line);
    struct text t = text_of(answer);
    for (size_t first = 0; first <= t.length; first++) {
        for (size_t every = 1; every <= t.length + 1; every += first == 0 ? 1 : t.length) {
            transcribe(format, flags, t, (struct cuts){first, every}, &transcript);
            struct text line = buffer_text(&transcript.line);
            if (!text_equal(line, text_of(wanted)))
                fail_msg("cut at %zu, then every %zu: %.*s, not %s", first, every,
                         TEXT_FORMAT(line), wanted);
        }
    }
    buffer_deinit(&transcript.line);
}

#define CALL(name, arguments) \
    "<tool_call>\n{\"name\": \"" name "\", \"arguments\": " arguments "}\n</tool_call>"

static void text_stays_text(void **state)
{
    expect(&HERMES, 0, "", "");
    expect(&HERMES, 0, "Hello.", "T(Hello.)");
    expect(&HERMES, 0, " \n Hello. \n", "T( \n Hello. \n)");
    expect(&HERMES, 0, "if a < b: <tool", "T(if a < b: <tool)");
    expect(&HERMES, 0, "<tool_cal>x", "T(<tool_cal>x)");
    expect(&HERMES, 0, "<", "T(<)");
    expect(&LLAMA, 0, "{\"nam\": 1}", "T({\"nam\": 1})");
    expect(&LLAMA, 0, "Say {\"name\": \"f\", \"parameters\": {}}",
           "T(Say {\"name\": \"f\", \"parameters\": {}})");
}

static void calls_are_told_apart(void **state)
{
    expect(&HERMES, 0, CALL("f", "{}"), "C0(f)A({})E");
    expect(&HERMES, 0, "Let me look.\n" CALL("get-it_2", "{\"a\": [1, {\"b\": 2}]}"),
           "T(Let me look.)C0(get-it_2)A({\"a\": [1, {\"b\": 2}]})E");
    expect(&HERMES, 0, CALL("f", "{}") "\n" CALL("g", "{\"x\": 1}"),
           "C0(f)A({})EC1(g)A({\"x\": 1})E");
    expect(&HERMES, 0, "\n\n" CALL("f", "{}") CALL("g", "{}") " and\n" CALL("f", "{}") "\n",
           "C0(f)A({})EC1(g)A({})ET(and)C2(f)A({})E");
    expect(&LLAMA, 0, "{\"name\": \"f\", \"parameters\": {\"x\": \"}\"}}",
           "C0(f)A({\"x\": \"}\"})E");
    expect(&LLAMA, 0, "\n{\"name\": \"f\", \"parameters\":  {}}", "C0(f)A({})E");
    expect(&LLAMA, 0, "Sure. <|python_tag|>{\"name\": \"f\", \"parameters\": {}}",
           "T(Sure.)C0(f)A({})E");
    expect(&MISTRAL, 0,
           "[TOOL_CALLS]f[CALL_ID]abcDEF123[ARGS]{}[TOOL_CALLS]g[CALL_ID]123456789[ARGS]{}",
           "C0(f)A({})EC1(g)A({})E");
}

static void strings_in_arguments_may_hold_anything(void **state)
{
    expect(&HERMES, 0, CALL("f", "{\"a\": \"}\\\"}\\\\\", \"</tool_call>\": \"<tool_call>\"}"),
           "C0(f)A({\"a\": \"}\\\"}\\\\\", \"</tool_call>\": \"<tool_call>\"})E");
}

static void what_only_looked_like_a_call_is_text(void **state)
{
    expect(&HERMES, 0, "<tool_call>\n{\"name\": \"f g\", \"arguments\": {}}",
           "T(<tool_call>\n{\"name\": \"f g\", \"arguments\": {}})");
    expect(&HERMES, 0, "<tool_call>\n{\"name\": \"f\", \"arguments\": 1}",
           "T(<tool_call>\n{\"name\": \"f\", \"arguments\": 1})");
    expect(&HERMES, 0, "<tool_call>\n{\"name\": \"", "T(<tool_call>\n{\"name\": \")");
    expect(&HERMES, 0, "<tool_call>\n{\"name\": \"" CALL("f", "{}"),
           "T(<tool_call>\n{\"name\": \")C0(f)A({})E");
    expect(&MISTRAL, 0, "[TOOL_CALLS]f[CALL_ID]a.b[ARGS]{}",
           "T([TOOL_CALLS]f[CALL_ID]a.b[ARGS]{})");
    expect(&HERMES, NO_CALLS, CALL("f", "{}"), "T(" CALL("f", "{}") ")");
}

static void reasoning_is_told_apart(void **state)
{
    expect(&HERMES, 0, "<think>\nHm.\n\nWell.\n</think>\n\nFine.\n", "R(Hm.\n\nWell.)T(Fine.\n)");
    expect(&HERMES, 0, "\n<think>\n\n</think>\n\nFine.", "T(Fine.)");
    expect(&HERMES, BEGUN, "\nHm.</think>Fine.", "R(Hm.)T(Fine.)");
    expect(&HERMES, OVER, "\n<think>Fine.", "T(<think>Fine.)");
    expect(&HERMES, BEGUN, "Hm. </thin", "R(Hm. </thin)");
    expect(&HERMES, 0, "<think>Hm. <tool_call></think>" CALL("f", "{}"),
           "R(Hm. <tool_call>)C0(f)A({})E");
    expect(&HERMES, 0, "A <think>b</think>", "T(A <think>b</think>)");
    expect(&HERMES, 0, "<think>a</think><think>b</think>", "R(a)T(<think>b</think>)");
    expect(&HERMES, NO_CALLS, "<think>a</think>\n\n b\n", "R(a)T(b\n)");
    expect(&MISTRAL, 0, "[THINK]a[/THINK][TOOL_CALLS]f[CALL_ID]123456789[ARGS]{}",
           "R(a)C0(f)A({})E");
}

static void a_mark_that_was_cut_off_never_shows(void **state)
{
    expect(&HERMES, WAS_CUT, "Hello <tool_c", "T(Hello)");
    expect(&HERMES, WAS_CUT, "Hello <tool_call>\n{\"name\": \"f\", \"argu", "T(Hello)");
    expect(&HERMES, WAS_CUT, "<think>Hm.</thi", "R(Hm.)");
    expect(&HERMES, WAS_CUT, "<thi", "");
    expect(&HERMES, WAS_CUT, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [",
           "C0(f)A({\"a\": [)");
    expect(&HERMES, WAS_CUT, "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</to",
           "C0(f)A({})E");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_text),
        cmocka_unit_test(calls_are_told_apart),
        cmocka_unit_test(strings_in_arguments_may_hold_anything),
        cmocka_unit_test(what_only_looked_like_a_call_is_text),
        cmocka_unit_test(reasoning_is_told_apart),
        cmocka_unit_test(a_mark_that_was_cut_off_never_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
