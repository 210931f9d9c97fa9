/* search_query.h - what somebody types into a search box, as a query for full-text search. Pure. */
#ifndef LIMINAL_CONVERSATIONS_SEARCH_QUERY_H
#define LIMINAL_CONVERSATIONS_SEARCH_QUERY_H

#include "base/status.h"
#include "base/text.h"

enum { SEARCH_WORDS_LIMIT = 32, SEARCH_QUERY_BYTES = 1000 };

/* Appends words and "phrases in quotes", all of which must be there, each in quotes: that means the
 * same to FTS5 and to PostgreSQL's websearch_to_tsquery, and nothing that was typed is an operator.
 * STATUS_INVALID, naming "q", when there is no word in it, or too much. */
enum status search_query_make(struct text typed, struct buffer *out, struct fault *fault) MUST_USE;

#endif
