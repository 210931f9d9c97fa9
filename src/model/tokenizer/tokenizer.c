/* tokenizer.c - the life of a tokenizer, encoding, and what it tells of its tokens.
 *
 * Encoding is a short pipeline (pipeline.h). Everything a tokenizer owns is immutable after
 * opening, except the list of idle scratch memories, which a lock guards. */
#include "model/tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/pipeline.h"

enum {
    TEXT_LIMIT_BYTES = 1 << 30,   /* offsets within a word are 32 bits wide */
    SCRATCH_TEXT_BYTES = 1 << 20, /* what longer texts needed is not kept */
};

/* ---- lists of ids ---- */

void token_list_deinit(struct token_list *list)
{
    free(list->ids);
    *list = (struct token_list){0};
}

enum status token_list_add(struct token_list *list, int32_t id, struct fault *fault)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        int32_t *ids = realloc(list->ids, capacity * sizeof *ids);
        if (!ids) return fault_set(fault, STATUS_NO_MEMORY, "no memory for %zu tokens", capacity);
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->count++] = id;
    return OK;
}

static enum status token_list_add_all(struct token_list *list, const struct id_list *more,
                                      struct fault *fault)
{
    for (size_t i = 0; i < more->count; i++) TRY(token_list_add(list, more->ids[i], fault));
    return OK;
}

enum status id_list_set(struct id_list *list, const int32_t *ids, size_t count,
                        struct tokenizer *tokenizer, struct fault *fault)
{
    list->ids = arena_alloc_array(&tokenizer->memory, count, sizeof *ids);
    if (!list->ids) return fault_set(fault, STATUS_NO_MEMORY, "no memory for special tokens");
    if (count) memcpy(list->ids, ids, count * sizeof *ids);
    list->count = count;
    return OK;
}

/* ---- life ---- */

enum status tokenizer_new(struct tokenizer **tokenizer, struct fault *fault)
{
    struct tokenizer *fresh = calloc(1, sizeof *fresh);
    if (!fresh) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a tokenizer");
    if (pthread_mutex_init(&fresh->lock, NULL) != 0) {
        free(fresh);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a lock");
    }
    arena_init(&fresh->memory, 0);
    fresh->bos = fresh->eos = -1;
    *tokenizer = fresh;
    return OK;
}

static void scratch_free(struct scratch *scratch)
{
    normalizer_work_deinit(&scratch->normalizer);
    pretokenizer_work_deinit(&scratch->pretokenizer);
    bpe_work_deinit(&scratch->bpe);
    unigram_work_deinit(&scratch->unigram);
    free(scratch);
}

void tokenizer_free(struct tokenizer *tokenizer)
{
    if (!tokenizer) return;
    while (tokenizer->idle) {
        struct scratch *next = tokenizer->idle->next;
        scratch_free(tokenizer->idle);
        tokenizer->idle = next;
    }
    normalizer_deinit(&tokenizer->normalizer);
    pretokenizer_deinit(&tokenizer->pretokenizer);
    bpe_deinit(&tokenizer->bpe);
    arena_deinit(&tokenizer->memory);
    pthread_mutex_destroy(&tokenizer->lock);
    free(tokenizer);
}

static struct scratch *scratch_take(struct tokenizer *tokenizer)
{
    pthread_mutex_lock(&tokenizer->lock);
    struct scratch *scratch = tokenizer->idle;
    if (scratch) tokenizer->idle = scratch->next;
    pthread_mutex_unlock(&tokenizer->lock);
    return scratch ? scratch : calloc(1, sizeof *scratch);
}

static void scratch_give(struct tokenizer *tokenizer, struct scratch *scratch)
{
    pthread_mutex_lock(&tokenizer->lock);
    scratch->next = tokenizer->idle;
    tokenizer->idle = scratch;
    pthread_mutex_unlock(&tokenizer->lock);
}

/* ---- encoding ---- */

/* One call of tokenizer_encode. */
struct encoding {
    const struct tokenizer *tokenizer;
    struct scratch *scratch;
    bool parse_special;
    bool is_start; /* nothing of the text has been encoded yet */
    struct token_list *out;
    struct fault *fault;
};

static enum status encode_word(void *context, struct text word)
{
    struct encoding *encoding = context;
    const struct tokenizer *tokenizer = encoding->tokenizer;
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    struct scratch *scratch = encoding->scratch;
    switch (tokenizer->model) {
    case MODEL_BPE:
        return bpe_encode(&tokenizer->bpe, vocabulary, word, &scratch->bpe, encoding->out,
                          encoding->fault);
    case MODEL_WORDPIECE:
        return wordpiece_encode(&tokenizer->wordpiece, vocabulary, word, encoding->out,
                                encoding->fault);
    case MODEL_UNIGRAM:
        return unigram_encode(&tokenizer->unigram, vocabulary, word, &scratch->unigram,
                              encoding->out, encoding->fault);
    }
    return STATUS_INTERNAL;
}

static enum status encode_normal(struct encoding *encoding, struct text t)
{
    bool is_start = encoding->is_start;
    encoding->is_start = false;
    return pretokenizer_run(&encoding->tokenizer->pretokenizer, t, is_start,
                            &encoding->scratch->pretokenizer, encode_word, encoding,
                            encoding->fault);
}

