/* lease_open.c - see lease_open.h. */
#include "inference/realization/lease_open.h"

#include "inference/constraint_cache.h"
#include "inference/realization/model_load.h"
#include "inference/turns.h"
#include "model/model.h"
#include "model/template/chat_template.h"
#include "platform/platform.h"

static enum status compile_source(struct model_lease *lease, struct text source,
                                  struct fault *fault)
{
    TRY(chat_template_compile(&lease->chat_template, source, fault));
    enum status status = chat_format_learn(&lease->chat_format, lease->chat_template, source,
                                           engine_tokenizer(lease->engine), fault);
    if (status == OK) return OK;
    chat_template_free(lease->chat_template);
    lease->chat_template = NULL;
    return status;
}

static void compile_template(struct model_lease *lease, struct text source)
{
    struct fault *fault = &lease->chat_template_fault;
    if (source.length == 0) source = engine_chat_template(lease->engine);
    if (source.length == 0) {
        fault_set_param(fault, STATUS_UNSUPPORTED, "model",
                        "%s has no chat template: use /v1/completions, or start the server with "
                        "it as the main model and --chat-template FILE",
                        lease->name);
        return;
    }
    if (compile_source(lease, source, fault) == OK) return;
    fault_prefix(fault, "the chat template of %s cannot be used", lease->name);
    log_write("inference", LOG_WARN, NULL, "%s", fault->message);
}

enum status lease_open(struct model_lease *lease, const char *name, struct model *model,
                       const struct engine_options *options, struct text chat_template,
                       struct fault *fault)
{
    *lease = (struct model_lease){.name = name};
    TRY(engine_open(&lease->engine, model, options, fault));
    if (engine_model(lease->engine)->is_embedding) return OK;
    compile_template(lease, chat_template);
    enum status status = constraint_cache_open(&lease->constraints, lease->engine, fault);
    if (status != OK) lease_close(lease);
    return status;
}

static enum status move(struct model_lease *lease, const char *name, struct model *model,
                        struct compute *compute, const struct engine_options *options,
                        struct fault *fault)
{
    enum status status = model_move(model, compute, fault);
    if (status != OK) {
        model_close(model);
        return status;
    }
    struct engine_options own = *options;
    uint32_t trained = model_info(model)->context_length;
    if (own.context_length > trained) own.context_length = trained; /* it was set for others */
    return lease_open(lease, name, model, &own, TEXT(""), fault);
}

/* Moving and opening compute: a turn like any other. */
static enum status open_moved(struct model_lease *lease, const char *name, struct model *model,
                              struct compute *compute, const struct engine_options *options,
                              struct fault *fault)
{
    struct turn_taker taker;
    turn_taker_init(&taker);
    turns_take(options->turns, &taker);
    enum status status = move(lease, name, model, compute, options, fault);
    turns_leave(options->turns, &taker);
    turn_taker_deinit(&taker);
    return status;
}

enum status lease_open_loaded(struct model_lease *lease, const char *name, struct model_load *load,
                              struct compute *compute, const struct engine_options *options,
                              struct fault *fault)
{
    *fault = load->fault;
    enum status status = load->status == OK
                             ? open_moved(lease, name, load->model, compute, options, fault)
                             : load->status;
    compute_close(load->compute);
    if (status == OK) return OK;
    fault_prefix(fault, "the model %s cannot be loaded", name);
    return status;
}

void lease_close(struct model_lease *lease)
{
    constraint_cache_close(lease->constraints);
    engine_close(lease->engine);
    chat_template_free(lease->chat_template);
    chat_format_deinit(&lease->chat_format);
    *lease = (struct model_lease){.engine = NULL};
}
