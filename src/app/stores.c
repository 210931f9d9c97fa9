/* stores.c - see stores.h. */
#include "app/stores.h"

#include <ctype.h>
#include <string.h>

#include "platform/platform.h"
#include "storage/realization/databases.h"
#include "storage/realization/hot_states.h"
#include "storage/realization/migrate.h"

/* Whom PostgreSQL's row-level security binds (migrations/postgres/001_initial.up.sql). */
static const char SERVICE_ROLE[] = "liminal_service";

/* ---- which database ---- */

/* Percent-encoded, so that it is one part of a URL whatever is in it. */
static void append_part(struct buffer *url, const char *part)
{
    for (const char *c = part; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("-._~", *c))
            buffer_append_char(url, *c);
        else
            buffer_printf(url, "%%%02X", (unsigned char)*c);
}

static void append_postgres_url(struct buffer *url, const struct settings *settings)
{
    buffer_append_string(url, "postgresql://");
    append_part(url, settings->database_user);
    if (settings->database_password) {
        buffer_append_char(url, ':');
        append_part(url, settings->database_password);
    }
    buffer_append_char(url, '@');
    append_part(url, settings->database_host);
    buffer_printf(url, ":%llu/", (unsigned long long)settings->database_port);
    append_part(url, settings->database_name);
}

static enum status append_file_url(struct buffer *url, const struct settings *settings,
                                   struct fault *fault)
{
    char home[4000];
    if (!settings->data_dir) TRY(path_home(home, sizeof home, fault));
    buffer_printf(url, "sqlite:%s/liminal.db", settings->data_dir ? settings->data_dir : home);
    return OK;
}

enum status stores_database_url(const struct settings *settings, struct arena *arena,
                                const char **url, struct fault *fault)
{
    struct buffer made;
    buffer_init(&made);
    enum status status = OK;
    if (settings->database)
        buffer_append_string(&made, settings->database);
    else if (settings->database_host)
        append_postgres_url(&made, settings);
    else
        status = append_file_url(&made, settings, fault);
    if (status == OK) status = buffer_status(&made, fault);
    if (status == OK) {
        *url = arena_copy(arena, made.data, made.length);
        if (!*url) status = fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    buffer_deinit(&made);
    return status;
}

/* ---- opening ---- */

static void log_migration(void *argument, const struct migration *migration)
{
    log_write("storage", LOG_INFO, NULL, "applied migration %u (%s)", migration->version,
              migration->name);
}

/* As whom the URL names, who must own the tables, when there is something to do. */
static enum status migrate(const char *url, struct fault *fault)
{
    struct database *owner;
    TRY(database_open_url(&owner, url, NULL, fault));
    enum status status = migrate_up(owner, &migrations_built_in, log_migration, NULL, fault);
    database_close(owner);
    return status;
}

static enum status open_hot_state(struct hot_state **hot, const struct settings *settings,
                                  struct fault *fault)
{
    if (!settings->redis) return hot_memory_open(hot, 0, fault);
    return hot_redis_open(hot, &(struct hot_redis_options){.url = settings->redis}, fault);
}

enum status stores_open(struct stores *stores, const struct settings *settings, struct arena *arena,
                        struct fault *fault)
{
    *stores = (struct stores){0};
    const char *url;
    TRY(stores_database_url(settings, arena, &url, fault));
    TRY(migrate(url, fault));
    enum status status = database_open_url(&stores->database, url, SERVICE_ROLE, fault);
    if (status == OK) status = database_check(stores->database, fault);
    if (status == OK) status = open_hot_state(&stores->hot, settings, fault);
    if (status != OK) stores_close(stores);
    return status;
}

void stores_close(struct stores *stores)
{
    hot_close(stores->hot);
    database_close(stores->database);
    *stores = (struct stores){0};
}
