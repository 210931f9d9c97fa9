/* answer_parser.c - see answer_parser.h. Each state has a step that takes what it can decide from
 * the held text; a step that took nothing and stayed waits for more. */
#include "inference/answer_parser.h"

#include <string.h>

#include "inference/text_steps.h"

void answer_parser_init(struct answer_parser *parser, const struct chat_format *format,
                        bool finds_calls, enum chat_reasoning reasoning,
                        void (*on_event)(void *argument, const struct answer_event *event),
                        void *argument)
{
    *parser = (struct answer_parser){
        .format = format,
        .on_event = on_event,
        .argument = argument,
        .finds_calls = finds_calls,
        .state = reasoning == REASONING_BEGUN ? IN_REASONING : IN_START,
        .has_reasoned = reasoning != REASONING_AHEAD,
    };
    buffer_init(&parser->held);
}

void answer_parser_deinit(struct answer_parser *parser)
{
    buffer_deinit(&parser->held);
}

/* ---- the held text ---- */

static struct text rest_of(const struct answer_parser *parser)
{
    return text_slice(buffer_text(&parser->held), parser->taken, parser->held.length);
}

/* Is `t` the beginning of `mark`, but not all of it? */
static bool may_become(struct text t, struct text mark)
{
    return t.length < mark.length && text_starts_with(mark, t);
}

/* Length of the longest ending of `t` that may become `mark`. */
static size_t unsure_length(struct text t, struct text mark)
{
    size_t from = t.length < mark.length ? 0 : t.length - mark.length + 1;
    while (from < t.length && !may_become(text_from(t, from), mark)) from++;
    return mark.length ? t.length - from : 0;
}

/* ---- telling ---- */

static void tell(struct answer_parser *parser, enum answer_event_kind kind, struct text text)
{
    struct answer_event event = {.kind = kind, .text = text};
    if (kind >= ANSWER_CALL) event.call = parser->call_count - 1;
    parser->on_event(parser->argument, &event);
}

/* Tell the next `length` bytes as text or reasoning, and take them. White space that begins a
 * passage after a mark belongs to the mark. */
static void tell_passage(struct answer_parser *parser, enum answer_event_kind kind, size_t length)
{
    struct text passage = text_slice(rest_of(parser), 0, length);
    bool follows_mark = parser->has_reasoned || parser->call_count > 0;
    if (follows_mark && !parser->in_passage) passage = text_from(passage, skip_space(passage, 0));
    parser->taken += length;
    if (passage.length == 0) return;
    parser->in_passage = true;
    tell(parser, kind, passage);
}

static void go(struct answer_parser *parser, enum answer_state state, size_t taken)
{
    parser->taken += taken;
    parser->state = state;
    parser->in_passage = false;
}

/* ---- the states; true: go on, false: more text is needed ---- */

static struct text opening_at_start(const struct answer_parser *parser)
{
    return parser->finds_calls ? parser->format->tools.opening_at_start : TEXT("");
}

static struct text opening_anywhere(const struct answer_parser *parser)
{
    return parser->finds_calls ? parser->format->tools.opening : TEXT("");
}

static bool begin_call(struct answer_parser *parser, size_t before, struct text opening)
{
    go(parser, IN_CALL_HEAD, before);
    parser->opening_length = opening.length;
    return true;
}

static bool step_start(struct answer_parser *parser)
{
    struct text rest = rest_of(parser);
    size_t space = skip_space(rest, 0);
    struct text body = text_from(rest, space), call = opening_at_start(parser);
    struct text reasoning = parser->has_reasoned ? TEXT("") : parser->format->reasoning_open;
    if (reasoning.length && text_starts_with(body, reasoning)) {
        parser->has_reasoned = true;
        go(parser, IN_REASONING, space + reasoning.length);
        return true;
    }
    if (call.length && text_starts_with(body, call)) return begin_call(parser, space, call);
    if (may_become(body, reasoning) || may_become(body, call)) return false;
    if (body.length == 0 && parser->finds_calls) return false;
    go(parser, IN_TEXT, 0);
    return true;
}

static bool step_reasoning(struct answer_parser *parser)
{
    struct text rest = rest_of(parser), close = parser->format->reasoning_close;
    size_t at = text_find(rest, close);
    bool closes = at != SIZE_MAX;
    size_t told = closes ? at : rest.length - unsure_length(rest, close);
    tell_passage(parser, ANSWER_REASONING, trimmed_length(text_slice(rest, 0, told)));
    if (closes) go(parser, IN_START, text_find(rest_of(parser), close) + close.length);
    return closes;
}

static bool step_text(struct answer_parser *parser)
{
    struct text rest = rest_of(parser), opening = opening_anywhere(parser);
    size_t at = opening.length ? text_find(rest, opening) : SIZE_MAX;
    bool opens = at != SIZE_MAX;
    struct text before =
        text_slice(rest, 0, opens ? at : rest.length - unsure_length(rest, opening));
    tell_passage(parser, ANSWER_TEXT, opening.length ? trimmed_length(before) : before.length);
    return opens && begin_call(parser, skip_space(rest_of(parser), 0), opening);
}

/* What stands between a call's opening and its arguments. */
struct call_head {
    struct text name;
    size_t length; /* of all of it, opening included */
};
enum reading { READ, READ_MORE, READ_NOTHING };

