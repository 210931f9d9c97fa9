/* parts.h - how rows lie in a backup: parts of about a megabyte, named by their table, each a line
 * with the columns and then a line for each row. */
#ifndef LIMINAL_OPERATIONS_PARTS_H
#define LIMINAL_OPERATIONS_PARTS_H

#include "operations/archive.h"
#include "operations/row_text.h"

enum { PART_BYTES = 1 << 20, PART_LIMIT_BYTES = 1 << 28 };
#define ROWS_FOLDER  "database/"
#define FILES_FOLDER "files/"

/* STATUS_UNSUPPORTED when the table's name can't be a file's. */
enum status part_path(const struct schema_table *table, unsigned number,
                      char path[ARCHIVE_PATH_BYTES], struct fault *fault) MUST_USE;
void part_append_columns(struct buffer *lines, const struct schema_table *table);

/* The first line, with names in the arena. STATUS_CORRUPT. */
enum status part_read_columns(struct text line, struct arena *job, struct schema_table *table,
                              struct fault *fault) MUST_USE;
/* Up to the next newline, which is taken off too; false at the end. */
bool part_next_line(struct text *rest, struct text *line);

#endif
