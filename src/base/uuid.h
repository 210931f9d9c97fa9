/* uuid.h - identifiers of 128 bits (RFC 9562), made so that later ones sort behind earlier ones. */
#ifndef LIMINAL_BASE_UUID_H
#define LIMINAL_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct uuid {
    unsigned char bytes[16];
};

enum { UUID_TEXT_BYTES = 37 };

/* Version 7: 48 bits of milliseconds since 1970, then `random` (its last bits are not used). */
struct uuid uuid_v7(int64_t unix_ms, const unsigned char random[10]);
/* "01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d" and a NUL. */
void uuid_format(struct uuid id, char out[UUID_TEXT_BYTES]);
/* The 36 characters, hex digits of either case; false for anything else. */
bool uuid_parse(struct text t, struct uuid *id) MUST_USE;
bool uuid_equal(struct uuid a, struct uuid b);
bool uuid_is_nil(struct uuid id);

#endif
