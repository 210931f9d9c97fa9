/* openai_chat.c - POST /v1/chat/completions (R16..R20): the whole conversation through the model's
 * own template. */
#include "inference/adaptation/completion_run.h"
#include "inference/adaptation/openai_request.h"
#include "inference/chat_prompt.h"
#include "platform/platform.h"

static enum status encode(const struct model_lease *lease, const struct chat_request *request,
                          struct token_list *prompt, struct fault *fault)
{
    if (!lease->chat_template) {
        *fault = lease->chat_template_fault;
        return fault->status;
    }
    if (request->tools.tools && request->tools.choice != TOOLS_NONE)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "tools", "tools is not supported");
    const struct chat_prompt told = {
        .messages = request->messages,
        .options = request->template_options,
        .now_unix = clock_wall_ms() / 1000,
    };
    return chat_prompt_encode(lease->chat_template, engine_tokenizer(lease->engine), &told, NULL,
                              prompt, NULL, fault);
}

void openai_chat_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                        struct model_lease *lease)
{
    struct chat_request request = {.messages = NULL};
    struct token_list prompt = {.ids = NULL};
    struct fault fault;
    enum status status = chat_request_read(&request, root, http_arena(exchange), &fault);
    if (status == OK) {
        completion_note(exchange, &request.generation, request.prompt_bytes);
        status = encode(lease, &request, &prompt, &fault);
    }
    if (status == OK)
        completion_run_start(api, exchange,
                             &(struct completion_start){
                                 .lease = lease,
                                 .shape = SHAPE_CHAT,
                                 .generation = &request.generation,
                                 .prompts = &prompt,
                                 .prompt_count = 1,
                                 .prompt_field = "messages",
                             });
    else
        api_reply_fault(exchange, status, &fault, NULL);
    token_list_deinit(&prompt);
    chat_request_deinit(&request);
}
