/* seen.c - see seen.h. */
#include "accounts/realization/seen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/realization/account_store.h"

enum { SLOTS = 2048, FULL = 1024 };

struct sight {
    bool is_used, is_token;
    struct uuid id;
    int64_t at_us, spent; /* at_us 0: only spent */
};

struct seen {
    struct database *database;
    pthread_mutex_t mutex; /* over what comes next */
    struct sight *sights;  /* a hash table, never more than half full */
    size_t count;
    pthread_mutex_t writing; /* over `written` and the order of writing */
    struct sight *written;   /* the table that is being written */
};

/* ---- remembering ---- */

/* Its place in the table; NULL when there is no room for one more. */
static struct sight *find(struct seen *seen, struct uuid id)
{
    uint64_t hash;
    memcpy(&hash, id.bytes + 8, sizeof hash); /* its random half */
    for (size_t i = hash % SLOTS;; i = (i + 1) % SLOTS) {
        struct sight *sight = &seen->sights[i];
        if (sight->is_used && uuid_equal(sight->id, id)) return sight;
        if (sight->is_used) continue;
        if (seen->count == FULL) return NULL;
        seen->count++;
        *sight = (struct sight){.is_used = true, .id = id};
        return sight;
    }
}

static bool remember(struct seen *seen, const struct sight *what)
{
    pthread_mutex_lock(&seen->mutex);
    struct sight *sight = find(seen, what->id);
    if (sight) {
        sight->is_token = what->is_token;
        sight->spent += what->spent;
        if (what->at_us > sight->at_us) sight->at_us = what->at_us;
    }
    pthread_mutex_unlock(&seen->mutex);
    return sight != NULL;
}

/* Without room it is seen the next time. */
void seen_session(struct seen *seen, struct uuid id, int64_t now_us)
{
    remember(seen, &(struct sight){.id = id, .at_us = now_us});
}

void seen_token(struct seen *seen, struct uuid id, int64_t now_us)
{
    remember(seen, &(struct sight){.id = id, .is_token = true, .at_us = now_us});
}

bool seen_spent(struct seen *seen, struct uuid id, int64_t tokens)
{
    return remember(seen, &(struct sight){.id = id, .is_token = true, .spent = tokens});
}

/* ---- writing ---- */

static enum status write_sights(struct transaction *t, void *argument, struct fault *fault)
{
    const struct sight *sights = argument;
    for (size_t i = 0; i < SLOTS; i++) {
        const struct sight *s = &sights[i];
        if (s->is_used && s->is_token) TRY(store_token_touch(t, s->id, s->at_us, s->spent, fault));
        if (s->is_used && !s->is_token) TRY(store_session_touch(t, s->id, s->at_us, fault));
    }
    return OK;
}

/* What could not be written is kept, as far as there is room. */
static void keep(struct seen *seen, const struct sight *sights)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (sights[i].is_used) remember(seen, &sights[i]);
}

enum status seen_flush(struct seen *seen, struct fault *fault)
{
    pthread_mutex_lock(&seen->writing);
    pthread_mutex_lock(&seen->mutex);
    struct sight *sights = seen->sights;
    size_t count = seen->count;
    if (count > 0) {
        seen->sights = seen->written;
        seen->written = sights;
        seen->count = 0;
        memset(seen->sights, 0, SLOTS * sizeof *seen->sights);
    }
    pthread_mutex_unlock(&seen->mutex);
    enum status status = OK;
    if (count > 0) {
        status = database_write(seen->database, sql_actor_system(), write_sights, sights, fault);
        if (status != OK) keep(seen, sights);
    }
    pthread_mutex_unlock(&seen->writing);
    return status;
}

/* ---- life ---- */

enum status seen_open(struct seen **out, struct database *database, struct fault *fault)
{
    struct seen *seen = calloc(1, sizeof *seen);
    if (!seen) return fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    pthread_mutex_init(&seen->mutex, NULL);
    pthread_mutex_init(&seen->writing, NULL);
    seen->database = database;
    seen->sights = calloc(SLOTS, sizeof *seen->sights);
    seen->written = calloc(SLOTS, sizeof *seen->written);
    if (!seen->sights || !seen->written) {
        seen_close(seen);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for accounts");
    }
    *out = seen;
    return OK;
}

void seen_close(struct seen *seen)
{
    if (!seen) return;
    free(seen->sights);
    free(seen->written);
    pthread_mutex_destroy(&seen->writing);
    pthread_mutex_destroy(&seen->mutex);
    free(seen);
}
