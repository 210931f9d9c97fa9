/* vocabulary.h - the numbered token texts of a tokenizer, and the way back from text to number.
 *
 * Knows nothing of how text is cut: only ids, texts and kinds. Filled once, then read-only. All
 * memory comes from the arena of the tokenizer. */
#ifndef LIMINAL_MODEL_TOKENIZER_VOCABULARY_H
#define LIMINAL_MODEL_TOKENIZER_VOCABULARY_H

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

/* The numbers are those of GGUF's tokenizer.ggml.token_type. */
enum token_kind {
    TOKEN_NORMAL = 1,
    TOKEN_UNKNOWN = 2,      /* stands for what the vocabulary lacks */
    TOKEN_CONTROL = 3,      /* "<s>": never comes from plain text */
    TOKEN_USER_DEFINED = 4, /* taken whole from the text before anything else is cut */
    TOKEN_UNUSED = 5,       /* a hole in the numbering: never produced */
    TOKEN_BYTE = 6,         /* "<0x0A>": one byte that no other token covers */
};

enum {
    VOCABULARY_LIMIT = 1 << 23,    /* tokens */
    VOCABULARY_TOKEN_BYTES = 1024, /* of one text; the longest real ones have about 400 */
};

struct vocabulary {
    struct text *texts;
    unsigned char *kinds; /* enum token_kind */
    uint32_t count;
    uint32_t *slots; /* open addressing: id + 1, 0 is free */
    uint32_t slot_mask;
};

/* `count` holes, to be filled with vocabulary_set. */
enum status vocabulary_init(struct vocabulary *vocabulary, uint32_t count, struct arena *memory,
                            struct fault *fault) MUST_USE;
/* Copies the text. STATUS_CORRUPT for an id out of range, too long a text, or an unknown kind. */
enum status vocabulary_set(struct vocabulary *vocabulary, uint32_t id, struct text t, unsigned kind,
                           struct arena *memory, struct fault *fault) MUST_USE;
/* Make vocabulary_find work. Of several tokens with one text the last wins; empty texts and holes
 * are not found. */
enum status vocabulary_index(struct vocabulary *vocabulary, struct arena *memory,
                             struct fault *fault) MUST_USE;
/* May plain text become this token? (Neither control nor unknown nor a byte token.) */
bool vocabulary_is_plain(const struct vocabulary *vocabulary, uint32_t id);
/* The id, or -1. */
int32_t vocabulary_find(const struct vocabulary *vocabulary, struct text t);

#endif
