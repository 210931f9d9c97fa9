/* lexer.h - template source to tokens. White space control happens here and nowhere else:
 * `-` and `+` at tags, and trim_blocks and lstrip_blocks, which chat templates are written for. */
#ifndef LIMINAL_TEMPLATE_LEXER_H
#define LIMINAL_TEMPLATE_LEXER_H

#include "base/arena.h"
#include "base/text.h"

enum token_kind {
    TOKEN_END, /* of the source */
    TOKEN_DATA,
    TOKEN_OUTPUT_BEGIN,
    TOKEN_OUTPUT_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INTEGER,
    TOKEN_FLOAT,
    TOKEN_ADD,
    TOKEN_SUBTRACT,
    TOKEN_MULTIPLY,
    TOKEN_DIVIDE,
    TOKEN_FLOOR_DIVIDE,
    TOKEN_MODULO,
    TOKEN_POWER,
    TOKEN_TILDE,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_ASSIGN,
    TOKEN_PIPE,
    TOKEN_DOT,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_PAREN_OPEN,
    TOKEN_PAREN_CLOSE,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_BRACE_OPEN,
    TOKEN_BRACE_CLOSE
};

struct token {
    enum token_kind kind;
    uint32_t offset;  /* into the normalised source */
    struct text text; /* DATA, NAME, STRING (unescaped); else as written */
    union {
        int64_t integer;
        double real;
    };
};

struct token_list {
    struct token *tokens; /* the last one is TOKEN_END */
    size_t count, capacity;
};

/* Newlines of every kind become \n, and one at the very end is dropped, as Jinja does. Refuses
 * what is not UTF-8 or is too long. The copy lives in the arena. */
enum status jinja_normalise(struct arena *arena, struct text source, struct text *normalised,
                            struct fault *fault) MUST_USE;
enum status jinja_tokenize(struct arena *arena, struct text source, struct token_list *list,
                           struct fault *fault) MUST_USE;

/* Fill the fault with "chat template, line L, column C: ..." and return the status. */
enum status jinja_fail_at(struct text source, size_t offset, struct fault *fault,
                          enum status status, const char *format, va_list arguments);

#endif
