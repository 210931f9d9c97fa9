/* attendant.c - see attendant.h. */
#include "gateway/adaptation/attendant.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct attendant {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct errand *first, *last;
    bool is_stopping;
    void (*tick)(void *argument);
    void *argument;
};

/* With the lock held; NULL: a second is over, or it is to stop. */
static struct errand *next_errand(struct attendant *attendant, const struct timespec *until)
{
    while (!attendant->first && !attendant->is_stopping)
        if (pthread_cond_timedwait(&attendant->wake, &attendant->lock, until) != 0) break;
    struct errand *errand = attendant->first;
    if (errand) attendant->first = errand->next;
    return errand;
}

static struct timespec in_a_second(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    return until;
}

static bool is_over(const struct timespec *until)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > until->tv_sec ||
           (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

static void *attend(void *argument)
{
    struct attendant *attendant = argument;
    struct timespec until = in_a_second();
    pthread_mutex_lock(&attendant->lock);
    for (;;) {
        struct errand *errand = next_errand(attendant, &until);
        if (!errand && attendant->is_stopping) break;
        pthread_mutex_unlock(&attendant->lock);
        if (errand) errand->run(errand);
        if (is_over(&until)) {
            attendant->tick(attendant->argument);
            until = in_a_second();
        }
        pthread_mutex_lock(&attendant->lock);
    }
    pthread_mutex_unlock(&attendant->lock);
    return NULL;
}

enum status attendant_open(struct attendant **out, void (*tick)(void *argument), void *argument,
                           struct fault *fault)
{
    struct attendant *attendant = calloc(1, sizeof *attendant);
    if (!attendant) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the gateway");
    attendant->tick = tick;
    attendant->argument = argument;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&attendant->lock, NULL);
    pthread_cond_init(&attendant->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&attendant->thread, NULL, attend, attendant) != 0) {
        pthread_cond_destroy(&attendant->wake);
        pthread_mutex_destroy(&attendant->lock);
        free(attendant);
        return fault_set(fault, STATUS_NO_MEMORY, "no thread for the gateway");
    }
    *out = attendant;
    return OK;
}

void attendant_close(struct attendant *attendant)
{
    if (!attendant) return;
    pthread_mutex_lock(&attendant->lock);
    attendant->is_stopping = true;
    pthread_cond_signal(&attendant->wake);
    pthread_mutex_unlock(&attendant->lock);
    pthread_join(attendant->thread, NULL);
    pthread_cond_destroy(&attendant->wake);
    pthread_mutex_destroy(&attendant->lock);
    free(attendant);
}

void attendant_send(struct attendant *attendant, struct errand *errand)
{
    errand->next = NULL;
    pthread_mutex_lock(&attendant->lock);
    if (attendant->first)
        attendant->last->next = errand;
    else
        attendant->first = errand;
    attendant->last = errand;
    pthread_cond_signal(&attendant->wake);
    pthread_mutex_unlock(&attendant->lock);
}
