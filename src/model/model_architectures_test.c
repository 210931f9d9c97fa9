/* model_architectures_test.c - every architecture computes what llama.cpp computes.
 *
 * The models are tiny, random and the same every time (file/synth.h), some with entries set to
 * numbers that show in the result; llama.cpp's log-probabilities for them are in
 * tests/vectors/architectures (tests/oracle/architectures.mjs). The weights are F32, so that only
 * the order of additions and the F16 of the cache differ. */
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "model/file/synth.h"
#include "model/model_private.h"
#include "model/model_test_support.h"
#include "platform/platform.h"

enum { IDS_LIMIT = 128 };
/* of a log-probability; they spread over about 5 */
#define TOLERANCE 4e-3

static void check_digest(const char *path, const char *expected)
{
    struct buffer bytes;
    buffer_init(&bytes);
    struct fault fault = {0};
    assert_int_equal(file_read(path, (size_t)64 << 20, &bytes, &fault), OK);
    struct sha256 *sha = sha256_new();
    assert_non_null(sha);
    sha256_update(sha, bytes.data, bytes.length);
    unsigned char digest[32];
    sha256_final_free(sha, digest);
    buffer_deinit(&bytes);
    char hex[65];
    hex_encode(digest, sizeof digest, hex);
    if (strcmp(hex, expected) != 0)
        fail_msg("synth makes another model now: run make oracles and commit the vectors");
}

static void set_entries(struct gguf_writer *writer, const json_t *set)
{
    const char *key;
    const json_t *item;
    json_object_foreach((json_t *)set, key, item)
    {
        const char *kind = json_string_value(json_array_get(item, 0));
        const json_t *value = json_array_get(item, 1);
        if (strcmp(kind, "string") == 0)
            gguf_writer_add_string(writer, key, text_of(json_string_value(value)));
        else if (strcmp(kind, "f32") == 0)
            gguf_writer_add_f32(writer, key, (float)json_number_value(value));
        else
            gguf_writer_add_u32(writer, key, (uint32_t)json_integer_value(value));
    }
}

static void write_vector(struct gguf_writer *writer, const json_t *values)
{
    struct fault fault = {0};
    size_t i;
    const json_t *value;
    json_array_foreach(values, i, value)
    {
        float number = (float)json_number_value(value);
        if (gguf_writer_data(writer, &number, sizeof number, &fault) != OK)
            fail_msg("%s", fault.message);
    }
}

/* The file at `in` with the vectors' `set` entries and `add` tensors, at `out`. */
static void write_variant(const char *in, const char *out, const json_t *vectors)
{
    const json_t *set = json_object_get(vectors, "set"), *added;
    json_t *add = json_object_get(vectors, "add");
    struct fault fault = {0};
    struct gguf *gguf;
    struct gguf_writer *writer;
    const char *name;
    if (gguf_open(&gguf, in, &fault) != OK) fail_msg("%s", fault.message);
    if (gguf_writer_open(&writer, out, &fault) != OK) fail_msg("%s", fault.message);
    for (size_t i = 0; i < gguf_entry_count(gguf); i++) {
        const struct gguf_entry *entry = gguf_entry_at(gguf, i);
        if (!json_object_getn(set, entry->key.data, entry->key.length))
            gguf_writer_add_value(writer, entry->key, &entry->value);
    }
    set_entries(writer, set);
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(gguf, i);
        gguf_writer_declare(writer, t->name, t->type, t->dimensions, t->dimension_count);
    }
    json_object_foreach(add, name, added)
    {
        uint64_t length = json_array_size(added);
        gguf_writer_declare(writer, text_of(name), TENSOR_F32, &length, 1);
    }
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(gguf, i);
        if (gguf_writer_data(writer, t->data, t->bytes, &fault) != OK)
            fail_msg("%s", fault.message);
    }
    json_object_foreach(add, name, added) write_vector(writer, added);
    if (gguf_writer_finish(writer, &fault) != OK) fail_msg("%s", fault.message);
    gguf_close(gguf);
}

static size_t read_ids(const json_t *golden, int32_t ids[IDS_LIMIT])
{
    const json_t *array = json_object_get(golden, "ids");
    size_t count = json_array_size(array);
    assert_in_range(count, 1, IDS_LIMIT);
    for (size_t i = 0; i < count; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(array, i));
    return count;
}

static float *last_logits(struct model *model, const int32_t *ids, size_t count)
{
    struct private_sequence sequence;
    struct fault fault = {0};
    uint8_t wanted[IDS_LIMIT] = {0};
    wanted[count - 1] = 1;
    float *logits = malloc(model_info(model)->vocabulary * sizeof *logits);
    assert_non_null(logits);
    assert_int_equal(private_sequence_init(&sequence, model, count, &fault), OK);
    const struct model_batch batch = {.count = count,
                                      .tokens = ids,
                                      .positions = sequence.positions,
                                      .pages = sequence.row_pages,
                                      .wants_logits = wanted};
    assert_int_equal(model_forward(model, &batch, logits, &fault), OK);
    private_sequence_deinit(&sequence);
    return logits;
}

