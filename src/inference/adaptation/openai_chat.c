/* openai_chat.c - POST /v1/chat/completions (R16..R20): the whole conversation through the model's
 * own template, and the answer told apart as the model's own format has it; and the same within a
 * conversation that somebody keeps, POST /v2/chat/completions (R60). */
#include <stdio.h>
#include <string.h>

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
    return answer_constraint_get(lease, &request->generation, &rules, constraint, fault);
}

/* ---- a request, and what becomes of it ---- */

struct chat {
    struct chat_request request;
    struct token_list prompt;
    struct constraint *constraint;
    struct chat_answer_plan plan;
};

static enum status chat_read(struct chat *chat, struct http_exchange *exchange, const json_t *root,
                             const struct model_lease *lease, struct fault *fault)
{
    enum chat_reasoning reasoning = REASONING_AHEAD;
    struct chat_request *request = &chat->request;
    TRY(chat_request_read(request, root, http_arena(exchange), fault));
    completion_note(exchange, &request->generation, request->prompt_bytes);
    TRY(completion_set_tenant(exchange, &request->generation, fault));
    TRY(encode(lease, request, &chat->prompt, &reasoning, fault));
    TRY(constrain(lease, request, reasoning, &chat->constraint, fault));
    chat->plan = plan_answer(lease, request, reasoning);
    return OK;
}

static bool chat_start(const struct chat *chat, struct api *api, struct http_exchange *exchange,
                       struct model_lease *lease, const struct kept_chat *kept)
{
    return completion_run_start(api, exchange,
                                &(struct completion_start){
                                    .lease = lease,
                                    .shape = SHAPE_CHAT,
                                    .generation = &chat->request.generation,
                                    .prompts = &chat->prompt,
                                    .prompt_count = 1,
                                    .constraint = chat->constraint,
                                    .prompt_field = "messages",
                                    .plan = chat->plan.format ? &chat->plan : NULL,
                                    .kept = kept,
                                });
}

static void chat_deinit(struct chat *chat)
{
    constraint_release(chat->constraint);
    token_list_deinit(&chat->prompt);
    chat_request_deinit(&chat->request);
}

void openai_chat_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                        struct model_lease *lease)
{
    struct chat chat = {.prompt = {.ids = NULL}};
    struct fault fault;
    enum status status = chat_read(&chat, exchange, root, lease, &fault);
    if (status == OK)
        chat_start(&chat, api, exchange, lease, NULL);
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
    chat_deinit(&chat);
}

/* ---- within a conversation (R60) ---- */

/* Messages are counted as the client sent them, not with those in front. */
static void count_own_messages(struct fault *fault, size_t told_before)
{
    const struct fault full = *fault;
    size_t index, named = strlen(full.param);
    int end = 0;
    if (sscanf(full.param, "messages[%zu]%n", &index, &end) != 1 || index < told_before) return;
    snprintf(fault->param, sizeof fault->param, "messages[%zu]%s", index - told_before,
             full.param + end);
    if (strncmp(full.message, full.param, named) == 0)
        snprintf(fault->message, sizeof fault->message, "%s%.900s", fault->param,
                 full.message + named);
}

static enum status kept_read(struct chat *chat, struct http_exchange *exchange, const json_t *root,
                             const struct model_lease *lease, const struct kept_chat *kept,
                             struct fault *fault)
{
    enum status status = chat_read(chat, exchange, root, lease, fault);
    if (status != OK) {
        count_own_messages(fault, kept->told_before);
        return status;
    }
    if (chat->request.generation.n == 1) return OK;
    return fault_set_param(fault, STATUS_UNSUPPORTED, "n",
                           "a conversation goes on with one answer: n must be 1");
}

void kept_chat_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                      struct model_lease *lease)
{
    const struct chat_keeper *keeper = api->keeper;
    struct request_note *note = api_note(exchange); /* model_route made it */
    struct kept_chat kept = {.memory = &note->of_keeper};
    struct chat chat = {.prompt = {.ids = NULL}};
    struct fault fault;
    enum status status = keeper->prepare(keeper->context, exchange, root, lease, &kept, &fault);
    if (status == OK && kept.is_deferred) return;
    if (status == OK) status = kept_read(&chat, exchange, root, lease, &kept, &fault);
    if (status == OK) status = keeper->begin(&kept, &fault);
    if (status != OK)
        gateway_reply_fault(exchange, status, &fault, NULL);
    else if (!chat_start(&chat, api, exchange, lease, &kept))
        keeper->refused(&kept);
    chat_deinit(&chat);
}
