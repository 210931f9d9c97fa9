/* filters.h - the two tables of filters: on single values, and on sequences. */
#ifndef LIMINAL_TEMPLATE_FILTERS_H
#define LIMINAL_TEMPLATE_FILTERS_H

#include "model/template/strings.h"

#define FILTER(name) \
    static enum status name(struct interpreter *in, const struct call *call, struct value *result)

const struct builtin *jinja_value_filter_find(struct text name);
const struct builtin *jinja_sequence_filter_find(struct text name);

#endif
