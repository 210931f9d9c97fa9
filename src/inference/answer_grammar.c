/* answer_grammar.c - see answer_grammar.h. */
#include "inference/answer_grammar.h"

#include <stdio.h>

/* White space between the parts of an answer, where templates write none or some. */
enum { SPACE_MOST = 4 };

/* ---- pieces ---- */

static grammar_part sequence2(struct grammar *g, grammar_part first, grammar_part second)
{
    return grammar_sequence(g, (grammar_part[]){first, second}, 2);
}

static grammar_part choice2(struct grammar *g, grammar_part first, grammar_part second)
{
    return grammar_choice(g, (grammar_part[]){first, second}, 2);
}

static grammar_part optional(struct grammar *g, grammar_part part)
{
    return choice2(g, part, grammar_empty(g));
}

static grammar_part space(struct grammar *g)
{
    static const uint32_t ranges[] = {' ', ' ', '\n', '\n'};
    return grammar_repeat(g, grammar_class(g, ranges, 2, false), 0, SPACE_MOST);
}

static grammar_part any_text(struct grammar *g)
{
    return grammar_repeat(g, grammar_class(g, NULL, 0, true), 0, GRAMMAR_UNBOUNDED);
}

static grammar_part call_id(struct grammar *g)
{
    static const uint32_t ranges[] = {'0', '9', 'A', 'Z', 'a', 'z'};
    return grammar_repeat(g, grammar_class(g, ranges, 3, false), CALL_ID_LENGTH, CALL_ID_LENGTH);
}

/* The special token that `t` begins with, or none. */
static struct text special_at(const struct chat_format *format, struct text t)
{
    for (size_t i = 0; i < format->special_count; i++)
        if (text_starts_with(t, format->specials[i].name)) return format->specials[i].name;
    return TEXT("");
}

/* One of the format's texts: letters, special tokens, and an id where CALL_ID stands. */
static grammar_part written(struct grammar *g, const struct chat_format *format, struct text t)
{
    grammar_part part = grammar_empty(g);
    size_t plain_from = 0;
    for (size_t at = 0; at <= t.length;) {
        struct text rest = text_slice(t, at, t.length);
        struct text special = special_at(format, rest);
        bool is_plain = rest.length > 0 && special.length == 0 && rest.data[0] != CALL_ID;
        if (is_plain) {
            at++;
            continue;
        }
        part = sequence2(g, part, grammar_literal(g, text_slice(t, plain_from, at)));
        if (special.length > 0)
            part = sequence2(g, part, grammar_special_token(g, special));
        else if (rest.length > 0)
            part = sequence2(g, part, call_id(g));
        at += special.length > 0 ? special.length : 1;
        plain_from = at;
    }
    return part;
}

/* ---- text ---- */

/* One character that is none of these, nor white space. */
static grammar_part other_than(struct grammar *g, char a, char b)
{
    const uint32_t ranges[] = {' ',
                               ' ',
                               '\n',
                               '\n',
                               (unsigned char)a,
                               (unsigned char)a,
                               (unsigned char)b,
                               (unsigned char)b};
    return grammar_class(g, ranges, 4, true);
}

/* Any text that no reader could take for a call. Where calls have no tag, that is a text which
 * begins in another way. */
static grammar_part plain_text(struct grammar *g, const struct tool_format *tools)
{
    struct text mark = tools->mark, start = tools->opening_at_start;
    grammar_part rest = mark.length ? grammar_text_without(g, mark) : any_text(g);
    if (start.length == 0) return rest;
    if (mark.length == 0)
        return sequence2(
            g, space(g),
            optional(g, sequence2(g, other_than(g, start.data[0], start.data[0]), rest)));
    grammar_part lone = sequence2(g, grammar_literal(g, text_slice(mark, 0, 1)),
                                  other_than(g, mark.data[0], mark.data[1]));
    grammar_part first = choice2(g, other_than(g, start.data[0], mark.data[0]), lone);
    return sequence2(g, space(g), optional(g, sequence2(g, first, rest)));
}

/* ---- calls ---- */

static bool is_allowed(const struct answer_rules *rules, const json_t *name)
{
    if (!rules->allowed) return true;
    size_t i;
    const json_t *allowed;
    json_array_foreach(rules->allowed, i, allowed) if (json_equal(allowed, name)) return true;
    return false;
}

