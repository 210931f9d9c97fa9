/* migrate.h - bring a database's schema up to date, or back. */
#ifndef LIMINAL_STORAGE_MIGRATE_H
#define LIMINAL_STORAGE_MIGRATE_H

#include "storage/migration.h"
#include "storage/sql.h"

/* The same migrations for each dialect. */
struct migration_set {
    const struct migration *of[SQL_DIALECTS];
    size_t count;
};

/* The program's own: migrations/ of the source tree, put in by cmake/migrations.cmake. */
extern const struct migration_set migrations_built_in;

/* Called behind each one; may be NULL. */
typedef void migrate_told(void *argument, const struct migration *migration);

/* Apply what is pending, each in a transaction of its own. Any number of processes may do this at
 * once: each migration is applied once. Where something is pending, `database` must act as the
 * owner of the tables. */
enum status migrate_up(struct database *database, const struct migration_set *set,
                       migrate_told *told, void *argument, struct fault *fault) MUST_USE;
/* Take back what is above `version` (0: all), newest first. */
enum status migrate_down(struct database *database, const struct migration_set *set,
                         uint32_t version, migrate_told *told, void *argument,
                         struct fault *fault) MUST_USE;
/* All that were applied, in the arena; and how many of the set are pending. */
enum status migrate_status(struct database *database, const struct migration_set *set,
                           struct arena *job, struct applied_migration **applied, size_t *count,
                           size_t *pending, struct fault *fault) MUST_USE;

#endif
