/* backup.c - `liminal backup`: database and files of a server, while it works. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "app/terminal.h"
#include "app/verbs/store_work.h"
#include "app/verbs/verbs.h"
#include "app/version.h"
#include "operations/operations.h"
#include "platform/platform.h"

static const struct option_row OPTIONS[] = {STORE_ROWS};

/* A folder gets a file whose name tells the time. */
static enum status choose_path(const char *word, struct arena *arena, const char **path,
                               struct fault *fault)
{
    struct stat info;
    *path = word;
    if (stat(word, &info) != 0 || !S_ISDIR(info.st_mode)) return OK;
    char stamp[32];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    *path = arena_printf(arena, "%s/liminal-backup-%s.tar", word, stamp);
    return *path ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

static enum status backup_run(struct command *command, struct fault *fault)
{
    struct store_place place;
    struct operations_report report;
    struct store_progress progress;
    const char *path;
    TRY(store_work_place(&place, command->values, command->arena, fault));
    TRY(choose_path(command->words[0], command->arena, &path, fault));
    const struct backup_source source = {.database = place.database,
                                         .data_folder = place.data_dir,
                                         .program = "liminal " LIMINAL_VERSION};
    store_progress_start(&progress, "backup", STORE_BYTES_COUNTED);
    enum status status = backup_write(path, &source, &progress.work, &report, fault);
    store_progress_end(&progress);
    if (status != OK) return status;
    char size[SIZE_TEXT_BYTES];
    size_text(report.bytes, size);
    fprintf(command->out, "%s: %" PRIu64 " rows of %" PRIu64 " tables, %" PRIu64 " files, %s\n",
            path, report.rows, report.tables, report.files, size);
    if (report.left_out)
        fprintf(stderr, "left out: %" PRIu64 " links and other things that are no plain files\n",
                report.left_out);
    return OK;
}

const struct verb VERB_BACKUP = {
    .name = "backup",
    .arguments = "FILE",
    .summary = "back up the database and the files of a server, while it works",
    .help =
        "FILE is a new tar archive; a folder gets one whose name tells the time. It holds every\n"
        "row as one moment saw it, and the data folder without models and liminal.conf. It holds\n"
        "secrets: keep it as you keep the server.\n"
        "\n"
        "Examples:\n"
        "  liminal backup /mnt/backups\n"
        "  liminal backup before-update.tar\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct store_values),
    .least_words = 1,
    .most_words = 1,
    .run = backup_run,
};
