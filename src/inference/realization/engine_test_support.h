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
    size_t pause_at; /* the engine stands still after so many tokens; 0: it does not */
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
    while (event->token >= 0 && told->token_count == told->pause_at)
        pthread_cond_wait(&told->changed, &told->lock);
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

/* Let the engine go on, until `tokens` tokens came; 0: to the end. */
static inline void told_resume(struct told *told, size_t tokens)
{
    pthread_mutex_lock(&told->lock);
    told->pause_at = tokens;
    pthread_cond_broadcast(&told->changed);
    pthread_mutex_unlock(&told->lock);
    if (tokens > 0) told_wait(told, tokens);
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

/* A request for `told`, greedy, whatever it says taken as text. */
static inline struct generation_request request_of(const int32_t *tokens, size_t count,
                                                   uint32_t max_tokens, struct told *told)
{
    struct generation_request request = {
        .prompt = tokens,
        .prompt_count = count,
        .max_tokens = max_tokens,
        .ignore_end = true,
        .top_logprobs = -1,
        .on_event = on_event,
        .argument = told,
    };
    sampling_defaults(&request.sampling);
    request.sampling.temperature = 0;
    return request;
}

/* What is asked, for `told`; `prompt` has the tokens and outlives the request. */
static inline struct generation_request request_for(struct engine *engine, const struct ask *ask,
                                                    struct told *told, struct token_list *prompt)
{
    struct fault fault;
    *prompt = (struct token_list){.ids = NULL};
    assert_ok(tokenizer_encode(engine_tokenizer(engine), text_of(ask->prompt), TOKENIZE_ADD_SPECIAL,
                               prompt, &fault),
              &fault);
    struct generation_request request =
        request_of(prompt->ids, prompt->count, ask->max_tokens, told);
    request.continues_text = true;
    request.sampling.temperature = ask->temperature;
    request.sampling.seed = ask->seed;
    if (ask->top_logprobs) request.top_logprobs = ask->top_logprobs;
    if (ask->stop) request.stop[request.stop_count++] = text_of(ask->stop);
    return request;
}

static inline enum status submit(struct engine *engine, const struct ask *ask, struct told *told,
                                 struct fault *fault)
{
    struct token_list prompt;
    struct generation_request request = request_for(engine, ask, told, &prompt);
    enum status status = engine_submit(engine, &request, &told->generation, fault);
    token_list_deinit(&prompt);
    return status;
}

/* It must be taken. */
static inline struct told *start_request(struct engine *engine,
                                         const struct generation_request *request)
{
    struct told *told = request->argument;
    struct fault fault;
    assert_ok(engine_submit(engine, request, &told->generation, &fault), &fault);
    return told;
}

static inline struct told *start(struct engine *engine, const struct ask *ask)
{
    struct told *told = told_new();
    struct fault fault;
    assert_ok(submit(engine, ask, told, &fault), &fault);
    return told;
}

/* The engine stands still after `tokens` of its tokens, until told_resume. */
static inline struct told *start_paused(struct engine *engine, const struct ask *ask, size_t tokens)
{
    struct told *told = told_new();
    struct fault fault;
    told->pause_at = tokens;
    assert_ok(submit(engine, ask, told, &fault), &fault);
    told_wait(told, tokens);
    return told;
}

static inline struct told *answer(struct engine *engine, const struct ask *ask)
{
    struct told *told = start(engine, ask);
    told_wait(told, SIZE_MAX);
    return told;
}

/* ---- an engine that stands still: what is asked meanwhile comes in all at once ---- */

/* A request of its own: one step with one row, one token of prompt and one of answer. */
static inline struct told *engine_hold(struct engine *engine)
{
    struct told *told = told_new();
    struct generation_request request = request_of((int32_t[]){1}, 1, 1, told);
    request.tenant = UINT64_MAX;
    told->pause_at = 1;
    start_request(engine, &request);
    told_wait(told, 1);
    return told;
}

static inline void engine_release(struct told *hold)
{
    told_resume(hold, 0);
    told_wait(hold, SIZE_MAX);
    told_free(hold);
}

static inline void expect_same(const struct told *a, const struct told *b)
{
    assert_int_equal(a->token_count, b->token_count);
    assert_memory_equal(a->tokens, b->tokens, a->token_count * sizeof a->tokens[0]);
    assert_true(text_equal(buffer_text(&a->text), buffer_text(&b->text)));
    assert_int_equal(a->end, b->end);
}

/* Pages come back when the step that ends a generation is over, a moment after its last event. The
 * counters are those of that moment. */
static inline struct engine_counters counters_of(struct engine *engine)
{
    struct engine_counters counters;
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        engine_counters(engine, &counters);
        if (counters.kv_pages_used == 0 && counters.running == 0 && counters.waiting == 0)
            return counters;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    fail_msg("%u pages in use, %u running, %u waiting", counters.kv_pages_used, counters.running,
             counters.waiting);
    return counters;
}

static inline void expect_idle(struct engine *engine)
{
    (void)counters_of(engine);
}

#endif
