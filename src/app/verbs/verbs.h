/* verbs.h - every verb of the command line; cli.c lists them in the order of `liminal --help`. */
#ifndef LIMINAL_APP_VERBS_H
#define LIMINAL_APP_VERBS_H

#include "app/cli.h"

extern const struct verb VERB_SERVE;
extern const struct verb VERB_RUN;
extern const struct verb VERB_PULL;
extern const struct verb VERB_LIST;
extern const struct verb VERB_SHOW;
extern const struct verb VERB_RM;
extern const struct verb VERB_PS;
extern const struct verb VERB_TOKENIZE;
extern const struct verb VERB_EMBED;
extern const struct verb VERB_CONVERT;
extern const struct verb VERB_QUANTIZE;
extern const struct verb VERB_SYNTH;
extern const struct verb VERB_BENCH;
extern const struct verb VERB_MIGRATE;
extern const struct verb VERB_DB;
extern const struct verb VERB_BACKUP;
extern const struct verb VERB_RESTORE;
extern const struct verb VERB_VERSION;

#endif
