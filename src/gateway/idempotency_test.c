/* idempotency_test.c - records come back as they were written, and nothing else does. */
#include "gateway/idempotency.h"

#include "base/test_support.h"

static const struct idempotency_record ANSWERED = {
    .state = RECORD_ANSWERED,
    .fingerprint = {1, 2, 3},
    .http_code = 201,
    .content_type = {"application/json", 16},
    .body = {"{\"a\":\0}", 7},
};

static void records_come_back(void **state)
{
    for (int s = RECORD_RUNNING; s <= RECORD_TOO_LONG; s++) {
        struct idempotency_record record = ANSWERED, read;
        struct buffer bytes;
        struct fault fault;
        record.state = (enum record_state)s;
        buffer_init(&bytes);
        idempotency_record_write(&bytes, &record);
        assert_ok(idempotency_record_read(buffer_text(&bytes), &read, &fault), &fault);
        assert_int_equal(read.state, s);
        assert_memory_equal(read.fingerprint, record.fingerprint, FINGERPRINT_BYTES);
        if (s == RECORD_ANSWERED) {
            assert_int_equal(read.http_code, 201);
            assert_true(text_equal(read.content_type, record.content_type));
            assert_true(text_equal(read.body, record.body));
        }
        buffer_deinit(&bytes);
    }
}

static void damaged_records_are_refused(void **state)
{
    struct buffer bytes;
    struct fault fault;
    struct idempotency_record read;
    buffer_init(&bytes);
    idempotency_record_write(&bytes, &ANSWERED);
    size_t body_begins = bytes.length - ANSWERED.body.length;
    for (size_t length = 0; length < body_begins; length++)
        assert_status(
            idempotency_record_read(text_slice(buffer_text(&bytes), 0, length), &read, &fault),
            STATUS_CORRUPT);
    bytes.data[0] = 'x';
    assert_status(idempotency_record_read(buffer_text(&bytes), &read, &fault), STATUS_CORRUPT);
    buffer_deinit(&bytes);
}

static void only_the_same_request_is_replayed(void **state)
{
    struct fault fault;
    struct idempotency_record record = ANSWERED;
    unsigned char other[FINGERPRINT_BYTES] = {9};
    assert_ok(idempotency_judge(&record, ANSWERED.fingerprint, &fault), &fault);
    assert_status(idempotency_judge(&record, other, &fault), STATUS_CONFLICT);
    assert_contains(fault.message, "another request");
    record.state = RECORD_RUNNING;
    assert_status(idempotency_judge(&record, ANSWERED.fingerprint, &fault), STATUS_CONFLICT);
    assert_contains(fault.message, "being answered");
    record.state = RECORD_TOO_LONG;
    assert_status(idempotency_judge(&record, ANSWERED.fingerprint, &fault), STATUS_CONFLICT);
}

static void keys_are_visible_and_short(void **state)
{
    struct fault fault;
    char longest[IDEMPOTENCY_KEY_BYTES + 2];
    memset(longest, 'k', sizeof longest);
    assert_ok(idempotency_key_check(TEXT("8e03978e-40d5"), &fault), &fault);
    assert_ok(idempotency_key_check((struct text){longest, IDEMPOTENCY_KEY_BYTES}, &fault), &fault);
    const struct text bad[] = {
        TEXT(""), TEXT("a b"), TEXT("a\n"), TEXT("\xC3\xA9"), {longest, IDEMPOTENCY_KEY_BYTES + 1}};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        assert_status(idempotency_key_check(bad[i], &fault), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(only_the_same_request_is_replayed),
        cmocka_unit_test(keys_are_visible_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
