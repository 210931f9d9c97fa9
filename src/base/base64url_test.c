/* base64url_test.c - RFC 4648's examples, and that each value has one spelling. */
#include "base/base64url.h"

#include "base/test_support.h"

static void known_pairs(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        char letters[16], bytes[16];
        size_t length = strlen(pairs[i][0]);
        base64url_encode(pairs[i][0], length, letters);
        assert_string_equal(letters, pairs[i][1]);
        assert_int_equal(strlen(letters), BASE64URL_BYTES(length));
        assert_true(base64url_decode(text_of(letters), bytes, length));
        assert_memory_equal(bytes, pairs[i][0], length);
    }
}

static void one_spelling_only(void **state)
{
    static const char *const odd[] = {"Zh", "Z", "Zg==", "Zg ", "Z+", "Z/", "", "Zgg"};
    char bytes[4];
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++)
        assert_false(base64url_decode(text_of(odd[i]), bytes, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_pairs),
        cmocka_unit_test(one_spelling_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
