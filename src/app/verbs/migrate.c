/* migrate.c - `liminal migrate`: the database's schema, up, down, and how it stands. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/verbs/store_work.h"
#include "app/verbs/verbs.h"
#include "base/moment.h"
#include "storage/realization/databases.h"
#include "storage/realization/migrate.h"

static const struct option_row OPTIONS[] = {STORE_ROWS};

static void print_up(void *argument, const struct migration *migration)
{
    fprintf(argument, "applied %03" PRIu32 " %s\n", migration->version, migration->name);
}

static void print_down(void *argument, const struct migration *migration)
{
    fprintf(argument, "took back %03" PRIu32 " %s\n", migration->version, migration->name);
}

/* The second word, at most `most`; without it *version stays. */
static enum status read_version(const struct command *command, size_t most, uint32_t *version,
                                struct fault *fault)
{
    if (command->word_count < 2) return OK;
    const char *word = command->words[1];
    char *end;
    unsigned long value = strtoul(word, &end, 10);
    if (*word < '0' || *word > '9' || *end || value > most)
        return fault_set(fault, STATUS_INVALID,
                         "VERSION must be a number from 0 to %zu, not \"%s\"", most, word);
    *version = (uint32_t)value;
    return OK;
}

static enum status up(struct command *command, struct database *database, struct fault *fault)
{
    struct migration_set set = migrations_built_in;
    uint32_t version = (uint32_t)set.count;
    TRY(read_version(command, set.count, &version, fault));
    set.count = version;
    return migrate_up(database, &set, print_up, command->out, fault);
}

static enum status read_state(struct command *command, struct database *database,
                              struct applied_migration **applied, size_t *count, size_t *pending,
                              struct fault *fault)
{
    return migrate_status(database, &migrations_built_in, command->arena, applied, count, pending,
                          fault);
}

static enum status down(struct command *command, struct database *database, struct fault *fault)
{
    struct applied_migration *applied;
    size_t count, pending;
    TRY(read_state(command, database, &applied, &count, &pending, fault));
    uint32_t version = count ? (uint32_t)count - 1 : 0;
    TRY(read_version(command, migrations_built_in.count, &version, fault));
    return migrate_down(database, &migrations_built_in, version, print_down, command->out, fault);
}

static enum status status_of(struct command *command, struct database *database,
                             struct fault *fault)
{
    struct applied_migration *applied;
    size_t count, pending;
    TRY(read_state(command, database, &applied, &count, &pending, fault));
    for (size_t i = 0; i < count; i++) {
        char when[MOMENT_TEXT_BYTES];
        moment_format(applied[i].applied_us, when);
        fprintf(command->out, "%03" PRIu32 " %-24s applied %s\n", applied[i].version,
                applied[i].name, when);
    }
    for (size_t i = count; i < count + pending; i++) {
        const struct migration *next = &migrations_built_in.of[SQL_SQLITE][i];
        fprintf(command->out, "%03" PRIu32 " %-24s pending\n", next->version, next->name);
    }
    return OK;
}

typedef enum status direction(struct command *command, struct database *database,
                              struct fault *fault);

static direction *find_direction(const char *word)
{
    if (strcmp(word, "up") == 0) return up;
    if (strcmp(word, "down") == 0) return down;
    if (strcmp(word, "status") == 0) return status_of;
    return NULL;
}

static enum status migrate_run(struct command *command, struct fault *fault)
{
    direction *chosen = find_direction(command->words[0]);
    if (!chosen)
        return fault_set(fault, STATUS_INVALID,
                         "`liminal migrate` takes up, down or status, not \"%s\"",
                         command->words[0]);
    if (chosen == status_of && command->word_count > 1)
        return fault_set(fault, STATUS_INVALID, "`liminal migrate status` takes no VERSION");
    struct store_place place;
    struct database *database;
    TRY(store_work_place(&place, command->values, command->arena, fault));
    TRY(database_open_url(&database, place.database, NULL, fault));
    enum status status = chosen(command, database, fault);
    database_close(database);
    return status;
}

const struct verb VERB_MIGRATE = {
    .name = "migrate",
    .arguments = "up|down|status [VERSION]",
    .summary = "bring the database's schema up to date, or back",
    .help =
        "`up` applies what is pending, up to VERSION where one is given; a server does that by\n"
        "itself at its start. `down` takes back what is above VERSION, or the newest one, and\n"
        "with it the data it made room for: make a backup first. `status` lists them all.\n"
        "\n"
        "Examples:\n"
        "  liminal migrate status\n"
        "  liminal migrate up --database postgresql://liminal@db.example.org/liminal\n"
        "  liminal migrate down 1\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct store_values),
    .least_words = 1,
    .most_words = 2,
    .run = migrate_run,
};
