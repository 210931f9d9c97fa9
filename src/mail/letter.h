/* letter.h - what is sent: one letter to one address, as text and as HTML, with the link it brings.
 *
 * Whoever writes letters fills this in. What could forge a header or an SMTP command is refused by
 * the name of its field, when a letter is queued and again when it is put into its final form. Must
 * not know why letters are written, nor how they travel. */
#ifndef LIMINAL_MAIL_LETTER_H
#define LIMINAL_MAIL_LETTER_H

#include <stdint.h>

#include "base/status.h"
#include "base/text.h"
#include "base/uuid.h"

enum {
    MAIL_ADDRESS_BYTES = 254, /* at most (RFC 5321) */
    MAIL_SUBJECT_BYTES = 200,
    MAIL_BODY_BYTES = 256 * 1024, /* of each of the two */
};

struct mail_letter {
    struct uuid id; /* makes the Message-ID, so that it is the same whenever it is tried again */
    struct text recipient, subject;
    struct text plain, html; /* UTF-8, lines end with LF or CRLF */
    struct text link;        /* for who keeps the server, where no mail can be sent; may be empty */
    int64_t created_us, expires_us; /* from expires_us on it is of no use any more; 0: never */
};

/* "ada@example.com": ASCII, no spaces, quotes or brackets, at most 254 bytes. More than accounts
 * take (R26), less than RFC 5322 grants. STATUS_INVALID naming `field`. */
enum status mail_address_check(struct text address, const char *field,
                               struct fault *fault) MUST_USE;
/* STATUS_INVALID or STATUS_TOO_LARGE, naming the field: "recipient", "subject", "plain", "html". */
enum status mail_letter_check(const struct mail_letter *letter, struct fault *fault) MUST_USE;
/* One line of visible UTF-8: no CR, LF, NUL or other control character. */
enum status mail_header_check(struct text value, const char *field, struct fault *fault) MUST_USE;
/* What follows the @; the whole when there is none. */
struct text mail_domain_of(struct text address);

#endif
