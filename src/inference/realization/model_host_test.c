/* model_host_test.c - real models come and go: on demand, by the rules of residency.h, while others
 * answer; and what fails, fails only for those who asked for it. */
#include "inference/realization/model_host_test_support.h"

static struct model_host_counters counters_of(struct model_host *host)
{
    struct model_host_counters counters;
    model_host_counters(host, &counters);
    return counters;
}

static void a_model_is_loaded_when_it_is_named(void **state)
{
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    const struct model_wish wish = wish_for("beta");
    struct model_lease *lease, *again;
    struct fault fault;
    assert_int_equal(state_of(host, "beta"), RESIDENT_ABSENT);
    assert_ok(model_host_take(host, &wish, &lease, &fault), &fault);
    assert_null(lease); /* not there yet */
    lease = lease_by_name(host, "beta");
    assert_string_equal(lease->name, "beta");
    assert_true(speak(lease, 5) != 0);
    assert_ok(model_host_take(host, &wish, &again, &fault), &fault);
    assert_ptr_equal(again, lease); /* now it is */
    model_lease_release(again);
    assert_ptr_equal(model_lease_share(lease), lease);
    model_lease_release(lease);
    model_lease_release(lease);
    assert_int_equal(state_of(host, "beta"), RESIDENT_READY); /* for ever */
    assert_int_equal(counters_of(host).loads, 1);
    model_host_close(host);
}

/* The server's setting is for models that can do it. */
static void a_longer_context_than_the_model_has_is_no_failure(void **state)
{
    struct model_host *host = open_host(
        (struct model_host_options){.keep_ms = -1, .engine = {.context_length = 1 << 20}});
    struct model_lease *lease = lease_by_name(host, "alpha");
    assert_int_equal(engine_context_length(lease->engine),
                     engine_model(lease->engine)->context_length);
    model_lease_release(lease);
    model_host_close(host);
}

static void what_is_not_there_is_refused_with_what_is(void **state)
{
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    const struct model_wish wish = wish_for("delta");
    struct model_lease *lease;
    struct fault fault;
    assert_status(model_host_take(host, &wish, &lease, &fault), STATUS_NOT_FOUND);
    assert_string_equal(fault.param, "model");
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) assert_contains(fault.message, NAMES[i]);
    struct waiter waiter;
    await(host, &wish, &waiter);
    assert_null(outcome(&waiter));
    assert_int_equal(waiter.ticket.fault.status, STATUS_NOT_FOUND);
    model_host_close(host);
}

static void an_idle_model_goes_and_comes_back_the_same(void **state)
{
    struct model_host *host = open_host((struct model_host_options){.keep_ms = 30});
    struct model_lease *lease = lease_by_name(host, "alpha");
    uint64_t said = speak(lease, 8);
    pause_ms(100); /* in use it stays */
    assert_int_equal(state_of(host, "alpha"), RESIDENT_READY);
    model_lease_release(lease);
    await_state(host, "alpha", RESIDENT_ABSENT);
    assert_int_equal(counters_of(host).bytes, 0);
    lease = lease_by_name(host, "alpha");
    assert_true(said != 0);
    assert_int_equal(speak(lease, 8), said);
    model_lease_release(lease);
    await_state(host, "alpha", RESIDENT_ABSENT);
    assert_int_equal(counters_of(host).unloads, 2);
    model_host_close(host);
}

static void a_request_may_say_how_long(void **state)
{
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    struct model_wish wish = wish_for("alpha");
    struct fault fault;
    wish.keep_ms = 0;
    struct model_lease *lease = lease_of(host, &wish, &fault);
    assert_non_null(lease);
    model_lease_release(lease);
    await_state(host, "alpha", RESIDENT_ABSENT);
    model_host_close(host);
}

static void the_one_used_longest_ago_makes_room(void **state)
{
    struct model_host *host =
        open_host((struct model_host_options){.keep_ms = -1, .models_max = 2});
    model_lease_release(lease_by_name(host, "alpha"));
    pause_ms(5);
    model_lease_release(lease_by_name(host, "beta"));
    pause_ms(5);
    model_lease_release(lease_by_name(host, "alpha"));
    model_lease_release(lease_by_name(host, "gamma"));
    assert_int_equal(state_of(host, "beta"), RESIDENT_ABSENT);
    assert_int_equal(state_of(host, "alpha"), RESIDENT_READY);
    assert_int_equal(state_of(host, "gamma"), RESIDENT_READY);
    model_host_close(host);
}

/* A host with room for one model, which is in use, while somebody waits for "beta". */
struct full_host {
    struct model_host *host;
    struct model_lease *alpha;
    struct waiter waiter;
};

