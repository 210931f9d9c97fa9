/* lexer.c - see lexer.h. Tags are found in the text; inside a tag there are tokens. */
#include "model/template/lexer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/template/unicode.h"

enum { SOURCE_BYTES_MAX = 1 << 20, BRACKETS_MAX = 256 };

struct lexer {
    struct arena *arena;
    struct text source;
    size_t at;
    bool line_start; /* nothing stands between the last newline and `at` */
    struct token_list *list;
    struct fault *fault;
    char brackets[BRACKETS_MAX]; /* the closing ones that are still to come */
    int bracket_count;
};

enum status jinja_fail_at(struct text source, size_t offset, struct fault *fault,
                          enum status status, const char *format, va_list arguments)
{
    if (!fault) return status;
    size_t line = 1, line_start = 0;
    for (size_t i = 0; i < offset && i < source.length; i++) {
        if (source.data[i] != '\n') continue;
        line++;
        line_start = i + 1;
    }
    size_t column = jinja_char_count(text_slice(source, line_start, offset)) + 1;
    char message[FAULT_MESSAGE_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    return fault_set(fault, status, "chat template, line %zu, column %zu: %s", line, column,
                     message);
}

__attribute__((format(printf, 3, 4))) static enum status fail(struct lexer *lexer, size_t offset,
                                                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum status status =
        jinja_fail_at(lexer->source, offset, lexer->fault, STATUS_CORRUPT, format, arguments);
    va_end(arguments);
    return status;
}

enum status jinja_normalise(struct arena *arena, struct text source, struct text *normalised,
                            struct fault *fault)
{
    if (source.length > SOURCE_BYTES_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "chat template: %zu bytes, at most %d are read",
                         source.length, SOURCE_BYTES_MAX);
    if (!utf8_valid(source))
        return fault_set(fault, STATUS_CORRUPT, "chat template: the text is not valid UTF-8");
    char *copy = arena_alloc(arena, source.length + 1);
    if (!copy) return fault_set(fault, STATUS_NO_MEMORY, "chat template: out of memory");
    size_t length = 0;
    for (size_t i = 0; i < source.length; i++) {
        char c = source.data[i];
        if (c == '\r' && i + 1 < source.length && source.data[i + 1] == '\n') continue;
        copy[length++] = c == '\r' ? '\n' : c;
    }
    if (length && copy[length - 1] == '\n') length--;
    *normalised = (struct text){copy, length};
    return OK;
}

static bool looking_at(const struct lexer *lexer, size_t at, const char *what)
{
    size_t length = strlen(what);
    return lexer->source.length - at >= length &&
           memcmp(lexer->source.data + at, what, length) == 0;
}

static char byte_at(const struct lexer *lexer, size_t at)
{
    return at < lexer->source.length ? lexer->source.data[at] : '\0';
}

static size_t skip_space(const struct lexer *lexer, size_t at)
{
    struct text rest = text_slice(lexer->source, at, lexer->source.length);
    return lexer->source.length - jinja_strip(rest, (struct text){0}, true, false).length;
}

static enum status add(struct lexer *lexer, struct token token)
{
    struct token_list *list = lexer->list;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct token *fresh = arena_alloc_array(lexer->arena, capacity, sizeof *fresh);
        if (!fresh)
            return fault_set(lexer->fault, STATUS_NO_MEMORY, "chat template: out of memory");
        if (list->count) memcpy(fresh, list->tokens, list->count * sizeof *fresh);
        list->tokens = fresh;
        list->capacity = capacity;
    }
    list->tokens[list->count++] = token;
    return OK;
}

static enum status add_data(struct lexer *lexer, size_t from, size_t to)
{
    if (from == to) return OK;
    return add(lexer, (struct token){.kind = TOKEN_DATA,
                                     .offset = (uint32_t)from,
                                     .text = text_slice(lexer->source, from, to)});
}

/* The text before a tag, less what the tag's sign or lstrip_blocks take from its end. */
static enum status add_text_before(struct lexer *lexer, size_t from, size_t to, char sign,
                                   bool is_block)
{
    struct text text = text_slice(lexer->source, from, to);
    size_t length = text.length;
    if (sign == '-') {
        length = jinja_strip(text, (struct text){0}, false, true).length;
    } else if (sign != '+' && is_block) {
        size_t line = length;
        while (line && text.data[line - 1] != '\n') line--;
        struct text indent = text_slice(text, line, length);
        if ((line || lexer->line_start) &&
            jinja_strip(indent, (struct text){0}, true, false).length == 0)
            length = line;
    }
    return add_data(lexer, from, from + length);
}

