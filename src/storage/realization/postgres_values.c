/* postgres_values.c - see postgres_values.h. Numbers are big-endian, times count microseconds since
 * 2000 (PostgreSQL's documentation: "Frontend/Backend Protocol", and src/include/catalog/pg_type).
 */
#include "storage/realization/postgres_values.h"

#include <string.h>

enum postgres_type {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_NAME = 19,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_JSON = 114,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_BPCHAR = 1042,
    TYPE_VARCHAR = 1043,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_UUID = 2950,
    TYPE_JSONB = 3802,
};

enum { FORMAT_TEXT, FORMAT_BINARY, JSONB_VERSION = 1 };
#define EPOCH_2000_US 946684800000000

static uint64_t load_big_endian(const char *bytes, int length)
{
    uint64_t value = 0;
    for (int i = 0; i < length; i++) value = value << 8 | (unsigned char)bytes[i];
    return value;
}

static void store_big_endian(unsigned char bytes[8], uint64_t value)
{
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (56 - 8 * i));
}

/* ---- to the server ---- */

static Oid type_of(enum sql_type type)
{
    static const Oid types[] = {
        [SQL_NULL] = 0,           [SQL_BOOL] = TYPE_BOOL,        [SQL_INTEGER] = TYPE_INT8,
        [SQL_REAL] = TYPE_FLOAT8, [SQL_TEXT] = TYPE_TEXT,        [SQL_BLOB] = TYPE_BYTEA,
        [SQL_UUID] = TYPE_UUID,   [SQL_TIME] = TYPE_TIMESTAMPTZ, [SQL_JSON] = TYPE_JSON,
    };
    return types[type];
}

static void encode_number(struct postgres_parameters *p, int at, uint64_t bits)
{
    store_big_endian(p->numbers[at], bits);
    p->values[at] = (const char *)p->numbers[at];
    p->lengths[at] = 8;
}

static void encode(struct postgres_parameters *p, int at, const struct sql_value *value)
{
    uint64_t bits;
    p->types[at] = type_of(value->type);
    p->formats[at] = FORMAT_BINARY;
    p->values[at] = NULL;
    p->lengths[at] = 0;
    if (value->is_null) return;
    switch (value->type) {
    case SQL_NULL: return;
    case SQL_BOOL:
        p->numbers[at][0] = value->boolean;
        p->values[at] = (const char *)p->numbers[at];
        p->lengths[at] = 1;
        return;
    case SQL_INTEGER: encode_number(p, at, (uint64_t)value->integer); return;
    case SQL_TIME: encode_number(p, at, (uint64_t)value->integer - (uint64_t)EPOCH_2000_US); return;
    case SQL_REAL:
        memcpy(&bits, &value->real, sizeof bits);
        encode_number(p, at, bits);
        return;
    case SQL_UUID:
        p->values[at] = (const char *)value->uuid.bytes;
        p->lengths[at] = sizeof value->uuid.bytes;
        return;
    case SQL_JSON: /* as json, whose binary form is its text; columns of jsonb take it */
    case SQL_TEXT:
    case SQL_BLOB:
        p->values[at] = value->text.data ? value->text.data : "";
        p->lengths[at] = (int)value->text.length;
        return;
    }
}

enum status postgres_encode(struct postgres_parameters *parameters, const struct sql_value *values,
                            size_t count, struct fault *fault)
{
    if (count > POSTGRES_VALUES_MAX)
        return fault_set(fault, STATUS_INTERNAL, "a statement with %zu parameters; at most %d",
                         count, POSTGRES_VALUES_MAX);
    parameters->count = (int)count;
    for (size_t i = 0; i < count; i++) {
        const struct sql_value *value = &values[i];
        bool is_bytes =
            value->type == SQL_TEXT || value->type == SQL_BLOB || value->type == SQL_JSON;
        if (!value->is_null && is_bytes && value->text.length > INT32_MAX)
            return fault_set(fault, STATUS_TOO_LARGE, "a value too large for the database");
        if (!value->is_null && value->type == SQL_TEXT && value->text.length &&
            memchr(value->text.data, '\0', value->text.length))
            return fault_set(fault, STATUS_INVALID, "text must not contain the character NUL");
        encode(parameters, (int)i, value);
    }
    return OK;
}

