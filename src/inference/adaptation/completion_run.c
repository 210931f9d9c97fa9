/* completion_run.c - see completion_run.h. */
#include "inference/adaptation/completion_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/style.h"
#include "inference/adaptation/tenant.h"
#include "inference/grammar/constraint.h"
#include "inference/sampler.h"
#include "platform/platform.h"

/* One answer to one prompt. */
struct choice {
    struct completion_run *run;
    uint32_t index;
    struct text echo;
    bool begun, is_first_of_prompt;
    struct chat_answer answer;
    size_t characters_shown; /* for text_offset */
    struct buffer chat_logprobs;
    struct legacy_logprobs legacy_logprobs;
    enum generation_end end;
};

struct completion_run {
    struct api *api;
    struct model_lease *lease;
    struct openai_head head;
    bool stream, wants_logprobs;
    bool sent; /* the stream has begun: its code can't change any more */
    struct http_stream *to_client;
    struct request_note *note; /* lives as long as the stream */
    const struct tokenizer *tokenizer;
    const struct chat_keeper *keeper; /* of `turn`; NULL: nobody keeps it */
    void *turn;
    struct chat_ending ending;

    struct choice *choices;
    struct generation **generations; /* one per choice */
    uint32_t choice_count, open_count;
    struct openai_usage usage;
    uint64_t started_ns;
    struct fault fault; /* of the first generation that failed */
    struct buffer out;
};

/* ---- life ---- */

static void run_free(struct completion_run *run)
{
    for (uint32_t i = 0; i < run->choice_count; i++) {
        struct choice *choice = &run->choices[i];
        generation_release(run->generations[i]);
        chat_answer_deinit(&choice->answer);
        buffer_deinit(&choice->chat_logprobs);
        legacy_logprobs_deinit(&choice->legacy_logprobs);
        free((char *)choice->echo.data);
    }
    free(run->choices);
    free(run->generations);
    free((char *)run->head.model.data);
    free((char *)run->head.members.data);
    buffer_deinit(&run->out);
    model_lease_release(run->lease); /* the generations are its engine's */
    free(run);
}

static bool copy_text(struct text *copy, struct text source)
{
    char *bytes = malloc(source.length + 1);
    if (!bytes) return false;
    memcpy(bytes, source.data ? source.data : "", source.length);
    *copy = (struct text){bytes, source.length};
    return true;
}

static void append_delta(void *choice, const struct openai_delta *delta);

static bool make_choices(struct completion_run *run, const struct completion_start *start)
{
    static const struct chat_answer_plan all_text;
    const struct chat_answer_plan *plan = start->plan ? start->plan : &all_text;
    uint32_t n = start->generation->n;
    uint32_t count = (uint32_t)start->prompt_count * n;
    run->choices = calloc(count, sizeof *run->choices);
    run->generations = calloc(count, sizeof(struct generation *));
    if (!run->choices || !run->generations) return false;
    run->choice_count = run->open_count = count;
    for (uint32_t i = 0; i < run->choice_count; i++) {
        struct choice *choice = &run->choices[i];
        choice->run = run;
        choice->index = i;
        choice->is_first_of_prompt = i % n == 0;
        chat_answer_init(&choice->answer, plan, run->stream ? append_delta : NULL, choice);
        if (start->kept) {
            choice->answer.on_heard = run->keeper->told;
            choice->answer.listener = run->turn;
        }
        if (start->echoes && !copy_text(&choice->echo, start->echoes[i / n])) return false;
        if (!run->stream) chat_answer_add(&choice->answer, choice->echo);
    }
    return true;
}

static void make_id(struct openai_head *head)
{
    unsigned char random[4];
    char hex[9];
    entropy_fill(random, sizeof random);
    hex_encode(random, sizeof random, hex);
    snprintf(head->id, sizeof head->id, "%s%s", head->shape == SHAPE_CHAT ? "chatcmpl-" : "cmpl-",
             hex);
}

