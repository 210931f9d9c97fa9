/* wordpiece.c - see wordpiece.h. */
#include "model/tokenizer/wordpiece.h"

#include <string.h>

#include "model/tokenizer/tokenizer.h"

void wordpiece_init(struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                    struct text first, struct text next, size_t limit_characters, int32_t unknown)
{
    *wordpiece = (struct wordpiece){first, next, 0, limit_characters, unknown};
    for (uint32_t id = 0; id < vocabulary->count; id++)
        if (vocabulary->texts[id].length > wordpiece->longest_bytes)
            wordpiece->longest_bytes = vocabulary->texts[id].length;
}

static size_t count_characters(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
    return count;
}

/* The longest token made of `mark` and a prefix of `rest`; *length is that prefix. -1: none. */
static int32_t longest_token(const struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                             struct text mark, struct text rest, size_t *length)
{
    char candidate[VOCABULARY_TOKEN_BYTES];
    if (mark.length >= wordpiece->longest_bytes) return -1;
    size_t most = wordpiece->longest_bytes - mark.length;
    if (most > rest.length) most = rest.length;
    /* A "▁" of the text itself must not pass for the mark of a word's start. */
    bool looks_marked =
        mark.length == 0 && wordpiece->first.length > 0 && text_starts_with(rest, wordpiece->first);
    if (looks_marked && most > wordpiece->first.length) most = wordpiece->first.length;
    memcpy(candidate, mark.data, mark.length);
    memcpy(candidate + mark.length, rest.data, most);
    for (*length = most; *length > 0; --*length) {
        if (*length < rest.length && ((unsigned char)rest.data[*length] & 0xC0) == 0x80) continue;
        int32_t id = vocabulary_find(vocabulary, (struct text){candidate, mark.length + *length});
        if (id >= 0 && vocabulary_is_plain(vocabulary, (uint32_t)id)) return id;
    }
    return -1;
}

enum status wordpiece_encode(const struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                             struct text word, struct token_list *out, struct fault *fault)
{
    size_t before = out->count, at = 0;
    bool is_known = count_characters(word) <= wordpiece->limit_characters;
    while (is_known && at < word.length) {
        struct text mark = at == 0 ? wordpiece->first : wordpiece->next;
        size_t length = 0;
        int32_t id =
            longest_token(wordpiece, vocabulary, mark, text_slice(word, at, word.length), &length);
        is_known = id >= 0;
        if (is_known) TRY(token_list_add(out, id, fault));
        at += length;
    }
    if (is_known) return OK;
    out->count = before;
    return token_list_add(out, wordpiece->unknown, fault);
}
