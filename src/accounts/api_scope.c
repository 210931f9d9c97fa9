/* api_scope.c - see api_scope.h. */
#include "accounts/api_scope.h"

#include <stdio.h>
#include <string.h>

#include "http/json_body.h"

/* ---- reading ---- */

/* All members must be among `names`. */
static enum status check_members(json_t *object, const char *const *names, size_t count,
                                 const char *of, struct fault *fault)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(name, names[i]) != 0) i++;
        if (i == count)
            return fault_set_param(fault, STATUS_INVALID, name, "%s of a token have no member %s",
                                   of, name);
    }
    return OK;
}

static enum status parse_object(struct text json, const char *of, json_t **object,
                                struct fault *fault)
{
    if (json.length > SCOPE_JSON_BYTES)
        return fault_set_param(fault, STATUS_INVALID, of, "%s are longer than %d bytes", of,
                               SCOPE_JSON_BYTES);
    enum status status = json_body_parse(json, object, fault);
    if (status == STATUS_INVALID) {
        fault_prefix(fault, "%s", of);
        if (fault) snprintf(fault->param, sizeof fault->param, "%s", of);
    }
    return status;
}

static enum status copy_entry(const json_t *entry, const char *name, struct arena *job,
                              struct text *copy, struct fault *fault)
{
    struct text text = json_text_of(entry);
    if (!json_is_string(entry) || text.length == 0 || text.length > SCOPE_ENTRY_BYTES)
        return fault_set_param(fault, STATUS_INVALID, name, "%s must be texts of 1 to %d bytes",
                               name, SCOPE_ENTRY_BYTES);
    char *bytes = arena_copy(job, text.data, text.length);
    if (!bytes) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the scopes of a token");
    *copy = (struct text){bytes, text.length};
    return OK;
}

static enum status read_entries(const json_t *object, const char *name, struct arena *job,
                                struct text **entries, size_t *count, bool *has,
                                struct fault *fault)
{
    json_t *array;
    TRY(json_read_array(object, name, &array, fault));
    if (!array) return OK;
    *has = true;
    *count = json_array_size(array);
    if (*count > SCOPE_ENTRIES)
        return fault_set_param(fault, STATUS_INVALID, name, "%s are more than %d", name,
                               SCOPE_ENTRIES);
    *entries = arena_alloc_array(job, *count + 1, sizeof **entries);
    if (!*entries) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the scopes of a token");
    for (size_t i = 0; i < *count; i++)
        TRY(copy_entry(json_array_get(array, i), name, job, &(*entries)[i], fault));
    return OK;
}

static bool is_empty_object(struct text json)
{
    return json.length == 0 || text_equal(json, TEXT("{}"));
}

enum status api_scope_parse(struct text json, struct arena *job, struct api_scope *scope,
                            struct fault *fault)
{
    static const char *const names[] = {"models", "routes", "read_only"};
    enum status status;
    json_t *object = NULL;
    *scope = (struct api_scope){0};
    if (is_empty_object(json)) return OK;
    TRY(parse_object(json, "scopes", &object, fault));
    TRY_DONE(check_members(object, names, ARRAY_COUNT(names), "scopes", fault));
    TRY_DONE(read_entries(object, "models", job, &scope->models, &scope->model_count,
                          &scope->has_models, fault));
    TRY_DONE(read_entries(object, "routes", job, &scope->routes, &scope->route_count,
                          &scope->has_routes, fault));
    TRY_DONE(json_read_bool(object, "read_only", &scope->read_only, fault));
done:
    json_decref(object);
    return status;
}

static enum status read_limit(const json_t *object, const char *name, uint64_t *limit,
                              struct fault *fault)
{
    int64_t value = 1;
    if (!json_body_field(object, name)) return OK;
    TRY(json_read_integer(object, name, &value, fault));
    if (value < 1)
        return fault_set_param(fault, STATUS_INVALID, name, "%s must be at least 1", name);
    *limit = (uint64_t)value;
    return OK;
}

enum status api_limits_parse(struct text json, struct api_limits *limits, struct fault *fault)
{
    static const char *const names[] = {"requests_per_minute", "tokens_per_day",
                                        "spend_cap_tokens"};
    enum status status;
    json_t *object = NULL;
    *limits = (struct api_limits){0};
    if (is_empty_object(json)) return OK;
    TRY(parse_object(json, "limits", &object, fault));
    TRY_DONE(check_members(object, names, ARRAY_COUNT(names), "limits", fault));
    TRY_DONE(read_limit(object, names[0], &limits->requests_per_minute, fault));
    TRY_DONE(read_limit(object, names[1], &limits->tokens_per_day, fault));
    TRY_DONE(read_limit(object, names[2], &limits->spend_cap_tokens, fault));
done:
    json_decref(object);
    return status;
}

/* ---- judging ---- */

/* A '*' at the end stands for any rest. */
static bool entry_matches(struct text entry, struct text value)
{
    if (!text_ends_with(entry, TEXT("*"))) return text_equal(entry, value);
    return text_starts_with(value, text_slice(entry, 0, entry.length - 1));
}

static bool route_entry_matches(struct text entry, struct text method, struct text pattern)
{
    size_t space = text_find(entry, TEXT(" "));
    if (space == SIZE_MAX) return entry_matches(entry, pattern);
    return text_equal(text_slice(entry, 0, space), method) &&
           entry_matches(text_slice(entry, space + 1, entry.length), pattern);
}

bool scope_allows_route(const struct api_scope *scope, struct text method, struct text pattern)
{
    if (scope->read_only && !text_equal(method, TEXT("GET")) && !text_equal(method, TEXT("HEAD")))
        return false;
    if (!scope->has_routes) return true;
    for (size_t i = 0; i < scope->route_count; i++)
        if (route_entry_matches(scope->routes[i], method, pattern)) return true;
    return false;
}

bool scope_allows_model(const struct api_scope *scope, struct text model)
{
    if (!scope->has_models || model.length == 0) return true;
    for (size_t i = 0; i < scope->model_count; i++)
        if (entry_matches(scope->models[i], model)) return true;
    return false;
}

enum status scope_check(const struct api_scope *scope, struct text token_name, struct text method,
                        struct text pattern, struct text model, struct fault *fault)
{
    if (!scope_allows_route(scope, method, pattern))
        return fault_set(fault, STATUS_FORBIDDEN, "the token '%.*s' may not %.*s %.*s%s",
                         TEXT_FORMAT(token_name), TEXT_FORMAT(method), TEXT_FORMAT(pattern),
                         scope->read_only ? ": it is for reading only" : "");
    if (!scope_allows_model(scope, model))
        return fault_set_param(fault, STATUS_FORBIDDEN, "model",
                               "the token '%.*s' may not use the model '%.*s'",
                               TEXT_FORMAT(token_name), TEXT_FORMAT(model));
    return OK;
}
