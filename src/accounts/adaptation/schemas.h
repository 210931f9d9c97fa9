/* schemas.h - JSON Schemas as they stand in a row of routes: JSON written as it is, made a string
 * by the preprocessor, with parts that have names.
 *
 *     SCHEMA({"type": "object", "properties": {"user": USER_SCHEMA}})
 *
 * Names are expanded, also `true` and `false`, which are macros of C: they can't stand in one. */
#ifndef LIMINAL_ACCOUNTS_SCHEMAS_H
#define LIMINAL_ACCOUNTS_SCHEMAS_H

#define SCHEMA_TEXT(...) #__VA_ARGS__
#define SCHEMA(...)      SCHEMA_TEXT(__VA_ARGS__)

/* clang-format off */
#define STRING   {"type": "string"}
#define WORD     {"type": "string", "minLength": 1}
#define FLAG     {"type": "boolean"}
#define COUNT    {"type": "integer", "minimum": 0}
#define ID       {"type": "string", "format": "uuid"}
#define MOMENT   {"type": "string", "format": "date-time"}
#define MOMENT_OR_NULL {"type": ["string", "null"], "format": "date-time"}
#define LIST(of) {"type": "array", "items": of}
#define OBJECT   {"type": "object"}

#define USER_SCHEMA                                                                         \
    {"type": "object",                                                                      \
     "required": ["id", "email", "status", "role", "plan", "email_verified", "created_at"], \
     "properties": {                                                                        \
        "id": ID, "email": STRING, "plan": STRING, "tenant_id": ID,                         \
        "status": {"enum": ["pending_verification", "active", "suspended", "deleted"]},     \
        "role": {"enum": ["user", "admin"]},                                                \
        "email_verified": FLAG, "created_at": MOMENT, "verified_at": MOMENT_OR_NULL}}
#define SIGNED_IN_SCHEMA                                                                    \
    {"type": "object",                                                                      \
     "required": ["access_token", "refresh_token", "user", "session_expires_at", "expires_in"], \
     "properties": {                                                                        \
        "access_token": STRING, "refresh_token": STRING, "token_type": STRING,              \
        "expires_in": COUNT, "session_expires_at": MOMENT, "user": USER_SCHEMA,             \
        "user_id": ID, "session_id": ID, "role": {"enum": ["user", "admin"]}, "csrf_token": STRING}}
#define SESSION_SCHEMA                                                                      \
    {"type": "object", "required": ["id", "created_at", "is_current"],                      \
     "properties": {                                                                        \
        "id": ID, "device": STRING, "user_agent": STRING, "ip": STRING, "created_at": MOMENT,                 \
        "last_seen_at": MOMENT_OR_NULL, "expires_at": MOMENT, "is_current": FLAG}}
#define SCOPES_SCHEMA                                                                       \
    {"type": "object", "properties": {                                                      \
        "models": LIST(STRING), "routes": LIST(STRING), "read_only": FLAG}}
#define LIMITS_SCHEMA                                                                       \
    {"type": "object", "properties": {                                                      \
        "requests_per_minute": COUNT, "tokens_per_day": COUNT, "spend_cap_tokens": COUNT}}
#define TOKEN_SCHEMA                                                                        \
    {"type": "object", "required": ["id", "name", "prefix", "created_at", "is_active"],     \
     "properties": {                                                                        \
        "id": ID, "name": STRING, "prefix": STRING, "created_at": MOMENT,                   \
        "expires_at": MOMENT_OR_NULL, "last_used_at": MOMENT_OR_NULL, "is_active": FLAG,    \
        "scopes": SCOPES_SCHEMA, "limits": LIMITS_SCHEMA, "spent_tokens": COUNT}}
#define INVITATION_SCHEMA                                                                   \
    {"type": "object", "required": ["id", "email", "plan", "role", "created_at", "expires_at"], \
     "properties": {                                                                        \
        "id": ID, "email": STRING, "plan": STRING, "role": {"enum": ["user", "admin"]},     \
        "created_at": MOMENT, "expires_at": MOMENT, "used_at": MOMENT_OR_NULL}}
#define LETTER_SCHEMA                                                                       \
    {"type": "object", "required": ["id", "recipient", "subject", "state", "created_at"],   \
     "properties": {                                                                        \
        "id": ID, "recipient": STRING, "subject": STRING, "link": STRING, "error": STRING,  \
        "state": {"enum": ["waiting", "sent", "failed", "shown"]}, "attempts": COUNT,       \
        "created_at": MOMENT, "state_at": MOMENT}}
/* clang-format on */

#endif
