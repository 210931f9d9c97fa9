/* openai_models.c - GET /v1/models and /v1/models/{id} (R22): every model that may be named, with
 * how far it is in memory. */
#include <string.h>

#include "inference/adaptation/api_private.h"
#include "platform/platform.h"

/* What there is, seen at one moment; lives in the exchange's arena. */
struct model_view {
    struct stored_model *stored;
    size_t stored_count;
    struct hosted_model hosted[RESIDENCY_MODELS];
    size_t hosted_count;
};

static const struct hosted_model *find_hosted(const struct model_view *view, const char *name)
{
    for (size_t i = 0; i < view->hosted_count; i++)
        if (strcmp(view->hosted[i].name, name) == 0) return &view->hosted[i];
    return NULL;
}

const char *hosted_state_name(enum resident_state state)
{
    switch (state) {
    case RESIDENT_WANTED: return "waiting";
    case RESIDENT_LOADING: return "loading";
    case RESIDENT_READY: return "ready";
    case RESIDENT_CLOSING: return "unloading";
    default: return "available";
    }
}

/* ---- JSON ---- */

static void append_hosted(struct buffer *out, const struct hosted_model *hosted)
{
    bool is_ready = hosted && hosted->state == RESIDENT_READY;
    buffer_printf(out, ",\"loaded\":%s,\"state\":\"%s\"", is_ready ? "true" : "false",
                  hosted_state_name(hosted ? hosted->state : RESIDENT_ABSENT));
    if (!hosted) return;
    if (hosted->state == RESIDENT_LOADING)
        buffer_printf(out, ",\"progress\":%.3f", hosted->progress);
    if (is_ready)
        buffer_printf(out, ",\"parameters\":%llu", (unsigned long long)hosted->parameters);
    buffer_printf(out, ",\"memory_bytes\":%llu,\"in_use\":%u,\"waiting\":%u",
                  (unsigned long long)hosted->bytes, hosted->leases, hosted->tickets);
}

static void append_model(struct buffer *out, const struct api *api, const struct model_view *view,
                         const struct stored_model *model, const char *id)
{
    const struct hosted_model *hosted = find_hosted(view, model->name);
    bool is_ready = hosted && hosted->state == RESIDENT_READY;
    buffer_append_string(out, "{\"id\":");
    buffer_append_json_string(out, text_of(id));
    buffer_printf(out,
                  ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"local\","
                  "\"permission\":[],\"root\":",
                  (long long)(model->modified_s ? model->modified_s : api->opened_unix));
    buffer_append_json_string(out, text_of(model->name));
    buffer_printf(out, ",\"parent\":null,\"context_length\":%u,\"architecture\":",
                  is_ready ? hosted->context_length : model->context_length);
    buffer_append_json_string(out, text_of(is_ready ? hosted->architecture : model->architecture));
    buffer_append_string(out, ",\"file_type\":");
    buffer_append_json_string(out, text_of(is_ready ? hosted->file_type : model->type));
    buffer_printf(out, ",\"embedding\":%s", model->is_embedding ? "true" : "false");
    append_hosted(out, hosted);
    buffer_append_char(out, '}');
}

/* ---- the routes ---- */

static struct model_view *look(struct http_exchange *exchange, const struct api *api,
                               struct fault *fault)
{
    struct arena *arena = http_arena(exchange);
    struct model_view *view = arena_alloc(arena, sizeof *view);
    if (!view) {
        fault_set(fault, STATUS_NO_MEMORY, "no memory for the list of models");
        return NULL;
    }
    view->hosted_count = model_host_list(api->host, view->hosted);
    if (model_host_stored(api->host, arena, &view->stored, &view->stored_count, fault) != OK)
        return NULL;
    return view;
}

/* What "local-llm" generates with: the main model; without any main one, the store's default, which
 * would be loaded. NULL: nothing. */
static const struct stored_model *find_main(const struct model_view *view)
{
    const struct stored_model *by_default = NULL;
    for (size_t i = 0; i < view->stored_count; i++)
        if (view->stored[i].is_default) by_default = &view->stored[i];
    for (size_t i = 0; i < view->stored_count; i++) {
        const struct hosted_model *hosted = find_hosted(view, view->stored[i].name);
        if (!hosted || !hosted->is_main) continue;
        if (!hosted->is_embedding) return &view->stored[i];
        by_default = NULL;
    }
    return by_default;
}

void openai_models_list(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    struct fault fault;
    const struct model_view *view = look(exchange, api, &fault);
    if (!view) {
        gateway_reply_fault(exchange, fault.status, &fault, NULL);
        return;
    }
    const struct stored_model *main_model = find_main(view);
    const char *separator = "";
    struct buffer out;
    buffer_init(&out);
    buffer_append_string(&out, "{\"object\":\"list\",\"data\":[");
    if (main_model) {
        append_model(&out, api, view, main_model, "local-llm");
        separator = ",";
    }
    for (size_t i = 0; i < view->stored_count; i++) {
        if (view->stored[i].problem) continue;
        buffer_append_string(&out, separator);
        append_model(&out, api, view, &view->stored[i], view->stored[i].name);
        separator = ",";
    }
    buffer_append_string(&out, "]}");
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}

static const struct stored_model *find_by_id(const struct model_view *view, struct text id)
{
    if (text_equal(id, TEXT("local-llm"))) return find_main(view);
    for (size_t i = 0; i < view->stored_count; i++)
        if (text_equal(id, text_of(view->stored[i].name))) return &view->stored[i];
    return NULL;
}

/* A main model also answers to what it calls itself; whom else the name is unknown to hears what
 * there is. */
static const struct stored_model *find_by_own_name(const struct model_view *view,
                                                   const struct api *api, struct text id,
                                                   struct fault *fault)
{
    const struct model_wish wish = {
        .name = id, .use = USE_TOKENIZER, .keep_ms = KEEP_ALIVE_UNSET_MS};
    const struct stored_model *model = NULL;
    struct model_lease *lease;
    if (model_host_take(api->host, &wish, &lease, fault) != OK) return NULL;
    if (lease) model = find_by_id(view, text_of(lease->name));
    model_lease_release(lease);
    if (!model)
        fault_set_param(fault, STATUS_NOT_FOUND, "model", "the model has just come: ask again");
    return model;
}

void openai_models_get(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    struct text id = http_path_parameter(exchange, "id");
    struct fault fault;
    const struct model_view *view = look(exchange, api, &fault);
    const struct stored_model *model = view ? find_by_id(view, id) : NULL;
    if (view && !model) model = find_by_own_name(view, api, id, &fault);
    if (!model) {
        gateway_reply_fault(exchange, fault.status, &fault, NULL);
        return;
    }
    bool is_alias = text_equal(id, TEXT("local-llm"));
    struct buffer out;
    buffer_init(&out);
    append_model(&out, api, view, model, is_alias ? "local-llm" : model->name);
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}
