/* uuid_test.c - text and back, order, and what is refused. */
#include "base/uuid.h"

#include "base/test_support.h"

static void text_and_back(void **state)
{
    struct uuid id, again;
    char text[UUID_TEXT_BYTES];
    assert_true(uuid_parse(TEXT("01936F2C-8a3e-7c41-9d2b-5e0f4a6b7c8d"), &id));
    uuid_format(id, text);
    assert_string_equal(text, "01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d");
    assert_true(uuid_parse(text_of(text), &again));
    assert_true(uuid_equal(id, again));
    assert_false(uuid_is_nil(id));
    assert_true(uuid_parse(TEXT("00000000-0000-0000-0000-000000000000"), &id));
    assert_true(uuid_is_nil(id));
}

static void refuses_what_is_none(void **state)
{
    static const char *const odd[] = {
        "",
        "01936f2c8a3e7c419d2b5e0f4a6b7c8d",
        "01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8",
        "01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8d0",
        "01936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8g",
        "01936f2c08a3e-7c41-9d2b-5e0f4a6b7c8d",
        "{1936f2c-8a3e-7c41-9d2b-5e0f4a6b7c8}",
    };
    struct uuid id;
    for (size_t i = 0; i < ARRAY_COUNT(odd); i++) assert_false(uuid_parse(text_of(odd[i]), &id));
}

/* The example of RFC 9562, appendix A.6. */
static void version_7(void **state)
{
    const unsigned char random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid_v7(0x017F22E279B0, random), text);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    struct uuid early = uuid_v7(1000, random), late = uuid_v7(1001, (unsigned char[10]){0});
    assert_true(memcmp(early.bytes, late.bytes, sizeof early.bytes) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_back),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(version_7),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
