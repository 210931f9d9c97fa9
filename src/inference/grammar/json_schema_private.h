/* json_schema_private.h - what the files that read JSON Schemas share.
 *
 * A value may have to satisfy several schemas at once, and to fail others. So what is read is never
 * a schema but a set of terms, all of which hold. A set is expanded into alternatives without
 * anyOf, oneOf, if and not (terms.c); each alternative is a shape: what values of each type it
 * admits (shape.c); and each type of a shape is written down as a part of the grammar (string.c,
 * number.c, array.c, object.c). Equal sets become one rule, which is how recursion ends. */
#ifndef LIMINAL_INFERENCE_JSON_SCHEMA_PRIVATE_H
#define LIMINAL_INFERENCE_JSON_SCHEMA_PRIVATE_H

#include <jansson.h>

#include "base/arena.h"
#include "inference/grammar/grammar.h"
#include "inference/grammar/regular.h"

enum {
    SCHEMA_ALTERNATIVES_MAX = 2000, /* of one set */
    SCHEMA_STEPS_MAX = 600000,      /* terms taken in, of all sets */
    SCHEMA_NESTING_MAX = 200,       /* sets within sets */
    SCHEMA_MEMORY_MAX = 128 << 20,  /* bytes while a schema is read, of what is kept and of a job */
    SCHEMA_PATTERN_BUCKETS = 256,
    SCHEMA_UNBOUNDED = UINT32_MAX,
    NUMBER_DIGITS = 15, /* doubles keep so many decimal digits apart */
};

/* ---- terms ---- */

enum term_kind {
    TERM_HOLDS,           /* the value satisfies `schema` */
    TERM_FAILS,           /* it does not */
    TERM_KEYWORD_FAILS,   /* it does not satisfy the keyword `name` of `schema` */
    TERM_HAS,             /* an object with the property `name` */
    TERM_HAS_FAILING,     /* whose value fails `schema` */
    TERM_LACKS,           /* an object without the property `name` */
    TERM_IN_CLASS,        /* a value of the class `value_class` (json_schema_class.c) */
    TERM_HAS_IN_CLASS,    /* an object with the property `name`, whose value is of that class */
    TERM_NO_OBJECT,       /* anything but an object */
    TERM_ITEMS_FAIL,      /* an array of items that all fail `schema` */
    TERM_SOME_ITEM_FAILS, /* an array with an item that fails `schema` */
};

struct term {
    enum term_kind kind;
    const json_t *schema;
    struct text name;
    unsigned value_class;
};

struct terms {
    const struct term *items;
    size_t count;
};

/* ---- shapes ---- */

enum schema_type {
    TYPE_NULL = 1,
    TYPE_FALSE = 2,
    TYPE_TRUE = 4,
    TYPE_INTEGER = 8,
    TYPE_FRACTION = 16, /* numbers that are no integers */
    TYPE_STRING = 32,
    TYPE_ARRAY = 64,
    TYPE_OBJECT = 128,
    TYPE_NUMBER = TYPE_INTEGER | TYPE_FRACTION,
    TYPE_ALL = 255,
};

/* whole.fraction without needless zeros; zero is "0" and "". */
struct decimal {
    bool negative;
    struct text whole, fraction;
};

struct limit {
    bool is_set, exclusive;
    struct decimal at;
};

/* Lists are shared between the alternatives that branch off one another: items are only ever put
 * before them, so the newest comes first. */
struct listed {
    const struct listed *next;
    const json_t *json; /* a schema, or a value */
    struct text name;   /* of a property */
    struct term term;   /* about that property */
    const struct regular *language;
    bool negated;
};

/* What a shape said when it was pruned last. */
struct pruned {
    const struct listed *taken, *required, *lacked, *layers, *about_names;
};

struct shape {
    unsigned types;
    size_t begun_with;               /* so many terms; the rest came from these */
    const struct listed *taken;      /* term: all that was taken in */
    uint64_t taken_bits[32];         /* of hashes of these: a term whose bit is not set is not */
    const struct listed *candidates; /* json: arrays of values, of enum and const */
    const struct listed *excluded;   /* json: values it must not be */
    struct limit minimum, maximum;
    const struct listed *multiples;      /* json, negated: the numbers it is a multiple of */
    const struct listed *number_classes; /* term: the class of the number */
    uint32_t least_length, most_length;
    const struct listed *languages; /* language, negated: of its string */
    uint32_t least_items, most_items;
    const json_t *unique;             /* the schema that says uniqueItems */
    const struct listed *item_layers; /* json: schemas that speak of items */
    const struct listed *item_terms;  /* term: about each item */
    const struct listed *contains;    /* term: about some item; json: where the counts are */
    uint32_t least_properties, most_properties;
    const json_t *least_properties_of; /* the schema that says minProperties */
    const struct listed *layers;       /* json: schemas that speak of properties */
    const struct listed *required;     /* name */
    const struct listed *lacked;       /* name */
    const struct listed *about_names;  /* name, term: about that property's value */
    const struct listed *name_schemas; /* json: propertyNames */
    const struct listed *unevaluated;  /* json: schemas with unevaluated... */
    struct pruned pruned;
};

