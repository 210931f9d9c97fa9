/* db.c - `liminal db copy`: everything from one database to another. */
#include <inttypes.h>
#include <string.h>

#include "app/verbs/store_work.h"
#include "app/verbs/verbs.h"
#include "operations/operations.h"

struct db_values {
    const char *from, *to;
};

static const struct option_row OPTIONS[] = {
    {"from", 0, OPTION_TEXT, offsetof(struct db_values, from), .value_name = "URL",
     .help = "the database to read; default: the server's"},
    {"to", 0, OPTION_TEXT, offsetof(struct db_values, to), .value_name = "URL",
     .help = "the database to fill, which must be empty or not exist yet"},
};

static enum status db_run(struct command *command, struct fault *fault)
{
    const struct db_values *values = command->values;
    if (strcmp(command->words[0], "copy") != 0)
        return fault_set(fault, STATUS_INVALID, "`liminal db` takes copy, not \"%s\"",
                         command->words[0]);
    if (!values->to)
        return fault_set_param(fault, STATUS_INVALID, "to", "--to URL is missing: what to fill");
    struct store_place place;
    struct operations_report report;
    struct store_progress progress;
    TRY(store_work_place(&place, &(struct store_values){.database = values->from}, command->arena,
                         fault));
    store_progress_start(&progress, "copying", STORE_ROWS_COUNTED);
    enum status status = database_copy(place.database, values->to, &progress.work, &report, fault);
    store_progress_end(&progress);
    if (status == OK)
        fprintf(command->out, "%" PRIu64 " rows of %" PRIu64 " tables are there, and are equal\n",
                report.rows, report.tables);
    return status;
}

const struct verb VERB_DB = {
    .name = "db",
    .arguments = "copy",
    .summary = "copy everything from one database to another",
    .help =
        "All tables that there are, in one transaction, compared before it counts. Stop the "
        "server\n"
        "first, or what it writes meanwhile stays behind.\n"
        "\n"
        "Example:\n"
        "  liminal db copy --to postgresql://liminal:...@db.example.org/liminal\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct db_values),
    .least_words = 1,
    .most_words = 1,
    .run = db_run,
};
