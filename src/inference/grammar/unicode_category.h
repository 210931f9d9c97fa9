/* unicode_category.h - the general categories of characters as patterns name them in
 * \p{...}. Pure: a table (its file says of which Unicode). */
#ifndef LIMINAL_INFERENCE_GRAMMAR_UNICODE_CATEGORY_H
#define LIMINAL_INFERENCE_GRAMMAR_UNICODE_CATEGORY_H

#include "base/text.h"

/* Categories are bits of a set. The set that a name means, short or long: "Lu", "Uppercase_Letter",
 * "L", "Letter", "Any"...; 0 for what is no general category. */
unsigned unicode_categories(struct text name);
/* The first range of characters of these categories that ends at or behind `from`; false: none. */
bool unicode_category_range(unsigned categories, uint32_t from, uint32_t *first, uint32_t *last);

#endif
