/* wiring.c - see wiring.h. */
#include "app/wiring.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/doors.h"
#include "app/model_choice.h"
#include "app/model_store.h"
#include "app/terminal.h"
#include "app/version.h"
#include "compute/compute.h"
#include "compute/device.h"
#include "gateway/gateway.h"
#include "http/http_server.h"
#include "inference/adaptation/api.h"
#include "inference/engine.h"
#include "inference/model_host.h"
#include "model/model.h"
#include "platform/platform.h"

/* ---- a model ---- */

static void show_share(void *argument, double done)
{
    progress_bar_share(argument, done);
}

/* --kv-spill-dir, else a folder of the data folder. */
static enum status choose_spill_folder(const char **folder, const struct settings *settings,
                                       struct arena *arena, struct fault *fault)
{
    char home[4000];
    *folder = settings->kv_spill_dir;
    if (*folder || !settings->kv_spill_mb) return OK;
    if (!settings->data_dir) TRY(path_home(home, sizeof home, fault));
    *folder = arena_printf(arena, "%s/kv", settings->data_dir ? settings->data_dir : home);
    return *folder ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

static enum status read_engine_options(struct engine_options *options,
                                       const struct settings *settings, struct arena *arena,
                                       struct fault *fault)
{
    *options = (struct engine_options){
        .context_length = (uint32_t)settings->context,
        .sequences = (uint32_t)settings->sequences,
        .queue_limit = (uint32_t)settings->queue,
        .prefill_chunk = (uint32_t)settings->prefill_chunk,
        .kv_budget_bytes = settings->kv_memory_mb * 1000000,
        .spill_bytes = settings->kv_spill_mb * 1000000,
    };
    TRY(choose_spill_folder(&options->spill_folder, settings, arena, fault));
    return speculation_parse(text_of(settings->speculation), &options->speculation, fault);
}

static enum status open_engine(struct loaded_model *loaded, const struct settings *settings,
                               struct arena *arena, struct fault *fault)
{
    struct engine_options options;
    TRY(read_engine_options(&options, settings, arena, fault));
    struct progress_bar bar;
    progress_bar_start(&bar, loaded->name);
    struct model_options model_options = {.context_length = (uint32_t)settings->context};
    if (terminal_is_live(stderr)) {
        model_options.progress = show_share;
        model_options.progress_argument = &bar;
    }
    struct model *model;
    enum status status = model_open(&model, loaded->compute, loaded->path, &model_options, fault);
    progress_bar_end(&bar);
    if (status != OK) return status;
    status = engine_open(&loaded->engine, model, &options, fault);
    if (status != OK) fault_prefix(fault, "%s", loaded->name); /* model_open's name the path */
    return status;
}

enum status loaded_model_open(struct loaded_model *loaded, const char *word,
                              const struct settings *settings, struct arena *arena,
                              struct fault *fault)
{
    *loaded = (struct loaded_model){0};
    struct model_choice choice;
    TRY(model_choose(word, arena, &choice, fault));
    loaded->name = choice.name;
    loaded->path = choice.path;
    struct compute_options options = {.threads = (unsigned)settings->threads};
    TRY(compute_open(&loaded->compute, &options, fault));
    enum status status = open_engine(loaded, settings, arena, fault);
    if (status != OK) loaded_model_close(loaded);
    return status;
}

void loaded_model_close(struct loaded_model *loaded)
{
    if (loaded->engine) engine_close(loaded->engine);
    if (loaded->compute) compute_close(loaded->compute);
    *loaded = (struct loaded_model){0};
}

/* ---- the server ---- */

bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0;
}

enum { FREE_SHARE_DIVISOR = 4 }; /* a quarter of the free memory is left to the others */

static uint64_t model_memory_bytes(const struct settings *settings)
{
    if (settings->model_memory_mb) return settings->model_memory_mb * 1000000;
    uint64_t available = machine_memory_available();
    return available - available / FREE_SHARE_DIVISOR;
}

static enum status open_host(struct service *service, const struct settings *settings,
                             struct arena *arena, struct fault *fault)
{
    struct model_host_options options = {
        .compute = service->compute,
        .store = model_store_of_machine(),
        .budget_bytes = model_memory_bytes(settings),
        .models_max = (uint32_t)settings->models_max,
        .ticket_limit = (uint32_t)settings->queue,
    };
    TRY(read_engine_options(&options.engine, settings, arena, fault));
    enum status status = keep_alive_parse(text_of(settings->keep_alive), &options.keep_ms, fault);
    if (status != OK) {
        fault_prefix(fault, "--keep-alive %s", settings->keep_alive);
        return status;
    }
    return model_host_open(&service->host, &options, fault);
}

