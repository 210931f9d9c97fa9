/* openai_request.c - see openai_request.h. */
#include "inference/adaptation/openai_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/json_body.h"
#include "inference/adaptation/openai_messages.h"

enum {
    DEFAULT_MAX_TOKENS = 512, /* R6 */
    LEGACY_LOGPROBS_LIMIT = 5,
};

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

static enum status unsupported(const char *name, struct fault *fault)
{
    return fault_set_param(fault, STATUS_UNSUPPORTED, name, "%s is not supported", name);
}

/* An integer within bounds. */
static enum status read_bounded(const json_t *root, const char *name, int64_t least, int64_t most,
                                int64_t *value, struct fault *fault)
{
    TRY(json_read_integer(root, name, value, fault));
    if (*value < least || *value > most)
        return fault_set_param(fault, STATUS_INVALID, name, "%s must be between %lld and %lld",
                               name, (long long)least, (long long)most);
    return OK;
}

/* ---- what both kinds of completion share ---- */

/* R7 and X67: below 1 is refused in the seed's words, too much is clamped to the context later. */
static enum status read_max_tokens(const json_t *root, const char *name, uint32_t *max_tokens,
                                   struct fault *fault)
{
    int64_t value = *max_tokens;
    TRY(json_read_integer(root, name, &value, fault));
    if (value < 1)
        return fault_set_param(fault, STATUS_INVALID, name,
                               "Max tokens must be between 1 and 4096");
    *max_tokens = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
    return OK;
}

static enum status read_stop(const json_t *root, struct openai_generation *generation,
                             struct fault *fault)
{
    const json_t *stop = json_body_field(root, "stop");
    if (!stop) return OK;
    size_t count = json_is_array(stop) ? json_array_size(stop) : 1;
    if (count > REQUEST_STOP_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "stop", "stop may have at most %d strings",
                               REQUEST_STOP_LIMIT);
    for (size_t i = 0; i < count; i++) {
        const json_t *string = json_is_array(stop) ? json_array_get(stop, i) : stop;
        if (!json_is_string(string) || json_string_length(string) == 0)
            return fault_set_param(fault, STATUS_INVALID, "stop",
                                   "stop must be a string or an array of strings, none empty");
        generation->stop[generation->stop_count++] = json_text_of(string);
    }
    return OK;
}

static enum status read_bias(const char *key, const json_t *value, struct logit_bias *bias,
                             struct fault *fault)
{
    char *end;
    errno = 0;
    long token = strtol(key, &end, 10);
    if (errno || end == key || *end || key[0] < '0' || key[0] > '9' || token > INT32_MAX)
        return fault_set_param(fault, STATUS_INVALID, "logit_bias",
                               "the keys of logit_bias must be token ids");
    if (!json_is_number(value))
        return fault_set_param(fault, STATUS_INVALID, "logit_bias",
                               "the values of logit_bias must be numbers");
    *bias = (struct logit_bias){(int32_t)token, (float)json_number_value(value)};
    return OK;
}

static enum status read_logit_bias(const json_t *root, struct sampling *sampling, struct arena *job,
                                   struct fault *fault)
{
    json_t *object;
    TRY(json_read_object(root, "logit_bias", &object, fault));
    size_t count = json_object_size(object);
    if (count == 0) return OK;
    struct logit_bias *biases = arena_alloc_array(job, count, sizeof *biases);
    if (!biases) return no_memory(fault);
    const char *key;
    json_t *value;
    size_t i = 0;
    json_object_foreach(object, key, value) TRY(read_bias(key, value, &biases[i++], fault));
    sampling->biases = biases;
    sampling->bias_count = count;
    return OK;
}

