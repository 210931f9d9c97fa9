/* wiring.h - the one place where the parts are put together: a model with the threads and the
 * engine that run it, and the server with the API over the models that it hosts. */
#ifndef LIMINAL_APP_WIRING_H
#define LIMINAL_APP_WIRING_H

#include <stdint.h>

#include "app/keys.h"
#include "app/settings.h"
#include "app/stores.h"
#include "base/arena.h"
#include "base/status.h"
#include "inference/adaptation/chat_keeper.h"

struct accounts;
struct accounts_http;
struct api;
struct compute;
struct conversations;
struct conversations_http;
struct engine;
struct gateway;
struct http_server;
struct mail;
struct model_host;

/* A model in memory, ready to answer. */
struct loaded_model {
    char *name, *path;
    struct compute *compute;
    struct engine *engine;
};

/* `word` as model_choose takes it. Of the settings, those on threads, context and batching count.
 * Shows a progress bar while weights are prepared, if that takes long enough to notice. */
enum status loaded_model_open(struct loaded_model *loaded, const char *word,
                              const struct settings *settings, struct arena *arena,
                              struct fault *fault) MUST_USE;
void loaded_model_close(struct loaded_model *loaded);

/* A running server. Without a main model it serves all the same and says what is missing. */
struct service {
    struct compute *compute; /* that all its models share */
    struct model_host *host;
    struct buffer chat_template;
    struct stores stores;
    struct mail *mail;
    struct accounts *accounts;
    struct accounts_http *accounts_http;
    struct conversations *conversations;
    struct conversations_http *conversations_http;
    struct chat_keeper chat_keeper;
    struct gateway *gateway;
    struct api *api;
    struct http_server *server;
    struct service_key key;
};

enum status service_open(struct service *service, const struct settings *settings,
                         struct arena *arena, struct fault *fault) MUST_USE;
uint16_t service_port(const struct service *service);
/* Running answers may go on for `grace_ms`. */
void service_close(struct service *service, uint64_t grace_ms);

/* Would other machines reach a server on this address? */
bool host_is_loopback(const char *host);

#endif
