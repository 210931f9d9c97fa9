/* engine.h - the face of inference: requests in, tokens out, all of them sharing each step.
 *
 * The engine owns its model and runs on a thread of its own. Requests may come from any thread;
 * events come on the engine's thread and must not block. */
#ifndef LIMINAL_INFERENCE_ENGINE_H
#define LIMINAL_INFERENCE_ENGINE_H

#include "base/status.h"
#include "base/text.h"

struct engine;
struct model;
struct model_info;
struct embedding_text; /* model/model.h */
struct tokenizer;
struct generation; /* one running request */
struct matcher;    /* inference/grammar/constraint.h */
struct token_trie;
struct turns;

/* Drafts: tokens that are guessed from what was said before and verified several a step. Never
 * changes what is said. */
enum speculation {
    SPECULATION_LOOKUP, /* where it pays */
    SPECULATION_OFF,
    SPECULATION_ALWAYS, /* also where it does not pay: for tests and benches */
};

/* "lookup", "off" or "always". */
enum status speculation_parse(struct text t, enum speculation *speculation,
                              struct fault *fault) MUST_USE;

struct engine_options {
    uint32_t context_length;  /* per sequence; 0: the model's, bounded by memory */
    uint32_t sequences;       /* that decode at once; default 32 */
    uint32_t queue_limit;     /* that wait; beyond that: STATUS_BUSY; default 256 */
    uint32_t prefill_chunk;   /* rows of prefill per step; default 256 */
    uint64_t kv_budget_bytes; /* 0: from the memory there is */
    enum speculation speculation;
    const char *draft_model;  /* path of a small model of the same vocabulary; NULL: none */
    uint64_t spill_bytes;     /* of a file for pages that find no room in memory, or are to survive
                                a restart; 0: none */
    const char *spill_folder; /* for that file; made if need be */
    bool audit;               /* for tests: check the books of the pages after each step */
    struct turns *turns; /* at compute threads that other engines use too (turns.h); NULL: nobody
                            else does. Borrowed */
};

struct logit_bias {
    int32_t token;
    float bias;
};

enum { STOP_LIMIT = 16, LOGPROBS_LIMIT = 20, MARK_LIMIT = 8 };

/* How tokens are chosen. Defaults: sampling_defaults(). */
struct sampling {
    float temperature; /* 0: greedy */
    float top_p, min_p;
    int32_t top_k; /* 0: all */
    float repetition_penalty, presence_penalty, frequency_penalty;
    int32_t penalty_window; /* last tokens that count; -1: all */
    uint64_t seed;
    const struct logit_bias *biases;
    size_t bias_count;
};
void sampling_defaults(struct sampling *sampling);

struct token_logprob {
    int32_t token;
    float logprob;
};

enum generation_end { END_NONE, END_STOP, END_LENGTH, END_CANCELLED, END_ERROR };

/* What the engine tells, per step and generation. */
struct generation_event {
    struct text text; /* whole characters that became final; stop strings never show */
    int32_t token;    /* -1 in an event without a token */
    float logprob;    /* of the token, if asked for */
    const struct token_logprob *top; /* best first */
    size_t top_count;
    enum generation_end end;   /* END_NONE while it goes on; the last event has another */
    const struct fault *fault; /* with END_ERROR */
    uint32_t prompt_tokens, completion_tokens, cached_tokens; /* so far */
    uint32_t drafted_tokens, accepted_tokens; /* guesses that were verified, and that were right */
    uint64_t queued_ns, prefill_ns, decode_ns;
};

struct generation_request {
    const int32_t *prompt; /* copied */
    size_t prompt_count;
    uint32_t max_tokens; /* clamped to the context (X67) */
    struct sampling sampling;
    struct text stop[STOP_LIMIT];
    size_t stop_count;
    bool ignore_end;           /* benches: do not stop at end tokens */
    bool keep_special;         /* show special tokens in the text */
    int32_t marks[MARK_LIMIT]; /* ... or only these, which mark calls of tools and the like */
    size_t mark_count;
    bool continues_text;       /* the answer goes on in the prompt's sentence, or has a form to the
                                  letter: keep its leading space */
    int top_logprobs;          /* -1: none */
    struct matcher *matcher;   /* only what it allows is said; NULL: anything. Taken when
                                  engine_prepare says OK */
    uint64_t tenant;           /* prompts are shared only within one; 0: the common one */
    uint64_t adapters;         /* ... and under the same ids, versions and gates, for which this
                                  stands; 0: none */
    const int32_t *prediction; /* copied; what the answer may largely repeat (drafts) */
    size_t prediction_count;
    void (*on_event)(void *argument, const struct generation_event *event);
    void *argument;
};

