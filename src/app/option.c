/* option.c - filling a struct from a table of options. */
#include "app/option.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

const struct option_table OPTION_TABLE_EMPTY = {0};

static void *field(const struct option_parse *parse, size_t row)
{
    return (char *)parse->values + parse->table.rows[row].offset;
}

size_t option_find(struct option_table table, const char *name)
{
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(table.rows[i].name, name) == 0) return i;
    return SIZE_MAX;
}

const char *option_nearest(struct option_table table, const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < table.count; i++) nearest_offer(&nearest, table.rows[i].name);
    return nearest.best;
}

/* ---- one value ---- */

static enum status range_fault(const struct option_row *row, const char *where, const char *text,
                               struct fault *fault)
{
    return fault_set_param(fault, STATUS_INVALID, row->name,
                           "%s must be between %.16g and %.16g, not \"%s\"", where, row->least,
                           row->most, text);
}

static bool out_of_range(const struct option_row *row, double value)
{
    bool bounded = row->least != 0 || row->most != 0;
    return bounded && !(value >= row->least && value <= row->most);
}

static enum status set_flag(const struct option_row *row, bool *field, const char *where,
                            const char *text, struct fault *fault)
{
    static const char *const YES[] = {"yes", "true", "on", "1"};
    static const char *const NO[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < ARRAY_COUNT(YES); i++) {
        bool yes = text_equal_ignore_case(text_of(text), text_of(YES[i]));
        if (!yes && !text_equal_ignore_case(text_of(text), text_of(NO[i]))) continue;
        *field = yes;
        return OK;
    }
    return fault_set_param(fault, STATUS_INVALID, row->name, "%s must be yes or no, not \"%s\"",
                           where, text);
}

static enum status set_count(const struct option_row *row, uint64_t *field, const char *where,
                             const char *text, struct fault *fault)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end)
        return fault_set_param(fault, STATUS_INVALID, row->name,
                               "%s must be a whole number, not \"%s\"", where, text);
    if (errno == ERANGE || value == OPTION_COUNT_NONE || out_of_range(row, (double)value))
        return range_fault(row, where, text, fault);
    *field = value;
    return OK;
}

static enum status set_real(const struct option_row *row, double *field, const char *where,
                            const char *text, struct fault *fault)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return fault_set_param(fault, STATUS_INVALID, row->name, "%s must be a number, not \"%s\"",
                               where, text);
    if (out_of_range(row, value)) return range_fault(row, where, text, fault);
    *field = value;
    return OK;
}

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* A list one longer than `list`, sharing its strings. */
static enum status add_item(struct arena *arena, struct option_list *list, struct text item,
                            struct fault *fault)
{
    const char **items = arena_alloc_array(arena, list->count + 2, sizeof *items);
    if (!items) return no_memory(fault);
    for (size_t i = 0; i < list->count; i++) items[i] = list->items[i];
    items[list->count] = arena_copy(arena, item.data, item.length);
    if (!items[list->count]) return no_memory(fault);
    *list = (struct option_list){.items = items, .count = list->count + 1};
    return OK;
}

static enum status set_list(struct option_parse *parse, size_t index, enum option_source source,
                            const char *text, struct fault *fault)
{
    struct option_list *list = field(parse, index);
    if (source == SOURCE_COMMAND_LINE) {
        if (parse->sources[index] != source) *list = (struct option_list){0};
        return add_item(parse->arena, list, text_of(text), fault);
    }
    *list = (struct option_list){0};
    for (struct text rest = text_of(text); rest.length;) {
        size_t comma = text_find(rest, TEXT(","));
        struct text word = text_trim(text_slice(rest, 0, comma));
        if (word.length) TRY(add_item(parse->arena, list, word, fault));
        rest = comma == SIZE_MAX ? (struct text){0} : text_slice(rest, comma + 1, rest.length);
    }
    return OK;
}