struct shapes {
    struct shape *items;
    uint32_t count, capacity;
};

/* ---- the reader ---- */

/* What any grammar of JSON has. A comma and a colon may be followed by one space. */
struct json_parts {
    grammar_part any, object, array, string, number, integer, boolean, null;
    grammar_part comma, colon, quote;
    grammar_part character, characters; /* of a string, escapes included: one, and any number */
    grammar_part controls;              /* all control characters, each at the shortest */
};
void json_parts_init(struct json_parts *parts, struct grammar *grammar);
enum { JSON_ESCAPE_BYTES = 8 };
/* The character within a JSON string at the shortest: itself, \n, \u001f. */
struct text json_escape(uint32_t character, char out[JSON_ESCAPE_BYTES]);
/* A string with its quotes. */
grammar_part json_literal_string(struct grammar *grammar, struct text text);

/* A part, or nothing that could ever be written. */
struct written {
    grammar_part part;
    bool is_nothing;
};

struct known_set;
struct schema_references;

struct schema_reader {
    struct grammar *grammar;
    const json_t *root;
    struct arena *job;  /* what one set of terms needs: taken back when it is written */
    struct arena *kept; /* what is known until all is read: sets, patterns, references */
    struct fault *fault;
    bool closed; /* objects with `properties` and without additionalProperties have no
                    others */
    uint32_t steps, nesting, satisfiable_depth;
    unsigned class_count;    /* VALUE_CLASSES or a part of it: how many items unique ones may be */
    struct known_set **sets; /* hash table of a power of two */
    uint32_t set_count, set_slots;
    struct known_pattern *patterns[SCHEMA_PATTERN_BUCKETS];
    struct known_part *parts[SCHEMA_PATTERN_BUCKETS]; /* of languages */
    struct schema_references *references;
    uint32_t narrowed_count; /* ways to fail a schema that were left out, and the first of them */
    const json_t *narrowed;
    const char *narrowed_keyword;
    const json_t *left_out; /* of the set at hand: a schema whose uniqueItems is beyond us */
    struct json_parts common;
};

/* ---- json_schema.c ---- */

/* The part for values of which all terms hold. */
enum status schema_write(struct schema_reader *reader, struct terms terms,
                         struct written *out) MUST_USE;
/* There are values that fail the schema by this keyword, and will not be written. */
void schema_narrow(struct schema_reader *reader, const json_t *schema, const char *keyword);
/* Could there be such a value? May say yes where there is none. */
enum status schema_satisfiable(struct schema_reader *reader, struct terms terms,
                               bool *satisfiable) MUST_USE;
/* The fault of a keyword that cannot be honoured, by its JSON pointer. */
enum status schema_refuse(struct schema_reader *reader, const json_t *schema, const char *keyword,
                          enum status status, const char *format, ...) PRINTF_LIKE(5, 6);
enum status schema_no_memory(struct schema_reader *reader);
/* One exact value. */
enum status schema_write_value(struct schema_reader *reader, const json_t *value,
                               grammar_part *part) MUST_USE;
/* Put an item before the list. */
enum status schema_list(struct schema_reader *reader, const struct listed **list,
                        struct listed item) MUST_USE;

/* ---- json_schema_terms.c ---- */
enum status terms_expand(struct schema_reader *reader, struct terms terms, bool first_only,
                         struct shapes *shapes) MUST_USE;

/* ---- json_schema_shape.c ---- */
unsigned schema_type_of(const json_t *value);
/* Take in what the schema's own keywords say, or that one of them fails. Types may become 0. */
enum status shape_take(struct schema_reader *reader, struct shape *shape,
                       const json_t *schema) MUST_USE;
enum status shape_take_failing(struct schema_reader *reader, struct shape *shape,
                               const json_t *schema, const char *keyword) MUST_USE;
/* Drop the types of which no value can be. */
enum status shape_prune(struct schema_reader *reader, struct shape *shape) MUST_USE;
/* All that the value of the property must satisfy. */
enum status shape_property(struct schema_reader *reader, const struct shape *shape,
                           struct text name, struct terms *terms) MUST_USE;

/* ---- json_schema_class.c: values apart from one another ---- */
enum { VALUE_CLASSES = 8 }; /* at the most; a power of two */
/* How many classes the schema's arrays of unique items get: fewer where there are many of them. */
void schema_count_classes(struct schema_reader *reader);
/* The class of a value; of an object, that of the property to which `path` leads: names, a NUL
 * between them. 0 where it leads nowhere. */
unsigned value_class_of(struct schema_reader *reader, const json_t *value, struct text path);
/* Take the first name off the path. */
struct text path_take_name(struct text *path);
/* The types that values of a class may have, and the texts of its strings, and of its numbers
 * without an exponent. */
unsigned class_types(const struct schema_reader *reader, unsigned value_class);
enum status class_string_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out) MUST_USE;
enum status class_number_language(struct schema_reader *reader, unsigned value_class,
                                  const struct regular **out) MUST_USE;

