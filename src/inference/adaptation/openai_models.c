/* openai_models.c - GET /v1/models and /v1/models/{id} (R22). */
#include "inference/adaptation/api_private.h"
#include "model/model.h"
#include "platform/platform.h"

static void append_model(struct buffer *out, const struct api *api, const struct model_lease *model,
                         const char *id)
{
    const struct model_info *info = engine_model(model->engine);
    buffer_append_string(out, "{\"id\":");
    buffer_append_json_string(out, text_of(id));
    buffer_printf(out,
                  ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"local\","
                  "\"permission\":[],\"root\":",
                  (long long)api->opened_unix);
    buffer_append_json_string(out, text_of(model->name));
    buffer_printf(out,
                  ",\"parent\":null,\"context_length\":%u,\"architecture\":\"%s\","
                  "\"file_type\":\"%s\",\"parameters\":%llu}",
                  engine_context_length(model->engine), info->architecture, info->file_type,
                  (unsigned long long)info->parameters);
}

void openai_models_list(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    const struct model_lease *models[] = {&api->chat, &api->embedding};
    const char *separator = "";
    struct buffer out;
    buffer_init(&out);
    buffer_append_string(&out, "{\"object\":\"list\",\"data\":[");
    if (api->chat.engine) {
        append_model(&out, api, &api->chat, "local-llm");
        separator = ",";
    }
    for (size_t i = 0; i < ARRAY_COUNT(models); i++) {
        if (!models[i]->engine) continue;
        buffer_append_string(&out, separator);
        append_model(&out, api, models[i], models[i]->name);
        separator = ",";
    }
    buffer_append_string(&out, "]}");
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}

void openai_models_get(struct http_exchange *exchange, void *context)
{
    struct api *api = context;
    struct text id = http_path_parameter(exchange, "id");
    struct fault fault;
    struct model_lease *model = api_find_model(api, id, USE_TOKENIZER, &fault);
    if (!model) {
        api_reply_fault(exchange, fault.status, &fault, NULL);
        return;
    }
    bool is_alias = text_equal(id, TEXT("local-llm"));
    struct buffer out;
    buffer_init(&out);
    append_model(&out, api, model, is_alias ? "local-llm" : model->name);
    model_lease_release(model);
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}
