/* conversation_schemas.c - see conversation_schemas.h. */
#include "conversations/adaptation/conversation_schemas.h"

#include "gateway/route.h"

/* clang-format off */

/* JSON() of what macros stand for. */
#define EXPANDED(...) JSON(__VA_ARGS__)

#define ID             {"type": "string", "format": "uuid"}
#define MOMENT         {"type": "string", "format": "date-time"}
#define TEXT_OR_NULL   {"type": ["string", "null"]}
#define COUNT_OR_NULL  {"type": ["integer", "null"]}
#define OBJECT_OR_NULL {"type": ["object", "null"]}
#define STATUS         {"enum": ["open", "archived"]}
#define SENDER         {"enum": ["user", "assistant", "system", "tool"]}

#define CONVERSATION                                                                         \
    {"type": "object",                                                                       \
     "required": ["id", "title", "status", "created_at", "updated_at", "message_count",      \
                  "active_context_id", "meta"],                                              \
     "properties": {                                                                         \
        "id": ID, "title": TEXT_OR_NULL, "status": STATUS, "created_at": MOMENT,             \
        "updated_at": MOMENT, "message_count": {"type": "integer"},                          \
        "active_context_id": TEXT_OR_NULL, "meta": OBJECT_OR_NULL}}

#define MESSAGE                                                                              \
    {"type": "object",                                                                       \
     "required": ["id", "conversation_id", "seq", "sender", "role", "content",               \
                  "content_struct", "state", "created_at", "token_count_in",                 \
                  "token_count_out", "meta"],                                                \
     "properties": {                                                                         \
        "id": ID, "conversation_id": ID, "seq": {"type": "integer", "minimum": 1},           \
        "sender": SENDER, "role": {"type": "string"}, "content": {"type": "string"},         \
        "content_struct": OBJECT_OR_NULL, "created_at": MOMENT,                              \
        "state": {"enum": ["complete", "writing", "interrupted"]},                           \
        "token_count_in": COUNT_OR_NULL, "token_count_out": COUNT_OR_NULL,                   \
        "meta": OBJECT_OR_NULL}}

const char SCHEMA_CONVERSATION[] = EXPANDED(CONVERSATION);
const char SCHEMA_CONVERSATION_LIST[] = EXPANDED({"type": "array", "items": CONVERSATION});
const char SCHEMA_CONVERSATION_WISH[] = EXPANDED(
    {"type": "object",
     "properties": {"title": TEXT_OR_NULL, "meta": OBJECT_OR_NULL}});
const char SCHEMA_CONVERSATION_CHANGE[] = EXPANDED(
    {"type": "object",
     "properties": {"title": TEXT_OR_NULL, "status": STATUS, "meta": OBJECT_OR_NULL,
                    "active_context_id": TEXT_OR_NULL}});
const char SCHEMA_FORK_WISH[] = EXPANDED(
    {"type": "object", "required": ["message_id"], "properties": {"message_id": ID}});
const char SCHEMA_DELETED[] = EXPANDED(
    {"type": "object", "required": ["id", "deleted"],
     "properties": {"id": ID, "deleted": {"type": "boolean"}}});

const char SCHEMA_MESSAGE[] = EXPANDED(MESSAGE);
const char SCHEMA_MESSAGE_LIST[] = EXPANDED({"type": "array", "items": MESSAGE});
const char SCHEMA_MESSAGE_WISH[] = EXPANDED(
    {"type": "object", "required": ["content"],
     "properties": {"content": {"type": "string"}, "sender": SENDER, "role": TEXT_OR_NULL,
                    "content_struct": {}, "meta": OBJECT_OR_NULL}});
const char SCHEMA_MESSAGE_HITS[] = EXPANDED(
    {"type": "array",
     "items": {"type": "object",
               "required": ["message_id", "conversation_id", "title", "sender", "created_at",
                            "snippet", "matches"],
               "properties": {
                  "message_id": ID, "conversation_id": ID, "title": TEXT_OR_NULL,
                  "sender": SENDER, "created_at": MOMENT, "snippet": {"type": "string"},
                  "matches": {"type": "array",
                              "items": {"type": "array", "items": {"type": "integer"},
                                        "minItems": 2, "maxItems": 2}}}}});
