/* mail_queue.h - the letters in the database: the statements. Any number of servers may work on one
 * queue; a letter that was claimed is one's own until the claim is over. */
#ifndef LIMINAL_MAIL_QUEUE_H
#define LIMINAL_MAIL_QUEUE_H

#include "mail/mail.h"
#include "storage/sql.h"

struct mail_claim {
    struct mail_letter letter; /* in the arena of mail_queue_claim */
    int64_t attempts;          /* this one counted */
};

/* The letter that waited longest of those due at `now_us`, ours until `until_us`: when we have said
 * nothing by then, it is due again. STATUS_NOT_FOUND: none is due, and *next_us is when the next
 * one will be (INT64_MAX: none waits). */
enum status mail_queue_claim(struct database *database, struct arena *job, int64_t now_us,
                             int64_t until_us, struct mail_claim *claim, int64_t *next_us,
                             struct fault *fault) MUST_USE;

/* What became of it. */
struct mail_settlement {
    const struct mail_claim *claim;
    enum mail_state state;
    int64_t at_us;     /* MAIL_WAITING: when to try again */
    bool is_uncounted; /* it was no attempt */
    struct text error; /* may be empty */
};
/* Its text is forgotten once it was sent. STATUS_CONFLICT: our claim was over, and somebody else
 * has the letter now. */
enum status mail_queue_settle(struct database *database, const struct mail_settlement *settlement,
                              struct fault *fault) MUST_USE;

/* Forget what was queued before `before_us`, whatever became of it. */
enum status mail_queue_sweep(struct database *database, int64_t before_us,
                             struct fault *fault) MUST_USE;

#endif
