/* kv_store_format_test.c - what is written can be read, nothing else can, and no two things in the
 * file lie in the same place. */
#include "inference/kv_store_format.h"

#include <stdlib.h>

#include "base/test_support.h"

static const struct hash_key KEY = {{3, 4}};

static void headers_come_back(void **state)
{
    const struct kv_store_header header = {
        .page_bytes = 360448, .slots = 1000, .identity = {"x"}, .key = KEY};
    struct kv_store_header read;
    unsigned char bytes[KV_STORE_HEADER_BYTES];
    struct fault fault;
    kv_store_header_write(&header, bytes);
    assert_memory_equal(bytes, "LIMKVST1", 8);
    assert_ok(kv_store_header_read(&read, bytes, &fault), &fault);
    assert_int_equal(read.page_bytes, header.page_bytes);
    assert_int_equal(read.slots, header.slots);
    assert_memory_equal(&read.identity, &header.identity, sizeof header.identity);
    assert_memory_equal(&read.key, &header.key, sizeof header.key);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_status(kv_store_header_read(&read, bytes, &fault),
                      i < 8 ? STATUS_INVALID : STATUS_CORRUPT);
        bytes[i] ^= 1;
    }
}

/* A right check does not make a wrong size right. */
static void senseless_sizes_are_refused(void **state)
{
    const struct kv_store_header headers[] = {
        {.page_bytes = 0, .slots = 1},
        {.page_bytes = 1, .slots = 0},
        {.page_bytes = (uint64_t)KV_STORE_PAGE_BYTES_MOST + 1, .slots = 1},
        {.page_bytes = 1, .slots = KV_STORE_SLOTS_MOST + 1},
    };
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++) {
        struct kv_store_header read;
        unsigned char bytes[KV_STORE_HEADER_BYTES];
        struct fault fault;
        kv_store_header_write(&headers[i], bytes);
        assert_status(kv_store_header_read(&read, bytes, &fault), STATUS_CORRUPT);
    }
}

static void records_come_back(void **state)
{
    struct kv_store_record record = {.label = {.name = {{1, 2}}}, .check = {{5, 6}}, .used = 77},
                           read;
    unsigned char bytes[KV_STORE_RECORD_BYTES];
    for (int i = 0; i < KV_PAGE_TOKENS; i++) record.label.tokens[i] = 1000 + i;
    kv_store_record_write(&record, &KEY, bytes);
    assert_true(kv_store_record_read(&read, &KEY, bytes));
    assert_memory_equal(&read, &record, sizeof record);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 0x80;
        assert_false(kv_store_record_read(&read, &KEY, bytes));
        bytes[i] ^= 0x80;
    }
    const struct hash_key other = {{3, 5}};
    assert_false(kv_store_record_read(&read, &other, bytes));
    memset(bytes, 0, sizeof bytes); /* an empty slot */
    assert_false(kv_store_record_read(&read, &KEY, bytes));
}

static void nothing_overlaps_and_all_fits(void **state)
{
    for (int i = 0; i < 1000; i++) {
        uint64_t page_bytes = 1 + (uint64_t)rand() % 2000000,
                 budget = (uint64_t)rand() % (1u << 30);
        const struct kv_store_header header = {.page_bytes = page_bytes,
                                               .slots = kv_store_slots_for(budget, page_bytes)};
        if (header.slots == 0) {
            assert_true(budget < page_bytes + 4 * KV_STORE_BLOCK);
            continue;
        }
        uint32_t last = header.slots - 1;
        assert_true(kv_store_record_at(0) >= KV_STORE_HEADER_BYTES);
        assert_true(kv_store_record_at(last) + KV_STORE_RECORD_BYTES <=
                    kv_store_page_at(&header, 0));
        assert_true(kv_store_page_at(&header, last) + page_bytes <= budget);
        assert_true(kv_store_page_at(&header, 1) - kv_store_page_at(&header, 0) >= page_bytes);
        assert_int_equal(kv_store_page_at(&header, last) % KV_STORE_BLOCK, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_come_back),
        cmocka_unit_test(senseless_sizes_are_refused),
        cmocka_unit_test(records_come_back),
        cmocka_unit_test(nothing_overlaps_and_all_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