/* ---- json_schema_reference.c ---- */
/* Before all else, and when all is done. */
enum status schema_find_references(struct schema_reader *reader) MUST_USE;
void schema_forget_references(struct schema_reader *reader);
/* What $ref means here, and a $dynamicRef or $recursiveRef. */
enum status schema_resolve(struct schema_reader *reader, const json_t *schema,
                           const json_t **target) MUST_USE;
enum status schema_resolve_dynamic(struct schema_reader *reader, const json_t *schema,
                                   const char *keyword, const json_t **target) MUST_USE;
/* Where the reference leads that the schema has by this keyword; NULL where none of these could
 * tell. */
enum status schema_follow(struct schema_reader *reader, const json_t *schema, const char *keyword,
                          const json_t **target) MUST_USE;
/* Does what is beside $ref count for nothing here? */
bool schema_ref_is_alone(const struct schema_reader *reader, const json_t *schema);
/* A JSON array of the meta-schemas of drafts 4 to 2020-12 (meta_schemas.json). */
extern const char json_meta_schemas[];

/* ---- json_schema_circle.c ---- */
/* Refuse schemas that lead back to themselves before they say anything. */
enum status schema_check_circles(struct schema_reader *reader, const json_t *schema) MUST_USE;
/* How far that search has come with a schema (json_schema_reference.c keeps it). */
enum circle_search { CIRCLE_UNKNOWN, CIRCLE_ENTERED, CIRCLE_NONE };
enum circle_search schema_circle_search(const struct schema_reader *reader, const json_t *schema);
enum status schema_set_circle_search(struct schema_reader *reader, const json_t *schema,
                                     enum circle_search search) MUST_USE;

/* ---- json_schema_uri.c ---- */
struct text uri_without_fragment(struct text uri);
/* The reference as seen from the base. NULL data without memory. */
struct text uri_resolve(struct arena *job, struct text base, struct text reference);

/* ---- json_schema_admits.c ---- */
enum status schema_admits(struct schema_reader *reader, const json_t *schema, const json_t *value,
                          bool *admits) MUST_USE;
/* Does the value fit this shape's terms? */
enum status shape_admits(struct schema_reader *reader, const struct shape *shape,
                         const json_t *value, bool *admits) MUST_USE;
/* Add the values the shape admits to the list, if it names them all. */
enum status shape_values(struct schema_reader *reader, const struct shape *shape,
                         const json_t **values, size_t most, size_t *count, bool *are_all) MUST_USE;
/* 1 and 1.0 are equal. */
bool json_values_equal(const json_t *a, const json_t *b);

/* ---- json_schema_string.c ---- */
/* The language of the pattern of this schema, read once. It is kept. */
enum status schema_pattern(struct schema_reader *reader, const json_t *schema, const char *keyword,
                           struct text pattern, const struct regular **out) MUST_USE;
/* *language becomes the two together; what is too large is refused by the place and the keyword
 * of one of them. */
enum status schema_combine(struct schema_reader *reader, const struct regular **language,
                           const struct regular *with, enum regular_operation operation,
                           const json_t *place, const char *keyword) MUST_USE;
/* The language of the format; NULL where it constrains nothing. */
enum status schema_format(struct schema_reader *reader, const json_t *schema, struct text format,
                          const struct regular **out) MUST_USE;
/* What the shape's strings may be; NULL: any of its lengths. */
enum status shape_string_language(struct schema_reader *reader, const struct shape *shape,
                                  const struct regular **out) MUST_USE;
/* The same with its values and lengths: all that its strings may be. */
enum status shape_string_names(struct schema_reader *reader, const struct shape *shape,
                               const struct regular **out) MUST_USE;
enum status shape_write_string(struct schema_reader *reader, const struct shape *shape,
                               struct written *out) MUST_USE;
/* Texts of the language, as they are or as JSON strings with their quotes. */
enum status schema_write_regular(struct schema_reader *reader, const struct regular *language,
                                 bool as_string, grammar_part *part) MUST_USE;

/* ---- json_schema_number.c ---- */
/* Exact in decimal, as numbers are written. */
bool number_is_multiple(struct schema_reader *reader, const json_t *number, const json_t *step);
/* False when the number is beyond what is handled. */
bool decimal_of(struct schema_reader *reader, const json_t *number, struct decimal *out);
int decimal_compare(const struct decimal *a, const struct decimal *b);
enum status shape_write_number(struct schema_reader *reader, const struct shape *shape,
                               struct written *out) MUST_USE;

/* ---- json_schema_array.c, json_schema_object.c ---- */
enum status shape_write_array(struct schema_reader *reader, const struct shape *shape,
                              struct written *out) MUST_USE;
enum status shape_write_object(struct schema_reader *reader, const struct shape *shape,
                               struct written *out) MUST_USE;

/* ---- small ones ---- */
static inline struct text schema_text(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}
static inline struct terms schema_one_term(const struct term *term)
{
    return (struct terms){term, 1};
}

#endif