static void full_host_open(struct full_host *full)
{
    full->host = open_host((struct model_host_options){.keep_ms = -1, .models_max = 1});
    full->alpha = lease_by_name(full->host, "alpha");
    const struct model_wish wish = wish_for("beta");
    await(full->host, &wish, &full->waiter);
}

/* Nobody in use is unloaded: who wants another model waits until one is given back. */
static void a_model_in_use_stays(void **state)
{
    struct full_host full;
    full_host_open(&full);
    pause_ms(50);
    assert_int_equal(sem_trywait(&full.waiter.told), -1);
    assert_int_equal(state_of(full.host, "beta"), RESIDENT_WANTED);
    assert_true(speak(full.alpha, 5) != 0);
    model_lease_release(full.alpha);
    struct model_lease *beta = outcome(&full.waiter);
    assert_non_null(beta);
    assert_int_equal(state_of(full.host, "alpha"), RESIDENT_ABSENT);
    model_lease_release(beta);
    model_host_close(full.host);
}

static void what_cannot_fit_says_both_numbers(void **state)
{
    struct model_host *host =
        open_host((struct model_host_options){.keep_ms = -1, .budget_bytes = 1000000});
    const struct model_wish wish = wish_for("alpha");
    struct fault fault;
    assert_null(lease_of(host, &wish, &fault));
    assert_int_equal(fault.status, STATUS_NO_MEMORY);
    assert_contains(fault.message, "takes about 2 MB");
    assert_contains(fault.message, "of the 1 MB");
    model_host_close(host);
}

static void a_damaged_file_fails_only_those_who_want_it(void **state)
{
    char path[128];
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    struct model_lease *alpha = lease_by_name(host, "alpha");
    const struct model_wish wish = wish_for("damaged");
    struct waiter waiters[3];
    struct fault fault;
    path_of(path, sizeof path, "damaged");
    assert_ok(file_write_atomic(path, "GGUF and nonsense", 17, 0600, &fault), &fault);
    for (size_t i = 0; i < ARRAY_COUNT(waiters); i++) await(host, &wish, &waiters[i]);
    for (size_t i = 0; i < ARRAY_COUNT(waiters); i++) {
        assert_null(outcome(&waiters[i]));
        assert_int_equal(waiters[i].ticket.fault.status, STATUS_UNAVAILABLE);
        assert_contains(waiters[i].ticket.fault.message,
                        "the model damaged cannot be loaded: its file has");
        assert_null(strchr(waiters[i].ticket.fault.message, '/')); /* no path of this machine */
    }
    assert_true(speak(alpha, 5) != 0);
    assert_true(counters_of(host).load_failures >= 1);
    make_model("tiny-llama", "damaged"); /* mended: the next request may try again */
    struct model_lease *mended = lease_by_name(host, "damaged");
    assert_true(speak(mended, 5) != 0);
    model_lease_release(mended);
    model_lease_release(alpha);
    model_host_close(host);
    unlink(path);
}

static void a_file_that_was_replaced_is_used_at_the_next_load(void **state)
{
    char path[128];
    make_model("tiny-llama", "changing");
    struct model_host *host = open_host((struct model_host_options){.keep_ms = 0});
    struct model_lease *lease = lease_by_name(host, "changing");
    path_of(path, sizeof path, "changing");
    unlink(path); /* as renaming another over it does: who has it open keeps it */
    make_model("tiny-qwen3", "changing");
    assert_string_equal(engine_model(lease->engine)->architecture, "llama");
    assert_true(speak(lease, 5) != 0);
    model_lease_release(lease);
    await_state(host, "changing", RESIDENT_ABSENT);
    lease = lease_by_name(host, "changing");
    assert_string_equal(engine_model(lease->engine)->architecture, "qwen3");
    model_lease_release(lease);
    model_host_close(host);
    unlink(path);
}

static void the_line_before_a_load_is_bounded(void **state)
{
    struct model_host *host =
        open_host((struct model_host_options){.keep_ms = -1, .models_max = 1, .ticket_limit = 2});
    struct model_lease *alpha = lease_by_name(host, "alpha");
    const struct model_wish wish = wish_for("beta");
    struct waiter waiters[3];
    for (size_t i = 0; i < 3; i++) await(host, &wish, &waiters[i]);
    assert_null(outcome(&waiters[2]));
    assert_int_equal(waiters[2].ticket.fault.status, STATUS_UNAVAILABLE);
    assert_contains(waiters[2].ticket.fault.message, "2 requests wait");
    assert_true(waiters[2].ticket.retry_after_s >= 1);
    assert_int_equal(counters_of(host).refused, 1);
    model_lease_release(alpha);
    for (size_t i = 0; i < 2; i++) model_lease_release(outcome(&waiters[i]));
    model_host_close(host);
}

