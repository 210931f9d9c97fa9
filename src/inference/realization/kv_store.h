/* kv_store.h - pages of keys and values in a file: cold ones find room there, and conversations
 * survive a restart.
 *
 * One thread (the engine's) asks; a thread of the store's own reads and writes. Asking never waits:
 * what is asked for is done later, and told by `done`. Whatever goes wrong with the file (full,
 * damaged, of another model) is a page that is not found, and a line in the log; a page that is
 * found is bit for bit what was written under its label.
 *
 * The file is the server's alone (mode 0600, locked). It holds what users wrote, not encrypted.
 * Must not know sequences or models. */
#ifndef LIMINAL_INFERENCE_KV_STORE_H
#define LIMINAL_INFERENCE_KV_STORE_H

#include "inference/kv_store_format.h"
#include "inference/realization/inbox.h"

struct kv_store;

struct kv_store_options {
    const char *path;      /* made if need be; not its folder */
    uint64_t budget_bytes; /* of the file */
    uint64_t page_bytes;
    struct kv_store_identity identity;
    struct doorbell *done; /* rung when there is something to collect; borrowed */
};

/* Pages on their way at once. */
enum { KV_STORE_SAVES = 16, KV_STORE_READS = 64 };

/* A store of another identity or size, or a damaged one, is begun anew. STATUS_CONFLICT when
 * another server has it, STATUS_INVALID when the budget holds no page or the file is no store,
 * STATUS_IO, STATUS_NO_MEMORY. */
enum status kv_store_open(struct kv_store **out, const struct kv_store_options *options,
                          struct fault *fault) MUST_USE;
/* Finishes what was asked for. */
void kv_store_close(struct kv_store *store);
/* For the names in labels; the same as long as the file lives. */
const struct hash_key *kv_store_key(const struct kv_store *store);

enum kv_store_state { KV_ABSENT, KV_COMING, KV_STORED }; /* coming: is being read */
/* Counts as use of the page. */
enum kv_store_state kv_store_find(struct kv_store *store, const struct page_label *label);

/* Copy the page and write it, if need be over the longest unused one; nothing to do for one that is
 * there. False when KV_STORE_SAVES are on their way, or all room is being read. */
bool kv_store_save(struct kv_store *store, const struct page_label *label,
                   const void *page) MUST_USE;
/* Read a KV_STORED page to `page`, which is the store's until it is collected. False when
 * KV_STORE_READS are on their way. */
bool kv_store_read(struct kv_store *store, const struct page_label *label, void *page,
                   void *ticket) MUST_USE;

/* A read that is done; false: none. `is_sound` tells if the page is what was written. Takes note of
 * saves, too. */
struct kv_store_read {
    void *ticket, *page;
    bool is_sound;
};
bool kv_store_collect(struct kv_store *store, struct kv_store_read *read);
/* Is anything on its way? */
bool kv_store_is_busy(const struct kv_store *store);
/* Fewer than KV_STORE_SAVES? */
bool kv_store_has_room(const struct kv_store *store);

struct kv_store_counters {
    uint32_t slots, stored;   /* pages: room for, there now */
    uint64_t saved, restored; /* since it was opened */
    uint64_t failed;          /* writes refused by the disk, and damaged pages */
};
void kv_store_counters(const struct kv_store *store, struct kv_store_counters *counters);

#endif
