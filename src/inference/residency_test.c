/* residency_test.c - the rules of residency.h, one by one with a clock that is handed in, and all
 * together under random events. */
#include "inference/residency.h"

#include <string.h>

#include "base/test_support.h"
#include "inference/keep_alive.h"

enum { KEEP_MS = 300000, PATIENCE_MS = 1000 };

static struct residency residency;

static int fresh(void **state)
{
    residency = (struct residency){
        .budget_bytes = 200, .places = 10, .keep_ms = KEEP_MS, .patience_ms = PATIENCE_MS};
    return 0;
}

#define assert_step(now_ms, wanted_act, wanted_model)                     \
    do {                                                                  \
        struct residency_step step_ = residency_next(&residency, now_ms); \
        assert_int_equal(step_.act, wanted_act);                          \
        assert_int_equal(step_.model, wanted_model);                      \
    } while (0)

static void assert_waits(int64_t now_ms, int64_t until_ms)
{
    struct residency_step step = residency_next(&residency, now_ms);
    assert_int_equal(step.act, RESIDENCY_WAIT);
    assert_int_equal(step.until_ms, until_ms);
}

/* Wanted, loaded, and given to the one who waits. */
static size_t load(uint64_t bytes, int64_t now_ms)
{
    size_t model = residency_add(&residency, bytes);
    residency_want(&residency, model, now_ms);
    assert_step(now_ms, RESIDENCY_LOAD, model);
    residency_loaded(&residency, model, bytes, now_ms);
    assert_step(now_ms, RESIDENCY_SERVE, model);
    assert_true(residency_take(&residency, model, KEEP_ALIVE_UNSET_MS, now_ms));
    residency_stop_wanting(&residency, model);
    return model;
}

static size_t load_idle(uint64_t bytes, int64_t now_ms)
{
    size_t model = load(bytes, now_ms);
    residency_give_back(&residency, model, now_ms);
    return model;
}

static void unload(size_t model, int64_t now_ms)
{
    assert_step(now_ms, RESIDENCY_UNLOAD, model);
    residency_closed(&residency, model, now_ms);
}

static void nothing_to_do(void **state)
{
    assert_waits(0, RESIDENCY_NEVER);
    residency_add(&residency, 100);
    assert_waits(5, RESIDENCY_NEVER);
    assert_int_equal(residency_bytes(&residency), 0);
}

static void an_idle_model_goes_when_its_time_is_over(void **state)
{
    size_t a = load(100, 10);
    assert_waits(20, RESIDENCY_NEVER); /* in use */
    residency_give_back(&residency, a, 50);
    assert_waits(60, 50 + KEEP_MS);
    assert_waits(49 + KEEP_MS, 50 + KEEP_MS);
    unload(a, 50 + KEEP_MS);
    assert_waits(50 + KEEP_MS, RESIDENCY_NEVER);
    assert_int_equal(residency.models[a].state, RESIDENT_ABSENT);
    assert_int_equal(residency_bytes(&residency), 0);
}

static void a_use_begins_the_time_anew(void **state)
{
    size_t a = load_idle(100, 0);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 100));
    residency_share(&residency, a);
    residency_give_back(&residency, a, 200);
    assert_waits(200, RESIDENCY_NEVER);
    residency_give_back(&residency, a, 300);
    assert_waits(300, 300 + KEEP_MS);
}

static void a_request_says_how_long(void **state)
{
    size_t a = load_idle(100, 0);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_FOREVER_MS, 0));
    residency_give_back(&residency, a, 0);
    assert_waits(INT64_C(1) << 60, RESIDENCY_NEVER);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 7)); /* the server's again */
    residency_give_back(&residency, a, 7);
    assert_waits(7, 7 + KEEP_MS);
    assert_true(residency_take(&residency, a, INT64_MAX, 7)); /* no overflow */
    residency_give_back(&residency, a, 8);
    assert_waits(9, RESIDENCY_NEVER);
    assert_true(residency_take(&residency, a, 0, 10));
    assert_waits(10, RESIDENCY_NEVER);
    residency_give_back(&residency, a, 11);
    unload(a, 11);
}

