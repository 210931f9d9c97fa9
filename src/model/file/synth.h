/* synth.h - model files with random weights in the shape of known models: for benchmarks, which
 * need sizes and not sense, and for tests of every architecture. */
#ifndef LIMINAL_MODEL_SYNTH_H
#define LIMINAL_MODEL_SYNTH_H

#include <stddef.h>

#include "base/status.h"
#include "model/file/progress.h"

/* The names that synth_model takes ("llama-3.2-1b", "tiny-gemma3", ...); NULL beyond the last. */
const char *synth_shape_name(size_t index);

/* Write random weights of a realistic scale. `type` is any tensor type or mix ("Q4_0",
 * "Q4_K_M", "IQ2_XXS"): types that have no quantiser get random blocks with sane scales. The same
 * arguments give the same file, byte for byte. The tokenizer has the shape's vocabulary size and
 * every byte, so any text works. STATUS_NOT_FOUND for an unknown shape, with the list. */
enum status synth_model(const char *shape_name, const char *type, const char *out_path,
                        const struct progress *progress, struct fault *fault) MUST_USE;

#endif
