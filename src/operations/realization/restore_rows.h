/* restore_rows.h - the rows of a backup into a database, in one transaction. */
#ifndef LIMINAL_OPERATIONS_RESTORE_ROWS_H
#define LIMINAL_OPERATIONS_RESTORE_ROWS_H

#include "operations/manifest.h"
#include "operations/operations.h"
#include "storage/sql.h"

struct row_restore {
    const char *path; /* the backup */
    const struct manifest *manifest;
    const struct operations_progress *progress;
    struct operations_report *report; /* tables and rows are set */
    struct arena *texts;              /* lives as long as the database */
    struct fault *fault;
};

/* What was in the tables is gone, what is in the backup is there and has its sums; or nothing was
 * changed. */
enum status restore_rows(const struct row_restore *restore, struct database *database) MUST_USE;

#endif