static enum status read_sampling(const json_t *root, struct openai_generation *generation,
                                 struct arena *job, struct fault *fault)
{
    struct sampling *sampling = &generation->sampling;
    sampling_defaults(sampling);
    TRY(json_read_float(root, "temperature", &sampling->temperature, fault));
    TRY(json_read_float(root, "top_p", &sampling->top_p, fault));
    TRY(json_read_float(root, "min_p", &sampling->min_p, fault));
    TRY(json_read_float(root, "presence_penalty", &sampling->presence_penalty, fault));
    TRY(json_read_float(root, "frequency_penalty", &sampling->frequency_penalty, fault));
    TRY(json_read_float(root, "repetition_penalty", &sampling->repetition_penalty, fault));
    int64_t top_k = 0;
    TRY(read_bounded(root, "top_k", -1, INT32_MAX, &top_k, fault));
    sampling->top_k = top_k < 0 ? 0 : (int32_t)top_k; /* some clients write -1 for all */
    int64_t seed = 0;
    TRY(json_read_integer(root, "seed", &seed, fault));
    sampling->seed = (uint64_t)seed;
    generation->has_seed = json_body_field(root, "seed") != NULL;
    return read_logit_bias(root, sampling, job, fault);
}

static enum status read_streaming(const json_t *root, struct openai_generation *generation,
                                  struct fault *fault)
{
    TRY(json_read_bool(root, "stream", &generation->stream, fault));
    TRY(json_read_bool(root, "ignore_eos", &generation->ignore_eos, fault));
    json_t *options;
    TRY(json_read_object(root, "stream_options", &options, fault));
    bool include_usage = false;
    enum status status = json_read_bool(options, "include_usage", &include_usage, fault);
    if (status != OK)
        return fault_set_param(fault, status, "stream_options.include_usage",
                               "stream_options.include_usage must be true or false");
    generation->include_usage = generation->stream && include_usage;
    return OK;
}

static enum status read_generation(const json_t *root, struct openai_generation *generation,
                                   struct arena *job, struct fault *fault)
{
    *generation = (struct openai_generation){
        .model = TEXT("local-llm"), /* R16 */
        .max_tokens = DEFAULT_MAX_TOKENS,
        .top_logprobs = -1,
    };
    TRY(json_read_text(root, "model", &generation->model, fault));
    TRY(read_sampling(root, generation, job, fault));
    TRY(read_max_tokens(root, "max_tokens", &generation->max_tokens, fault));
    int64_t n = 1;
    TRY(read_bounded(root, "n", 1, REQUEST_CHOICE_LIMIT, &n, fault));
    generation->n = (uint32_t)n;
    TRY(read_stop(root, generation, fault));
    TRY(read_streaming(root, generation, fault));
    TRY(openai_constraint_read(&generation->constraint, root, fault));
    TRY(json_read_text(root, "prompt_cache_key", &generation->cache_key, fault));
    struct text user;
    return json_read_text(root, "user", &user, fault);
}

/* ---- chat ---- */

/* Fields of the OpenAI API whose effect an answer would lack: better to say so. */
static enum status refuse_unsupported(const json_t *root, struct fault *fault)
{
    json_t *modalities;
    TRY(json_read_array(root, "modalities", &modalities, fault));
    for (size_t i = 0; i < json_array_size(modalities); i++) {
        const json_t *modality = json_array_get(modalities, i);
        if (!json_is_string(modality) || !text_equal(json_text_of(modality), TEXT("text")))
            return fault_set_param(fault, STATUS_UNSUPPORTED, "modalities",
                                   "modalities other than \"text\" are not supported");
    }
    if (json_body_field(root, "audio")) return unsupported("audio", fault);
    return OK;
}

static enum status read_chat_logprobs(const json_t *root, struct openai_generation *generation,
                                      struct fault *fault)
{
    bool logprobs = false;
    int64_t top = 0;
    TRY(json_read_bool(root, "logprobs", &logprobs, fault));
    TRY(read_bounded(root, "top_logprobs", 0, LOGPROBS_LIMIT, &top, fault));
    if (top > 0 && !logprobs)
        return fault_set_param(fault, STATUS_INVALID, "top_logprobs",
                               "top_logprobs needs logprobs to be true");
    generation->top_logprobs = logprobs ? (int)top : -1;
    return OK;
}

/* The i-th of the parts of a content, which may also be one string; NULL where it is no text. */
static const json_t *text_part(const json_t *content, size_t i)
{
    const json_t *part = json_is_array(content) ? json_array_get(content, i) : content;
    const json_t *text = json_is_object(part) ? json_object_get(part, "text") : part;
    return json_is_string(text) ? text : NULL;
}

