/* bpe.h - the byte-pair models: words to ids by merging symbols.
 *
 * One engine serves three flavours that differ only in what a word's first symbols are and where
 * the merges come from:
 *   byte level (GPT-2, Llama 3, Qwen): every byte is a symbol, merges are listed by rank;
 *   SentencePiece (Llama 2, Gemma 1): every character is a symbol, and two symbols merge when their
 *     text is a token, the best score first;
 *   Hugging Face's writing of SentencePiece: characters, merges listed by rank.
 * Characters without a token fall back to byte tokens, else to the unknown token.
 * Knows nothing of how text became words. */
#ifndef LIMINAL_MODEL_TOKENIZER_BPE_H
#define LIMINAL_MODEL_TOKENIZER_BPE_H

#include "model/tokenizer/merges.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/word_cache.h"

struct token_list;

/* Memory of one thread, for one model. Zero is empty. */
struct bpe_work {
    struct merge_work merges;
    struct word_cache cache;
};
void bpe_work_deinit(struct bpe_work *work);

struct character { /* 0 codepoint: free slot */
    uint32_t codepoint, symbol;
};

struct bpe {
    struct merge_table merges;
    uint32_t byte_symbols[256]; /* byte level: of each byte; else: its byte token */
    uint32_t symbol_count;      /* tokens, then characters that occur only inside of tokens */
    uint32_t token_count;
    struct character *characters; /* hashed; none at byte level */
    uint32_t character_count, character_capacity;
    bool is_byte_level;
    bool whole_words;  /* a word that is a token as it stands is not merged (Llama 3) */
    bool fuse_unknown; /* neighbouring unknown characters give one unknown token */
    int32_t unknown;   /* -1: none */
    bool cuts_at_marker;
    bool joins_marker[256]; /* some token holds this byte right before a "▁" */
};

void bpe_deinit(struct bpe *bpe);
/* Symbols from the bytes' tokens ("Ġ" and its like); merges are to be added. */
enum status bpe_init_bytes(struct bpe *bpe, const struct vocabulary *vocabulary,
                           struct fault *fault) MUST_USE;
/* Symbols from the tokens of one character; merges are to be added. `byte_fallback`: use the byte
 * tokens "<0x00>".. for characters that have none. */
enum status bpe_init_characters(struct bpe *bpe, const struct vocabulary *vocabulary,
                                bool byte_fallback, struct fault *fault) MUST_USE;
/* One merge of two tokens; the lower rank goes first. STATUS_CORRUPT when one of the three texts is
 * no token. */
enum status bpe_add_merge(struct bpe *bpe, const struct vocabulary *vocabulary, struct text left,
                          struct text right, uint32_t rank, struct fault *fault) MUST_USE;
/* SentencePiece: all merges that lead to a token, the higher score first. After
 * bpe_init_characters; `scores` has one float per token. */
enum status bpe_add_scores(struct bpe *bpe, const struct vocabulary *vocabulary,
                           const float *scores, struct fault *fault) MUST_USE;
/* To be called once all merges are in. */
void bpe_finish(struct bpe *bpe, const struct vocabulary *vocabulary);

/* Append the ids of one word. */
enum status bpe_encode(const struct bpe *bpe, const struct vocabulary *vocabulary, struct text word,
                       struct bpe_work *work, struct token_list *out, struct fault *fault) MUST_USE;

#endif