static enum status preload(struct service *service, const char *word, const char *draft_model,
                           struct text chat_template, struct arena *arena, struct fault *fault)
{
    struct model_choice choice;
    struct progress_bar bar;
    TRY(model_choose(word, arena, &choice, fault));
    progress_bar_start(&bar, choice.name);
    bool is_live = terminal_is_live(stderr);
    const struct model_preload wanted = {
        .name = choice.name,
        .path = choice.path,
        .draft_model = draft_model,
        .chat_template = chat_template,
        .progress = is_live ? show_share : NULL,
        .progress_argument = &bar,
    };
    enum status status = model_host_preload(service->host, &wanted, fault);
    progress_bar_end(&bar);
    return status;
}

/* The default model may be missing; one that was asked for may not. */
static enum status preload_main(struct service *service, const struct settings *settings,
                                struct arena *arena, struct fault *fault)
{
    const char *word = settings->models.count ? settings->models.items[0] : NULL;
    struct model_choice draft = {.path = NULL};
    if (settings->draft_model) TRY(model_choose(settings->draft_model, arena, &draft, fault));
    enum status status =
        preload(service, word, draft.path, buffer_text(&service->chat_template), arena, fault);
    if (status != STATUS_NOT_FOUND || word) return status;
    log_write("app", LOG_WARN, NULL, "no model loaded: %s", fault->message);
    return OK;
}

static enum status preload_all(struct service *service, const struct settings *settings,
                               struct arena *arena, struct fault *fault)
{
    TRY(preload_main(service, settings, arena, fault));
    for (size_t i = 1; i < settings->models.count; i++)
        TRY(preload(service, settings->models.items[i], NULL, TEXT(""), arena, fault));
    if (!settings->embedding_model) return OK;
    return preload(service, settings->embedding_model, NULL, TEXT(""), arena, fault);
}

static enum status open_api(struct service *service, const struct settings *settings,
                            struct fault *fault)
{
    char backend[64];
    snprintf(backend, sizeof backend, "cpu %s", compute_isa_name(service->compute));
    const struct api_options options = {
        .host = service->host,
        .backend = backend,
        .version = LIMINAL_VERSION,
    };
    return api_open(&service->api, &options, fault);
}

static struct http_server_options server_options(const struct settings *settings)
{
    return (struct http_server_options){
        .host = strcmp(settings->host, "localhost") == 0 ? "127.0.0.1" : settings->host,
        .port = (uint16_t)settings->port,
        .allowed_hosts = settings->allowed_hosts.items,
        .cors_origins = settings->cors.items,
    };
}

static enum status open_server(struct service *service, const struct settings *settings,
                               struct fault *fault)
{
    struct http_server_options options = server_options(settings);
    gateway_install(service->gateway, &options);
    size_t count;
    const struct http_route *routes = gateway_http_routes(service->gateway, &count);
    return http_server_open(&service->server, &options, routes, count, fault);
}

/* An accelerator that this build can't use is told, so that nobody wonders why it stays cold. */
static void tell_idle_devices(void)
{
    struct device_set devices = device_detect(&device_probe_machine);
    enum device preferred = device_preferred(&devices);
    if (!device_supported(preferred))
        log_write("app", LOG_WARN, NULL,
                  "this machine has a %s device, but this build computes on the cpu only",
                  device_name(preferred));
}

enum { TEMPLATE_LIMIT_BYTES = 1 << 20 };

enum status service_open(struct service *service, const struct settings *settings,
                         struct arena *arena, struct fault *fault)
{
    *service = (struct service){0};
    buffer_init(&service->chat_template);
    enum status status;
    const struct http_server_options wanted = server_options(settings);
    TRY_DONE(http_server_check_port(&wanted, fault)); /* before a model is loaded for nothing */
    if (settings->chat_template)
        TRY_DONE(file_read(settings->chat_template, TEMPLATE_LIMIT_BYTES, &service->chat_template,
                           fault));
    TRY_DONE(stores_open(&service->stores, settings, arena, fault));
    tell_idle_devices();
    const struct compute_options compute_options = {.threads = (unsigned)settings->threads};
    TRY_DONE(compute_open(&service->compute, &compute_options, fault));
    TRY_DONE(open_host(service, settings, arena, fault));
    TRY_DONE(preload_all(service, settings, arena, fault));
    TRY_DONE(open_api(service, settings, fault));
    TRY_DONE(doors_open(service, settings, arena, fault));
    TRY_DONE(open_server(service, settings, fault));
done:
    if (status != OK) service_close(service, 0);
    return status;
}

uint16_t service_port(const struct service *service)
{
    return http_server_port(service->server);
}

void service_close(struct service *service, uint64_t grace_ms)
{
    if (service->server) {
        http_server_stop(service->server, grace_ms);
        http_server_close(service->server); /* after it nobody asks the models any more */
    }
    if (service->api) api_close(service->api);
    doors_close(service);
    model_host_close(service->host);
    compute_close(service->compute);
    stores_close(&service->stores);
    buffer_deinit(&service->chat_template);
    *service = (struct service){0};
}
