/* schema.h - what moving all rows of a database has to know of its tables: columns, a key, and an
 * order in which rows may be inserted.
 *
 * realization/catalogue.h reads it from the database itself, so that no table can be forgotten.
 * Must not know what any table is for. */
#ifndef LIMINAL_STORAGE_SCHEMA_H
#define LIMINAL_STORAGE_SCHEMA_H

#include "base/arena.h"
#include "storage/sql.h"

struct schema_column {
    const char *name;
    enum sql_type type; /* never SQL_NULL */
};

/* Columns that only say where a row lies, or follow from others, are not among them: SQLite's
 * INTEGER PRIMARY KEY (what is data is a BIGINT), and generated ones. */
struct schema_table {
    const char *name;
    struct schema_column *columns;
    size_t column_count;
    size_t *key; /* columns, never null, that together tell a row from all others */
    size_t key_count;
};

struct schema_reference {
    size_t from, to;        /* tables; equal for one that refers to its own rows */
    const char *constraint; /* its name; "" on SQLite, where nothing needs it */
};

struct schema {
    struct schema_table *tables;
    size_t table_count;
    struct schema_reference *references;
    size_t reference_count;
};

/* Order the tables so that each stands behind those it refers to, and those that need not by
 * name. False: no memory. */
bool schema_sort(struct schema *schema, struct arena *job) MUST_USE;

/* True of a reference that no order can honour, because tables refer to each other in a circle or
 * to themselves: its constraint has to wait until all rows are there. */
bool schema_reference_is_backward(const struct schema_reference *reference);

/* NULL when there is none. */
const struct schema_table *schema_find(const struct schema *schema, struct text name);

/* What SQL calls a type in either dialect ("TIMESTAMP", "jsonb"); SQL_NULL: none that sql.h has. */
enum sql_type schema_declared_type(struct text declared);
/* "uuid", "time", ... and back; SQL_NULL for no such name. */
const char *schema_type_name(enum sql_type type);
enum sql_type schema_type_named(struct text name);

#endif