static double log_sum_exp(const float *logits, size_t count)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, logits[i]);
    for (size_t i = 0; i < count; i++) sum += exp(logits[i] - most);
    return most + log(sum);
}

/* The greatest difference of a log-probability. */
static double compare_logprobs(struct model *model, const json_t *golden)
{
    int32_t ids[IDS_LIMIT];
    float *logits = last_logits(model, ids, read_ids(golden, ids));
    const json_t *expected = json_object_get(golden, "logprobs");
    uint32_t vocabulary = model_info(model)->vocabulary;
    assert_int_equal(json_array_size(expected), vocabulary);
    double log_sum = log_sum_exp(logits, vocabulary), worst = 0;
    for (uint32_t i = 0; i < vocabulary; i++) {
        double theirs = json_number_value(json_array_get(expected, i));
        worst = fmax(worst, fabs(logits[i] - log_sum - theirs));
    }
    free(logits);
    return worst;
}

/* The greatest difference of a unit vector's component. */
static double compare_vectors(struct model *model, const json_t *golden)
{
    int32_t ids[IDS_LIMIT];
    size_t count = read_ids(golden, ids);
    const json_t *expected = json_object_get(golden, "vector");
    uint32_t width = model_info(model)->width;
    assert_int_equal(json_array_size(expected), width);
    float *vector = malloc(width * sizeof *vector);
    assert_non_null(vector);
    struct fault fault = {0};
    assert_int_equal(model_embed(model, ids, count, vector, &fault), OK);
    double worst = 0;
    for (uint32_t i = 0; i < width; i++)
        worst = fmax(worst, fabs(vector[i] - json_number_value(json_array_get(expected, i))));
    free(vector);
    return worst;
}

/* The model the vectors were made with. */
static struct model *open_variant(struct compute *compute, const json_t *vectors)
{
    char folder[] = "/tmp/liminal-architecture-XXXXXX", base[64], variant[64];
    assert_non_null(mkdtemp(folder));
    snprintf(base, sizeof base, "%s/base.gguf", folder);
    snprintf(variant, sizeof variant, "%s/variant.gguf", folder);
    struct fault fault = {0};
    if (synth_model(json_string_value(json_object_get(vectors, "shape")),
                    json_string_value(json_object_get(vectors, "type")), base, NULL, &fault) != OK)
        fail_msg("%s", fault.message);
    check_digest(base, json_string_value(json_object_get(vectors, "sha256")));
    write_variant(base, variant, vectors);
    struct model *model = test_model_at(compute, variant);
    unlink(base);
    unlink(variant);
    rmdir(folder);
    return model;
}

static void check_variant(void **state)
{
    const char *name = *state;
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/architectures/%s.json", LIMINAL_SOURCE_DIR, name);
    json_t *vectors = json_load_file(path, 0, NULL);
    if (!vectors) fail_msg("cannot read %s", path);
    struct compute *compute = test_compute(2);
    struct model *model = open_variant(compute, vectors);
    const json_t *cases = json_object_get(vectors, "cases"), *golden;
    assert_true(json_array_size(cases) >= 3);
    double worst = 0;
    size_t i;
    json_array_foreach(cases, i, golden)
    {
        bool is_embedding = json_object_get(golden, "vector") != NULL;
        double difference = (is_embedding ? compare_vectors : compare_logprobs)(model, golden);
        if (!(difference < TOLERANCE)) fail_msg("%s, case %zu: off by %.5f", name, i, difference);
        worst = fmax(worst, difference);
    }
    print_message("%s: worst difference %.6f\n", name, worst);
    model_close(model);
    compute_close(compute);
    json_decref(vectors);
}

#define VARIANT(name)                                                          \
    {                                                                          \
        name " computes as llama.cpp does", check_variant, NULL, NULL, "" name \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        VARIANT("llama"),
        VARIANT("llama-linear"),
        VARIANT("llama-yarn"),
        VARIANT("qwen2"),
        VARIANT("qwen3"),
        VARIANT("gemma2"),
        VARIANT("gemma2-softcaps"),
        VARIANT("gemma3"),
        VARIANT("gemma3-linear"),
        VARIANT("phi3"),
        VARIANT("phi3-short"),
        VARIANT("phi3-long"),
        VARIANT("qwen2-narrow"),
        VARIANT("phi3-uneven"),
        VARIANT("bert"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