enum status option_set(struct option_parse *parse, size_t index, enum option_source source,
                       const char *where, const char *text, struct fault *fault)
{
    const struct option_row *row = &parse->table.rows[index];
    switch (row->kind) {
    case OPTION_FLAG: TRY(set_flag(row, field(parse, index), where, text, fault)); break;
    case OPTION_COUNT: TRY(set_count(row, field(parse, index), where, text, fault)); break;
    case OPTION_REAL: TRY(set_real(row, field(parse, index), where, text, fault)); break;
    case OPTION_LIST: TRY(set_list(parse, index, source, text, fault)); break;
    case OPTION_TEXT: {
        const char *copy = arena_copy(parse->arena, text, strlen(text));
        if (!copy) return no_memory(fault);
        *(const char **)field(parse, index) = copy;
        break;
    }
    }
    parse->sources[index] = source;
    return OK;
}

static void set_unset(const struct option_parse *parse, size_t index)
{
    switch (parse->table.rows[index].kind) {
    case OPTION_FLAG: *(bool *)field(parse, index) = false; break;
    case OPTION_TEXT: *(const char **)field(parse, index) = NULL; break;
    case OPTION_LIST: *(struct option_list *)field(parse, index) = (struct option_list){0}; break;
    case OPTION_COUNT: *(uint64_t *)field(parse, index) = OPTION_COUNT_NONE; break;
    case OPTION_REAL: *(double *)field(parse, index) = NAN; break;
    }
}

enum status option_parse_init(struct option_parse *parse, struct option_table table, void *values,
                              struct arena *arena, struct fault *fault)
{
    *parse = (struct option_parse){.table = table, .values = values, .arena = arena};
    parse->sources = arena_alloc_array(arena, table.count + 1, sizeof *parse->sources);
    if (!parse->sources) return no_memory(fault);
    for (size_t i = 0; i < table.count; i++) {
        set_unset(parse, i);
        if (!table.rows[i].fallback) continue;
        enum status status =
            option_set(parse, i, SOURCE_DEFAULT, table.rows[i].name, table.rows[i].fallback, fault);
        assert(status == OK || status == STATUS_NO_MEMORY);
        TRY(status);
    }
    return OK;
}

/* ---- sources ---- */

enum status option_parse_environment(struct option_parse *parse, struct fault *fault)
{
    for (size_t i = 0; i < parse->table.count; i++) {
        struct text rest = text_of(parse->table.rows[i].environment);
        while (rest.length) {
            size_t space = text_find(rest, TEXT(" "));
            struct text word = text_slice(rest, 0, space);
            char variable[64];
            snprintf(variable, sizeof variable, "%.*s", TEXT_FORMAT(word));
            const char *value = getenv(variable);
            if (value && *value) {
                TRY(option_set(parse, i, SOURCE_ENVIRONMENT, variable, value, fault));
                break;
            }
            rest = space == SIZE_MAX ? (struct text){0} : text_slice(rest, space + 1, rest.length);
        }
    }
    return OK;
}

static enum status unknown_option(const struct option_parse *parse, const char *name,
                                  struct fault *fault)
{
    const char *nearest = option_nearest(parse->table, name);
    if (nearest)
        return fault_set(fault, STATUS_INVALID, "there is no option --%s; did you mean --%s?", name,
                         nearest);
    return fault_set(fault, STATUS_INVALID, "there is no option --%s; --help lists the options",
                     name);
}

static size_t find_letter(struct option_table table, char letter)
{
    for (size_t i = 0; i < table.count; i++)
        if (table.rows[i].letter == letter) return i;
    return SIZE_MAX;
}

/* Set row `index`, named `where` on the command line, from `attached` or from the next word. */
static enum status take_value(struct option_parse *parse, size_t index, const char *where,
                              const char *attached, char **words, size_t count, size_t *at,
                              struct fault *fault)
{
    const struct option_row *row = &parse->table.rows[index];
    if (row->kind == OPTION_FLAG)
        return option_set(parse, index, SOURCE_COMMAND_LINE, where, attached ? attached : "yes",
                          fault);
    if (!attached && *at + 1 >= count)
        return fault_set_param(fault, STATUS_INVALID, row->name, "%s needs a value: %s %s", where,
                               where, row->value_name);
    const char *value = attached ? attached : words[++*at];
    return option_set(parse, index, SOURCE_COMMAND_LINE, where, value, fault);
}

