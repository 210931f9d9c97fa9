/* search_query.c - see search_query.h. */
#include "conversations/search_query.h"

#include <stdbool.h>

/* Bytes of other scripts count as letters: the database knows better, and what is no word to it
 * matches nothing. */
static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (unsigned char)c >= 0x80;
}

struct query_writer {
    struct buffer *out;
    bool in_quotes; /* what was typed */
    bool is_open;   /* what is written */
    size_t words;
};

static void end_term(struct query_writer *writer)
{
    if (writer->is_open) buffer_append_char(writer->out, '"');
    writer->is_open = false;
}

static void add_word(struct query_writer *writer, struct text word)
{
    if (writer->is_open)
        buffer_append_char(writer->out, ' ');
    else
        buffer_append_string(writer->out, writer->words ? " \"" : "\"");
    buffer_append_text(writer->out, word);
    writer->is_open = true;
    writer->words++;
    if (!writer->in_quotes) end_term(writer);
}

enum status search_query_make(struct text typed, struct buffer *out, struct fault *fault)
{
    struct query_writer writer = {.out = out};
    if (typed.length > SEARCH_QUERY_BYTES || !utf8_valid(typed))
        return fault_set_param(fault, STATUS_INVALID, "q", "q must be UTF-8 of at most %d bytes",
                               SEARCH_QUERY_BYTES);
    for (size_t at = 0; at < typed.length;) {
        size_t end = at;
        while (end < typed.length && is_word_byte(typed.data[end])) end++;
        if (end > at) add_word(&writer, text_slice(typed, at, end));
        if (end < typed.length && typed.data[end] == '"') {
            end_term(&writer);
            writer.in_quotes = !writer.in_quotes;
        }
        at = end + (end < typed.length);
    }
    end_term(&writer);
    if (writer.words == 0)
        return fault_set_param(fault, STATUS_INVALID, "q", "q must hold a word to search for");
    if (writer.words > SEARCH_WORDS_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "q", "q must hold at most %d words",
                               SEARCH_WORDS_LIMIT);
    return buffer_status(out, fault);
}
