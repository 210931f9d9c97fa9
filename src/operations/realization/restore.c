/* restore.c - backup_restore: the whole backup is read and compared with its own sums; its files
 * are laid out beside; its rows go in within one transaction; then the files take their places.
 * What was there before lies aside. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "operations/realization/data_folder.h"
#include "operations/realization/restore_files.h"
#include "operations/realization/restore_rows.h"
#include "operations/realization/tables.h"
#include "storage/realization/databases.h"

enum { MANIFEST_LIMIT_BYTES = 1 << 22 };

struct restoring {
    const char *path; /* the backup */
    const struct restore_target *target;
    const struct operations_progress *progress;
    struct operations_report *report;
    struct fault *fault;
    struct arena texts;
    struct manifest manifest;
    const char *const *old_names;     /* of files that are in the data folder */
    char laid_out[FOLDER_PATH_BYTES]; /* where the new ones lie meanwhile; "": nowhere */
    char *aside;                      /* RESTORE_ASIDE_BYTES; "": nothing was there */
};

/* ---- the backup itself ---- */

static enum status read_manifest(struct restoring *r, struct archive_reader *reader, bool *found)
{
    struct archive_entry entry;
    struct buffer text;
    do TRY(archive_reader_next(reader, &entry, found, r->fault));
    while (*found && strcmp(entry.path, MANIFEST_PATH) != 0);
    if (!*found) return OK;
    buffer_init(&text);
    enum status status = archive_reader_take(reader, MANIFEST_LIMIT_BYTES, &text, r->fault);
    if (status == OK)
        status = manifest_parse(buffer_text(&text), &r->texts, &r->manifest, r->fault);
    buffer_deinit(&text);
    return status;
}

/* Reads all of it once. */
static enum status check_backup(struct restoring *r)
{
    struct archive_reader reader;
    bool found = false;
    enum status status =
        archive_reader_open(&reader, r->path, MANIFEST_PATH, r->progress, r->fault);
    if (status == OK) status = read_manifest(r, &reader, &found);
    if (status == OK && (!found || strcmp(reader.sum, r->manifest.sum) != 0))
        status = fault_set(r->fault, STATUS_CORRUPT,
                           "%s is damaged, or was cut off: nothing was changed", r->path);
    archive_reader_close(&reader);
    return status;
}

/* ---- what was there ---- */

static enum status make_aside(struct restoring *r)
{
    char stamp[32];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    if (snprintf(r->aside, RESTORE_ASIDE_BYTES, "%s/before-restore-%s", r->target->data_folder,
                 stamp) >= RESTORE_ASIDE_BYTES)
        return fault_set(r->fault, STATUS_INVALID, "the data folder's path is too long");
    TRY(directory_make(r->target->data_folder, r->fault));
    if (mkdir(r->aside, 0700) == 0) return OK;
    enum status status =
        fault_set(r->fault, STATUS_IO, "cannot make the folder %s: %s", r->aside, strerror(errno));
    r->aside[0] = '\0';
    return status;
}

/* The database's rows, as a backup of their own; the files are moved later. */
static enum status keep_rows_aside(struct restoring *r)
{
    char path[RESTORE_ASIDE_BYTES + 32];
    struct operations_report ignored;
    const struct backup_source source = {.database = r->target->database,
                                         .program = r->target->program};
    snprintf(path, sizeof path, "%s/liminal-backup.tar", r->aside);
    return backup_write(path, &source, r->progress, &ignored, r->fault);
}

static enum status check_target(struct restoring *r, struct database *database)
{
    bool is_empty;
    TRY(target_is_empty(database, &r->texts, &is_empty, r->fault));
    bool has_files = r->old_names[0] != NULL;
    if (is_empty && !has_files) return OK;
    if (!r->target->force)
        return fault_set(r->fault, STATUS_CONFLICT,
                         "there are %s already (%s): restore into an empty place, or say --force, "
                         "which keeps them aside",
                         is_empty ? "files" : "data",
                         is_empty ? r->old_names[0] : "the database has rows");
    TRY(make_aside(r));
    return is_empty ? OK : keep_rows_aside(r);
}

/* ---- all of it ---- */

static enum status restore_database(struct restoring *r, struct database *database)
{
    const struct row_restore rows = {r->path,   &r->manifest, r->progress,
                                     r->report, &r->texts,    r->fault};
    TRY(target_prepare(database, r->manifest.schema_version, r->fault));
    TRY(restore_rows(&rows, database));
    return target_finish(database, r->fault);
}

static enum status put_files_in_place(struct restoring *r)
{
    if (r->old_names[0]) TRY(files_move(r->target->data_folder, r->old_names, r->aside, r->fault));
    TRY(files_move(r->laid_out, NULL, r->target->data_folder, r->fault));
    files_remove_folder(r->laid_out); /* empty now */
    r->laid_out[0] = '\0';
    return OK;
}

static enum status restore_into(struct restoring *r, struct database *database)
{
    const struct restore_target *target = r->target;
    TRY(data_folder_names(target->data_folder, database_url_file(target->database), &r->texts,
                          &r->old_names, r->fault));
    TRY(check_target(r, database));
    TRY(files_lay_out(r->path, target->data_folder, r->progress, r->laid_out, &r->report->files,
                      r->fault));
    TRY(restore_database(r, database));
    TRY(put_files_in_place(r));
    r->report->bytes = (uint64_t)file_size(r->path);
    return OK;
}

enum status backup_restore(const char *path, const struct restore_target *target,
                           const struct operations_progress *progress,
                           struct operations_report *report, char aside[RESTORE_ASIDE_BYTES],
                           struct fault *fault)
{
    struct restoring r = {.path = path,
                          .target = target,
                          .progress = progress,
                          .report = report,
                          .fault = fault,
                          .aside = aside};
    struct database *database = NULL;
    *report = (struct operations_report){0};
    aside[0] = '\0';
    arena_init(&r.texts, 0);
    enum status status = check_backup(&r);
    if (status == OK) status = database_open_url(&database, target->database, NULL, fault);
    if (status == OK) status = restore_into(&r, database);
    if (r.laid_out[0]) files_remove_folder(r.laid_out);
    database_close(database);
    arena_deinit(&r.texts);
    return status;
}
