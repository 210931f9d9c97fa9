/* model_determinism_test.c - a row's logits are the same bits whatever is computed beside it: in
 * one batch or in chunks of any size, alone or among other sequences, on one thread or two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "base/test_support.h"
#include "model/file/synth.h"
#include "model/model_private.h"
#include "model/model_test_support.h"

enum { TOKENS = 45, OTHER_TOKENS = 45, ROWS = TOKENS + OTHER_TOKENS };

struct run {
    size_t chunk;     /* rows of our sequence per step */
    bool with_others; /* a second sequence's rows between ours */
    bool sparse;      /* want logits of every third row only */
};

static void choose(int32_t *tokens, size_t count, uint32_t seed, uint32_t vocabulary)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525U + 1013904223U;
        tokens[i] = (int32_t)((seed >> 8) % vocabulary);
    }
}

static bool is_wanted(const struct run *run, size_t row)
{
    return !run->sparse || row % 3 == 1 || row + 1 == TOKENS;
}

/* Logits of every wanted token of our sequence, in their places; of the others, 0. */
static float *logits_of(struct model *model, const struct run *run)
{
    uint32_t vocabulary = model_info(model)->vocabulary;
    float *all = calloc((size_t)TOKENS * vocabulary, sizeof *all);
    float *step = malloc((size_t)ROWS * vocabulary * sizeof *step);
    assert_non_null(all);
    assert_non_null(step);
    int32_t ours[TOKENS], theirs[OTHER_TOKENS];
    choose(ours, TOKENS, 7, vocabulary);
    choose(theirs, OTHER_TOKENS, 99, vocabulary);
    struct private_sequence sequence, other;
    struct fault fault = {0};
    assert_int_equal(private_sequence_init(&sequence, model, TOKENS, &fault), OK);
    assert_int_equal(private_sequence_init(&other, model, OTHER_TOKENS, &fault), OK);

    for (size_t from = 0; from < TOKENS; from += run->chunk) {
        size_t to = from + run->chunk < TOKENS ? from + run->chunk : TOKENS;
        int32_t tokens[ROWS], positions[ROWS];
        void *const *pages[ROWS];
        uint8_t wanted[ROWS];
        size_t n = 0, our_rows[TOKENS], logit_rows[TOKENS], logit_count = 0, our_count = 0;
        for (size_t i = from; i < to; i++) {
            if (run->with_others) {
                tokens[n] = theirs[i];
                positions[n] = (int32_t)i;
                pages[n] = other.pages;
                wanted[n] = i % 2 == 0;
                logit_count += wanted[n++];
            }
            tokens[n] = ours[i];
            positions[n] = (int32_t)i;
            pages[n] = sequence.pages;
            wanted[n] = is_wanted(run, i);
            if (wanted[n]) {
                our_rows[our_count] = i;
                logit_rows[our_count++] = logit_count;
            }
            logit_count += wanted[n++];
        }
        const struct model_batch batch = {.count = n,
                                          .tokens = tokens,
                                          .positions = positions,
                                          .pages = pages,
                                          .wants_logits = wanted};
        assert_int_equal(model_forward(model, &batch, step, &fault), OK);
        for (size_t i = 0; i < our_count; i++)
            memcpy(all + our_rows[i] * vocabulary, step + logit_rows[i] * vocabulary,
                   vocabulary * sizeof *all);
    }
    private_sequence_deinit(&sequence);
    private_sequence_deinit(&other);
    free(step);
    return all;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void compare_rows(const float *reference, const float *logits, const struct run *run,
                         unsigned threads, const char *name, uint32_t vocabulary)
{
    for (size_t row = 0; row < TOKENS; row++) {
        if (!is_wanted(run, row)) continue;
        const float *a = reference + row * vocabulary, *b = logits + row * vocabulary;
        for (uint32_t i = 0; i < vocabulary; i++)
            if (bits_of(a[i]) != bits_of(b[i]))
                fail_msg("%s, %u threads, chunks of %zu%s%s: row %zu, logit %u is %.9g, not %.9g",
                         name, threads, run->chunk, run->with_others ? ", with others" : "",
                         run->sparse ? ", sparse" : "", row, i, (double)b[i], (double)a[i]);
    }
}

static void check_model_file(const char *path, const char *name)
{
    static const struct run runs[] = {
        {TOKENS, false, false}, {1, false, false}, {2, false, true}, {7, false, false},
        {16, true, false},      {17, true, true},  {1, true, false}, {TOKENS, true, true},
    };
    float *reference = NULL;
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct compute *compute = test_compute(threads);
        struct model *model = test_model_at(compute, path);
        uint32_t vocabulary = model_info(model)->vocabulary;
        for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
            float *logits = logits_of(model, &runs[i]);
            if (!reference) {
                reference = logits;
                continue;
            }
            compare_rows(reference, logits, &runs[i], threads, name, vocabulary);
            free(logits);
        }
        model_close(model);
        compute_close(compute);
    }
    free(reference);
}

static void check_shape(const char *shape, const char *type)
{
    char path[64] = "/tmp/liminal-determinism-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    struct fault fault = {0};
    if (synth_model(shape, type, path, NULL, &fault) != OK) fail_msg("%s", fault.message);
    char name[64];
    snprintf(name, sizeof name, "%s %s", shape, type);
    check_model_file(path, name);
    unlink(path);
}

static void a_real_model_is_deterministic(void **state)
{
    char path[512];
    test_model_path(path, sizeof path, "stories15m.gguf");
    check_model_file(path, "stories15m");
}

static void every_architecture_is_deterministic(void **state)
{
    const char *const shapes[] = {"tiny-llama",  "tiny-qwen2",  "tiny-qwen3",
                                  "tiny-gemma2", "tiny-gemma3", "tiny-phi3"};
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) check_shape(shapes[i], "Q8_0");
}

static void every_kind_of_kernel_is_deterministic(void **state)
{
    const char *const types[] = {"F32", "F16", "BF16", "Q4_0", "Q4_K", "Q6_K", "IQ2_XXS", "IQ4_XS"};
    for (size_t i = 0; i < ARRAY_COUNT(types); i++) check_shape("tiny-llama", types[i]);
}

/* As a server does that must not disturb others: opened on one pool of threads, used on another. */
static void a_moved_model_computes_the_same(void **state)
{
    static const struct run run = {7, true, false};
    char path[512];
    struct fault fault = {0};
    test_model_path(path, sizeof path, "stories15m.gguf");
    struct compute *first = test_compute(2), *second = test_compute(1);
    struct model *model = test_model_at(first, path);
    float *before = logits_of(model, &run);
    assert_ok(model_move(model, second, &fault), &fault);
    compute_close(first);
    float *after = logits_of(model, &run);
    compare_rows(before, after, &run, 1, "moved", model_info(model)->vocabulary);
    free(before);
    free(after);
    model_close(model);
    compute_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_model_is_deterministic),
        cmocka_unit_test(every_architecture_is_deterministic),
        cmocka_unit_test(every_kind_of_kernel_is_deterministic),
        cmocka_unit_test(a_moved_model_computes_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
