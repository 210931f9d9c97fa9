/* option.h - the options of a verb as rows of a table. Parsing, range checks, the other places a
 * value may come from (environment, configuration file) and the help text all read the same rows,
 * so that none of them can drift from the others.
 *
 * A verb declares a plain struct for its values and one row per field. Sources are applied in
 * ascending precedence - defaults, file, environment, command line - each overwriting the one
 * before. Knows nothing of any particular verb. */
#ifndef LIMINAL_APP_OPTION_H
#define LIMINAL_APP_OPTION_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

enum option_kind {
    OPTION_FLAG,  /* bool: given or not; elsewhere than on the command line yes/no */
    OPTION_TEXT,  /* const char *: NULL without a default */
    OPTION_LIST,  /* struct option_list: given several times; elsewhere separated by commas */
    OPTION_COUNT, /* uint64_t: OPTION_COUNT_NONE without a default */
    OPTION_REAL   /* double: NAN without a default */
};

#define OPTION_COUNT_NONE UINT64_MAX

/* A NULL-ended array of strings, or NULL when nothing was given. */
struct option_list {
    const char *const *items;
    size_t count;
};

struct option_row {
    const char *name; /* "max-tokens": --max-tokens, and the key in the configuration file */
    char letter;      /* 'o' for -o, or 0 */
    enum option_kind kind;
    size_t offset;          /* of the field in the struct of values */
    const char *value_name; /* "N" in --max-tokens N; NULL for flags */
    const char *fallback;   /* the default, written as a person would; NULL: none */
    const char *help;
    const char *environment; /* space-separated variables, the first that is set wins; or NULL */
    double least, most;      /* of counts and reals; both 0: any */
    bool is_secret;          /* not to be shown: a key, or a URL that may hold a password */
};

enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_COMMAND_LINE };

struct option_table {
    const struct option_row *rows;
    size_t count;
};
extern const struct option_table OPTION_TABLE_EMPTY;

/* The table being filled: rows, the struct they point into, and where each value came from. */
struct option_parse {
    struct option_table table;
    void *values;
    enum option_source *sources; /* per row */
    struct arena *arena;         /* owns copied strings and lists */
};

/* Set every field to its default. The defaults in a table are valid (asserted). */
enum status option_parse_init(struct option_parse *parse, struct option_table table, void *values,
                              struct arena *arena, struct fault *fault) MUST_USE;

/* Set the value of a row from text. `where` starts the fault's sentence ("--port", "LIMINAL_PORT").
 */
enum status option_set(struct option_parse *parse, size_t index, enum option_source source,
                       const char *where, const char *text, struct fault *fault) MUST_USE;

/* Rows that name environment variables take them. */
enum status option_parse_environment(struct option_parse *parse, struct fault *fault) MUST_USE;

/* Parse argv-style words: --name value, --name=value, -n value; `--` ends the options. What is no
 * option is kept, in order, in words[0..*kept). */
enum status option_parse_words(struct option_parse *parse, char **words, size_t count, size_t *kept,
                               struct fault *fault) MUST_USE;

/* The row of that name, or SIZE_MAX. */
size_t option_find(struct option_table table, const char *name);
/* The name in the table nearest to a misspelt one, or NULL when none is near. */
const char *option_nearest(struct option_table table, const char *name);

/* One line or more per row, wrapped to 80 columns. */
void option_help(struct option_table table, struct buffer *out);
/* The value as a person would write it; secrets are the caller's to hide. */
void option_describe_value(const struct option_parse *parse, size_t index, struct buffer *out);

#endif
