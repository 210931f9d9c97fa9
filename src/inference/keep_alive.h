/* keep_alive.h - how long a model that nobody uses stays in memory, as people write it: "5m",
 * "1h30m", "45s", "0" (not at all), "-1" (forever); a bare number means seconds.
 * Pure text to milliseconds. */
#ifndef LIMINAL_INFERENCE_KEEP_ALIVE_H
#define LIMINAL_INFERENCE_KEEP_ALIVE_H

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

/* Any negative time is forever; INT64_MIN is no time at all: what the server is set to. */
#define KEEP_ALIVE_FOREVER_MS INT64_C(-1)
#define KEEP_ALIVE_UNSET_MS   INT64_MIN

/* STATUS_INVALID names what may be written. */
enum status keep_alive_parse(struct text t, int64_t *keep_ms, struct fault *fault) MUST_USE;
/* Of a number of seconds; more than a thousand years is as good as forever. */
int64_t keep_alive_of_seconds(double seconds);

#endif
