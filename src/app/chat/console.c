/* console.c - libedit, told to leave Ctrl-C to us. */
#include "app/chat/console.h"

#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { HISTORY_ENTRIES = 1000 };

struct console {
    EditLine *editor;
    History *history;
    const char *history_path;
    struct buffer entry;
    bool continues; /* inside """ */
};

static char *prompt_text(EditLine *editor)
{
    struct console *console;
    el_get(editor, EL_CLIENTDATA, &console);
    static char first[] = ">>> ", next[] = "... ";
    return console->continues ? next : first;
}

/* Ctrl-C while typing: forget the line. */
static unsigned char abandon_line(EditLine *editor, int key)
{
    (void)key;
    const LineInfo *line = el_line(editor);
    bool was_empty = line->lastchar == line->buffer;
    el_cursor(editor, (int)(line->lastchar - line->cursor));
    el_deletestr(editor, (int)(line->lastchar - line->buffer));
    fputs(was_empty ? "^C\n(Ctrl-D or /bye to leave)\n" : "^C\n", stdout);
    fflush(stdout);
    return CC_REDISPLAY;
}

/* libedit reads characters in the encoding of the locale: without UTF-8 it would mangle them. */
static void want_utf8(void)
{
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

static bool set_up(struct console *console)
{
    HistEvent event;
    console->history = history_init();
    console->editor = el_init("liminal", stdin, stdout, stderr);
    if (!console->history || !console->editor) return false;
    history(console->history, &event, H_SETSIZE, HISTORY_ENTRIES);
    history(console->history, &event, H_SETUNIQUE, 1);
    if (console->history_path) history(console->history, &event, H_LOAD, console->history_path);
    el_set(console->editor, EL_CLIENTDATA, console);
    el_set(console->editor, EL_PROMPT, prompt_text);
    el_set(console->editor, EL_EDITOR, "emacs");
    el_set(console->editor, EL_HIST, history, console->history);
    el_set(console->editor, EL_ADDFN, "liminal-abandon", "forget the line", abandon_line);
    el_set(console->editor, EL_SETTY, "-d", "-isig", NULL);
    el_set(console->editor, EL_BIND, "^C", "liminal-abandon", NULL);
    el_set(console->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    return true;
}

enum status console_open(struct console **console, const char *history_path, struct fault *fault)
{
    want_utf8();
    struct console *made = calloc(1, sizeof *made);
    if (!made) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    made->history_path = history_path;
    buffer_init(&made->entry);
    if (!set_up(made)) {
        console_close(made);
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "this terminal cannot be edited on: pass the prompt as an argument");
    }
    *console = made;
    return OK;
}

void console_close(struct console *console)
{
    if (console->editor) el_end(console->editor);
    if (console->history) history_end(console->history);
    buffer_deinit(&console->entry);
    free(console);
}

static void remember(struct console *console)
{
    HistEvent event;
    if (!text_trim(buffer_text(&console->entry)).length) return;
    history(console->history, &event, H_ENTER, console->entry.data);
    if (console->history_path) history(console->history, &event, H_SAVE, console->history_path);
}

static bool read_line(struct console *console, struct text *line)
{
    int length;
    const char *data = el_gets(console->editor, &length);
    if (!data || length <= 0) return false;
    *line = (struct text){data, (size_t)length};
    if (line->data[line->length - 1] == '\n') line->length--;
    return true;
}

static const struct text MARK = {"\"\"\"", 3};

/* The lines up to the closing mark; `line` is what follows the opening one. */
static void read_block(struct console *console, struct text line)
{
    console->continues = true;
    for (;;) {
        size_t end = text_find(line, MARK);
        buffer_append_text(&console->entry, text_slice(line, 0, end));
        if (end != SIZE_MAX) break;
        buffer_append_char(&console->entry, '\n');
        if (!read_line(console, &line)) break;
    }
    console->continues = false;
}

bool console_read(struct console *console, struct text *entry)
{
    struct text line;
    buffer_clear(&console->entry);
    if (!read_line(console, &line)) return false;
    if (text_starts_with(line, MARK))
        read_block(console, text_slice(line, MARK.length, line.length));
    else
        buffer_append_text(&console->entry, line);
    remember(console);
    *entry = buffer_text(&console->entry);
    return true;
}

void console_hide_typing(bool hide)
{
    struct termios mode;
    if (tcgetattr(STDIN_FILENO, &mode) != 0) return;
    if (hide)
        mode.c_lflag &= ~(tcflag_t)ECHO;
    else
        mode.c_lflag |= ECHO;
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}