static struct completion_run *run_new(struct api *api, const struct completion_start *start)
{
    struct completion_run *run = calloc(1, sizeof *run);
    if (!run) return NULL;
    run->api = api;
    run->lease = model_lease_share(start->lease);
    run->tokenizer = engine_tokenizer(run->lease->engine);
    run->stream = start->generation->stream;
    run->wants_logprobs = start->generation->top_logprobs >= 0;
    run->started_ns = clock_monotonic_ns();
    run->head.shape = start->shape;
    run->head.created = clock_wall_ms() / 1000;
    run->head.include_usage = start->generation->include_usage;
    make_id(&run->head);
    if (start->kept) {
        run->keeper = api->keeper;
        run->turn = start->kept->turn;
    }
    bool has_members = !start->kept || copy_text(&run->head.members, start->kept->members);
    if (!has_members || !copy_text(&run->head.model, start->generation->model) ||
        !make_choices(run, start)) {
        run_free(run);
        return NULL;
    }
    return run;
}

/* ---- what the client gets ---- */

static void cancel_all(struct completion_run *run)
{
    for (uint32_t i = 0; i < run->choice_count; i++)
        engine_cancel(run->lease->engine, run->generations[i]);
}

/* On the loop's thread. The generations are prepared before the stream begins and released after it
 * ended, so this needs no lock. */
static void client_gone(void *argument)
{
    cancel_all(argument);
}

/* Send what is in run->out. A client that is gone or reads too slowly ends its generations. */
static void flush(struct completion_run *run)
{
    run->sent = true;
    if (run->out.failed || !http_stream_send(run->to_client, buffer_text(&run->out)))
        cancel_all(run);
    buffer_clear(&run->out);
}

/* The JSON of the tokens that came since the last piece, or of all of them; "" without. */
static struct text take_logprobs(struct choice *choice, struct buffer *scratch)
{
    struct completion_run *run = choice->run;
    if (!run->wants_logprobs) return TEXT("");
    if (run->head.shape == SHAPE_CHAT) {
        buffer_append_text(scratch, buffer_text(&choice->chat_logprobs));
        buffer_clear(&choice->chat_logprobs);
    } else if (choice->legacy_logprobs.tokens.length) {
        legacy_logprobs_append(&choice->legacy_logprobs, scratch);
        legacy_logprobs_clear(&choice->legacy_logprobs);
    }
    return buffer_text(scratch);
}

static size_t count_characters(struct text t)
{
    size_t count = 0;
    for (size_t i = 0; i < t.length; i++) count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
    return count;
}

static void note_logprob(struct choice *choice, const struct generation_event *event)
{
    struct completion_run *run = choice->run;
    if (!run->wants_logprobs || event->token < 0) return;
    if (run->head.shape == SHAPE_CHAT)
        openai_append_chat_logprob(&choice->chat_logprobs, run->tokenizer, event);
    else
        legacy_logprobs_add(&choice->legacy_logprobs, run->tokenizer, event,
                            choice->characters_shown);
}

static struct openai_finish finish_of(const struct choice *choice, enum generation_end end)
{
    return (struct openai_finish){.end = end, .with_calls = chat_answer_calls(&choice->answer)};
}

/* The first piece after a token takes the token's log-probabilities along. */
static void append_piece(struct choice *choice, struct openai_piece piece)
{
    struct completion_run *run = choice->run;
    struct buffer logprobs;
    buffer_init(&logprobs);
    piece.index = choice->index;
    piece.logprobs = take_logprobs(choice, &logprobs);
    openai_append_piece(&run->out, &run->head, &piece);
    if (logprobs.failed) run->out.failed = true;
    buffer_deinit(&logprobs);
}

static void append_delta(void *choice, const struct openai_delta *delta)
{
    append_piece(choice, (struct openai_piece){.delta = *delta});
}

/* The chat's role goes ahead in a piece of its own, as OpenAI sends it. */
static void begin_stream(struct choice *choice)
{
    bool may_call = choice->answer.parser.finds_calls;
    if (choice->run->head.shape == SHAPE_CHAT)
        append_piece(choice, (struct openai_piece){.is_first = true, .is_null = may_call});
    if (choice->echo.length)
        append_piece(choice, (struct openai_piece){.delta = {.text = choice->echo}});
    choice->begun = true;
}

