/* url_form.h - names and values as they stand in an URL's query and in the body of a form. */
#ifndef LIMINAL_ACCOUNTS_URL_FORM_H
#define LIMINAL_ACCOUNTS_URL_FORM_H

#include "base/text.h"

/* All but letters, digits and -._~ as %XX (RFC 3986 section 2.3). */
void url_append_encoded(struct buffer *out, struct text t);
/* "name=value", with an '&' in front unless `out` is empty or ends with '?'. */
void url_append_field(struct buffer *out, const char *name, struct text value);

#endif