/* Name and arguments of one tool. */
static enum status add_tool(struct grammar *g, const struct answer_rules *rules, size_t index,
                            grammar_part *part, struct fault *fault)
{
    const json_t *function = json_object_get(json_array_get(rules->tools, index), "function");
    const json_t *name = json_object_get(function, "name");
    grammar_part arguments;
    if (!is_allowed(rules, name)) {
        *part = grammar_choice(g, NULL, 0);
        return OK;
    }
    enum status status = grammar_add_json_schema_closed(g, json_object_get(function, "parameters"),
                                                        true, &arguments, fault);
    if (status != OK) {
        char param[FAULT_PARAM_BYTES];
        snprintf(param, sizeof param, "tools[%zu].function.parameters", index);
        fault_prefix(fault, "%s", param);
        snprintf(fault->param, sizeof fault->param, "%s", param);
        return status;
    }
    const grammar_part parts[] = {
        grammar_literal(g, (struct text){json_string_value(name), json_string_length(name)}),
        written(g, rules->format, rules->format->tools.between),
        arguments,
    };
    *part = grammar_sequence(g, parts, ARRAY_COUNT(parts));
    return OK;
}

/* From the first name to the end of the last call. */
static enum status add_calls(struct grammar *g, const struct answer_rules *rules,
                             grammar_part *part, struct fault *fault)
{
    const struct tool_format *tools = &rules->format->tools;
    grammar_part call = grammar_choice(g, NULL, 0), more = grammar_empty(g);
    for (size_t i = 0; i < json_array_size(rules->tools); i++) {
        grammar_part tool;
        TRY(add_tool(g, rules, i, &tool, fault));
        call = choice2(g, call, tool);
    }
    if (!rules->is_one_call && tools->middle.length > 0)
        more = grammar_repeat(g, sequence2(g, written(g, rules->format, tools->middle), call), 0,
                              CALLS_LIMIT - 1);
    const grammar_part parts[] = {call, more, written(g, rules->format, tools->end)};
    *part = grammar_sequence(g, parts, ARRAY_COUNT(parts));
    return OK;
}

/* An answer that is nothing but calls. */
static grammar_part only_calls(struct grammar *g, const struct answer_rules *rules,
                               grammar_part calls)
{
    const struct tool_format *tools = &rules->format->tools;
    struct text opening = tools->opening_at_start.length ? tools->opening_at_start : tools->opening;
    const grammar_part parts[] = {space(g), written(g, rules->format, opening), calls};
    return grammar_sequence(g, parts, ARRAY_COUNT(parts));
}

/* Calls after a text, or at once. */
static grammar_part text_or_calls(struct grammar *g, const struct answer_rules *rules,
                                  grammar_part calls)
{
    const struct tool_format *tools = &rules->format->tools;
    if (rules->content) return choice2(g, *rules->content, only_calls(g, rules, calls));
    grammar_part text = plain_text(g, tools);
    if (tools->opening.length > 0) {
        grammar_part opening = written(g, rules->format, tools->opening);
        text = sequence2(g, text, optional(g, sequence2(g, opening, calls)));
    }
    return tools->opening_at_start.length ? choice2(g, text, only_calls(g, rules, calls)) : text;
}

static enum status add_body(struct grammar *g, const struct answer_rules *rules, grammar_part *part,
                            struct fault *fault)
{
    bool has_tools = json_array_size(rules->tools) > 0;
    if (!has_tools || rules->choice == TOOLS_NONE) {
        *part = rules->content ? *rules->content
                : has_tools    ? plain_text(g, &rules->format->tools)
                               : any_text(g);
        return OK;
    }
    grammar_part calls;
    TRY(add_calls(g, rules, &calls, fault));
    *part = rules->choice == TOOLS_REQUIRED ? only_calls(g, rules, calls)
                                            : text_or_calls(g, rules, calls);
    return OK;
}

/* ---- reasoning ---- */

/* Only an answer that is free may end before its reasoning does. */
static grammar_part after_reasoning(struct grammar *g, const struct answer_rules *rules,
                                    grammar_part body)
{
    const struct chat_format *format = rules->format;
    if (format->reasoning_close.length == 0 || rules->reasoning == REASONING_OVER) return body;
    grammar_part thoughts = grammar_text_without(g, format->reasoning_close);
    const grammar_part parts[] = {thoughts, written(g, format, format->reasoning_close), space(g),
                                  body};
    grammar_part reasoned = grammar_sequence(g, parts, ARRAY_COUNT(parts));
    bool is_free = !rules->content && rules->choice != TOOLS_REQUIRED;
    if (rules->reasoning == REASONING_BEGUN)
        return is_free ? choice2(g, reasoned, thoughts) : reasoned;
    grammar_part open = written(g, format, format->reasoning_open);
    return choice2(g, body, sequence2(g, space(g), sequence2(g, open, reasoned)));
}

enum status answer_grammar_add(struct grammar *grammar, const struct answer_rules *rules,
                               grammar_part *part, struct fault *fault)
{
    grammar_part body;
    TRY(add_body(grammar, rules, &body, fault));
    *part = after_reasoning(grammar, rules, body);
    return OK;
}