uint32_t postgres_types_hash(const struct postgres_parameters *parameters)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (int i = 0; i < parameters->count; i++)
        hash = (hash ^ (uint32_t)parameters->types[i]) * 16777619u;
    return hash;
}

/* ---- from the server ---- */

static double real_of(uint64_t bits, int length)
{
    float single;
    double real;
    uint32_t half = (uint32_t)bits;
    if (length == 4) {
        memcpy(&single, &half, sizeof single);
        return (double)single;
    }
    memcpy(&real, &bits, sizeof real);
    return real;
}

static int64_t integer_of(uint64_t bits, int length)
{
    int unused = 64 - 8 * length;
    return (int64_t)(bits << unused) >> unused; /* the sign */
}

static enum status decode_bytes(enum sql_type type, const char *bytes, int length,
                                struct arena *job, struct sql_value *value, struct fault *fault)
{
    char *copy = arena_copy(job, bytes, (size_t)length);
    if (!copy)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the database's answer does not fit into the memory for it");
    *value = (struct sql_value){.type = type, .text = {copy, (size_t)length}};
    return OK;
}

static enum status decode(Oid type, const char *bytes, int length, struct arena *job,
                          struct sql_value *value, struct fault *fault)
{
    uint64_t bits = length <= 8 ? load_big_endian(bytes, length) : 0;
    switch ((enum postgres_type)type) {
    case TYPE_BOOL: *value = sql_bool(bits != 0); return OK;
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8: *value = sql_integer(integer_of(bits, length)); return OK;
    case TYPE_FLOAT4:
    case TYPE_FLOAT8: *value = sql_real(real_of(bits, length)); return OK;
    case TYPE_TIMESTAMPTZ: *value = sql_time((int64_t)bits + EPOCH_2000_US); return OK;
    case TYPE_UUID:
        value->type = SQL_UUID;
        value->is_null = false;
        memcpy(value->uuid.bytes, bytes, sizeof value->uuid.bytes);
        return OK;
    case TYPE_TEXT:
    case TYPE_NAME:
    case TYPE_BPCHAR:
    case TYPE_VARCHAR: return decode_bytes(SQL_TEXT, bytes, length, job, value, fault);
    case TYPE_BYTEA: return decode_bytes(SQL_BLOB, bytes, length, job, value, fault);
    case TYPE_JSON: return decode_bytes(SQL_JSON, bytes, length, job, value, fault);
    case TYPE_JSONB:
        if (length < 1 || bytes[0] != JSONB_VERSION) break;
        return decode_bytes(SQL_JSON, bytes + 1, length - 1, job, value, fault);
    }
    return fault_set(fault, STATUS_INTERNAL,
                     "a column of PostgreSQL's type %u, which sql.h does not have: cast it", type);
}

static enum sql_type null_type(Oid type)
{
    switch ((enum postgres_type)type) {
    case TYPE_BOOL: return SQL_BOOL;
    case TYPE_TIMESTAMPTZ: return SQL_TIME;
    case TYPE_UUID: return SQL_UUID;
    case TYPE_JSON:
    case TYPE_JSONB: return SQL_JSON;
    default: return SQL_NULL; /* as SQLite, whose columns of these have no declared type */
    }
}

enum status postgres_decode(const PGresult *result, struct arena *job, struct sql_rows *rows,
                            struct fault *fault)
{
    int count = PQntuples(result), columns = PQnfields(result);
    *rows = (struct sql_rows){(size_t)count, (size_t)columns, NULL};
    if (count == 0 || columns == 0) return OK;
    rows->values = arena_alloc_array(job, (size_t)count * (size_t)columns, sizeof *rows->values);
    if (!rows->values)
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the database's answer does not fit into the memory for it");
    for (int row = 0; row < count; row++)
        for (int column = 0; column < columns; column++) {
            struct sql_value *value = &rows->values[row * columns + column];
            Oid type = PQftype(result, column);
            if (PQgetisnull(result, row, column))
                *value = sql_null(null_type(type));
            else
                TRY(decode(type, PQgetvalue(result, row, column), PQgetlength(result, row, column),
                           job, value, fault));
        }
    return OK;
}