static void nothing_is_loaded_for_nobody(void **state)
{
    struct full_host full;
    full_host_open(&full);
    atomic_store(&full.waiter.is_void, true); /* its client has left */
    model_lease_release(full.alpha);
    assert_null(outcome(&full.waiter));
    assert_int_equal(state_of(full.host, "alpha"), RESIDENT_READY);
    assert_int_equal(counters_of(full.host).loads, 1);
    model_host_close(full.host);
}

static void models_that_were_named_at_the_start_stay(void **state)
{
    char path[128];
    struct fault fault;
    make_model("tiny-bert", "vectors");
    struct model_host *host = open_host((struct model_host_options){.keep_ms = 0, .models_max = 2});
    path_of(path, sizeof path, "alpha");
    assert_null(model_host_main(host, USE_GENERATION));
    const struct model_preload alpha = {.name = "first", .path = path};
    assert_ok(model_host_preload(host, &alpha, &fault), &fault);
    assert_status(model_host_preload(host, &alpha, &fault), STATUS_CONFLICT);
    path_of(path, sizeof path, "vectors");
    const struct model_preload vectors = {.name = "vectors", .path = path};
    assert_ok(model_host_preload(host, &vectors, &fault), &fault);

    struct model_wish wish = wish_for("local-llm");
    struct model_lease *lease = lease_of(host, &wish, &fault);
    assert_string_equal(lease->name, "first");
    model_lease_release(lease);
    wish.use = USE_EMBEDDING;
    lease = lease_of(host, &wish, &fault);
    assert_string_equal(lease->name, "vectors");
    model_lease_release(lease);
    wish = wish_for("vectors"); /* for generating: */
    assert_null(lease_of(host, &wish, &fault));
    assert_int_equal(fault.status, STATUS_UNSUPPORTED);
    wish = wish_for("beta"); /* both places are taken for good */
    assert_null(lease_of(host, &wish, &fault));
    assert_int_equal(fault.status, STATUS_NO_MEMORY);
    assert_contains(fault.message, "--models-max");
    lease = model_host_main(host, USE_TOKENIZER);
    assert_string_equal(lease->name, "first");
    model_lease_release(lease);
    model_host_close(host);
    unlink(path);
}

/* Without a main model, "local-llm" is what the store says. */
static void the_alias_is_loaded_on_demand_too(void **state)
{
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    struct model_lease *lease = lease_by_name(host, "local-llm");
    assert_string_equal(lease->name, "alpha");
    model_lease_release(lease);
    model_host_close(host);
}

static void stopping_tells_those_who_wait(void **state)
{
    struct full_host full;
    struct model_lease *late;
    struct fault fault;
    full_host_open(&full);
    model_host_stop(full.host);
    assert_null(outcome(&full.waiter));
    assert_int_equal(full.waiter.ticket.fault.status, STATUS_STOPPING);
    const struct model_wish loaded = wish_for("alpha");
    assert_status(model_host_take(full.host, &loaded, &late, &fault), STATUS_STOPPING);
    assert_int_equal(speak(full.alpha, 3), 0);
    model_lease_release(full.alpha);
    model_host_close(full.host);
}

static void a_load_in_progress_does_not_outlive_the_host(void **state)
{
    for (unsigned pause = 0; pause < 6; pause++) {
        struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
        const struct model_wish wish = wish_for(NAMES[pause % ARRAY_COUNT(NAMES)]);
        struct waiter waiter;
        await(host, &wish, &waiter);
        pause_ms(pause);
        model_host_stop(host);
        model_lease_release(outcome(&waiter));
        model_host_close(host);
    }
}

/* ---- loading beside streams ---- */

enum { SPEECH = 20 };

struct speaker {
    const struct model_lease *lease;
    atomic_uint speeches;
    atomic_bool is_over;
};

static void *speak_on(void *argument)
{
    struct speaker *speaker = argument;
    while (!atomic_load(&speaker->is_over) && speak(speaker->lease, SPEECH) != 0)
        atomic_fetch_add(&speaker->speeches, 1);
    return NULL;
}

struct listener {
    struct waiter waiter; /* first */
    struct speaker *speaker;
    unsigned heard; /* speeches before the ticket was told */
};

static void on_told_listening(struct model_ticket *ticket)
{
    struct listener *listener = (struct listener *)ticket;
    listener->heard = atomic_load(&listener->speaker->speeches);
    on_told(ticket);
}

