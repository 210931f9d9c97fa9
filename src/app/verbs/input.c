/* input.c - see input.h. */
#include "app/verbs/input.h"

#include <errno.h>
#include <string.h>

enum { INPUT_LIMIT_BYTES = 16 << 20 };

static enum status read_standard_input(struct buffer *out, struct fault *fault)
{
    size_t start = out->length;
    char chunk[16384];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, stdin)) > 0;) {
        if (out->length - start + got > INPUT_LIMIT_BYTES)
            return fault_set(fault, STATUS_TOO_LARGE, "standard input holds more than 16 MiB");
        buffer_append(out, chunk, got);
    }
    if (ferror(stdin))
        return fault_set(fault, STATUS_IO, "cannot read standard input: %s", strerror(errno));
    if (out->length > start && out->data[out->length - 1] == '\n') out->data[--out->length] = '\0';
    return OK;
}

enum status input_read(const struct command *command, size_t first, struct buffer *out,
                       struct fault *fault)
{
    if (command->word_count <= first) TRY(read_standard_input(out, fault));
    for (size_t i = first; i < command->word_count; i++) {
        if (i > first) buffer_append_char(out, ' ');
        if (strcmp(command->words[i], "-") == 0)
            TRY(read_standard_input(out, fault));
        else
            buffer_append_string(out, command->words[i]);
    }
    return buffer_status(out, fault);
}
