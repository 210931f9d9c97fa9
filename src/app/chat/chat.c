/* chat.c - see chat.h. */
#include "app/chat/chat.h"

#include "inference/chat_prompt.h"
#include "model/template/chat_template.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

enum status chat_open(struct chat *chat, struct engine *engine, struct text template_source,
                      bool raw, struct fault *fault)
{
    *chat = (struct chat){.engine = engine, .turns = json_array()};
    if (!chat->turns) return no_memory(fault);
    if (raw) return OK;
    if (!template_source.length) template_source = engine_chat_template(engine);
    enum status status =
        template_source.length
            ? chat_template_compile(&chat->compiled, template_source, fault)
            : fault_set(fault, STATUS_UNSUPPORTED,
                        "this model has no chat template: give one with --chat-template FILE, or "
                        "let it complete plain text with --raw");
    if (status != OK) chat_close(chat);
    return status;
}

void chat_close(struct chat *chat)
{
    chat_template_free(chat->compiled);
    json_decref(chat->turns);
    *chat = (struct chat){0};
}

void chat_forget(struct chat *chat)
{
    json_array_clear(chat->turns);
}

static void take_real(double chosen, float *value)
{
    if (!isnan(chosen)) *value = (float)chosen;
}

void chat_sampling(const struct chat_choices *choices, struct sampling *sampling)
{
    sampling_defaults(sampling);
    take_real(choices->temperature, &sampling->temperature);
    take_real(choices->top_p, &sampling->top_p);
    take_real(choices->min_p, &sampling->min_p);
    take_real(choices->repeat_penalty, &sampling->repetition_penalty);
    take_real(choices->presence_penalty, &sampling->presence_penalty);
    take_real(choices->frequency_penalty, &sampling->frequency_penalty);
    if (choices->top_k != OPTION_COUNT_NONE) sampling->top_k = (int32_t)choices->top_k;
    sampling->seed = choices->seed;
    if (choices->seed != OPTION_COUNT_NONE) return;
    entropy_fill(&sampling->seed, sizeof sampling->seed);
    sampling->seed &= CHAT_SEED_MOST;
}

static void fill_real(double *chosen, float value)
{
    if (isnan(*chosen)) *chosen = (double)value;
}

void chat_choices_fill(struct chat_choices *choices)
{
    struct sampling sampling;
    sampling_defaults(&sampling);
    fill_real(&choices->temperature, sampling.temperature);
    fill_real(&choices->top_p, sampling.top_p);
    fill_real(&choices->min_p, sampling.min_p);
    fill_real(&choices->repeat_penalty, sampling.repetition_penalty);
    fill_real(&choices->presence_penalty, sampling.presence_penalty);
    fill_real(&choices->frequency_penalty, sampling.frequency_penalty);
    if (choices->top_k == OPTION_COUNT_NONE) choices->top_k = (uint64_t)sampling.top_k;
}

static int add_message(json_t *messages, const char *role, struct text content)
{
    return json_array_append_new(
        messages, json_pack("{s:s, s:s%}", "role", role, "content", content.data, content.length));
}

/* System prompt, the turns so far, and what is said now. */
static enum status encode_conversation(const struct chat *chat, const struct chat_choices *choices,
                                       struct text prompt, struct token_list *tokens,
                                       struct fault *fault)
{
    json_t *messages = json_array();
    int failed = !messages;
    if (choices->system && *choices->system)
        failed |= add_message(messages, "system", text_of(choices->system));
    failed |= json_array_extend(messages, chat->turns);
    failed |= add_message(messages, "user", prompt);
    const struct chat_prompt told = {.messages = messages, .now_unix = clock_wall_ms() / 1000};
    enum status status = failed ? no_memory(fault)
                                : chat_prompt_encode(chat->compiled, engine_tokenizer(chat->engine),
                                                     &told, NULL, tokens, NULL, fault);
    json_decref(messages);
    return status;
}

/* Shows the answer and keeps it. */
struct recorder {
    struct buffer answer;
    void (*show)(void *argument, struct text text);
    void *argument;
};

static void record(void *argument, struct text text)
{
    struct recorder *recorder = argument;
    buffer_append_text(&recorder->answer, text);
    recorder->show(recorder->argument, text);
}

static enum status remember(struct chat *chat, struct text prompt, const struct buffer *answer,
                            struct fault *fault)
{
    TRY(buffer_status(answer, fault));
    if (!chat->compiled) return OK; /* raw prompts are no conversation */
    size_t turns = json_array_size(chat->turns);
    if (add_message(chat->turns, "user", prompt) == 0 &&
        add_message(chat->turns, "assistant", buffer_text(answer)) == 0)
        return OK;
    while (json_array_size(chat->turns) > turns) json_array_remove(chat->turns, turns);
    return no_memory(fault);
}

enum status chat_ask(struct chat *chat, const struct chat_choices *choices, struct text prompt,
                     void (*show)(void *argument, struct text text), void *argument,
                     const volatile sig_atomic_t *stop, struct answer_summary *summary,
                     struct fault *fault)
{
    if (!utf8_valid(prompt))
        return fault_set(fault, STATUS_INVALID, "the prompt is not valid UTF-8");
    if (choices->stop.count > STOP_LIMIT)
        return fault_set_param(fault, STATUS_INVALID, "stop", "there may be %d stop texts at most",
                               STOP_LIMIT);
    struct recorder recorder = {.show = show, .argument = argument};
    buffer_init(&recorder.answer);
    struct token_list tokens = {0};
    struct generation_request request = {.top_logprobs = -1, .max_tokens = UINT32_MAX};
    enum status status;
    if (chat->compiled)
        TRY_DONE(encode_conversation(chat, choices, prompt, &tokens, fault));
    else
        TRY_DONE(tokenizer_encode(engine_tokenizer(chat->engine), prompt, TOKENIZE_ADD_SPECIAL,
                                  &tokens, fault));
    request.prompt = tokens.ids;
    request.prompt_count = tokens.count;
    if (choices->max_tokens != OPTION_COUNT_NONE)
        request.max_tokens = (uint32_t)choices->max_tokens;
    for (size_t i = 0; i < choices->stop.count; i++)
        request.stop[request.stop_count++] = text_of(choices->stop.items[i]);
    chat_sampling(choices, &request.sampling);
    chat->last_seed = request.sampling.seed;
    TRY_DONE(answer_run(chat->engine, &request, record, &recorder, stop, summary, fault));
    status = remember(chat, prompt, &recorder.answer, fault);
done:
    token_list_deinit(&tokens);
    buffer_deinit(&recorder.answer);
    return status;
}
