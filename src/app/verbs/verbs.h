/* verbs.h - every verb of the command line; cli.c lists them in the order of `liminal --help`. */
#ifndef LIMINAL_APP_VERBS_H
#define LIMINAL_APP_VERBS_H

#include "app/cli.h"

extern const struct verb VERB_LIST;
extern const struct verb VERB_VERSION;

#endif
