/* lease_open.h - a model that has been opened becomes an engine with its chat template, ready to be
 * leased; and goes again. Knows nothing of who is in memory and why. */
#ifndef LIMINAL_INFERENCE_LEASE_OPEN_H
#define LIMINAL_INFERENCE_LEASE_OPEN_H

#include "base/text.h"
#include "inference/engine.h"
#include "inference/model_lease.h"

struct compute;
struct model;
struct model_load;

/* Makes an engine of the model, which is taken, and compiles its template: `chat_template`, or the
 * model's own where that is empty. One that does not compile is no failure here but the lease's
 * chat_template_fault, because a model has other uses. `name` is borrowed. */
enum status lease_open(struct model_lease *lease, const char *name, struct model *model,
                       const struct engine_options *options, struct text chat_template,
                       struct fault *fault) MUST_USE;
/* The same with the outcome of a load that was joined. Its model moves from the load's threads to
 * `compute`, between the turns of the engines there. What goes wrong is told in full, with the
 * paths of files: for the operator. */
enum status lease_open_loaded(struct model_lease *lease, const char *name, struct model_load *load,
                              struct compute *compute, const struct engine_options *options,
                              struct fault *fault) MUST_USE;
/* When nobody holds it. */
void lease_close(struct model_lease *lease);

#endif
