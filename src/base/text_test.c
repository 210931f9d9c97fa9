/* text_test.c - texts, buffers, and UTF-8 held against its definition over all code points. */
#include "base/text.h"

#include "base/test_support.h"

static void texts_compare_find_and_trim(void **state)
{
    assert_true(text_equal(TEXT("abc"), text_of("abc")));
    assert_true(text_equal(text_of(NULL), TEXT("")));
    assert_true(text_equal_ignore_case(TEXT("Content-Length"), TEXT("content-length")));
    assert_false(text_equal_ignore_case(TEXT("a"), TEXT("ab")));
    assert_true(text_starts_with(TEXT("Bearer x"), TEXT("Bearer ")));
    assert_false(text_starts_with(TEXT("Be"), TEXT("Bearer ")));
    assert_true(text_ends_with(TEXT("m.gguf"), TEXT(".gguf")));
    assert_false(text_ends_with(TEXT("gguf"), TEXT(".gguf")));
    assert_int_equal(text_find(TEXT("a,b"), TEXT(",")), 1);
    assert_true(text_find(TEXT("ab"), TEXT(",")) == SIZE_MAX);
    assert_true(text_equal(text_trim(TEXT(" \t a b \r\n")), TEXT("a b")));
    assert_int_equal(text_trim(TEXT("  ")).length, 0);
    assert_true(text_equal(text_slice(TEXT("hello"), 1, 3), TEXT("el")));
    assert_int_equal(text_slice(TEXT("hello"), 4, 2).length, 0);
    assert_true(text_equal(text_slice(TEXT("hello"), 2, 99), TEXT("llo")));
}

static void a_buffer_grows_and_stays_terminated(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer);
    assert_int_equal(buffer_text(&buffer).length, 0);
    for (int i = 0; i < 1000; i++) buffer_printf(&buffer, "%d,", i);
    buffer_append_char(&buffer, '.');
    buffer_append_string(&buffer, "end");
    assert_int_equal(strlen(buffer.data), buffer.length);
    assert_true(text_ends_with(buffer_text(&buffer), TEXT("999,.end")));
    buffer_append(&buffer, "a\0b", 3);
    assert_memory_equal(buffer.data + buffer.length - 3, "a\0b", 3);
    assert_status(buffer_status(&buffer, NULL), OK);
    buffer_clear(&buffer);
    assert_int_equal(buffer.length, 0);
    buffer_deinit(&buffer);
}

static void a_buffer_that_failed_says_so_and_keeps_what_it_has(void **state)
{
    struct buffer buffer;
    struct fault fault;
    buffer_init(&buffer);
    buffer_append_string(&buffer, "kept");
    assert_false(buffer_reserve(&buffer, SIZE_MAX));
    buffer_append_string(&buffer, "ignored");
    assert_string_equal(buffer.data, "kept");
    assert_status(buffer_status(&buffer, &fault), STATUS_NO_MEMORY);
    buffer_deinit(&buffer);
}

static void utf8_round_trips_every_code_point(void **state)
{
    for (uint32_t c = 0; c <= 0x110010; c++) {
        char bytes[4];
        size_t length = utf8_encode(c, bytes);
        bool is_character = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
        assert_int_equal(length != 0, is_character);
        if (!length) continue;
        uint32_t back = 0;
        assert_int_equal(utf8_decode(bytes, length, &back), length);
        assert_int_equal(back, c);
        for (size_t cut = 1; cut < length; cut++) {
            assert_int_equal(utf8_decode(bytes, cut, &back), 0);
            assert_int_equal(utf8_complete_prefix((struct text){bytes, cut}), 0);
        }
        assert_int_equal(utf8_complete_prefix((struct text){bytes, length}), length);
    }
}

static void invalid_utf8_is_refused_and_replaced(void **state)
{
    static const char *const BAD[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "a\xC3",
                                      "\xE2\x82"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        assert_false(utf8_valid(text_of(BAD[i])));
        struct buffer buffer;
        buffer_init(&buffer);
        buffer_append_utf8_lossy(&buffer, text_of(BAD[i]));
        assert_true(utf8_valid(buffer_text(&buffer)));
        buffer_deinit(&buffer);
    }
    /* What can never become a character is not held back. */
    assert_int_equal(utf8_complete_prefix(TEXT("a\xFF")), 2);
    assert_int_equal(utf8_complete_prefix(TEXT("a\xED\xA0")), 3);
    assert_int_equal(utf8_complete_prefix(TEXT("a\xF0\x9F\x98")), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_compare_find_and_trim),
        cmocka_unit_test(a_buffer_grows_and_stays_terminated),
        cmocka_unit_test(a_buffer_that_failed_says_so_and_keeps_what_it_has),
        cmocka_unit_test(utf8_round_trips_every_code_point),
        cmocka_unit_test(invalid_utf8_is_refused_and_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
