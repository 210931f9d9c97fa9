/* sql_json.c - see sql_json.h. */
#include "storage/sql_json.h"

#include <assert.h>
#include <inttypes.h>

#include "base/moment.h"

void sql_append_value(struct buffer *json, const struct sql_value *value)
{
    char text[UUID_TEXT_BYTES];
    _Static_assert((int)MOMENT_TEXT_BYTES <= (int)UUID_TEXT_BYTES, "room for both");
    if (value->is_null || value->type == SQL_NULL) {
        buffer_append_string(json, "null");
        return;
    }
    switch (value->type) {
    case SQL_TEXT: buffer_append_json_string(json, value->text); return;
    case SQL_JSON: buffer_append_text(json, value->text); return;
    case SQL_BOOL: buffer_append_string(json, value->boolean ? "true" : "false"); return;
    case SQL_INTEGER: buffer_printf(json, "%" PRId64, value->integer); return;
    case SQL_REAL: buffer_printf(json, "%.17g", value->real); return;
    case SQL_TIME: moment_format(value->integer, text); break;
    case SQL_UUID: uuid_format(value->uuid, text); break;
    default: assert(!"a blob has no form in JSON");
    }
    buffer_append_json_string(json, text_of(text));
}

void sql_append_object(struct buffer *json, const struct sql_rows *rows, size_t row,
                       const char *const *names)
{
    for (size_t i = 0; i < rows->columns; i++) {
        buffer_printf(json, "%c\"%s\":", i ? ',' : '{', names[i]);
        sql_append_value(json, sql_at(rows, row, i));
    }
    buffer_append_char(json, '}');
}
