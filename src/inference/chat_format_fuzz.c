/* chat_format_fuzz.c - any template: a format is learnt, or the generic one stands in, and whatever
 * it is, an answer is read by it without harm. The corpus holds small templates of all kinds. */
#include "inference/answer_parser.h"
#include "model/template/chat_template.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void ignore(void *argument, const struct answer_event *event)
{
    size_t *told = argument;
    *told += event->text.length;
}

/* Texts of the format itself are the answer most likely to meet its edges. */
static void read_answer(const struct chat_format *format)
{
    const struct tool_format *tools = &format->tools;
    const struct text answer[] = {
        format->reasoning_open, TEXT("a"),     format->reasoning_close,
        tools->opening,         TEXT("f"),     tools->between,
        TEXT("{\"a\": 1}"),     tools->middle, TEXT("g"),
        tools->between,         TEXT("{}"),    tools->end,
    };
    struct answer_parser parser;
    size_t told = 0;
    answer_parser_init(&parser, format, true, REASONING_AHEAD, ignore, &told);
    for (size_t i = 0; i < ARRAY_COUNT(answer); i++) answer_parser_add(&parser, answer[i]);
    answer_parser_finish(&parser, false);
    answer_parser_deinit(&parser);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    const struct text source = {(const char *)data, size};
    struct chat_template *compiled;
    struct chat_format format;
    struct fault fault;
    if (chat_template_compile(&compiled, source, &fault) != OK) return 0;
    if (chat_format_learn(&format, compiled, source, NULL, &fault) == OK) {
        if (format.tools.between.length == 0) __builtin_trap();
        if (format.tools.opening.length + format.tools.opening_at_start.length == 0)
            __builtin_trap();
        read_answer(&format);
        chat_format_deinit(&format);
    }
    chat_template_free(compiled);
    return 0;
}
