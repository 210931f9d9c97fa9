/* cli.h - a verb of the command line, and what it is given to work with. */
#ifndef LIMINAL_APP_CLI_H
#define LIMINAL_APP_CLI_H

#include <stdio.h>

#include "app/option.h"
#include "base/arena.h"
#include "base/status.h"

/* One call of a verb: values as its table says, and the words that are no options. */
struct command {
    const struct verb *verb;
    const void *values;         /* the verb's own struct, filled */
    struct option_parse *parse; /* how it was filled */
    char **words;
    size_t word_count;
    struct arena *arena; /* lives as long as the verb runs */
    FILE *out;           /* results; messages go to stderr */
};

struct verb {
    const char *name;
    const char *arguments; /* "MODEL [PROMPT...]" */
    const char *summary;   /* one line, for the list of verbs */
    const char *help;      /* paragraphs and examples, after the options; may be NULL */
    const struct option_table *options;
    size_t values_bytes; /* of the struct the options point into */
    size_t least_words, most_words;
    /* NULL, or takes values from elsewhere first; environment and command line go over them. */
    enum status (*prepare)(struct option_parse *parse, char **words, size_t count,
                           struct fault *fault);
    enum status (*run)(struct command *command, struct fault *fault);
};

/* Choose the verb in argv[1], parse its options and run it. Returns the process's exit code; a
 * failure has been told on stderr in one sentence. */
int cli_main(int argc, char **argv);

#define OPTION_TABLE(rows) (&(const struct option_table){(rows), ARRAY_COUNT(rows)})

#endif
