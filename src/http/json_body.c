/* json_body.c - see json_body.h. */
#include "http/json_body.h"

#include <stdlib.h>
#include <string.h>

/* Bytes become a tree that is many times larger, an object's members most of all. */
enum { DEPTH_LIMIT = 64, CONTAINER_LIMIT = 100000, MEMBER_LIMIT = 200000, VALUE_LIMIT = 2000000 };

/* Counts before a tree is built. What is not JSON at all is left to the parser. */
static enum status check_bounds(struct text body, struct fault *fault)
{
    size_t depth = 0, containers = 0, members = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < body.length; i++) {
        char c = body.data[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        switch (c) {
        case '"': in_string = true; break;
        case '[':
        case '{':
            containers++;
            if (++depth > DEPTH_LIMIT)
                return fault_set(fault, STATUS_INVALID,
                                 "the JSON body is nested deeper than %d levels", DEPTH_LIMIT);
            break;
        case ']':
        case '}':
            if (depth > 0) depth--;
            break;
        case ':': members++; break;
        case ',': values++; break;
        default: break;
        }
        if (containers > CONTAINER_LIMIT || members > MEMBER_LIMIT || values > VALUE_LIMIT)
            return fault_set(fault, STATUS_INVALID,
                             "the JSON body has more than %d objects and arrays, %d members of "
                             "objects, or %d values",
                             CONTAINER_LIMIT, MEMBER_LIMIT, VALUE_LIMIT);
    }
    return OK;
}

/* ---- integers of any size ---- */

/* How many of these characters follow each other there. */
static size_t run_of(struct text text, size_t at, const char *characters)
{
    size_t end = at;
    while (end < text.length && text.data[end] && strchr(characters, text.data[end])) end++;
    return end - at;
}

/* The length of the text's number, and whether it is an integer beyond 63 bits. */
static size_t number_length(struct text text, bool *is_large)
{
    size_t sign = text.data[0] == '-', digits = run_of(text, sign, "0123456789");
    struct text bound = sign ? TEXT("9223372036854775808") : TEXT("9223372036854775807");
    bool is_real = run_of(text, sign + digits, ".eE") > 0;
    *is_large = !is_real &&
                (digits > bound.length || (digits == bound.length &&
                                           memcmp(text.data + sign, bound.data, bound.length) > 0));
    return sign + digits + run_of(text, sign + digits, "0123456789.eE+-");
}

/* The same JSON, in which large integers have an exponent: so they are reals for any reader. */
static void append_with_large_as_reals(struct buffer *out, struct text json)
{
    bool in_string = false;
    for (size_t i = 0; i < json.length;) {
        char c = json.data[i];
        size_t length = 1;
        bool is_large = false;
        if (in_string && c == '\\' && i + 1 < json.length)
            length = 2;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '-' || (c >= '0' && c <= '9')))
            length = number_length(text_slice(json, i, json.length), &is_large);
        buffer_append(out, json.data + i, length);
        if (is_large) buffer_append_string(out, "e0");
        i += length;
    }
}

json_t *json_load_text(struct text text, size_t flags, json_error_t *error)
{
    json_t *json = json_loadb(text.data, text.length, flags, error);
    if (json || json_error_code(error) != json_error_numeric_overflow) return json;
    struct buffer wide;
    buffer_init(&wide);
    append_with_large_as_reals(&wide, text);
    json = wide.failed ? NULL : json_loadb(wide.data, wide.length, flags, error);
    buffer_deinit(&wide);
    return json;
}

/* ---- bodies ---- */

/* In a value, or in a name. */
static bool is_about_nul(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_null_character || code == json_error_null_byte_in_key;
}

enum status json_body_parse(struct text body, json_t **out, struct fault *fault)
{
    if (text_trim(body).length == 0)
        return fault_set(fault, STATUS_INVALID, "the request needs a JSON object as its body");
    TRY(check_bounds(body, fault));
    json_error_t error;
    json_t *root = json_load_text(body, JSON_REJECT_DUPLICATES, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory)
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    if (!root && is_about_nul(&error))
        return fault_set(fault, STATUS_INVALID,
                         "line %d column %d of the body: a string has the character NUL "
                         "(\\u0000), which no text here may have: leave it out",
                         error.line, error.column);
    if (!root)
        return fault_set(fault, STATUS_INVALID, "the body is not valid JSON: line %d column %d: %s",
                         error.line, error.column, error.text);
    if (!json_is_object(root)) {
        json_decref(root);
        return fault_set(fault, STATUS_INVALID, "the body must be a JSON object");
    }
    *out = root;
    return OK;
}

json_t *json_body_field(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

static enum status wrong_type(const char *name, const char *wanted, struct fault *fault)
{
    return fault_set_param(fault, STATUS_INVALID, name, "%s must be %s", name, wanted);
}

enum status json_read_bool(const json_t *object, const char *name, bool *value, struct fault *fault)
{
    const json_t *field = json_body_field(object, name);
    if (!field) return OK;
    if (!json_is_boolean(field)) return wrong_type(name, "true or false", fault);
    *value = json_is_true(field);
    return OK;
}

enum status json_read_integer(const json_t *object, const char *name, int64_t *value,
                              struct fault *fault)
{
    const json_t *field = json_body_field(object, name);
    if (!field) return OK;
    if (!json_is_integer(field)) return wrong_type(name, "an integer", fault);
    *value = json_integer_value(field);
    return OK;
}

enum status json_read_float(const json_t *object, const char *name, float *value,
                            struct fault *fault)
{
    const json_t *field = json_body_field(object, name);
    if (!field) return OK;
    if (!json_is_number(field)) return wrong_type(name, "a number", fault);
    *value = (float)json_number_value(field);
    return OK;
}

enum status json_read_text(const json_t *object, const char *name, struct text *value,
                           struct fault *fault)
{
    const json_t *field = json_body_field(object, name);
    if (!field) return OK;
    if (!json_is_string(field)) return wrong_type(name, "a string", fault);
    *value = json_text_of(field);
    return OK;
}

enum status json_read_array(const json_t *object, const char *name, json_t **value,
                            struct fault *fault)
{
    *value = json_body_field(object, name);
    if (*value && !json_is_array(*value)) return wrong_type(name, "an array", fault);
    return OK;
}

enum status json_read_object(const json_t *object, const char *name, json_t **value,
                             struct fault *fault)
{
    *value = json_body_field(object, name);
    if (*value && !json_is_object(*value)) return wrong_type(name, "an object", fault);
    return OK;
}

struct text json_text_of(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}

struct text json_field_text(const json_t *object, const char *name)
{
    return json_text_of(json_object_get(object, name));
}

void json_append(struct buffer *out, const json_t *value)
{
    if (!value) return;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text)
        buffer_append_string(out, text);
    else
        out->failed = true;
    free(text);
}