/* After a tag's last byte: `-` takes all white space, and a block takes one newline. */
static void end_tag(struct lexer *lexer, size_t at, char sign, bool is_block)
{
    if (sign == '-')
        lexer->at = skip_space(lexer, at);
    else
        lexer->at = is_block && sign != '+' && byte_at(lexer, at) == '\n' ? at + 1 : at;
    lexer->line_start = lexer->at > 0 && lexer->source.data[lexer->at - 1] == '\n';
}

static char sign_at(const struct lexer *lexer, size_t at)
{
    char c = byte_at(lexer, at);
    return c == '-' || c == '+' ? c : '\0';
}

static enum status lex_comment(struct lexer *lexer, size_t begin, size_t content)
{
    struct text rest = text_slice(lexer->source, content, lexer->source.length);
    size_t length = text_find(rest, TEXT("#}"));
    if (length == SIZE_MAX) return fail(lexer, begin, "the comment has no end \"#}\"");
    char sign = length ? sign_at(lexer, content + length - 1) : '\0';
    end_tag(lexer, content + length + 2, sign, true);
    return OK;
}

/* Whether at `at` (behind "{%" and its sign) stands NAME and the end of the tag; *end_sign and
 * *end then tell the sign before and the byte behind "%}". */
static bool is_bare_tag(const struct lexer *lexer, size_t at, const char *name, char *end_sign,
                        size_t *end)
{
    at = skip_space(lexer, at);
    if (!looking_at(lexer, at, name)) return false;
    at = skip_space(lexer, at + strlen(name));
    *end_sign = sign_at(lexer, at);
    if (*end_sign) at++;
    *end = at + 2;
    return looking_at(lexer, at, "%}");
}

static enum status lex_raw(struct lexer *lexer, size_t begin, char end_sign, size_t content)
{
    end_tag(lexer, content, end_sign, false);
    size_t from = lexer->at;
    for (size_t at = from; at + 1 < lexer->source.length; at++) {
        if (!looking_at(lexer, at, "{%")) continue;
        char sign = sign_at(lexer, at + 2);
        size_t end;
        if (!is_bare_tag(lexer, at + 2 + (sign != 0), "endraw", &end_sign, &end)) continue;
        TRY(add_text_before(lexer, from, at, sign, true));
        end_tag(lexer, end, end_sign, true);
        return OK;
    }
    return fail(lexer, begin, "{%% raw %%} has no {%% endraw %%}");
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* A code point written as `digits` digits of `base` at *at, e.g. the 41 of \x41. */
static enum status unescape_number(struct lexer *lexer, struct buffer *out, size_t escape,
                                   size_t *at, size_t end, int base, int most, bool exact)
{
    uint32_t code = 0;
    int digits = 0;
    for (; digits < most && *at < end && digit_of(lexer->source.data[*at]) < base; digits++)
        code = code * (uint32_t)base + (uint32_t)digit_of(lexer->source.data[(*at)++]);
    char bytes[4];
    size_t length = utf8_encode(code, bytes);
    if ((exact && digits < most) || !length)
        return fail(lexer, escape, "the escape in this string names no character");
    buffer_append(out, bytes, length);
    return OK;
}

static enum status unescape_one(struct lexer *lexer, struct buffer *out, size_t *at, size_t end)
{
    static const char simple[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v";
    size_t escape = *at;
    char c = lexer->source.data[escape + 1];
    *at += 2;
    for (const char *pair = simple; *pair; pair += 2) {
        if (c != *pair) continue;
        buffer_append_char(out, pair[1]);
        return OK;
    }
    switch (c) {
    case '\n': return OK; /* a continued line */
    case 'x': return unescape_number(lexer, out, escape, at, end, 16, 2, true);
    case 'u': return unescape_number(lexer, out, escape, at, end, 16, 4, true);
    case 'U': return unescape_number(lexer, out, escape, at, end, 16, 8, true);
    case 'N': return fail(lexer, escape, "characters by name (\\N{...}) are not supported");
    default: break;
    }
    if (c >= '0' && c <= '7') {
        (*at)--;
        return unescape_number(lexer, out, escape, at, end, 8, 3, false);
    }
    buffer_append(out, lexer->source.data + escape, 2); /* Python keeps an unknown escape */
    return OK;
}

static enum status lex_string(struct lexer *lexer)
{
    size_t begin = lexer->at, end = begin + 1;
    char quote = lexer->source.data[begin];
    bool escaped = false;
    while (end < lexer->source.length && lexer->source.data[end] != quote) {
        escaped |= lexer->source.data[end] == '\\';
        end += lexer->source.data[end] == '\\' ? 2 : 1;
    }
    if (end >= lexer->source.length) return fail(lexer, begin, "the string is not closed");
    struct token token = {.kind = TOKEN_STRING, .offset = (uint32_t)begin};
    token.text = text_slice(lexer->source, begin + 1, end);
    lexer->at = end + 1;
    if (!escaped) return add(lexer, token);

