/* retry.h - what an SMTP server's answer means for a letter, and when it is tried again. Pure. */
#ifndef LIMINAL_MAIL_RETRY_H
#define LIMINAL_MAIL_RETRY_H

#include <stdint.h>

enum mail_outcome {
    MAIL_DELIVERED,     /* the server took it upon itself */
    MAIL_REFUSED,       /* this letter, for good (5yz) */
    MAIL_DEFERRED,      /* this letter, for now (4yz): greylisting, a full mailbox */
    MAIL_UNREACHABLE,   /* no server, no answer: it would be the same for every letter */
    MAIL_MISCONFIGURED, /* wrong password, no TLS, a certificate of nobody we know: likewise, and
                           waiting alone does not help */
    MAIL_INTERRUPTED,   /* we stopped in the middle; it does not count as an attempt */
};

enum { MAIL_ATTEMPTS = 10 };

/* What a reply code that is no success means (RFC 5321, RFC 4954). */
enum mail_outcome mail_outcome_of_reply(long code);

/* When a letter is tried again of which `attempts` have failed, the last one so and just now; 0:
 * not any more, because it was refused for good, was tried MAIL_ATTEMPTS times (within 16 hours),
 * or would come when it is of no use (expires_us; 0: never). */
int64_t mail_retry_at(enum mail_outcome outcome, int64_t attempts, int64_t now_us,
                      int64_t expires_us);

/* How long a server is left alone after `failures` in a row that would befall every letter: one
 * must not knock for each letter that waits, and be locked out. */
int64_t mail_rest_us(unsigned failures);

#endif
