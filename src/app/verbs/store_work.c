/* store_work.c - see store_work.h. */
#include "app/verbs/store_work.h"

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
