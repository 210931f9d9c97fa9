/* unicode_normal_form.c - NFC and NFD: decompose, order the marks, compose.
 *
 * Source: Unicode Standard Annex 15 and chapter 3.11 of the Unicode Standard. Linear in the text
 * whatever it holds, also for a megabyte of combining marks. */
#include <stdlib.h>
#include <string.h>

#include "model/tokenizer/unicode.h"
#include "model/tokenizer/unicode_data.h"

/* Hangul syllables are composed by arithmetic. */
enum {
    SYLLABLE_FIRST = 0xAC00,
    LEADING_FIRST = 0x1100,
    VOWEL_FIRST = 0x1161,
    TRAILING_BASE = 0x11A7, /* one before the first */
    LEADING_COUNT = 19,
    VOWEL_COUNT = 21,
    TRAILING_COUNT = 28,
    SYLLABLE_COUNT = LEADING_COUNT * VOWEL_COUNT * TRAILING_COUNT,
};

enum {
    FIRST_AFFECTED = 0x300, /* texts below this are in NFC already */
    INVALID_BYTE = 0x80000000u,
    SHORT_RUN = 16, /* marks up to which insertion sort beats counting */
};

void codepoints_deinit(struct codepoints *codepoints)
{
    free(codepoints->data);
    *codepoints = (struct codepoints){0};
}

/* ---- look-ups ---- */

static int compare_mapping(const void *key, const void *element)
{
    uint32_t codepoint = *(const uint32_t *)key;
    const struct unicode_mapping *mapping = element;
    return codepoint < mapping->from ? -1 : codepoint > mapping->from;
}

static int compare_class(const void *key, const void *element)
{
    uint32_t codepoint = *(const uint32_t *)key;
    const struct unicode_class *class = element;
    return codepoint < class->codepoint ? -1 : codepoint > class->codepoint;
}

static int compare_pair(const void *key, const void *element)
{
    const struct unicode_pair *wanted = key, *pair = element;
    if (wanted->first != pair->first) return wanted->first < pair->first ? -1 : 1;
    return wanted->second < pair->second ? -1 : wanted->second > pair->second;
}

static unsigned combining_class(uint32_t codepoint)
{
    if (codepoint < FIRST_AFFECTED || codepoint >= INVALID_BYTE) return 0;
    const struct unicode_class *class =
        bsearch(&codepoint, unicode_classes, unicode_classes_count, sizeof *class, compare_class);
    return class ? class->value : 0;
}

/* The character that two compose to, or 0. */
static uint32_t compose_pair(uint32_t first, uint32_t second)
{
    if (first - LEADING_FIRST < LEADING_COUNT && second - VOWEL_FIRST < VOWEL_COUNT)
        return SYLLABLE_FIRST +
               ((first - LEADING_FIRST) * VOWEL_COUNT + (second - VOWEL_FIRST)) * TRAILING_COUNT;
    if (first - SYLLABLE_FIRST < SYLLABLE_COUNT && (first - SYLLABLE_FIRST) % TRAILING_COUNT == 0 &&
        second - TRAILING_BASE - 1 < TRAILING_COUNT - 1)
        return first + (second - TRAILING_BASE);
    struct unicode_pair wanted = {first, second, 0};
    const struct unicode_pair *pair = bsearch(
        &wanted, unicode_compositions, unicode_compositions_count, sizeof *pair, compare_pair);
    return pair ? pair->composed : 0;
}

/* ---- the three steps ---- */

static void decompose_syllable(uint32_t codepoint, struct codepoints *out)
{
    uint32_t index = codepoint - SYLLABLE_FIRST;
    out->data[out->count++] = LEADING_FIRST + index / (VOWEL_COUNT * TRAILING_COUNT);
    out->data[out->count++] = VOWEL_FIRST + index / TRAILING_COUNT % VOWEL_COUNT;
    if (index % TRAILING_COUNT) out->data[out->count++] = TRAILING_BASE + index % TRAILING_COUNT;
}

