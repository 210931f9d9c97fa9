/* engine_torture_test.c - every allocation of the engine fails in turn: a request may be refused or
 * end with an error then, but the engine lives on, keeps no page, and what it does answer is right.
 */
#include <semaphore.h>
#include <stdlib.h>

#include "base/test_failing_malloc.h"
#include "base/test_support.h"
#include "inference/engine.h"
#include "model/model.h"
#include "model/model_test_support.h"

/* ---- one request ---- */

struct answer {
    sem_t ended;
    enum generation_end end;
    enum status status;
    char text[512];
    size_t length;
};

static void on_event(void *argument, const struct generation_event *event)
{
    struct answer *answer = argument;
    assert_true(answer->length + event->text.length <= sizeof answer->text);
    memcpy(answer->text + answer->length, event->text.data, event->text.length);
    answer->length += event->text.length;
    if (event->end == END_NONE) return;
    answer->end = event->end;
    if (event->fault) answer->status = event->fault->status;
    sem_post(&answer->ended);
}

static enum status ask_for(struct engine *engine, uint32_t max_tokens, struct answer *answer)
{
    static const int32_t PROMPT[] = {1, 9038, 2501, 263, 931}; /* <s> Once upon a time */
    static const struct logit_bias BIAS = {2, -100};
    struct generation_request request = {
        .prompt = PROMPT,
        .prompt_count = ARRAY_COUNT(PROMPT),
        .max_tokens = max_tokens,
        .stop = {TEXT("never said"), TEXT("nor this")},
        .stop_count = 2,
        .top_logprobs = 3,
        .on_event = on_event,
        .argument = answer,
    };
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    request.sampling.biases = &BIAS;
    request.sampling.bias_count = 1;
    *answer = (struct answer){.end = END_NONE};
    sem_init(&answer->ended, 0, 0);
    struct generation *generation;
    struct fault fault;
    enum status status = engine_submit(engine, &request, &generation, &fault);
    if (status != OK) {
        assert_int_equal(fault.status, status);
        return status;
    }
    while (sem_wait(&answer->ended) != 0) continue;
    generation_release(generation);
    return OK;
}

static enum status ask(struct engine *engine, struct answer *answer)
{
    return ask_for(engine, 24, answer);
}

/* ---- the tests ---- */

static struct compute *compute;
static struct engine *engine;
static struct answer expected;

static int open_all(void **state)
{
    compute = test_compute(2);
    struct engine_options options = {.sequences = 2};
    struct fault fault;
    assert_ok(engine_open(&engine, test_model(compute, "stories15m.gguf"), &options, &fault),
              &fault);
    assert_int_equal(ask(engine, &expected), OK);
    assert_int_equal(expected.end, END_LENGTH);
    return 0;
}

static int close_all(void **state)
{
    engine_close(engine);
    compute_close(compute);
    return 0;
}

static void expect_right(const struct answer *answer)
{
    assert_int_equal(answer->end, END_LENGTH);
    assert_int_equal(answer->length, expected.length);
    assert_memory_equal(answer->text, expected.text, expected.length);
}

static void a_request_without_memory_is_refused(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    int refused = 0;
    for (int index = 0;; index++) {
        struct answer answer;
        malloc_torture(TORTURE_TEST_THREAD, index, false);
        enum status status = ask(engine, &answer);
        bool was_reached = malloc_relent() > index;
        if (status == OK) {
            expect_right(&answer);
        } else {
            assert_int_equal(status, STATUS_NO_MEMORY);
            refused++;
        }
        if (!was_reached) break;
    }
    assert_true(refused >= 5); /* tokens, pages, stop strings, biases, buffers ... */
}

static void an_answer_without_memory_ends_with_an_error_or_is_right(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    for (int index = 0;; index++) {
        struct answer answer;
        malloc_torture(TORTURE_OTHER_THREADS, index, false);
        assert_int_equal(ask(engine, &answer), OK);
        bool was_reached = malloc_relent() > index;
        if (answer.end == END_ERROR)
            assert_int_equal(answer.status, STATUS_NO_MEMORY);
        else
            expect_right(&answer);
        if (!was_reached) break;
    }
    struct answer after;
    assert_int_equal(ask(engine, &after), OK);
    expect_right(&after);
}

static int allocations_for(uint32_t max_tokens)
{
    struct answer answer;
    malloc_torture(TORTURE_OTHER_THREADS, -1, false);
    assert_int_equal(ask_for(engine, max_tokens, &answer), OK);
    assert_int_equal(answer.end, END_LENGTH);
    return malloc_relent();
}

static void tokens_cost_no_allocation(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    assert_int_equal(allocations_for(80), allocations_for(8));
}

static void an_engine_without_memory_does_not_open(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    int refused = 0;
    for (int index = 0;; index++) {
        struct engine *other = NULL;
        struct fault fault;
        struct engine_options options = {.sequences = 2};
        struct model *model = test_model(compute, "stories15m.gguf");
        malloc_torture(TORTURE_TEST_THREAD, index, false);
        enum status status = engine_open(&other, model, &options, &fault);
        bool was_reached = malloc_relent() > index;
        if (status == OK) {
            engine_close(other);
        } else {
            assert_int_equal(status, STATUS_NO_MEMORY);
            refused++;
        }
        if (!was_reached) break;
    }
    assert_true(refused >= 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_memory_is_refused),
        cmocka_unit_test(an_answer_without_memory_ends_with_an_error_or_is_right),
        cmocka_unit_test(tokens_cost_no_allocation),
        cmocka_unit_test(an_engine_without_memory_does_not_open),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