static void the_one_used_longest_ago_makes_room(void **state)
{
    size_t a = load_idle(100, 0), b = load_idle(100, 1);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 2));
    residency_give_back(&residency, a, 3);
    size_t c = residency_add(&residency, 100);
    residency_want(&residency, c, 4);
    assert_step(4, RESIDENCY_UNLOAD, b);
    assert_waits(4, 3 + KEEP_MS < 4 + PATIENCE_MS ? 3 + KEEP_MS : 4 + PATIENCE_MS);
    residency_closed(&residency, b, 5);
    assert_step(5, RESIDENCY_LOAD, c);
    assert_int_equal(residency_bytes(&residency), 200); /* what loads counts */
}

static void places_are_as_good_as_bytes(void **state)
{
    residency.places = 2;
    size_t a = load_idle(1, 0);
    load_idle(1, 1);
    size_t c = residency_add(&residency, 1);
    residency_want(&residency, c, 2);
    unload(a, 2);
    assert_step(3, RESIDENCY_LOAD, c);
}

static void nobody_goes_when_it_would_not_help(void **state)
{
    size_t a = load_idle(50, 0);
    load(150, 1); /* in use */
    size_t c = residency_add(&residency, 100);
    residency_want(&residency, c, 2);
    assert_waits(2, 2 + PATIENCE_MS);
    assert_int_equal(residency.models[a].state, RESIDENT_READY);
}

static void a_model_in_use_drains_when_others_have_waited(void **state)
{
    size_t a = load(100, 0), b = load(100, 1);
    size_t c = residency_add(&residency, 100);
    residency_want(&residency, c, 10);
    assert_waits(10, 10 + PATIENCE_MS);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 11)); /* not yet */
    assert_waits(10 + PATIENCE_MS, RESIDENCY_NEVER);
    assert_false(residency_take(&residency, b, KEEP_ALIVE_UNSET_MS, 1011)); /* longest ago */
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 1011));
    residency_want(&residency, b, 1011); /* its new requests come after c's */
    assert_waits(1012, RESIDENCY_NEVER);
    residency_give_back(&residency, b, 1013);
    unload(b, 1013);
    assert_step(1013, RESIDENCY_LOAD, c);
    residency_loaded(&residency, c, 100, 1014);
    assert_step(1014, RESIDENCY_SERVE, c);
    assert_true(residency_take(&residency, c, KEEP_ALIVE_UNSET_MS, 1014));
    residency_stop_wanting(&residency, c);
    assert_int_equal(residency.models[b].state, RESIDENT_WANTED);
}

static void a_drain_that_is_not_needed_any_more_ends(void **state)
{
    size_t a = load(100, 0);
    load(100, 1);
    size_t c = residency_add(&residency, 100);
    residency_want(&residency, c, 10);
    assert_waits(2000, RESIDENCY_NEVER);
    assert_false(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 2000));
    residency_want(&residency, a, 2000);
    residency_stop_wanting(&residency, c); /* its client has left */
    assert_step(2001, RESIDENCY_SERVE, a);
    assert_true(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, 2001));
}

static void a_pinned_model_stays(void **state)
{
    size_t a = residency_add(&residency, 150);
    residency_pin(&residency, a, 0);
    assert_waits(INT64_C(1) << 50, RESIDENCY_NEVER);
    assert_true(residency_take(&residency, a, 0, 1));
    residency_give_back(&residency, a, 2);
    assert_waits(3, RESIDENCY_NEVER);
    assert_int_equal(residency_pinned_bytes(&residency), 150);
    size_t b = residency_add(&residency, 60);
    residency_want(&residency, b, 4);
    assert_step(4, RESIDENCY_REFUSE, b);
    residency_stop_wanting(&residency, b);
    assert_waits(5, RESIDENCY_NEVER);
    residency_remove(&residency, b);
    size_t c = residency_add(&residency, 50);
    residency_want(&residency, c, 6);
    assert_step(6, RESIDENCY_LOAD, c);
}

