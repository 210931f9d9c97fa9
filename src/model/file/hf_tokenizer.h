/* hf_tokenizer.h - tokenizer.json and tokenizer_config.json to tokenizer.ggml.* entries. */
#ifndef LIMINAL_MODEL_HF_TOKENIZER_H
#define LIMINAL_MODEL_HF_TOKENIZER_H

#include "base/arena.h"
#include "model/file/gguf.h"
#include "model/file/hf_folder.h"

/* `vocabulary` is the number of rows of the token embedding: ids without a token are filled up.
 * STATUS_UNSUPPORTED names a kind of tokenizer or pre-tokenizer that is not known. */
enum status hf_tokenizer_add_entries(const struct hf_folder *folder, uint32_t vocabulary,
                                     struct gguf_writer *writer, struct arena *arena,
                                     struct fault *fault) MUST_USE;

#endif
