/* answer.c - a mailbox between the engine's thread and the caller's. */
#include "app/chat/answer.h"

#include <pthread.h>
#include <time.h>

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buffer text; /* that was not shown yet */
    struct answer_summary summary;
    struct fault fault;
};

/* On the engine's thread. */
static void take_event(void *argument, const struct generation_event *event)
{
    struct mailbox *box = argument;
    pthread_mutex_lock(&box->lock);
    buffer_append_text(&box->text, event->text);
    box->summary = (struct answer_summary){
        .end = event->end,
        .prompt_tokens = event->prompt_tokens,
        .completion_tokens = event->completion_tokens,
        .cached_tokens = event->cached_tokens,
        .prefill_ns = event->prefill_ns,
        .decode_ns = event->decode_ns,
    };
    if (event->end == END_ERROR && event->fault) box->fault = *event->fault;
    pthread_cond_signal(&box->changed);
    pthread_mutex_unlock(&box->lock);
}

/* A signal does not end the wait for a condition, so look up from it now and then. */
static void wait_a_moment(struct mailbox *box)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50 * 1000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&box->changed, &box->lock, &until);
}

static void wait_for_end(struct mailbox *box, struct engine *engine, struct generation *generation,
                         void (*show)(void *argument, struct text text), void *argument,
                         const volatile sig_atomic_t *stop)
{
    struct buffer shown;
    buffer_init(&shown);
    bool cancelled = false;
    enum generation_end end = END_NONE;
    while (end == END_NONE) {
        pthread_mutex_lock(&box->lock);
        if (!box->text.length && box->summary.end == END_NONE) wait_a_moment(box);
        struct buffer fresh = box->text;
        box->text = shown;
        end = box->summary.end;
        pthread_mutex_unlock(&box->lock);
        if (fresh.length) show(argument, buffer_text(&fresh));
        buffer_clear(&fresh);
        shown = fresh;
        if (*stop && !cancelled && end == END_NONE) {
            engine_cancel(engine, generation);
            cancelled = true;
        }
    }
    buffer_deinit(&shown);
}

enum status answer_run(struct engine *engine, struct generation_request *request,
                       void (*show)(void *argument, struct text text), void *argument,
                       const volatile sig_atomic_t *stop, struct answer_summary *summary,
                       struct fault *fault)
{
    struct mailbox box = {0};
    pthread_mutex_init(&box.lock, NULL);
    pthread_cond_init(&box.changed, NULL);
    buffer_init(&box.text);
    request->on_event = take_event;
    request->argument = &box;
    struct generation *generation;
    enum status status = engine_submit(engine, request, &generation, fault);
    if (status == OK) {
        wait_for_end(&box, engine, generation, show, argument, stop);
        generation_release(generation);
        *summary = box.summary;
        if (box.summary.end == END_ERROR) {
            status = box.fault.status != OK ? box.fault.status : STATUS_INTERNAL;
            fault_set(fault, status, "%s", box.fault.message);
        } else if (box.text.failed) {
            status = fault_set(fault, STATUS_NO_MEMORY, "out of memory");
        }
    }
    buffer_deinit(&box.text);
    pthread_cond_destroy(&box.changed);
    pthread_mutex_destroy(&box.lock);
    return status;
}
