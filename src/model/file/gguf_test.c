/* gguf_test.c - reading what a writer wrote, and refusing what a hostile one would.
 *
 * Hostile files are put together byte by byte, so that each differs from a good one in one thing.
 */
#include "model/file/gguf.h"

#include <stdlib.h>

#include "base/test_support.h"

/* ---- a file of bytes ---- */

struct file {
    unsigned char bytes[4096];
    size_t length;
};

static void put(struct file *file, const void *bytes, size_t length)
{
    assert_true(file->length + length <= sizeof file->bytes);
    memcpy(file->bytes + file->length, bytes, length);
    file->length += length;
}

static void put_u32(struct file *file, uint32_t value)
{
    put(file, &value, sizeof value);
}

static void put_u64(struct file *file, uint64_t value)
{
    put(file, &value, sizeof value);
}

static void put_text(struct file *file, const char *text)
{
    put_u64(file, strlen(text));
    put(file, text, strlen(text));
}

static struct file start_file(uint32_t version, uint64_t tensors, uint64_t entries)
{
    struct file file = {.length = 0};
    put(&file, "GGUF", 4);
    put_u32(&file, version);
    put_u64(&file, tensors);
    put_u64(&file, entries);
    return file;
}

static void put_tensor(struct file *file, const char *name, uint32_t dimension_count,
                       const uint64_t *dimensions, uint32_t type, uint64_t offset)
{
    put_text(file, name);
    put_u32(file, dimension_count);
    for (uint32_t i = 0; i < dimension_count && i < 8; i++) put_u64(file, dimensions[i]);
    put_u32(file, type);
    put_u64(file, offset);
}

static void pad(struct file *file, size_t alignment)
{
    while (file->length % alignment) put(file, "", 1);
}

static void put_data(struct file *file, size_t length)
{
    pad(file, 32);
    for (size_t i = 0; i < length; i++) put(file, "x", 1);
}

/* A file of one tensor, with `data` bytes behind it. */
static struct file one_tensor(uint32_t dimension_count, const uint64_t *dimensions, uint32_t type,
                              uint64_t offset, size_t data)
{
    struct file file = start_file(3, 1, 0);
    put_tensor(&file, "w", dimension_count, dimensions, type, offset);
    put_data(&file, data);
    return file;
}

/* The bytes end where an allocation ends, so that reading beyond them is noticed. */
static enum status open_file(const struct file *file, struct gguf **gguf, struct fault *fault)
{
    static unsigned char *copy;
    free(copy);
    copy = malloc(file->length ? file->length : 1);
    memcpy(copy, file->bytes, file->length);
    return gguf_open_memory(gguf, copy, file->length, fault);
}

static void assert_refused(const struct file *file, enum status wanted, const char *words)
{
    struct gguf *gguf;
    struct fault fault = {.message = ""};
    enum status status = open_file(file, &gguf, &fault);
    if (status != wanted)
        fail_msg("%s: %s, not %s", words, status_name(status), status_name(wanted));
    assert_null(gguf);
    assert_contains(fault.message, words);
}

/* ---- good files ---- */

static void both_versions_and_all_kinds_are_read(void **state)
{
    for (uint32_t version = 2; version <= 3; version++) {
        struct file file = start_file(version, 2, 7);
        put_text(&file, "u8"), put_u32(&file, GGUF_U8), put(&file, "\xff", 1);
        put_text(&file, "i16"), put_u32(&file, GGUF_I16), put(&file, "\xfe\xff", 2);
        put_text(&file, "i64"), put_u32(&file, GGUF_I64), put_u64(&file, (uint64_t)-5);
        put_text(&file, "f64"), put_u32(&file, GGUF_F64), put(&file, &(double){0.25}, 8);
        put_text(&file, "yes"), put_u32(&file, GGUF_BOOL), put(&file, "\1", 1);
        put_text(&file, "name"), put_u32(&file, GGUF_STRING), put_text(&file, "tiny");
        put_text(&file, "list"), put_u32(&file, GGUF_ARRAY), put_u32(&file, GGUF_STRING);
        put_u64(&file, 2), put_text(&file, "a"), put_text(&file, "");
        put_tensor(&file, "second", 1, (uint64_t[]){4}, TENSOR_F32, 64);
        put_tensor(&file, "first", 2, (uint64_t[]){32, 1}, TENSOR_Q4_0, 0);
        put_data(&file, 80);
        struct gguf *gguf;
        struct fault fault;
        assert_ok(open_file(&file, &gguf, &fault), &fault);

        assert_int_equal(gguf_version(gguf), version);
        assert_int_equal(gguf_entry_count(gguf), 7);
        assert_true(text_equal(gguf_entry_at(gguf, 0)->key, TEXT("u8")));
        assert_int_equal(gguf_find(gguf, "u8")->u, 255);
        assert_int_equal(gguf_find(gguf, "i16")->i, -2);
        assert_int_equal(gguf_find(gguf, "i64")->i, -5);
        assert_true(gguf_find(gguf, "f64")->f == 0.25);
        const struct gguf_value *list = gguf_find(gguf, "list");
        assert_int_equal(list->array.count, 2);
        assert_true(text_equal(list->array.strings[0], TEXT("a")));
        assert_int_equal(list->array.strings[1].length, 0);
        assert_null(gguf_find(gguf, "nam"));
        assert_null(gguf_find(gguf, ""));

        const struct gguf_tensor *tensor = gguf_find_tensor(gguf, "first");
        assert_int_equal(tensor->bytes, 18);
        assert_int_equal(tensor->dimensions[0], 32);
        assert_int_equal(tensor->dimensions[3], 1);
        assert_memory_equal(tensor->data, "xxxxxxxxxxxxxxxxxx", 18);
        assert_true(gguf_tensor_at(gguf, 0)->data == (const char *)tensor->data + 64);
        assert_null(gguf_find_tensor(gguf, "third"));
        gguf_close(gguf);
    }
}

