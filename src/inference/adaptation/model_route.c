/* model_route.c - from the name of a model in a request's body to a handler that has the model. */
#include "inference/adaptation/api_private.h"
#include "inference/adaptation/json_body.h"
#include "model/model.h"

/* ---- models by name ---- */

static bool is_named(const struct model_lease *model, struct text name)
{
    if (!model->engine) return false;
    return text_equal(name, TEXT("local-llm")) || text_equal(name, text_of(model->name)) ||
           text_equal(name, text_of(engine_model(model->engine)->name));
}

static enum status unknown(const struct api *api, struct text name, struct fault *fault)
{
    if (!api->chat.engine && !api->embedding.engine)
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "Model not loaded: fetch one with `liminal pull org/repo:file.gguf` and "
                         "start the server again"); /* R15 */
    const char *served = api->chat.engine ? api->chat.name : api->embedding.name;
    return fault_set_param(fault, STATUS_NOT_FOUND, "model",
                           "the model \"%.*s\" is not served here; \"%s\" is, also as "
                           "\"local-llm\"",
                           (int)(name.length < 200 ? name.length : 200), name.data, served);
}

struct model_lease *api_find_model(struct api *api, struct text name, enum model_use use,
                                   struct fault *fault)
{
    bool embeds = use == USE_EMBEDDING;
    struct model_lease *first = embeds ? &api->embedding : &api->chat;
    struct model_lease *second = embeds ? &api->chat : &api->embedding;
    struct model_lease *found = is_named(first, name)    ? first
                                : is_named(second, name) ? second
                                                         : NULL;
    if (!found) {
        unknown(api, name, fault);
        return NULL;
    }
    if (use == USE_GENERATION && engine_model(found->engine)->is_embedding) {
        fault_set_param(fault, STATUS_UNSUPPORTED, "model",
                        "%s makes embeddings and cannot generate text", found->name);
        return NULL;
    }
    return model_lease_share(found);
}

/* ---- the route ---- */

static struct model_lease *find_named(struct api *api, const json_t *root, enum model_use use,
                                      struct fault *fault)
{
    struct text name = TEXT("local-llm");
    if (json_read_text(root, "model", &name, fault) != OK) return NULL;
    return api_find_model(api, name, use, fault);
}

void model_route_handle(struct http_exchange *exchange, void *context)
{
    const struct model_route *route = context;
    struct fault fault;
    json_t *root;
    if (!api_read_body(exchange, &root)) return;
    struct model_lease *lease = find_named(route->api, root, route->use, &fault);
    if (lease)
        route->handler(exchange, route->api, root, lease);
    else
        api_reply_fault(exchange, fault.status, &fault, NULL);
    model_lease_release(lease);
    json_decref(root);
}
