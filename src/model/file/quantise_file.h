/* quantise_file.h - a GGUF file in smaller types. */
#ifndef LIMINAL_MODEL_QUANTISE_FILE_H
#define LIMINAL_MODEL_QUANTISE_FILE_H

#include "base/status.h"
#include "model/file/progress.h"

/* Write `in_path` to `out_path` with its matrices as `type`: F32, F16, BF16, Q8_0, Q4_0, Q4_K_S,
 * Q4_K_M, Q5_K_S, Q5_K_M, Q6_K, IQ4_XS (Q4_K and Q5_K mean the _M mixes; case does not matter).
 * Norms, biases and other vectors stay F32. A matrix whose width the type cannot take falls back
 * to one that can (docs/format-gguf.md) and progress->note says so. `threads` 0: all cores.
 * STATUS_INVALID for an unknown type, with the list of those known. */
enum status quantise_file(const char *in_path, const char *out_path, const char *type,
                          unsigned threads, const struct progress *progress,
                          struct fault *fault) MUST_USE;

/* "F32, F16, ..." for help texts. */
const char *quantise_file_types(void);

#endif