static void typed_look_ups_convert_and_check(void **state)
{
    struct file file = start_file(3, 0, 6);
    put_text(&file, "small"), put_u32(&file, GGUF_U16), put(&file, "\7\0", 2);
    put_text(&file, "signed"), put_u32(&file, GGUF_I32), put_u32(&file, 9);
    put_text(&file, "negative"), put_u32(&file, GGUF_I32), put_u32(&file, (uint32_t)-1);
    put_text(&file, "large"), put_u32(&file, GGUF_U64), put_u64(&file, 1ull << 32);
    put_text(&file, "ratio"), put_u32(&file, GGUF_F32), put(&file, &(float){0.5f}, 4);
    put_text(&file, "text"), put_u32(&file, GGUF_STRING), put_text(&file, "t");
    struct gguf *gguf;
    struct fault fault;
    assert_ok(open_file(&file, &gguf, &fault), &fault);
    uint32_t number;
    float ratio;
    bool truth;
    struct text text;
    assert_ok(gguf_u32(gguf, "small", 0, &number, &fault), &fault);
    assert_int_equal(number, 7);
    assert_ok(gguf_u32(gguf, "signed", 0, &number, &fault), &fault);
    assert_int_equal(number, 9);
    assert_ok(gguf_u32(gguf, "absent", 42, &number, &fault), &fault);
    assert_int_equal(number, 42);
    assert_status(gguf_u32(gguf, "negative", 0, &number, &fault), STATUS_CORRUPT);
    assert_contains(fault.message, "negative");
    assert_status(gguf_u32(gguf, "large", 0, &number, &fault), STATUS_CORRUPT);
    assert_status(gguf_u32(gguf, "ratio", 0, &number, &fault), STATUS_CORRUPT);
    assert_contains(fault.message, "f32");
    assert_ok(gguf_f32(gguf, "ratio", 0, &ratio, &fault), &fault);
    assert_true(ratio == 0.5f);
    assert_status(gguf_f32(gguf, "small", 0, &ratio, &fault), STATUS_CORRUPT);
    assert_status(gguf_bool(gguf, "text", false, &truth, &fault), STATUS_CORRUPT);
    assert_ok(gguf_bool(gguf, "absent", true, &truth, &fault), &fault);
    assert_true(truth);
    assert_ok(gguf_string(gguf, "text", TEXT(""), &text, &fault), &fault);
    assert_true(text_equal(text, TEXT("t")));
    assert_status(gguf_string(gguf, "small", TEXT(""), &text, &fault), STATUS_CORRUPT);
    gguf_close(gguf);
}

/* ---- hostile files ---- */

static void headers_are_checked(void **state)
{
    struct file file = {.length = 0};
    assert_refused(&file, STATUS_CORRUPT, "ends inside");
    put(&file, "GGML", 4);
    assert_refused(&file, STATUS_CORRUPT, "not a GGUF file");
    file = start_file(1, 0, 0);
    assert_refused(&file, STATUS_UNSUPPORTED, "version 1");
    file = start_file(0x03000000, 0, 0);
    assert_refused(&file, STATUS_UNSUPPORTED, "big-endian");
    file = start_file(3, 0, UINT64_MAX);
    assert_refused(&file, STATUS_CORRUPT, "entries");
    file = start_file(3, 1ull << 60, 0);
    assert_refused(&file, STATUS_CORRUPT, "tensors");
}

