/* json_parts.c - the grammar of JSON itself, as schemas are made of it.
 *
 * Compact: one space may follow a comma or a colon, and there is no other white space. Numbers are
 * bounded: 15 digits before the point and behind it, two of an exponent, so that a model can't go
 * on for ever and every number is a finite double. */
#include <stdio.h>
#include <string.h>

#include "inference/grammar/json_schema_private.h"

static grammar_part literal(struct grammar *g, const char *text)
{
    return grammar_literal(g, text_of(text));
}

static grammar_part range(struct grammar *g, const uint32_t *ranges, size_t count)
{
    return grammar_class(g, ranges, count, false);
}

/* ---- strings ---- */

struct text json_escape(uint32_t character, char out[JSON_ESCAPE_BYTES])
{
    static const char SHORT[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof SHORT; i += 2)
        if (character == (uint32_t)SHORT[i]) {
            out[0] = '\\';
            out[1] = SHORT[i + 1];
            return (struct text){out, 2};
        }
    if (character < 0x20) {
        snprintf(out, JSON_ESCAPE_BYTES, "\\u%04x", character);
        return (struct text){out, 6};
    }
    return (struct text){out, utf8_encode(character, out)};
}

grammar_part json_literal_string(struct grammar *g, struct text text)
{
    struct buffer json;
    buffer_init(&json);
    buffer_append_char(&json, '"');
    for (size_t i = 0; i < text.length;) {
        char escape[JSON_ESCAPE_BYTES];
        uint32_t character = 0;
        size_t bytes = utf8_decode(text.data + i, text.length - i, &character);
        if (bytes == 0) break;
        buffer_append_text(&json, json_escape(character, escape));
        i += bytes;
    }
    buffer_append_char(&json, '"');
    grammar_part part = grammar_literal(g, buffer_text(&json));
    buffer_deinit(&json);
    return part;
}

/* As json_escape writes them: \b \f \n \r \t, and the others from \u0000 to \u001f. */
static grammar_part control_escape(struct grammar *g)
{
    static const uint32_t SHORT[] = {'b', 'b', 'f', 'f', 'n', 'n', 'r', 'r', 't', 't'};
    static const uint32_t LOW[] = {'0', '7', 'b', 'b', 'e', 'f'}, HIGH[] = {'0', '9', 'a', 'f'};
    grammar_part longer[] = {
        grammar_sequence(g, (grammar_part[]){literal(g, "u000"), range(g, LOW, 3)}, 2),
        grammar_sequence(g, (grammar_part[]){literal(g, "u001"), range(g, HIGH, 2)}, 2)};
    grammar_part forms[] = {range(g, SHORT, 5), longer[0], longer[1]};
    return grammar_sequence(g, (grammar_part[]){literal(g, "\\"), grammar_choice(g, forms, 3)}, 2);
}

/* \uXXXX of a character, or of both halves of one. */
static grammar_part unicode_escape(struct grammar *g)
{
    static const uint32_t HEX[] = {'0', '9', 'A', 'F', 'a', 'f'};
    static const uint32_t NOT_D[] = {'0', '9', 'A', 'C', 'E', 'F', 'a', 'c', 'e', 'f'};
    static const uint32_t D[] = {'D', 'D', 'd', 'd'};
    static const uint32_t LOW[] = {'0', '7'};
    static const uint32_t HIGH_HALF[] = {'8', '9', 'A', 'B', 'a', 'b'};
    static const uint32_t LOW_HALF[] = {'C', 'F', 'c', 'f'};
    grammar_part hex = range(g, HEX, 3), d = range(g, D, 2);
    grammar_part two = grammar_repeat(g, hex, 2, 2), three = grammar_repeat(g, hex, 3, 3);
    grammar_part forms[] = {
        grammar_sequence(g, (grammar_part[]){range(g, NOT_D, 5), three}, 2),
        grammar_sequence(g, (grammar_part[]){d, range(g, LOW, 1), two}, 3),
        grammar_sequence(g,
                         (grammar_part[]){d, range(g, HIGH_HALF, 3), two, literal(g, "\\u"), d,
                                          range(g, LOW_HALF, 2), two},
                         7)};
    return grammar_sequence(g, (grammar_part[]){literal(g, "\\u"), grammar_choice(g, forms, 3)}, 2);
}

