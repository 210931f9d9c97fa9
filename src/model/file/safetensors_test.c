/* safetensors_test.c - a good file is read, every kind of bad one is refused by name. */
#include "model/file/safetensors.h"

#include <math.h>
#include <stdlib.h>

#include "base/test_support.h"

/* A file of this header and `data_bytes` bytes 0, 1, 2, ...; in memory that ends where it ends. */
static enum status open_text(const char *header, size_t data_bytes, struct safetensors **file,
                             struct fault *fault)
{
    static unsigned char *bytes;
    free(bytes);
    uint64_t length = strlen(header);
    bytes = malloc(8 + length + data_bytes);
    memcpy(bytes, &length, 8);
    for (size_t i = 0; i < length; i++) bytes[8 + i] = (unsigned char)header[i];
    for (size_t i = 0; i < data_bytes; i++) bytes[8 + length + i] = (unsigned char)i;
    return safetensors_open_memory(file, bytes, 8 + length + data_bytes, fault);
}

static void assert_refused(const char *header, size_t data_bytes, enum status wanted,
                           const char *words)
{
    struct safetensors *file;
    struct fault fault = {.message = ""};
    enum status status = open_text(header, data_bytes, &file, &fault);
    if (status != wanted)
        fail_msg("%s: %s, not %s", words, status_name(status), status_name(wanted));
    assert_null(file);
    assert_contains(fault.message, words);
}

static void tensors_of_every_dtype_are_read(void **state)
{
    struct safetensors *file;
    struct fault fault;
    const char *header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"z\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[8,16]},"
        "\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[16,20]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[20,22]},"
        "\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[22,30]},"
        "\"e\":{\"dtype\":\"U8\",\"shape\":[0,7],\"data_offsets\":[30,30]}}";
    assert_ok(open_text(header, 30, &file, &fault), &fault);
    assert_int_equal(safetensors_count(file), 6);
    assert_true(text_equal(safetensors_at(file, 0)->name, TEXT("z"))); /* in the file's order */

    const struct safetensors_tensor *a = safetensors_find(file, "a");
    assert_int_equal(a->dimension_count, 2);
    assert_int_equal(a->shape[0], 2);
    float values[2], wanted[2];
    const unsigned char bytes[] = {8, 9, 10, 11, 12, 13, 14, 15};
    memcpy(wanted, bytes, sizeof bytes);
    safetensors_floats(a, 0, 2, values);
    assert_memory_equal(values, wanted, sizeof values);
    safetensors_floats(a, 1, 1, values);
    assert_true(values[0] == wanted[1]);
    safetensors_floats(safetensors_find(file, "h"), 1, 1, values);
    assert_true(values[0] == ldexpf(1024 + 0x312, 4 - 25)); /* 0x1312 */
    safetensors_floats(safetensors_find(file, "b"), 0, 1, values);
    uint32_t bfloat = 0x15140000;
    assert_memory_equal(values, &bfloat, 4);
    assert_true(safetensors_is_float(safetensors_find(file, "z")));
    assert_false(safetensors_is_float(safetensors_find(file, "i")));
    assert_int_equal(safetensors_find(file, "e")->values, 0);
    assert_int_equal(safetensors_find(file, "b")->values, 1);
    assert_null(safetensors_find(file, "__metadata__"));
    assert_null(safetensors_find(file, "q"));
    safetensors_close(file);
    safetensors_close(NULL);
}

static void headers_are_checked(void **state)
{
    struct safetensors *file;
    struct fault fault;
    assert_status(safetensors_open_memory(&file, "1234567", 7, &fault), STATUS_CORRUPT);
    const unsigned char long_header[16] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    assert_status(safetensors_open_memory(&file, long_header, 16, &fault), STATUS_CORRUPT);
    assert_contains(fault.message, "9 bytes");
    const unsigned char endless[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    assert_status(safetensors_open_memory(&file, endless, 8, &fault), STATUS_CORRUPT);
    assert_refused("[]", 0, STATUS_CORRUPT, "no JSON object");
    assert_refused("{\"a\":", 0, STATUS_CORRUPT, "no JSON object");
    assert_refused(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
        "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
        0, STATUS_CORRUPT, "duplicate");
}

/* One tensor "w" described by this text. */
static void assert_tensor_refused(const char *description, size_t data_bytes, enum status wanted,
                                  const char *words)
{
    char header[512];
    snprintf(header, sizeof header, "{\"w\":%s}", description);
    assert_refused(header, data_bytes, wanted, words);
}

static void tensors_are_checked(void **state)
{
    assert_tensor_refused("7", 0, STATUS_CORRUPT, "tensor \"w\": it has no dtype");
    assert_tensor_refused("{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}", 1,
                          STATUS_UNSUPPORTED, "F8_E4M3");
    assert_tensor_refused("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", 4, STATUS_CORRUPT, "shape");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}", 4,
                          STATUS_CORRUPT, "dimension 0");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}", 4,
                          STATUS_CORRUPT, "dimension 0");
    assert_tensor_refused("{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}",
                          1, STATUS_CORRUPT, "at most 8");
    assert_tensor_refused(
        "{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296,4],"
        "\"data_offsets\":[0,0]}",
        0, STATUS_CORRUPT, "overflows");
    assert_tensor_refused(
        "{\"dtype\":\"F64\",\"shape\":[2305843009213693952],"
        "\"data_offsets\":[0,0]}",
        0, STATUS_CORRUPT, "overflows");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}", 4,
                          STATUS_CORRUPT, "needs 8 bytes");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", 4,
                          STATUS_CORRUPT, "beyond the 4 bytes");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}", 4,
                          STATUS_CORRUPT, "no range");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}", 4,
                          STATUS_CORRUPT, "no range");
    assert_tensor_refused("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}", 4,
                          STATUS_CORRUPT, "no range");
}

static void tensors_tile_the_file(void **state)
{
    assert_refused(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
        7, STATUS_CORRUPT, "\"b\" overlaps");
    assert_refused(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[5,7]}}",
        7, STATUS_CORRUPT, "leaves a gap");
    assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 6,
                   STATUS_CORRUPT, "2 bytes at the end");
    assert_refused("{}", 1, STATUS_CORRUPT, "1 bytes at the end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_of_every_dtype_are_read),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(tensors_are_checked),
        cmocka_unit_test(tensors_tile_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
