/* chat_test.c - conversations with a real engine over a model of random weights: what is said does
 * not matter here, only what becomes of it. */
#include "app/chat/chat.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/test_support.h"
#include "compute/compute.h"
#include "inference/engine.h"
#include "model/file/synth.h"
#include "model/model.h"

static struct {
    char folder[40], path[64];
    struct compute *compute;
    struct engine *engine;
    struct fault fault;
} it;

static int start(void **state)
{
    (void)state;
    struct model *model;
    snprintf(it.folder, sizeof it.folder, "/tmp/liminal-chat-XXXXXX");
    if (!mkdtemp(it.folder)) return -1;
    snprintf(it.path, sizeof it.path, "%s/tiny.gguf", it.folder);
    assert_ok(synth_model("tiny-llama", "Q8_0", it.path, NULL, &it.fault), &it.fault);
    struct compute_options options = {.threads = 2};
    assert_ok(compute_open(&it.compute, &options, &it.fault), &it.fault);
    assert_ok(model_open(&model, it.compute, it.path, &(struct model_options){0}, &it.fault),
              &it.fault);
    assert_ok(engine_open(&it.engine, model, &(struct engine_options){0}, &it.fault), &it.fault);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    engine_close(it.engine);
    compute_close(it.compute);
    unlink(it.path);
    return rmdir(it.folder);
}

/* Everything left to its default, but short. */
static struct chat_choices choices(uint64_t max_tokens)
{
    return (struct chat_choices){.temperature = 0,
                                 .top_p = NAN,
                                 .min_p = NAN,
                                 .top_k = OPTION_COUNT_NONE,
                                 .seed = OPTION_COUNT_NONE,
                                 .max_tokens = max_tokens,
                                 .repeat_penalty = NAN,
                                 .presence_penalty = NAN,
                                 .frequency_penalty = NAN};
}

static const struct text TEMPLATE =
    TEXT("{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}");

static void collect(void *argument, struct text text)
{
    buffer_append_text(argument, text);
}

static volatile sig_atomic_t never;

static enum status ask(struct chat *chat, const struct chat_choices *chosen, const char *prompt,
                       struct buffer *answer, struct answer_summary *summary)
{
    buffer_clear(answer);
    return chat_ask(chat, chosen, text_of(prompt), collect, answer, &never, summary, &it.fault);
}

static const char *turn(const struct chat *chat, size_t index, const char *key)
{
    return json_string_value(json_object_get(json_array_get(chat->turns, index), key));
}

static void a_conversation_is_remembered(void **state)
{
    struct chat chat;
    struct buffer answer;
    struct answer_summary first, second;
    struct chat_choices chosen = choices(6);
    buffer_init(&answer);
    assert_ok(chat_open(&chat, it.engine, TEMPLATE, false, &it.fault), &it.fault);
    assert_ok(ask(&chat, &chosen, "hello", &answer, &first), &it.fault);
    assert_int_equal(json_array_size(chat.turns), 2);
    assert_string_equal(turn(&chat, 0, "role"), "user");
    assert_string_equal(turn(&chat, 0, "content"), "hello");
    assert_string_equal(turn(&chat, 1, "role"), "assistant");
    assert_string_equal(turn(&chat, 1, "content"), answer.data ? answer.data : "");
    assert_ok(ask(&chat, &chosen, "hello", &answer, &second), &it.fault);
    assert_true(second.prompt_tokens > first.prompt_tokens);
    chat_forget(&chat);
    assert_ok(ask(&chat, &chosen, "hello", &answer, &second), &it.fault);
    assert_int_equal(second.prompt_tokens, first.prompt_tokens);
    chosen.system = "Be brief.";
    chat_forget(&chat);
    assert_ok(ask(&chat, &chosen, "hello", &answer, &second), &it.fault);
    assert_true(second.prompt_tokens > first.prompt_tokens);
    assert_int_equal(json_array_size(chat.turns), 2); /* the system's words are no turn */
    buffer_deinit(&answer);
    chat_close(&chat);
}

static void raw_text_is_no_conversation(void **state)
{
    struct chat chat;
    struct buffer answer;
    struct answer_summary summary;
    struct chat_choices chosen = choices(4);
    buffer_init(&answer);
    assert_ok(chat_open(&chat, it.engine, TEXT(""), true, &it.fault), &it.fault);
    assert_ok(ask(&chat, &chosen, "hello", &answer, &summary), &it.fault);
    assert_int_equal(json_array_size(chat.turns), 0);
    buffer_deinit(&answer);
    chat_close(&chat);
}