/* Packing takes turns with the steps, piece by piece: if it had one turn for all of its work, the
 * answer that is being written would end, and no other. */
static void streams_go_on_while_a_model_is_loaded(void **state)
{
    enum { MANY = 10 }; /* of some hundred */
    char path[128];
    make_model("smollm2-135m", "large");
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    struct speaker speaker = {.lease = lease_by_name(host, "alpha")};
    struct listener listener = {.speaker = &speaker};
    const struct model_wish wish = wish_for("large");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, speak_on, &speaker), 0);
    while (atomic_load(&speaker.speeches) < MANY) pause_ms(1);
    unsigned before = atomic_load(&speaker.speeches);
    listener.waiter.ticket = (struct model_ticket){.told = on_told_listening, .is_void = is_void};
    sem_init(&listener.waiter.told, 0, 0);
    model_host_await(host, &wish, &listener.waiter.ticket);
    model_lease_release(outcome(&listener.waiter));
    atomic_store(&speaker.is_over, true);
    pthread_join(thread, NULL);
    print_message("%u answers while a model was loaded\n", listener.heard - before);
    assert_true(listener.heard - before >= MANY);
    model_lease_release((struct model_lease *)speaker.lease);
    model_host_close(host);
    path_of(path, sizeof path, "large");
    unlink(path);
}

/* ---- many at once ---- */

enum { CLIENTS = 8, ROUNDS = 12 };

struct client {
    struct model_host *host;
    const uint64_t *expected;
    unsigned seed;
    int wrong;
};

static void *use_models(void *argument)
{
    struct client *client = argument;
    for (int round = 0; round < ROUNDS; round++) {
        client->seed = client->seed * 1664525u + 1013904223u;
        size_t which = (client->seed >> 16) % ARRAY_COUNT(NAMES);
        const struct model_wish wish = wish_for(NAMES[which]);
        struct fault fault;
        struct model_lease *lease = lease_of(client->host, &wish, &fault);
        if (!lease) {
            client->wrong++;
            continue;
        }
        if (strcmp(lease->name, NAMES[which]) != 0) client->wrong++;
        if (speak(lease, 6) != client->expected[which]) client->wrong++;
        model_lease_release(lease);
    }
    return NULL;
}

/* Eight clients want three models where there is room for two: all get what they asked for, and
 * what each model says is its own. */
static void everybody_is_served_in_the_end(void **state)
{
    uint64_t expected[ARRAY_COUNT(NAMES)];
    struct model_host *host = open_host((struct model_host_options){.keep_ms = -1});
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        struct model_lease *lease = lease_by_name(host, NAMES[i]);
        expected[i] = speak(lease, 6);
        assert_true(expected[i] != 0);
        model_lease_release(lease);
    }
    assert_true(expected[0] != expected[1] && expected[1] != expected[2]);
    model_host_close(host);

    host = open_host((struct model_host_options){.keep_ms = 1000, .models_max = 2});
    pthread_t threads[CLIENTS];
    struct client clients[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){host, expected, i + 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, use_models, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(clients[i].wrong, 0);
    }
    struct model_host_counters counters = counters_of(host);
    assert_true(counters.loads >= 3);
    assert_true(counters.loads - counters.unloads <= 2);
    assert_int_equal(counters.tickets, 0);
    model_host_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_loaded_when_it_is_named),
        cmocka_unit_test(a_longer_context_than_the_model_has_is_no_failure),
        cmocka_unit_test(what_is_not_there_is_refused_with_what_is),
        cmocka_unit_test(an_idle_model_goes_and_comes_back_the_same),
        cmocka_unit_test(a_request_may_say_how_long),
        cmocka_unit_test(the_one_used_longest_ago_makes_room),
        cmocka_unit_test(a_model_in_use_stays),
        cmocka_unit_test(what_cannot_fit_says_both_numbers),
        cmocka_unit_test(a_damaged_file_fails_only_those_who_want_it),
        cmocka_unit_test(a_file_that_was_replaced_is_used_at_the_next_load),
        cmocka_unit_test(the_line_before_a_load_is_bounded),
        cmocka_unit_test(nothing_is_loaded_for_nobody),
        cmocka_unit_test(models_that_were_named_at_the_start_stay),
        cmocka_unit_test(the_alias_is_loaded_on_demand_too),
        cmocka_unit_test(stopping_tells_those_who_wait),
        cmocka_unit_test(a_load_in_progress_does_not_outlive_the_host),
        cmocka_unit_test(streams_go_on_while_a_model_is_loaded),
        cmocka_unit_test(everybody_is_served_in_the_end),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
