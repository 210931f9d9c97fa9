/* migration.h - numbered changes of the schema, up and down, and which of them a database still
 * lacks.
 *
 * The essence compares lists; realization/migrate.h runs scripts. A migration that was applied must
 * not change any more: its checksum is kept in the database and compared at each start. */
#ifndef LIMINAL_STORAGE_MIGRATION_H
#define LIMINAL_STORAGE_MIGRATION_H

#include <stdint.h>

#include "base/status.h"

enum { MIGRATION_CHECKSUM_BYTES = 65, MIGRATION_NAME_BYTES = 80 };

/* One dialect's scripts. Versions count 1, 2, 3, ... */
struct migration {
    uint32_t version;
    const char *name;
    const char *up, *down;
};

/* What a database says was done to it, by version. */
struct applied_migration {
    uint32_t version;
    char name[MIGRATION_NAME_BYTES];
    char checksum[MIGRATION_CHECKSUM_BYTES];
    int64_t applied_us;
};

/* SHA-256 over both scripts, as hex. The digest is the caller's, so that this stays pure. */
typedef void migration_checksum(const struct migration *migration,
                                char checksum[MIGRATION_CHECKSUM_BYTES]);

/* *pending: how many of `known`, from its (applied_count + 1)th on, are to be applied.
 * STATUS_CONFLICT when the database and the program disagree: a migration that was changed after it
 * was applied, or one that only a newer program knows. */
enum status migration_plan(const struct migration *known, size_t known_count,
                           const struct applied_migration *applied, size_t applied_count,
                           migration_checksum *checksum, size_t *pending,
                           struct fault *fault) MUST_USE;

#endif
