/* answer_parser_fuzz.c - any text as an answer in any format, cut anywhere: nothing is read beyond
 * its end, and however it is cut, the same is told. The first bytes choose format and cuts; the
 * corpus holds real answers. */
#include <string.h>

#include "inference/answer_parser.h"
#include "inference/chat_format_test_support.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const struct chat_format *const FORMATS[] = {&HERMES, &LLAMA, &MISTRAL};

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
    const struct chat_format *format = FORMATS[flags % ARRAY_COUNT(FORMATS)];
    bool reasons = format->reasoning_open.length > 0;
    enum chat_reasoning reasoning = reasons && flags & 8 ? REASONING_BEGUN : REASONING_AHEAD;
    answer_parser_init(&parser, format, flags & 4, reasoning, write_down, transcript);
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
