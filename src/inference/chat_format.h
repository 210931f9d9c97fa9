/* chat_format.h - how a model writes what is more than text: its reasoning, and calls of tools.
 *
 * It is learnt from the model's own chat template: the template is let write a conversation with a
 * call in it, and what it wrote around the name and the arguments is the format. So Hermes' and
 * Qwen's <tool_call>, Llama's bare JSON and Mistral's [TOOL_CALLS] need no table. Where a template
 * knows no tools, or writes calls in a way that is not name before JSON, the format is the generic
 * one of chat_messages.h, whose instructions tell the model how to write.
 *
 * Pure. Must not know grammars, requests or engines. */
#ifndef LIMINAL_INFERENCE_CHAT_FORMAT_H
#define LIMINAL_INFERENCE_CHAT_FORMAT_H

#include "base/arena.h"
#include "base/text.h"

struct chat_template;
struct tokenizer;

/* The texts around the names and arguments of calls. In an answer with two of them:
 *
 *     <tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>\n<tool_call>\n{"name": "g", ...
 *     opening------------->    between------>  middle------------------------------->
 */
struct tool_format {
    struct text opening;          /* anywhere in an answer; empty: calls only stand at its start */
    struct text opening_at_start; /* of the answer; empty: `opening` is the only one */
    struct text mark;             /* how `opening` begins; it is never part of a text */
    struct text between;          /* after the name */
    struct text after_id; /* `between`, then CALL_ID_LENGTH letters, then this; empty: no id */
    struct text middle;   /* between two calls; empty: one call per answer */
    struct text end;      /* after the last arguments */
};

/* What models are told to write whose template knows no tools. */
extern const struct tool_format GENERIC_TOOL_FORMAT;

enum { CALL_ID = 1, CALL_ID_LENGTH = 9, CALL_NAME_LIMIT = 64 };

/* Letters, digits, _ and -: what names of functions and ids are made of. */
bool call_name_has(char c);

/* A token that is no text for a model, though it stands in one of the texts above. */
struct chat_special {
    struct text name;
    int32_t token;
};
enum { CHAT_SPECIALS_LIMIT = 8 };

struct chat_format {
    struct text reasoning_open, reasoning_close; /* empty: the model has no marks for it */
    struct tool_format tools;
    struct chat_special specials[CHAT_SPECIALS_LIMIT];
    size_t special_count;

    /* How a conversation must be told to the template. */
    bool is_generic;         /* the template knows no tools */
    bool takes_system;       /* ... but a system message for the instructions */
    bool arguments_are_text; /* JSON as a string, not as an object */
    bool content_is_null;    /* of a message with calls, where it has no text */
    bool ids_are_short;      /* exactly CALL_ID_LENGTH letters and digits */

    struct arena memory;
};

/* Where a prompt ends: before any reasoning, in it, or after it. */
enum chat_reasoning { REASONING_AHEAD, REASONING_BEGUN, REASONING_OVER };

/* `source` is the template's text. Without a tokenizer (NULL) no token is special.
 * STATUS_NO_MEMORY. */
enum status chat_format_learn(struct chat_format *format, const struct chat_template *compiled,
                              struct text source, const struct tokenizer *tokenizer,
                              struct fault *fault) MUST_USE;
enum chat_reasoning chat_format_reasoning(const struct chat_format *format, struct text prompt);
void chat_format_deinit(struct chat_format *format);

#endif
