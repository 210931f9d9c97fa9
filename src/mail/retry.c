/* retry.c - see retry.h. */
#include "mail/retry.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US   (60 * MINUTE_US)

/* Close at first, because somebody sits and waits for the letter; greylisting lets the second or
 * third through. */
static const int64_t pauses_us[MAIL_ATTEMPTS - 1] = {
    15 * SECOND_US, MINUTE_US,   5 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US,
    HOUR_US,        2 * HOUR_US, 4 * HOUR_US,   8 * HOUR_US,
};
/* Who has to mend the set-up needs time, and a server that counts wrong passwords locks us out. */
#define MENDING_US (10 * MINUTE_US)

enum mail_outcome mail_outcome_of_reply(long code)
{
    switch (code) {
    case 530: /* authentication required, or TLS */
    case 534: /* mechanism too weak */
    case 535: /* credentials invalid */
    case 538: /* encryption required */ return MAIL_MISCONFIGURED;
    case 421: /* the server is about to close */
    case 454: /* temporary authentication failure */ return MAIL_UNREACHABLE;
    default: return code >= 500 && code < 600 ? MAIL_REFUSED : MAIL_DEFERRED;
    }
}

int64_t mail_retry_at(enum mail_outcome outcome, int64_t attempts, int64_t now_us,
                      int64_t expires_us)
{
    if (outcome == MAIL_REFUSED || attempts < 1 || attempts >= MAIL_ATTEMPTS) return 0;
    int64_t pause_us = pauses_us[attempts - 1];
    if (outcome == MAIL_MISCONFIGURED && pause_us < MENDING_US) pause_us = MENDING_US;
    int64_t at_us = now_us + pause_us;
    return expires_us && at_us >= expires_us ? 0 : at_us;
}

int64_t mail_rest_us(unsigned failures)
{
    if (failures == 0) return 0;
    return failures < 6 ? (SECOND_US << failures) : MINUTE_US;
}
