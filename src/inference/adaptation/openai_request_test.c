/* openai_request_test.c - what the reader makes of requests; that it refuses what is wrong, and by
 * which name, is also tested over HTTP (tests/e2e/openai_errors.test.mjs). */
#include "inference/adaptation/openai_request.h"

#include <stdlib.h>

#include "base/test_support.h"
#include "http/json_body.h"

static struct arena job;

static int make_arena(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int drop_arena(void **state)
{
    arena_deinit(&job);
    return 0;
}

static json_t *parse(const char *body)
{
    json_t *root = NULL;
    struct fault fault;
    assert_ok(json_body_parse(text_of(body), &root, &fault), &fault);
    return root;
}

static void assert_text(struct text got, const char *wanted)
{
    if (!text_equal(got, text_of(wanted)))
        fail_msg("\"%.*s\" is not \"%s\"", TEXT_FORMAT(got), wanted);
}

static void expect_chat_fault(const char *body, enum status wanted, const char *param)
{
    json_t *root = parse(body);
    struct chat_request request;
    struct fault fault;
    assert_status(chat_request_read(&request, root, &job, &fault), wanted);
    assert_null(request.messages);
    assert_string_equal(fault.param, param);
    json_decref(root);
}

static void defaults_are_the_seeds(void **state)
{
    json_t *root = parse("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
    struct chat_request request;
    struct fault fault;
    assert_ok(chat_request_read(&request, root, &job, &fault), &fault);
    const struct openai_generation *generation = &request.generation;
    assert_text(generation->model, "local-llm");
    assert_true(generation->sampling.temperature == 0.7f);
    assert_true(generation->sampling.top_p == 1 && generation->sampling.min_p == 0);
    assert_true(generation->sampling.repetition_penalty == 1);
    assert_int_equal(generation->sampling.top_k, 0);
    assert_int_equal(generation->max_tokens, 512);
    assert_int_equal(generation->n, 1);
    assert_int_equal(generation->top_logprobs, -1);
    assert_int_equal(generation->stop_count, 0);
    assert_false(generation->stream || generation->include_usage || generation->has_seed);
    assert_false(generation->ignore_eos);
    assert_int_equal(request.prompt_bytes, 2);
    chat_request_deinit(&request);
    json_decref(root);
}

static void every_field_arrives(void **state)
{
    json_t *root = parse(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"be kind\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
        "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":null},"
        "{\"role\":\"user\",\"content\":\"c\"}],\"temperature\":1,\"top_p\":0.5,\"top_k\":7,"
        "\"min_p\":0.25,\"max_tokens\":3,\"max_completion_tokens\":9,\"stop\":[\"x\",\"yy\"],"
        "\"n\":2,\"seed\":-1,\"presence_penalty\":1.5,\"frequency_penalty\":-0.5,"
        "\"repetition_penalty\":2,\"logit_bias\":{\"5\":-100,\"17\":3.5},\"logprobs\":true,"
        "\"top_logprobs\":4,\"stream\":true,\"stream_options\":{\"include_usage\":true},"
        "\"prediction\":{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":\"as \"},"
        "{\"type\":\"text\",\"text\":\"before\"}]},\"user\":\"u\",\"ignore_eos\":true,\"never_"
        "heard_of\":{}}");
    struct chat_request request;
    struct fault fault;
    assert_ok(chat_request_read(&request, root, &job, &fault), &fault);
    const struct openai_generation *generation = &request.generation;
    const struct sampling *sampling = &generation->sampling;
    assert_text(generation->model, "m");
    assert_true(sampling->temperature == 1 && sampling->top_p == 0.5f && sampling->min_p == 0.25f);
    assert_true(sampling->presence_penalty == 1.5f && sampling->frequency_penalty == -0.5f);
    assert_true(sampling->repetition_penalty == 2);
    assert_int_equal(sampling->top_k, 7);
    assert_true(generation->has_seed && sampling->seed == UINT64_MAX);
    assert_int_equal(generation->max_tokens, 9); /* the newer name wins */
    assert_int_equal(generation->n, 2);
    assert_int_equal(generation->stop_count, 2);
    assert_text(generation->stop[1], "yy");
    assert_int_equal(sampling->bias_count, 2);
    assert_int_equal(sampling->biases[1].token, 17);
    assert_true(sampling->biases[1].bias == 3.5f);
    assert_int_equal(generation->top_logprobs, 4);
    assert_text(generation->prediction, "as before");
    assert_true(generation->stream && generation->include_usage && generation->ignore_eos);

    char *messages = json_dumps(request.messages, JSON_COMPACT);
    assert_string_equal(messages,
                        "[{\"role\":\"system\",\"content\":\"be kind\"},"
                        "{\"role\":\"user\",\"content\":\"a\\nb\"},"
                        "{\"role\":\"assistant\",\"content\":\"\"},"
                        "{\"role\":\"user\",\"content\":\"c\"}]");
    free(messages);
    chat_request_deinit(&request);
    json_decref(root);
}

static void what_we_do_not_do_is_refused_by_name(void **state)
{
    expect_chat_fault("{\"functions\":[{}],\"messages\":[]}", STATUS_UNSUPPORTED, "functions");
    expect_chat_fault("{\"function_call\":\"auto\",\"messages\":[]}", STATUS_UNSUPPORTED,
                      "function_call");
    expect_chat_fault("{\"response_format\":{\"type\":\"yaml\"},\"messages\":[]}",
                      STATUS_UNSUPPORTED, "response_format");
    expect_chat_fault(
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"a\"},{\"type\":\"input_audio\"}]}]}",
        STATUS_UNSUPPORTED, "messages[0].content[1]");
    expect_chat_fault("{\"messages\":[{\"role\":\"function\",\"content\":\"a\"}]}",
                      STATUS_UNSUPPORTED, "messages[0].role");
}

static void prompts_have_four_forms(void **state)
{
    static const struct {
        const char *body;
        size_t count, tokens;
    } cases[] = {
        {"{\"prompt\":\"a\"}", 1, 0},
        {"{\"prompt\":[\"a\",\"b\"]}", 2, 0},
        {"{\"prompt\":[1,2,3]}", 1, 3},
        {"{\"prompt\":[[1,2],[3,4]]}", 2, 2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        json_t *root = parse(cases[i].body);
        struct completion_request request;
        struct fault fault;
        assert_ok(completion_request_read(&request, root, &job, &fault), &fault);
        assert_int_equal(request.prompt_count, cases[i].count);
        assert_int_equal(request.prompts[request.prompt_count - 1].token_count, cases[i].tokens);
        json_decref(root);
    }
}

static void legacy_logprobs_may_be_zero(void **state)
{
    json_t *root = parse("{\"prompt\":\"a\",\"logprobs\":0}");
    struct completion_request request;
    struct fault fault;
    assert_ok(completion_request_read(&request, root, &job, &fault), &fault);
    assert_int_equal(request.generation.top_logprobs, 0);
    json_decref(root);
}

static void embeddings_are_read(void **state)
{
    json_t *root = parse("{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}");
    struct embedding_request request;
    struct fault fault;
    assert_ok(embedding_request_read(&request, root, &job, &fault), &fault);
    assert_int_equal(request.input_count, 2);
    assert_true(request.base64);
    assert_int_equal(request.dimensions, 0);
    json_decref(root);
}

static void a_body_is_bounded_before_it_is_built(void **state)
{
    struct buffer body;
    struct fault fault;
    json_t *root = NULL;
    buffer_init(&body);
    for (int i = 0; i < 65; i++) buffer_append_char(&body, '[');
    assert_status(json_body_parse(buffer_text(&body), &root, &fault), STATUS_INVALID);
    assert_contains(fault.message, "64 levels");
    buffer_clear(&body);
    buffer_append_string(&body, "{\"a\":[");
    for (int i = 0; i < 100001; i++) buffer_append_string(&body, "[],");
    assert_status(json_body_parse(buffer_text(&body), &root, &fault), STATUS_INVALID);
    assert_contains(fault.message, "100000");
    buffer_clear(&body); /* brackets in strings are text */
    buffer_append_string(&body, "{\"a\":\"\\\"");
    for (int i = 0; i < 1000; i++) buffer_append_string(&body, "[{");
    buffer_append_string(&body, "\"}");
    assert_ok(json_body_parse(buffer_text(&body), &root, &fault), &fault);
    json_decref(root);
    buffer_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_seeds),
        cmocka_unit_test(every_field_arrives),
        cmocka_unit_test(what_we_do_not_do_is_refused_by_name),
        cmocka_unit_test(prompts_have_four_forms),
        cmocka_unit_test(legacy_logprobs_may_be_zero),
        cmocka_unit_test(embeddings_are_read),
        cmocka_unit_test(a_body_is_bounded_before_it_is_built),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
