/* limit_rates.h - how many requests of which kind a minute, as a person writes it. */
#ifndef LIMINAL_GATEWAY_LIMIT_RATES_H
#define LIMINAL_GATEWAY_LIMIT_RATES_H

#include "base/status.h"
#include "base/text.h"

/* What a request costs is taken from a bucket of its kind (R243). */
enum limit_kind { LIMIT_NONE, LIMIT_READ, LIMIT_WRITE, LIMIT_CHAT, LIMIT_UPLOAD, LIMIT_KINDS };

const char *limit_kind_name(enum limit_kind kind);
/* "chat=60,upload=10", or "off"; 0 and what is not named: without limit. STATUS_INVALID names the
 * word that is none. */
enum status limit_rates_parse(struct text words, double per_minute[LIMIT_KINDS],
                              struct fault *fault) MUST_USE;

#endif
