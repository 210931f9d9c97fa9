/* store_work.c - see store_work.h. */
#include "app/verbs/store_work.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

enum status store_work_place(struct store_place *place, const struct store_values *values,
                             struct arena *arena, struct fault *fault)
{
    char home[4000];
    struct settings settings;
    if (values->data_dir && setenv("LIMINAL_HOME", values->data_dir, 1) != 0)
        return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    TRY(settings_load(&settings, arena, fault));
    if (values->database) settings.database = values->database;
    TRY(stores_database_url(&settings, arena, &place->database, fault));
    TRY(path_home(home, sizeof home, fault));
    place->data_dir = arena_copy(arena, home, strlen(home));
    return place->data_dir ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* ---- progress ---- */

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static bool show(void *argument, uint64_t done, uint64_t total)
{
    struct store_progress *progress = argument;
    if (progress->unit == STORE_BYTES_COUNTED)
        progress_bar_bytes(&progress->bar, done, total);
    else if (total)
        progress_bar_share(&progress->bar, (double)done / (double)total);
    return !interrupted;
}

void store_progress_start(struct store_progress *progress, const char *label, enum store_unit unit)
{
    *progress = (struct store_progress){.work = {show, progress}, .unit = unit};
    progress_bar_start(&progress->bar, label);
    signal(SIGINT, note_interrupt);
    signal(SIGTERM, note_interrupt);
    signal(SIGPIPE, SIG_IGN);
}

void store_progress_end(struct store_progress *progress)
{
    progress_bar_end(&progress->bar);
}
