/* kv_store_format.c - see kv_store_format.h. Numbers are little endian. */
#include "inference/kv_store_format.h"

#include <assert.h>
#include <string.h>

static const char MAGIC[8] = {'L', 'I', 'M', 'K', 'V', 'S', 'T', '1'};

/* The structs are the bytes: every member is a multiple of 4 bytes, at its own alignment. */
struct raw_header {
    char magic[8];
    uint64_t page_bytes;
    uint32_t page_tokens, slots;
    struct kv_store_identity identity;
    struct hash_key key;
    unsigned char zeros[40];
    struct hash128 check; /* of all before it */
};

struct raw_record {
    struct page_label label;
    struct hash128 check;
    uint64_t used;
    uint64_t record_check; /* of all before it */
};

_Static_assert(sizeof(struct raw_header) == KV_STORE_HEADER_BYTES, "no padding");
_Static_assert(sizeof(struct raw_record) == KV_STORE_RECORD_BYTES, "no padding");

static struct hash128 header_check(const struct raw_header *raw)
{
    return keyed_hash(&raw->key, raw, offsetof(struct raw_header, check));
}

void kv_store_header_write(const struct kv_store_header *header,
                           unsigned char bytes[KV_STORE_HEADER_BYTES])
{
    struct raw_header raw = {
        .page_bytes = header->page_bytes,
        .page_tokens = KV_PAGE_TOKENS,
        .slots = header->slots,
        .identity = header->identity,
        .key = header->key,
    };
    memcpy(raw.magic, MAGIC, sizeof raw.magic);
    raw.check = header_check(&raw);
    memcpy(bytes, &raw, sizeof raw);
}

enum status kv_store_header_read(struct kv_store_header *header,
                                 const unsigned char bytes[KV_STORE_HEADER_BYTES],
                                 struct fault *fault)
{
    struct raw_header raw;
    memcpy(&raw, bytes, sizeof raw);
    if (memcmp(raw.magic, MAGIC, sizeof raw.magic) != 0)
        return fault_set(fault, STATUS_INVALID, "it is no store of keys and values");
    if (!hash128_equal(raw.check, header_check(&raw)))
        return fault_set(fault, STATUS_CORRUPT, "its header is damaged");
    bool fits = raw.page_tokens == KV_PAGE_TOKENS && raw.page_bytes > 0 &&
                raw.page_bytes <= KV_STORE_PAGE_BYTES_MOST && raw.slots > 0 &&
                raw.slots <= KV_STORE_SLOTS_MOST;
    if (!fits) return fault_set(fault, STATUS_CORRUPT, "its pages have another size");
    *header = (struct kv_store_header){
        .page_bytes = raw.page_bytes,
        .slots = raw.slots,
        .identity = raw.identity,
        .key = raw.key,
    };
    return OK;
}

static uint64_t record_check(const struct raw_record *raw, const struct hash_key *key)
{
    return keyed_hash(key, raw, offsetof(struct raw_record, record_check)).words[0];
}

void kv_store_record_write(const struct kv_store_record *record, const struct hash_key *key,
                           unsigned char bytes[KV_STORE_RECORD_BYTES])
{
    struct raw_record raw = {
        .label = record->label,
        .check = record->check,
        .used = record->used,
    };
    raw.record_check = record_check(&raw, key);
    memcpy(bytes, &raw, sizeof raw);
}

bool kv_store_record_read(struct kv_store_record *record, const struct hash_key *key,
                          const unsigned char bytes[KV_STORE_RECORD_BYTES])
{
    struct raw_record raw;
    memcpy(&raw, bytes, sizeof raw);
    if (raw.record_check != record_check(&raw, key)) return false;
    *record = (struct kv_store_record){raw.label, raw.check, raw.used};
    return true;
}

/* ---- places ---- */

static uint64_t blocks(uint64_t bytes)
{
    return (bytes + KV_STORE_BLOCK - 1) / KV_STORE_BLOCK * KV_STORE_BLOCK;
}

uint64_t kv_store_record_at(uint32_t slot)
{
    return KV_STORE_BLOCK + (uint64_t)slot * KV_STORE_RECORD_BYTES;
}

uint64_t kv_store_page_at(const struct kv_store_header *header, uint32_t slot)
{
    return blocks(kv_store_record_at(header->slots)) + slot * blocks(header->page_bytes);
}

uint32_t kv_store_slots_for(uint64_t budget_bytes, uint64_t page_bytes)
{
    assert(page_bytes > 0 && page_bytes <= KV_STORE_PAGE_BYTES_MOST);
    const uint64_t besides = 2 * KV_STORE_BLOCK; /* the header's block, and the table's last */
    if (budget_bytes <= besides) return 0;
    uint64_t slots = (budget_bytes - besides) / (blocks(page_bytes) + KV_STORE_RECORD_BYTES);
    return slots < KV_STORE_SLOTS_MOST ? (uint32_t)slots : KV_STORE_SLOTS_MOST;
}
