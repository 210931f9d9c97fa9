/* run.c - `liminal run`: chat with a model, or ask it one thing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/chat/flow.h"
#include "app/chat/talk.h"
#include "app/settings.h"
#include "app/terminal.h"
#include "app/verbs/input.h"
#include "app/verbs/verbs.h"
#include "app/wiring.h"
#include "platform/platform.h"

struct run_values {
    struct chat_choices choices; /* first: what /set may change (talk.h) */
    uint64_t threads, context;
    const char *chat_template;
    bool raw, verbose, json;
};

#define CHOICE(name) offsetof(struct run_values, choices.name)
#define FIELD(name)  offsetof(struct run_values, name)

static const struct option_row OPTIONS[] = {
    {"temp", 0, OPTION_REAL, CHOICE(temperature), .value_name = "T",
     .help = "how freely words are chosen: 0 always takes the likeliest; default 0.7", .most = 2},
    {"top-p", 0, OPTION_REAL, CHOICE(top_p), .value_name = "P",
     .help = "choose among the likeliest tokens that together have this share; default 1, all",
     .most = 1},
    {"top-k", 0, OPTION_COUNT, CHOICE(top_k), .value_name = "K",
     .help = "choose among the K likeliest tokens; default 0, all", .most = 1 << 20},
    {"min-p", 0, OPTION_REAL, CHOICE(min_p), .value_name = "P",
     .help = "leave out tokens less likely than P times the likeliest; default 0, none", .most = 1},
    {"seed", 0, OPTION_COUNT, CHOICE(seed), .value_name = "N",
     .help = "the same seed gives the same answer; default: a new one each time",
     .most = CHAT_SEED_MOST},
    {"repeat-penalty", 0, OPTION_REAL, CHOICE(repeat_penalty), .value_name = "R",
     .help = "divide the score of tokens already said; default 1, not at all", .least = 0.01,
     .most = 10},
    {"presence-penalty", 0, OPTION_REAL, CHOICE(presence_penalty), .value_name = "R",
     .help = "lower the score of tokens already said, once; default 0", .least = -2, .most = 2},
    {"frequency-penalty", 0, OPTION_REAL, CHOICE(frequency_penalty), .value_name = "R",
     .help = "lower the score of tokens already said, each time; default 0", .least = -2,
     .most = 2},
    {"max-tokens", 'n', OPTION_COUNT, CHOICE(max_tokens), .value_name = "N",
     .help = "longest answer; default: as long as the context leaves", .least = 1, .most = 1 << 30},
    {"stop", 0, OPTION_LIST, CHOICE(stop), .value_name = "TEXT",
     .help = "end the answer before this text; may be repeated"},
    {"system", 's', OPTION_TEXT, CHOICE(system), .value_name = "TEXT",
     .help = "what the model should be or do"},
    {"threads", 't', OPTION_COUNT, FIELD(threads), .value_name = "N",
     .help = "threads that compute; default: one per core", .environment = "LIMINAL_THREADS",
     .most = 1024},
    {"ctx", 'c', OPTION_COUNT, FIELD(context), .value_name = "TOKENS",
     .help = "longest conversation; default: the model's", .environment = "LIMINAL_CTX",
     .most = 1 << 24},
    {"chat-template", 0, OPTION_TEXT, FIELD(chat_template), .value_name = "FILE",
     .help = "a Jinja chat template to use instead of the model's own"},
    {"raw", 0, OPTION_FLAG, FIELD(raw), .help = "no chat: the model goes on where the text ends"},
    {"verbose", 'v', OPTION_FLAG, FIELD(verbose), .help = "tell how long each answer took"},
    {"json", 0, OPTION_FLAG, FIELD(json),
     .help = "print one JSON object with the whole answer instead of streaming it"},
};

enum { TEMPLATE_LIMIT_BYTES = 1 << 20 };

/* ---- one question ---- */

static void show_text(void *argument, struct text text)
{
    flow_write(argument, text);
}

static void collect_text(void *argument, struct text text)
{
    buffer_append_text(argument, text);
}

/* In milliseconds: finer is noise. */
static double seconds_to_tell(uint64_t ns)
{
    return (double)((ns + 500000) / 1000000) / 1e3;
}

static enum status print_result(const struct command *command, const struct chat *chat,
                                const char *model, struct text answer,
                                const struct answer_summary *summary, struct fault *fault)
{
    static const char *const ENDS[] = {
        [END_STOP] = "stop", [END_LENGTH] = "length", [END_CANCELLED] = "cancelled"};
    json_t *result = json_pack(
        "{s:s, s:s%, s:s, s:I, s:{s:i, s:i, s:i}, s:{s:f, s:f}}", "model", model, "text",
        answer.data, answer.length, "finish_reason", ENDS[summary->end], "seed",
        (json_int_t)chat->last_seed, "usage", "prompt_tokens", (int)summary->prompt_tokens,
        "completion_tokens", (int)summary->completion_tokens, "total_tokens",
        (int)(summary->prompt_tokens + summary->completion_tokens), "seconds", "prefill",
        seconds_to_tell(summary->prefill_ns), "decode", seconds_to_tell(summary->decode_ns));
    return print_json_take(result, command->out, fault);
}

