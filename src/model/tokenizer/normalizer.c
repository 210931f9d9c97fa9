/* normalizer.c - see normalizer.h. */
#include "model/tokenizer/normalizer.h"

#include <string.h>

void normalizer_deinit(struct normalizer *normalizer)
{
    for (size_t i = 0; i < normalizer->count; i++)
        if (normalizer->steps[i].pattern) splitter_close(normalizer->steps[i].pattern);
    normalizer->count = 0;
}

void normalizer_work_deinit(struct normalizer_work *work)
{
    buffer_deinit(&work->buffers[0]);
    buffer_deinit(&work->buffers[1]);
    codepoints_deinit(&work->codepoints);
    splitter_work_deinit(&work->splitter);
}

enum status normalizer_add(struct normalizer *normalizer, struct normalizer_step step,
                           struct fault *fault)
{
    if (normalizer->count == NORMALIZER_STEPS) {
        if (step.pattern) splitter_close(step.pattern);
        return fault_set(fault, STATUS_UNSUPPORTED, "more than %d normalisation steps",
                         NORMALIZER_STEPS);
    }
    normalizer->steps[normalizer->count++] = step;
    return OK;
}

enum status normalizer_add_bert(struct normalizer *normalizer, bool clean, bool space_cjk,
                                bool strip_accents, bool lowercase, struct fault *fault)
{
    const struct {
        bool wanted;
        enum normalizer_kind kind;
    } steps[] = {
        {clean, NORMALIZE_CLEAN},         {space_cjk, NORMALIZE_SPACE_CJK},
        {strip_accents, NORMALIZE_NFD},   {strip_accents, NORMALIZE_DROP_NONSPACING_MARKS},
        {lowercase, NORMALIZE_LOWERCASE},
    };
    for (size_t i = 0; i < ARRAY_COUNT(steps); i++)
        if (steps[i].wanted)
            TRY(normalizer_add(normalizer, (struct normalizer_step){.kind = steps[i].kind}, fault));
    return OK;
}

/* ---- steps on the whole text ---- */

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

/* Bytes that are not UTF-8 end a stretch in which the pattern is searched. */
static enum status substitute(const struct normalizer_step *step, struct text t,
                              struct normalizer_work *work, struct buffer *out, struct fault *fault)
{
    while (t.length > 0) {
        struct text valid = text_slice(t, 0, unicode_valid_prefix(t));
        for (size_t at = 0; at < valid.length;) {
            size_t start, end;
            TRY(splitter_find(step->pattern, valid, at, &work->splitter, &start, &end, fault));
            buffer_append(out, valid.data + at, start - at);
            if (start < end) buffer_append_text(out, step->with);
            at = end;
        }
        t = text_slice(t, valid.length, t.length);
        if (t.length) buffer_append_char(out, t.data[0]);
        t = text_slice(t, 1, t.length);
    }
    return OK;
}

/* ---- steps on each character ---- */

static bool is_cjk(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

/* Of the controls only tab and the ends of lines count as space. */
static void append_clean(uint32_t codepoint, struct buffer *out)
{
    bool is_kept_control = codepoint == '\t' || codepoint == '\n' || codepoint == '\r';
    if (codepoint == 0xFFFD || (unicode_is_control(codepoint) && !is_kept_control)) return;
    if (unicode_is_space(codepoint))
        buffer_append_char(out, ' ');
    else
        unicode_append(codepoint, out);
}

static void append_spaced(uint32_t codepoint, struct buffer *out)
{
    if (!is_cjk(codepoint)) {
        unicode_append(codepoint, out);
        return;
    }
    buffer_append_char(out, ' ');
    unicode_append(codepoint, out);
    buffer_append_char(out, ' ');
}

static void append_character(enum normalizer_kind kind, uint32_t codepoint, struct buffer *out)
{
    switch (kind) {
    case NORMALIZE_LOWERCASE: unicode_append_lower(codepoint, out); break;
    case NORMALIZE_DROP_MARKS:
        if (!unicode_is_mark(codepoint)) unicode_append(codepoint, out);
        break;
    case NORMALIZE_DROP_NONSPACING_MARKS:
        if (!unicode_is_nonspacing_mark(codepoint)) unicode_append(codepoint, out);
        break;
    case NORMALIZE_CLEAN: append_clean(codepoint, out); break;
    case NORMALIZE_SPACE_CJK: append_spaced(codepoint, out); break;
    default: unicode_append(codepoint, out); break;
    }
}

static void map_characters(enum normalizer_kind kind, struct text t, struct buffer *out)
{
    for (size_t at = 0; at < t.length;) {
        uint32_t codepoint;
        size_t length = utf8_decode(t.data + at, t.length - at, &codepoint);
        if (length)
            append_character(kind, codepoint, out);
        else if (kind != NORMALIZE_CLEAN)
            buffer_append_char(out, t.data[at]);
        at += length ? length : 1;
    }
}

/* ---- all ---- */

static enum status apply_step(const struct normalizer_step *step, struct text t,
                              struct normalizer_work *work, struct buffer *out, struct fault *fault)
{
    switch (step->kind) {
    case NORMALIZE_PREPEND: prepend(step, t, out); break;
    case NORMALIZE_REPLACE: replace(step, t, out); break;
    case NORMALIZE_SUBSTITUTE: TRY(substitute(step, t, work, out, fault)); break;
    case NORMALIZE_STRIP_LEFT:
        buffer_append_text(out, text_slice(t, unicode_space_prefix(t), t.length));
        break;
    case NORMALIZE_STRIP_RIGHT:
        buffer_append_text(out, text_slice(t, 0, t.length - unicode_space_suffix(t)));
        break;
    case NORMALIZE_NFC:
    case NORMALIZE_NFD:
        return unicode_normalize(t, step->kind == NORMALIZE_NFC ? NORMAL_FORM_C : NORMAL_FORM_D,
                                 &work->codepoints, out, fault);
    case NORMALIZE_LOWERCASE:
    case NORMALIZE_DROP_MARKS:
    case NORMALIZE_DROP_NONSPACING_MARKS:
    case NORMALIZE_CLEAN:
    case NORMALIZE_SPACE_CJK: map_characters(step->kind, t, out); break;
    }
    return buffer_status(out, fault);
}

enum status normalizer_apply(const struct normalizer *normalizer, struct text t,
                             struct normalizer_work *work, struct text *out, struct fault *fault)
{
    for (size_t i = 0; i < normalizer->count; i++) {
        struct buffer *target = &work->buffers[i % 2];
        buffer_clear(target);
        TRY(apply_step(&normalizer->steps[i], t, work, target, fault));
        t = buffer_text(target);
    }
    *out = t;
    return OK;
}
