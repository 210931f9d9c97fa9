/* console.h - a person's line of text: editing, history, several lines between """ marks. */
#ifndef LIMINAL_APP_CONSOLE_H
#define LIMINAL_APP_CONSOLE_H

#include "base/status.h"
#include "base/text.h"

struct console;

/* History is read from and kept in `history_path`, readable by its owner alone; NULL: none kept. */
enum status console_open(struct console **console, const char *history_path,
                         struct fault *fault) MUST_USE;
void console_close(struct console *console);

/* The next entry, without its newline; several lines when it was opened with """. Valid until the
 * next call. False at the end of input (Ctrl-D). */
bool console_read(struct console *console, struct text *entry);

/* While an answer is shown, keys are not echoed into it; what is typed meanwhile is there for the
 * next entry, and Ctrl-C still makes its signal. */
void console_hide_typing(bool hide);

#endif