static enum status ask_as_json(const struct command *command, struct chat *chat, const char *model,
                               struct text prompt, struct answer_summary *summary,
                               struct fault *fault)
{
    const struct run_values *values = command->values;
    struct buffer answer;
    buffer_init(&answer);
    enum status status = chat_ask(chat, &values->choices, prompt, collect_text, &answer,
                                  &talk_interrupted, summary, fault);
    if (status == OK) status = buffer_status(&answer, fault);
    if (status == OK)
        status = print_result(command, chat, model, buffer_text(&answer), summary, fault);
    buffer_deinit(&answer);
    return status;
}

static enum status ask_as_text(const struct command *command, struct chat *chat, struct text prompt,
                               struct answer_summary *summary, struct fault *fault)
{
    const struct run_values *values = command->values;
    struct flow flow;
    flow_init(&flow, command->out);
    enum status status = chat_ask(chat, &values->choices, prompt, show_text, &flow,
                                  &talk_interrupted, summary, fault);
    flow_finish(&flow);
    flow_deinit(&flow);
    return status;
}

static enum status ask_once(const struct command *command, struct chat *chat, const char *model,
                            struct text prompt, struct fault *fault)
{
    const struct run_values *values = command->values;
    struct answer_summary summary;
    talk_catch_interrupts();
    if (values->json)
        TRY(ask_as_json(command, chat, model, prompt, &summary, fault));
    else
        TRY(ask_as_text(command, chat, prompt, &summary, fault));
    if (values->verbose) talk_print_summary(&summary, stderr);
    if (summary.end == END_CANCELLED) return STATUS_CANCELLED; /* needs no words */
    return OK;
}

/* ---- the verb ---- */

static void take_settings(const struct run_values *values, struct settings *settings)
{
    settings->sequences = 1;
    if (values->threads != OPTION_COUNT_NONE) settings->threads = values->threads;
    if (values->context != OPTION_COUNT_NONE) settings->context = values->context;
}

static enum status converse(struct command *command, const struct loaded_model *loaded,
                            struct text template_source, struct text prompt, bool interactive,
                            struct fault *fault)
{
    struct run_values *values = command->parse->values;
    struct chat chat;
    TRY(chat_open(&chat, loaded->engine, template_source, values->raw, fault));
    enum status status =
        interactive ? talk(&chat, loaded, &values->choices, command->parse, values->verbose, fault)
                    : ask_once(command, &chat, loaded->name, prompt, fault);
    chat_close(&chat);
    return status;
}

static enum status run_run(struct command *command, struct fault *fault)
{
    const struct run_values *values = command->values;
    bool interactive =
        command->word_count == 1 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !values->json;
    struct settings settings;
    struct loaded_model loaded = {0};
    struct buffer prompt, template_source;
    buffer_init(&prompt);
    buffer_init(&template_source);
    enum status status;
    TRY_DONE(settings_load(&settings, command->arena, fault));
    take_settings(values, &settings);
    if (values->chat_template)
        TRY_DONE(file_read(values->chat_template, TEMPLATE_LIMIT_BYTES, &template_source, fault));
    if (!interactive) TRY_DONE(input_read(command, 1, &prompt, fault));
    if (!interactive && !text_trim(buffer_text(&prompt)).length) {
        status = fault_set(fault, STATUS_INVALID, "the prompt is empty"); /* R7 */
        goto done;
    }
    TRY_DONE(loaded_model_open(&loaded, command->words[0], &settings, command->arena, fault));
    status = converse(command, &loaded, buffer_text(&template_source), buffer_text(&prompt),
                      interactive, fault);
done:
    loaded_model_close(&loaded);
    buffer_deinit(&prompt);
    buffer_deinit(&template_source);
    return status;
}

const struct verb VERB_RUN = {
    .name = "run",
    .arguments = "MODEL [PROMPT...]",
    .summary = "chat with a model, or ask it one thing",
    .help =
        "MODEL is a name from `liminal list`, a path, or local-llm for the default model.\n"
        "Without PROMPT, a terminal gets a conversation; otherwise standard input is the\n"
        "prompt. A PROMPT word of - stands for standard input.\n"
        "\n"
        "Examples:\n"
        "  liminal run local-llm\n"
        "  liminal run local-llm \"What is the capital of France?\" --temp 0\n"
        "  liminal run local-llm \"Summarise this letter:\" - < letter.txt\n"
        "  liminal run stories15m --raw \"Once upon a time\" --seed 7\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct run_values),
    .least_words = 1,
    .most_words = SIZE_MAX,
    .run = run_run,
};
