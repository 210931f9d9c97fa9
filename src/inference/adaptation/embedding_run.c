/* embedding_run.c - see embedding_run.h. */
#include "inference/adaptation/embedding_run.h"

#include <stdio.h>

#include "gateway/style.h"
#include "model/model.h"
#include "model/tokenizer/tokenizer.h"

/* What one turn takes on: as much as fills a pass of the model. */
enum { TURN_TEXTS = 64, TURN_TOKENS = 512 };

/* ---- the texts of one turn ---- */

struct turn {
    struct token_list tokens; /* of all texts that had to be tokenised */
    size_t starts[TURN_TEXTS];
    struct embedding_text texts[TURN_TEXTS];
    size_t count, token_count;
};

/* As the client knows it: "input", "input[3]", "query". */
static void name_input(const struct embedding_run *run, size_t index, char *name, size_t capacity)
{
    if (run->first_name && index == 0)
        snprintf(name, capacity, "%s", run->first_name);
    else if (run->input_count == 1)
        snprintf(name, capacity, "%s", run->input_name);
    else
        snprintf(name, capacity, "%s[%zu]", run->input_name, index - (run->first_name != NULL));
}

static enum status check_tokens(const struct embedding_run *run, size_t index,
                                const int32_t *tokens, size_t count, struct fault *fault)
{
    const struct model_info *info = engine_model(run->lease->engine);
    char name[FAULT_PARAM_BYTES];
    name_input(run, index, name, sizeof name);
    if (count > info->context_length)
        return fault_set_param(fault, STATUS_INVALID, name,
                               "%s has %zu tokens, and the model reads at most %u", name, count,
                               info->context_length);
    for (size_t i = 0; i < count; i++)
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= info->vocabulary)
            return fault_set_param(fault, STATUS_INVALID, name,
                                   "%s: token %d is not in the vocabulary (0..%u)", name, tokens[i],
                                   info->vocabulary - 1);
    return OK;
}

/* One text more. Those that were tokenised get their pointers at the end: the list moves. */
static enum status turn_add(struct turn *turn, const struct embedding_run *run, struct fault *fault)
{
    size_t index = run->embedded + turn->count;
    const struct prompt_input *input = &run->inputs[index];
    struct embedding_text *text = &turn->texts[turn->count];
    size_t start = turn->tokens.count;
    *text = (struct embedding_text){.tokens = input->tokens, .count = input->token_count};
    if (!input->tokens) {
        TRY(tokenizer_encode(engine_tokenizer(run->lease->engine), input->text,
                             TOKENIZE_ADD_SPECIAL, &turn->tokens, fault));
        text->count = turn->tokens.count - start;
    }
    const int32_t *tokens = input->tokens ? input->tokens : turn->tokens.ids + start;
    TRY(check_tokens(run, index, tokens, text->count, fault));
    turn->starts[turn->count++] = start;
    turn->token_count += text->count;
    return OK;
}

/* From the first input that is not embedded yet; the last one may make it too long, unless it is
 * the only one. */
static enum status turn_fill(struct turn *turn, const struct embedding_run *run,
                             struct fault *fault)
{
    const uint32_t width = engine_model(run->lease->engine)->width;
    while (run->embedded + turn->count < run->input_count && turn->count < TURN_TEXTS) {
        TRY(turn_add(turn, run, fault));
        if (turn->token_count < TURN_TOKENS) continue;
        if (turn->token_count > TURN_TOKENS && turn->count > 1)
            turn->token_count -= turn->texts[--turn->count].count;
        break;
    }
    for (size_t i = 0; i < turn->count; i++) {
        struct embedding_text *text = &turn->texts[i];
        if (!text->tokens) text->tokens = turn->tokens.ids + turn->starts[i];
        text->vector = run->vectors + (run->embedded + i) * width;
    }
    return OK;
}

static enum status embed_some(struct embedding_run *run, struct fault *fault)
{
    if (atomic_load(&run->client_gone))
        return fault_set(fault, STATUS_CANCELLED, "the client has left");
    struct turn turn = {.count = 0};
    enum status status;
    TRY_DONE(turn_fill(&turn, run, fault));
    TRY_DONE(engine_embed(run->lease->engine, turn.texts, turn.count, fault));
    run->embedded += turn.count;
    run->tokens += turn.token_count;
done:
    token_list_deinit(&turn.tokens);
    return status;
}

/* ---- from start to answer ---- */

static void client_gone(void *argument)
{
    struct embedding_run *run = argument;
    atomic_store(&run->client_gone, true);
}

static void finish(struct embedding_run *run, enum status status, struct fault *fault)
{
    struct buffer out;
    buffer_init(&out);
    if (status == OK) run->append_answer(&out, run);
    if (status == OK) status = buffer_status(&out, fault);
    if (status != OK) {
        buffer_deinit(&out);
        buffer_init(&out);
        openai_error_append(&out, status, fault, NULL);
        *run->note->fault = *fault;
    }
    run->note->prompt_tokens = (uint32_t)run->tokens;
    struct model_lease *lease = run->lease;
    http_stream_reply(run->to_client, status_http_code(status), "application/json",
                      buffer_text(&out)); /* the run is gone with the exchange */
    model_lease_release(lease);
    buffer_deinit(&out);
}

static bool take_turn(struct turn_job *job)
{
    struct embedding_run *run = (struct embedding_run *)job;
    struct fault fault;
    enum status status = embed_some(run, &fault);
    if (status == OK && run->embedded < run->input_count) return true;
    finish(run, status, &fault);
    return false;
}

static bool copy_text(struct text *t, struct arena *arena)
{
    char *copy = arena_copy(arena, t->data ? t->data : "", t->length);
    *t = (struct text){copy, t->length};
    return copy != NULL;
}

/* The JSON tree is much larger than what is needed of it, and is not kept while the request waits.
 */
static enum status prepare(struct embedding_run *run, struct http_exchange *exchange,
                           const struct model_lease *lease, struct fault *fault)
{
    struct arena *arena = http_arena(exchange);
    size_t width = engine_model(lease->engine)->width;
    run->note = api_note(exchange);
    run->vectors = arena_alloc_array(arena, run->input_count, width * sizeof *run->vectors);
    bool copied = copy_text(&run->model, arena);
    for (size_t i = 0; copied && i < run->input_count; i++)
        if (!run->inputs[i].tokens) copied = copy_text(&run->inputs[i].text, arena);
    if (run->note && run->vectors && copied) return OK;
    return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
}

/* A token is of a byte or more; beside those stand at most two that the model adds to each text. */
static uint64_t most_tokens(const struct embedding_run *run)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < run->input_count; i++) {
        const struct prompt_input *input = &run->inputs[i];
        tokens += 2 + (input->tokens ? input->token_count : input->text.length);
    }
    return tokens;
}

void embedding_run_start(struct embedding_run *run, struct http_exchange *exchange,
                         const struct api *api, struct model_lease *lease)
{
    struct fault fault;
    enum status status = prepare(run, exchange, lease, &fault);
    if (status == OK) status = gateway_claim_tokens(exchange, most_tokens(run), &fault);
    if (status != OK) {
        gateway_reply_fault(exchange, status, &fault, NULL);
        return;
    }
    run->lease = model_lease_share(lease);
    run->job.turn = take_turn;
    run->to_client = http_stream_begin(exchange, 200, "application/json", client_gone, run);
    status = turn_line_add(api->embedding_line, &run->job, &fault);
    if (status == OK) return;
    http_set_header(exchange, "Retry-After", "1");
    finish(run, status, &fault);
}
