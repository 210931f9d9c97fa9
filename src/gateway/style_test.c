/* style_test.c - the shapes of answers, read back with a JSON parser. */
#include "gateway/style.h"

#include <jansson.h>

#include "base/test_support.h"

static json_t *parse(struct buffer *buffer)
{
    json_error_t error;
    assert_false(buffer->failed);
    json_t *root = json_loadb(buffer->data, buffer->length, JSON_REJECT_DUPLICATES, &error);
    if (!root) fail_msg("%s", error.text);
    buffer_deinit(buffer);
    return root;
}

static const char *string_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void openai_errors_have_both_shapes(void **state)
{
    struct fault fault;
    struct buffer out;
    buffer_init(&out);
    fault_set_param(&fault, STATUS_INVALID, "temperature", "say \"less\"\n");
    openai_error_append(&out, STATUS_INVALID, &fault, NULL);
    json_t *root = parse(&out), *error = json_object_get(root, "error");
    assert_string_equal(string_at(error, "message"), "say \"less\"\n");
    assert_string_equal(string_at(error, "type"), "invalid_request_error");
    assert_string_equal(string_at(error, "param"), "temperature");
    assert_string_equal(string_at(error, "code"), "invalid_value");
    assert_string_equal(string_at(root, "detail"), "say \"less\"\n");
    json_decref(root);
}

static void envelopes_have_codes_that_stay(void **state)
{
    static const struct {
        enum status status;
        const char *code;
    } CODES[] = {
        {STATUS_UNAUTHORIZED, "unauthorized"}, {STATUS_FORBIDDEN, "forbidden"},
        {STATUS_NOT_FOUND, "not_found"},       {STATUS_BUSY, "rate_limited"},
        {STATUS_INVALID, "validation_error"},  {STATUS_CONFLICT, "conflict"},
        {STATUS_INTERNAL, "server_error"},     {STATUS_IO, "server_error"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CODES); i++) {
        struct buffer out;
        buffer_init(&out);
        envelope_error_append(&out, CODES[i].status, NULL, NULL, "id-1");
        json_t *root = parse(&out);
        assert_string_equal(string_at(root, "status"), "error");
        assert_string_equal(string_at(root, "request_id"), "id-1");
        assert_string_equal(string_at(json_object_get(root, "error"), "code"), CODES[i].code);
        json_decref(root);
    }
    struct buffer out;
    buffer_init(&out);
    envelope_append(&out, TEXT("[1,2]"), "id-2");
    json_t *root = parse(&out);
    assert_string_equal(string_at(root, "status"), "ok");
    assert_int_equal(json_array_size(json_object_get(root, "data")), 2);
    json_decref(root);
}

static void pages_cannot_be_broken_out_of(void **state)
{
    struct fault fault;
    struct buffer out;
    buffer_init(&out);
    fault_set(&fault, STATUS_INVALID, "<script>alert('x')</script> & \"more\"");
    page_error_append(&out, 400, &fault);
    assert_contains(out.data, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more");
    assert_null(strstr(out.data, "<script>"));
    buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openai_errors_have_both_shapes),
        cmocka_unit_test(envelopes_have_codes_that_stay),
        cmocka_unit_test(pages_cannot_be_broken_out_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
