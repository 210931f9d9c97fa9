/* tokenizer.h - text to token ids and back: SentencePiece (llama), byte-level BPE (gpt2) with the
 * pre-tokenizers of the known families, WordPiece (bert), and what a tokenizer.json says of these
 * and of unigram models. Immutable after opening: any number of threads may use one at once. */
#ifndef LIMINAL_MODEL_TOKENIZER_H
#define LIMINAL_MODEL_TOKENIZER_H

#include "base/status.h"
#include "base/text.h"

struct gguf;
struct tokenizer;

/* From the tokenizer.ggml.* entries of a model file. An unknown model or pre-tokenizer is refused
 * by name. */
enum status tokenizer_from_gguf(struct tokenizer **tokenizer, const struct gguf *gguf,
                                struct fault *fault) MUST_USE;
/* From a Hugging Face tokenizer.json; `config` (tokenizer_config.json) may be empty. */
enum status tokenizer_from_json(struct tokenizer **tokenizer, struct text json, struct text config,
                                struct fault *fault) MUST_USE;
void tokenizer_free(struct tokenizer *tokenizer);

struct token_list {
    int32_t *ids;
    size_t count, capacity;
};
void token_list_deinit(struct token_list *list);
enum status token_list_add(struct token_list *list, int32_t id, struct fault *fault) MUST_USE;

enum {
    TOKENIZE_ADD_SPECIAL = 1,   /* bos/eos/cls/sep as the model wants them */
    TOKENIZE_PARSE_SPECIAL = 2, /* "<|im_end|>" in the text is that token; else it is plain text */
};
/* Append the ids of `t` to `out`; on failure `out` is as before. Bytes that are not UTF-8 become
 * byte tokens where the scheme has any; BERT drops them, the others give their unknown token.
 * STATUS_INVALID when the vocabulary can say a character neither so nor so, STATUS_TOO_LARGE beyond
 * 1 GiB or when a tokenizer.json's own regular expression backtracks without end. */
enum status tokenizer_encode(const struct tokenizer *tokenizer, struct text t, unsigned flags,
                             struct token_list *out, struct fault *fault) MUST_USE;
/* The raw bytes of one token (may be part of a character), a leading space included. Special tokens
 * give their text if `special`, else nothing; so do ids out of range. */
void tokenizer_piece(const struct tokenizer *tokenizer, int32_t id, bool special,
                     struct buffer *out);
/* Append the bytes of a list, with the scheme's rule for the leading space (and WordPiece's
 * clean-up of spaces). What came from invalid UTF-8 is the same invalid bytes again. */
enum status tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *ids, size_t count,
                             bool special, struct buffer *out, struct fault *fault) MUST_USE;

uint32_t tokenizer_size(const struct tokenizer *tokenizer);
int32_t tokenizer_bos(const struct tokenizer *tokenizer); /* -1: none, also below */
int32_t tokenizer_eos(const struct tokenizer *tokenizer);
bool tokenizer_adds_bos(const struct tokenizer *tokenizer);
bool tokenizer_adds_eos(const struct tokenizer *tokenizer);
/* Does this token end an answer (eos, eot, eom, <|im_end|>, <end_of_turn>, ...)? */
bool tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id);
bool tokenizer_is_special(const struct tokenizer *tokenizer, int32_t id);
/* The id of exactly this token text, or -1. */
int32_t tokenizer_find(const struct tokenizer *tokenizer, struct text token);
/* The text of a token as stored in the vocabulary ("<s>", "▁the"). */
struct text tokenizer_token_text(const struct tokenizer *tokenizer, int32_t id);

/* Streaming: bytes come out as soon as they are whole characters. */
struct detokenizer {
    const struct tokenizer *tokenizer;
    struct buffer pending;
    bool started;
};
void detokenizer_init(struct detokenizer *detokenizer, const struct tokenizer *tokenizer);
void detokenizer_deinit(struct detokenizer *detokenizer);
/* Append to `out` what became whole by this token; special tokens give nothing. */
void detokenizer_add(struct detokenizer *detokenizer, int32_t id, struct buffer *out);
/* What is left at the end. All that a detokenizer gave, joined, is what tokenizer_decode gives,
 * with U+FFFD for each byte that is part of no character. */
void detokenizer_finish(struct detokenizer *detokenizer, struct buffer *out);

#endif
