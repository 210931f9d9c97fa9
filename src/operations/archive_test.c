/* archive_test.c - headers there and back, paths that must not be in an archive, and headers that
 * lie. What tar itself says of our archives is in tests/e2e/cli_stores.test.mjs. */
#include "operations/archive.h"

#include "base/test_support.h"

static struct fault fault;

/* All blocks of a header, read as a reader would. */
static enum status read_back(const struct buffer *blocks, struct archive_entry *entry)
{
    const unsigned char *at = (const unsigned char *)blocks->data;
    struct text records = TEXT("");
    enum archive_block kind;
    TRY(archive_read_header(at, entry, &kind, &fault));
    if (kind == ARCHIVE_EXTENSION) {
        records = (struct text){(const char *)at + ARCHIVE_BLOCK_BYTES, (size_t)entry->bytes};
        at += ARCHIVE_BLOCK_BYTES + entry->bytes + archive_padding(entry->bytes);
        TRY(archive_read_header(at, entry, &kind, &fault));
    }
    assert_int_equal(kind, ARCHIVE_FILE);
    return archive_read_extension(records, entry, &fault);
}

static void assert_comes_back(size_t path_length, uint64_t bytes)
{
    struct archive_entry entry = {.bytes = bytes, .mode = 0640, .modified_s = 1763640000}, read;
    struct buffer blocks;
    buffer_init(&blocks);
    for (size_t i = 0; i < path_length; i++) entry.path[i] = i % 50 == 49 ? '/' : 'a';
    archive_append_header(&blocks, &entry);
    assert_int_equal(blocks.length % ARCHIVE_BLOCK_BYTES, 0);
    assert_ok(read_back(&blocks, &read), &fault);
    assert_string_equal(read.path, entry.path);
    assert_int_equal(read.bytes, bytes);
    assert_int_equal(read.mode, 0640);
    assert_int_equal(read.modified_s, 1763640000);
    buffer_deinit(&blocks);
}

static void test_headers_come_back(void **state)
{
    static const size_t lengths[] = {1, 98, 99, 101, 102, 986, 987, 988, 1010, 1023};
    static const uint64_t sizes[] = {0, 1, 511, 512, 8589934591, 8589934592, 1000000000000000};
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++)
        for (size_t j = 0; j < ARRAY_COUNT(sizes); j++) assert_comes_back(lengths[i], sizes[j]);
}

static void test_paths_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"",    "/etc/passwd", "../x", "a/../x", "a/..",
                                      "./a", "a//b",        "a/",   "a\\b",   "a\nb",
                                      ".",   "..",          "\xff", "a/./b",  "\x7f x"};
    static const char *const good[] = {"a", "a/b", "..a", "a..", "a b/ü", "...", ".hidden"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        if (archive_path_is_safe(text_of(bad[i]))) fail_msg("\"%s\" is taken", bad[i]);
    for (size_t i = 0; i < ARRAY_COUNT(good); i++)
        if (!archive_path_is_safe(text_of(good[i]))) fail_msg("\"%s\" is refused", good[i]);
}

static void test_a_changed_header_is_refused(void **state)
{
    struct archive_entry entry = {.path = "files/a", .bytes = 7, .mode = 0600}, read;
    struct buffer blocks;
    enum archive_block kind;
    buffer_init(&blocks);
    archive_append_header(&blocks, &entry);
    for (size_t i = 0; i < ARCHIVE_BLOCK_BYTES; i++) {
        blocks.data[i] ^= 1;
        enum status status =
            archive_read_header((const unsigned char *)blocks.data, &read, &kind, &fault);
        blocks.data[i] ^= 1;
        /* the checksum's own end is a NUL and a space, which mean the same */
        if (status == OK && (strcmp(read.path, "files/a") != 0 || read.bytes != 7))
            fail_msg("a change at %zu was taken", i);
    }
    buffer_deinit(&blocks);
}

static void test_records_that_lie_are_refused(void **state)
{
    static const char *const bad[] = {"x",
                                      "5 a=b",
                                      "999 path=a\n",
                                      "0 path=a\n",
                                      "11 path=../\n",
                                      "9 size=x\n",
                                      "7 path\n",
                                      "10 path=/x\n",
                                      "10path=a/b\n",
                                      "30 size=99999999999999999999999\n"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct archive_entry entry = {0};
        assert_status(archive_read_extension(text_of(bad[i]), &entry, &fault), STATUS_CORRUPT);
    }
    struct archive_entry entry = {0};
    assert_ok(archive_read_extension(TEXT("11 mtime=1\n13 path=a/\xc3\xbc\n"), &entry, &fault),
              &fault);
    assert_string_equal(entry.path, "a/ü");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers_come_back),
        cmocka_unit_test(test_paths_that_lead_elsewhere_are_refused),
        cmocka_unit_test(test_a_changed_header_is_refused),
        cmocka_unit_test(test_records_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
