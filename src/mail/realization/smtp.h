/* smtp.h - one message to one SMTP server, over a connection of its own (libcurl). Blocks. Must not
 * know the queue. */
#ifndef LIMINAL_MAIL_SMTP_H
#define LIMINAL_MAIL_SMTP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "mail/mail.h"
#include "mail/retry.h"

/* Will these options do? STATUS_INVALID says which and why. */
enum status smtp_check(const struct mail_options *options, struct fault *fault) MUST_USE;

/* `stopping` may become true at any time. What is no MAIL_DELIVERED has its sentence in *fault,
 * with the server's own words. Within six times the options' timeout it is over. */
enum mail_outcome smtp_deliver(const struct mail_options *options, struct text recipient,
                               struct text message, const atomic_bool *stopping,
                               struct fault *fault);

#endif
