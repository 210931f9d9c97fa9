/* chat_prompt_test.c - a conversation becomes the template's text as tokens, with exactly one start
 * token, whoever wrote it. Uses the tokenizer of a real model file. */
#include "inference/chat_prompt.h"

#include "base/test_support.h"
#include "model/model_test_support.h"
#include "model/template/chat_template.h"
#include "model/tokenizer/tokenizer.h"

static struct compute *compute;
static struct model *model;
static const struct tokenizer *tokenizer;

static int open_tokenizer(void **state)
{
    compute = test_compute(1);
    model = test_model(compute, "stories15m.gguf");
    tokenizer = model_tokenizer(model);
    return 0;
}

static int close_tokenizer(void **state)
{
    model_close(model);
    compute_close(compute);
    return 0;
}

/* Render one user message through the template; the tokens' text with special tokens shown. */
static enum status prompt_of(const char *source, const char *content, struct token_list *tokens,
                             struct fault *fault)
{
    struct chat_template *compiled;
    assert_ok(chat_template_compile(&compiled, text_of(source), fault), fault);
    json_t *messages = json_pack("[{s:s, s:s}]", "role", "user", "content", content);
    assert_non_null(messages);
    enum status status =
        chat_prompt_encode(compiled, tokenizer, &(struct chat_prompt){.messages = messages}, NULL,
                           tokens, NULL, fault);
    json_decref(messages);
    chat_template_free(compiled);
    return status;
}

static void expect_prompt(const char *source, const char *content, const char *wanted)
{
    struct token_list tokens = {.ids = NULL};
    struct buffer text;
    struct fault fault;
    buffer_init(&text);
    assert_ok(prompt_of(source, content, &tokens, &fault), &fault);
    assert_int_equal(tokens.ids[0], tokenizer_bos(tokenizer));
    for (size_t i = 1; i < tokens.count; i++)
        assert_int_not_equal(tokens.ids[i], tokenizer_bos(tokenizer));
    assert_ok(tokenizer_decode(tokenizer, tokens.ids, tokens.count, true, &text, &fault), &fault);
    assert_string_equal(text.data, wanted);
    buffer_deinit(&text);
    token_list_deinit(&tokens);
}

static void there_is_one_start_token_whoever_writes_it(void **state)
{
    expect_prompt("{{ bos_token }}{{ messages[0].content }}", "Hello", "<s> Hello");
    expect_prompt("{{ messages[0].content }}", "Hello", "<s> Hello");
}

static void end_tokens_of_the_template_are_tokens(void **state)
{
    struct token_list tokens = {.ids = NULL};
    struct fault fault;
    assert_ok(prompt_of("{{ messages[0].content + eos_token }}", "Hi", &tokens, &fault), &fault);
    assert_int_equal(tokens.ids[tokens.count - 1], tokenizer_eos(tokenizer));
    token_list_deinit(&tokens);
}

static void the_generation_prompt_is_asked_for(void **state)
{
    expect_prompt("{{ messages[0].content }}{% if add_generation_prompt %}: {% endif %}", "A",
                  "<s> A: ");
}

static void a_template_may_refuse(void **state)
{
    struct token_list tokens = {.ids = NULL};
    struct fault fault;
    assert_status(prompt_of("{{ raise_exception('no such role here') }}", "A", &tokens, &fault),
                  STATUS_INVALID);
    assert_contains(fault.message, "no such role here");
    token_list_deinit(&tokens);
}

/* Tools and options reach the template, and the options take nothing's place. */
static void a_template_is_told_all_there_is(void **state)
{
    struct chat_template *compiled;
    struct chat_format format = {.reasoning_open = TEXT("<think>"),
                                 .reasoning_close = TEXT("</think>")};
    struct token_list tokens = {.ids = NULL};
    struct buffer text;
    struct fault fault;
    enum chat_reasoning reasoning = REASONING_AHEAD;
    buffer_init(&text);
    const struct chat_prompt prompt = {
        .messages = json_pack("[{s:s, s:s}]", "role", "user", "content", "Hi"),
        .tools = json_pack("[s]", "tool"),
        .options = json_pack("{s:s, s:s}", "mood", "glad", "messages", "none"),
    };
    struct text source = TEXT(
        "{{ messages[0].content }} {{ tools[0] }} {{ mood }}{% if tools %} <think>{% endif %}");
    assert_ok(chat_template_compile(&compiled, source, &fault), &fault);
    assert_ok(
        chat_prompt_encode(compiled, tokenizer, &prompt, &format, &tokens, &reasoning, &fault),
        &fault);
    assert_ok(tokenizer_decode(tokenizer, tokens.ids, tokens.count, true, &text, &fault), &fault);
    assert_string_equal(text.data, "<s> Hi tool glad <think>");
    assert_int_equal(reasoning, REASONING_BEGUN);
    assert_int_equal(chat_format_reasoning(&format, TEXT("a <think>\n\n</think>\n\n")),
                     REASONING_OVER);
    assert_int_equal(chat_format_reasoning(&format, TEXT("<think> a")), REASONING_AHEAD);
    json_decref(prompt.messages);
    json_decref(prompt.tools);
    json_decref(prompt.options);
    chat_template_free(compiled);
    token_list_deinit(&tokens);
    buffer_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_start_token_whoever_writes_it),
        cmocka_unit_test(end_tokens_of_the_template_are_tokens),
        cmocka_unit_test(the_generation_prompt_is_asked_for),
        cmocka_unit_test(a_template_may_refuse),
        cmocka_unit_test(a_template_is_told_all_there_is),
    };
    return cmocka_run_group_tests(tests, open_tokenizer, close_tokenizer);
}
