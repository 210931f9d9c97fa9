/* openapi.c - see openapi.h. */
#include "gateway/openapi.h"

#include <ctype.h>
#include <string.h>

static const char *access_name(enum access access)
{
    static const char *const NAMES[] = {
        [ACCESS_UNSAID] = "unsaid",     [ACCESS_OPEN] = "open",     [ACCESS_MODELS] = "models",
        [ACCESS_ACCOUNT] = "account",   [ACCESS_PERSON] = "person", [ACCESS_ADMIN] = "admin",
        [ACCESS_OPERATOR] = "operator",
    };
    return NAMES[access];
}

/* "/v1/models/{id*}" is "/v1/models/{id}" in OpenAPI. */
static void append_path(struct buffer *out, const char *pattern)
{
    buffer_append_char(out, '"');
    for (const char *c = pattern; *c; c++)
        if (*c != '*') buffer_append_char(out, *c);
    buffer_append_char(out, '"');
}

static void append_parameters(struct buffer *out, const char *pattern)
{
    bool is_first = true;
    for (const char *open = strchr(pattern, '{'); open; open = strchr(open + 1, '{')) {
        int length = (int)strcspn(open + 1, "*}");
        buffer_printf(out,
                      "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
                      "\"schema\":{\"type\":\"string\"}}",
                      is_first ? ",\"parameters\":[" : ",", length, open + 1);
        is_first = false;
    }
    if (!is_first) buffer_append_char(out, ']');
}

static void append_security(struct buffer *out, enum access access)
{
    bool is_key = access == ACCESS_MODELS || access == ACCESS_ACCOUNT || access == ACCESS_OPERATOR;
    if (access == ACCESS_OPEN)
        buffer_append_string(out, ",\"security\":[]");
    else
        buffer_printf(out, ",\"security\":[{\"bearer\":[]},{\"cookie\":[]}%s]",
                      is_key ? ",{\"key\":[]}" : "");
}

static void append_request(struct buffer *out, const struct gateway_route *row)
{
    if (!row->request_schema) return;
    const char *type =
        row->style == STYLE_PAGE ? "application/x-www-form-urlencoded" : "application/json";
    buffer_printf(out, ",\"requestBody\":{\"required\":true,\"content\":{\"%s\":{\"schema\":%s}}}",
                  type, row->request_schema);
}

static void append_answer(struct buffer *out, const struct gateway_route *row)
{
    if (row->style == STYLE_PAGE) {
        buffer_append_string(out, ",\"content\":{\"text/html\":{}}");
        return;
    }
    if (!row->answer_schema) return;
    bool has_envelope = row->style == STYLE_ENVELOPE;
    buffer_append_string(out, ",\"content\":{\"application/json\":{\"schema\":");
    if (has_envelope)
        buffer_append_string(out,
                             "{\"type\":\"object\",\"required\":[\"status\",\"data\","
                             "\"request_id\"],\"properties\":{\"status\":{\"const\":\"ok\"},"
                             "\"request_id\":{\"type\":\"string\"},\"data\":");
    buffer_append_string(out, row->answer_schema);
    buffer_append_string(out, has_envelope ? "}}}}" : "}}");
}

static void append_operation(struct buffer *out, const struct gateway_route *row)
{
    static const char *const ERRORS[] = {
        [STYLE_OPENAI] = "OpenAIError", [STYLE_ENVELOPE] = "EnvelopeError"};
    buffer_append_char(out, '"');
    for (const char *c = row->method; *c; c++) buffer_append_char(out, (char)tolower(*c));
    buffer_append_string(out, "\":{\"summary\":");
    buffer_append_json_string(out, text_of(row->summary));
    buffer_printf(out, ",\"x-access\":\"%s\",\"x-limit\":\"%s\"", access_name(row->access),
                  limit_kind_name(row->limit));
    if (row->replays) buffer_append_string(out, ",\"x-idempotency-key\":true");
    append_security(out, row->access);
    append_parameters(out, row->pattern);
    append_request(out, row);
    buffer_append_string(out, ",\"responses\":{\"2XX\":{\"description\":\"done\"");
    append_answer(out, row);
    buffer_append_string(out, "},\"default\":{\"description\":\"refused\"");
    if (row->style != STYLE_PAGE)
        buffer_printf(out,
                      ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
                      "\"#/components/schemas/%s\"}}}",
                      ERRORS[row->style]);
    buffer_append_string(out, "}}}");
}

/* All methods of one path stand together. */
static bool is_first_of_path(const struct gateway_route *const *rows, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(rows[k]->pattern, rows[i]->pattern) == 0) return false;
    return true;
}

static void append_paths(struct buffer *out, const struct gateway_route *const *rows, size_t count)
{
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (!is_first_of_path(rows, i)) continue;
        buffer_append_string(out, separator);
        append_path(out, rows[i]->pattern);
        buffer_append_string(out, ":{");
        append_operation(out, rows[i]);
        for (size_t k = i + 1; k < count; k++) {
            if (strcmp(rows[k]->pattern, rows[i]->pattern) != 0) continue;
            buffer_append_char(out, ',');
            append_operation(out, rows[k]);
        }
        buffer_append_char(out, '}');
        separator = ",";
    }
}

static const char COMPONENTS[] =
    "{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"},"
    "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"" SESSION_COOKIE
    "\"}},"
    "\"schemas\":{\"OpenAIError\":{\"type\":\"object\",\"required\":[\"error\",\"detail\"],"
    "\"properties\":{\"detail\":{\"type\":\"string\"},\"error\":{\"type\":\"object\","
    "\"required\":[\"message\",\"type\",\"param\",\"code\"],\"properties\":{"
    "\"message\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"},"
    "\"param\":{\"type\":[\"string\",\"null\"]},\"code\":{\"type\":\"string\"}}}}},"
    "\"EnvelopeError\":{\"type\":\"object\",\"required\":[\"status\",\"error\",\"request_id\"],"
    "\"properties\":{\"status\":{\"const\":\"error\"},\"request_id\":{\"type\":\"string\"},"
    "\"error\":{\"type\":\"object\",\"required\":[\"code\",\"message\",\"details\"],"
    "\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},"
    "\"details\":{\"type\":\"object\"}}}}}}}";

void openapi_append(struct buffer *out, const struct gateway_route *const *rows, size_t count,
                    const char *version)
{
    buffer_append_string(out,
                         "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Liminal\",\"version\":");
    buffer_append_json_string(out, text_of(version));
    buffer_append_string(out, "},\"paths\":{");
    append_paths(out, rows, count);
    buffer_append_string(out, "},\"components\":");
    buffer_append_string(out, COMPONENTS);
    buffer_append_char(out, '}');
}
