/* engine_pages_test.c - pages that sequences share: nothing is computed twice that need not be,
 * nobody sees what is another tenant's, and nothing of it changes a text. */
#include "compute/compute.h"
#include "inference/realization/engine_test_support.h"

enum { T = KV_PAGE_TOKENS };

/* A prompt of `count` tokens, for each `variant` different from the first on. */
static void make_prompt(struct engine *engine, int32_t *tokens, uint32_t count, uint32_t variant)
{
    uint32_t vocabulary = engine_model(engine)->vocabulary;
    tokens[0] = (int32_t)(1 + variant);
    for (uint32_t i = 1; i < count; i++)
        tokens[i] = (int32_t)(300 + (i * 7919 + variant * 104729) % (vocabulary - 300));
}

static struct told *start_tokens(struct engine *engine, const int32_t *tokens, uint32_t count,
                                 uint32_t max_tokens, uint64_t tenant, uint64_t adapters)
{
    struct generation_request request = request_of(tokens, count, max_tokens, told_new());
    request.tenant = tenant;
    request.adapters = adapters;
    return start_request(engine, &request);
}

static struct told *answer_tokens(struct engine *engine, const int32_t *tokens, uint32_t count,
                                  uint32_t max_tokens, uint64_t tenant)
{
    struct told *told = start_tokens(engine, tokens, count, max_tokens, tenant, 0);
    told_wait(told, SIZE_MAX);
    return told;
}

/* ---- at once ---- */

enum { CROWD = 8, ANSWER = 12 };

/* All the work there is: the prompt once, each one's last token of it, and the answers. */
static void expect_read_once(uint32_t prompt_count, const struct engine_options *options)
{
    struct engine *engine = open_engine(options);
    int32_t tokens[200];
    make_prompt(engine, tokens, prompt_count, 0);
    struct told *told[CROWD], *hold = engine_hold(engine);
    for (int i = 0; i < CROWD; i++)
        told[i] = start_tokens(engine, tokens, prompt_count, ANSWER, 0, 0);
    engine_release(hold); /* it was one token */
    for (int i = 0; i < CROWD; i++) told_wait(told[i], SIZE_MAX);
    struct engine_counters counters = counters_of(engine);
    assert_int_equal(counters.rows, 1 + prompt_count + (CROWD - 1) + CROWD * (ANSWER - 1));
    assert_int_equal(counters.prompt_tokens, 1 + CROWD * prompt_count);
    assert_int_equal(counters.cached_tokens, (CROWD - 1) * (prompt_count - 1));
    assert_in_range(counters.shared_tokens, prompt_count > 24 ? 1 : 0, counters.cached_tokens);
    for (int i = 1; i < CROWD; i++) expect_same(told[0], told[i]);
    uint32_t cached = 0;
    for (int i = 0; i < CROWD; i++) cached += told[i]->cached_tokens;
    assert_int_equal(cached, counters.cached_tokens);
    for (int i = 0; i < CROWD; i++) told_free(told[i]);
    engine_close(engine);
}

static void equal_prompts_are_read_once(void **state)
{
    const struct engine_options one_step = {.sequences = CROWD, .audit = true},
                                many_steps = {
                                    .sequences = CROWD, .prefill_chunk = 24, .audit = true};
    const uint32_t counts[] = {2, T - 3, T, T + 1, 3 * T, 100, 100 / T * T + 1};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        expect_read_once(counts[i], &one_step);
        expect_read_once(counts[i], &many_steps);
    }
}

static void prompts_that_begin_alike_share_the_beginning(void **state)
{
    enum { COMMON = 90, ALL = 120 };
    struct engine *engine = open_engine(
        &(struct engine_options){.sequences = CROWD, .prefill_chunk = 24, .audit = true});
    struct told *told[CROWD], *alone[CROWD];
    int32_t tokens[CROWD][ALL];
    for (uint32_t i = 0; i < CROWD; i++) {
        make_prompt(engine, tokens[i], ALL, i + 1);
        make_prompt(engine, tokens[i], COMMON, 0);
        told[i] = start_tokens(engine, tokens[i], ALL, ANSWER, 0, 0);
    }
    for (int i = 0; i < CROWD; i++) told_wait(told[i], SIZE_MAX);
    /* Whole pages for sure; the rest of the common part where its page was full in time. */
    uint32_t whole = COMMON / T * T;
    assert_true(counters_of(engine).cached_tokens >= (CROWD - 1) * whole);
    engine_close(engine);
    engine = open_engine(&(struct engine_options){.sequences = 1});
    for (int i = 0; i < CROWD; i++) {
        alone[i] = answer_tokens(engine, tokens[i], ALL, ANSWER, 0);
        expect_same(alone[i], told[i]);
        told_free(alone[i]);
        told_free(told[i]);
    }
    engine_close(engine);
}

