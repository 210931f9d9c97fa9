/* openai_request.h - what the OpenAI requests say, read from their JSON and checked.
 *
 * Pure: a tree in, a plain struct out, or a fault that names the field ("messages[2].role"). What
 * OpenAI defines and we do not do is refused by name, never ignored; unknown fields are ignored.
 * Texts are borrowed from the tree; arrays come from the arena. Must not know models or sockets. */
#ifndef LIMINAL_INFERENCE_OPENAI_REQUEST_H
#define LIMINAL_INFERENCE_OPENAI_REQUEST_H

#include <jansson.h>

#include "base/arena.h"
#include "inference/adaptation/openai_constraint.h"
#include "inference/adaptation/openai_tools.h"
#include "inference/engine.h"

enum {
    REQUEST_STOP_LIMIT = 4,     /* as OpenAI's */
    REQUEST_CHOICE_LIMIT = 8,   /* n */
    REQUEST_PROMPT_LIMIT = 64,  /* prompts of one completion request */
    REQUEST_INPUT_LIMIT = 2048, /* texts of one embedding request */
};

/* What chat and text completions share. */
struct openai_generation {
    struct text model;
    struct sampling sampling;
    bool has_seed;
    uint32_t max_tokens, n;
    struct text stop[REQUEST_STOP_LIMIT];
    size_t stop_count;
    bool stream, include_usage;
    struct text prediction;              /* what the answer may largely repeat */
    struct text cache_key;               /* the prompt is shared only with those of the same key */
    uint64_t tenant;                     /* of the caller and that key (tenant.h) */
    bool ignore_eos;                     /* go on to max_tokens: for benches */
    int top_logprobs;                    /* -1: no logprobs */
    struct openai_constraint constraint; /* the form of the answer */
};

struct chat_request {
    struct openai_generation generation;
    json_t *messages;    /* openai_messages.h; a new reference, also below */
    size_t prompt_bytes; /* of all contents, for the log */
    struct openai_tools tools;
    json_t *template_options; /* more variables for the chat template; NULL: none */
};

/* Text, or tokens when the client made them itself. */
struct prompt_input {
    struct text text;
    const int32_t *tokens; /* NULL: text */
    size_t token_count;
};

struct completion_request {
    struct openai_generation generation;
    struct prompt_input *prompts;
    size_t prompt_count;
    bool echo;
};

struct embedding_request {
    struct text model;
    struct prompt_input *inputs;
    size_t input_count;
    int64_t dimensions; /* 0: the model's */
    bool base64;
};

enum status chat_request_read(struct chat_request *request, const json_t *root, struct arena *job,
                              struct fault *fault) MUST_USE;
void chat_request_deinit(struct chat_request *request);
enum status completion_request_read(struct completion_request *request, const json_t *root,
                                    struct arena *job, struct fault *fault) MUST_USE;
enum status embedding_request_read(struct embedding_request *request, const json_t *root,
                                   struct arena *job, struct fault *fault) MUST_USE;

#endif
