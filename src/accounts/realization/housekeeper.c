/* housekeeper.c - see housekeeper.h. */
#include "accounts/realization/housekeeper.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "accounts/realization/accounts_parts.h"
#include "platform/platform.h"

enum { SWEEP_EVERY_S = 3600, FIRST_SWEEP_S = 60 };

struct housekeeper {
    struct accounts *accounts;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t closes;
    bool closing;
};

/* ---- sweeping ---- */

struct sweep {
    const char *sql; /* $1: what was over before */
    int64_t kept_days;
};
/* Sessions and invitations stay a month to be seen by who asks what happened; links a week, so that
 * who comes late is told that it is over. */
static const struct sweep sweeps[] = {
    {"DELETE FROM refresh_token WHERE expires_at < $1", 0},
    {"DELETE FROM auth_session WHERE expires_at < $1 OR revoked_at < $1", 30},
    {"DELETE FROM one_time_code WHERE expires_at < $1 OR used_at < $1", 7},
    {"DELETE FROM invitation WHERE expires_at < $1", 30},
};

static enum status sweep(struct transaction *t, void *argument, struct fault *fault)
{
    int64_t now_us = accounts_now_us(argument);
    for (size_t i = 0; i < ARRAY_COUNT(sweeps); i++)
        TRY(SQL_EXECUTE(t, NULL, fault, sweeps[i].sql,
                        sql_time(now_us - sweeps[i].kept_days * 86400000000)));
    return OK;
}

enum status accounts_sweep(struct accounts *accounts, struct fault *fault)
{
    return database_write(accounts->options.database, sql_actor_system(), sweep, accounts, fault);
}

/* ---- the thread ---- */

/* False when it is time to go. */
static bool wait_a_second(struct housekeeper *keeper)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&keeper->mutex);
    for (int error = 0; error == 0 && !keeper->closing;)
        error = pthread_cond_timedwait(&keeper->closes, &keeper->mutex, &until);
    bool goes_on = !keeper->closing;
    pthread_mutex_unlock(&keeper->mutex);
    return goes_on;
}

static void log_failure(enum status status, const char *what, const struct fault *fault)
{
    if (status == OK) return;
    log_write("accounts", LOG_WARN, NULL, "%s: %s", what, fault->message);
}

static void *keep_house(void *argument)
{
    struct housekeeper *keeper = argument;
    struct accounts *accounts = keeper->accounts;
    struct fault fault;
    for (uint64_t second = 1; wait_a_second(keeper); second++) {
        log_failure(seen_flush(accounts->seen, &fault), "what was seen is not written yet", &fault);
        if (second % SWEEP_EVERY_S == FIRST_SWEEP_S)
            log_failure(accounts_sweep(accounts, &fault), "what is over is not removed yet",
                        &fault);
    }
    log_failure(seen_flush(accounts->seen, &fault), "what was seen last is lost", &fault);
    return NULL;
}

enum status housekeeper_open(struct housekeeper **out, struct accounts *accounts,
                             struct fault *fault)
{
    struct housekeeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper) return fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    keeper->accounts = accounts;
    pthread_mutex_init(&keeper->mutex, NULL);
    pthread_cond_init(&keeper->closes, NULL);
    if (pthread_create(&keeper->thread, NULL, keep_house, keeper) == 0) {
        *out = keeper;
        return OK;
    }
    pthread_cond_destroy(&keeper->closes);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
    return fault_set(fault, STATUS_NO_MEMORY, "cannot start the thread of accounts");
}

void housekeeper_close(struct housekeeper *keeper)
{
    if (!keeper) return;
    pthread_mutex_lock(&keeper->mutex);
    keeper->closing = true;
    pthread_cond_signal(&keeper->closes);
    pthread_mutex_unlock(&keeper->mutex);
    pthread_join(keeper->thread, NULL);
    pthread_cond_destroy(&keeper->closes);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}
