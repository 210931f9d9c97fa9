/* openai_embeddings.c - POST /v1/embeddings: one vector per input. The engine works on one text at
 * a time; requests take turns at it, text by text, and hold no HTTP worker meanwhile. */
#include <stdatomic.h>

#include "inference/adaptation/api_private.h"
#include "inference/adaptation/openai_request.h"
#include "inference/adaptation/turn_line.h"
#include "model/model.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

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

/* ---- one request ---- */

/* Lives in the exchange's arena, with all that it points to: until the answer is given. */
struct embedding_run {
    struct turn_job job;
    struct model_lease *lease;
    struct embedding_request request;
    struct http_stream *to_client;
    struct request_note *note;
    atomic_bool client_gone;
    float *vectors;          /* per input; their text would be three times as long */
    size_t embedded, tokens; /* inputs, and tokens of them */
};

static void client_gone(void *argument)
{
    struct embedding_run *run = argument;
    atomic_store(&run->client_gone, true);
}

static float *vector_of(const struct embedding_run *run, size_t index)
{
    return run->vectors + index * engine_model(run->lease->engine)->width;
}

static enum status embed_next(struct embedding_run *run, struct fault *fault)
{
    if (atomic_load(&run->client_gone))
        return fault_set(fault, STATUS_CANCELLED, "the client has left");
    size_t index = run->embedded, tokens;
    TRY(embed(run->lease->engine, &run->request.inputs[index], vector_of(run, index), &tokens,
              fault));
    run->embedded++;
    run->tokens += tokens;
    return OK;
}

static void append_answer(struct buffer *out, const struct embedding_run *run)
{
    uint32_t width = engine_model(run->lease->engine)->width;
    buffer_append_string(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < run->embedded; i++) {
        buffer_printf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "",
                      i);
        append_vector(out, vector_of(run, i), width, run->request.base64);
        buffer_append_char(out, '}');
    }
    buffer_append_string(out, "],\"model\":");
    buffer_append_json_string(out, run->request.model);
    buffer_printf(out, ",\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu}}", run->tokens,
                  run->tokens);
}

static void finish(struct embedding_run *run, enum status status, struct fault *fault)
{
    struct buffer out;
    buffer_init(&out);
    if (status == OK) append_answer(&out, run);
    if (status == OK) status = buffer_status(&out, fault);
    if (status != OK) {
        buffer_deinit(&out);
        buffer_init(&out);
        api_append_error(&out, status, fault, NULL);
        run->note->fault = *fault;
    }
    struct model_lease *lease = run->lease;
    http_stream_reply(run->to_client, status_http_code(status), "application/json",
                      buffer_text(&out)); /* the run is gone with the exchange */
    model_lease_release(lease);
    buffer_deinit(&out);
}

static bool take_turn(struct turn_job *job)
{
    struct embedding_run *run = (struct embedding_run *)job; /* its first member */
    struct fault fault;
    enum status status = embed_next(run, &fault);
    if (status == OK && run->embedded < run->request.input_count) return true;
    finish(run, status, &fault);
    return false;
}

/* ---- the handler ---- */

static bool copy_text(struct text *t, struct arena *arena)
{
    char *copy = arena_copy(arena, t->data ? t->data : "", t->length);
    *t = (struct text){copy, t->length};
    return copy != NULL;
}

/* The JSON tree is much larger than what is needed of it, and is not kept while the request waits.
 */
static bool copy_texts(struct embedding_request *request, struct arena *arena)
{
    bool copied = copy_text(&request->model, arena);
    for (size_t i = 0; copied && i < request->input_count; i++)
        if (!request->inputs[i].tokens) copied = copy_text(&request->inputs[i].text, arena);
    return copied;
}

static enum status prepare(struct embedding_run *run, const struct model_lease *lease,
                           const json_t *root, struct arena *arena, struct fault *fault)
{
    struct embedding_request *request = &run->request;
    TRY(embedding_request_read(request, root, arena, fault));
    const struct model_info *info = engine_model(lease->engine);
    if (request->dimensions && request->dimensions != info->width)
        return fault_set_param(fault, STATUS_UNSUPPORTED, "dimensions",
                               "dimensions is not supported: vectors of %s have %u", info->name,
                               info->width);
    run->vectors =
        arena_alloc_array(arena, request->input_count, info->width * sizeof *run->vectors);
    if (!run->vectors || !copy_texts(request, arena))
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    return OK;
}

static void start(struct embedding_run *run, struct http_exchange *exchange, const struct api *api,
                  struct model_lease *lease)
{
    struct fault fault;
    run->lease = model_lease_share(lease);
    run->job.turn = take_turn;
    run->to_client = http_stream_begin(exchange, 200, "application/json", client_gone, run);
    enum status status = turn_line_add(api->embedding_line, &run->job, &fault);
    if (status == OK) return;
    http_set_header(exchange, "Retry-After", "1");
    finish(run, status, &fault);
}

void openai_embeddings_handle(struct http_exchange *exchange, struct api *api, json_t *root,
                              struct model_lease *lease)
{
    struct fault fault;
    struct embedding_run *run = arena_alloc(http_arena(exchange), sizeof *run);
    if (run) *run = (struct embedding_run){.note = api_note(exchange)};
    enum status status = run && run->note
                             ? prepare(run, lease, root, http_arena(exchange), &fault)
                             : fault_set(&fault, STATUS_NO_MEMORY, "no memory for the request");
    if (status == OK)
        start(run, exchange, api, lease);
    else
        api_reply_fault(exchange, status, &fault, NULL);
}
