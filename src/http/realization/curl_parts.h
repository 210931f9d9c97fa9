/* curl_parts.h - what both kinds of call share: a handle with our habits, and curl's failures as
 * sentences. Private to this folder. */
#ifndef LIMINAL_HTTP_CURL_PARTS_H
#define LIMINAL_HTTP_CURL_PARTS_H

#include <curl/curl.h>

#include "base/status.h"

/* A handle for `url` (http or https only, also after redirects; never from https back to http)
 * that writes curl's own words into error_text[CURL_ERROR_SIZE]. NULL: no memory. */
CURL *curl_handle_new(const char *url, uint64_t connect_deadline_ms, char *error_text);
/* NULL-ended lines to a list; false when memory ran out. */
bool curl_add_headers(struct curl_slist **list, const char *const *lines);
bool curl_add_header(struct curl_slist **list, const char *line);
/* The sentence for a call that came to nothing. */
enum status curl_fault(CURLcode code, const char *url, const char *error_text, struct fault *fault);

#endif
