/* model_test_support.h - what the tests of this folder share: finding and opening real models, and
 * making random ones. */
#ifndef LIMINAL_MODEL_TEST_SUPPORT_H
#define LIMINAL_MODEL_TEST_SUPPORT_H

#include <stdio.h>
#include <stdlib.h>

#include "model/file/synth.h"
#include "model/model.h"

/* LIMINAL_TEST_MODELS, else the cache that scripts/fetch-test-models.sh fills. */
static inline void test_model_path(char *out, size_t capacity, const char *file)
{
    const char *folder = getenv("LIMINAL_TEST_MODELS"), *home = getenv("HOME");
    if (folder)
        snprintf(out, capacity, "%s/%s", folder, file);
    else
        snprintf(out, capacity, "%s/.cache/liminal/models/%s", home ? home : "", file);
}

static inline struct compute *test_compute(unsigned threads)
{
    const struct compute_options options = {.threads = threads};
    struct compute *compute = NULL;
    struct fault fault = {0};
    if (compute_open(&compute, &options, &fault) != OK) fail_msg("%s", fault.message);
    return compute;
}

static inline struct model *test_model_at(struct compute *compute, const char *path)
{
    struct model *model = NULL;
    struct fault fault = {0};
    if (model_open(&model, compute, path, NULL, &fault) != OK) fail_msg("%s", fault.message);
    return model;
}

static inline struct model *test_model(struct compute *compute, const char *file)
{
    char path[512];
    test_model_path(path, sizeof path, file);
    return test_model_at(compute, path);
}

/* A model of random weights, at a path. */
static inline void test_make_model(const char *shape, const char *type, const char *path)
{
    struct fault fault = {0};
    if (synth_model(shape, type, path, NULL, &fault) != OK) fail_msg("%s", fault.message);
}

#endif
