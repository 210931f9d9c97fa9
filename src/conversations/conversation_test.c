/* conversation_test.c - the rules of conversations and messages, cursors and search queries. */
#include "conversations/conversation.h"

#include <jansson.h>

#include "base/test_support.h"
#include "conversations/page_cursor.h"
#include "conversations/search_query.h"

static struct fault fault;

/* ---- titles ---- */

static void a_title_is_made_of_the_first_words(void **state)
{
    static const char *const cases[][2] = {
        {"What is the capital of France?", "What is the capital of France?"},
        {"\n\n  ## Plan\tfor   Monday \nand more", "Plan for Monday"},
        {"", ""},
        {" \n\t", ""},
        {"Please explain to me in great detail why the sky is blue and the sea is too",
         "Please explain to me in great detail why the sky is blue\xe2\x80\xa6"},
        {"Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenauszahlungsstelle",
         "Donaudampfschifffahrtsgesellschaftskapitaenswitwenrentenaus\xe2\x80\xa6"},
        {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"},
    };
    char out[TITLE_MADE_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct text title = title_of_message(text_of(cases[i][0]), out);
        assert_string_equal(out, cases[i][1]);
        assert_int_equal(title.length, strlen(out));
    }
}

static void a_made_title_is_never_too_long(void **state)
{
    static const char face[] = {'\xf0', '\x9f', '\x98', '\x80'};
    char content[sizeof face * 200], out[TITLE_MADE_BYTES];
    for (size_t i = 0; i < sizeof content; i++) content[i] = face[i % sizeof face];
    struct text title = title_of_message((struct text){content, sizeof content}, out);
    assert_true(title.length < TITLE_MADE_BYTES);
    assert_true(utf8_valid(title));
    assert_ok(title_check(title, &fault), &fault);
}

static void titles_are_checked(void **state)
{
    char many[TITLE_CHARACTERS + 1];
    memset(many, 'a', sizeof many);
    assert_ok(title_check(TEXT("Caf\xc3\xa9"), &fault), &fault);
    assert_status(title_check((struct text){many, sizeof many}, &fault), STATUS_INVALID);
    assert_string_equal(fault.param, "title");
    assert_ok(title_check((struct text){many, sizeof many - 1}, &fault), &fault);
    assert_status(title_check(TEXT("two\nlines"), &fault), STATUS_INVALID);
    assert_status(title_check(TEXT("\xff"), &fault), STATUS_INVALID);
}

/* ---- messages ---- */

static void messages_are_checked_by_field(void **state)
{
    const struct {
        struct message message;
        const char *field; /* NULL: fine */
    } cases[] = {
        {{.content = TEXT("hello")}, NULL},
        {{.content = TEXT("\xc3")}, "content"},
        {{.content = TEXT("a\0b")}, "content"},
        {{.role = TEXT("abcdefghijklmnopqrstuvwxyzabcdefghijklmn")}, "role"},
        {{.meta = TEXT("[]")}, "meta"},
        {{.meta = TEXT("{\"a\":1}")}, NULL},
        {{.content_struct = TEXT("{")}, "content_struct"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        enum status status = message_check(&cases[i].message, &fault);
        assert_int_equal(status == OK, cases[i].field == NULL);
        if (cases[i].field) assert_string_equal(fault.param, cases[i].field);
    }
}

static void what_nobody_writes_any_more_is_interrupted(void **state)
{
    assert_int_equal(message_state_at(MESSAGE_WRITING, 100, 100), MESSAGE_WRITING);
    assert_int_equal(message_state_at(MESSAGE_WRITING, 100, 101), MESSAGE_INTERRUPTED);
    assert_int_equal(message_state_at(MESSAGE_COMPLETE, 0, 101), MESSAGE_COMPLETE);
}

static void json_has_all_there_is(void **state)
{
    const struct message message = {
        .id = {{1}},
        .conversation_id = {{2}},
        .seq = 7,
        .sender = SENDER_ASSISTANT,
        .content = TEXT("a \"quoted\" \n line"),
        .content_struct = TEXT("{\"segments\":[]}"),
        .state = MESSAGE_INTERRUPTED,
        .created_us = 1795167760123456,
        .tokens_in = 3,
        .tokens_out = -1,
    };
    struct buffer out;
    buffer_init(&out);
    message_append_json(&out, &message);
    json_t *tree = json_loadb(out.data, out.length, 0, NULL);
    assert_non_null(tree);
    const char *content, *role, *at, *how;
    int seq, tokens;
    assert_int_equal(
        json_unpack(tree, "{s:s, s:s, s:i, s:i, s:n, s:{s:[]}, s:s, s:n, s:s}", "content", &content,
                    "role", &role, "seq", &seq, "token_count_in", &tokens, "token_count_out",
                    "content_struct", "segments", "created_at", &at, "meta", "state", &how),
        0);
    assert_string_equal(content, "a \"quoted\" \n line");
    assert_string_equal(role, "assistant");
    assert_string_equal(at, "2026-11-20T09:42:40.123456Z");
    assert_string_equal(how, "interrupted");
    assert_int_equal(seq, 7);
    assert_int_equal(tokens, 3);
    json_decref(tree);
    buffer_deinit(&out);
}

/* ---- cursors ---- */

static void a_cursor_comes_back_as_it_went(void **state)
{
    const struct page_cursor cursor = {1795167760123456, {{1, 2, 3, [15] = 255}}};
    struct page_cursor back;
    char word[CURSOR_BYTES];
    page_cursor_format(CURSOR_CONVERSATIONS, cursor, word);
    assert_int_equal(strlen(word), CURSOR_BYTES - 1);
    assert_ok(page_cursor_parse(CURSOR_CONVERSATIONS, text_of(word), &back, &fault), &fault);
    assert_int_equal(back.at, cursor.at);
    assert_true(uuid_equal(back.id, cursor.id));
}

static void foreign_cursors_are_refused(void **state)
{
    char word[CURSOR_BYTES];
    struct page_cursor back;
    page_cursor_format(CURSOR_MESSAGES, (struct page_cursor){.at = 5}, word);
    assert_status(page_cursor_parse(CURSOR_CONVERSATIONS, text_of(word), &back, &fault),
                  STATUS_INVALID);
    assert_string_equal(fault.param, "cursor");
    page_cursor_format(CURSOR_MESSAGES, (struct page_cursor){.at = -1}, word);
    assert_status(page_cursor_parse(CURSOR_MESSAGES, text_of(word), &back, &fault), STATUS_INVALID);
    static const char *const made_up[] = {"", "0", "2026-11-20", "AAAA", "' OR 1=1 --"};
    for (size_t i = 0; i < ARRAY_COUNT(made_up); i++)
        assert_status(page_cursor_parse(CURSOR_MESSAGES, text_of(made_up[i]), &back, &fault),
                      STATUS_INVALID);
}

/* ---- searching ---- */

static void what_is_typed_is_words_and_phrases(void **state)
{
    static const char *const cases[][2] = {
        {"quick fox", "\"quick\" \"fox\""},
        {"  \"brown  fox\" jumps", "\"brown fox\" \"jumps\""},
        {"fox* -lazy OR (dog) NEAR/2 content:x",
         "\"fox\" \"lazy\" \"OR\" \"dog\" \"NEAR\" \"2\""
         " \"content\" \"x\""},
        {"\"never closed fox", "\"never closed fox\""},
        {"a\"b\"c", "\"a\" \"b\" \"c\""},
        {"na\xc3\xafve", "\"na\xc3\xafve\""},
    };
    struct buffer out;
    buffer_init(&out);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        buffer_clear(&out);
        assert_ok(search_query_make(text_of(cases[i][0]), &out, &fault), &fault);
        assert_string_equal(out.data, cases[i][1]);
    }
    static const char *const wordless[] = {"", "   ", "\"\"", "*-+", "\xff"};
    for (size_t i = 0; i < ARRAY_COUNT(wordless); i++) {
        assert_status(search_query_make(text_of(wordless[i]), &out, &fault), STATUS_INVALID);
        assert_string_equal(fault.param, "q");
    }
    char many[2 * (SEARCH_WORDS_LIMIT + 1)];
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? ' ' : 'a';
    assert_status(search_query_make((struct text){many, sizeof many}, &out, &fault),
                  STATUS_INVALID);
    buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_is_made_of_the_first_words),
        cmocka_unit_test(a_made_title_is_never_too_long),
        cmocka_unit_test(titles_are_checked),
        cmocka_unit_test(messages_are_checked_by_field),
        cmocka_unit_test(what_nobody_writes_any_more_is_interrupted),
        cmocka_unit_test(json_has_all_there_is),
        cmocka_unit_test(a_cursor_comes_back_as_it_went),
        cmocka_unit_test(foreign_cursors_are_refused),
        cmocka_unit_test(what_is_typed_is_words_and_phrases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
