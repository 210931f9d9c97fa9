/* openai_chat.c - POST /v1/chat/completions (R16..R20): the whole conversation through the model's
 * own template. */
#include "inference/adaptation/completion_run.h"
#include "inference/adaptation/openai_request.h"
#include "inference/chat_prompt.h"
#include "platform/platform.h"

static enum status encode(const struct api *api, const struct chat_request *request,
                          struct token_list *prompt, struct fault *fault)
{
    if (!api_model_is(&api->chat, request->generation.model))
        return api_model_unknown(api, request->generation.model, fault);
    if (!api->chat_template) {
        *fault = api->chat_template_fault;
        return fault->status;
    }
    return chat_prompt_encode(api->chat_template, engine_tokenizer(api->chat.engine),
                              request->messages, clock_wall_ms() / 1000, prompt, fault);
}

void openai_chat_handle(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    struct chat_request request = {.messages = NULL};
    struct token_list prompt = {.ids = NULL};
    struct fault fault;
    json_t *root;
    if (!api_read_body(exchange, &root)) return;
    enum status status = chat_request_read(&request, root, http_arena(exchange), &fault);
    if (status == OK) {
        completion_note(exchange, &request.generation, request.prompt_bytes);
        status = encode(api, &request, &prompt, &fault);
    }
    if (status == OK)
        completion_run_start(api, exchange,
                             &(struct completion_start){
                                 .shape = SHAPE_CHAT,
                                 .generation = &request.generation,
                                 .prompts = &prompt,
                                 .prompt_count = 1,
                                 .prompt_field = "messages",
                             });
    else
        api_reply_fault(exchange, status, &fault, NULL);
    token_list_deinit(&prompt);
    json_decref(request.messages);
    json_decref(root);
}
