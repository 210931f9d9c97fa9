/* engine_steady_test.c - once requests are in, the engine allocates nothing and takes no mutex, on
 * any of its threads: while it admits, reads, guesses, writes what a grammar allows, parks, shares
 * pages, spills them, and lets go. */
#include <semaphore.h>
#include <unistd.h>

#include "base/test_counting_malloc.h"
#include "compute/compute.h"
#include "inference/grammar/constraint.h"
#include "inference/realization/engine_test_support.h"

enum { REQUESTS = 8, PLACES = 4, PROMPT = 60, ANSWER = 60, FIRST = 5 };

/* ---- requests that are told without a lock ---- */

static sem_t ended;
static atomic_int tokens, open_requests;

/* From the fifth token on, until the last request ends. */
static void note_event(void *argument, const struct generation_event *event)
{
    if (event->token >= 0 && atomic_fetch_add(&tokens, 1) + 1 == FIRST)
        atomic_store(&watching, true);
    if (event->end == END_NONE) return;
    assert_int_equal(event->end, END_LENGTH);
    if (atomic_fetch_sub(&open_requests, 1) == 1) atomic_store(&watching, false);
    sem_post(&ended);
}

static struct generation *submit_nth(struct engine *engine, int n, struct constraint *constraint)
{
    int32_t prompt[PROMPT];
    for (int i = 0; i < PROMPT; i++) prompt[i] = 300 + (i * 37 + (i > PROMPT / 2) * n * 11) % 1000;
    struct generation_request request = {
        .prompt = prompt,
        .prompt_count = PROMPT,
        .max_tokens = ANSWER,
        .ignore_end = true,
        .top_logprobs = n % 2 ? 3 : -1,
        .stop = {TEXT("never written")},
        .stop_count = 1,
        .on_event = note_event,
    };
    sampling_defaults(&request.sampling);
    request.sampling.seed = (uint64_t)n;
    request.sampling.temperature = n % 3 ? 0.8f : 0;
    request.sampling.repetition_penalty = n % 4 ? 1 : 1.1f;
    struct generation *generation;
    struct fault fault;
    if (constraint) assert_ok(matcher_new(&request.matcher, constraint, &fault), &fault);
    assert_ok(engine_submit(engine, &request, &generation, &fault), &fault);
    return generation;
}

/* All requests at once. */
static void answer_all(struct engine *engine, struct constraint *constraint)
{
    struct generation *generations[REQUESTS];
    sem_init(&ended, 0, 0);
    atomic_store(&tokens, 0);
    atomic_store(&open_requests, REQUESTS);
    struct told *hold = engine_hold(engine);
    for (int i = 0; i < REQUESTS; i++) generations[i] = submit_nth(engine, i, constraint);
    engine_release(hold);
    for (int i = 0; i < REQUESTS; i++)
        while (sem_wait(&ended) != 0) continue;
    assert_int_equal(atomic_load(&tokens), REQUESTS * ANSWER);
    for (int i = 0; i < REQUESTS; i++) generation_release(generations[i]);
    expect_idle(engine);
}

/* The disk takes its time. */
static struct engine_counters await_spilled(struct engine *engine)
{
    struct engine_counters counters;
    for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
        engine_counters(engine, &counters);
        if (counters.kv_pages_spilled > 0) return counters;
        usleep(1000);
    }
    fail_msg("no page went to disk in %d s", PATIENCE_S);
    return counters;
}

static void the_engine_neither_allocates_nor_locks(void **state)
{
    char folder[] = "/tmp/liminal-steady-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    struct engine *engine = open_engine(&(struct engine_options){
        .sequences = PLACES, .spill_bytes = 1 << 26, .spill_folder = folder});
    is_not_watched = true; /* who asks may allocate */
    answer_all(engine, NULL);
    expect_nothing_counted();
    struct engine_counters counters = await_spilled(engine);
    assert_true(counters.cached_tokens > 0); /* the fifth request came after the first had begun */
    engine_close(engine);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

/* Sequences are parked while their drafts, by a model, are verified. */
static void drafts_and_parking_neither_allocate_nor_lock(void **state)
{
    char path[512];
    test_model_path(path, sizeof path, "stories15m.gguf");
    struct engine *engine = open_default();
    size_t page_bytes = engine_model(engine)->kv_page_bytes + 64; /* with its books */
    engine_close(engine);
    engine = open_engine(&(struct engine_options){.context_length = PROMPT + ANSWER,
                                                  .kv_budget_bytes = 16 * page_bytes,
                                                  .speculation = SPECULATION_ALWAYS,
                                                  .draft_model = path});
    is_not_watched = true;
    answer_all(engine, NULL);
    expect_nothing_counted();
    struct engine_counters counters = counters_of(engine);
    assert_true(counters.accepted_tokens > 0);
    assert_true(counters.preempted > 0);
    engine_close(engine);
}

/* Masks that no answer needed before are found and kept: that allocates, the first time. */
static void masks_that_are_known_neither_allocate_nor_lock(void **state)
{
    struct engine *engine =
        open_engine(&(struct engine_options){.speculation = SPECULATION_ALWAYS});
    struct fault fault;
    struct grammar *grammar;
    struct constraint *constraint;
    grammar_part root;
    assert_ok(grammar_new(&grammar, &fault), &fault);
    assert_ok(grammar_add_gbnf(
                  grammar,
                  TEXT("root ::= item{200,}\n" /* more than an answer has tokens */
                       "item ::= \" \" [a-z]{1,9} \",\" | \"(\" item \")\" | [0-9]+ \".\"\n"),
                  &root, &fault),
              &fault);
    grammar_set_root(grammar, root);
    assert_ok(grammar_finish(grammar, &fault), &fault);
    assert_ok(constraint_new(&constraint, grammar, engine_token_trie(engine), &fault), &fault);
    is_not_watched = true;
    answer_all(engine, constraint);
    atomic_store(&allocations, 0);
    answer_all(engine, constraint); /* the same seeds, the same texts */
    expect_nothing_counted();
    constraint_release(constraint);
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_watched_for_is_seen),
        cmocka_unit_test(the_engine_neither_allocates_nor_locks),
        cmocka_unit_test(drafts_and_parking_neither_allocate_nor_lock),
        cmocka_unit_test(masks_that_are_known_neither_allocate_nor_lock),
    };
    return cmocka_run_group_tests(tests, open_compute, close_compute);
}
