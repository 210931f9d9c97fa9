/* kv_store_format.h - how pages of keys and values lie in a file: docs/format-kv-store.md.
 *
 * Pure: bytes to structs that can be trusted, and back. Whatever a file holds, reading it is safe:
 * it either is what was written, or it is refused. */
#ifndef LIMINAL_INFERENCE_KV_STORE_FORMAT_H
#define LIMINAL_INFERENCE_KV_STORE_FORMAT_H

#include "base/status.h"
#include "inference/prefix_cache.h"

enum {
    KV_STORE_HEADER_BYTES = 128,
    KV_STORE_RECORD_BYTES = 128,
    KV_STORE_BLOCK = 4096, /* where the table and each page begin */
    KV_STORE_SLOTS_MOST = 1 << 22,
    KV_STORE_PAGE_BYTES_MOST = 1 << 28,
};

/* Whose pages these are: nothing of another model, or of a program that computes otherwise, fits.
 */
struct kv_store_identity {
    unsigned char digest[32];
};

struct kv_store_header {
    uint64_t page_bytes;
    uint32_t slots;
    struct kv_store_identity identity;
    struct hash_key key; /* of names and checks */
};

/* One slot's entry in the table. */
struct kv_store_record {
    struct page_label label;
    struct hash128 check; /* of the page's bytes */
    uint64_t used;        /* greater: later */
};

void kv_store_header_write(const struct kv_store_header *header,
                           unsigned char bytes[KV_STORE_HEADER_BYTES]);
/* STATUS_INVALID for what is no store at all, STATUS_CORRUPT for one that is damaged. */
enum status kv_store_header_read(struct kv_store_header *header,
                                 const unsigned char bytes[KV_STORE_HEADER_BYTES],
                                 struct fault *fault) MUST_USE;

void kv_store_record_write(const struct kv_store_record *record, const struct hash_key *key,
                           unsigned char bytes[KV_STORE_RECORD_BYTES]);
/* False for an empty slot or a damaged record. */
bool kv_store_record_read(struct kv_store_record *record, const struct hash_key *key,
                          const unsigned char bytes[KV_STORE_RECORD_BYTES]) MUST_USE;

/* Offsets in the file. */
uint64_t kv_store_record_at(uint32_t slot);
uint64_t kv_store_page_at(const struct kv_store_header *header, uint32_t slot);
/* How many slots a file of so many bytes holds; 0: none. */
uint32_t kv_store_slots_for(uint64_t budget_bytes, uint64_t page_bytes);

#endif