static void the_same_seed_gives_the_same_answer(void **state)
{
    struct chat chat;
    struct buffer first, second;
    struct answer_summary summary;
    struct chat_choices chosen = choices(24);
    buffer_init(&first);
    buffer_init(&second);
    chosen.temperature = 2;
    assert_ok(chat_open(&chat, it.engine, TEXT(""), true, &it.fault), &it.fault);
    assert_ok(ask(&chat, &chosen, "hello", &first, &summary), &it.fault);
    chosen.seed = chat.last_seed; /* the one that was drawn */
    assert_true(chosen.seed <= CHAT_SEED_MOST);
    assert_ok(ask(&chat, &chosen, "hello", &second, &summary), &it.fault);
    assert_string_equal(first.data, second.data);
    chosen.seed++;
    assert_ok(ask(&chat, &chosen, "hello", &second, &summary), &it.fault);
    assert_string_not_equal(first.data, second.data);
    buffer_deinit(&first);
    buffer_deinit(&second);
    chat_close(&chat);
}

struct interrupter {
    volatile sig_atomic_t stop;
    size_t pieces;
};

static void what_was_not_chosen_is_the_engines(void **state)
{
    struct chat_choices given = choices(OPTION_COUNT_NONE), filled = given;
    struct sampling from_given, from_filled;
    given.temperature = NAN;
    filled.temperature = NAN;
    given.seed = filled.seed = 7;
    chat_choices_fill(&filled);
    assert_float_equal(filled.temperature, 0.7, 1e-6);
    assert_float_equal(filled.top_p, 1, 0);
    assert_int_equal(filled.top_k, 0);
    assert_true(filled.max_tokens == OPTION_COUNT_NONE);
    chat_sampling(&given, &from_given);
    chat_sampling(&filled, &from_filled);
    assert_float_equal(from_given.temperature, from_filled.temperature, 0);
    assert_float_equal(from_given.min_p, from_filled.min_p, 0);
    assert_float_equal(from_given.repetition_penalty, from_filled.repetition_penalty, 0);
    assert_int_equal(from_given.top_k, from_filled.top_k);
    filled.temperature = 1.5;
    chat_choices_fill(&filled);
    assert_float_equal(filled.temperature, 1.5, 0);
}

static void interrupt(void *argument, struct text text)
{
    struct interrupter *interrupter = argument;
    (void)text;
    if (++interrupter->pieces == 3) interrupter->stop = 1;
}

static void an_interrupted_answer_is_kept_as_far_as_it_came(void **state)
{
    struct chat chat;
    struct answer_summary summary;
    struct interrupter interrupter = {0};
    struct chat_choices chosen = choices(4000);
    chosen.temperature = 2; /* so that hardly anything ends it by itself */
    assert_ok(chat_open(&chat, it.engine, TEMPLATE, false, &it.fault), &it.fault);
    assert_ok(chat_ask(&chat, &chosen, TEXT("hello"), interrupt, &interrupter, &interrupter.stop,
                       &summary, &it.fault),
              &it.fault);
    assert_int_equal(summary.end, END_CANCELLED);
    assert_true(summary.completion_tokens < 4000);
    assert_int_equal(json_array_size(chat.turns), 2);
    chat_close(&chat);
}

static void a_question_that_fails_leaves_the_conversation_alone(void **state)
{
    struct chat chat;
    struct buffer answer, long_prompt;
    struct answer_summary summary;
    struct chat_choices chosen = choices(4);
    buffer_init(&answer);
    buffer_init(&long_prompt);
    for (uint32_t i = 0; i < engine_context_length(it.engine) + 8; i++)
        buffer_append_string(&long_prompt, "word ");
    assert_ok(chat_open(&chat, it.engine, TEMPLATE, false, &it.fault), &it.fault);
    assert_status(ask(&chat, &chosen, long_prompt.data, &answer, &summary), STATUS_INVALID);
    assert_status(ask(&chat, &chosen, "\xff", &answer, &summary), STATUS_INVALID);
    assert_contains(it.fault.message, "UTF-8");
    const char *many[STOP_LIMIT + 1] = {"x"};
    chosen.stop = (struct option_list){many, STOP_LIMIT + 1};
    assert_status(ask(&chat, &chosen, "hello", &answer, &summary), STATUS_INVALID);
    assert_int_equal(json_array_size(chat.turns), 0);
    buffer_deinit(&answer);
    buffer_deinit(&long_prompt);
    chat_close(&chat);
}

static void templates_that_do_not_compile_are_refused(void **state)
{
    struct chat chat;
    assert_status(chat_open(&chat, it.engine, TEXT("{% for %}"), false, &it.fault), STATUS_CORRUPT);
    assert_contains(it.fault.message, "line 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_remembered),
        cmocka_unit_test(raw_text_is_no_conversation),
        cmocka_unit_test(the_same_seed_gives_the_same_answer),
        cmocka_unit_test(what_was_not_chosen_is_the_engines),
        cmocka_unit_test(an_interrupted_answer_is_kept_as_far_as_it_came),
        cmocka_unit_test(a_question_that_fails_leaves_the_conversation_alone),
        cmocka_unit_test(templates_that_do_not_compile_are_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
