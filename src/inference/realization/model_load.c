/* model_load.c - see model_load.h. */
#include "inference/realization/model_load.h"

#include <sys/resource.h>
#include <unistd.h>

#include "compute/compute.h"
#include "model/model.h"

enum {
    LOADING_NICE = 10,    /* a tenth of the weight of the threads that compute */
    LOADING_TURN_COST = 4 /* a fifth of the time, beside one busy engine */
};

/* Who has the turn gives way here to an engine that has had less time. */
static void enter_piece(void *argument)
{
    struct model_load *load = argument;
    turns_take(load->turns, &load->taker);
}

static void leave_piece(void *argument)
{
    struct model_load *load = argument;
    turns_leave(load->turns, &load->taker);
}

static void note_progress(void *argument, double done)
{
    struct model_load *load = argument;
    atomic_store(&load->progress, done);
}

static enum status open_model(struct model_load *load)
{
    const struct model_options options = {
        .context_length = load->context_length,
        .progress = note_progress,
        .progress_argument = load,
        .abandoned = &load->abandoned,
    };
    return model_open(&load->model, load->compute, load->path, &options, &load->fault);
}

static void *run(void *argument)
{
    struct model_load *load = argument;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), LOADING_NICE); /* only politeness is lost */
    load->status = open_model(load);
    if (load->status != OK) load->model = NULL;
    load->ended(load->argument);
    return NULL;
}

/* Threads inherit the niceness of the one that starts them: those that pack are started here, and
 * must not be slow while they have the turn. The loading thread is one more than the cores, and
 * helps them when it can. */
static enum status start(struct model_load *load, struct fault *fault)
{
    const struct compute_options options = {
        .threads = load->threads + 1,
        .gate = {.enter = enter_piece, .leave = leave_piece, .argument = load},
    };
    TRY(compute_open(&load->compute, &options, fault));
    if (pthread_create(&load->thread, NULL, run, load) == 0) return OK;
    compute_close(load->compute);
    return fault_set(fault, STATUS_NO_MEMORY, "cannot start a thread that loads");
}

enum status model_load_start(struct model_load *load, struct fault *fault)
{
    atomic_store(&load->progress, 0);
    atomic_store(&load->abandoned, false);
    load->model = NULL;
    turn_taker_init(&load->taker);
    load->taker.cost = LOADING_TURN_COST;
    enum status status = start(load, fault);
    if (status != OK) turn_taker_deinit(&load->taker);
    return status;
}

void model_load_join(struct model_load *load)
{
    pthread_join(load->thread, NULL);
    turn_taker_deinit(&load->taker);
}
