/* sql_json.h - rows as JSON, for exports. Pure. */
#ifndef LIMINAL_STORAGE_SQL_JSON_H
#define LIMINAL_STORAGE_SQL_JSON_H

#include "storage/sql.h"

/* Times as RFC 3339, ids as text, JSON as it is. Blobs have no form: they must not be in it. */
void sql_append_value(struct buffer *json, const struct sql_value *value);
/* One row as an object: a name for each column, in their order. */
void sql_append_object(struct buffer *json, const struct sql_rows *rows, size_t row,
                       const char *const *names);

#endif