static enum status parse_long(struct option_parse *parse, char **words, size_t count, size_t *at,
                              struct fault *fault)
{
    const char *word = words[*at];
    const char *equals = strchr(word, '=');
    char where[80];
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    snprintf(where, sizeof where, "%.*s", (int)(length < 79 ? length : 79), word);
    size_t index = option_find(parse->table, where + 2);
    if (index == SIZE_MAX) return unknown_option(parse, where + 2, fault);
    return take_value(parse, index, where, equals ? equals + 1 : NULL, words, count, at, fault);
}

static enum status parse_short(struct option_parse *parse, char **words, size_t count, size_t *at,
                               struct fault *fault)
{
    const char *word = words[*at];
    char where[3] = {'-', word[1], '\0'};
    size_t index = find_letter(parse->table, word[1]);
    if (index == SIZE_MAX)
        return fault_set(fault, STATUS_INVALID, "there is no option %s; --help lists the options",
                         word);
    return take_value(parse, index, where, word[2] ? word + 2 : NULL, words, count, at, fault);
}

enum status option_parse_words(struct option_parse *parse, char **words, size_t count, size_t *kept,
                               struct fault *fault)
{
    *kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i];
        if (strcmp(word, "--") == 0) {
            while (++i < count) words[(*kept)++] = words[i];
        } else if (word[0] == '-' && word[1] == '-') {
            TRY(parse_long(parse, words, count, &i, fault));
        } else if (word[0] == '-' && word[1]) {
            TRY(parse_short(parse, words, count, &i, fault));
        } else {
            words[(*kept)++] = words[i];
        }
    }
    return OK;
}

/* ---- words for people ---- */

enum { HELP_COLUMNS = 80, HELP_INDENT = 27 };

static void append_wrapped(struct buffer *out, const char *help)
{
    size_t column = HELP_INDENT;
    for (struct text rest = text_of(help); rest.length;) {
        size_t space = text_find(rest, TEXT(" "));
        struct text word = text_slice(rest, 0, space);
        if (column > HELP_INDENT && column + 1 + word.length > HELP_COLUMNS) {
            buffer_printf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            buffer_append_char(out, ' ');
            column++;
        }
        buffer_append_text(out, word);
        column += word.length;
        rest = space == SIZE_MAX ? (struct text){0} : text_slice(rest, space + 1, rest.length);
    }
    buffer_append_char(out, '\n');
}

void option_help(struct option_table table, struct buffer *out)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct option_row *row = &table.rows[i];
        char left[64], help[640];
        int used = row->letter ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                               : snprintf(left, sizeof left, "  --%s", row->name);
        if (row->value_name)
            snprintf(left + used, sizeof left - (size_t)used, " %s", row->value_name);
        used = snprintf(help, sizeof help, "%s", row->help);
        if (row->fallback && row->kind != OPTION_FLAG)
            used +=
                snprintf(help + used, sizeof help - (size_t)used, " (default %s)", row->fallback);
        if (row->environment)
            snprintf(help + used, sizeof help - (size_t)used, " [%s]", row->environment);
        buffer_printf(out, "%-*s", HELP_INDENT, left);
        if (strlen(left) >= HELP_INDENT) buffer_printf(out, "\n%*s", HELP_INDENT, "");
        append_wrapped(out, help);
    }
}

void option_describe_value(const struct option_parse *parse, size_t index, struct buffer *out)
{
    const void *value = field(parse, index);
    switch (parse->table.rows[index].kind) {
    case OPTION_FLAG: buffer_append_string(out, *(const bool *)value ? "yes" : "no"); break;
    case OPTION_TEXT: buffer_append_text(out, text_of(*(const char *const *)value)); break;
    case OPTION_COUNT:
        if (*(const uint64_t *)value != OPTION_COUNT_NONE)
            buffer_printf(out, "%llu", (unsigned long long)*(const uint64_t *)value);
        break;
    case OPTION_REAL:
        if (!isnan(*(const double *)value)) buffer_printf(out, "%g", *(const double *)value);
        break;
    case OPTION_LIST: {
        const struct option_list *list = value;
        for (size_t i = 0; i < list->count; i++)
            buffer_printf(out, "%s%s", i ? "," : "", list->items[i]);
        break;
    }
    }
}
