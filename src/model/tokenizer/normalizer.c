/* normalizer.c - see normalizer.h. */
#include "model/tokenizer/normalizer.h"

#include <string.h>

void normalizer_work_deinit(struct normalizer_work *work)
{
    buffer_deinit(&work->buffers[0]);
    buffer_deinit(&work->buffers[1]);
}

enum status normalizer_add(struct normalizer *normalizer, struct normalizer_step step,
                           struct fault *fault)
{
    if (normalizer->count == NORMALIZER_STEPS)
        return fault_set(fault, STATUS_UNSUPPORTED, "more than %d normalisation steps",
                         NORMALIZER_STEPS);
    normalizer->steps[normalizer->count++] = step;
    return OK;
}

static void prepend(const struct normalizer_step *step, struct text t, struct buffer *out)
{
    if (t.length) buffer_append_text(out, step->with);
    buffer_append_text(out, t);
}

static void replace(const struct normalizer_step *step, struct text t, struct buffer *out)
{
    size_t at;
    while ((at = text_find(t, step->what)) != SIZE_MAX && step->what.length) {
        buffer_append(out, t.data, at);
        buffer_append_text(out, step->with);
        t = text_slice(t, at + step->what.length, t.length);
    }
    buffer_append_text(out, t);
}

enum status normalizer_apply(const struct normalizer *normalizer, struct text t,
                             struct normalizer_work *work, struct text *out, struct fault *fault)
{
    for (size_t i = 0; i < normalizer->count; i++) {
        const struct normalizer_step *step = &normalizer->steps[i];
        struct buffer *target = &work->buffers[i % 2];
        buffer_clear(target);
        switch (step->kind) {
        case NORMALIZE_PREPEND: prepend(step, t, target); break;
        case NORMALIZE_REPLACE: replace(step, t, target); break;
        }
        TRY(buffer_status(target, fault));
        t = buffer_text(target);
    }
    *out = t;
    return OK;
}
