/* housekeeper.h - a thread that writes every second what was seen, and removes every hour what
 * nobody can use any more. */
#ifndef LIMINAL_ACCOUNTS_HOUSEKEEPER_H
#define LIMINAL_ACCOUNTS_HOUSEKEEPER_H

#include "accounts/accounts.h"

struct housekeeper;

enum status housekeeper_open(struct housekeeper **out, struct accounts *accounts,
                             struct fault *fault) MUST_USE;
void housekeeper_close(struct housekeeper *keeper); /* the last writing; NULL is allowed */

/* Refresh tokens that are over, and sessions, links and invitations that have been for a while. */
enum status accounts_sweep(struct accounts *accounts, struct fault *fault) MUST_USE;

#endif