/* Those who wait for somebody who leaves do his work themselves. */
static void whoever_reads_ahead_may_leave(void **state)
{
    struct engine *engine = open_engine(
        &(struct engine_options){.sequences = CROWD, .prefill_chunk = 4, .audit = true});
    int32_t tokens[200];
    make_prompt(engine, tokens, 200, 0);
    struct told *told[CROWD];
    size_t steps = 1; /* of one that writes meanwhile: it has a token of each */
    struct told *clock =
        start_paused(engine, &(struct ask){BEGINNINGS[0], 100, 0, 0, NULL, 0}, steps);
    for (int i = 0; i < CROWD; i++) told[i] = start_tokens(engine, tokens, 200, ANSWER, 0, 0);
    for (int i = 0; i < CROWD - 2; i++) {
        told_resume(clock, steps += 3); /* 200 tokens at 4 a step take fifty */
        engine_cancel(engine, told[i]->generation);
    }
    told_resume(clock, 0);
    for (int i = 0; i < CROWD; i++) told_wait(told[i], SIZE_MAX);
    told_wait(clock, SIZE_MAX);
    for (int i = 0; i < CROWD - 2; i++) assert_int_equal(told[i]->end, END_CANCELLED);
    expect_same(told[CROWD - 2], told[CROWD - 1]);
    struct engine_counters counters = counters_of(engine);
    /* Each that left may have had a page half full. */
    uint32_t others = clock->prompt_tokens + clock->completion_tokens;
    assert_true(counters.rows <= others + 200 + CROWD * T + 2 * ANSWER);
    told_free(clock);
    for (int i = 0; i < CROWD; i++) told_free(told[i]);
    engine_close(engine);
}

/* ---- one after another ---- */

/* Each turn of a conversation says what was said before, and a little more: only that is read. */
static void a_turn_reads_only_what_is_new(void **state)
{
    enum { TURNS = 8, NEW = 9 };
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 2, .audit = true});
    int32_t tokens[TURNS * (NEW + ANSWER)];
    uint32_t count = 0;
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        uint32_t before = count;
        make_prompt(engine, tokens + count, NEW, turn);
        count += NEW;
        uint64_t rows = counters_of(engine).rows;
        struct told *told = answer_tokens(engine, tokens, count, ANSWER, 0);
        /* What was said last has no keys yet, for nobody asked what follows it. */
        uint32_t known = before ? before - 1 : 0;
        assert_int_equal(told->cached_tokens, known);
        assert_int_equal(counters_of(engine).rows - rows, count - known + ANSWER - 1);
        memcpy(tokens + count, told->tokens, ANSWER * sizeof *tokens);
        count += ANSWER;
        told_free(told);
    }
    engine_close(engine);
}

static void tenants_and_adapters_share_nothing(void **state)
{
    struct engine *engine =
        open_engine(&(struct engine_options){.sequences = CROWD, .audit = true});
    int32_t tokens[100];
    make_prompt(engine, tokens, 100, 0);
    struct told *first = answer_tokens(engine, tokens, 100, ANSWER, 1);
    struct told *other = answer_tokens(engine, tokens, 100, ANSWER, 2);
    struct told *adapted = start_tokens(engine, tokens, 100, ANSWER, 1, 7);
    told_wait(adapted, SIZE_MAX);
    struct told *again = answer_tokens(engine, tokens, 100, ANSWER, 1);
    assert_int_equal(other->cached_tokens, 0);
    assert_int_equal(adapted->cached_tokens, 0);
    assert_int_equal(again->cached_tokens, 99);
    expect_same(first, other);
    /* Nor does anybody wait for another's. */
    make_prompt(engine, tokens, 100, 1);
    struct told *at_once[CROWD];
    for (uint64_t i = 0; i < CROWD; i++)
        at_once[i] = start_tokens(engine, tokens, 100, ANSWER, i, 0);
    for (int i = 0; i < CROWD; i++) {
        told_wait(at_once[i], SIZE_MAX);
        assert_int_equal(at_once[i]->cached_tokens, 0);
        expect_same(at_once[0], at_once[i]);
    }
    for (int i = 0; i < CROWD; i++) told_free(at_once[i]);
    told_free(first);
    told_free(other);
    told_free(adapted);
    told_free(again);
    engine_close(engine);
}

