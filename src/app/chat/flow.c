/* flow.c - see flow.h. */
#include "app/chat/flow.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "app/terminal.h"

enum { NARROWEST = 20 };

void flow_init(struct flow *flow, FILE *out)
{
    *flow = (struct flow){.out = out};
    struct winsize size;
    if (terminal_is_live(out) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 &&
        size.ws_col >= NARROWEST)
        flow->width = size.ws_col;
}

void flow_deinit(struct flow *flow)
{
    buffer_deinit(&flow->word);
}

static void print_word(struct flow *flow)
{
    if (!flow->word.length) return;
    bool fits = flow->column + flow->spaces + flow->word_columns <= flow->width;
    if (!fits && flow->column) {
        fputc('\n', flow->out);
        flow->column = flow->spaces = 0;
    }
    fprintf(flow->out, "%*s", (int)flow->spaces, "");
    terminal_write(flow->out, buffer_text(&flow->word));
    flow->column += flow->spaces + flow->word_columns;
    flow->spaces = flow->word_columns = 0;
    buffer_clear(&flow->word);
}

/* Columns that a character takes; Chinese and emoji take two. */
static size_t columns_of(uint32_t codepoint)
{
    int columns = wcwidth((wchar_t)codepoint);
    return columns < 0 ? 1 : (size_t)columns;
}

static void take_character(struct flow *flow, struct text character, uint32_t codepoint)
{
    if (codepoint == '\n') {
        print_word(flow);
        fputc('\n', flow->out);
        flow->column = flow->spaces = 0;
    } else if (codepoint == ' ') {
        print_word(flow);
        flow->spaces++;
    } else {
        size_t columns = columns_of(codepoint);
        /* A word longer than a line, or one of a script without spaces, is broken after all. */
        if (flow->word_columns + columns > flow->width || columns > 1) print_word(flow);
        buffer_append_text(&flow->word, character);
        flow->word_columns += columns;
    }
}

void flow_write(struct flow *flow, struct text text)
{
    if (!flow->width) {
        terminal_write(flow->out, text);
        if (text.length) flow->column = text.data[text.length - 1] != '\n';
    }
    for (size_t i = 0; flow->width && i < text.length;) {
        uint32_t codepoint = 0xFFFD;
        size_t bytes = utf8_decode(text.data + i, text.length - i, &codepoint);
        if (!bytes) bytes = 1;
        take_character(flow, text_slice(text, i, i + bytes), codepoint);
        i += bytes;
    }
    fflush(flow->out);
}

void flow_finish(struct flow *flow)
{
    print_word(flow);
    if (flow->column) fputc('\n', flow->out);
    flow->column = flow->spaces = 0;
    fflush(flow->out);
}
