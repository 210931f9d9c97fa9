/* process.h - run another program and learn how it ended. */
#ifndef LIMINAL_PLATFORM_PROCESS_H
#define LIMINAL_PLATFORM_PROCESS_H

#include <stdint.h>

#include "base/status.h"

/* Run arguments[0] (searched in PATH; the list ends with NULL) without input and with its output
 * thrown away. *exit_code gets what it exited with, 128+n when signal n ended it.
 * STATUS_NOT_FOUND: no such program. STATUS_TIMEOUT: it ran past timeout_ms and was killed. */
enum status process_run(const char *const *arguments, uint64_t timeout_ms, int *exit_code,
                        struct fault *fault) MUST_USE;

#endif
