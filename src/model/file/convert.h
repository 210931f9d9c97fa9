/* convert.h - foreign model files to GGUF, with the keys and tensor names that llama.cpp writes.
 *
 * `type` names what the weights become: "F32", "F16", "BF16" or any type that quantise_file.h
 * takes. Norms and biases stay F32. `progress` may be NULL. The result appears at `out_path` whole
 * or not at all. */
#ifndef LIMINAL_MODEL_CONVERT_H
#define LIMINAL_MODEL_CONVERT_H

#include "base/status.h"
#include "model/file/progress.h"

/* A llama2.c checkpoint (version 0: seven numbers, then float32 weights) and its tokenizer.bin.
 * `tokenizer_path` NULL: the tokenizer follows the checkpoint in the same file.
 * docs/format-llama2c.md. */
enum status convert_llama2c(const char *checkpoint_path, const char *tokenizer_path,
                            const char *out_path, const char *type, const struct progress *progress,
                            struct fault *fault) MUST_USE;

/* A Hugging Face folder: config.json, tokenizer.json, tokenizer_config.json and *.safetensors
 * (also sharded, with its index). Architectures: llama, mistral, qwen2, qwen3, gemma2, gemma3,
 * phi3, bert. STATUS_UNSUPPORTED names any other. docs/format-safetensors.md. */
enum status convert_huggingface(const char *folder, const char *out_path, const char *type,
                                const struct progress *progress, struct fault *fault) MUST_USE;

#endif
