/* told_messages_test.c - messages as clients send them, kept and told again. */
#include "conversations/adaptation/told_messages.h"

#include "base/test_support.h"

static struct arena job;
static struct fault fault;

static int begin_test(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int end_test(void **state)
{
    arena_deinit(&job);
    return 0;
}

static struct message take(const char *told)
{
    struct message message;
    json_t *tree = json_loads(told, 0, NULL);
    assert_non_null(tree);
    assert_ok(message_take(tree, &job, &message, &fault), &fault);
    /* what lies in the tree must outlive it here */
    message.role.data = arena_copy(&job, message.role.data, message.role.length);
    message.content.data = arena_copy(&job, message.content.length ? message.content.data : "",
                                      message.content.length);
    json_decref(tree);
    return message;
}

/* `wanted` NULL: nothing is told. */
static void check_told(const struct message *message, const char *wanted)
{
    json_t *told, *tree = wanted ? json_loads(wanted, 0, NULL) : NULL;
    assert_ok(message_tell(message, &told, &fault), &fault);
    if (!wanted) assert_null(told);
    if (wanted) {
        assert_non_null(tree);
        char *text = json_dumps(told, 0);
        if (!json_equal(told, tree)) fail_msg("%s is not %s", text, wanted);
        free(text);
    }
    json_decref(tree);
    json_decref(told);
}

static void messages_come_back_as_they_were_sent(void **state)
{
    static const char *const sent[] = {
        "{\"role\":\"user\",\"content\":\"Hi\"}",
        "{\"role\":\"system\",\"content\":\"Be kind\"}",
        "{\"role\":\"assistant\",\"content\":\"Hello\"}",
        "{\"role\":\"tool\",\"content\":\"22 degrees\",\"tool_call_id\":\"call_1\"}",
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":"
        "\\\"Bonn\\\"}"
        "\"}},{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"time\","
        "\"arguments\":\"{}\"}}]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(sent); i++) {
        struct message message = take(sent[i]);
        assert_ok(message_check(&message, &fault), &fault);
        check_told(&message, sent[i]);
    }
}

static void other_spellings_are_told_plainly(void **state)
{
    struct message parts = take(
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
        "{\"type\":\"text\",\"text\":\"b\"}]}");
    check_told(&parts, "{\"role\":\"user\",\"content\":\"a\\nb\"}");
    struct message developer = take("{\"role\":\"developer\",\"content\":\"x\"}");
    assert_int_equal(developer.sender, SENDER_SYSTEM);
    check_told(&developer, "{\"role\":\"system\",\"content\":\"x\"}");
    struct message broken = take(
        "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":"
        "\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
        "\"arguments\":\"{cut of\"}}]}");
    check_told(&broken,
               "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\","
               "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
               "\"\\\"{cut of\\\"\"}}]}");
}

static void unfinished_answers_are_told_as_far_as_they_came(void **state)
{
    struct message silent = {.sender = SENDER_ASSISTANT, .state = MESSAGE_INTERRUPTED};
    check_told(&silent, "{\"role\":\"assistant\",\"content\":\"(no answer)\"}");
    silent.content = TEXT("half a sen");
    check_told(&silent, "{\"role\":\"assistant\",\"content\":\"half a sen\"}");
    silent.state = MESSAGE_WRITING;
    check_told(&silent, NULL);
}

static void summaries_say_that_they_are(void **state)
{
    struct message summary = {
        .sender = SENDER_SYSTEM,
        .content = TEXT("They met."),
        .meta = TEXT("{\"summary\":true,\"stands_for\":12}"),
    };
    assert_int_equal(summary_stands_for(&summary), 12);
    check_told(&summary,
               "{\"role\":\"system\",\"content\":"
               "\"Summary of the conversation until here:\\nThey met.\"}");
    static const struct text none[] = {TEXT("{\"summary\":false,\"stands_for\":12}"), TEXT("{}"),
                                       TEXT("{\"stands_for\":12}")};
    for (size_t i = 0; i < ARRAY_COUNT(none); i++) {
        summary.meta = none[i];
        assert_int_equal(summary_stands_for(&summary), 0);
    }
    summary.meta = TEXT("{\"summary\":true,\"stands_for\":12}");
    summary.sender = SENDER_USER; /* a user can't pass for one */
    assert_int_equal(summary_stands_for(&summary), 0);
}

#define TESTED(function) cmocka_unit_test_setup_teardown(function, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TESTED(messages_come_back_as_they_were_sent),
        TESTED(other_spellings_are_told_plainly),
        TESTED(unfinished_answers_are_told_as_far_as_they_came),
        TESTED(summaries_say_that_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