/* Hand the stretches of `t` between added tokens to `encode`, and emit those tokens. */
static enum status encode_between(struct encoding *encoding, const struct added_tokens *added,
                                  struct text t,
                                  enum status (*encode)(struct encoding *, struct text))
{
    struct added_match match;
    size_t at = 0;
    while (added_tokens_find(added, t, at, encoding->parse_special, &match)) {
        if (match.start > at) TRY(encode(encoding, text_slice(t, at, match.start)));
        TRY(token_list_add(encoding->out, match.id, encoding->fault));
        encoding->is_start = false;
        at = match.end;
    }
    return at < t.length ? encode(encoding, text_slice(t, at, t.length)) : OK;
}

static enum status encode_raw(struct encoding *encoding, struct text t)
{
    const struct tokenizer *tokenizer = encoding->tokenizer;
    struct text normal;
    TRY(normalizer_apply(&tokenizer->normalizer, t, &encoding->scratch->normalizer, &normal,
                         encoding->fault));
    return encode_between(encoding, &tokenizer->normalized_added, normal, encode_normal);
}

enum status tokenizer_encode(const struct tokenizer *tokenizer, struct text t, unsigned flags,
                             struct token_list *out, struct fault *fault)
{
    if (t.length > TEXT_LIMIT_BYTES)
        return fault_set(fault, STATUS_TOO_LARGE, "a text of %zu bytes is too long, at most %d",
                         t.length, TEXT_LIMIT_BYTES);
    struct tokenizer *owner = (struct tokenizer *)tokenizer; /* only its idle list is touched */
    size_t before = out->count;
    bool add_special = flags & TOKENIZE_ADD_SPECIAL;
    enum status status = OK;
    struct scratch *scratch = scratch_take(owner);
    if (!scratch) return fault_set(fault, STATUS_NO_MEMORY, "no memory to tokenise");
    struct encoding encoding = {tokenizer, scratch, flags & TOKENIZE_PARSE_SPECIAL,
                                true,      out,     fault};
    if (add_special) TRY_DONE(token_list_add_all(out, &tokenizer->prefix, fault));
    TRY_DONE(encode_between(&encoding, &tokenizer->raw_added, t, encode_raw));
    if (add_special) TRY_DONE(token_list_add_all(out, &tokenizer->suffix, fault));
done:
    if (status != OK) out->count = before;
    if (t.length > SCRATCH_TEXT_BYTES)
        scratch_free(scratch);
    else
        scratch_give(owner, scratch);
    return status;
}

/* ---- what it tells ---- */

uint32_t tokenizer_size(const struct tokenizer *tokenizer)
{
    return tokenizer->vocabulary.count;
}

int32_t tokenizer_bos(const struct tokenizer *tokenizer)
{
    return tokenizer->bos;
}

int32_t tokenizer_eos(const struct tokenizer *tokenizer)
{
    return tokenizer->eos;
}

bool tokenizer_adds_bos(const struct tokenizer *tokenizer)
{
    return tokenizer->adds_bos;
}

bool tokenizer_adds_eos(const struct tokenizer *tokenizer)
{
    return tokenizer->adds_eos;
}

static bool is_id(const struct tokenizer *tokenizer, int32_t id)
{
    return id >= 0 && (uint32_t)id < tokenizer->vocabulary.count;
}

bool tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id)
{
    return is_id(tokenizer, id) && tokenizer->ends[id];
}

bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id)
{
    return is_id(tokenizer, id) && (tokenizer->vocabulary.kinds[id] == TOKEN_CONTROL ||
                                    tokenizer->vocabulary.kinds[id] == TOKEN_UNKNOWN);
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, struct text token)
{
    return vocabulary_find(&tokenizer->vocabulary, token);
}

struct text tokenizer_token_text(const struct tokenizer *tokenizer, int32_t id)
{
    return is_id(tokenizer, id) ? tokenizer->vocabulary.texts[id] : (struct text){"", 0};
}

/* ---- ends of answers ---- */

/* Texts by which chat models close a turn; a file may name only one of its own as eos. */
static const char *const END_TEXTS[] = {
    "</s>",          "<eos>",      "<|endoftext|>",   "<|end_of_text|>", "<｜end▁of▁sentence｜>",
    "<|eot_id|>",    "<|eom_id|>", "<|im_end|>",      "<|end|>",         "<|eot|>",
    "<end_of_turn>", "<turn|>",    "<|end_of_turn|>", "<|endofturn|>",   "<|return|>",
    "<|call|>",      "<EOT>",      "_<EOT>",
};

void tokenizer_mark_end(struct tokenizer *tokenizer, int32_t id)
{
    if (is_id(tokenizer, id)) tokenizer->ends[id] = true;
}

enum status tokenizer_finish(struct tokenizer *tokenizer, struct fault *fault)
{
    tokenizer->ends = arena_alloc(&tokenizer->memory, tokenizer->vocabulary.count);
    if (!tokenizer->ends) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a tokenizer");
    tokenizer_mark_end(tokenizer, tokenizer->eos);
    for (size_t i = 0; i < ARRAY_COUNT(END_TEXTS); i++) {
        int32_t id = tokenizer_find(tokenizer, text_of(END_TEXTS[i]));
        if (tokenizer_is_special(tokenizer, id) ||
            (is_id(tokenizer, id) && tokenizer->vocabulary.kinds[id] == TOKEN_USER_DEFINED))
            tokenizer_mark_end(tokenizer, id);
    }
    return OK;
}
