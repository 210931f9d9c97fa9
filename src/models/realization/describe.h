/* describe.h - what a model file says of itself, as far as a listing shows it. */
#ifndef LIMINAL_MODELS_DESCRIBE_H
#define LIMINAL_MODELS_DESCRIBE_H

#include "models/models.h"

/* Fill type, architecture, context_length and is_embedding of an entry whose path is set, or its
 * `problem` when the file is no usable GGUF. Fails only for want of memory. */
enum status models_describe(struct models_entry *entry, struct arena *arena,
                            struct fault *fault) MUST_USE;

#endif
