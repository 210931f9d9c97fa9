/* conversation_schemas.h - what the routes of conversations take and answer, as JSON Schemas. */
#ifndef LIMINAL_CONVERSATIONS_CONVERSATION_SCHEMAS_H
#define LIMINAL_CONVERSATIONS_CONVERSATION_SCHEMAS_H

extern const char SCHEMA_CONVERSATION[], SCHEMA_CONVERSATION_LIST[];
extern const char SCHEMA_CONVERSATION_WISH[], SCHEMA_CONVERSATION_CHANGE[];
extern const char SCHEMA_FORK_WISH[], SCHEMA_DELETED[];
extern const char SCHEMA_MESSAGE[], SCHEMA_MESSAGE_LIST[], SCHEMA_MESSAGE_WISH[];
extern const char SCHEMA_MESSAGE_HITS[];

#endif