static void every_cut_is_noticed(void **state)
{
    struct file whole = start_file(3, 1, 2);
    put_text(&whole, "name"), put_u32(&whole, GGUF_STRING), put_text(&whole, "tiny");
    put_text(&whole, "list"), put_u32(&whole, GGUF_ARRAY), put_u32(&whole, GGUF_I32);
    put_u64(&whole, 2), put_u64(&whole, 0);
    put_tensor(&whole, "w", 1, (uint64_t[]){4}, TENSOR_F32, 0);
    put_data(&whole, 16);
    struct gguf *gguf;
    struct fault fault;
    assert_ok(open_file(&whole, &gguf, &fault), &fault);
    gguf_close(gguf);
    while (whole.length--) assert_status(open_file(&whole, &gguf, &fault), STATUS_CORRUPT);
}

static void strings_and_arrays_stay_inside(void **state)
{
    struct file file = start_file(3, 0, 1);
    put_u64(&file, UINT64_MAX), put(&file, "abcdefgh", 8);
    assert_refused(&file, STATUS_CORRUPT, "claims 18446744073709551615 bytes");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_STRING), put_u64(&file, 1ull << 40);
    assert_refused(&file, STATUS_CORRUPT, "key \"k\"");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_ARRAY), put_u32(&file, GGUF_U64);
    put_u64(&file, 1ull << 61); /* times 8 is 0 */
    assert_refused(&file, STATUS_CORRUPT, "cannot fit");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_ARRAY), put_u32(&file, GGUF_STRING);
    put_u64(&file, 1ull << 40);
    assert_refused(&file, STATUS_CORRUPT, "cannot fit");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_ARRAY), put_u32(&file, GGUF_ARRAY);
    put_u64(&file, 1);
    assert_refused(&file, STATUS_UNSUPPORTED, "an array again");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_ARRAY), put_u32(&file, 77), put_u64(&file, 0);
    assert_refused(&file, STATUS_CORRUPT, "kind 77");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, 13), put_u64(&file, 0);
    assert_refused(&file, STATUS_CORRUPT, "unknown kind 13");
    file = start_file(3, 0, 1);
    put_text(&file, "k"), put_u32(&file, GGUF_BOOL), put(&file, "\2", 1);
    assert_refused(&file, STATUS_CORRUPT, "bool");
}

static void names_are_unique(void **state)
{
    struct file file = start_file(3, 0, 2);
    for (int i = 0; i < 2; i++)
        put_text(&file, "again"), put_u32(&file, GGUF_U32), put_u32(&file, 1);
    assert_refused(&file, STATUS_CORRUPT, "\"again\" appears twice");
    file = start_file(3, 2, 0);
    put_tensor(&file, "w", 1, (uint64_t[]){8}, TENSOR_F32, 0);
    put_tensor(&file, "w", 1, (uint64_t[]){8}, TENSOR_F32, 32);
    put_data(&file, 64);
    assert_refused(&file, STATUS_CORRUPT, "\"w\" appears twice");
}

static void tensor_shapes_are_checked(void **state)
{
    const uint64_t huge = 1ull << 32;
    struct file file = one_tensor(0, NULL, TENSOR_F32, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "0 dimensions");
    file = one_tensor(5, (uint64_t[]){1, 1, 1, 1, 1}, TENSOR_F32, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "5 dimensions");
    file = one_tensor(2, (uint64_t[]){4, 0}, TENSOR_F32, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "dimension 1 is 0");
    file = one_tensor(1, (uint64_t[]){UINT64_MAX}, TENSOR_F32, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "out of range");
    file = one_tensor(3, (uint64_t[]){huge, huge, 2}, TENSOR_F32, 0, 64); /* product 0 */
    assert_refused(&file, STATUS_CORRUPT, "out of range");
    file = one_tensor(1, (uint64_t[]){1ull << 62}, TENSOR_F32, 0, 64); /* times 4 is 0 */
    assert_refused(&file, STATUS_CORRUPT, "overflows");
    file = one_tensor(1, (uint64_t[]){100}, TENSOR_Q4_K, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "do not divide into Q4_K blocks");
    /* the product divides, a row does not */
    file = one_tensor(2, (uint64_t[]){16, 2}, TENSOR_Q4_0, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "rows of 16");
}

