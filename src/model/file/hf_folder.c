/* hf_folder.c - see hf_folder.h. */
#include "model/file/hf_folder.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

enum { PATH_BYTES = 4096, JSON_BYTES_MAX = 256 << 20, SHARDS_MAX = 1024 };

static enum status join_path(char *out, const char *folder, const char *name, struct fault *fault)
{
    if (snprintf(out, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES) return OK;
    return fault_set(fault, STATUS_INVALID, "the path %s/%s is too long", folder, name);
}

/* ---- JSON ---- */

enum status hf_folder_text(const char *folder_path, const char *name, struct buffer *out,
                           struct fault *fault)
{
    char path[PATH_BYTES];
    TRY(join_path(path, folder_path, name, fault));
    return file_exists(path) ? file_read(path, JSON_BYTES_MAX, out, fault) : OK;
}

/* Some tokenizer_config.json say "no limit" with a whole number beyond 64 bits: then the numbers of
 * that file are read as floats. */
static json_t *load_json(struct text text, json_error_t *error)
{
    json_t *json = json_loadb(text.data, text.length, JSON_ALLOW_NUL, error);
    if (json || json_error_code(error) != json_error_numeric_overflow) return json;
    return json_loadb(text.data, text.length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, error);
}

enum status hf_folder_json(const char *folder_path, const char *name, json_t **json,
                           struct fault *fault)
{
    *json = NULL;
    struct buffer bytes;
    buffer_init(&bytes);
    enum status status = hf_folder_text(folder_path, name, &bytes, fault);
    if (status == OK && bytes.length) {
        json_error_t error;
        *json = load_json(buffer_text(&bytes), &error);
        if (!*json)
            status = fault_set(fault, STATUS_CORRUPT, "%s/%s, line %d: %s", folder_path, name,
                               error.line, error.text);
    }
    buffer_deinit(&bytes);
    return status;
}

static enum status require_json(const char *folder_path, const char *name, json_t **json,
                                struct fault *fault)
{
    TRY(hf_folder_json(folder_path, name, json, fault));
    if (json_is_object(*json)) return OK;
    if (*json)
        return fault_set(fault, STATUS_CORRUPT, "%s/%s is no JSON object", folder_path, name);
    return fault_set(fault, STATUS_NOT_FOUND, "%s has no %s; is it a model folder of Hugging Face?",
                     folder_path, name);
}

enum status hf_u32(const json_t *object, const char *key, uint32_t *out, struct fault *fault)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > UINT32_MAX)
        return fault_set(fault, STATUS_CORRUPT, "config.json: \"%s\" is no whole number in range",
                         key);
    *out = (uint32_t)json_integer_value(value);
    return OK;
}

enum status hf_f32(const json_t *object, const char *key, float *out, struct fault *fault)
{
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return OK;
    if (!json_is_number(value) || !isfinite((float)json_number_value(value)))
        return fault_set(fault, STATUS_CORRUPT, "config.json: \"%s\" is no number", key);
    *out = (float)json_number_value(value);
    return OK;
}

const char *hf_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- shards ---- */

static enum status open_shard(struct hf_folder *folder, const char *name, struct fault *fault)
{
    char path[PATH_BYTES];
    if (strchr(name, '/'))
        return fault_set(fault, STATUS_CORRUPT, "the index names a shard outside of the folder: %s",
                         name);
    TRY(join_path(path, folder->path, name, fault));
    if (folder->shard_count == SHARDS_MAX)
        return fault_set(fault, STATUS_TOO_LARGE, "more than %d shards", SHARDS_MAX);
    return safetensors_open(&folder->shards[folder->shard_count++], path, fault);
}

/* The index maps each tensor to its file; many tensors share one. */
static enum status open_indexed(struct hf_folder *folder, const json_t *index, struct fault *fault)
{
    const json_t *map = json_object_get(index, "weight_map");
    const char *opened[SHARDS_MAX];
    const char *tensor;
    json_t *file;
    json_object_foreach((json_t *)map, tensor, file)
    {
        const char *name = json_string_value(file);
        if (!name)
            return fault_set(fault, STATUS_CORRUPT, "the index names no file for %s", tensor);
        size_t shard = 0;
        while (shard < folder->shard_count && strcmp(opened[shard], name) != 0) shard++;
        if (shard == folder->shard_count) {
            TRY(open_shard(folder, name, fault));
            opened[shard] = name;
        }
        if (!safetensors_find(folder->shards[shard], tensor))
            return fault_set(fault, STATUS_CORRUPT,
                             "%s/%s lacks the tensor %s that the index lists", folder->path, name,
                             tensor);
    }
    if (folder->shard_count) return OK;
    return fault_set(fault, STATUS_CORRUPT, "the index of %s lists no tensors", folder->path);
}

static int is_safetensors(const struct dirent *entry)
{
    return text_ends_with(text_of(entry->d_name), TEXT(".safetensors"));
}

static enum status open_unindexed(struct hf_folder *folder, struct fault *fault)
{
    char path[PATH_BYTES];
    TRY(join_path(path, folder->path, "model.safetensors", fault));
    if (file_exists(path)) return open_shard(folder, "model.safetensors", fault);
    struct dirent **names = NULL;
    int count = scandir(folder->path, &names, is_safetensors, alphasort);
    enum status status;
    if (count == 1)
        status = open_shard(folder, names[0]->d_name, fault);
    else if (count > 1)
        status = fault_set(fault, STATUS_INVALID,
                           "%s holds %d safetensors files and no model.safetensors.index.json that "
                           "says what belongs together",
                           folder->path, count);
    else
        status = fault_set(fault, STATUS_NOT_FOUND,
                           "%s holds no safetensors file (other formats cannot be converted)",
                           folder->path);
    for (int i = 0; i < count; i++) free(names[i]);
    free(names);
    return status;
}

static enum status open_shards(struct hf_folder *folder, struct fault *fault)
{
    folder->shards = calloc(SHARDS_MAX, sizeof(struct safetensors *));
    if (!folder->shards) return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for shards");
    json_t *index;
    TRY(hf_folder_json(folder->path, "model.safetensors.index.json", &index, fault));
    enum status status = index ? open_indexed(folder, index, fault) : open_unindexed(folder, fault);
    json_decref(index);
    return status;
}

/* ---- the whole ---- */

static enum status open_all(struct hf_folder *folder, struct fault *fault)
{
    TRY(require_json(folder->path, "config.json", &folder->config, fault));
    json_t *text_config = json_object_get(folder->config, "text_config");
    if (json_is_object(text_config) && json_object_update(folder->config, text_config) != 0)
        return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for config.json");
    TRY(require_json(folder->path, "tokenizer.json", &folder->tokenizer, fault));
    TRY(hf_folder_json(folder->path, "tokenizer_config.json", &folder->tokenizer_config, fault));
    if (!folder->tokenizer_config) folder->tokenizer_config = json_object();
    if (!folder->tokenizer_config)
        return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for tokenizer_config.json");
    return open_shards(folder, fault);
}

enum status hf_folder_open(struct hf_folder *folder, const char *path, struct fault *fault)
{
    *folder = (struct hf_folder){.path = path};
    enum status status = open_all(folder, fault);
    if (status != OK) hf_folder_close(folder);
    return status;
}

void hf_folder_close(struct hf_folder *folder)
{
    for (size_t i = 0; i < folder->shard_count; i++) safetensors_close(folder->shards[i]);
    free(folder->shards);
    json_decref(folder->config);
    json_decref(folder->tokenizer);
    json_decref(folder->tokenizer_config);
    *folder = (struct hf_folder){0};
}
