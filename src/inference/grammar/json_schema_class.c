/* json_schema_class.c - values in eight classes, for uniqueItems: values of different classes
 * differ.
 *
 * A grammar cannot remember items to compare them. But it can know which classes are used up: so an
 * array of unique items has at most one of each class. Strings are classed by how they begin,
 * numbers by their first digit, objects by the value of one property. */
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

unsigned value_class_of(struct schema_reader *reader, const json_t *value, struct text path)
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
        return member ? value_class_of(reader, member, path) : 0;
    case JSON_TRUE: return 1;
    case JSON_NULL: return 2;
    default: return 0;
    }
}

enum status class_string_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out)
{
    return schema_pattern(reader, reader->root, "uniqueItems",
                          text_of(BEGINNINGS[value_class].pattern), out);
}

enum status class_number_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out)
{
    return schema_pattern(reader, reader->root, "uniqueItems", text_of(DIGITS[value_class]), out);
}
