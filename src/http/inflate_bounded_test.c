/* inflate_bounded_test.c - gzip bodies: whole, cut off, corrupt, and far too large. */
#include "http/inflate_bounded.h"

#include <stdlib.h>
#include <zlib.h>

#include "http/http_test_client.h"

/* A gzip member of `length` times the byte. */
static void append_gzip(struct buffer *out, char byte, size_t length)
{
    char *plain = malloc(length + 1);
    z_stream stream = {0};
    memset(plain, byte, length);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t bound = deflateBound(&stream, length);
    assert_true(buffer_reserve(out, bound));
    stream.next_in = (unsigned char *)plain;
    stream.avail_in = (unsigned)length;
    stream.next_out = (unsigned char *)out->data + out->length;
    stream.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length += bound - stream.avail_out;
    deflateEnd(&stream);
    free(plain);
}

static enum status inflate_to(struct text packed, size_t limit, size_t *length)
{
    struct buffer plain = {0};
    struct fault fault;
    enum status status = gzip_inflate(packed, limit, &plain, &fault);
    *length = plain.length;
    buffer_deinit(&plain);
    return status;
}

static void test_whole(void **state)
{
    static const size_t LENGTHS[] = {0, 1, 65535, 65536, 65537, 300000};
    for (size_t i = 0; i < ARRAY_COUNT(LENGTHS); i++) {
        struct buffer packed = {0};
        size_t length;
        append_gzip(&packed, 'x', LENGTHS[i]);
        assert_int_equal(inflate_to(buffer_text(&packed), 300000, &length), OK);
        assert_int_equal(length, LENGTHS[i]);
        /* exactly full is not too much, one byte more is */
        assert_int_equal(inflate_to(buffer_text(&packed), LENGTHS[i], &length), OK);
        if (LENGTHS[i] > 0)
            assert_int_equal(inflate_to(buffer_text(&packed), LENGTHS[i] - 1, &length),
                             STATUS_TOO_LARGE);
        buffer_deinit(&packed);
    }
}

static void test_members(void **state)
{
    struct buffer packed = {0}, plain = {0};
    struct fault fault;
    append_gzip(&packed, 'a', 3);
    append_gzip(&packed, 'b', 2);
    assert_int_equal(gzip_inflate(buffer_text(&packed), 100, &plain, &fault), OK);
    assert_string_equal(plain.data, "aaabb");
    buffer_deinit(&packed);
    buffer_deinit(&plain);
}

static void test_bomb(void **state)
{
    struct buffer packed = {0}, plain = {0};
    struct fault fault;
    append_gzip(&packed, '\0', 64 << 20);
    assert_true(packed.length < 100000);
    assert_int_equal(gzip_inflate(buffer_text(&packed), 1 << 20, &plain, &fault), STATUS_TOO_LARGE);
    assert_true(plain.capacity < 4 << 20); /* it was stopped early */
    buffer_deinit(&packed);
    buffer_deinit(&plain);
}

static void test_corrupt(void **state)
{
    struct buffer packed = {0};
    size_t length;
    append_gzip(&packed, 'x', 1000);
    for (size_t cut = 0; cut < packed.length; cut++)
        assert_int_equal(inflate_to((struct text){packed.data, cut}, 2000, &length),
                         STATUS_CORRUPT);
    packed.data[packed.length - 6] ^= 1; /* the checksum */
    assert_int_equal(inflate_to(buffer_text(&packed), 2000, &length), STATUS_CORRUPT);
    assert_int_equal(inflate_to(TEXT("{\"not\":\"gzip\"}"), 2000, &length), STATUS_CORRUPT);
    packed.data[packed.length - 6] ^= 1;
    buffer_append_string(&packed, "and more");
    assert_int_equal(inflate_to(buffer_text(&packed), 2000, &length), STATUS_CORRUPT);
    buffer_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