/* What the answer may repeat much of. */
static enum status read_prediction(const json_t *root, struct text *prediction, struct arena *job,
                                   struct fault *fault)
{
    json_t *object;
    struct text type = TEXT("");
    TRY(json_read_object(root, "prediction", &object, fault));
    if (!object) return OK;
    TRY(json_read_text(object, "type", &type, fault));
    const json_t *content = json_body_field(object, "content");
    size_t count = json_is_array(content) ? json_array_size(content) : 1, length = 0;
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(type, TEXT("content")) || !text_part(content, i))
            return fault_set_param(fault, STATUS_INVALID, "prediction",
                                   "prediction must have the type \"content\" and a text as "
                                   "content");
        length += json_string_length(text_part(content, i));
    }
    char *joined = arena_alloc(job, length + 1);
    if (!joined) return no_memory(fault);
    *prediction = (struct text){joined, length};
    for (size_t i = 0; i < count; i++) {
        struct text part = json_text_of(text_part(content, i));
        joined = mempcpy(joined, part.data, part.length);
    }
    return OK;
}

/* Variables for the template: those of the client, and OpenAI's word for how much to reason. */
static enum status read_template_options(const json_t *root, json_t **options, struct fault *fault)
{
    json_t *given, *effort = json_body_field(root, "reasoning_effort");
    struct text text;
    TRY(json_read_object(root, "chat_template_kwargs", &given, fault));
    TRY(json_read_text(root, "reasoning_effort", &text, fault));
    if (!given && !effort) return OK;
    *options = given ? json_copy(given) : json_object();
    if (effort && json_object_set(*options, "reasoning_effort", effort) != 0)
        return no_memory(fault);
    return *options ? OK : no_memory(fault);
}

static enum status read_chat(struct chat_request *request, const json_t *root, struct arena *job,
                             struct fault *fault)
{
    TRY(refuse_unsupported(root, fault));
    TRY(read_generation(root, &request->generation, job, fault));
    TRY(read_max_tokens(root, "max_completion_tokens", &request->generation.max_tokens, fault));
    TRY(read_chat_logprobs(root, &request->generation, fault));
    TRY(read_prediction(root, &request->generation.prediction, job, fault));
    TRY(openai_tools_read(&request->tools, root, fault));
    TRY(read_template_options(root, &request->template_options, fault));
    return openai_messages_read(&request->messages, &request->prompt_bytes, root, fault);
}

enum status chat_request_read(struct chat_request *request, const json_t *root, struct arena *job,
                              struct fault *fault)
{
    *request = (struct chat_request){.messages = NULL};
    enum status status = read_chat(request, root, job, fault);
    if (status != OK) chat_request_deinit(request);
    return status;
}

void chat_request_deinit(struct chat_request *request)
{
    openai_tools_deinit(&request->tools);
    json_decref(request->messages);
    json_decref(request->template_options);
    request->messages = request->template_options = NULL;
}

/* ---- prompts of completions, inputs of embeddings ---- */

static enum status read_tokens(const json_t *array, const char *name, struct prompt_input *input,
                               struct arena *job, struct fault *fault)
{
    size_t count = json_array_size(array);
    int32_t *tokens = arena_alloc_array(job, count, sizeof *tokens);
    if (!tokens) return no_memory(fault);
    for (size_t i = 0; i < count; i++) {
        const json_t *token = json_array_get(array, i);
        json_int_t id = json_integer_value(token);
        if (!json_is_integer(token) || id < 0 || id > INT32_MAX)
            return fault_set_param(fault, STATUS_INVALID, name, "%s has something that is no token",
                                   name);
        tokens[i] = (int32_t)id;
    }
    *input = (struct prompt_input){.tokens = tokens, .token_count = count};
    return OK;
}

