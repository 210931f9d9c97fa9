/* serve.c - `liminal serve`: the OpenAI API until a signal asks to stop. */
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/accounts.h"
#include "accounts/invitations.h"
#include "app/model_choice.h"
#include "app/settings.h"
#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "app/wiring.h"
#include "compute/compute.h"
#include "inference/engine.h"
#include "inference/model_host.h"
#include "models/models.h"
#include "platform/platform.h"

/* ---- signals ---- */

/* Whichever thread a signal finds, the main thread hears of it. */
static volatile sig_atomic_t is_serving, stop_number;
static sem_t stop_wanted;

/* While nothing is served yet, and again while it is being stopped, a signal ends the process. */
static void note_signal(int number)
{
    if (!is_serving) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    is_serving = 0;
    stop_number = number;
    sem_post(&stop_wanted);
}

static void catch_signals(void)
{
    sem_init(&stop_wanted, 0, 0);
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    static const int NUMBERS[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < ARRAY_COUNT(NUMBERS); i++) sigaction(NUMBERS[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, which is told */
}

/* Blocks until somebody wants the server gone. */
static void wait_for_stop(void)
{
    while (sem_wait(&stop_wanted) != 0) continue; /* interrupted by the very signal */
    log_write("app", LOG_INFO, NULL, "stopping on signal %d (%s); again to stop at once",
              (int)stop_number, strsignal(stop_number));
}

/* ---- who should know that it runs ---- */

/* How a shell gets the key, so that the line works as it stands. */
static void print_key(const struct service_key *key, FILE *out)
{
    if (key->path)
        fprintf(out, "        -H \"Authorization: Bearer $(cat '%s')\" \\\n", key->path);
    else
        fprintf(out, "        -H \"Authorization: Bearer $LIMINAL_API_KEY\" \\\n");
}

/* The key is shown once, when it is made. */
static void announce_to_person(const struct service *service, const char *url, FILE *out)
{
    struct model_lease *lease = model_host_main(service->host, USE_TOKENIZER);
    if (lease)
        fprintf(out, "%s is ready at %s (%u tokens of context, %s, %u threads).\n", lease->name,
                url, engine_context_length(lease->engine), compute_isa_name(service->compute),
                compute_threads(service->compute));
    else
        fprintf(out, "Ready at %s, but there is no model yet: `liminal pull org/repo:file.gguf`.\n",
                url);
    model_lease_release(lease);
    if (service->key.is_new)
        fprintf(out, "Your key, for programs on this machine: %s\n(kept in %s)\n",
                service->key.text, service->key.path);
    fprintf(out, "Try:  curl %s/v1/chat/completions -H 'Content-Type: application/json' \\\n", url);
    if (*service->key.text) print_key(&service->key, out);
    fprintf(out,
            "        -d '{\"messages\":[{\"role\":\"user\",\"content\":"
            "\"What is the capital of France?\"}]}'\n"
            "Ctrl-C stops the server.\n");
    fflush(out);
}

static void announce_to_log(const struct service *service, const char *url, double seconds)
{
    struct buffer fields;
    buffer_init(&fields);
    buffer_append_string(&fields, "\"url\":");
    buffer_append_json_string(&fields, text_of(url));
    buffer_append_string(&fields, ",\"model\":");
    struct model_lease *lease = model_host_main(service->host, USE_TOKENIZER);
    if (lease)
        buffer_append_json_string(&fields, text_of(lease->name));
    else
        buffer_append_string(&fields, "null");
    model_lease_release(lease);
    struct model_host_counters counters;
    model_host_counters(service->host, &counters);
    buffer_printf(&fields, ",\"seconds\":%.3f,\"resident_mb\":%.1f,\"model_memory_mb\":%.0f",
                  seconds, (double)process_resident_bytes() / 1e6,
                  (double)counters.budget_bytes / 1e6);
    log_write("app", LOG_INFO, fields.failed ? NULL : fields.data, "ready");
    buffer_deinit(&fields);
}

/* Who follows the link becomes the administrator; until somebody did, each start makes one. */
static enum status announce_set_up(const struct command *command, const struct service *service,
                                   const char *url, struct fault *fault)
{
    char code[SECRET_TEXT_BYTES];
    bool is_needed;
    TRY(accounts_first_admin(service->accounts, code, &is_needed, fault));
    if (!is_needed) return OK;
    const char *link = arena_printf(command->arena, "%s/setup?code=%s", url, code);
    if (!link) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    if (isatty(STDOUT_FILENO)) fprintf(command->out, "Become its administrator:  %s\n", link);
    const char *fields = arena_printf(command->arena, "\"link\":\"%s\"", link);
    log_write("accounts", LOG_INFO, fields,
              "there is no administrator yet: who opens the link becomes it");
    return OK;
}

/* ---- the verb ---- */

/* What stands for settings that nobody made. */
static enum status take_effective(struct settings *settings, struct arena *arena,
                                  struct fault *fault)
{
    if (!settings->data_dir) {
        char home[MODELS_PATH_LIMIT];
        TRY(path_home(home, sizeof home, fault));
        settings->data_dir = arena_copy(arena, home, strlen(home));
        if (!settings->data_dir) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    if (settings->models.count) return OK;
    struct model_choice choice;
    enum status status = model_choose(NULL, arena, &choice, fault);
    if (status == STATUS_NOT_FOUND) return OK; /* there is no model yet */
    TRY(status);
    const char **items = arena_alloc_array(arena, 2, sizeof *items);
    if (!items) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    items[0] = choice.path;
    settings->models = (struct option_list){items, 1};
    return OK;
}

static enum status show_settings(const struct command *command, struct fault *fault)
{
    TRY(take_effective(command->parse->values, command->arena, fault));
    struct buffer text;
    buffer_init(&text);
    enum status status = settings_print(command->parse, &text, fault);
    if (status == OK) fputs(text.data, command->out);
    buffer_deinit(&text);
    return status;
}

static enum status serve_run(struct command *command, struct fault *fault)
{
    uint64_t started_ns = clock_monotonic_ns();
    const struct settings *settings = command->values;
    if (settings->show_settings) return show_settings(command, fault);
    TRY(log_configure(settings->log, fault));
    if (settings->data_dir && setenv("LIMINAL_HOME", settings->data_dir, 1) != 0)
        return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    catch_signals();
    struct service service;
    TRY(service_open(&service, settings, command->arena, fault));
    is_serving = 1;
    const char *url = settings_url(settings, service_port(&service), command->arena);
    if (!url) url = "?"; /* no memory for a line is no reason to stop */
    if (isatty(STDOUT_FILENO)) announce_to_person(&service, url, command->out);
    const char *public_url = settings->public_url ? settings->public_url : url;
    enum status status = announce_set_up(command, &service, public_url, fault);
    if (status != OK) {
        service_close(&service, 0);
        return status;
    }
    announce_to_log(&service, url, (double)(clock_monotonic_ns() - started_ns) / 1e9);
    wait_for_stop();
    service_close(&service, settings->grace_s * 1000);
    log_write("app", LOG_INFO, NULL, "stopped");
    return OK;
}

const struct verb VERB_SERVE = {
    .name = "serve",
    .arguments = "",
    .summary = "serve models over the OpenAI API",
    .help =
        "Every option may also be given as the variable in [brackets], or in liminal.conf as\n"
        "`name = value`; the command line wins over the environment, that over the file.\n"
        "\n"
        "Examples:\n"
        "  liminal serve\n"
        "  liminal serve --model smollm2-135m --port 9000 --threads 4\n"
        "  LIMINAL_API_KEY=$(openssl rand -hex 24) liminal serve --host 0.0.0.0\n"
        "  liminal serve --config /etc/liminal.conf --show-settings\n",
    .options = &SETTINGS,
    .values_bytes = sizeof(struct settings),
    .prepare = settings_prepare,
    .run = serve_run,
};
