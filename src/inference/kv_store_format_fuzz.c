/* kv_store_format_fuzz.c - arbitrary bytes as the beginning of a store's file. What is taken must
 * be within its bounds and come back the same. The first byte says whether the checks of header and
 * records are put right first, so that what lies behind them is reached, too. */
#include <assert.h>
#include <string.h>

#include "inference/kv_store_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHECK_BYTES = 16, RECORD_CHECK_BYTES = 8 };

static void expect_same(const void *a, const void *b, size_t length)
{
    assert(memcmp(a, b, length) == 0);
}

static void put_header_right(unsigned char *bytes)
{
    struct hash_key key;
    memcpy(&key, bytes + 56, sizeof key); /* docs/format-kv-store.md */
    struct hash128 check = keyed_hash(&key, bytes, KV_STORE_HEADER_BYTES - CHECK_BYTES);
    memcpy(bytes + KV_STORE_HEADER_BYTES - CHECK_BYTES, &check, CHECK_BYTES);
}

static void put_record_right(unsigned char *bytes, const struct hash_key *key)
{
    struct hash128 check = keyed_hash(key, bytes, KV_STORE_RECORD_BYTES - RECORD_CHECK_BYTES);
    memcpy(bytes + KV_STORE_RECORD_BYTES - RECORD_CHECK_BYTES, &check, RECORD_CHECK_BYTES);
}

static void read_record(const struct kv_store_header *header, const uint8_t *data, bool put_right)
{
    unsigned char bytes[KV_STORE_RECORD_BYTES], again[KV_STORE_RECORD_BYTES];
    struct kv_store_record record;
    memcpy(bytes, data, sizeof bytes);
    if (put_right) put_record_right(bytes, &header->key);
    bool is_read = kv_store_record_read(&record, &header->key, bytes);
    assert(is_read || !put_right);
    if (!is_read) return;
    kv_store_record_write(&record, &header->key, again);
    expect_same(bytes, again, sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + KV_STORE_HEADER_BYTES) return 0;
    bool put_right = data[0] & 1;
    unsigned char bytes[KV_STORE_HEADER_BYTES];
    memcpy(bytes, data + 1, sizeof bytes);
    if (put_right) put_header_right(bytes);
    struct kv_store_header header;
    struct fault fault;
    enum status status = kv_store_header_read(&header, bytes, &fault);
    assert(status == OK || status == STATUS_INVALID || status == STATUS_CORRUPT);
    if (status != OK) return 0;
    assert(header.slots > 0 && header.slots <= KV_STORE_SLOTS_MOST);
    uint32_t last = header.slots - 1;
    assert(kv_store_page_at(&header, last) >= kv_store_record_at(last));
    data += 1 + KV_STORE_HEADER_BYTES;
    size -= 1 + KV_STORE_HEADER_BYTES;
    for (; size >= KV_STORE_RECORD_BYTES;
         data += KV_STORE_RECORD_BYTES, size -= KV_STORE_RECORD_BYTES)
        read_record(&header, data, put_right);
    return 0;
}