static enum status read_input(const json_t *value, const char *name, struct prompt_input *input,
                              struct arena *job, struct fault *fault)
{
    bool is_prompt = strcmp(name, "prompt") == 0;
    if (json_is_string(value) && text_trim(json_text_of(value)).length > 0) {
        *input = (struct prompt_input){.text = json_text_of(value)};
        return OK;
    }
    if (json_is_array(value) && json_array_size(value) > 0)
        return read_tokens(value, name, input, job, fault);
    if (json_is_string(value) || json_is_array(value))
        return is_prompt
                   ? fault_set_param(fault, STATUS_INVALID, name, "Prompt cannot be empty") /* R7 */
                   : fault_set_param(fault, STATUS_INVALID, name, "%s must not be empty", name);
    return fault_set_param(fault, STATUS_INVALID, name,
                           "%s must be a string, an array of strings, an array of tokens, or an "
                           "array of arrays of tokens",
                           name);
}

/* The four forms of OpenAI's `prompt` and `input`. */
static enum status read_inputs(const json_t *root, const char *name, size_t limit,
                               struct prompt_input **inputs, size_t *count, struct arena *job,
                               struct fault *fault)
{
    const json_t *field = json_body_field(root, name);
    if (!field) return fault_set_param(fault, STATUS_INVALID, name, "%s is missing", name);
    const json_t *first = json_array_get(field, 0);
    bool is_one = !json_is_array(field) || !first || json_is_integer(first);
    *count = is_one ? 1 : json_array_size(field);
    if (*count > limit)
        return fault_set_param(fault, STATUS_INVALID, name, "%s may have at most %zu entries", name,
                               limit);
    *inputs = arena_alloc_array(job, *count, sizeof **inputs);
    if (!*inputs) return no_memory(fault);
    for (size_t i = 0; i < *count; i++)
        TRY(read_input(is_one ? field : json_array_get(field, i), name, &(*inputs)[i], job, fault));
    return OK;
}

static enum status read_legacy_logprobs(const json_t *root, struct openai_generation *generation,
                                        struct fault *fault)
{
    int64_t logprobs = 0;
    TRY(read_bounded(root, "logprobs", 0, LEGACY_LOGPROBS_LIMIT, &logprobs, fault));
    if (json_body_field(root, "logprobs")) generation->top_logprobs = (int)logprobs;
    return OK;
}

enum status completion_request_read(struct completion_request *request, const json_t *root,
                                    struct arena *job, struct fault *fault)
{
    *request = (struct completion_request){.prompts = NULL};
    TRY(read_generation(root, &request->generation, job, fault));
    TRY(read_legacy_logprobs(root, &request->generation, fault));
    TRY(json_read_bool(root, "echo", &request->echo, fault));
    if (request->echo && request->generation.top_logprobs >= 0)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "echo",
                               "echo together with logprobs is not supported");
    struct text suffix = TEXT("");
    TRY(json_read_text(root, "suffix", &suffix, fault));
    if (suffix.length > 0) return unsupported("suffix", fault);
    int64_t best_of = request->generation.n;
    TRY(json_read_integer(root, "best_of", &best_of, fault));
    if (best_of != request->generation.n)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "best_of",
                               "best_of is not supported, except equal to n");
    return read_inputs(root, "prompt", REQUEST_PROMPT_LIMIT, &request->prompts,
                       &request->prompt_count, job, fault);
}

enum status embedding_request_read(struct embedding_request *request, const json_t *root,
                                   struct arena *job, struct fault *fault)
{
    *request = (struct embedding_request){.model = TEXT("local-llm")};
    TRY(json_read_text(root, "model", &request->model, fault));
    struct text format = TEXT("float"), user;
    TRY(json_read_text(root, "encoding_format", &format, fault));
    request->base64 = text_equal(format, TEXT("base64"));
    if (!request->base64 && !text_equal(format, TEXT("float")))
        return fault_set_param(fault, STATUS_INVALID, "encoding_format",
                               "encoding_format must be \"float\" or \"base64\"");
    TRY(json_read_integer(root, "dimensions", &request->dimensions, fault));
    if (json_body_field(root, "dimensions") && request->dimensions < 1)
        return fault_set_param(fault, STATUS_INVALID, "dimensions", "dimensions must be positive");
    TRY(json_read_text(root, "user", &user, fault));
    return read_inputs(root, "input", REQUEST_INPUT_LIMIT, &request->inputs, &request->input_count,
                       job, fault);
}
