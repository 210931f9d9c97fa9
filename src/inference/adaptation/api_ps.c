/* api_ps.c - GET /api/ps: the models in memory and those that are waited for, in the shape that
 * clients of Ollama know, with what `liminal ps` shows beyond it. */
#include <time.h>

#include "inference/adaptation/api_private.h"
#include "platform/platform.h"

static void append_size(struct buffer *out, uint64_t parameters)
{
    if (parameters >= 1000000000)
        buffer_printf(out, "\"%.1fB\"", (double)parameters / 1e9);
    else
        buffer_printf(out, "\"%.0fM\"", (double)parameters / 1e6);
}

/* null: never. */
static void append_expiry(struct buffer *out, int64_t idle_left_ms)
{
    struct tm utc;
    char text[32];
    bool expires = idle_left_ms != RESIDENCY_NEVER;
    time_t at = expires ? (time_t)((clock_wall_ms() + idle_left_ms) / 1000) : 0;
    if (expires && gmtime_r(&at, &utc) &&
        strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%SZ\"", &utc))
        buffer_append_string(out, text);
    else
        buffer_append_string(out, "null");
}

static void append_details(struct buffer *out, const struct hosted_model *model)
{
    buffer_append_string(out, ",\"details\":{\"format\":\"gguf\",\"family\":");
    buffer_append_json_string(out, text_of(model->architecture));
    buffer_append_string(out, ",\"parameter_size\":");
    append_size(out, model->parameters);
    buffer_append_string(out, ",\"quantization_level\":");
    buffer_append_json_string(out, text_of(model->file_type));
    buffer_append_char(out, '}');
}

static void append_model(struct buffer *out, const struct hosted_model *model)
{
    bool is_ready = model->state == RESIDENT_READY;
    buffer_append_string(out, "{\"name\":");
    buffer_append_json_string(out, text_of(model->name));
    buffer_append_string(out, ",\"model\":");
    buffer_append_json_string(out, text_of(model->name));
    buffer_printf(out, ",\"size\":%llu,\"size_vram\":0", (unsigned long long)model->bytes);
    if (is_ready) append_details(out, model);
    buffer_printf(out,
                  ",\"context_length\":%u,\"state\":\"%s\",\"progress\":%.3f,\"main\":%s,"
                  "\"stays\":%s,\"in_use\":%u,\"waiting\":%u,\"running\":%u,\"queued\":%u,"
                  "\"load_seconds\":%.3f,\"expires_at\":",
                  model->context_length, hosted_state_name(model->state),
                  is_ready ? 1 : model->progress, model->is_main ? "true" : "false",
                  model->is_pinned ? "true" : "false", model->leases, model->tickets,
                  model->counters.running, model->counters.waiting, model->load_seconds);
    append_expiry(out, model->idle_left_ms);
    buffer_append_char(out, '}');
}

void api_ps_handle(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    struct hosted_model models[RESIDENCY_MODELS];
    struct model_host_counters counters;
    size_t count = model_host_list(api->host, models);
    model_host_counters(api->host, &counters);
    struct buffer out;
    buffer_init(&out);
    buffer_append_string(&out, "{\"models\":[");
    for (size_t i = 0; i < count; i++) {
        if (i) buffer_append_char(&out, ',');
        append_model(&out, &models[i]);
    }
    buffer_printf(&out, "],\"memory_bytes\":%llu,\"memory_budget_bytes\":%llu}",
                  (unsigned long long)counters.bytes, (unsigned long long)counters.budget_bytes);
    http_reply_json(exchange, 200, buffer_text(&out));
    buffer_deinit(&out);
}
