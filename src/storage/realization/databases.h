/* databases.h - the databases there are: SQLite in a file, PostgreSQL over a socket. */
#ifndef LIMINAL_STORAGE_DATABASES_H
#define LIMINAL_STORAGE_DATABASES_H

#include "storage/sql.h"

struct sqlite_options {
    const char *path; /* made with mode 0600, and its folder, when missing */
    unsigned readers; /* connections for database_read; 0: 4 */
};

/* WAL, synchronous=FULL: a commit is on the disk. One thread writes, and commits what came in
 * meanwhile together, so that many writers share one fsync. */
enum status sqlite_open(struct database **out, const struct sqlite_options *options,
                        struct fault *fault) MUST_USE;

struct postgres_options {
    const char *url;      /* postgresql://user:password@host:port/name?..., as libpq takes it */
    const char *role;     /* to act as, which row-level security must bind; NULL: whom the URL names
                             (for migrations, by the owner of the tables) */
    unsigned connections; /* at most; 0: 10 */
    uint32_t wait_ms;     /* for a free connection; 0: 5000 */
};

/* Connects when first needed, and again, with growing pauses, after the server went away. Fails
 * only for a URL that libpq can't read. Strings are copied. */
enum status postgres_open(struct database **out, const struct postgres_options *options,
                          struct fault *fault) MUST_USE;

/* "sqlite:PATH", a path, or "postgres://..." and "postgresql://..."; `role` only counts there. */
enum status database_open_url(struct database **out, const char *url, const char *role,
                              struct fault *fault) MUST_USE;

/* The file of an SQLite database that such a URL names; NULL for all else. */
const char *database_url_file(const char *url);

#endif
