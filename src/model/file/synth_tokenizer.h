/* synth_tokenizer.h - a made-up vocabulary of any size that still encodes every text. */
#ifndef LIMINAL_MODEL_SYNTH_TOKENIZER_H
#define LIMINAL_MODEL_SYNTH_TOKENIZER_H

#include "base/arena.h"
#include "model/file/gguf.h"

/* SentencePiece with byte fallback and a ChatML template; WordPiece (ASCII) for an encoder.
 * `count` at least 1000. */
enum status synth_tokenizer_add_entries(uint32_t count, bool is_encoder, struct gguf_writer *writer,
                                        struct arena *arena, struct fault *fault) MUST_USE;

#endif