static grammar_part string_character(struct grammar *g)
{
    static const uint32_t SPECIAL[] = {0, 0x1F, '"', '"', '\\', '\\'};
    static const uint32_t SHORT[] = {'"', '"', '/', '/', '\\', '\\', 'b', 'b',
                                     'f', 'f', 'n', 'n', 'r',  'r',  't', 't'};
    grammar_part forms[] = {
        grammar_class(g, SPECIAL, 3, true),
        grammar_sequence(g, (grammar_part[]){literal(g, "\\"), range(g, SHORT, 8)}, 2),
        unicode_escape(g)};
    return grammar_choice(g, forms, 3);
}

/* ---- numbers ---- */

static grammar_part integer_part(struct grammar *g)
{
    static const uint32_t DIGIT[] = {'0', '9'}, FIRST[] = {'1', '9'};
    grammar_part digit = range(g, DIGIT, 1);
    grammar_part many = grammar_sequence(
        g, (grammar_part[]){range(g, FIRST, 1), grammar_repeat(g, digit, 0, NUMBER_DIGITS - 1)}, 2);
    grammar_part digits = grammar_choice(g, (grammar_part[]){literal(g, "0"), many}, 2);
    return grammar_sequence(g, (grammar_part[]){grammar_repeat(g, literal(g, "-"), 0, 1), digits},
                            2);
}

static grammar_part number_part(struct grammar *g, grammar_part integer)
{
    static const uint32_t DIGIT[] = {'0', '9'}, E[] = {'E', 'E', 'e', 'e'};
    static const uint32_t SIGN[] = {'+', '+', '-', '-'};
    grammar_part digit = range(g, DIGIT, 1);
    grammar_part fraction = grammar_sequence(
        g, (grammar_part[]){literal(g, "."), grammar_repeat(g, digit, 1, NUMBER_DIGITS)}, 2);
    grammar_part exponent = grammar_sequence(
        g,
        (grammar_part[]){range(g, E, 2), grammar_repeat(g, range(g, SIGN, 2), 0, 1),
                         grammar_repeat(g, digit, 1, 2)},
        3);
    return grammar_sequence(g,
                            (grammar_part[]){integer, grammar_repeat(g, fraction, 0, 1),
                                             grammar_repeat(g, exponent, 0, 1)},
                            3);
}

/* ---- values ---- */

/* open (item (comma item)*)? close */
static grammar_part list_of(struct json_parts *parts, struct grammar *g, const char *open,
                            grammar_part item, const char *close)
{
    grammar_part more = grammar_sequence(g, (grammar_part[]){parts->comma, item}, 2);
    grammar_part items = grammar_sequence(
        g, (grammar_part[]){item, grammar_repeat(g, more, 0, GRAMMAR_UNBOUNDED)}, 2);
    return grammar_sequence(
        g, (grammar_part[]){literal(g, open), grammar_repeat(g, items, 0, 1), literal(g, close)},
        3);
}

static grammar_part rule_of(struct grammar *g, grammar_part is)
{
    grammar_part rule = grammar_rule(g);
    grammar_rule_set(g, rule, is);
    return rule;
}

void json_parts_init(struct json_parts *parts, struct grammar *g)
{
    grammar_part space = grammar_repeat(g, literal(g, " "), 0, 1);
    parts->comma = grammar_sequence(g, (grammar_part[]){literal(g, ","), space}, 2);
    parts->colon = grammar_sequence(g, (grammar_part[]){literal(g, ":"), space}, 2);
    parts->quote = literal(g, "\"");
    parts->null = literal(g, "null");
    parts->boolean =
        grammar_choice(g, (grammar_part[]){literal(g, "false"), literal(g, "true")}, 2);
    parts->character = string_character(g);
    parts->controls = control_escape(g);
    parts->characters = grammar_repeat(g, parts->character, 0, GRAMMAR_UNBOUNDED);
    parts->string = rule_of(
        g, grammar_sequence(g, (grammar_part[]){parts->quote, parts->characters, parts->quote}, 3));
    parts->integer = rule_of(g, integer_part(g));
    parts->number = rule_of(g, number_part(g, integer_part(g)));
    parts->any = grammar_rule(g);
    grammar_part pair =
        grammar_sequence(g, (grammar_part[]){parts->string, parts->colon, parts->any}, 3);
    parts->object = rule_of(g, list_of(parts, g, "{", pair, "}"));
    parts->array = rule_of(g, list_of(parts, g, "[", parts->any, "]"));
    grammar_rule_set(g, parts->any,
                     grammar_choice(g,
                                    (grammar_part[]){parts->object, parts->array, parts->string,
                                                     parts->number, parts->boolean, parts->null},
                                    6));
}

grammar_part grammar_json_object(struct grammar *grammar)
{
    struct json_parts parts;
    json_parts_init(&parts, grammar);
    return parts.object;
}
