/* postgres_values.h - values in PostgreSQL's binary format, both ways. */
#ifndef LIMINAL_STORAGE_POSTGRES_VALUES_H
#define LIMINAL_STORAGE_POSTGRES_VALUES_H

#include <libpq-fe.h>

#include "storage/sql.h"

enum { POSTGRES_VALUES_MAX = 32 /* parameters of a statement */ };

/* Parameters as libpq takes them. Points into itself and into the values. */
struct postgres_parameters {
    int count;
    Oid types[POSTGRES_VALUES_MAX];
    const char *values[POSTGRES_VALUES_MAX];
    int lengths[POSTGRES_VALUES_MAX], formats[POSTGRES_VALUES_MAX];
    unsigned char numbers[POSTGRES_VALUES_MAX][8];
};

enum status postgres_encode(struct postgres_parameters *parameters, const struct sql_value *values,
                            size_t count, struct fault *fault) MUST_USE;
/* All rows of a result, copied. STATUS_INTERNAL for a column of a type that sql.h does not have. */
enum status postgres_decode(const PGresult *result, struct arena *job, struct sql_rows *rows,
                            struct fault *fault) MUST_USE;
/* A number that differs when the types do. */
uint32_t postgres_types_hash(const struct postgres_parameters *parameters);

#endif