static bool has_logprobs(const struct choice *choice)
{
    return choice->chat_logprobs.length > 0 || choice->legacy_logprobs.tokens.length > 0;
}

static void read_event(struct choice *choice, const struct generation_event *event)
{
    note_logprob(choice, event);
    if (event->token >= 0 && chat_answer_is_reasoning(&choice->answer))
        choice->run->usage.reasoning_tokens++;
    chat_answer_add(&choice->answer, event->text);
    if (event->end != END_NONE) chat_answer_finish(&choice->answer, event->end == END_LENGTH);
}

static void stream_event(struct choice *choice, const struct generation_event *event)
{
    struct completion_run *run = choice->run;
    if (!choice->begun) begin_stream(choice);
    read_event(choice, event);
    if (has_logprobs(choice)) append_piece(choice, (struct openai_piece){.index = 0});
    if (event->end != END_NONE)
        append_piece(choice, (struct openai_piece){.finish = finish_of(choice, event->end)});
    if (chat_answer_failed(&choice->answer)) run->out.failed = true;
    if (run->out.length || run->out.failed) flush(run);
}

/* ---- the end ---- */

static void append_whole_answer(struct completion_run *run)
{
    struct buffer choices, logprobs;
    buffer_init(&choices);
    buffer_init(&logprobs);
    for (uint32_t i = 0; i < run->choice_count; i++) {
        struct choice *choice = &run->choices[i];
        buffer_clear(&logprobs);
        if (i) buffer_append_char(&choices, ',');
        struct openai_message message = chat_answer_message(&choice->answer);
        openai_append_choice(&choices, run->head.shape, i, &message,
                             take_logprobs(choice, &logprobs), finish_of(choice, choice->end));
        if (chat_answer_failed(&choice->answer) || logprobs.failed) choices.failed = true;
    }
    openai_append_answer(&run->out, &run->head, buffer_text(&choices), &run->usage);
    if (choices.failed) run->out.failed = true;
    buffer_deinit(&choices);
    buffer_deinit(&logprobs);
}

static void finish_stream(struct completion_run *run)
{
    if (run->fault.status != OK) {
        buffer_append_string(&run->out, "data: ");
        openai_error_append(&run->out, run->fault.status, &run->fault, NULL);
        buffer_append_string(&run->out, "\n\n");
    } else {
        if (run->head.include_usage) openai_append_usage_piece(&run->out, &run->head, &run->usage);
        buffer_append_string(&run->out, "data: [DONE]\n\n");
    }
    flush(run);
    http_stream_end(run->to_client);
}

static void finish_whole(struct completion_run *run)
{
    if (run->fault.status == OK) append_whole_answer(run);
    if (run->out.failed) fault_set(&run->fault, STATUS_NO_MEMORY, "no memory for the answer");
    enum status status = run->fault.status;
    if (status != OK) {
        buffer_deinit(&run->out);
        buffer_init(&run->out);
        openai_error_append(&run->out, status, &run->fault, NULL);
    }
    http_stream_reply(run->to_client, status_http_code(status), "application/json",
                      buffer_text(&run->out));
}

static void write_note(const struct choice *choice, const struct generation_event *event)
{
    const struct completion_run *run = choice->run;
    struct request_note *note = run->note;
    note->prompt_tokens = run->usage.prompt_tokens;
    note->completion_tokens = run->usage.completion_tokens;
    note->queued_ns = event->queued_ns;
    note->prefill_ns = event->prefill_ns;
    note->decode_ns = event->decode_ns;
    note->finish = event->end == END_CANCELLED ? "cancelled"
                   : event->end == END_ERROR   ? "error"
                                             : openai_finish_reason(finish_of(choice, event->end));
    *note->fault = run->fault;
}

