/* catalogue.h - the tables of a database, read from its own catalogue. */
#ifndef LIMINAL_STORAGE_CATALOGUE_H
#define LIMINAL_STORAGE_CATALOGUE_H

#include "storage/schema.h"

/* All tables but the list of migrations, sorted (schema_sort), in the arena. STATUS_UNSUPPORTED,
 * naming it, for a column of a type that sql.h does not have, or a table without a key. */
enum status catalogue_read(struct transaction *transaction, struct arena *job,
                           struct schema *schema, struct fault *fault) MUST_USE;

#endif
