/* seen.h - when sessions and tokens were used last, and what tokens spent without a cap: kept in
 * memory, and written together (housekeeper.h), so that no request waits for a disk.
 *
 * A crash loses what was not written yet. Must not be used for what decides anything. */
#ifndef LIMINAL_ACCOUNTS_SEEN_H
#define LIMINAL_ACCOUNTS_SEEN_H

#include "storage/sql.h"

struct seen;

enum { SEEN_EVERY_US = 60 * 1000000 }; /* what the database says may be that old (R46) */

enum status seen_open(struct seen **out, struct database *database, struct fault *fault) MUST_USE;
void seen_close(struct seen *seen); /* NULL is allowed */

void seen_session(struct seen *seen, struct uuid id, int64_t now_us);
void seen_token(struct seen *seen, struct uuid id, int64_t now_us);
/* False when there is no room: then the caller writes it. */
bool seen_spent(struct seen *seen, struct uuid id, int64_t tokens) MUST_USE;

/* When it returns OK, all that was seen before is written. */
enum status seen_flush(struct seen *seen, struct fault *fault) MUST_USE;

#endif