/* `choice` is the last one that ended. */
static void close_books(const struct choice *choice, const struct generation_event *event)
{
    struct completion_run *run = choice->run;
    struct api_metrics *metrics = &run->api->metrics;
    metrics->active--;
    metrics->prompt_tokens += run->usage.prompt_tokens;
    metrics->completion_tokens += run->usage.completion_tokens;
    write_note(choice, event); /* the note is the stream's: not after its end */
    run->ending = (struct chat_ending){
        .is_whole = event->end != END_CANCELLED && event->end != END_ERROR,
        .finish = openai_finish_reason(finish_of(choice, event->end)),
        .prompt_tokens = run->usage.prompt_tokens,
        .completion_tokens = run->usage.completion_tokens,
    };
}

/* Nobody else has the run any more. */
static void finish(struct completion_run *run)
{
    bool streams = run->stream && (run->sent || run->fault.status == OK);
    if (streams)
        finish_stream(run);
    else
        finish_whole(run);
    run_free(run);
}

static void take_fault(struct completion_run *run, const struct fault *fault)
{
    if (run->fault.status == OK) run->fault = *fault;
}

/* What was answered is kept, or could not be. */
static void on_kept(void *argument, const struct fault *fault)
{
    struct completion_run *run = argument;
    if (fault) take_fault(run, fault);
    *run->note->fault = run->fault;
    finish(run);
}

/* ---- the engine's thread ---- */

static void count_usage(struct choice *choice, const struct generation_event *event)
{
    struct openai_usage *usage = &choice->run->usage;
    usage->completion_tokens += event->completion_tokens;
    usage->drafted_tokens += event->drafted_tokens;
    usage->accepted_tokens += event->accepted_tokens;
    if (choice->is_first_of_prompt) { /* n answers read their prompt once */
        usage->prompt_tokens += event->prompt_tokens;
        usage->cached_tokens += event->cached_tokens;
    }
}

static void on_event(void *argument, const struct generation_event *event)
{
    struct choice *choice = argument;
    struct completion_run *run = choice->run;
    if (event->token >= 0 && event->completion_tokens == 1)
        histogram_add(&run->api->metrics.time_to_first_token,
                      clock_monotonic_ns() - run->started_ns);
    if (event->end == END_ERROR && run->fault.status == OK) {
        take_fault(run, event->fault);
        fault_prefix(&run->fault, "Inference failed"); /* R19 */
    }
    bool tells = event->end != END_CANCELLED && event->end != END_ERROR;
    if (tells && run->stream) {
        stream_event(choice, event);
    } else if (tells) {
        read_event(choice, event);
    }
    choice->characters_shown += count_characters(event->text);
    if (event->end == END_NONE) return;
    choice->end = event->end;
    count_usage(choice, event);
    if (--run->open_count > 0) return;
    close_books(choice, event);
    if (run->keeper)
        run->keeper->ended(run->turn, &run->ending, on_kept, run);
    else
        finish(run);
}

/* ---- the handler's thread ---- */

void completion_note(struct http_exchange *exchange, const struct openai_generation *generation,
                     size_t prompt_bytes)
{
    struct request_note *note = api_note(exchange);
    if (!note) return;
    note->is_inference = true;
    note->prompt_bytes = prompt_bytes;
    note->temperature = generation->sampling.temperature;
    note->max_tokens = generation->max_tokens;
    char fields[192];
    snprintf(fields, sizeof fields,
             "\"request_id\":\"%.80s\",\"prompt_length\":%zu,\"temperature\":%g,"
             "\"max_tokens\":%u",
             http_request_id(exchange), prompt_bytes, (double)note->temperature, note->max_tokens);
    log_write("inference", LOG_DEBUG, fields, "Inference request received");
}

enum status completion_set_tenant(struct http_exchange *exchange,
                                  struct openai_generation *generation, struct fault *fault)
{
    return tenant_of(&generation->tenant, text_of(gateway_caller_name(exchange)),
                     generation->cache_key, fault);
}

/* What an answer is told apart by must be in its text. */
static void show_marks(struct generation_request *request, const struct chat_format *format)
{
    static_assert((int)MARK_LIMIT >= (int)CHAT_SPECIALS_LIMIT,
                  "all specials of a format are shown");
    for (size_t i = 0; i < format->special_count; i++)
        request->marks[request->mark_count++] = format->specials[i].token;
}

