/* database_url.c - which database a URL means. */
#include <string.h>

#include "storage/realization/databases.h"

enum status database_open_url(struct database **out, const char *url, const char *role,
                              struct fault *fault)
{
    struct text t = text_of(url);
    if (text_starts_with(t, TEXT("postgres://")) || text_starts_with(t, TEXT("postgresql://")))
        return postgres_open(out, &(struct postgres_options){.url = url, .role = role}, fault);
    if (text_starts_with(t, TEXT("sqlite:"))) url += strlen("sqlite:");
    if (!*url || strstr(url, "://"))
        return fault_set_param(fault, STATUS_INVALID, "database_url",
                               "the database must be sqlite:PATH or "
                               "postgresql://user:password@host:5432/name");
    return sqlite_open(out, &(struct sqlite_options){.path = url}, fault);
}
