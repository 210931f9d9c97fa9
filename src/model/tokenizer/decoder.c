/* decoder.c - ids back to bytes: whole lists, single tokens, and streams.
 *
 * All three go through decoder_append, so that a stream's pieces joined are the decoded list, with
 * bytes that form no character replaced by U+FFFD. */
#include <string.h>

#include "model/tokenizer/byte_alphabet.h"
#include "model/tokenizer/pipeline.h"

static const struct text MARKER = {"\xE2\x96\x81", 3}; /* "▁" */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int decoder_byte_value(struct text t)
{
    if (t.length != 6 || memcmp(t.data, "<0x", 3) != 0 || t.data[5] != '>') return -1;
    int high = hex_digit(t.data[3]), low = hex_digit(t.data[4]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Append with every "▁" made a space, from the second on when the first is to be dropped. */
static void append_marked(struct text t, bool drop_space, struct buffer *out)
{
    if (drop_space && text_starts_with(t, MARKER))
        t = text_slice(t, MARKER.length, t.length);
    else if (drop_space && text_starts_with(t, TEXT(" ")))
        t = text_slice(t, 1, t.length);
    size_t at;
    while ((at = text_find(t, MARKER)) != SIZE_MAX) {
        buffer_append(out, t.data, at);
        buffer_append_char(out, ' ');
        t = text_slice(t, at + MARKER.length, t.length);
    }
    buffer_append_text(out, t);
}

/* What WordPiece's clean-up makes of a token's text that starts with a space. */
static void append_cleaned(struct text t, struct buffer *out)
{
    static const char *const TIGHT[] = {" .",  " ?",  " !",   " ,",  " n't",
                                        " 'm", " 's", " 've", " 're"};
    for (size_t i = 0; i < ARRAY_COUNT(TIGHT); i++)
        if (text_equal(t, text_of(TIGHT[i]))) t = text_slice(t, 1, t.length);
    buffer_append_text(out, t);
}

/* A token either starts a word, then there is a space before it, or continues one. Added tokens
 * carry no mark: each is a word. */
static void append_wordpiece(const struct tokenizer *tokenizer, struct text t, bool is_added,
                             bool is_first, struct buffer *out)
{
    const struct wordpiece *wordpiece = &tokenizer->wordpiece;
    bool is_marked_start = wordpiece->first.length && text_starts_with(t, wordpiece->first);
    bool is_marked_next = wordpiece->next.length && text_starts_with(t, wordpiece->next);
    bool is_word = is_added || (wordpiece->next.length ? !is_marked_next : is_marked_start);
    if (is_marked_start) t = text_slice(t, wordpiece->first.length, t.length);
    if (is_marked_next && !is_first) t = text_slice(t, wordpiece->next.length, t.length);
    char spaced[VOCABULARY_TOKEN_BYTES + 1] = " ";
    size_t space = is_word && !is_first;
    memcpy(spaced + space, t.data, t.length);
    struct text whole = {spaced, space + t.length};
    if (tokenizer->decoder.cleans_up)
        append_cleaned(whole, out);
    else
        buffer_append_text(out, whole);
}

void decoder_append(const struct tokenizer *tokenizer, int32_t id, bool is_first,
                    struct buffer *out)
{
    const struct decoder *decoder = &tokenizer->decoder;
    struct text t = tokenizer->vocabulary.texts[id];
    unsigned kind = tokenizer->vocabulary.kinds[id];
    bool is_special = kind == TOKEN_CONTROL || kind == TOKEN_UNKNOWN;
    bool is_added = is_special || kind == TOKEN_USER_DEFINED;
    if (kind == TOKEN_BYTE) {
        buffer_append_char(out, (char)decoder_byte_value(t));
        return;
    }
    switch (decoder->kind) {
    case DECODER_MARKER:
        if (is_special)
            buffer_append_text(out, t);
        else
            append_marked(t, is_first && decoder->drops_first_space, out);
        return;
    case DECODER_ALPHABET:
        if (is_added || !byte_alphabet_decode(t, out)) buffer_append_text(out, t);
        return;
    case DECODER_WORDPIECE: append_wordpiece(tokenizer, t, is_added, is_first, out); return;
    }
}

static bool is_shown(const struct tokenizer *tokenizer, int32_t id, bool special)
{
    return id >= 0 && (uint32_t)id < tokenizer->vocabulary.count &&
           (special || !tokenizer_is_special(tokenizer, id));
}

void tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, bool special,
                     struct buffer *out)
{
    if (is_shown(tokenizer, id, special)) decoder_append(tokenizer, id, false, out);
}

enum status tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count,
                             bool special, struct buffer *out, struct fault *fault)
{
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        if (!is_shown(tokenizer, ids[i], special)) continue;
        decoder_append(tokenizer, ids[i], is_first, out);
        is_first = false;
    }
    return buffer_status(out, fault);
}

void detokenizer_init(struct detokenizer *detokenizer, const struct tokenizer *tokenizer)
{
    *detokenizer = (struct detokenizer){.tokenizer = tokenizer};
    buffer_init(&detokenizer->pending);
}

void detokenizer_deinit(struct detokenizer *detokenizer)
{
    buffer_deinit(&detokenizer->pending);
}

void detokenizer_add(struct detokenizer *detokenizer, int32_t id, struct buffer *out)
{
    struct buffer *pending = &detokenizer->pending;
    if (!is_shown(detokenizer->tokenizer, id, false)) return;
    decoder_append(detokenizer->tokenizer, id, !detokenizer->started, pending);
    detokenizer->started = true;
    struct text bytes = buffer_text(pending);
    size_t whole = utf8_complete_prefix(bytes);
    buffer_append_utf8_lossy(out, text_slice(bytes, 0, whole));
    if (pending->failed) out->failed = true;
    if (whole == 0) return;
    memmove(pending->data, pending->data + whole, pending->length - whole);
    pending->length -= whole;
}

void detokenizer_finish(struct detokenizer *detokenizer, struct buffer *out)
{
    buffer_append_utf8_lossy(out, buffer_text(&detokenizer->pending));
    buffer_clear(&detokenizer->pending);
}
