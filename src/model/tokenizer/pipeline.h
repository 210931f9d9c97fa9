/* pipeline.h - what a tokenizer is made of, for the files of this folder only.
 *
 * Encoding: added tokens are taken out of the raw text; what is between them is normalised (and
 * searched for added tokens that ask for normalised text), cut into words by the stages, and the
 * model turns each word into ids. Decoding goes token by token. Both readers (GGUF and
 * tokenizer.json) fill this one structure, so that a scheme exists once. */
#ifndef LIMINAL_MODEL_TOKENIZER_PIPELINE_H
#define LIMINAL_MODEL_TOKENIZER_PIPELINE_H

#include <pthread.h>

#include "base/arena.h"
#include "model/tokenizer/added_tokens.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/normalizer.h"
#include "model/tokenizer/pretokenizer.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/unigram.h"
#include "model/tokenizer/vocabulary.h"
#include "model/tokenizer/wordpiece.h"

enum model_kind { MODEL_BPE, MODEL_WORDPIECE, MODEL_UNIGRAM };

enum decoder_kind {
    DECODER_MARKER,    /* "▁" is a space */
    DECODER_ALPHABET,  /* the byte-level alphabet */
    DECODER_WORDPIECE, /* a space before each token that starts a word */
};

struct decoder {
    enum decoder_kind kind;
    bool drops_first_space; /* the one that encoding put in front */
    bool is_fused;          /* while reading: the steps to come are meant for the whole text */
    bool cleans_up;         /* WordPiece: "word ." becomes "word." */
};

/* Ids put before and behind every text. */
struct id_list {
    int32_t *ids;
    size_t count;
};

/* Memory of one encoding thread, handed from call to call. */
struct scratch {
    struct scratch *next;
    struct normalizer_work normalizer;
    struct pretokenizer_work pretokenizer;
    struct bpe_work bpe;
    struct unigram_work unigram;
};

struct tokenizer {
    struct arena memory; /* of all tables below, unless they say otherwise */
    struct vocabulary vocabulary;
    unsigned char *ends; /* per id: does it end an answer? */
    struct added_tokens raw_added, normalized_added;
    struct normalizer normalizer;
    struct pretokenizer pretokenizer;
    enum model_kind model;
    struct bpe bpe; /* one of these three */
    struct wordpiece wordpiece;
    struct unigram unigram;
    struct decoder decoder;
    struct id_list prefix, suffix;
    int32_t bos, eos;
    bool adds_bos, adds_eos;
    pthread_mutex_t lock; /* guards `idle` alone */
    struct scratch *idle;
};

/* An empty tokenizer for a reader to fill; tokenizer_free takes it back at any state. */
enum status tokenizer_new(struct tokenizer **tokenizer, struct fault *fault) MUST_USE;
/* The reader is done with vocabulary, added tokens and special ids: derive the rest. */
enum status tokenizer_finish(struct tokenizer *tokenizer, struct fault *fault) MUST_USE;
/* Mark an id as one that ends an answer; -1 and ids out of range are ignored. */
void tokenizer_mark_end(struct tokenizer *tokenizer, int32_t id);
/* Copy a list of ids into the tokenizer's memory. */
enum status id_list_set(struct id_list *list, const int32_t *ids, size_t count,
                        struct tokenizer *tokenizer, struct fault *fault) MUST_USE;
/* The byte of "<0x0A>", -1 for another text. */
int decoder_byte_value(struct text t);
/* Append the bytes of a token that is part of the text. `is_first`: nothing came before it. */
void decoder_append(const struct tokenizer *tokenizer, int32_t id, bool is_first,
                    struct buffer *out);

#endif
