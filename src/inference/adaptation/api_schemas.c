/* api_schemas.c - see api_schemas.h. */
#include "inference/adaptation/api_schemas.h"

#include "gateway/route.h"

/* clang-format off */

#define SAMPLING                                                                             \
    "max_tokens": {"type": ["integer", "null"], "minimum": 0},                               \
    "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},                 \
    "top_p": {"type": ["number", "null"], "minimum": 0, "maximum": 1},                       \
    "top_k": {"type": ["integer", "null"]},                                                  \
    "min_p": {"type": ["number", "null"]},                                                   \
    "seed": {"type": ["integer", "null"]},                                                   \
    "n": {"type": ["integer", "null"], "minimum": 1},                                        \
    "stop": {"type": ["string", "array", "null"], "items": {"type": "string"}},              \
    "stream": {"type": ["boolean", "null"]},                                                 \
    "frequency_penalty": {"type": ["number", "null"]},                                       \
    "presence_penalty": {"type": ["number", "null"]},                                        \
    "repetition_penalty": {"type": ["number", "null"]},                                      \
    "logit_bias": {"type": ["object", "null"]},                                              \
    "keep_alive": {"type": ["string", "number", "null"]}

#define USAGE                                                                                \
    {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"],   \
     "properties": {"prompt_tokens": {"type": "integer"},                                    \
                    "completion_tokens": {"type": "integer"},                                \
                    "total_tokens": {"type": "integer"}}}

#define FINISH {"enum": ["stop", "length", "tool_calls", "content_filter", "cancelled"]}

/* JSON() of what macros stand for. */
#define EXPANDED(...) JSON(__VA_ARGS__)

#define CHAT_MEMBERS                                                                         \
    "model": {"type": "string"},                                                             \
    "messages": {"type": "array", "minItems": 1,                                             \
                 "items": {"type": "object", "required": ["role"],                           \
                           "properties": {"role": {"type": "string"}}}},                     \
    "tools": {"type": ["array", "null"]},                                                    \
    "tool_choice": {"type": ["string", "object", "null"]},                                   \
    "response_format": {"type": ["object", "null"]},                                         \
    "logprobs": {"type": ["boolean", "null"]},                                               \
    "top_logprobs": {"type": ["integer", "null"]},                                           \
    "stream_options": {"type": ["object", "null"]}

#define COMPLETION_MEMBERS                                                                   \
    "id": {"type": "string"},                                                                \
    "object": {"const": "chat.completion"},                                                  \
    "created": {"type": "integer"},                                                          \
    "model": {"type": "string"},                                                             \
    "choices": {"type": "array",                                                             \
                "items": {"type": "object", "required": ["index", "message", "finish_reason"], \
                          "properties": {                                                    \
                            "index": {"type": "integer"},                                    \
                            "message": {"type": "object", "required": ["role", "content"],   \
                                        "properties": {                                      \
                                            "role": {"const": "assistant"},                  \
                                            "content": {"type": ["string", "null"]},         \
                                            "reasoning_content": {"type": "string"},         \
                                            "tool_calls": {"type": "array"}}},               \
                            "finish_reason": FINISH}}},                                      \
    "usage": USAGE

const char SCHEMA_CHAT_REQUEST[] = EXPANDED(
    {"type": "object", "required": ["messages"], "properties": {CHAT_MEMBERS, SAMPLING}});

const char SCHEMA_CHAT_ANSWER[] = EXPANDED(
    {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"],
     "properties": {COMPLETION_MEMBERS}});

const char SCHEMA_KEPT_CHAT_REQUEST[] = EXPANDED(
    {"type": "object", "required": ["messages"],
     "properties": {
        "conversation_id": {"type": ["string", "null"], "format": "uuid"},
        "user_id": {"type": ["string", "null"], "format": "uuid"},
        "metadata": {"type": ["object", "null"]},
        CHAT_MEMBERS, SAMPLING}});

const char SCHEMA_KEPT_CHAT_ANSWER[] = EXPANDED(
    {"type": "object",
     "required": ["id", "object", "created", "model", "choices", "usage", "conversation_id",
                  "message_id"],
     "properties": {
        "conversation_id": {"type": "string", "format": "uuid"},
        "message_id": {"type": "string", "format": "uuid"},
        COMPLETION_MEMBERS}});

const char SCHEMA_COMPLETION_REQUEST[] = EXPANDED(
    {"type": "object", "required": ["prompt"],
     "properties": {
        "model": {"type": "string"},
        "prompt": {"type": ["string", "array"]},
        "echo": {"type": ["boolean", "null"]},
        "logprobs": {"type": ["integer", "null"]},
        SAMPLING}});

const char SCHEMA_COMPLETION_ANSWER[] = EXPANDED(
    {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"],
     "properties": {
        "object": {"const": "text_completion"},
        "choices": {"type": "array",
                    "items": {"type": "object", "required": ["index", "text", "finish_reason"],
                              "properties": {"index": {"type": "integer"},
                                             "text": {"type": "string"},
                                             "finish_reason": FINISH}}},
        "usage": USAGE}});

const char SCHEMA_EMBEDDINGS_REQUEST[] = JSON(
    {"type": "object", "required": ["input"],
     "properties": {
        "model": {"type": "string"},
        "input": {"type": ["string", "array"]},
        "encoding_format": {"enum": ["float", "base64", null]},
        "dimensions": {"type": ["integer", "null"]}}});

const char SCHEMA_EMBEDDINGS_ANSWER[] = JSON(
    {"type": "object", "required": ["object", "data", "model", "usage"],
     "properties": {
        "object": {"const": "list"},
        "data": {"type": "array",
                 "items": {"type": "object", "required": ["object", "index", "embedding"],
                           "properties": {"object": {"const": "embedding"},
                                          "index": {"type": "integer"},
                                          "embedding": {"type": ["array", "string"]}}}},
        "usage": {"type": "object", "required": ["prompt_tokens", "total_tokens"]}}});

const char SCHEMA_RERANK_REQUEST[] = JSON(
    {"type": "object", "required": ["query", "documents"],
     "properties": {
        "model": {"type": "string"},
        "query": {"type": "string"},
        "documents": {"type": "array", "minItems": 1},
        "top_n": {"type": ["integer", "null"]},
        "return_documents": {"type": ["boolean", "null"]}}});

const char SCHEMA_RERANK_ANSWER[] = JSON(
    {"type": "object", "required": ["model", "results", "usage"],
     "properties": {
        "results": {"type": "array",
                    "items": {"type": "object", "required": ["index", "relevance_score"],
                              "properties": {"index": {"type": "integer"},
                                             "relevance_score": {"type": "number"}}}}}});

const char SCHEMA_TOKENIZE_REQUEST[] = JSON(
    {"type": "object", "required": ["content"],
     "properties": {
        "model": {"type": "string"},
        "content": {"type": "string"},
        "add_special": {"type": ["boolean", "null"]},
        "parse_special": {"type": ["boolean", "null"]}}});

const char SCHEMA_TOKENIZE_ANSWER[] = JSON(
    {"type": "object", "required": ["tokens"], "properties": {"tokens": {"type": "array"}}});

const char SCHEMA_DETOKENIZE_REQUEST[] = JSON(
    {"type": "object", "required": ["tokens"],
     "properties": {
        "model": {"type": "string"},
        "tokens": {"type": "array", "items": {"type": "integer"}}}});

const char SCHEMA_DETOKENIZE_ANSWER[] = JSON(
    {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}});

#define MODEL                                                                                \
    {"type": "object", "required": ["id", "object", "created", "owned_by"],                  \
     "properties": {"id": {"type": "string"}, "object": {"const": "model"},                  \
                    "created": {"type": "integer"}, "owned_by": {"type": "string"}}}

const char SCHEMA_MODEL[] = EXPANDED(MODEL);

const char SCHEMA_MODEL_LIST[] = EXPANDED(
    {"type": "object", "required": ["object", "data"],
     "properties": {"object": {"const": "list"}, "data": {"type": "array", "items": MODEL}}});

const char SCHEMA_PS[] = JSON(
    {"type": "object", "required": ["models"],
     "properties": {
        "models": {"type": "array",
                   "items": {"type": "object", "required": ["name", "state", "size"],
                             "properties": {"name": {"type": "string"},
                                            "state": {"type": "string"},
                                            "size": {"type": "integer"}}}}}});

const char SCHEMA_HEALTH[] = JSON(
    {"type": "object", "required": ["status", "backend"],
     "properties": {"status": {"enum": ["healthy", "unhealthy"]},
                    "backend": {"type": "string"}}});
/* clang-format on */
