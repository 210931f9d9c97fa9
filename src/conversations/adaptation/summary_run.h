/* summary_run.h - the model's own summary of what no longer fits its context (R143), while the
 * request that made it necessary waits without holding a worker. */
#ifndef LIMINAL_CONVERSATIONS_SUMMARY_RUN_H
#define LIMINAL_CONVERSATIONS_SUMMARY_RUN_H

#include <jansson.h>

#include "conversations/conversation.h"

struct http_exchange;
struct model_lease;

enum { SUMMARY_TOKENS = 256 /* at most */ };

struct summary_run;

/* Defers the exchange, and resumes it when the summary is there, or is known not to come. `told`:
 * as chat_history.h gives what must be summarised. The run lies in the exchange's arena. */
enum status summary_run_start(struct summary_run **out, struct http_exchange *exchange,
                              struct model_lease *lease, const json_t *told, int64_t stands_for,
                              uint32_t most_tokens, struct fault *fault) MUST_USE;
/* After the exchange was resumed: the summary, as a message to be appended; its texts live as long
 * as the exchange. Whatever it returns, the run is over. */
enum status summary_run_end(struct summary_run *run, struct message *summary,
                            struct fault *fault) MUST_USE;

#endif
