/* hf_folder.h - a model folder as Hugging Face lays it out: JSON files beside safetensors.
 * Knows files and JSON; what the settings mean is for hf_architecture.h and hf_tokenizer.h. */
#ifndef LIMINAL_MODEL_HF_FOLDER_H
#define LIMINAL_MODEL_HF_FOLDER_H

#include <jansson.h>

#include "model/file/safetensors.h"

struct hf_folder {
    const char *path;
    json_t *config;           /* config.json; of a multimodal model, its text part on top */
    json_t *tokenizer;        /* tokenizer.json */
    json_t *tokenizer_config; /* tokenizer_config.json; an empty object when there is none */
    struct safetensors **shards;
    size_t shard_count;
};

/* All shards of model.safetensors.index.json are opened and must hold what it lists; without an
 * index, model.safetensors or the only *.safetensors. */
enum status hf_folder_open(struct hf_folder *folder, const char *path,
                           struct fault *fault) MUST_USE;
void hf_folder_close(struct hf_folder *folder);

/* A JSON file of the folder; *json is NULL when there is no such file. */
enum status hf_folder_json(const char *folder_path, const char *name, json_t **json,
                           struct fault *fault) MUST_USE;

/* Append a text file of the folder; nothing when there is no such file. */
enum status hf_folder_text(const char *folder_path, const char *name, struct buffer *out,
                           struct fault *fault) MUST_USE;

/* Settings. An absent or null one leaves `*out` as it is; another kind or range is STATUS_CORRUPT
 * and names the key. */
enum status hf_u32(const json_t *object, const char *key, uint32_t *out,
                   struct fault *fault) MUST_USE;
enum status hf_f32(const json_t *object, const char *key, float *out, struct fault *fault) MUST_USE;
/* The string, or NULL for anything else. */
const char *hf_string(const json_t *object, const char *key);

#endif