static void one_model_is_loaded_at_a_time(void **state)
{
    size_t a = residency_add(&residency, 10), b = residency_add(&residency, 10);
    residency_want(&residency, b, 0);
    residency_want(&residency, a, 1);
    assert_step(1, RESIDENCY_LOAD, b);
    assert_waits(1, RESIDENCY_NEVER);
    residency_load_failed(&residency, b);
    residency_stop_wanting(&residency, b);
    assert_step(2, RESIDENCY_LOAD, a);
    residency_want(&residency, b, 3); /* the next request may try again */
    residency_loaded(&residency, a, 10, 3);
    assert_step(3, RESIDENCY_SERVE, a);
    residency_stop_wanting(&residency, a);
    assert_step(4, RESIDENCY_LOAD, b);
}

static void a_model_that_was_wanted_while_it_closed_comes_back(void **state)
{
    size_t a = load_idle(100, 0);
    assert_step(KEEP_MS, RESIDENCY_UNLOAD, a);
    assert_false(residency_take(&residency, a, KEEP_ALIVE_UNSET_MS, KEEP_MS));
    residency_want(&residency, a, KEEP_MS);
    residency_closed(&residency, a, KEEP_MS + 1);
    assert_step(KEEP_MS + 1, RESIDENCY_LOAD, a);
}

/* Estimates may be wrong, and caches grow: what nobody uses goes until it fits. */
static void growth_beyond_the_budget_unloads_idle_models(void **state)
{
    size_t a = load_idle(50, 0), b = load(100, 1);
    residency_resize(&residency, b, 180);
    unload(a, 2);
    assert_waits(3, RESIDENCY_NEVER); /* b is in use */
}

static void the_table_is_bounded(void **state)
{
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) assert_int_equal(residency_add(&residency, 1), i);
    assert_int_equal(residency_add(&residency, 1), RESIDENCY_NOBODY);
    residency_remove(&residency, 7);
    assert_int_equal(residency_add(&residency, 1), 7);
}

/* ---- all together ---- */

enum { MODELS = 6, ROUNDS = 200000 };

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

struct world {
    uint32_t seed;
    int64_t now_ms;
    size_t loading, closing; /* RESIDENCY_NOBODY: none */
    uint32_t leases[MODELS];
    int64_t waiting_since_ms[MODELS]; /* -1: nobody waits */
    int64_t longest_wait_ms;
    size_t served;
};

static void check_rules(const struct world *world)
{
    size_t in_memory = 0;
    for (size_t i = 0; i < MODELS; i++) {
        const struct resident *m = &residency.models[i];
        assert_int_equal(m->leases, world->leases[i]);
        if (m->leases > 0) assert_int_equal(m->state, RESIDENT_READY);
        in_memory += m->state >= RESIDENT_LOADING;
    }
    assert_true(residency_bytes(&residency) <= residency.budget_bytes);
    assert_true(in_memory <= residency.places);
}

static void serve(struct world *world, size_t model)
{
    assert_true(residency_take(&residency, model, KEEP_ALIVE_UNSET_MS, world->now_ms));
    world->leases[model]++;
    int64_t waited_ms = world->now_ms - world->waiting_since_ms[model];
    if (waited_ms > world->longest_wait_ms) world->longest_wait_ms = waited_ms;
    world->waiting_since_ms[model] = -1;
    residency_stop_wanting(&residency, model);
    world->served++;
}

