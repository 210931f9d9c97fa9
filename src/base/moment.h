/* moment.h - points in time as microseconds since 1970 UTC, and their text form (RFC 3339). */
#ifndef LIMINAL_BASE_MOMENT_H
#define LIMINAL_BASE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { MOMENT_TEXT_BYTES = 28 };

/* Years 1 to 9999. */
#define MOMENT_FIRST_US (-62135596800000000)
#define MOMENT_LAST_US  253402300799999999

/* "2026-11-20T09:42:40.123456Z" and a NUL; a moment outside the years 1 to 9999 is clamped. */
void moment_format(int64_t unix_us, char out[MOMENT_TEXT_BYTES]);
/* With Z or an offset, up to 9 digits of a second (what is finer than microseconds is cut); false
 * for days and times that do not exist. A leap second counts as the second after. */
bool moment_parse(struct text t, int64_t *unix_us) MUST_USE;

#endif