static void decompose(uint32_t codepoint, struct codepoints *out)
{
    const struct unicode_mapping *mapping = NULL;
    if (codepoint - SYLLABLE_FIRST < SYLLABLE_COUNT) {
        decompose_syllable(codepoint, out);
        return;
    }
    if (codepoint >= 0xC0 && codepoint < INVALID_BYTE)
        mapping = bsearch(&codepoint, unicode_decompositions, unicode_decompositions_count,
                          sizeof *mapping, compare_mapping);
    if (!mapping) out->data[out->count++] = codepoint;
    for (size_t i = 0; mapping && i < UNICODE_MAPPING_LENGTH && mapping->to[i]; i++)
        out->data[out->count++] = mapping->to[i];
}

static void sort_short_run(uint32_t *run, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t mark = run[i];
        unsigned class = combining_class(mark);
        size_t at = i;
        for (; at > 0 && combining_class(run[at - 1]) > class; at--) run[at] = run[at - 1];
        run[at] = mark;
    }
}

/* Counting sort, stable; `spare` has room for the run. */
static void sort_long_run(uint32_t *run, size_t count, uint32_t *spare)
{
    size_t starts[257] = {0};
    for (size_t i = 0; i < count; i++) starts[combining_class(run[i]) + 1]++;
    for (size_t class = 0; class < 256; class ++) starts[class + 1] += starts[class];
    for (size_t i = 0; i < count; i++) spare[starts[combining_class(run[i])]++] = run[i];
    memcpy(run, spare, count * sizeof *run);
}

/* Put each run of marks (class above 0) in the order of their classes. */
static void order_marks(struct codepoints *codepoints, uint32_t *spare)
{
    for (size_t at = 0; at < codepoints->count;) {
        size_t end = at;
        while (end < codepoints->count && combining_class(codepoints->data[end])) end++;
        if (end - at > SHORT_RUN)
            sort_long_run(codepoints->data + at, end - at, spare);
        else
            sort_short_run(codepoints->data + at, end - at);
        at = end + 1;
    }
}

static void compose(struct codepoints *codepoints)
{
    uint32_t *data = codepoints->data;
    size_t kept = 0, starter = SIZE_MAX;
    unsigned last_class = 0;
    for (size_t i = 0; i < codepoints->count; i++) {
        unsigned class = combining_class(data[i]);
        bool is_adjacent = starter + 1 == kept, is_blocked = !is_adjacent && last_class >= class;
        uint32_t composed =
            starter != SIZE_MAX && !is_blocked ? compose_pair(data[starter], data[i]) : 0;
        if (composed) {
            data[starter] = composed;
            continue;
        }
        if (class == 0) starter = kept;
        last_class = class;
        data[kept++] = data[i];
    }
    codepoints->count = kept;
}

/* ---- whole texts ---- */

static bool is_affected(struct text t, enum normal_form form)
{
    unsigned char limit = form == NORMAL_FORM_C ? 0xCC /* U+0300 */ : 0x80;
    for (size_t i = 0; i < t.length; i++)
        if ((unsigned char)t.data[i] >= limit) return true;
    return false;
}

enum status unicode_normalize(struct text t, enum normal_form form, struct codepoints *work,
                              struct buffer *out, struct fault *fault)
{
    if (!is_affected(t, form)) {
        buffer_append_text(out, t);
        return buffer_status(out, fault);
    }
    /* No character takes more in its decomposition than twice its bytes; as much again is spare. */
    size_t need = t.length * 2 + UNICODE_MAPPING_LENGTH;
    if (work->capacity < need * 2) {
        uint32_t *data = realloc(work->data, need * 2 * sizeof *data);
        if (!data) return fault_set(fault, STATUS_NO_MEMORY, "no memory to normalise the text");
        work->data = data;
        work->capacity = need * 2;
    }
    work->count = 0;
    for (size_t at = 0; at < t.length;) {
        uint32_t codepoint;
        size_t length = utf8_decode(t.data + at, t.length - at, &codepoint);
        if (length == 0) codepoint = INVALID_BYTE | (unsigned char)t.data[at];
        decompose(codepoint, work);
        at += length ? length : 1;
    }
    order_marks(work, work->data + need);
    if (form == NORMAL_FORM_C) compose(work);
    for (size_t i = 0; i < work->count; i++) {
        if (work->data[i] & INVALID_BYTE)
            buffer_append_char(out, (char)work->data[i]);
        else
            unicode_append(work->data[i], out);
    }
    return buffer_status(out, fault);
}