/* ---- nobody starves ---- */

/* Short prompts that never run out: whenever one is answered, the next is asked. */
struct short_prompts {
    struct engine *engine;
    const struct told *late;
    uint32_t asked;
    atomic_uint open;
};

static void ask_short(struct short_prompts *prompts);

static void on_short(void *argument, const struct generation_event *event)
{
    struct short_prompts *prompts = argument;
    if (event->end == END_NONE) return;
    assert_int_equal(event->end, END_LENGTH);
    if (prompts->late->token_count == 0) ask_short(prompts);
    atomic_fetch_sub(&prompts->open, 1);
}

enum { SHORT = 12 };

static void ask_short(struct short_prompts *prompts)
{
    int32_t tokens[SHORT];
    struct generation *generation;
    struct fault fault;
    make_prompt(prompts->engine, tokens, SHORT, ++prompts->asked);
    struct generation_request request = request_of(tokens, SHORT, 1, NULL);
    request.on_event = on_short;
    request.argument = prompts;
    atomic_fetch_add(&prompts->open, 1);
    assert_ok(engine_submit(prompts->engine, &request, &generation, &fault), &fault);
    generation_release(generation);
}

/* Three write, short prompts come without end, and a long one has its quarter of the rows: it is
 * through when they have had three times its rows, and each step has a token for each of those who
 * write. */
static void long_and_short_prompts_and_writers_all_go_on(void **state)
{
    enum { WRITERS = 3, LONG = 200, CHUNK = 16, AT_ONCE = 2 };
    struct engine *engine = open_engine(&(struct engine_options){.sequences = WRITERS + 3,
                                                                 .prefill_chunk = CHUNK,
                                                                 .speculation = SPECULATION_OFF,
                                                                 .audit = true});
    int32_t tokens[LONG];
    struct told *writers[WRITERS];
    size_t steps = 1, before[WRITERS];
    writers[0] = start_paused(engine, &(struct ask){BEGINNINGS[0], 240, 0, 0, NULL, 0}, steps);
    for (int i = 1; i < WRITERS; i++)
        writers[i] = start(engine, &(struct ask){BEGINNINGS[i], 240, 0, 0, NULL, 0});
    while (told_count(writers[1]) == 0 || told_count(writers[2]) == 0)
        told_resume(writers[0], ++steps);
    for (int i = 0; i < WRITERS; i++) before[i] = told_count(writers[i]);
    make_prompt(engine, tokens, LONG, 0);
    struct told *late = start_tokens(engine, tokens, LONG, 1, 0, 0);
    struct short_prompts shorts = {.engine = engine, .late = late};
    for (int i = 0; i < AT_ONCE; i++) ask_short(&shorts);
    told_resume(writers[0], steps + LONG / CHUNK);
    for (int i = 0; i < WRITERS; i++)
        assert_true(told_count(writers[i]) + 1 >= before[i] + LONG / CHUNK);
    assert_int_equal(told_count(late), 0);
    told_resume(writers[0], 0);
    told_wait(late, SIZE_MAX);
    while (atomic_load(&shorts.open) > 0) nanosleep(&(struct timespec){0, 1000000}, NULL);
    print_message("%u short prompts passed\n", shorts.asked - AT_ONCE);
    assert_true(shorts.asked * SHORT <= 3 * LONG + 4 * CHUNK);
    for (int i = 0; i < WRITERS; i++) {
        engine_cancel(engine, writers[i]->generation);
        told_wait(writers[i], SIZE_MAX);
        told_free(writers[i]);
    }
    told_free(late);
    engine_close(engine);
}

/* ---- everything at once ---- */

/* Requests whose prompts are made of few pieces, so that they begin alike in all ways and lengths,
 * also in the middle of a page. */
#ifdef SANITIZED /* ten times slower: half as many will do */
enum { REQUESTS = 60 };
#else
enum { REQUESTS = 120 };
#endif
enum { PIECES = 3, PROMPT_MOST = 96, ANSWER_MOST = 40 };

struct random_request {
    int32_t tokens[PROMPT_MOST];
    uint32_t count, max_tokens;
    uint64_t tenant, adapters;
};

static void make_request(struct engine *engine, struct random_request *request)
{
    *request = (struct random_request){.tenant = (uint64_t)(rand() % 2)};
    while (request->count == 0 || (rand() % 4 && request->count < PROMPT_MOST - 24)) {
        uint32_t length = 1 + (uint32_t)rand() % 23;
        make_prompt(engine, request->tokens + request->count, length, (uint32_t)rand() % PIECES);
        request->count += length;
    }
    request->max_tokens = 1 + (uint32_t)rand() % ANSWER_MOST;
    request->adapters = rand() % 8 == 0;
}

