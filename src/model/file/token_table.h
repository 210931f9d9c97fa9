/* token_table.h - the token list of a model file under construction: what the tokenizers of
 * llama2.c, of Hugging Face and of synthetic models have in common. */
#ifndef LIMINAL_MODEL_TOKEN_TABLE_H
#define LIMINAL_MODEL_TOKEN_TABLE_H

#include "base/arena.h"
#include "model/file/gguf.h"

enum token_type { /* numbers of the format */
                  TOKEN_NORMAL = 1,
                  TOKEN_UNKNOWN = 2,
                  TOKEN_CONTROL = 3,
                  TOKEN_USER_DEFINED = 4,
                  TOKEN_UNUSED = 5,
                  TOKEN_BYTE = 6
};

#define SPACE_MARK "\u2581" /* SentencePiece's visible space */

struct token_table {
    uint32_t count;
    struct text *tokens;
    int32_t *types; /* 0: no token yet */
    float *scores;  /* NULL: tokens have none */
};

/* `count` empty slots. */
enum status token_table_init(struct token_table *table, uint32_t count, struct arena *arena,
                             struct fault *fault) MUST_USE;
/* tokenizer.ggml.model, .pre, .tokens, .scores and .token_type. */
void token_table_add_entries(const struct token_table *table, const char *model,
                             const char *pre_tokenizer, struct gguf_writer *writer);

/* A copy of `t` with every `from` replaced by `to`. */
enum status token_table_replace(struct arena *arena, struct text t, struct text from,
                                struct text to, struct text *out, struct fault *fault) MUST_USE;

#endif
