/* residency.c - see residency.h. */
#include "inference/residency.h"

#include <assert.h>

#include "inference/keep_alive.h"

static struct resident *model_at(struct residency *residency, size_t model)
{
    assert(model < RESIDENCY_MODELS && residency->models[model].exists);
    return &residency->models[model];
}

static bool is_in_memory(const struct resident *m)
{
    return m->exists && m->state >= RESIDENT_LOADING;
}

/* Could be closed now, or as soon as its leases are given back. */
static bool may_go(const struct resident *m)
{
    return m->exists && m->state == RESIDENT_READY && !m->pinned;
}

/* ---- what happens ---- */

size_t residency_add(struct residency *residency, uint64_t bytes)
{
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) {
        if (residency->models[i].exists) continue;
        residency->models[i] =
            (struct resident){.exists = true, .bytes = bytes, .keep_ms = residency->keep_ms};
        return i;
    }
    return RESIDENCY_NOBODY;
}

void residency_pin(struct residency *residency, size_t model, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    assert(m->state == RESIDENT_ABSENT);
    m->state = RESIDENT_READY;
    m->pinned = true;
    m->used_ms = now_ms;
}

void residency_remove(struct residency *residency, size_t model)
{
    struct resident *m = model_at(residency, model);
    assert(m->state == RESIDENT_ABSENT && !m->is_wanted);
    m->exists = false;
}

bool residency_take(struct residency *residency, size_t model, int64_t keep_ms, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    if (m->state != RESIDENT_READY || m->drains) return false;
    m->leases++;
    m->used_ms = now_ms;
    m->keep_ms = keep_ms == KEEP_ALIVE_UNSET_MS ? residency->keep_ms : keep_ms;
    return true;
}

void residency_share(struct residency *residency, size_t model)
{
    struct resident *m = model_at(residency, model);
    assert(m->leases > 0);
    m->leases++;
}

void residency_give_back(struct residency *residency, size_t model, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    assert(m->leases > 0);
    m->leases--;
    m->used_ms = now_ms;
}

void residency_want(struct residency *residency, size_t model, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    if (!m->is_wanted) m->wanted_ms = now_ms;
    m->is_wanted = true;
    if (m->state == RESIDENT_ABSENT) m->state = RESIDENT_WANTED;
}

void residency_stop_wanting(struct residency *residency, size_t model)
{
    struct resident *m = model_at(residency, model);
    m->is_wanted = false;
    if (m->state == RESIDENT_WANTED) m->state = RESIDENT_ABSENT;
}

void residency_loaded(struct residency *residency, size_t model, uint64_t bytes, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    assert(m->state == RESIDENT_LOADING);
    m->state = RESIDENT_READY;
    m->bytes = bytes;
    m->used_ms = now_ms;
    m->keep_ms = residency->keep_ms;
}

void residency_load_failed(struct residency *residency, size_t model)
{
    struct resident *m = model_at(residency, model);
    assert(m->state == RESIDENT_LOADING);
    m->state = m->is_wanted ? RESIDENT_WANTED : RESIDENT_ABSENT;
}

void residency_closed(struct residency *residency, size_t model, int64_t now_ms)
{
    struct resident *m = model_at(residency, model);
    assert(m->state == RESIDENT_CLOSING && m->leases == 0);
    m->drains = false;
    m->state = m->is_wanted ? RESIDENT_WANTED : RESIDENT_ABSENT;
}

void residency_resize(struct residency *residency, size_t model, uint64_t bytes)
{
    model_at(residency, model)->bytes = bytes;
}

/* ---- what there is ---- */

uint64_t residency_bytes(const struct residency *residency)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (is_in_memory(&residency->models[i])) bytes += residency->models[i].bytes;
    return bytes;
}

uint64_t residency_pinned_bytes(const struct residency *residency)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (residency->models[i].exists && residency->models[i].pinned)
            bytes += residency->models[i].bytes;
    return bytes;
}

int64_t residency_until(const struct resident *m)
{
    if (m->leases > 0 || m->pinned || m->keep_ms < 0) return RESIDENCY_NEVER;
    return m->keep_ms > RESIDENCY_NEVER - m->used_ms ? RESIDENCY_NEVER : m->used_ms + m->keep_ms;
}

/* ---- room ---- */

/* What would be taken in memory. */
struct room {
    uint64_t bytes;
    uint32_t places;
};

static void room_add(struct room *room, const struct resident *m)
{
    room->bytes += m->bytes;
    room->places++;
}

static bool room_fits(const struct residency *residency, struct room room)
{
    return room.bytes <= residency->budget_bytes && room.places <= residency->places;
}

/* The candidate together with all that is in memory and that `stays` wants counted. */
static struct room room_with(const struct residency *residency, const struct resident *candidate,
                             bool (*stays)(const struct resident *))
{
    struct room room = {0};
    room_add(&room, candidate);
    for (size_t i = 0; i < RESIDENCY_MODELS; i++)
        if (is_in_memory(&residency->models[i]) && stays(&residency->models[i]))
            room_add(&room, &residency->models[i]);
    return room;
}

static bool stays_now(const struct resident *m)
{
    return true;
}
static bool stays_after_closing(const struct resident *m)
{
    return m->state != RESIDENT_CLOSING;
}
static bool stays_when_idle_go(const struct resident *m)
{
    return stays_after_closing(m) && !(may_go(m) && m->leases == 0);
}
static bool stays_when_drained(const struct resident *m)
{
    return stays_after_closing(m) && !m->drains;
}
static bool stays_always(const struct resident *m)
{
    return m->pinned;
}