/* With `turns`, the caller has the turn: what is on disk is only taken for its own by computing. */
enum status engine_open(struct engine **out, struct model *model /* taken */,
                        const struct engine_options *options, struct fault *fault) MUST_USE;
/* Refuse what comes, and end what runs or waits with a fault of STATUS_STOPPING, within one step.
 * Returns at once. Any thread. */
void engine_stop(struct engine *engine);
/* Stop, wait until all is told, and free. */
void engine_close(struct engine *engine);
const struct model_info *engine_model(const struct engine *engine);
const struct tokenizer *engine_tokenizer(const struct engine *engine);
/* The model's own template, or empty. */
struct text engine_chat_template(const struct engine *engine);
uint32_t engine_context_length(const struct engine *engine);
/* For constraints; made at the first call, NULL without memory. Any thread. */
struct token_trie *engine_token_trie(struct engine *engine);

/* In three steps, so that its owner can make ready for the events in between and needs no lock:
 *
 * A request that is checked and copied; nothing is computed yet. STATUS_INVALID for an empty prompt
 * or one that leaves no room (both numbers in the fault). */
enum status engine_prepare(struct engine *engine, const struct generation_request *request,
                           struct generation **out, struct fault *fault) MUST_USE;
/* Places for so many generations, to run or to wait, all or none: STATUS_BUSY when too few are
 * free, STATUS_INVALID for more than there are. They are to be started. */
enum status engine_reserve(struct engine *engine, uint32_t count, struct fault *fault) MUST_USE;
/* Now the events come, the last of each generation with an end, perhaps before this returns: on the
 * caller's thread where the engine has stopped meanwhile. All are started at once, in their order.
 * The array is not looked at any more after the last end was told. */
void engine_start(struct engine *engine, struct generation *const *generations, uint32_t count);
/* All three for one request, whose owner is ready. Not OK: nothing was taken, no event comes. */
enum status engine_submit(struct engine *engine, const struct generation_request *request,
                          struct generation **out, struct fault *fault) MUST_USE;
/* Ends within one step; the last event (END_CANCELLED) still comes. Any thread. */
void engine_cancel(struct engine *engine, struct generation *generation);
/* The handle from engine_prepare or engine_submit is given back when its owner no longer needs it.
 */
void generation_release(struct generation *generation);

/* Run between steps on the engine's thread, all in one go (model_embed_texts): give it no more than
 * what others may have to wait for. Blocks the caller. */
enum status engine_embed(struct engine *engine, const struct embedding_text *texts, size_t count,
                         struct fault *fault) MUST_USE;

struct engine_counters {
    uint64_t requests, prompt_tokens, generated_tokens, steps, cancelled, refused;
    uint64_t rows;          /* of all steps: tokens computed, without wrong drafts */
    uint64_t cached_tokens; /* of prompts, that another request had computed */
    uint64_t shared_tokens; /* and of those, that it was computing just then */
    uint64_t drafted_tokens, accepted_tokens; /* guesses verified, and right */
    uint64_t preempted;                       /* parked for want of pages, and continued later */
    uint32_t running, waiting, batch_rows;    /* now; rows of the last step */
    uint32_t kv_pages, kv_pages_used; /* used: by running sequences; others may keep prompts */
    uint32_t kv_pages_kept;           /* for requests that begin alike; given up when needed */
    uint64_t kv_pages_evicted;        /* of those, given up */
    uint32_t kv_pages_stored;         /* on disk, now */
    uint64_t kv_pages_spilled, kv_pages_restored; /* to disk, and back */
    uint64_t kv_spill_failures; /* pages that the disk did not take, or gave back damaged */
    uint64_t memory_bytes;      /* of the weights, and of the pages ever used */
    uint64_t last_step_ns;      /* monotonic, when the last step ended */
};
void engine_counters(const struct engine *engine, struct engine_counters *counters);

#endif
