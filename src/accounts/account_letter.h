/* account_letter.h - the words of the letters that bring links. How they travel is another's. */
#ifndef LIMINAL_ACCOUNTS_ACCOUNT_LETTER_H
#define LIMINAL_ACCOUNTS_ACCOUNT_LETTER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

enum account_letter_kind {
    LETTER_VERIFY_EMAIL,   /* R35 */
    LETTER_RESET_PASSWORD, /* R240 */
    LETTER_INVITATION,
    ACCOUNT_LETTER_KINDS
};

/* How long its link is good (R30, R240). */
int64_t account_letter_life_us(enum account_letter_kind kind);

/* The same words twice, in the arena. The HTML stands alone: it loads nothing from anywhere. */
struct account_letter {
    struct text subject, plain, html, link;
};
/* `public_url` without a slash at its end. Fails only for want of memory. */
enum status account_letter_write(enum account_letter_kind kind, struct text public_url,
                                 struct text code, struct arena *job, struct account_letter *letter,
                                 struct fault *fault) MUST_USE;

#endif
