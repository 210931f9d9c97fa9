/* restore.c - `liminal restore`: a backup back into a server's database and data folder. */
#include <inttypes.h>

#include "app/verbs/store_work.h"
#include "app/verbs/verbs.h"
#include "app/version.h"
#include "operations/operations.h"

struct restore_values {
    struct store_values store; /* first */
    bool force;
};

static const struct option_row OPTIONS[] = {
    STORE_ROWS,
    {"force", 0, OPTION_FLAG, offsetof(struct restore_values, force),
     .help = "also where there are data: they are kept aside, in a folder of the data folder"},
};

static enum status restore_run(struct command *command, struct fault *fault)
{
    const struct restore_values *values = command->values;
    struct store_place place;
    struct operations_report report;
    struct store_progress progress;
    char aside[RESTORE_ASIDE_BYTES];
    TRY(store_work_place(&place, &values->store, command->arena, fault));
    const struct restore_target target = {.database = place.database,
                                          .data_folder = place.data_dir,
                                          .program = "liminal " LIMINAL_VERSION,
                                          .force = values->force};
    store_progress_start(&progress, "restoring", STORE_BYTES_COUNTED);
    enum status status =
        backup_restore(command->words[0], &target, &progress.work, &report, aside, fault);
    store_progress_end(&progress);
    if (*aside) fprintf(stderr, "what was there before is in %s\n", aside);
    if (status == OK)
        fprintf(command->out,
                "%" PRIu64 " rows of %" PRIu64 " tables and %" PRIu64
                " files are there, and are what the backup holds\n",
                report.rows, report.tables, report.files);
    return status;
}

const struct verb VERB_RESTORE = {
    .name = "restore",
    .arguments = "FILE",
    .summary = "put a backup back",
    .help =
        "Stop the server first. FILE is what `liminal backup` made, from either kind of database;\n"
        "it is checked before anything changes.\n"
        "\n"
        "Examples:\n"
        "  liminal restore /mnt/backups/liminal-backup-20261120T125316Z.tar\n"
        "  liminal restore before-update.tar --force\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct restore_values),
    .least_words = 1,
    .most_words = 1,
    .run = restore_run,
};
