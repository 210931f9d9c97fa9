/* backup.c - backup_write: one moment of the database, then the files, then what it all was. Rows
 * before files: whoever stores a file writes it before its row. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations/manifest.h"
#include "operations/realization/archive_file.h"
#include "operations/realization/data_folder.h"
#include "operations/realization/parts.h"
#include "operations/realization/tables.h"
#include "storage/realization/databases.h"

struct backing_up {
    struct archive_writer writer;
    struct operations_report *report;
    struct arena texts;
    struct moved_tables tables;
    struct moved_table *now;
    unsigned part; /* of its rows */
    struct buffer lines;
    struct fault *fault;
};

/* ---- rows ---- */

static void begin_part(struct backing_up *b)
{
    buffer_clear(&b->lines);
    part_append_columns(&b->lines, b->now->table);
}

static enum status end_part(struct backing_up *b)
{
    char path[ARCHIVE_PATH_BYTES];
    TRY(part_path(b->now->table, ++b->part, path, b->fault));
    TRY(buffer_status(&b->lines, b->fault));
    if (b->lines.length > PART_LIMIT_BYTES)
        return fault_set(b->fault, STATUS_TOO_LARGE, "a row of %s is too large for a backup",
                         b->now->table->name);
    TRY(archive_writer_add(&b->writer, path, buffer_text(&b->lines), b->fault));
    begin_part(b);
    return OK;
}

static enum status write_page(void *argument, const struct sql_rows *rows, struct fault *fault)
{
    struct backing_up *b = argument;
    const struct schema_table *table = b->now->table;
    TRY(table_sum_add(&b->now->sum, table, rows, fault));
    for (size_t row = 0; row < rows->count; row++) {
        TRY(row_text_append(&b->lines, table, sql_at(rows, row, 0), ROW_EXACT, fault));
        if (b->lines.length >= PART_BYTES) TRY(end_part(b));
    }
    b->report->rows += rows->count;
    return OK;
}

/* A table without rows has a part too, so that it is seen to be there. */
static enum status write_table(struct backing_up *b, struct transaction *t)
{
    b->part = 0;
    begin_part(b);
    size_t empty_bytes = b->lines.length;
    TRY(table_read(t, b->now->table, &b->now->statements, write_page, b, b->fault));
    b->report->tables++;
    return b->lines.length > empty_bytes || b->part == 0 ? end_part(b) : OK;
}

/* May be run again, and then begins the archive anew. */
static enum status write_rows(struct transaction *t, void *argument, struct fault *fault)
{
    struct backing_up *b = argument;
    b->report->rows = b->report->tables = 0;
    TRY(archive_writer_rewind(&b->writer, fault));
    TRY(tables_open(&b->tables, t, &b->texts, fault));
    for (size_t i = 0; i < b->tables.schema.table_count; i++) {
        b->now = &b->tables.items[i];
        TRY(write_table(b, t));
    }
    return OK;
}

/* ---- files ---- */

static enum status open_file(const char *path, int *fd, struct fault *fault)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0 || errno == ENOENT) return OK; /* gone again */
    return fault_set(fault, STATUS_IO, "cannot open %s: %s", path, strerror(errno));
}

static bool is_same_file(int fd, FILE *file)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && fstat(fileno(file), &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static enum status add_open_file(struct backing_up *b, const struct archive_entry *listed, int fd)
{
    struct archive_entry entry = *listed;
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fault_set(b->fault, STATUS_IO, "cannot read %s: %s", listed->path, strerror(errno));
    entry.bytes = (uint64_t)info.st_size; /* it may have grown since it was listed */
    if (snprintf(entry.path, sizeof entry.path, FILES_FOLDER "%s", listed->path) >=
        (int)sizeof entry.path)
        return fault_set(b->fault, STATUS_UNSUPPORTED, "the path %s is too long for a backup",
                         listed->path);
    b->report->files++;
    return archive_writer_add_file(&b->writer, &entry, fd, b->fault);
}

static enum status write_file(struct backing_up *b, const char *folder,
                              const struct archive_entry *listed)
{
    char path[4096 + ARCHIVE_PATH_BYTES];
    int fd;
    snprintf(path, sizeof path, "%s/%s", folder, listed->path);
    TRY(open_file(path, &fd, b->fault));
    if (fd < 0) return OK;
    enum status status = is_same_file(fd, b->writer.file) ? OK : add_open_file(b, listed, fd);
    close(fd);
    return status;
}

static enum status write_files(struct backing_up *b, const struct backup_source *source)
{
    struct data_files files;
    if (!source->data_folder) return OK;
    TRY(data_folder_list(source->data_folder, database_url_file(source->database), &b->texts,
                         &files, b->fault));
    for (size_t i = 0; i < files.count; i++)
        TRY(write_file(b, source->data_folder, &files.items[i]));
    b->report->left_out = files.left_out;
    return OK;
}

/* ---- the end ---- */

static enum status write_manifest(struct backing_up *b, const char *program,
                                  uint32_t schema_version)
{
    struct manifest manifest = {.program = program,
                                .created_us = clock_wall_ms() * 1000,
                                .schema_version = schema_version,
                                .files = b->report->files,
                                .table_count = b->tables.schema.table_count};
    manifest.tables =
        arena_alloc_array(&b->texts, manifest.table_count + 1, sizeof *manifest.tables);
    if (!manifest.tables) return fault_set(b->fault, STATUS_NO_MEMORY, "no memory for a backup");
    for (size_t i = 0; i < manifest.table_count; i++) {
        const struct moved_table *moved = &b->tables.items[i];
        manifest.tables[i].name = moved->table->name;
        manifest.tables[i].rows = moved->sum.rows;
        hex_encode(moved->sum.digest, sizeof moved->sum.digest, manifest.tables[i].sum);
    }
    archive_writer_sum(&b->writer, manifest.sum);
    buffer_clear(&b->lines);
    TRY(manifest_append(&b->lines, &manifest, b->fault));
    return archive_writer_add(&b->writer, MANIFEST_PATH, buffer_text(&b->lines), b->fault);
}

static enum status write_all(struct backing_up *b, const char *path,
                             const struct backup_source *source, struct database *database,
                             uint32_t schema_version, const struct operations_progress *progress)
{
    TRY(archive_writer_open(&b->writer, path, progress, b->fault));
    TRY(database_read(database, sql_actor_system(), write_rows, b, b->fault));
    TRY(write_files(b, source));
    TRY(write_manifest(b, source->program, schema_version));
    TRY(archive_writer_finish(&b->writer, b->fault));
    b->report->bytes = b->writer.written_bytes;
    return OK;
}

enum status backup_write(const char *path, const struct backup_source *source,
                         const struct operations_progress *progress,
                         struct operations_report *report, struct fault *fault)
{
    struct database *database;
    uint32_t schema_version;
    *report = (struct operations_report){0};
    TRY(source_open(&database, source->database, &schema_version, fault));
    struct backing_up b = {.report = report, .fault = fault};
    buffer_init(&b.lines);
    arena_init(&b.texts, 0);
    enum status status = write_all(&b, path, source, database, schema_version, progress);
    archive_writer_close(&b.writer);
    database_close(database);
    arena_deinit(&b.texts);
    buffer_deinit(&b.lines);
    return status;
}
