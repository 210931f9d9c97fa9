/* text_steps.h - small steps through a text, for the files of this folder. */
#ifndef LIMINAL_INFERENCE_TEXT_STEPS_H
#define LIMINAL_INFERENCE_TEXT_STEPS_H

#include "base/text.h"

/* White space as templates and JSON write it. */
static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline struct text text_from(struct text t, size_t from)
{
    return text_slice(t, from, t.length);
}

/* The first place from `at` on that is no white space. */
static inline size_t skip_space(struct text t, size_t at)
{
    while (at < t.length && is_space(t.data[at])) at++;
    return at;
}

/* The length without the white space at the end. */
static inline size_t trimmed_length(struct text t)
{
    size_t length = t.length;
    while (length > 0 && is_space(t.data[length - 1])) length--;
    return length;
}

#endif
