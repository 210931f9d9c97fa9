/* export_test.c - a conversation as Markdown and as JSON. */
#include "conversations/export.h"

#include <jansson.h>

#include "base/test_support.h"

static const struct conversation conversation = {
    .title = TEXT("Caf\xc3\xa9 & \"sky\""),
    .created_us = 1795167760000000,
    .updated_us = 1795167770000000,
    .message_count = 2,
};
static const struct message messages[] = {
    {.seq = 1,
     .content = TEXT("Why is it blue?\n"),
     .created_us = 1795167760000000,
     .tokens_in = -1,
     .tokens_out = -1},
    {.seq = 2,
     .sender = SENDER_ASSISTANT,
     .content = TEXT("Because of"),
     .state = MESSAGE_INTERRUPTED,
     .created_us = 1795167761000000,
     .tokens_in = 9,
     .tokens_out = 2},
};

/* In two parts, as pages come. */
static struct buffer export(enum export_format format)
{
    struct buffer out;
    buffer_init(&out);
    export_begin(&out, format, &conversation);
    export_messages(&out, format, messages, 1, true);
    export_messages(&out, format, messages + 1, 1, false);
    export_end(&out, format);
    assert_false(out.failed);
    return out;
}

static void markdown_reads_well(void **state)
{
    struct buffer out = export(EXPORT_MARKDOWN);
    assert_string_equal(out.data,
                        "# Caf\xc3\xa9 & \"sky\"\n"
                        "\n"
                        "Begun 2026-11-20T09:42:40.000000Z, last changed"
                        " 2026-11-20T09:42:50.000000Z, 2 messages.\n"
                        "\n"
                        "## User, 2026-11-20T09:42:40.000000Z\n"
                        "\n"
                        "Why is it blue?\n"
                        "\n"
                        "## Assistant, 2026-11-20T09:42:41.000000Z (interrupted)\n"
                        "\n"
                        "Because of\n");
    buffer_deinit(&out);
}

static void json_keeps_everything(void **state)
{
    struct buffer out = export(EXPORT_JSON);
    json_t *tree = json_loadb(out.data, out.length, 0, NULL);
    assert_non_null(tree);
    const char *format, *title, *second;
    int version, first_seq;
    assert_int_equal(json_unpack(tree, "{s:s, s:i, s:{s:s}, s:[{s:i}, {s:s}]}", "format", &format,
                                 "version", &version, "conversation", "title", &title, "messages",
                                 "seq", &first_seq, "content", &second),
                     0);
    assert_string_equal(format, "liminal.conversation");
    assert_string_equal(title, "Caf\xc3\xa9 & \"sky\"");
    assert_string_equal(second, "Because of");
    json_decref(tree);
    buffer_deinit(&out);
}

/* It goes into a header: letters, digits and dashes only. */
static void the_file_has_a_plain_name(void **state)
{
    char name[EXPORT_NAME_BYTES];
    export_file_name(EXPORT_MARKDOWN, &conversation, name);
    assert_string_equal(name, "Caf-sky.md");
    const struct conversation odd = {.title = TEXT("\"\r\n../..")};
    export_file_name(EXPORT_JSON, &odd, name);
    assert_string_equal(name, "conversation.json");
    char title[200];
    memset(title, 'a', sizeof title);
    const struct conversation longest = {.title = {title, sizeof title}};
    export_file_name(EXPORT_JSON, &longest, name);
    assert_true(strlen(name) < EXPORT_NAME_BYTES);
    assert_non_null(strstr(name, ".json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markdown_reads_well),
        cmocka_unit_test(json_keeps_everything),
        cmocka_unit_test(the_file_has_a_plain_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
