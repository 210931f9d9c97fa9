/* style.h - how answers look: OpenAI's shape, the envelope, a page. Pure: bytes out. */
#ifndef LIMINAL_GATEWAY_STYLE_H
#define LIMINAL_GATEWAY_STYLE_H

#include "base/status.h"
#include "base/text.h"

/* {"error":{"message","type","param","code"},"detail"} (X34). `code` NULL: that of the status. */
void openai_error_append(struct buffer *out, enum status status, const struct fault *fault,
                         const char *code);
/* {"status":"error","error":{"code","message","details"},"request_id"} (R229, R239). */
void envelope_error_append(struct buffer *out, enum status status, const struct fault *fault,
                           const char *code, const char *request_id);
/* {"status":"ok","data":...,"request_id"}; `data` is JSON text. */
void envelope_append(struct buffer *out, struct text data, const char *request_id);
/* The same of a list, and where it goes on, or null: {...,"next_cursor":...} (R230). */
void envelope_page_append(struct buffer *out, struct text data, const char *next_cursor,
                          const char *request_id);
/* A page with the sentence, for people. */
void page_error_append(struct buffer *out, int http_code, const struct fault *fault);

#endif
