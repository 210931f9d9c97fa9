/* ps.c - `liminal ps`: what a running server has loaded. Asks it over HTTP, as any client would. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/keys.h"
#include "app/settings.h"
#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "http/http_client.h"
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
     .help = "the server's key; default, for a server on this machine: api-key in the data folder",
     .environment = "LIMINAL_API_KEY"},
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

/* What was given; else the key of this machine's server, which goes nowhere else. */
static enum status find_key(const struct ps_values *values, const char *server, struct arena *arena,
                            const char **key, struct fault *fault)
{
    static const struct text NEAR[] = {
        {"http://127.", 11}, {"http://localhost:", 17}, {"http://[::1]", 12}};
    struct settings settings;
    struct service_key found;
    *key = values->api_key ? values->api_key : "";
    bool is_near = false;
    for (size_t i = 0; i < ARRAY_COUNT(NEAR); i++)
        is_near = is_near || text_starts_with(text_of(server), NEAR[i]);
    if (**key || !is_near) return OK;
    TRY(settings_load(&settings, arena, fault));
    TRY(service_key_read(&settings, arena, &found, fault));
    *key = found.text;
    return OK;
}

/* GET a path; *answer is the body of a 200. */
static enum status get(const struct ps_values *values, const char *server, const char *path,
                       struct arena *arena, struct buffer *answer, struct fault *fault)
{
    const char *key;
    TRY(find_key(values, server, arena, &key, fault));
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

/* ---- what the server tells ---- */

/* One model of the server's answer; texts are borrowed from it. */
struct ps_row {
    const char *name, *state, *type, *architecture, *expires_at;
    json_int_t bytes, context, in_use, waiting, running, queued;
    double progress;
};

static bool read_row(json_t *model, struct ps_row *row)
{
    *row = (struct ps_row){.type = "", .architecture = ""};
    row->expires_at = json_string_value(json_object_get(model, "expires_at")); /* NULL: never */
    return json_unpack(model, "{s:s, s:s, s:I, s:I, s:F, s:I, s:I, s:I, s:I, s?{s?s, s?s}}", "name",
                       &row->name, "state", &row->state, "size", &row->bytes, "context_length",
                       &row->context, "progress", &row->progress, "in_use", &row->in_use, "waiting",
                       &row->waiting, "running", &row->running, "queued", &row->queued, "details",
                       "family", &row->architecture, "quantization_level", &row->type) == 0;
}

/* The models in memory, and those that are waited for. */
static enum status read_models(struct text body, json_t **models, struct fault *fault)
{
    json_error_t error;
    json_t *document = json_loadb(body.data, body.length, 0, &error);
    *models = json_incref(json_object_get(document, "models"));
    json_decref(document);
    if (json_is_array(*models)) return OK;
    return fault_set(fault, STATUS_UNAVAILABLE, "what answers there is no Liminal server");
}

/* ---- for people ---- */

/* When it goes if nobody uses it: "in 4 min", by this machine's clock. */
static void print_until(const struct ps_row *row, FILE *out)
{
    struct tm utc = {0};
    int year, month;
    if (strcmp(row->state, "loading") == 0) {
        fprintf(out, "loading, %.0f %%\n", 100 * row->progress);
    } else if (strcmp(row->state, "ready") != 0) {
        fprintf(out, "%s\n", row->state);
    } else if (row->in_use) {
        fprintf(out, "in use\n");
    } else if (row->expires_at &&
               sscanf(row->expires_at, "%d-%d-%dT%d:%d:%d", &year, &month, &utc.tm_mday,
                      &utc.tm_hour, &utc.tm_min, &utc.tm_sec) == 6) {
        utc.tm_year = year - 1900;
        utc.tm_mon = month - 1;
        double seconds = difftime(timegm(&utc), time(NULL));
        fprintf(out, seconds < 90 ? "in %.0f s\n" : "in %.0f min\n",
                seconds < 0    ? 0
                : seconds < 90 ? seconds
                               : seconds / 60);
    } else {
        fprintf(out, "stays\n");
    }
}

static void print_table(json_t *models, const char *server, FILE *out)
{
    size_t i;
    json_t *model;
    fprintf(out, "%-32s  %-8s  %-8s  %9s  %8s  %7s  %7s  %s\n", "NAME", "TYPE", "ARCH", "MEMORY",
            "CONTEXT", "RUNNING", "WAITING", "UNTIL");
    json_array_foreach(models, i, model)
    {
        struct ps_row row;
        char size[SIZE_TEXT_BYTES];
        if (!read_row(model, &row)) continue;
        size_text((uint64_t)row.bytes, size);
        fprintf(out, "%-32s  %-8s  %-8s  %9s  %8lld  %7lld  %7lld  ", row.name, row.type,
                row.architecture, size, (long long)row.context, (long long)row.running,
                (long long)(row.queued + row.waiting));
        print_until(&row, out);
    }
    if (!json_array_size(models)) fprintf(stderr, "%s has no model loaded.\n", server);
}

/* ---- for scripts ---- */

static enum status print_json(json_t *models, const char *server, FILE *out, struct fault *fault)
{
    json_t *rows = json_array(), *model;
    size_t i;
    json_array_foreach(models, i, model)
    {
        struct ps_row row;
        if (!read_row(model, &row)) continue;
        json_array_append_new(
            rows,
            json_pack("{s:s, s:s, s:f, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "name", row.name,
                      "state", row.state, "progress", row.progress, "type", row.type,
                      "architecture", row.architecture, "memory_bytes", row.bytes, "context_length",
                      row.context, "running", row.running, "waiting", row.queued + row.waiting,
                      "in_use", row.in_use, "expires_at", row.expires_at));
    }
    return print_json_take(json_pack("{s:s, s:o}", "server", server, "models", rows), out, fault);
}

/* ---- the verb ---- */

static enum status ps_run(struct command *command, struct fault *fault)
{
    const struct ps_values *values = command->values;
    const char *server;
    json_t *models = NULL;
    struct buffer body;
    buffer_init(&body);
    enum status status;
    TRY_DONE(find_server(values, command->arena, &server, fault));
    TRY_DONE(get(values, server, "/api/ps", command->arena, &body, fault));
    TRY_DONE(read_models(buffer_text(&body), &models, fault));
    if (values->json)
        status = print_json(models, server, command->out, fault);
    else
        print_table(models, server, command->out);
done:
    json_decref(models);
    buffer_deinit(&body);
    return status;
}

const struct verb VERB_PS = {
    .name = "ps",
    .arguments = "",
    .summary = "show what a running server has loaded",
    .help =
        "UNTIL is when a model goes if nobody uses it. Models that were named at the start stay.\n"
        "\n"
        "Examples:\n"
        "  liminal ps\n"
        "  liminal ps --server http://192.168.1.20:8000\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct ps_values),
    .run = ps_run,
};
