/* turn_saver.c - see turn_saver.h. */
#include "conversations/realization/turn_saver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "platform/platform.h"

enum {
    SWEEP_MS = 60000, /* how often what dead servers left is looked for */
    BATCH_LIMIT = 64, /* turns of one transaction */
};

int64_t turn_lease_us(const struct conversations *conversations, int64_t now_us)
{
    return now_us + (int64_t)conversations->options.lease_ms * 1000;
}

static uint64_t after_ms(uint64_t ms)
{
    return clock_monotonic_ns() + ms * 1000000;
}

/* ---- the list ---- */

void turn_saver_add(struct turn *turn)
{
    struct turn_saver *saver = &turn->conversations->saver;
    pthread_mutex_lock(&saver->mutex);
    if (!saver->turns) { /* it was saved just now, by being begun */
        saver->next_save_ns = after_ms(turn->conversations->options.save_ms);
        pthread_cond_signal(&saver->changed);
    }
    turn->next = saver->turns;
    saver->turns = turn;
    pthread_mutex_unlock(&saver->mutex);
}

void turn_saver_wake(struct turn_saver *saver)
{
    saver->has_ended = true;
    pthread_cond_signal(&saver->changed);
}

static void remove_turn(struct turn_saver *saver, const struct turn *turn)
{
    pthread_mutex_lock(&saver->mutex);
    struct turn **at = &saver->turns;
    while (*at != turn) at = &(*at)->next;
    *at = turn->next;
    pthread_mutex_unlock(&saver->mutex);
}

static void turn_free(struct turn *turn)
{
    buffer_deinit(&turn->content);
    buffer_deinit(&turn->content_struct);
    buffer_deinit(&turn->meta);
    free(turn);
}

/* ---- one transaction ---- */

/* Turns as they were at one moment. */
struct batch {
    struct conversations *conversations;
    struct arena texts;
    struct snapshot {
        struct turn *turn;
        struct message message;
        bool has_ended;
    } items[BATCH_LIMIT];
    size_t count;
};

/* False without memory: next time. */
static bool take_snapshot(struct batch *batch, struct turn *turn)
{
    struct text content = buffer_text(&turn->content);
    struct snapshot *item = &batch->items[batch->count];
    *item = (struct snapshot){turn, turn->message, turn->ended_ns != 0};
    item->message.content =
        (struct text){arena_copy(&batch->texts, content.data ? content.data : "", content.length),
                      content.length};
    if (item->has_ended) { /* these do not change any more */
        item->message.content_struct = buffer_text(&turn->content_struct);
        item->message.meta = buffer_text(&turn->meta);
    }
    return item->message.content.data != NULL;
}

/* From *turn on: those that have ended, and the others too when it is their time. */
static void fill_batch(struct batch *batch, struct turn **turn, bool all)
{
    batch->count = 0;
    for (; *turn && batch->count < BATCH_LIMIT; *turn = (*turn)->next)
        if ((all || (*turn)->ended_ns) && take_snapshot(batch, *turn)) batch->count++;
}

static enum status save_snapshot(struct transaction *t, const struct snapshot *item,
                                 struct fault *fault)
{
    const struct conversations *conversations = item->turn->conversations;
    int64_t until_us = turn_lease_us(conversations, conversations_now_us(conversations));
    return store_message_save(t, item->turn->user, &item->message, until_us, fault);
}

static enum status save_batch(struct transaction *t, void *argument, struct fault *fault)
{
    const struct batch *batch = argument;
    for (size_t i = 0; i < batch->count; i++) TRY(save_snapshot(t, &batch->items[i], fault));
    return OK;
}

static enum status save_item(struct transaction *t, void *argument, struct fault *fault)
{
    return save_snapshot(t, argument, fault);
}

/* The turns are several users': the system writes, and each statement names its user. */
static enum status write_as_system(struct conversations *conversations, sql_work *work,
                                   void *argument, struct fault *fault)
{
    return database_write(conversations->options.database, sql_actor_system(), work, argument,
                          fault);
}

/* An end that can't be saved is tried again as long as its row would hold; then whoever waits is
 * told, and the row counts as interrupted by itself. */
static void settle(struct conversations *conversations, struct snapshot *item, enum status status,
                   const struct fault *fault)
{
    struct turn *turn = item->turn;
    uint64_t patience_ns = (uint64_t)conversations->options.lease_ms * 1000000;
    if (status != OK)
        log_write("conversations", LOG_WARN, NULL, "an answer could not be saved: %s",
                  fault->message);
    if (!item->has_ended) return;
    bool tries_again = status != OK && !conversations->saver.is_last_round &&
                       clock_monotonic_ns() - turn->ended_ns < patience_ns;
    if (tries_again) return;
    remove_turn(&conversations->saver, turn);
    if (turn->saved) turn->saved(turn->argument, status, fault);
    turn_free(turn);
}

