/* api_schemas.h - what the routes take and answer, as JSON Schemas for openapi.json. docs/api.md
 * tells what the fields mean. */
#ifndef LIMINAL_INFERENCE_API_SCHEMAS_H
#define LIMINAL_INFERENCE_API_SCHEMAS_H

extern const char SCHEMA_CHAT_REQUEST[], SCHEMA_CHAT_ANSWER[];
extern const char SCHEMA_KEPT_CHAT_REQUEST[], SCHEMA_KEPT_CHAT_ANSWER[];
extern const char SCHEMA_COMPLETION_REQUEST[], SCHEMA_COMPLETION_ANSWER[];
extern const char SCHEMA_EMBEDDINGS_REQUEST[], SCHEMA_EMBEDDINGS_ANSWER[];
extern const char SCHEMA_RERANK_REQUEST[], SCHEMA_RERANK_ANSWER[];
extern const char SCHEMA_TOKENIZE_REQUEST[], SCHEMA_TOKENIZE_ANSWER[];
extern const char SCHEMA_DETOKENIZE_REQUEST[], SCHEMA_DETOKENIZE_ANSWER[];
extern const char SCHEMA_MODEL[], SCHEMA_MODEL_LIST[], SCHEMA_PS[], SCHEMA_HEALTH[];

#endif
