/* openai_completions.c - POST /v1/completions: text goes on where the prompt ends, without a
 * template. */
#include "inference/adaptation/answer_constraint.h"
#include "inference/adaptation/completion_run.h"
#include "inference/adaptation/openai_request.h"
#include "inference/chat_prompt.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

/* Tokens of the client's own, or those of its text. */
static enum status encode(const struct tokenizer *tokenizer, const struct prompt_input *input,
                          struct token_list *out, struct fault *fault)
{
    if (!input->tokens) return text_prompt_encode(tokenizer, input->text, out, fault);
    for (size_t i = 0; i < input->token_count; i++)
        TRY(token_list_add(out, input->tokens[i], fault));
    return OK;
}

/* What echo shows: the client's text as it was, or the text of its tokens. */
static enum status echo_of(const struct tokenizer *tokenizer, const struct prompt_input *input,
                           struct arena *job, struct text *echo, struct fault *fault)
{
    if (!input->tokens) {
        *echo = input->text;
        return OK;
    }
    for (size_t i = 0; i < input->token_count; i++)
        if ((uint32_t)input->tokens[i] >= tokenizer_size(tokenizer)) return OK; /* refused later */
    struct buffer decoded;
    buffer_init(&decoded);
    enum status status;
    TRY_DONE(
        tokenizer_decode(tokenizer, input->tokens, input->token_count, false, &decoded, fault));
    TRY_DONE(buffer_status(&decoded, fault));
    char *copy = arena_copy(job, decoded.data ? decoded.data : "", decoded.length);
    if (!copy) TRY_DONE(no_memory(fault));
    *echo = (struct text){copy, decoded.length};
done:
    buffer_deinit(&decoded);
    return status;
}

static enum status prepare(const struct tokenizer *tokenizer,
                           const struct completion_request *request, struct arena *job,
                           struct token_list *prompts, struct text *echoes, struct fault *fault)
{
    for (size_t i = 0; i < request->prompt_count; i++) {
        TRY(encode(tokenizer, &request->prompts[i], &prompts[i], fault));
        if (request->echo) TRY(echo_of(tokenizer, &request->prompts[i], job, &echoes[i], fault));
    }
    return OK;
}

static void note_request(struct http_exchange *exchange, const struct completion_request *request)
{
    size_t bytes = 0;
    for (size_t i = 0; i < request->prompt_count; i++) bytes += request->prompts[i].text.length;
    completion_note(exchange, &request->generation, bytes);
}

void openai_completions_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                               struct model_lease *lease)
{
    struct arena *job = http_arena(exchange);
    struct completion_request request;
    struct token_list prompts[REQUEST_PROMPT_LIMIT] = {{.ids = NULL}};
    struct text echoes[REQUEST_PROMPT_LIMIT] = {{.data = NULL}};
    struct constraint *constraint = NULL;
    struct fault fault;
    enum status status = completion_request_read(&request, root, job, &fault);
    if (status == OK) {
        note_request(exchange, &request);
        status = completion_set_tenant(exchange, &request.generation, &fault);
    }
    if (status == OK)
        status = prepare(engine_tokenizer(lease->engine), &request, job, prompts, echoes, &fault);
    if (status == OK)
        status = answer_constraint_get(lease, &request.generation, NULL, &constraint, &fault);
    if (status == OK)
        completion_run_start(api, exchange,
                             &(struct completion_start){
                                 .lease = lease,
                                 .shape = SHAPE_TEXT,
                                 .generation = &request.generation,
                                 .prompts = prompts,
                                 .echoes = request.echo ? echoes : NULL,
                                 .prompt_count = request.prompt_count,
                                 .constraint = constraint,
                                 .prompt_field = "prompt",
                             });
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
    constraint_release(constraint);
    for (size_t i = 0; i < REQUEST_PROMPT_LIMIT; i++) token_list_deinit(&prompts[i]);
}
