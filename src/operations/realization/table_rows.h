/* table_rows.h - all rows of a table, page by page: read, summed up, put in. */
#ifndef LIMINAL_OPERATIONS_TABLE_ROWS_H
#define LIMINAL_OPERATIONS_TABLE_ROWS_H

#include "operations/row_text.h"

/* What is asked of a table, in the words of both dialects. */
struct table_statements {
    const char *first, *next; /* a page from the beginning; the page behind a key */
    const char *insert, *clear, *count;
};

/* Statements live as long as the database that runs them (sql.h), and so must `texts`. False: no
 * memory. */
bool table_statements_make(struct table_statements *statements, const struct schema_table *table,
                           struct arena *texts) MUST_USE;

/* Called with a few rows at a time, in the order of their key. */
typedef enum status table_visit(void *argument, const struct sql_rows *rows, struct fault *fault);

enum status table_read(struct transaction *transaction, const struct schema_table *table,
                       const struct table_statements *statements, table_visit *visit,
                       void *argument, struct fault *fault) MUST_USE;
enum status table_count(struct transaction *transaction, const struct table_statements *statements,
                        uint64_t *rows, struct fault *fault) MUST_USE;

/* Rows that go in, `count` of them, one behind the other. */
enum status table_insert(struct transaction *transaction, const struct schema_table *table,
                         const struct table_statements *statements, const struct sql_value *values,
                         size_t count, struct fault *fault) MUST_USE;

/* How many rows, and the sum of the SHA-256 of their canonical lines modulo 2^256: equal for equal
 * rows, in whatever order they come. */
struct table_sum {
    uint64_t rows;
    unsigned char digest[32]; /* big-endian */
};
enum status table_sum_add(struct table_sum *sum, const struct schema_table *table,
                          const struct sql_rows *rows, struct fault *fault) MUST_USE;
bool table_sum_equal(const struct table_sum *a, const struct table_sum *b);

#endif