static enum reading read_name(struct text t, size_t *at, struct text *name)
{
    size_t from = *at;
    while (*at < t.length && call_name_has(t.data[*at])) ++*at;
    *name = text_slice(t, from, *at);
    if (name->length > CALL_NAME_LIMIT) return READ_NOTHING;
    if (*at == t.length) return READ_MORE;
    return name->length > 0 ? READ : READ_NOTHING;
}

/* Step over one of the format's texts. */
static enum reading read_text(struct text t, size_t *at, struct text wanted)
{
    for (size_t i = 0; i < wanted.length; i++) {
        struct text id;
        enum reading reading = READ;
        if (*at == t.length) return READ_MORE;
        if (wanted.data[i] == CALL_ID)
            reading = read_name(t, at, &id);
        else if (t.data[(*at)++] != wanted.data[i])
            reading = READ_NOTHING;
        if (reading != READ) return reading;
    }
    return READ;
}

static enum reading read_head(const struct answer_parser *parser, struct text t,
                              struct call_head *head)
{
    head->length = parser->opening_length;
    enum reading reading = read_name(t, &head->length, &head->name);
    if (reading != READ) return reading;
    reading = read_text(t, &head->length, parser->format->tools.between);
    if (reading != READ) return reading;
    head->length = skip_space(t, head->length);
    if (head->length == t.length) return READ_MORE;
    return t.data[head->length] == '{' ? READ : READ_NOTHING;
}

static bool step_call_head(struct answer_parser *parser)
{
    struct call_head head;
    switch (read_head(parser, rest_of(parser), &head)) {
    case READ_MORE: return false;
    case READ_NOTHING:
        parser->state = IN_TEXT;
        tell_passage(parser, ANSWER_TEXT, parser->opening_length);
        return true;
    case READ: break;
    }
    parser->call_count++;
    tell(parser, ANSWER_CALL, head.name);
    memset(&parser->json, 0, sizeof parser->json);
    go(parser, IN_ARGUMENTS, head.length);
    return true;
}

/* Follow the JSON by one byte; true when its object is closed. */
static bool json_closes(struct answer_parser *parser, char c)
{
    if (parser->json.in_string) {
        if (parser->json.escaped)
            parser->json.escaped = false;
        else if (c == '\\')
            parser->json.escaped = true;
        else if (c == '"')
            parser->json.in_string = false;
        return false;
    }
    switch (c) {
    case '"': parser->json.in_string = true; return false;
    case '{':
    case '[': parser->json.depth++; return false;
    case '}':
    case ']': return --parser->json.depth == 0;
    default: return false;
    }
}

static bool step_arguments(struct answer_parser *parser)
{
    struct text rest = rest_of(parser);
    size_t length = 0;
    bool closed = false;
    while (length < rest.length && !closed) closed = json_closes(parser, rest.data[length++]);
    if (length > 0) tell(parser, ANSWER_ARGUMENTS, text_slice(rest, 0, length));
    parser->taken += length;
    if (!closed) return false;
    tell(parser, ANSWER_CALL_END, TEXT(""));
    go(parser, IN_CALL_TAIL, 0);
    return true;
}

static bool step_call_tail(struct answer_parser *parser)
{
    const struct tool_format *tools = &parser->format->tools;
    struct text rest = rest_of(parser);
    size_t to_next = 0, to_end = 0;
    enum reading next =
        tools->middle.length ? read_text(rest, &to_next, tools->middle) : READ_NOTHING;
    enum reading end = read_text(rest, &to_end, tools->end);
    if (next == READ) {
        go(parser, IN_CALL_HEAD, to_next);
        parser->opening_length = 0;
        return true;
    }
    if (next == READ_MORE || end == READ_MORE) return false;
    go(parser, IN_TEXT, end == READ ? to_end : 0);
    return true;
}

static bool step(struct answer_parser *parser)
{
    switch (parser->state) {
    case IN_START: return step_start(parser);
    case IN_REASONING: return step_reasoning(parser);
    case IN_TEXT: return step_text(parser);
    case IN_CALL_HEAD: return step_call_head(parser);
    case IN_ARGUMENTS: return step_arguments(parser);
    case IN_CALL_TAIL: return step_call_tail(parser);
    }
    return false;
}

void answer_parser_add(struct answer_parser *parser, struct text piece)
{
    buffer_append_text(&parser->held, piece);
    if (parser->held.failed) return;
    while (step(parser)) continue;
    struct text rest = rest_of(parser);
    if (parser->taken == 0) return;
    memmove(parser->held.data, rest.data, rest.length);
    parser->held.length = rest.length;
    parser->taken = 0;
}

/* ---- the end ---- */

/* How much of the rest is no mark that was cut off, nor the white space before it. */
static size_t sure_length(const struct answer_parser *parser, struct text rest)
{
    size_t unsure = rest.length; /* in other states nothing is held but marks */
    if (parser->state == IN_REASONING)
        unsure = unsure_length(rest, parser->format->reasoning_close);
    if (parser->state == IN_TEXT) unsure = unsure_length(rest, opening_anywhere(parser));
    return unsure ? trimmed_length(text_slice(rest, 0, rest.length - unsure)) : rest.length;
}

void answer_parser_finish(struct answer_parser *parser, bool was_cut)
{
    if (parser->held.failed) return;
    struct text rest = rest_of(parser);
    if (parser->state == IN_CALL_TAIL) return;
    enum answer_event_kind kind = parser->state == IN_REASONING ? ANSWER_REASONING : ANSWER_TEXT;
    tell_passage(parser, kind, was_cut ? sure_length(parser, rest) : rest.length);
}
