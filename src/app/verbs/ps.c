/* ps.c - `liminal ps`: what a running server has loaded. Asks it over HTTP, as any client would. */
#include <stdlib.h>
#include <string.h>

#include "app/settings.h"
#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "http/http_client.h"
#include "models/models.h"
#include "platform/platform.h"

struct ps_values {
    const char *server, *api_key;
    bool json;
};

static const struct option_row OPTIONS[] = {
    {"server", 0, OPTION_TEXT, offsetof(struct ps_values, server), .value_name = "URL",
     .help = "server to ask; default: the one that the settings host and port name",
     .environment = "LIMINAL_SERVER"},
    {"api-key", 0, OPTION_TEXT, offsetof(struct ps_values, api_key), .value_name = "KEY",
     .help = "if the server wants one", .environment = "LIMINAL_API_KEY"},
    {"json", 0, OPTION_FLAG, offsetof(struct ps_values, json), .help = "as a JSON object"},
};

static void drop_end(struct text *text, struct text end)
{
    if (text_ends_with(*text, end)) text->length -= end.length;
}

/* The URL without path that reaches a server with these settings from this machine. */
static enum status find_server(const struct ps_values *values, struct arena *arena,
                               const char **server, struct fault *fault)
{
    if (values->server) {
        struct text root = text_of(values->server);
        drop_end(&root, TEXT("/"));
        drop_end(&root, TEXT("/v1")); /* people have the base URL of OpenAI clients at hand */
        *server = arena_copy(arena, root.data, root.length);
        return *server ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    struct settings settings;
    TRY(settings_load(&settings, arena, fault));
    *server = settings_url(&settings, settings.port, arena);
    return *server ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* GET a path; *answer is the body of a 200. */
static enum status get(const struct ps_values *values, const char *server, const char *path,
                       struct arena *arena, struct buffer *answer, struct fault *fault)
{
    const char *key = values->api_key ? values->api_key : "";
    const char *url = arena_printf(arena, "%s%s", server, path);
    const char *headers[] = {arena_printf(arena, "Authorization: Bearer %s", key), NULL};
    if (!url || !headers[0]) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    struct http_call call = {
        .url = url, .headers = *key ? headers : NULL, .deadline_ms = 10 * 1000};
    int http_code;
    if (http_call(&call, &http_code, answer, fault) != OK)
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "no server answers at %s: is `liminal serve` running? (--server asks "
                         "another)",
                         server);
    if (http_code == 401)
        return fault_set(fault, STATUS_UNAUTHORIZED,
                         "the server at %s wants a key: set --api-key or LIMINAL_API_KEY", server);
    if (http_code != 200)
        return fault_set(fault, STATUS_UNAVAILABLE, "%s answered with HTTP code %d", url,
                         http_code);
    return OK;
}

/* The value of an engine's metric in Prometheus' text; 0 when it is not there. */
static double engine_metric(struct text metrics, const char *name, const char *model)
{
    struct buffer label;
    buffer_init(&label);
    buffer_printf(&label, "%s{model=", name);
    buffer_append_json_string(&label, text_of(model)); /* the same escapes */
    buffer_append_string(&label, "} ");
    size_t at = label.failed ? SIZE_MAX : text_find(metrics, buffer_text(&label));
    double value = at == SIZE_MAX ? 0 : strtod(metrics.data + at + label.length, NULL);
    buffer_deinit(&label);
    return value;
}

/* One object for each model that is loaded; the alias is left out. */
static enum status read_models(struct text body, struct text metrics, json_t **models,
                               struct fault *fault)
{
    json_error_t error;
    json_t *document = json_loadb(body.data, body.length, 0, &error), *data, *model;
    size_t i;
    *models = json_array();
    if (!document || !*models || json_unpack(document, "{s:o}", "data", &data) != 0) {
        json_decref(document);
        return fault_set(fault, STATUS_UNAVAILABLE, "what answers there is no Liminal server");
    }
    json_array_foreach(data, i, model)
    {
        const char *id = "?", *type = "?", *architecture = "?";
        json_int_t context = 0;
        json_unpack(model, "{s?s, s?s, s?s, s?I}", "id", &id, "file_type", &type, "architecture",
                    &architecture, "context_length", &context);
        if (strcmp(id, MODELS_ALIAS) == 0) continue;
        json_t *row =
            json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "name", id, "type", type, "architecture",
                      architecture, "context_length", context, "running",
                      (json_int_t)engine_metric(metrics, "liminal_engine_running", id), "waiting",
                      (json_int_t)engine_metric(metrics, "liminal_engine_queue_depth", id));
        json_array_append_new(*models, row);
    }
    json_decref(document);
    return OK;
}

static void print_table(json_t *models, const char *server, FILE *out)
{
    size_t i;
    json_t *model;
    fprintf(out, "%-32s  %-8s  %-8s  %8s  %8s  %8s\n", "NAME", "TYPE", "ARCH", "CONTEXT", "RUNNING",
            "WAITING");
    json_array_foreach(models, i, model)
    {
        const char *name, *type, *architecture;
        json_int_t context, running, waiting;
        if (json_unpack(model, "{s:s, s:s, s:s, s:I, s:I, s:I}", "name", &name, "type", &type,
                        "architecture", &architecture, "context_length", &context, "running",
                        &running, "waiting", &waiting) != 0)
            continue;
        fprintf(out, "%-32s  %-8s  %-8s  %8lld  %8lld  %8lld\n", name, type, architecture,
                (long long)context, (long long)running, (long long)waiting);
    }
    if (!json_array_size(models)) fprintf(stderr, "%s has no model loaded.\n", server);
}

static enum status ps_run(struct command *command, struct fault *fault)
{
    const struct ps_values *values = command->values;
    const char *server;
    json_t *models = NULL;
    struct buffer body, metrics;
    buffer_init(&body);
    buffer_init(&metrics);
    enum status status;
    TRY_DONE(find_server(values, command->arena, &server, fault));
    TRY_DONE(get(values, server, "/v1/models", command->arena, &body, fault));
    TRY_DONE(get(values, server, "/metrics", command->arena, &metrics, fault));
    TRY_DONE(read_models(buffer_text(&body), buffer_text(&metrics), &models, fault));
    if (values->json)
        status = print_json_take(json_pack("{s:s, s:O}", "server", server, "models", models),
                                 command->out, fault);
    else
        print_table(models, server, command->out);
done:
    json_decref(models);
    buffer_deinit(&body);
    buffer_deinit(&metrics);
    return status;
}

const struct verb VERB_PS = {
    .name = "ps",
    .arguments = "",
    .summary = "show what a running server has loaded",
    .help =
        "Examples:\n"
        "  liminal ps\n"
        "  liminal ps --server http://192.168.1.20:8000\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct ps_values),
    .run = ps_run,
};
