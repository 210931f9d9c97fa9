/* json_body.h - a request's body as a JSON tree, and typed reading of its fields.
 *
 * Strict, because the bytes are hostile: one object, no duplicate keys, no NUL, valid UTF-8,
 * bounded depth and bounded numbers of values, members, objects and arrays (a tree of empty objects
 * is a hundred times its text).
 *
 * Readers: an absent field and null leave *value as it was, another type is STATUS_INVALID with the
 * field's name in the fault. Must not know what the fields mean. */
#ifndef LIMINAL_HTTP_JSON_BODY_H
#define LIMINAL_HTTP_JSON_BODY_H

#include <jansson.h>

#include "base/status.h"
#include "base/text.h"

enum status json_body_parse(struct text body, json_t **out, struct fault *fault) MUST_USE;
/* JSON whose integers may be larger than 63 bits, as in JavaScript's: these become reals. Otherwise
 * as json_loadb: NULL and *error where it is none. */
json_t *json_load_text(struct text text, size_t flags, json_error_t *error) MUST_USE;

/* The field, or NULL when it is absent or null. */
json_t *json_body_field(const json_t *object, const char *name);
enum status json_read_bool(const json_t *object, const char *name, bool *value,
                           struct fault *fault) MUST_USE;
enum status json_read_integer(const json_t *object, const char *name, int64_t *value,
                              struct fault *fault) MUST_USE;
/* Integers are numbers too. */
enum status json_read_float(const json_t *object, const char *name, float *value,
                            struct fault *fault) MUST_USE;
/* Borrowed from the tree. */
enum status json_read_text(const json_t *object, const char *name, struct text *value,
                           struct fault *fault) MUST_USE;
/* *value is NULL when absent. */
enum status json_read_array(const json_t *object, const char *name, json_t **value,
                            struct fault *fault) MUST_USE;
enum status json_read_object(const json_t *object, const char *name, json_t **value,
                             struct fault *fault) MUST_USE;

struct text json_text_of(const json_t *string);
/* A field as it is; empty when it is no string. */
struct text json_field_text(const json_t *object, const char *name);
/* The value as compact JSON, members in their order; nothing for NULL. */
void json_append(struct buffer *out, const json_t *value);

#endif
