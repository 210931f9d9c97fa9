/* stores.h - the database and the hot state that the settings name, opened and ready. */
#ifndef LIMINAL_APP_STORES_H
#define LIMINAL_APP_STORES_H

#include "app/settings.h"
#include "storage/hot_state.h"
#include "storage/sql.h"

struct stores {
    struct database *database; /* migrated; acts as the service's role on PostgreSQL */
    struct hot_state *hot;
};

/* Brings the schema up to date first; any number of servers may start at once. STATUS_UNAVAILABLE
 * when a PostgreSQL can't be reached; a Redis that can't is found out later (hot_check). */
enum status stores_open(struct stores *stores, const struct settings *settings, struct arena *arena,
                        struct fault *fault) MUST_USE;
void stores_close(struct stores *stores);

/* The URL of the database that the settings name, which may hold a password: --database, else one
 * made of --database-host and its kin (R37), else liminal.db in the data folder. */
enum status stores_database_url(const struct settings *settings, struct arena *arena,
                                const char **url, struct fault *fault) MUST_USE;

#endif
