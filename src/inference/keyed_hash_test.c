/* keyed_hash_test.c - against OpenSSL's SIPHASH (`openssl mac -macopt size:16`). */
#include "inference/keyed_hash.h"

#include "base/test_support.h"

/* Of the bytes (7 i + 3) mod 256, under the key 00 01 .. 0f. */
static const struct {
    size_t length;
    unsigned char hash[16];
} VECTORS[] = {
    {0, "\xA3\x81\x7F\x04\xBA\x25\xA8\xE6\x6D\xF6\x72\x14\xC7\x55\x02\x93"},
    {1, "\x15\x2E\xD8\x80\x1E\x71\xB0\x36\x90\x36\xFD\xF7\x52\xC9\x82\x2E"},
    {7, "\x4D\xC8\xEC\x25\xA1\x9C\xAB\x46\x36\xD4\x48\x72\xE4\xE8\xD6\xFF"},
    {8, "\xC3\x8B\x67\x77\xA9\xD6\x3D\x87\xA6\x2E\x15\x82\x17\x0F\xCE\x58"},
    {15, "\xA7\xA5\xD0\xED\x3E\xDC\x27\xC1\x12\xB4\x9A\x52\x13\xDC\xF5\xEE"},
    {16, "\xE3\xE7\x29\xBD\x44\xB0\x72\xB7\x82\xF4\xBA\xA4\x2E\xAE\x65\xBD"},
    {63, "\x82\x06\xEF\x49\xA5\x60\xCD\xFD\x2F\x21\x71\xB1\x5F\x9C\xF3\xBC"},
    {80, "\x9D\x24\xA7\xD0\xF8\x02\x8E\x81\x97\xEC\x59\x34\xC0\x27\x69\x33"},
    {200, "\x51\x1A\x87\x30\x9C\x0E\x51\x05\xD3\xE7\xA5\x42\xC0\x0E\xFD\x4E"},
};

static const struct hash_key KEY = {{0x0706050403020100u, 0x0F0E0D0C0B0A0908u}};

static void hashes_are_those_of_openssl(void **state)
{
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(7 * i + 3);
    for (size_t i = 0; i < ARRAY_COUNT(VECTORS); i++) {
        struct hash128 hash = keyed_hash(&KEY, bytes, VECTORS[i].length);
        assert_memory_equal(&hash, VECTORS[i].hash, sizeof hash);
    }
}

static void another_key_gives_another_hash(void **state)
{
    struct hash_key other = KEY;
    other.words[1] ^= 1;
    assert_false(hash128_equal(keyed_hash(&KEY, "abc", 3), keyed_hash(&other, "abc", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_openssl),
        cmocka_unit_test(another_key_gives_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
