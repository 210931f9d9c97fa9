/* answer_parser_fuzz.c - any text as an answer in any format, cut anywhere: nothing is read beyond
 * its end, and however it is cut, the same is told. The first bytes choose format and cuts; the
 * corpus holds real answers. */
#include <string.h>

#include "inference/answer_parser.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define PART(string)               \
    {                              \
        string, sizeof(string) - 1 \
    }

static const struct chat_format FORMATS[] = {
    {
        .reasoning_open = PART("<think>"),
        .reasoning_close = PART("</think>"),
        .tools = {.opening = PART("<tool_call>\n{\"name\": \""),
                  .mark = PART("<tool_call>"),
                  .between = PART("\", \"arguments\": "),
                  .middle = PART("}\n</tool_call>\n<tool_call>\n{\"name\": \""),
                  .end = PART("}\n</tool_call>")},
    },
    {
        .tools = {.opening = PART("<|python_tag|>{\"name\": \""),
                  .opening_at_start = PART("{\"name\": \""),
                  .mark = PART("<|python_tag|>"),
                  .between = PART("\", \"parameters\": "),
                  .end = PART("}")},
    },
    {
        .reasoning_open = PART("[THINK]"),
        .reasoning_close = PART("[/THINK]"),
        .tools = {.opening = PART("[TOOL_CALLS]"),
                  .mark = PART("[TOOL_CALLS]"),
                  .between = PART("[CALL_ID]\1[ARGS]"),
                  .middle = PART("[TOOL_CALLS]")},
    },
};

/* Everything that is told, without where it was cut. */
struct transcript {
    struct buffer bytes;
    int last;
};

static void write_down(void *argument, const struct answer_event *event)
{
    struct transcript *transcript = argument;
    if (transcript->last != (int)event->kind)
        buffer_append_char(&transcript->bytes, (char)event->kind);
    buffer_append_text(&transcript->bytes, event->text);
    transcript->last =
        event->kind == ANSWER_CALL || event->kind == ANSWER_CALL_END ? -1 : (int)event->kind;
}

static void transcribe(struct text answer, unsigned flags, size_t step,
                       struct transcript *transcript)
{
    struct answer_parser parser;
    *transcript = (struct transcript){.last = -1};
    buffer_init(&transcript->bytes);
    bool reasons = FORMATS[flags % 3].reasoning_open.length > 0;
    enum chat_reasoning reasoning = reasons && flags & 8 ? REASONING_BEGUN : REASONING_AHEAD;
    answer_parser_init(&parser, &FORMATS[flags % 3], flags & 4, reasoning, write_down, transcript);
    for (size_t at = 0; at < answer.length; at += step)
        answer_parser_add(
            &parser, text_slice(answer, at, at + step < answer.length ? at + step : answer.length));
    answer_parser_finish(&parser, flags & 16);
    answer_parser_deinit(&parser);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size < 2) return 0;
    struct text answer = {(const char *)data + 2, size - 2};
    struct transcript whole, cut;
    transcribe(answer, data[0], answer.length + 1, &whole);
    transcribe(answer, data[0], data[1] % 16 + 1, &cut);
    if (!text_equal(buffer_text(&whole.bytes), buffer_text(&cut.bytes))) __builtin_trap();
    buffer_deinit(&whole.bytes);
    buffer_deinit(&cut.bytes);
    return 0;
}
