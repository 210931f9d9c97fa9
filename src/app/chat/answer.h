/* answer.h - waiting for one answer: the engine tells of tokens on its own thread, the thread that
 * asked shows them. */
#ifndef LIMINAL_APP_ANSWER_H
#define LIMINAL_APP_ANSWER_H

#include <signal.h>

#include "inference/engine.h"

struct answer_summary {
    enum generation_end end; /* never END_NONE or END_ERROR */
    uint32_t prompt_tokens, completion_tokens, cached_tokens;
    uint64_t prefill_ns, decode_ns;
};

/* Submit the request (its on_event and argument are set here) and wait for its end. `show` gets the
 * text as it comes, on the calling thread. When *stop becomes non-zero the answer is cancelled,
 * which is no failure. */
enum status answer_run(struct engine *engine, struct generation_request *request,
                       void (*show)(void *argument, struct text text), void *argument,
                       const volatile sig_atomic_t *stop, struct answer_summary *summary,
                       struct fault *fault) MUST_USE;

#endif
