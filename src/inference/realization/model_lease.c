/* model_lease.c - see model_lease.h. */
#include "inference/model_lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "inference/engine.h"
#include "model/template/chat_template.h"
#include "platform/platform.h"

static void compile_template(struct model_lease *lease, struct text source)
{
    struct fault *fault = &lease->chat_template_fault;
    if (source.length == 0) source = engine_chat_template(lease->engine);
    if (source.length == 0) {
        fault_set_param(fault, STATUS_UNSUPPORTED, "model",
                        "%s has no chat template: use /v1/completions, or start the server with "
                        "--chat-template FILE",
                        lease->name);
        return;
    }
    if (chat_template_compile(&lease->chat_template, source, fault) == OK) return;
    fault_prefix(fault, "the chat template of %s cannot be used", lease->name);
    log_write("inference", LOG_WARN, NULL, "%s", fault->message);
}

enum status model_lease_init(struct model_lease *lease, struct engine *engine, const char *name,
                             struct text chat_template, struct fault *fault)
{
    *lease = (struct model_lease){.engine = engine, .name = strdup(name)};
    if (!lease->name) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the model's name");
    compile_template(lease, chat_template);
    return OK;
}

void model_lease_deinit(struct model_lease *lease)
{
    assert(atomic_load(&lease->holders) == 0);
    chat_template_free(lease->chat_template);
    free(lease->name);
    *lease = (struct model_lease){.engine = NULL};
}

struct model_lease *model_lease_share(struct model_lease *lease)
{
    atomic_fetch_add(&lease->holders, 1);
    return lease;
}

void model_lease_release(struct model_lease *lease)
{
    if (!lease) return;
    uint32_t holders = atomic_fetch_sub(&lease->holders, 1);
    assert(holders > 0);
}
