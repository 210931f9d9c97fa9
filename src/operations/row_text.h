/* row_text.h - a row of a table as one line of JSON, and back: what copies compare and backups
 * hold.
 *
 * Whatever a value is, its line gives it back to the bit (docs/format-backup.md has the forms).
 * Pure. */
#ifndef LIMINAL_OPERATIONS_ROW_TEXT_H
#define LIMINAL_OPERATIONS_ROW_TEXT_H

#include "storage/schema.h"

enum row_form {
    ROW_EXACT,     /* gives every value back */
    ROW_CANONICAL, /* equal for equal rows of either database: JSON has its spaces, the order of its
                      keys and the spelling of its numbers taken out */
};

/* Append the line of one row, with its newline. STATUS_CORRUPT, naming the column, when a value is
 * not of the column's type (SQLite would let that happen). */
enum status row_text_append(struct buffer *out, const struct schema_table *table,
                            const struct sql_value *values, enum row_form form,
                            struct fault *fault) MUST_USE;

/* The values of a line of ROW_EXACT, in the arena; `types` are the columns'. STATUS_CORRUPT for
 * anything else. */
enum status row_text_parse(struct text line, const enum sql_type *types, size_t count,
                           struct arena *job, struct sql_value *values,
                           struct fault *fault) MUST_USE;

#endif