/* One that the database refuses must not keep the others from being saved. */
static void write_batch(struct conversations *conversations, struct batch *batch)
{
    struct fault fault = {.status = OK};
    enum status together = write_as_system(conversations, save_batch, batch, &fault);
    for (size_t i = 0; i < batch->count; i++) {
        enum status status = together;
        if (together != OK && batch->count > 1)
            status = write_as_system(conversations, save_item, &batch->items[i], &fault);
        settle(conversations, &batch->items[i], status, &fault);
    }
}

static void save_turns(struct conversations *conversations, bool all)
{
    struct turn_saver *saver = &conversations->saver;
    struct batch *batch = saver->batch;
    struct turn *turn = NULL;
    bool is_first = true;
    do {
        arena_init(&batch->texts, 0);
        pthread_mutex_lock(&saver->mutex);
        if (is_first) turn = saver->turns;
        fill_batch(batch, &turn, all);
        pthread_mutex_unlock(&saver->mutex);
        is_first = false;
        if (batch->count) write_batch(conversations, batch);
        arena_deinit(&batch->texts);
    } while (turn);
}

/* ---- what others left ---- */

static enum status sweep_away(struct transaction *t, void *argument, struct fault *fault)
{
    const struct conversations *conversations = argument;
    uint64_t count;
    TRY(store_messages_interrupt(t, conversations_now_us(conversations), &count, fault));
    if (count)
        log_write("conversations", LOG_INFO, NULL, "%llu unfinished answers marked as interrupted",
                  (unsigned long long)count);
    return OK;
}

static enum status sweep(struct conversations *conversations, struct fault *fault)
{
    return write_as_system(conversations, sweep_away, conversations, fault);
}

/* ---- the thread ---- */

/* Until some turn has ended, or it is time for something. */
static void wait_for_work(struct turn_saver *saver)
{
    for (;;) {
        uint64_t due_ns = saver->next_sweep_ns;
        if (saver->turns && saver->next_save_ns < due_ns) due_ns = saver->next_save_ns;
        if (saver->stopping || saver->has_ended || clock_monotonic_ns() >= due_ns) return;
        const struct timespec due = {(time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000)};
        pthread_cond_timedwait(&saver->changed, &saver->mutex, &due);
    }
}

/* Turns that nobody ended before the service is closed. */
static void end_all(struct turn_saver *saver)
{
    for (struct turn *turn = saver->turns; turn; turn = turn->next) {
        if (turn->ended_ns) continue;
        turn->message.state = MESSAGE_INTERRUPTED;
        turn->ended_ns = clock_monotonic_ns();
    }
}

static void *run_saver(void *argument)
{
    struct conversations *conversations = argument;
    struct turn_saver *saver = &conversations->saver;
    while (!saver->is_last_round) {
        struct fault fault;
        pthread_mutex_lock(&saver->mutex);
        wait_for_work(saver);
        saver->is_last_round = saver->stopping;
        if (saver->is_last_round) end_all(saver);
        bool all = saver->is_last_round || clock_monotonic_ns() >= saver->next_save_ns;
        if (all) saver->next_save_ns = after_ms(conversations->options.save_ms);
        saver->has_ended = false;
        pthread_mutex_unlock(&saver->mutex);

        save_turns(conversations, all);
        if (saver->is_last_round || clock_monotonic_ns() < saver->next_sweep_ns) continue;
        saver->next_sweep_ns = after_ms(SWEEP_MS);
        if (sweep(conversations, &fault) != OK)
            log_write("conversations", LOG_WARN, NULL, "unfinished answers can't be looked for: %s",
                      fault.message);
    }
    return NULL;
}

static void saver_deinit(struct turn_saver *saver)
{
    pthread_cond_destroy(&saver->changed);
    pthread_mutex_destroy(&saver->mutex);
    free(saver->batch);
}

enum status turn_saver_start(struct conversations *conversations, struct fault *fault)
{
    struct turn_saver *saver = &conversations->saver;
    pthread_condattr_t monotonic;
    TRY(sweep(conversations, fault));
    saver->next_sweep_ns = after_ms(SWEEP_MS);
    saver->batch = calloc(1, sizeof *saver->batch);
    if (!saver->batch) return fault_set(fault, STATUS_NO_MEMORY, "no memory for conversations");
    pthread_mutex_init(&saver->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&saver->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&saver->thread, NULL, run_saver, conversations) == 0) return OK;
    saver_deinit(saver);
    return fault_set(fault, STATUS_UNAVAILABLE, "no thread to save answers can be started");
}

void turn_saver_stop(struct conversations *conversations)
{
    struct turn_saver *saver = &conversations->saver;
    pthread_mutex_lock(&saver->mutex);
    saver->stopping = true;
    pthread_cond_signal(&saver->changed);
    pthread_mutex_unlock(&saver->mutex);
    pthread_join(saver->thread, NULL);
    saver_deinit(saver);
}
