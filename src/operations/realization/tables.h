/* tables.h - all tables of a database that rows are moved from or to, and the target's side of a
 * move: it is empty, it takes everything in one transaction, and it is compared before that counts.
 */
#ifndef LIMINAL_OPERATIONS_TABLES_H
#define LIMINAL_OPERATIONS_TABLES_H

#include "operations/realization/table_rows.h"

struct moved_table {
    const struct schema_table *table;
    struct table_statements statements;
    struct table_sum sum; /* of what was read, or is to be there */
};

struct moved_tables {
    struct schema schema;
    struct moved_table *items; /* as many as schema.table_count, in its order */
};

/* From the catalogue. `texts` must live as long as the database. */
enum status tables_open(struct moved_tables *tables, struct transaction *transaction,
                        struct arena *texts, struct fault *fault) MUST_USE;
/* NULL when there is none. */
struct moved_table *tables_find(const struct moved_tables *tables, struct text name);
/* Rows in all of them. */
enum status tables_count(const struct moved_tables *tables, struct transaction *transaction,
                         uint64_t *rows, struct fault *fault) MUST_USE;

/* ---- the source ---- */

/* `version` is the number of its schema's last change. STATUS_NOT_FOUND when no data are there. */
enum status source_open(struct database **database, const char *url, uint32_t *version,
                        struct fault *fault) MUST_USE;

/* ---- the target ---- */

/* Has it no rows, or no tables even? */
enum status target_is_empty(struct database *database, struct arena *texts, bool *is_empty,
                            struct fault *fault) MUST_USE;
/* Bring its schema to that of `version`, up or down. STATUS_CONFLICT when only a newer program
 * knows that one. */
enum status target_prepare(struct database *database, uint32_t version,
                           struct fault *fault) MUST_USE;
/* Up to this program's schema, when all rows are there. */
enum status target_finish(struct database *database, struct fault *fault) MUST_USE;

/* Within the one transaction: rows may come before those they refer to, and all old ones are gone.
 */
enum status target_begin(const struct moved_tables *tables, struct transaction *transaction,
                         struct fault *fault) MUST_USE;
/* All references hold again, and every table has its sum. STATUS_CORRUPT otherwise. */
enum status target_end(const struct moved_tables *tables, struct transaction *transaction,
                       struct fault *fault) MUST_USE;

#endif