/* ---- what to do ---- */

/* The first in the table of those that pass and come first by their time. */
static size_t earliest(const struct residency *residency, bool (*passes)(const struct resident *),
                       int64_t (*time_of)(const struct resident *))
{
    size_t best = RESIDENCY_NOBODY;
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) {
        const struct resident *m = &residency->models[i];
        if (!m->exists || !passes(m)) continue;
        if (best == RESIDENCY_NOBODY || time_of(m) < time_of(&residency->models[best])) best = i;
    }
    return best;
}

static int64_t wanted_time(const struct resident *m)
{
    return m->wanted_ms;
}
static int64_t used_time(const struct resident *m)
{
    return m->used_ms;
}
static bool waits_for_load(const struct resident *m)
{
    return m->state == RESIDENT_WANTED;
}
static bool loads(const struct resident *m)
{
    return m->state == RESIDENT_LOADING;
}
static bool can_serve(const struct resident *m)
{
    return m->state == RESIDENT_READY && m->is_wanted && !m->drains;
}
static bool is_idle(const struct resident *m)
{
    return may_go(m) && m->leases == 0;
}
static bool can_drain(const struct resident *m)
{
    return may_go(m) && !m->drains;
}
static bool is_idle_and_can_drain(const struct resident *m)
{
    return is_idle(m) && !m->drains;
}
static bool can_expire(const struct resident *m)
{
    return is_idle(m) && !m->is_wanted && m->keep_ms >= 0;
}

/* Idle models first, which have only to get no more leases. Decided anew each time, so that whoever
 * need not drain any more goes on. */
static void choose_drains(struct residency *residency, const struct resident *candidate,
                          int64_t now_ms)
{
    for (size_t i = 0; i < RESIDENCY_MODELS; i++) residency->models[i].drains = false;
    if (!candidate || now_ms - candidate->wanted_ms < residency->patience_ms) return;
    if (!room_fits(residency, room_with(residency, candidate, stays_always))) return;
    while (!room_fits(residency, room_with(residency, candidate, stays_when_drained))) {
        size_t model = earliest(residency, is_idle_and_can_drain, used_time);
        if (model == RESIDENCY_NOBODY) model = earliest(residency, can_drain, used_time);
        if (model == RESIDENCY_NOBODY) return;
        residency->models[model].drains = true;
    }
}

static struct residency_step unload(struct residency *residency, size_t model)
{
    residency->models[model].state = RESIDENT_CLOSING;
    return (struct residency_step){.act = RESIDENCY_UNLOAD, .model = model};
}

static struct residency_step wait_until(const struct residency *residency,
                                        const struct resident *candidate, int64_t now_ms)
{
    struct residency_step step = {.act = RESIDENCY_WAIT, .until_ms = RESIDENCY_NEVER};
    size_t model = earliest(residency, can_expire, residency_until);
    if (model != RESIDENCY_NOBODY) step.until_ms = residency_until(&residency->models[model]);
    if (!candidate) return step;
    int64_t patient_until_ms = candidate->wanted_ms + residency->patience_ms;
    if (patient_until_ms > now_ms && patient_until_ms < step.until_ms)
        step.until_ms = patient_until_ms;
    return step;
}

/* For the model that is to be loaded next: load it, make room for it, or wait. */
static struct residency_step serve_candidate(struct residency *residency, size_t index,
                                             int64_t now_ms)
{
    struct resident *candidate = &residency->models[index];
    if (!room_fits(residency, room_with(residency, candidate, stays_always)))
        return (struct residency_step){.act = RESIDENCY_REFUSE, .model = index};
    if (room_fits(residency, room_with(residency, candidate, stays_now))) {
        candidate->state = RESIDENT_LOADING;
        return (struct residency_step){.act = RESIDENCY_LOAD, .model = index};
    }
    bool is_on_its_way = room_fits(residency, room_with(residency, candidate, stays_after_closing));
    if (!is_on_its_way && room_fits(residency, room_with(residency, candidate, stays_when_idle_go)))
        return unload(residency, earliest(residency, is_idle, used_time));
    return wait_until(residency, candidate, now_ms);
}

struct residency_step residency_next(struct residency *residency, int64_t now_ms)
{
    size_t index = earliest(residency, waits_for_load, wanted_time);
    if (earliest(residency, loads, used_time) != RESIDENCY_NOBODY) index = RESIDENCY_NOBODY;
    struct resident *candidate = index == RESIDENCY_NOBODY ? NULL : &residency->models[index];
    choose_drains(residency, candidate, now_ms);

    size_t model = earliest(residency, can_serve, wanted_time);
    if (model != RESIDENCY_NOBODY)
        return (struct residency_step){.act = RESIDENCY_SERVE, .model = model};
    model = earliest(residency, can_expire, residency_until);
    if (model != RESIDENCY_NOBODY && residency_until(&residency->models[model]) <= now_ms)
        return unload(residency, model);
    if (candidate) return serve_candidate(residency, index, now_ms);
    model = earliest(residency, is_idle, used_time);
    if (model != RESIDENCY_NOBODY && residency_bytes(residency) > residency->budget_bytes)
        return unload(residency, model);
    return wait_until(residency, NULL, now_ms);
}