static void obey(struct world *world)
{
    for (;;) {
        struct residency_step step = residency_next(&residency, world->now_ms);
        check_rules(world);
        switch (step.act) {
        case RESIDENCY_WAIT: assert_true(step.until_ms > world->now_ms); return;
        case RESIDENCY_SERVE: serve(world, step.model); break;
        case RESIDENCY_LOAD: world->loading = step.model; break;
        case RESIDENCY_UNLOAD:
            assert_int_equal(world->leases[step.model], 0);
            world->closing = step.model;
            residency_closed(&residency, step.model, world->now_ms);
            break;
        case RESIDENCY_REFUSE: fail_msg("each of them fits alone"); break;
        }
    }
}

static void ask_for(struct world *world, size_t model)
{
    if (residency_take(&residency, model, KEEP_ALIVE_UNSET_MS, world->now_ms)) {
        world->leases[model]++;
    } else {
        residency_want(&residency, model, world->now_ms);
        if (world->waiting_since_ms[model] < 0) world->waiting_since_ms[model] = world->now_ms;
    }
}

static void end_load(struct world *world)
{
    if (next_random(&world->seed) % 8) {
        residency_loaded(&residency, world->loading, residency.models[world->loading].bytes,
                         world->now_ms);
    } else {
        residency_load_failed(&residency, world->loading);
        residency_stop_wanting(&residency, world->loading);
        world->waiting_since_ms[world->loading] = -1;
    }
    world->loading = RESIDENCY_NOBODY;
}

/* Under any order of events: no more in memory than allowed, nobody closed while in use, and nobody
 * waits for ever, though the models are asked for without pause. */
static void the_rules_hold_whatever_happens(void **state)
{
    static const uint64_t BYTES[MODELS] = {60, 80, 100, 120, 20, 200};
    struct world world = {.seed = 1, .loading = RESIDENCY_NOBODY, .closing = RESIDENCY_NOBODY};
    residency.places = 3;
    residency.keep_ms = 400;
    for (size_t i = 0; i < MODELS; i++) {
        assert_int_equal(residency_add(&residency, BYTES[i]), i);
        world.waiting_since_ms[i] = -1;
    }
    for (int round = 0; round < ROUNDS; round++) {
        size_t model = next_random(&world.seed) % MODELS;
        world.now_ms += next_random(&world.seed) % 20;
        switch (next_random(&world.seed) % 4) {
        case 0: ask_for(&world, model); break;
        case 1:
        case 2:
            if (!world.leases[model]) break;
            world.leases[model]--;
            residency_give_back(&residency, model, world.now_ms);
            break;
        default:
            if (world.loading != RESIDENCY_NOBODY) end_load(&world);
        }
        obey(&world);
    }
    assert_true(world.served > ROUNDS / 100);
    assert_true(world.longest_wait_ms < 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_to_do, fresh),
        cmocka_unit_test_setup(an_idle_model_goes_when_its_time_is_over, fresh),
        cmocka_unit_test_setup(a_use_begins_the_time_anew, fresh),
        cmocka_unit_test_setup(a_request_says_how_long, fresh),
        cmocka_unit_test_setup(the_one_used_longest_ago_makes_room, fresh),
        cmocka_unit_test_setup(places_are_as_good_as_bytes, fresh),
        cmocka_unit_test_setup(nobody_goes_when_it_would_not_help, fresh),
        cmocka_unit_test_setup(a_model_in_use_drains_when_others_have_waited, fresh),
        cmocka_unit_test_setup(a_drain_that_is_not_needed_any_more_ends, fresh),
        cmocka_unit_test_setup(a_pinned_model_stays, fresh),
        cmocka_unit_test_setup(one_model_is_loaded_at_a_time, fresh),
        cmocka_unit_test_setup(a_model_that_was_wanted_while_it_closed_comes_back, fresh),
        cmocka_unit_test_setup(growth_beyond_the_budget_unloads_idle_models, fresh),
        cmocka_unit_test_setup(the_table_is_bounded, fresh),
        cmocka_unit_test_setup(the_rules_hold_whatever_happens, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
