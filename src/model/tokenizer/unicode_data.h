/* unicode_data.h - the tables behind unicode.c, each sorted by its first number. */
#ifndef LIMINAL_MODEL_TOKENIZER_UNICODE_DATA_H
#define LIMINAL_MODEL_TOKENIZER_UNICODE_DATA_H

#include <stddef.h>
#include <stdint.h>

enum { UNICODE_MAPPING_LENGTH = 4 };

struct unicode_mapping {
    uint32_t from;
    uint32_t to[UNICODE_MAPPING_LENGTH]; /* ends with 0 when shorter */
};

struct unicode_pair {
    uint32_t first, second, composed;
};

struct unicode_class { /* canonical combining class, where it is not 0 */
    uint32_t codepoint;
    uint32_t value;
};

struct unicode_range {
    uint32_t first, last;
};

extern const struct unicode_mapping unicode_decompositions[]; /* full canonical ones */
extern const size_t unicode_decompositions_count;
extern const struct unicode_pair unicode_compositions[];
extern const size_t unicode_compositions_count;
extern const struct unicode_class unicode_classes[];
extern const size_t unicode_classes_count;
extern const struct unicode_mapping unicode_lowercase[];
extern const size_t unicode_lowercase_count;
extern const struct unicode_range unicode_nonspacing_marks[]; /* Mn */
extern const size_t unicode_nonspacing_marks_count;
extern const struct unicode_range unicode_other_marks[]; /* Mc, Me */
extern const size_t unicode_other_marks_count;
extern const struct unicode_range unicode_controls[]; /* Cc, Cf, Co */
extern const size_t unicode_controls_count;

#endif