static enum status prepare_each(struct completion_run *run, const struct completion_start *start,
                                const struct token_list *prediction, struct fault *fault)
{
    const struct openai_generation *wanted = start->generation;
    struct generation_request request = {
        .max_tokens = wanted->max_tokens,
        .sampling = wanted->sampling,
        .stop_count = wanted->stop_count,
        .continues_text = start->shape == SHAPE_TEXT || wanted->constraint.form != FORM_ANY,
        .ignore_end = wanted->ignore_eos,
        .top_logprobs = wanted->top_logprobs,
        .tenant = wanted->tenant,
        .prediction = prediction->ids,
        .prediction_count = prediction->count,
        .on_event = on_event,
    };
    if (start->plan) show_marks(&request, start->plan->format);
    memcpy(request.stop, wanted->stop, sizeof wanted->stop);
    uint64_t seed = wanted->sampling.seed;
    if (!wanted->has_seed) entropy_fill(&seed, sizeof seed);
    for (uint32_t i = 0; i < run->choice_count; i++) {
        const struct token_list *prompt = &start->prompts[i / wanted->n];
        request.prompt = prompt->ids;
        request.prompt_count = prompt->count;
        request.sampling.seed = sampling_seed_of(seed, i % wanted->n);
        request.argument = &run->choices[i];
        if (start->constraint) TRY(matcher_new(&request.matcher, start->constraint, fault));
        enum status status =
            engine_prepare(run->lease->engine, &request, &run->generations[i], fault);
        if (status != OK) matcher_free(request.matcher);
        TRY(status);
    }
    return OK;
}

static enum status prepare_all(struct completion_run *run, const struct completion_start *start,
                               struct fault *fault)
{
    struct token_list prediction = {.ids = NULL};
    struct text predicted = start->generation->prediction;
    enum status status = OK;
    if (predicted.length > 0)
        status = tokenizer_encode(engine_tokenizer(run->lease->engine), predicted, 0, &prediction,
                                  fault);
    if (status == OK) status = prepare_each(run, start, &prediction, fault);
    token_list_deinit(&prediction);
    return status;
}

static const char *refusal_code(const struct completion_start *start, enum status status)
{
    if (status != STATUS_INVALID) return NULL;
    for (size_t i = 0; i < start->prompt_count; i++)
        if (start->prompts[i].count >= engine_context_length(start->lease->engine))
            return "context_length_exceeded";
    return NULL;
}

static void refuse(struct completion_run *run, struct http_exchange *exchange,
                   const struct completion_start *start, enum status status, struct fault *fault)
{
    run_free(run);
    if (strcmp(fault->param, "prompt") == 0)
        snprintf(fault->param, sizeof fault->param, "%s", start->prompt_field);
    gateway_reply_fault(exchange, status, fault, refusal_code(start, status));
}

/* That all answers together may read and write. */
static uint64_t most_tokens(const struct completion_start *start)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < start->prompt_count; i++)
        tokens += start->prompts[i].count +
                  (uint64_t)start->generation->max_tokens * start->generation->n;
    return tokens;
}

bool completion_run_start(struct api *api, struct http_exchange *exchange,
                          const struct completion_start *start)
{
    struct fault fault;
    struct request_note *note = api_note(exchange);
    struct completion_run *run = note ? run_new(api, start) : NULL;
    if (!run) {
        gateway_reply_fault(exchange,
                            fault_set(&fault, STATUS_NO_MEMORY, "no memory for the request"),
                            &fault, NULL);
        return false;
    }
    run->note = note;
    enum status status = gateway_claim_tokens(exchange, most_tokens(start), &fault);
    if (status == OK) status = prepare_all(run, start, &fault);
    if (status == OK) status = engine_reserve(run->lease->engine, run->choice_count, &fault);
    if (status != OK) {
        refuse(run, exchange, start, status, &fault);
        return false;
    }
    api->metrics.active++;
    run->to_client = http_stream_begin(
        exchange, 200, run->stream ? "text/event-stream" : "application/json", client_gone, run);
    engine_start(run->lease->engine, run->generations, run->choice_count);
    return true;
}
