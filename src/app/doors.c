/* doors.c - see doors.h. */
#include "app/doors.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "accounts/accounts.h"
#include "accounts/adaptation/accounts_http.h"
#include "accounts/personal_data.h"
#include "app/identity_providers.h"
#include "app/version.h"
#include "conversations/adaptation/conversation_chat.h"
#include "conversations/adaptation/conversations_http.h"
#include "conversations/conversations.h"
#include "conversations/personal.h"
#include "gateway/gateway.h"
#include "inference/adaptation/api.h"
#include "mail/mail.h"
#include "platform/platform.h"

static enum status open_mail(struct service *service, const struct settings *settings,
                             struct fault *fault)
{
    struct mail_options options = {
        .database = service->stores.database,
        .host = settings->smtp_host,
        .port = (uint16_t)settings->smtp_port,
        .user = settings->smtp_user,
        .password = settings->smtp_password,
        .ca_file = settings->smtp_ca,
        .from = settings->mail_from,
        .from_name = settings->mail_from_name,
        .log_links = true,
    };
    if (!mail_tls_parse(text_of(settings->smtp_tls), &options.tls))
        return fault_set_param(fault, STATUS_INVALID, "smtp-tls",
                               "--smtp-tls must be \"starttls\", \"tls\" or \"off\", not \"%s\"",
                               settings->smtp_tls);
    return mail_open(&service->mail, &options, fault);
}

/* The gateway is opened after the accounts, and closed before them. */
static void on_ended(void *argument, struct uuid user)
{
    const struct service *service = argument;
    if (service->gateway) gateway_account_ended(service->gateway, user);
}

/* What goes with a person, or away with it. */
static const struct personal_data conversations_of_person = {
    "conversations", conversations_append_personal, conversations_erase_personal};
static const struct personal_data *const personal[] = {&conversations_of_person};

static enum status open_accounts(struct service *service, const struct settings *settings,
                                 const unsigned char server_key[SERVER_KEY_BYTES],
                                 struct arena *arena, struct fault *fault)
{
    struct accounts_options options = {
        .database = service->stores.database,
        .hot = service->stores.hot,
        .mail = service->mail,
        .single_session = settings->single_session,
        .invite_only = settings->invite_only,
        .domains = settings->sign_up_domains.items,
        .domain_count = settings->sign_up_domains.count,
        .provider_count = settings->sign_in_with.count,
        .personal = personal,
        .personal_count = ARRAY_COUNT(personal),
        .ended = on_ended,
        .argument = service,
        .public_url = settings->public_url ? settings->public_url
                                           : settings_url(settings, settings->port, arena),
    };
    if (!options.public_url) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    struct identity_provider *providers;
    TRY(identity_providers_read(&settings->sign_in_with, arena, &providers, fault));
    options.providers = providers;
    memcpy(options.server_key, server_key, SERVER_KEY_BYTES);
    return accounts_open(&service->accounts, &options, fault);
}

static enum status open_pages(struct service *service, const struct settings *settings,
                              struct fault *fault)
{
    const struct accounts_http_options options = {
        .accounts = service->accounts,
        .database = service->stores.database,
        .public_url = settings->public_url,
        .version = LIMINAL_VERSION,
        .invite_only = settings->invite_only,
    };
    return accounts_http_open(&service->accounts_http, &options, fault);
}

static enum status open_conversations(struct service *service, struct fault *fault)
{
    const struct conversations_options options = {.database = service->stores.database};
    TRY(conversations_open(&service->conversations, &options, fault));
    service->chat_keeper = conversation_chat_keeper(service->conversations);
    api_set_keeper(service->api, &service->chat_keeper);
    return conversations_http_open(&service->conversations_http, service->conversations, fault);
}

static enum status open_gateway(struct service *service, const struct settings *settings,
                                const unsigned char server_key[SERVER_KEY_BYTES],
                                struct arena *arena, struct fault *fault)
{
    TRY(service_key_find(settings, arena, &service->key, fault));
    struct gateway_options options = {
        .accounts = service->accounts,
        .hot = service->stores.hot,
        .service_key = service->key.text,
        .version = LIMINAL_VERSION,
        .proxies = settings->proxies.items,
        .is_https =
            settings->public_url && text_starts_with(text_of(settings->public_url), TEXT("https:")),
    };
    memcpy(options.server_key, server_key, SERVER_KEY_BYTES);
    TRY(limit_rates_parse(text_of(settings->rate_limits), options.per_minute, fault));
    return gateway_open(&service->gateway, &options, fault);
}

/* ---- what the service depends on ---- */

static enum status check_database(void *context, struct fault *fault)
{
    const struct stores *stores = context;
    return database_check(stores->database, fault);
}

static enum status check_hot_state(void *context, struct fault *fault)
{
    const struct stores *stores = context;
    return hot_check(stores->hot, fault);
}

static enum status check_files(void *context, struct fault *fault)
{
    const char *folder = context;
    if (access(folder, W_OK | X_OK) == 0) return OK;
    return fault_set(fault, STATUS_IO, "%s can't be written to: %s", folder, strerror(errno));
}

static enum status add_checks(struct service *service, const struct settings *settings,
                              struct arena *arena, struct fault *fault)
{
    char home[4000];
    if (!settings->data_dir) TRY(path_home(home, sizeof home, fault));
    const char *folder = arena_printf(arena, "%s", settings->data_dir ? settings->data_dir : home);
    if (!folder) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    const struct gateway_check checks[] = {
        {"database", true, check_database, &service->stores},
        /* without it there are no limits and no sign-in, but who is signed in goes on */
        {"hot_state", false, check_hot_state, &service->stores},
        {"files", true, check_files, (void *)folder},
    };
    for (size_t i = 0; i < ARRAY_COUNT(checks); i++)
        TRY(gateway_add_check(service->gateway, &checks[i], fault));
    return OK;
}

/* ---- all of it ---- */

enum status doors_open(struct service *service, const struct settings *settings,
                       struct arena *arena, struct fault *fault)
{
    unsigned char server_key[SERVER_KEY_BYTES];
    TRY(server_key_find(settings, arena, server_key, fault));
    TRY(open_mail(service, settings, fault));
    TRY(open_accounts(service, settings, server_key, arena, fault));
    TRY(open_pages(service, settings, fault));
    TRY(open_conversations(service, fault));
    TRY(open_gateway(service, settings, server_key, arena, fault));
    TRY(accounts_http_install(service->accounts_http, service->gateway, fault));
    TRY(conversations_http_install(service->conversations_http, service->gateway, fault));
    TRY(api_install(service->api, service->gateway, fault));
    return add_checks(service, settings, arena, fault);
}

void doors_close(struct service *service)
{
    gateway_close(service->gateway);
    accounts_http_close(service->accounts_http);
    conversations_http_close(service->conversations_http);
    conversations_close(service->conversations);
    accounts_close(service->accounts);
    mail_close(service->mail);
}
