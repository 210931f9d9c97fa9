/* architecture_keys.h - entries whose key starts with the architecture: "llama.block_count". */
#ifndef LIMINAL_MODEL_ARCHITECTURE_KEYS_H
#define LIMINAL_MODEL_ARCHITECTURE_KEYS_H

#include "model/file/gguf.h"

void architecture_add_u32(struct gguf_writer *writer, const char *architecture, const char *name,
                          uint32_t value);
void architecture_add_f32(struct gguf_writer *writer, const char *architecture, const char *name,
                          float value);
void architecture_add_bool(struct gguf_writer *writer, const char *architecture, const char *name,
                           bool value);
void architecture_add_string(struct gguf_writer *writer, const char *architecture, const char *name,
                             const char *value);

#endif