    struct buffer out;
    buffer_init(&out);
    enum status status = OK;
    for (size_t at = begin + 1; status == OK && at < end;) {
        if (lexer->source.data[at] == '\\')
            status = unescape_one(lexer, &out, &at, end);
        else
            buffer_append_char(&out, lexer->source.data[at++]);
    }
    if (status == OK) status = buffer_status(&out, lexer->fault);
    if (status == OK) {
        token.text = (struct text){arena_copy(lexer->arena, out.data, out.length), out.length};
        status = token.text.data
                     ? add(lexer, token)
                     : fault_set(lexer->fault, STATUS_NO_MEMORY, "chat template: out of memory");
    }
    buffer_deinit(&out);
    return status;
}

/* Digits with single underscores between them; the end. */
static size_t skip_digits(const struct lexer *lexer, size_t at, int base)
{
    while (digit_of(byte_at(lexer, at)) < base ||
           (byte_at(lexer, at) == '_' && digit_of(byte_at(lexer, at + 1)) < base))
        at++;
    return at;
}

static enum status lex_number(struct lexer *lexer)
{
    size_t begin = lexer->at, digits = begin;
    int base = 10;
    if (byte_at(lexer, begin) == '0') {
        char kind = byte_at(lexer, begin + 1) | 0x20;
        base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
        if (base != 10) digits += 2;
    }
    size_t end = skip_digits(lexer, digits, base);
    if (end == digits) return fail(lexer, begin, "a number without digits");
    bool real = false;
    if (base == 10 && byte_at(lexer, end) == '.' && is_digit(byte_at(lexer, end + 1))) {
        real = true;
        end = skip_digits(lexer, end + 1, 10);
    }
    if (base == 10 && (byte_at(lexer, end) | 0x20) == 'e') {
        size_t exponent = end + 1 + (sign_at(lexer, end + 1) != 0);
        if (is_digit(byte_at(lexer, exponent))) {
            real = true;
            end = skip_digits(lexer, exponent, 10);
        }
    }
    char plain[400];
    size_t length = 0;
    for (size_t i = digits; i < end; i++) {
        if (lexer->source.data[i] == '_') continue;
        if (length + 1 == sizeof plain) return fail(lexer, begin, "the number is too long");
        plain[length++] = lexer->source.data[i];
    }
    plain[length] = '\0';
    struct token token = {.kind = real ? TOKEN_FLOAT : TOKEN_INTEGER,
                          .offset = (uint32_t)begin,
                          .text = text_slice(lexer->source, begin, end)};
    errno = 0;
    if (real)
        token.real = strtod(plain, NULL);
    else
        token.integer = strtoll(plain, NULL, base);
    if (!real && errno) return fail(lexer, begin, "the number does not fit into 64 bits");
    if (!real && base == 10 && plain[0] == '0' && token.integer)
        return fail(lexer, begin, "a decimal number must not begin with 0");
    lexer->at = end;
    return add(lexer, token);
}

static const struct {
    const char *spelling;
    enum token_kind kind;
} OPERATORS[] = {
    {"//", TOKEN_FLOOR_DIVIDE},
    {"**", TOKEN_POWER},
    {"==", TOKEN_EQUAL},
    {"!=", TOKEN_NOT_EQUAL},
    {">=", TOKEN_GREATER_EQUAL},
    {"<=", TOKEN_LESS_EQUAL},
    {"+", TOKEN_ADD},
    {"-", TOKEN_SUBTRACT},
    {"*", TOKEN_MULTIPLY},
    {"/", TOKEN_DIVIDE},
    {"%", TOKEN_MODULO},
    {"~", TOKEN_TILDE},
    {"<", TOKEN_LESS},
    {">", TOKEN_GREATER},
    {"=", TOKEN_ASSIGN},
    {"|", TOKEN_PIPE},
    {".", TOKEN_DOT},
    {",", TOKEN_COMMA},
    {":", TOKEN_COLON},
    {"(", TOKEN_PAREN_OPEN},
    {")", TOKEN_PAREN_CLOSE},
    {"[", TOKEN_BRACKET_OPEN},
    {"]", TOKEN_BRACKET_CLOSE},
    {"{", TOKEN_BRACE_OPEN},
    {"}", TOKEN_BRACE_CLOSE},
};

/* Keeps the brackets balanced, so that "}}" inside a dict does not end the tag. */
static enum status balance(struct lexer *lexer, char c)
{
    const char *closing = c == '(' ? ")" : c == '[' ? "]" : c == '{' ? "}" : NULL;
    if (closing) {
        if (lexer->bracket_count == BRACKETS_MAX)
            return fail(lexer, lexer->at, "brackets are nested too deeply");
        lexer->brackets[lexer->bracket_count++] = *closing;
    } else if (c == ')' || c == ']' || c == '}') {
        if (!lexer->bracket_count) return fail(lexer, lexer->at, "unexpected \"%c\"", c);
        char expected = lexer->brackets[--lexer->bracket_count];
        if (c != expected)
            return fail(lexer, lexer->at, "unexpected \"%c\", expected \"%c\"", c, expected);
    }
    return OK;
}

static enum status lex_operator(struct lexer *lexer)
{
    for (size_t i = 0; i < ARRAY_COUNT(OPERATORS); i++) {
        if (!looking_at(lexer, lexer->at, OPERATORS[i].spelling)) continue;
        size_t length = strlen(OPERATORS[i].spelling);
        TRY(balance(lexer, OPERATORS[i].spelling[0]));
        struct token token = {.kind = OPERATORS[i].kind, .offset = (uint32_t)lexer->at};
        token.text = text_slice(lexer->source, lexer->at, lexer->at + length);
        lexer->at += length;
        return add(lexer, token);
    }
    return fail(lexer, lexer->at, "unexpected character \"%c\"", byte_at(lexer, lexer->at));
}

static enum status lex_token(struct lexer *lexer)
{
    char c = byte_at(lexer, lexer->at);
    if (c == '"' || c == '\'') return lex_string(lexer);
    if (is_digit(c)) return lex_number(lexer);
    if (!is_name_byte(c)) return lex_operator(lexer);
    size_t begin = lexer->at;
    while (is_name_byte(byte_at(lexer, lexer->at))) lexer->at++;
    return add(lexer, (struct token){.kind = TOKEN_NAME,
                                     .offset = (uint32_t)begin,
                                     .text = text_slice(lexer->source, begin, lexer->at)});
}

/* The tokens of one tag, up to its end: "%}" of a block, "}}" of an output. */
static enum status lex_tag(struct lexer *lexer, size_t begin, bool is_block)
{
    const char *closing = is_block ? "%}" : "}}";
    TRY(add(lexer, (struct token){.kind = is_block ? TOKEN_BLOCK_BEGIN : TOKEN_OUTPUT_BEGIN,
                                  .offset = (uint32_t)begin}));
    lexer->bracket_count = 0;
    for (;;) {
        size_t at = lexer->at = skip_space(lexer, lexer->at);
        if (at >= lexer->source.length)
            return fail(lexer, begin, "the tag has no end \"%s\"", closing);
        char sign = sign_at(lexer, at);
        if (sign == '+' && !is_block) sign = '\0';
        if (!lexer->bracket_count && looking_at(lexer, at + (sign != 0), closing)) {
            end_tag(lexer, at + (sign != 0) + 2, sign, is_block);
            return add(lexer, (struct token){.kind = is_block ? TOKEN_BLOCK_END : TOKEN_OUTPUT_END,
                                             .offset = (uint32_t)at});
        }
        TRY(lex_token(lexer));
    }
}

/* The text up to the next tag, and that tag. */
static enum status lex_piece(struct lexer *lexer)
{
    size_t from = lexer->at, tag = from;
    while (tag < lexer->source.length && !(byte_at(lexer, tag) == '{' && byte_at(lexer, tag + 1) &&
                                           strchr("{%#", byte_at(lexer, tag + 1))))
        tag++;
    if (tag == lexer->source.length) {
        lexer->at = tag;
        return add_data(lexer, from, tag);
    }
    char kind = byte_at(lexer, tag + 1), sign = sign_at(lexer, tag + 2), end_sign;
    TRY(add_text_before(lexer, from, tag, sign, kind != '{'));
    size_t content = tag + 2 + (sign != 0), end;
    if (kind == '#') return lex_comment(lexer, tag, content);
    if (kind == '%' && is_bare_tag(lexer, content, "raw", &end_sign, &end) && end_sign != '+')
        return lex_raw(lexer, tag, end_sign, end);
    lexer->at = content;
    return lex_tag(lexer, tag, kind == '%');
}

enum status jinja_tokenize(struct arena *arena, struct text source, struct token_list *list,
                           struct fault *fault)
{
    struct lexer lexer = {
        .arena = arena, .source = source, .line_start = true, .list = list, .fault = fault};
    while (lexer.at < source.length) TRY(lex_piece(&lexer));
    return add(&lexer, (struct token){.kind = TOKEN_END, .offset = (uint32_t)source.length});
}
