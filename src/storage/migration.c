/* migration.c - see migration.h. */
#include "storage/migration.h"

#include <assert.h>
#include <string.h>

enum status migration_plan(const struct migration *known, size_t known_count,
                           const struct applied_migration *applied, size_t applied_count,
                           migration_checksum *checksum, size_t *pending, struct fault *fault)
{
    for (size_t i = 0; i < applied_count; i++) {
        if (applied[i].version != i + 1)
            return fault_set(fault, STATUS_CONFLICT,
                             "the database lacks migration %zu but has %u: restore a backup of it",
                             i + 1, applied[i].version);
        if (i >= known_count)
            return fault_set(fault, STATUS_CONFLICT,
                             "the database was made by a newer Liminal (migration %u, %s): use "
                             "that one, or restore an older backup",
                             applied[i].version, applied[i].name);
        assert(known[i].version == i + 1);
        char wanted[MIGRATION_CHECKSUM_BYTES];
        checksum(&known[i], wanted);
        if (strcmp(wanted, applied[i].checksum) != 0)
            return fault_set(fault, STATUS_CONFLICT,
                             "migration %u (%s) was changed after this database had applied it: "
                             "put it back as it was, and make a new migration",
                             known[i].version, known[i].name);
    }
    *pending = known_count - applied_count;
    return OK;
}
