/* model_steady_test.c - while a model reads and writes, nothing is allocated and no mutex is taken,
 * on any thread: a step's time depends on the arithmetic alone. */
#include <unistd.h>

#include "base/test_counting_malloc.h"
#include "model/file/synth.h"
#include "model/model_private.h"
#include "model/model_test_support.h"

enum { PROMPT = 40, STEPS = 20, SEQUENCES = 3, LENGTH = PROMPT + STEPS };

static void forward(struct model *model, const struct private_sequence *sequences, size_t n,
                    size_t position, size_t tokens, float *logits)
{
    int32_t token[SEQUENCES * PROMPT], positions[SEQUENCES * PROMPT];
    void *const *pages[SEQUENCES * PROMPT];
    uint8_t wanted[SEQUENCES * PROMPT];
    size_t rows = 0;
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < tokens; i++, rows++) {
            token[rows] = (int32_t)((7 * position + 31 * i + s) % 1000);
            positions[rows] = (int32_t)(position + i);
            pages[rows] = sequences[s].pages;
            wanted[rows] = i + 1 == tokens;
        }
    const struct model_batch batch = {.count = rows,
                                      .tokens = token,
                                      .positions = positions,
                                      .pages = pages,
                                      .wants_logits = wanted};
    struct fault fault = {0};
    assert_int_equal(model_forward(model, &batch, logits, &fault), OK);
}

static void steps_neither_allocate_nor_lock(void **state)
{
    static const char *const shapes[] = {"tiny-llama",  "tiny-qwen2",  "tiny-qwen3",
                                         "tiny-gemma2", "tiny-gemma3", "tiny-phi3"};
    struct compute *compute = test_compute(2);
    for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
        char path[] = "/tmp/liminal-steady-XXXXXX";
        int file = mkstemp(path);
        assert_true(file >= 0);
        close(file);
        struct fault fault = {0};
        if (synth_model(shapes[i], "Q4_0", path, NULL, &fault) != OK) fail_msg("%s", fault.message);
        struct model *model = test_model_at(compute, path);
        unlink(path);
        struct private_sequence sequences[SEQUENCES];
        for (size_t s = 0; s < SEQUENCES; s++)
            assert_int_equal(private_sequence_init(&sequences[s], model, LENGTH, &fault), OK);
        float *logits = calloc((size_t)SEQUENCES * model_info(model)->vocabulary, sizeof *logits);
        assert_non_null(logits);

        atomic_store(&watching, true);
        forward(model, sequences, SEQUENCES, 0, PROMPT, logits);
        for (size_t step = 0; step < STEPS; step++)
            forward(model, sequences, 1 + step % SEQUENCES, PROMPT + step, 1, logits);
        atomic_store(&watching, false);
        expect_nothing_counted();

        free(logits);
        for (size_t s = 0; s < SEQUENCES; s++) private_sequence_deinit(&sequences[s]);
        model_close(model);
    }
    compute_close(compute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_watched_for_is_seen),
        cmocka_unit_test(steps_neither_allocate_nor_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
