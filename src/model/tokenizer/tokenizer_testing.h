/* tokenizer_testing.h - what the tests of this folder share: real tokenizers by name, golden
 * strings, and a random source that is the same on every run. */
#ifndef LIMINAL_MODEL_TOKENIZER_TESTING_H
#define LIMINAL_MODEL_TOKENIZER_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/file/gguf.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

#define VECTORS LIMINAL_SOURCE_DIR "/tests/vectors/tokenizer/"

/* $LIMINAL_CACHE/what, by default in ~/.cache/liminal. */
static inline const char *testing_cache_path(const char *what, char path[1024])
{
    const char *cache = getenv("LIMINAL_CACHE"), *xdg = getenv("XDG_CACHE_HOME");
    if (cache && *cache)
        snprintf(path, 1024, "%s/%s", cache, what);
    else if (xdg && *xdg)
        snprintf(path, 1024, "%s/liminal/%s", xdg, what);
    else
        snprintf(path, 1024, "%s/.cache/liminal/%s", getenv("HOME") ? getenv("HOME") : "", what);
    return path;
}

static inline void testing_read(const char *path, struct buffer *out)
{
    struct fault fault = {0};
    buffer_init(out);
    if (file_read(path, 256 << 20, out, &fault) != OK)
        fail_msg("%s (run tools/oracles.sh: it installs what the tests compare with)",
                 fault.message);
}

/* A folder of the oracles' node_modules that holds a tokenizer.json; fails when it is not there. */
static inline struct tokenizer *testing_open_json(const char *folder)
{
    char name[512], path[1024];
    struct buffer json, config;
    struct fault fault = {0};
    struct tokenizer *tokenizer = NULL;
    snprintf(name, sizeof name, "oracle/node_modules/%s/tokenizer.json", folder);
    testing_read(testing_cache_path(name, path), &json);
    buffer_init(&config);
    snprintf(name, sizeof name, "oracle/node_modules/%s/tokenizer_config.json", folder);
    if (file_exists(testing_cache_path(name, path))) testing_read(path, &config);
    if (tokenizer_from_json(&tokenizer, buffer_text(&json), buffer_text(&config), &fault) != OK)
        fail_msg("%s: %s", folder, fault.message);
    buffer_deinit(&json);
    buffer_deinit(&config);
    return tokenizer;
}

/* A file of $LIMINAL_TEST_MODELS, by default of the cache's models. */
static inline struct tokenizer *testing_open_gguf(const char *file)
{
    char path[1024], name[256];
    const char *models = getenv("LIMINAL_TEST_MODELS");
    struct gguf *gguf = NULL;
    struct tokenizer *tokenizer = NULL;
    struct fault fault = {0};
    snprintf(name, sizeof name, "models/%s", file);
    if (models)
        snprintf(path, sizeof path, "%s/%s", models, file);
    else
        testing_cache_path(name, path);
    if (gguf_open(&gguf, path, &fault) != OK)
        fail_msg("%s (run scripts/fetch-test-models.sh)", fault.message);
    if (tokenizer_from_gguf(&tokenizer, gguf, &fault) != OK)
        fail_msg("%s: %s", path, fault.message);
    gguf_close(gguf); /* the tokenizer must not need it any more */
    return tokenizer;
}

/* The JSON of a golden file. */
static inline json_t *testing_read_golden(const char *file)
{
    char path[1024];
    struct buffer bytes;
    snprintf(path, sizeof path, VECTORS "%s", file);
    testing_read(path, &bytes);
    json_t *json = json_loadb(bytes.data, bytes.length, JSON_ALLOW_NUL, NULL);
    buffer_deinit(&bytes);
    assert_non_null(json);
    return json;
}

static inline struct text testing_json_text(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}

static inline void testing_encode(const struct tokenizer *tokenizer, struct text t, unsigned flags,
                                  struct token_list *out)
{
    struct fault fault = {0};
    out->count = 0;
    if (tokenizer_encode(tokenizer, t, flags, out, &fault) != OK) fail_msg("%s", fault.message);
}

static inline void testing_decode(const struct tokenizer *tokenizer, const struct token_list *ids,
                                  bool special, struct buffer *out)
{
    buffer_clear(out);
    assert_int_equal(tokenizer_decode(tokenizer, ids->ids, ids->count, special, out, NULL), OK);
}

/* xorshift64*: the same numbers on every run. */
static inline uint32_t testing_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545F4914F6CDD1Du) >> 32);
}

#endif
