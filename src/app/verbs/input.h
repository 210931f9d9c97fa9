/* input.h - what a person gives a verb to read: words of the command line, or standard input. */
#ifndef LIMINAL_APP_INPUT_H
#define LIMINAL_APP_INPUT_H

#include "app/cli.h"

/* Append the words from `first` on, joined by spaces; the word "-" stands for all of standard
 * input, and so does having no words. A final newline of standard input is dropped. */
enum status input_read(const struct command *command, size_t first, struct buffer *out,
                       struct fault *fault) MUST_USE;

#endif
