/* doors.h - the part of the wiring that is about people: accounts, the gateway, and the routes of
 * all capabilities. */
#ifndef LIMINAL_APP_DOORS_H
#define LIMINAL_APP_DOORS_H

#include "app/wiring.h"

/* With the stores and the API of models open already. */
enum status doors_open(struct service *service, const struct settings *settings,
                       struct arena *arena, struct fault *fault) MUST_USE;
void doors_close(struct service *service);

#endif
