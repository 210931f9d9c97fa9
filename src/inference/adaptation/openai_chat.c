/* openai_chat.c - POST /v1/chat/completions (R16..R20): the whole conversation through the model's
 * own template, and the answer told apart as the model's own format has it. */
#include "inference/adaptation/answer_constraint.h"
#include "inference/adaptation/completion_run.h"
#include "inference/adaptation/openai_request.h"
#include "inference/chat_messages.h"
#include "inference/chat_prompt.h"
#include "platform/platform.h"

/* The prompt's tokens, and where it ends. */
static enum status encode(const struct model_lease *lease, const struct chat_request *request,
                          struct token_list *prompt, enum chat_reasoning *reasoning,
                          struct fault *fault)
{
    if (!lease->chat_template) {
        *fault = lease->chat_template_fault;
        return fault->status;
    }
    const struct chat_format *format = &lease->chat_format;
    json_t *arranged;
    TRY(chat_messages_arrange(format, request->messages, request->tools.tools, &arranged, fault));
    const struct chat_prompt told = {
        .messages = arranged,
        .tools = format->is_generic ? NULL : request->tools.tools,
        .options = request->template_options,
        .now_unix = clock_wall_ms() / 1000,
    };
    enum status status = chat_prompt_encode(lease->chat_template, engine_tokenizer(lease->engine),
                                            &told, format, prompt, reasoning, fault);
    json_decref(arranged);
    return status;
}

static struct chat_answer_plan plan_answer(const struct model_lease *lease,
                                           const struct chat_request *request,
                                           enum chat_reasoning reasoning)
{
    const struct chat_format *format = &lease->chat_format;
    struct chat_answer_plan plan = {
        .finds_calls = request->tools.tools && request->tools.choice != TOOLS_NONE,
        .reasoning = reasoning,
    };
    if (plan.finds_calls || format->reasoning_open.length > 0) plan.format = format;
    return plan;
}

/* What the answer is held to: its form, and calls whose arguments fit the tools. */
static enum status constrain(const struct model_lease *lease, const struct chat_request *request,
                             enum chat_reasoning reasoning, struct constraint **constraint,
                             struct fault *fault)
{
    /* A model that was not taught tools may repeat its call for ever. */
    bool is_one_call = lease->chat_format.is_generic && !request->tools.asks_parallel;
    const struct answer_rules rules = {
        .format = &lease->chat_format,
        .reasoning = reasoning,
        .tools = request->tools.tools,
        .choice = request->tools.choice,
        .allowed = request->tools.allowed,
        .is_one_call = is_one_call || request->tools.is_one_call,
    };
    return answer_constraint_get(lease, &request->generation.constraint, &rules, constraint, fault);
}

void openai_chat_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                        struct model_lease *lease)
{
    struct chat_request request;
    struct chat_answer_plan plan;
    struct token_list prompt = {.ids = NULL};
    struct constraint *constraint = NULL;
    struct fault fault;
    enum chat_reasoning reasoning = REASONING_AHEAD;
    enum status status = chat_request_read(&request, root, http_arena(exchange), &fault);
    if (status == OK) {
        completion_note(exchange, &request.generation, request.prompt_bytes);
        status = encode(lease, &request, &prompt, &reasoning, &fault);
    }
    if (status == OK) status = constrain(lease, &request, reasoning, &constraint, &fault);
    if (status == OK) {
        plan = plan_answer(lease, &request, reasoning);
        completion_run_start(api, exchange,
                             &(struct completion_start){
                                 .lease = lease,
                                 .shape = SHAPE_CHAT,
                                 .generation = &request.generation,
                                 .prompts = &prompt,
                                 .prompt_count = 1,
                                 .constraint = constraint,
                                 .prompt_field = "messages",
                                 .plan = plan.format ? &plan : NULL,
                             });
    } else {
        gateway_reply_fault(exchange, status, &fault, NULL);
    }
    constraint_release(constraint);
    token_list_deinit(&prompt);
    chat_request_deinit(&request);
}