/* On an engine of its own kind: no crowd, no cache to share, no want of pages. */
static struct told *answer_alone(struct engine *engine, const struct random_request *request,
                                 uint64_t tenant)
{
    struct told *told =
        answer_tokens(engine, request->tokens, request->count, request->max_tokens, tenant);
    assert_int_equal(told->cached_tokens, 0);
    return told;
}

/* What a cancelled one said must be the beginning of what it would have said. */
static void expect_beginning(const struct told *alone, const struct told *told)
{
    assert_true(told->token_count <= alone->token_count);
    assert_memory_equal(alone->tokens, told->tokens, told->token_count * sizeof told->tokens[0]);
    if (told->end != END_CANCELLED) expect_same(alone, told);
}

static void run_random(struct told **alone, const struct random_request *requests,
                       const struct engine_options *options)
{
    enum { WINDOW = 12 };
    struct engine *engine = open_engine(options);
    struct told *told[REQUESTS], *hold = engine_hold(engine);
    for (int i = 0; i < REQUESTS + WINDOW; i++) {
        if (i < REQUESTS) {
            const struct random_request *request = &requests[i];
            told[i] = start_tokens(engine, request->tokens, request->count, request->max_tokens,
                                   request->tenant, request->adapters);
        }
        if (i == WINDOW - 1) { /* some leave before it begins */
            engine_cancel(engine, told[0]->generation);
            engine_release(hold);
        }
        if (i >= WINDOW && rand() % 4 == 0)
            engine_cancel(engine,
                          told[i - rand() % WINDOW - (i >= REQUESTS ? WINDOW : 0)]->generation);
        if (i >= WINDOW) told_wait(told[i - WINDOW], SIZE_MAX);
    }
    int cancelled = 0;
    for (int i = 0; i < REQUESTS; i++) {
        expect_beginning(alone[i], told[i]);
        cancelled += told[i]->end == END_CANCELLED;
        told_free(told[i]);
    }
    struct engine_counters counters = counters_of(engine);
    print_message("%u pages: %llu rows, %llu cached, %llu evicted, %llu parked, %d cancelled\n",
                  counters.kv_pages, (unsigned long long)counters.rows,
                  (unsigned long long)counters.cached_tokens,
                  (unsigned long long)counters.kv_pages_evicted,
                  (unsigned long long)counters.preempted, cancelled);
    assert_true(counters.cached_tokens > 0 && cancelled > 0);
    if (options->kv_budget_bytes) assert_true(counters.kv_pages_evicted > 0);
    engine_close(engine);
}

static void random_crowds_read_what_each_reads_alone(void **state)
{
    static struct random_request requests[REQUESTS];
    struct told *alone[REQUESTS];
    struct engine *engine = open_engine(&(struct engine_options){.sequences = 1});
    size_t page_bytes = engine_model(engine)->kv_page_bytes + 64;
    srand(11);
    for (int i = 0; i < REQUESTS; i++) {
        make_request(engine, &requests[i]);
        alone[i] = answer_alone(engine, &requests[i], 1000 + (uint64_t)i);
    }
    engine_close(engine);
    const struct engine_options options[] = {
        {.sequences = 8, .audit = true},
        {.sequences = 8, .audit = true, .context_length = 160, .kv_budget_bytes = 24 * page_bytes},
        {.sequences = 6,
         .audit = true,
         .context_length = 160,
         .kv_budget_bytes = 10 * page_bytes,
         .prefill_chunk = 13},
        {.sequences = 12,
         .audit = true,
         .context_length = 160,
         .kv_budget_bytes = 16 * page_bytes,
         .prefill_chunk = 48},
    };
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) run_random(alone, requests, &options[i]);
    for (int i = 0; i < REQUESTS; i++) told_free(alone[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_prompts_are_read_once),
        cmocka_unit_test(prompts_that_begin_alike_share_the_beginning),
        cmocka_unit_test(whoever_reads_ahead_may_leave),
        cmocka_unit_test(a_turn_reads_only_what_is_new),
        cmocka_unit_test(tenants_and_adapters_share_nothing),
        cmocka_unit_test(long_and_short_prompts_and_writers_all_go_on),
        cmocka_unit_test(random_crowds_read_what_each_reads_alone),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
