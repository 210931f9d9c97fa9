/* personal.h - what is kept here of a person: to take along, and to erase. Both run inside the
 * transaction of who asks (accounts/personal_data.h). */
#ifndef LIMINAL_CONVERSATIONS_PERSONAL_H
#define LIMINAL_CONVERSATIONS_PERSONAL_H

#include "base/uuid.h"

struct transaction;

/* Append all conversations with all their messages: one JSON array. */
enum status conversations_append_personal(struct transaction *t, struct uuid user,
                                          struct buffer *json, struct fault *fault) MUST_USE;
/* Leave none of them. */
enum status conversations_erase_personal(struct transaction *t, struct uuid user,
                                         struct fault *fault) MUST_USE;

#endif
