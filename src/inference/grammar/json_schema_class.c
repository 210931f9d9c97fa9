/* json_schema_class.c - values in eight classes, for uniqueItems: values of different classes
 * differ.
 *
 * A grammar cannot remember items to compare them. But it can know which classes are used up: so an
 * array of unique items has at most one of each class. Strings are classed by how they begin,
 * numbers by their first digit, objects by the value of one property. Each array has a state for
 * each set of used classes; a schema with many such arrays makes do with four classes. */
#include "inference/grammar/json_schema_private.h"

/* How strings begin; class 0 is for all others. The letters so that English words are spread. */
static const struct {
    const char *pattern;
    char first, last; /* of the characters, in lower case */
} BEGINNINGS[VALUE_CLASSES] = {
    {"^(?:[^0-9A-Za-z]|$)", 0, 0}, {"^[0-9]", '0', '9'},    {"^[A-Ca-c]", 'a', 'c'},
    {"^[D-Hd-h]", 'd', 'h'},       {"^[I-Mi-m]", 'i', 'm'}, {"^[N-Pn-p]", 'n', 'p'},
    {"^[Q-Sq-s]", 'q', 's'},       {"^[T-Zt-z]", 't', 'z'},
};
static const char *const DIGITS[VALUE_CLASSES] = {"^-?[08]", "^-?[19]", "^-?2", "^-?3",
                                                  "^-?4",    "^-?5",    "^-?6", "^-?7"};

static const unsigned OF_CLASS[VALUE_CLASSES] = {TYPE_FALSE | TYPE_ARRAY, TYPE_TRUE, TYPE_NULL};

enum { FEW_UNIQUE = 8 }; /* arrays of unique items in a schema, that get all classes each */

static uint32_t count_unique(const json_t *node, int depth)
{
    const char *key;
    json_t *value;
    if (depth > SCHEMA_NESTING_MAX) return 0;
    uint32_t count = json_is_true(json_object_get(node, "uniqueItems"));
    for (size_t i = 0; i < json_array_size(node); i++)
        count += count_unique(json_array_get(node, i), depth + 1);
    json_object_foreach((json_t *)node, key, value) count += count_unique(value, depth + 1);
    return count;
}

void schema_count_classes(struct schema_reader *reader)
{
    bool are_few = count_unique(reader->root, 0) <= FEW_UNIQUE;
    reader->class_count = are_few ? VALUE_CLASSES : VALUE_CLASSES / 2;
}

static unsigned string_class(struct text text)
{
    char c = text.length ? text.data[0] : 0;
    if (c >= 'A' && c <= 'Z') c = (char)(c | 0x20);
    for (unsigned i = 1; i < VALUE_CLASSES; i++)
        if (c >= BEGINNINGS[i].first && c <= BEGINNINGS[i].last) return i;
    return 0;
}

struct text path_take_name(struct text *path)
{
    size_t end = 0;
    while (end < path->length && path->data[end] != '\0') end++;
    struct text name = text_slice(*path, 0, end);
    *path = end < path->length ? text_slice(*path, end + 1, path->length) : TEXT("");
    return name;
}

/* Of all classes, before some of them are taken together. */
static unsigned fine_class_of(struct schema_reader *reader, const json_t *value, struct text path)
{
    struct text name;
    struct decimal decimal;
    const json_t *member;
    switch (json_typeof(value)) {
    case JSON_STRING: return string_class(schema_text(value));
    case JSON_INTEGER:
    case JSON_REAL:
        if (!decimal_of(reader, value, &decimal)) return 0;
        return (unsigned)(decimal.whole.data[0] - '0') % VALUE_CLASSES;
    case JSON_OBJECT:
        if (path.length == 0) return 0;
        name = path_take_name(&path);
        member = json_object_getn(value, name.data, name.length);
        return member ? fine_class_of(reader, member, path) : 0;
    case JSON_TRUE: return 1;
    case JSON_NULL: return 2;
    default: return 0;
    }
}

unsigned value_class_of(struct schema_reader *reader, const json_t *value, struct text path)
{
    return fine_class_of(reader, value, path) % reader->class_count;
}

unsigned class_types(const struct schema_reader *reader, unsigned value_class)
{
    unsigned types = 0;
    for (unsigned c = value_class; c < VALUE_CLASSES; c += reader->class_count)
        types |= OF_CLASS[c];
    return types;
}

/* The texts of all classes that were taken together. */
static enum status class_language(struct schema_reader *reader, unsigned value_class,
                                  const char *(*pattern_of)(unsigned), const struct regular **out)
{
    TRY(schema_pattern(reader, reader->root, "uniqueItems", text_of(pattern_of(value_class)), out));
    for (unsigned c = value_class + reader->class_count; c < VALUE_CLASSES;
         c += reader->class_count) {
        const struct regular *also;
        struct regular *both;
        TRY(schema_pattern(reader, reader->root, "uniqueItems", text_of(pattern_of(c)), &also));
        TRY(regular_combine(&both, *out, also, REGULAR_EITHER, reader->job, reader->fault));
        TRY(regular_minimise(&both, both, reader->job, reader->fault));
        *out = both;
    }
    return OK;
}

static const char *beginning_of(unsigned value_class)
{
    return BEGINNINGS[value_class].pattern;
}

static const char *digits_of(unsigned value_class)
{
    return DIGITS[value_class];
}

enum status class_string_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out)
{
    return class_language(reader, value_class, beginning_of, out);
}

enum status class_number_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out)
{
    return class_language(reader, value_class, digits_of, out);
}
