/* engine_test_support.h - what the tests of the engine share: one real model (stories15M),
 * requests, and all that was told about each. Include it in one file of a test program. */
#ifndef LIMINAL_INFERENCE_ENGINE_TEST_SUPPORT_H
#define LIMINAL_INFERENCE_ENGINE_TEST_SUPPORT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/test_support.h"
#include "inference/engine.h"
#include "model/model.h"
#include "model/model_test_support.h"
#include "model/tokenizer/tokenizer.h"

enum { PATIENCE_S = 120 };

/* ---- one request and what was told about it ---- */

struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buffer text;
    int32_t tokens[512];
    float logprobs[512];
    size_t token_count, piece_count;
    bool whole_characters;
    enum generation_end end;
    struct fault fault;
    uint32_t prompt_tokens, completion_tokens, cached_tokens, drafted_tokens, accepted_tokens;
    struct generation *generation;
};

static inline void on_event(void *argument, const struct generation_event *event)
{
    struct told *told = argument;
    pthread_mutex_lock(&told->lock);
    assert_int_equal(told->end, END_NONE); /* nothing comes after the end */
    buffer_append_text(&told->text, event->text);
    told->whole_characters = told->whole_characters && utf8_valid(event->text);
    if (event->token >= 0 && told->token_count < ARRAY_COUNT(told->tokens)) {
        told->logprobs[told->token_count] = event->logprob;
        told->tokens[told->token_count++] = event->token;
    }
    if (event->text.length) told->piece_count++;
    told->end = event->end;
    if (event->fault) told->fault = *event->fault;
    told->prompt_tokens = event->prompt_tokens;
    told->completion_tokens = event->completion_tokens;
    told->cached_tokens = event->cached_tokens;
    told->drafted_tokens = event->drafted_tokens;
    told->accepted_tokens = event->accepted_tokens;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->lock);
}

static inline struct told *told_new(void)
{
    struct told *told = calloc(1, sizeof *told);
    assert_non_null(told);
    pthread_mutex_init(&told->lock, NULL);
    pthread_cond_init(&told->changed, NULL);
    told->whole_characters = true;
    return told;
}

static inline void told_free(struct told *told)
{
    generation_release(told->generation);
    buffer_deinit(&told->text);
    pthread_cond_destroy(&told->changed);
    pthread_mutex_destroy(&told->lock);
    free(told);
}

/* Until it ended, or until `tokens` tokens came. */
static inline void told_wait(struct told *told, size_t tokens)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&told->lock);
    while (told->end == END_NONE && told->token_count < tokens)
        if (pthread_cond_timedwait(&told->changed, &told->lock, &until) != 0)
            fail_msg("no end after %d s", PATIENCE_S);
    pthread_mutex_unlock(&told->lock);
}

static inline size_t told_count(struct told *told)
{
    pthread_mutex_lock(&told->lock);
    size_t count = told->token_count;
    pthread_mutex_unlock(&told->lock);
    return count;
}

/* ---- the engine under test ---- */

static struct compute *compute;

static inline int open_compute(void **state)
{
    compute = test_compute(2);
    return 0;
}

static inline int close_compute(void **state)
{
    compute_close(compute);
    return 0;
}

static inline struct engine *open_engine(const struct engine_options *options)
{
    struct engine *engine = NULL;
    struct fault fault;
    assert_ok(engine_open(&engine, test_model(compute, "stories15m.gguf"), options, &fault),
              &fault);
    return engine;
}

static inline struct engine *open_default(void)
{
    return open_engine(&(struct engine_options){.context_length = 0});
}

struct ask {
    const char *prompt;
    uint32_t max_tokens;
    float temperature;
    uint64_t seed;
    const char *stop;
    int top_logprobs;
};

static const char *const BEGINNINGS[] = {
    "Once upon a time",
    "The little dog",
    "Lily and Tom went to the park. They saw a big",
    "One day, a bird",
};

/* Different prompts, lengths, temperatures and seeds. */
static inline struct ask nth_ask(int i)
{
    return (struct ask){
        .prompt = BEGINNINGS[i % 4],
        .max_tokens = 20 + (uint32_t)(i * 7 % 41),
        .temperature = i % 3 == 0 ? 0 : 0.5f + (float)(i % 3) * 0.4f,
        .seed = (uint64_t)i / 4,
    };
}

static inline enum status submit(struct engine *engine, const struct ask *ask, struct told *told,
                                 struct fault *fault)
{
    struct token_list prompt = {.ids = NULL};
    assert_ok(tokenizer_encode(engine_tokenizer(engine), text_of(ask->prompt), TOKENIZE_ADD_SPECIAL,
                               &prompt, fault),
              fault);
    struct generation_request request = {
        .prompt = prompt.ids,
        .prompt_count = prompt.count,
        .max_tokens = ask->max_tokens,
        .continues_text = true,
        .ignore_end = true,
        .top_logprobs = ask->top_logprobs ? ask->top_logprobs : -1,
        .on_event = on_event,
        .argument = told,
    };
    sampling_defaults(&request.sampling);
    request.sampling.temperature = ask->temperature;
    request.sampling.seed = ask->seed;
    if (ask->stop) request.stop[request.stop_count++] = text_of(ask->stop);
    enum status status = engine_submit(engine, &request, &told->generation, fault);
    token_list_deinit(&prompt);
    return status;
}

static inline struct told *start(struct engine *engine, const struct ask *ask)
{
    struct told *told = told_new();
    struct fault fault;
    assert_ok(submit(engine, ask, told, &fault), &fault);
    return told;
}

static inline struct told *answer(struct engine *engine, const struct ask *ask)
{
    struct told *told = start(engine, ask);
    told_wait(told, SIZE_MAX);
    return told;
}

static inline void expect_same(const struct told *a, const struct told *b)
{
    assert_int_equal(a->token_count, b->token_count);
    assert_memory_equal(a->tokens, b->tokens, a->token_count * sizeof a->tokens[0]);
    assert_true(text_equal(buffer_text(&a->text), buffer_text(&b->text)));
    assert_int_equal(a->end, b->end);
}

/* Pages come back when the step that ends a generation is over, a moment after its last event. */
static inline void expect_idle(struct engine *engine)
{
    struct engine_counters counters;
    for (int i = 0; i < 2000; i++) {
        engine_counters(engine, &counters);
        if (counters.kv_pages_used == 0 && counters.running == 0 && counters.waiting == 0) return;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    fail_msg("%u pages in use, %u running, %u waiting", counters.kv_pages_used, counters.running,
             counters.waiting);
}

#endif