static void tensor_types_are_named(void **state)
{
    struct file file = one_tensor(1, (uint64_t[]){256}, 29, 0, 64);
    assert_refused(&file, STATUS_UNSUPPORTED, "29 (IQ1_M)");
    assert_refused(&file, STATUS_UNSUPPORTED, "IQ4_XS");
    file = one_tensor(1, (uint64_t[]){256}, (uint32_t)-1, 0, 64);
    assert_refused(&file, STATUS_UNSUPPORTED, "-1 (unknown)");
    file = one_tensor(1, (uint64_t[]){256}, 4, 0, 64);
    assert_refused(&file, STATUS_UNSUPPORTED, "4 (unknown)");
}

static void tensor_places_are_checked(void **state)
{
    struct file file = one_tensor(1, (uint64_t[]){17}, TENSOR_F32, 0, 64);
    assert_refused(&file, STATUS_CORRUPT, "beyond the end");
    file = one_tensor(1, (uint64_t[]){4}, TENSOR_F32, 64, 64);
    assert_refused(&file, STATUS_CORRUPT, "beyond the end");
    file = one_tensor(1, (uint64_t[]){4}, TENSOR_F32, UINT64_MAX - 31, 64);
    assert_refused(&file, STATUS_CORRUPT, "beyond the end");
    file = one_tensor(1, (uint64_t[]){4}, TENSOR_F32, 4, 64);
    assert_refused(&file, STATUS_CORRUPT, "no multiple of the alignment");
    file = one_tensor(1, (uint64_t[]){4}, TENSOR_F32, 0, 0); /* the header ends the file */
    assert_refused(&file, STATUS_CORRUPT, "beyond the end");
    file = start_file(3, 2, 0);
    put_tensor(&file, "a", 1, (uint64_t[]){16}, TENSOR_F32, 0);
    put_tensor(&file, "b", 1, (uint64_t[]){8}, TENSOR_F32, 32);
    put_data(&file, 64);
    assert_refused(&file, STATUS_CORRUPT, "overlap");
}

static void put_alignment(struct file *file, uint32_t kind, const void *value, size_t length)
{
    put_text(file, "general.alignment"), put_u32(file, kind), put(file, value, length);
}

static void alignment_is_a_power_of_two(void **state)
{
    const uint32_t bad[] = {0, 3, 48, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct file file = start_file(3, 0, 1);
        put_alignment(&file, GGUF_U32, &bad[i], sizeof bad[i]);
        assert_refused(&file, STATUS_CORRUPT, "no power of two");
    }
    struct file file = start_file(3, 0, 1);
    put_alignment(&file, GGUF_F32, &(float){32}, sizeof(float));
    assert_refused(&file, STATUS_CORRUPT, "general.alignment");
    file = start_file(3, 1, 1);
    put_alignment(&file, GGUF_U32, &(uint32_t){1u << 31}, sizeof(uint32_t));
    put_tensor(&file, "w", 1, (uint64_t[]){4}, TENSOR_F32, 0);
    put_data(&file, 64);
    assert_refused(&file, STATUS_CORRUPT, "beyond the end");
    file = start_file(3, 2, 1); /* one that is fine */
    put_alignment(&file, GGUF_U32, &(uint32_t){8}, sizeof(uint32_t));
    put_tensor(&file, "v", 1, (uint64_t[]){1}, TENSOR_F32, 0);
    put_tensor(&file, "w", 1, (uint64_t[]){1}, TENSOR_F32, 8);
    pad(&file, 8);
    put(&file, "0123456789ab", 12);
    struct gguf *gguf;
    struct fault fault;
    assert_ok(open_file(&file, &gguf, &fault), &fault);
    assert_memory_equal(gguf_find_tensor(gguf, "w")->data, "89ab", 4);
    gguf_close(gguf);
}

static void a_missing_file_is_named(void **state)
{
    struct gguf *gguf;
    struct fault fault;
    assert_status(gguf_open(&gguf, "/nowhere/model.gguf", &fault), STATUS_NOT_FOUND);
    assert_contains(fault.message, "/nowhere/model.gguf");
    assert_null(gguf);
    gguf_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_and_all_kinds_are_read),
        cmocka_unit_test(typed_look_ups_convert_and_check),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(strings_and_arrays_stay_inside),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(tensor_shapes_are_checked),
        cmocka_unit_test(tensor_types_are_named),
        cmocka_unit_test(tensor_places_are_checked),
        cmocka_unit_test(alignment_is_a_power_of_two),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
