/* hash_pool.h - threads that hash passwords, so that it never blocks other requests.
 *
 * A hash costs 15 ms and 19 MiB on purpose. So there are few threads for it, which bounds the
 * memory; they are nice, so that every other thread comes first to a core; and only so many callers
 * may wait that most workers are left for other requests. Who comes beyond is told to come again.
 */
#ifndef LIMINAL_ACCOUNTS_HASH_POOL_H
#define LIMINAL_ACCOUNTS_HASH_POOL_H

#include "accounts/realization/password_hash.h"

struct hash_pool;

/* `threads` 0: half of the cores; `queue` 0: 8 may wait. */
enum status hash_pool_open(struct hash_pool **out, unsigned threads, unsigned queue,
                           struct fault *fault) MUST_USE;
void hash_pool_close(struct hash_pool *pool); /* NULL is allowed; nobody waits any more */

/* STATUS_BUSY when nobody more may wait now: before what costs a caller something. */
enum status hash_pool_check(struct hash_pool *pool, struct fault *fault) MUST_USE;
/* As password_hash and password_matches; STATUS_BUSY. */
enum status hash_pool_hash(struct hash_pool *pool, struct text password,
                           char hash[PASSWORD_HASH_BYTES], struct fault *fault) MUST_USE;
enum status hash_pool_matches(struct hash_pool *pool, struct text password, const char *hash,
                              bool *matches, struct fault *fault) MUST_USE;

#endif
