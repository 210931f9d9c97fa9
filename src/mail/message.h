/* message.h - a letter in the form in which it travels: an Internet message (RFC 5322) of
 * multipart/alternative, plain text and HTML, in lines of seven-bit ASCII. Pure. */
#ifndef LIMINAL_MAIL_MESSAGE_H
#define LIMINAL_MAIL_MESSAGE_H

#include "mail/letter.h"

/* Who writes. */
struct mail_sender {
    struct text address, name; /* name: may be empty */
};

enum status mail_sender_check(const struct mail_sender *from, struct fault *fault) MUST_USE;

/* Appends the message. What does not pass mail_letter_check or mail_sender_check is refused. Marked
 * as written by a machine (RFC 3834), so that no vacation answers it. */
enum status mail_message_format(struct buffer *out, const struct mail_sender *from,
                                const struct mail_letter *letter, struct fault *fault) MUST_USE;

#endif
