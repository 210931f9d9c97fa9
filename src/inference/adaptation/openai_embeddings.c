/* openai_embeddings.c - POST /v1/embeddings: one vector per input. */
#include "inference/adaptation/api_private.h"
#include "inference/adaptation/openai_request.h"
#include "model/model.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

/* Embeddings need no chat model, so "local-llm" means the embedding model where there is one. */
static const struct api_model *find_model(const struct api *api, struct text name)
{
    if (api_model_is(&api->embedding, name)) return &api->embedding;
    return api_model_is(&api->chat, name) ? &api->chat : NULL;
}

static void append_base64(struct buffer *out, const unsigned char *bytes, size_t length)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t count = length - i < 3 ? length - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (count > 1) bits |= (uint32_t)bytes[i + 1] << 8;
        if (count > 2) bits |= bytes[i + 2];
        char group[4] = {DIGITS[bits >> 18], DIGITS[bits >> 12 & 63],
                         count > 1 ? DIGITS[bits >> 6 & 63] : '=',
                         count > 2 ? DIGITS[bits & 63] : '='};
        buffer_append(out, group, sizeof group);
    }
}

/* base64 is of the floats as they lie in memory: little-endian, as clients decode them. */
static void append_vector(struct buffer *out, const float *vector, uint32_t width, bool base64)
{
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "base64 vectors are little-endian");
    if (base64) {
        buffer_append_char(out, '"');
        append_base64(out, (const unsigned char *)vector, width * sizeof *vector);
        buffer_append_char(out, '"');
        return;
    }
    for (uint32_t i = 0; i < width; i++)
        buffer_printf(out, i ? ",%.9g" : "[%.9g", (double)vector[i]);
    buffer_append_char(out, ']');
}

static enum status check_tokens(const struct model_info *info, const int32_t *tokens, size_t count,
                                struct fault *fault)
{
    if (count > info->context_length)
        return fault_set_param(fault, STATUS_INVALID, "input",
                               "an input has %zu tokens, and the model reads at most %u", count,
                               info->context_length);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= info->vocabulary)
            return fault_set_param(fault, STATUS_INVALID, "input",
                                   "token %d is not in the vocabulary (0..%u)", tokens[i],
                                   info->vocabulary - 1);
    return OK;
}

static enum status embed(struct engine *engine, const struct prompt_input *input, float *vector,
                         size_t *token_count, struct fault *fault)
{
    struct token_list list = {.ids = NULL};
    const int32_t *tokens = input->tokens;
    *token_count = input->token_count;
    enum status status;
    if (!tokens) {
        TRY_DONE(tokenizer_encode(engine_tokenizer(engine), input->text, TOKENIZE_ADD_SPECIAL,
                                  &list, fault));
        tokens = list.ids;
        *token_count = list.count;
    }
    TRY_DONE(check_tokens(engine_model(engine), tokens, *token_count, fault));
    TRY_DONE(engine_embed(engine, tokens, *token_count, vector, fault));
done:
    token_list_deinit(&list);
    return status;
}

/* One input after the other: the engine works on one text at a time anyway, and a client that has
 * left need not be served to its end. */
static enum status embed_all(struct http_exchange *exchange, struct engine *engine,
                             const struct embedding_request *request, struct buffer *out,
                             size_t *total_tokens, struct fault *fault)
{
    const struct model_info *info = engine_model(engine);
    if (request->dimensions && request->dimensions != info->width)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "dimensions",
                               "dimensions is not supported: vectors of %s have %u", info->name,
                               info->width);
    float *vector = arena_alloc_array(http_arena(exchange), info->width, sizeof *vector);
    if (!vector) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the vector");
    for (size_t i = 0; i < request->input_count; i++) {
        if (http_client_gone(exchange)) return STATUS_CANCELLED;
        size_t tokens;
        TRY(embed(engine, &request->inputs[i], vector, &tokens, fault));
        *total_tokens += tokens;
        buffer_printf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                      i);
        append_vector(out, vector, info->width, request->base64);
        buffer_append_char(out, '}');
    }
    return OK;
}

static enum status answer(struct http_exchange *exchange, const struct api *api, const json_t *root,
                          struct buffer *out, struct fault *fault)
{
    struct embedding_request request;
    size_t tokens = 0;
    TRY(embedding_request_read(&request, root, http_arena(exchange), fault));
    const struct api_model *model = find_model(api, request.model);
    if (!model) return api_model_unknown(api, request.model, fault);
    buffer_append_string(out, "{\"object\":\"list\",\"data\":[");
    TRY(embed_all(exchange, model->engine, &request, out, &tokens, fault));
    buffer_append_string(out, "],\"model\":");
    buffer_append_json_string(out, request.model);
    buffer_printf(out, ",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", tokens, tokens);
    return buffer_status(out, fault);
}

void openai_embeddings_handle(struct http_exchange *exchange, void *context)
{
    const struct api *api = context;
    struct fault fault;
    json_t *root;
    if (!api_read_body(exchange, &root)) return;
    struct buffer out;
    buffer_init(&out);
    fault_set(&fault, STATUS_CANCELLED, "the client has left");
    enum status status = answer(exchange, api, root, &out, &fault);
    if (status == OK)
        http_reply_json(exchange, 200, buffer_text(&out));
    else
        api_reply_fault(exchange, status, &fault, NULL);
    buffer_deinit(&out);
    json_decref(root);
}
