/* compute.c - opens the machine: threads and kernels. */
#include <stdlib.h>
#include <string.h>

#include "compute/cpu/cpu.h"
#include "platform/platform.h"

enum status compute_open(struct compute **out, const struct compute_options *options,
                         struct fault *fault)
{
    unsigned threads = options->threads ? options->threads : machine_cores();
    if (threads > THREAD_POOL_MAX)
        return fault_set_param(fault, STATUS_INVALID, "threads", "at most %d threads",
                               THREAD_POOL_MAX);
    const struct kernels *kernels = kernels_choose(options->isa);
    if (!kernels)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "isa",
                               "this processor lacks the instruction set asked for");
    struct compute *compute = aligned_alloc(64, sizeof *compute);
    if (!compute) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the compute threads");
    memset(compute, 0, sizeof *compute);
    compute->kernels = kernels;
    compute->gate = options->gate;
    kernels->prepare();
    enum status status = thread_pool_new(&compute->pool, threads, fault);
    if (status == OK) status = attention_init(compute, fault);
    if (status != OK) {
        compute_close(compute);
        return status;
    }
    *out = compute;
    return OK;
}

void compute_close(struct compute *compute)
{
    if (!compute) return;
    thread_pool_free(compute->pool);
    multiply_deinit(compute);
    attention_deinit(compute);
    free(compute);
}

unsigned compute_threads(const struct compute *compute)
{
    return thread_pool_threads(compute->pool);
}

const char *compute_isa_name(const struct compute *compute)
{
    return compute->kernels->name;
}

void compute_parallel(struct compute *compute, void (*work)(void *, unsigned, unsigned),
                      void *argument)
{
    thread_pool_run(compute->pool, work, argument);
}
