/* model_load.c - see model_load.h. */
#include "inference/realization/model_load.h"

#include <sys/resource.h>
#include <unistd.h>

#include "compute/compute.h"
#include "model/model.h"

/* A tenth of the weight of a thread of normal niceness: packing ends some time also on a busy
 * machine, and the steps of the others hardly notice. */
enum { LOADING_NICE = 10 };

static void note_progress(void *argument, double done)
{
    struct model_load *load = argument;
    atomic_store(&load->progress, done);
}

static enum status open_model(struct model_load *load)
{
    const struct compute_options compute_options = {.threads = load->threads};
    TRY(compute_open(&load->compute, &compute_options, &load->fault));
    const struct model_options options = {
        .context_length = load->context_length,
        .progress = note_progress,
        .progress_argument = load,
        .abandoned = &load->abandoned,
    };
    return model_open(&load->model, load->compute, load->path, &options, &load->fault);
}

/* Threads inherit the niceness of the one that starts them, so this goes for all that pack. */
static void *run(void *argument)
{
    struct model_load *load = argument;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), LOADING_NICE); /* only politeness is lost */
    load->status = open_model(load);
    if (load->status != OK) {
        compute_close(load->compute);
        load->compute = NULL;
        load->model = NULL;
    }
    load->ended(load->argument);
    return NULL;
}

enum status model_load_start(struct model_load *load, struct fault *fault)
{
    atomic_store(&load->progress, 0);
    atomic_store(&load->abandoned, false);
    load->compute = NULL;
    load->model = NULL;
    if (pthread_create(&load->thread, NULL, run, load) == 0) return OK;
    return fault_set(fault, STATUS_NO_MEMORY, "cannot start a thread that loads");
}

void model_load_join(struct model_load *load)
{
    pthread_join(load->thread, NULL);
}
