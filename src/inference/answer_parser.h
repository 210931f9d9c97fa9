/* answer_parser.h - an answer's text, as it comes in pieces, told apart into text, reasoning and
 * calls of tools.
 *
 * No part of a mark is ever told as text: what may become one is held until it is decided. White
 * space around reasoning and before calls belongs to the format and is dropped. What only looked
 * like a call is text. Pure. Must not know tokens or JSON trees; pieces may be cut at any byte. */
#ifndef LIMINAL_INFERENCE_ANSWER_PARSER_H
#define LIMINAL_INFERENCE_ANSWER_PARSER_H

#include "inference/chat_format.h"

enum answer_event_kind {
    ANSWER_TEXT,
    ANSWER_REASONING,
    ANSWER_CALL,      /* one begins; the text is its name */
    ANSWER_ARGUMENTS, /* a piece of its JSON */
    ANSWER_CALL_END,  /* its arguments are whole */
};

struct answer_event {
    enum answer_event_kind kind;
    uint32_t call; /* which one, from 0 */
    struct text text;
};

enum answer_state {
    IN_START, /* of the answer, or of what follows reasoning */
    IN_REASONING,
    IN_TEXT,
    IN_CALL_HEAD,
    IN_ARGUMENTS,
    IN_CALL_TAIL,
};

struct answer_parser {
    const struct chat_format *format; /* borrowed */
    void (*on_event)(void *argument, const struct answer_event *event);
    void *argument;
    bool finds_calls;

    enum answer_state state;
    struct buffer held; /* the undecided rest */
    size_t taken;       /* bytes of it that are decided */
    bool has_reasoned, in_passage /* some text was told since the last mark */;
    size_t opening_length; /* of the call whose head is being read */
    uint32_t call_count;
    struct {
        uint32_t depth;
        bool in_string, escaped;
    } json; /* place in the arguments */
};

/* `finds_calls`: else their marks are text like any other. `reasoning`: where the prompt
 * ended. */
void answer_parser_init(struct answer_parser *parser, const struct chat_format *format,
                        bool finds_calls, enum chat_reasoning reasoning,
                        void (*on_event)(void *argument, const struct answer_event *event),
                        void *argument);
void answer_parser_deinit(struct answer_parser *parser);
/* Tells what `piece` decided. Without memory, parser->held.failed is set and nothing is told. */
void answer_parser_add(struct answer_parser *parser, struct text piece);
/* The answer is over. `was_cut`: it had not come to its end, so what looks like the beginning of a
 * mark is one, and dropped; else it is text. */
void answer_parser_finish(struct answer_parser *parser, bool was_cut);

#endif
