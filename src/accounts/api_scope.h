/* api_scope.h - what an API token may, and how much: the rules, and their JSON.
 *
 *     scopes {"models": ["local-llm", "qwen*"], "routes": ["POST /v1/chat/completions",
 * "/v1/models*"], "read_only": true} limits {"requests_per_minute": 60, "tokens_per_day": 100000,
 * "spend_cap_tokens": 1000000}
 *
 * Every member may be missing, and then limits nothing; one of another name or type is refused, so
 * that nobody believes in a restriction that is none. Pure. */
#ifndef LIMINAL_ACCOUNTS_API_SCOPE_H
#define LIMINAL_ACCOUNTS_API_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

enum { SCOPE_ENTRIES = 100, SCOPE_ENTRY_BYTES = 200, SCOPE_JSON_BYTES = 16384 };

struct api_scope {
    struct text *models, *routes; /* in the arena */
    size_t model_count, route_count;
    bool has_models, has_routes; /* an empty list allows none */
    bool read_only;              /* GET and HEAD only */
};

struct api_limits { /* 0: none */
    uint64_t requests_per_minute, tokens_per_day, spend_cap_tokens;
};

/* STATUS_INVALID with the member's name in fault.param. Empty text: nothing is limited. */
enum status api_scope_parse(struct text json, struct arena *job, struct api_scope *scope,
                            struct fault *fault) MUST_USE;
enum status api_limits_parse(struct text json, struct api_limits *limits,
                             struct fault *fault) MUST_USE;

/* May it call this route (its pattern in the route table: "/v1/conversations/{id}") and this model
 * (empty: the request names none)? A '*' at the end of an entry stands for any rest; a route's
 * entry may begin with its method. */
bool scope_allows_route(const struct api_scope *scope, struct text method, struct text pattern);
bool scope_allows_model(const struct api_scope *scope, struct text model);
/* Both; STATUS_FORBIDDEN says which it was, and names the token. */
enum status scope_check(const struct api_scope *scope, struct text token_name, struct text method,
                        struct text pattern, struct text model, struct fault *fault) MUST_USE;

#endif
