/* database_url.c - which database a URL means. */
#include <string.h>

#include "storage/realization/databases.h"

static bool names_postgres(const char *url)
{
    struct text t = text_of(url);
    return text_starts_with(t, TEXT("postgres://")) || text_starts_with(t, TEXT("postgresql://"));
}

const char *database_url_file(const char *url)
{
    if (names_postgres(url)) return NULL;
    if (text_starts_with(text_of(url), TEXT("sqlite:"))) url += strlen("sqlite:");
    return *url && !strstr(url, "://") ? url : NULL;
}

enum status database_open_url(struct database **out, const char *url, const char *role,
                              struct fault *fault)
{
    if (names_postgres(url))
        return postgres_open(out, &(struct postgres_options){.url = url, .role = role}, fault);
    const char *file = database_url_file(url);
    if (!file)
        return fault_set_param(fault, STATUS_INVALID, "database_url",
                               "the database must be sqlite:PATH or "
                               "postgresql://user:password@host:5432/name");
    return sqlite_open(out, &(struct sqlite_options){.path = file}, fault);
}
