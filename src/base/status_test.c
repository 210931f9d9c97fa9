/* status_test.c - the table is whole, and faults are cut at characters, never inside one. */
#include "base/status.h"

#include "base/test_support.h"
#include "base/text.h"

static void every_status_has_a_row(void **state)
{
    for (int i = 0; i < STATUS_COUNT; i++) {
        assert_non_null(status_name((enum status)i));
        assert_non_null(status_error_type((enum status)i));
        assert_in_range(status_http_code((enum status)i), 200, 599);
        assert_in_range(status_exit_code((enum status)i), 0, 255);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(status_name((enum status)i), status_name((enum status)j));
        if (i != OK) assert_int_not_equal(status_exit_code((enum status)i), 0);
    }
    assert_int_equal(status_http_code(STATUS_COUNT), 500);
}

static void a_fault_carries_status_param_and_sentence(void **state)
{
    struct fault fault = {0};
    assert_int_equal(
        fault_set_param(&fault, STATUS_INVALID, "messages[2].role", "must be a string, is %d", 7),
        STATUS_INVALID);
    assert_string_equal(fault.param, "messages[2].role");
    assert_string_equal(fault.message, "must be a string, is 7");
    assert_int_equal(fault_set(&fault, STATUS_IO, "disk"), STATUS_IO);
    assert_string_equal(fault.param, "");
    fault_prefix(&fault, "model %s", "a.gguf");
    assert_string_equal(fault.message, "model a.gguf: disk");
    assert_int_equal(fault_set(NULL, STATUS_BUSY, "nobody listens"), STATUS_BUSY);
    fault_prefix(NULL, "nobody");
}

static void long_messages_are_cut_between_characters(void **state)
{
    char euros[3 * FAULT_MESSAGE_BYTES + 1];
    for (size_t i = 0; i < FAULT_MESSAGE_BYTES; i++) memcpy(euros + 3 * i, "€", 3);
    euros[3 * FAULT_MESSAGE_BYTES] = '\0';
    for (int shift = 0; shift < 4; shift++) {
        struct fault fault;
        fault_set(&fault, STATUS_INVALID, "%.*s%s", shift, "abc", euros);
        assert_true(utf8_valid(text_of(fault.message)));
        assert_true(strlen(fault.message) > FAULT_MESSAGE_BYTES - 4);
        fault_prefix(&fault, "%.*s", shift, "xyz");
        assert_true(utf8_valid(text_of(fault.message)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_row),
        cmocka_unit_test(a_fault_carries_status_param_and_sentence),
        cmocka_unit_test(long_messages_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
