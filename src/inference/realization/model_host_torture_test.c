/* model_host_torture_test.c - every allocation of a host fails in turn, in the thread that asks and
 * in those that load: a request may be refused then, but nothing is lost, the host lives on, and
 * the next request gets its model. */
#include "inference/realization/model_host_test_support.h"

#include "base/test_failing_malloc.h"

/* One whole life: open, load on demand, speak, close. OK or STATUS_NO_MEMORY and its kin. */
static enum status live(struct fault *fault)
{
    struct model_host *host = NULL;
    const struct model_wish wish = wish_for("alpha");
    TRY(open_host_with(&host, (struct model_host_options){.keep_ms = -1}, fault));
    struct model_lease *lease = lease_of(host, &wish, fault);
    if (lease) (void)speak(lease, 3);
    model_lease_release(lease);
    model_host_close(host);
    return lease ? OK : fault->status;
}

static void check_outcome(enum status status, const struct fault *fault)
{
    if (status == OK || status == STATUS_NO_MEMORY || status == STATUS_UNAVAILABLE) return;
    fail_msg("%s: %s", status_name(status), fault->message);
}

static void fail_each(enum tortured who)
{
#ifdef SANITIZED
    skip();
#endif
    int failures = 0;
    for (int index = 0;; index++) {
        struct fault fault = {0};
        malloc_torture(who, index, false);
        enum status status = live(&fault);
        bool was_reached = malloc_relent() > index;
        check_outcome(status, &fault);
        failures += status != OK;
        if (!was_reached) break;
    }
    assert_true(failures > 0);
}

static void who_asks_runs_out_of_memory(void **state)
{
    fail_each(TORTURE_TEST_THREAD);
}

static void who_loads_runs_out_of_memory(void **state)
{
    fail_each(TORTURE_OTHER_THREADS);
}

/* The same host after a load that failed for want of memory. */
static void the_next_request_may_try_again(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    struct model_host *host = open_host((struct model_host_options){.keep_ms = 0});
    const struct model_wish wish = wish_for("beta");
    struct fault fault;
    malloc_torture(TORTURE_OTHER_THREADS, 3, true);
    assert_null(lease_of(host, &wish, &fault));
    malloc_relent();
    assert_int_equal(fault.status, STATUS_UNAVAILABLE);
    struct model_lease *lease = lease_by_name(host, "beta");
    assert_true(speak(lease, 3) != 0);
    model_lease_release(lease);
    model_host_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_runs_out_of_memory),
        cmocka_unit_test(who_loads_runs_out_of_memory),
        cmocka_unit_test(the_next_request_may_try_again),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
