/* model_lease.h - the use of a model that is in memory. While somebody holds a lease, its engine
 * stays; whoever goes on after a handler has returned (a generation, a line of embeddings) shares
 * the lease and gives it back after the last event.
 *
 * What is told of a model here does not change while it is held. Sharing and giving back may happen
 * on any thread, also in an engine's events, and never block. */
#ifndef LIMINAL_INFERENCE_MODEL_LEASE_H
#define LIMINAL_INFERENCE_MODEL_LEASE_H

#include "base/status.h"
#include "inference/chat_format.h"

struct chat_template;
struct constraint_cache;
struct engine;
struct model_host;

struct model_lease {
    struct engine *engine;
    const char *name;                    /* as `liminal list` shows it */
    struct chat_template *chat_template; /* NULL: chat_template_fault says why */
    struct chat_format chat_format;      /* learnt from it */
    struct fault chat_template_fault;
    struct constraint_cache *constraints; /* what answers were held to */
    struct model_host *host;              /* its own, like the following */
    size_t model;
};

/* One holder more of a lease that somebody holds. */
struct model_lease *model_lease_share(struct model_lease *lease);
/* One holder less; NULL is nobody's. The engine may be gone right after it. */
void model_lease_release(struct model_lease *lease);

#endif
