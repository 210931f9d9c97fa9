/* operations.h - the face of operations: what keeps the data of a server safe and moves it.
 *
 * A backup holds every row of the database, as one moment saw it, and the files of the data folder;
 * it is made while the server works, and is the same whichever database it came from, so that it
 * may be restored into the other (docs/format-backup.md). Which tables there are is asked of the
 * database. Must not know what any table is for. */
#ifndef LIMINAL_OPERATIONS_H
#define LIMINAL_OPERATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Told of work that goes on. `total` 0: not known. False stops the work: STATUS_CANCELLED. */
struct operations_progress {
    bool (*report)(void *argument, uint64_t done, uint64_t total);
    void *argument;
};

/* What was moved. */
struct operations_report {
    uint64_t tables, rows, files, bytes;
    uint64_t left_out; /* what is in the data folder and no plain file */
};

struct backup_source {
    const char *database;    /* URL; its owner's on PostgreSQL */
    const char *data_folder; /* NULL: the database only */
    const char *program;     /* "liminal 0.1.0", for who looks into the backup */
};

/* Write a new file `path`, whole or not at all. STATUS_CONFLICT when there is one; STATUS_NOT_FOUND
 * when there is no database yet. */
enum status backup_write(const char *path, const struct backup_source *source,
                         const struct operations_progress *progress,
                         struct operations_report *report, struct fault *fault) MUST_USE;

struct restore_target {
    const char *database; /* URL; its owner's on PostgreSQL. May not exist yet */
    const char *data_folder;
    const char *program;
    bool force; /* into what is not empty: what was there goes to `aside` */
};

/* The whole backup is checked before anything changes, and what was written is compared with it
 * before it counts. No server may use the target meanwhile. STATUS_CONFLICT when the target is not
 * empty and `force` is not given. *aside: the folder where what was there now lies, "" for none. */
enum { RESTORE_ASIDE_BYTES = 4200 };
enum status backup_restore(const char *path, const struct restore_target *target,
                           const struct operations_progress *progress,
                           struct operations_report *report, char aside[RESTORE_ASIDE_BYTES],
                           struct fault *fault) MUST_USE;

/* Every row of one database into another, which must be empty; made and brought up to the schema
 * of the first where that is needed. All rows or none. */
enum status database_copy(const char *from, const char *to,
                          const struct operations_progress *progress,
                          struct operations_report *report, struct fault *fault) MUST_USE;

#endif
