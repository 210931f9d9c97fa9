/* regular_pattern.c - reads ECMAScript patterns (flag u) into trees; regular_tree.c makes automata
 * of them. */
#include <stdlib.h>
#include <string.h>

#include "inference/grammar/regular_private.h"
#include "inference/grammar/unicode_category.h"

enum {
    NESTING_LIMIT = 100,
    REPEAT_LIMIT = 10000,
    NODE_LIMIT = 20000,
};

struct ranges {
    struct range *items;
    size_t count, capacity;
};

struct parser {
    struct text source;
    size_t at;
    int depth;
    uint32_t nodes;
    struct arena *job;
    struct fault *fault;
    enum status status; /* what went wrong first */
};

/* ---- failing ---- */

static void *fail(struct parser *parser, enum status status, const char *what)
{
    if (parser->status == OK)
        parser->status = fault_set(parser->fault, status, "%s at character %zu of the pattern",
                                   what, parser->at + 1);
    return NULL;
}

static void *fail_memory(struct parser *parser)
{
    if (parser->status == OK)
        parser->status = fault_set(parser->fault, STATUS_NO_MEMORY, "no memory for a pattern");
    return NULL;
}

/* ---- reading characters ---- */

static bool at_end(const struct parser *parser)
{
    return parser->at >= parser->source.length;
}

static char peek(const struct parser *parser)
{
    return at_end(parser) ? '\0' : parser->source.data[parser->at];
}

static bool looking_at(const struct parser *parser, const char *word)
{
    struct text rest = text_slice(parser->source, parser->at, parser->source.length);
    return text_starts_with(rest, text_of(word));
}

static bool take(struct parser *parser, const char *word)
{
    if (!looking_at(parser, word)) return false;
    parser->at += strlen(word);
    return true;
}

static uint32_t take_character(struct parser *parser)
{
    uint32_t character = 0;
    size_t bytes = utf8_decode(parser->source.data + parser->at, parser->source.length - parser->at,
                               &character);
    if (bytes == 0) fail(parser, STATUS_INVALID, "no UTF-8");
    parser->at += bytes ? bytes : 1;
    return character;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* `digits` hexadecimal ones; UINT32_MAX when they are not there. */
static uint32_t take_hex(struct parser *parser, int digits)
{
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        int digit = hex_digit(at_end(parser) ? 'x' : parser->source.data[parser->at]);
        if (digit < 0) {
            fail(parser, STATUS_INVALID, "a hexadecimal digit is missing");
            return UINT32_MAX;
        }
        value = value * 16 + (uint32_t)digit;
        parser->at++;
    }
    return value;
}

/* ---- sets of characters ---- */

static void add_range(struct parser *parser, struct ranges *set, uint32_t first, uint32_t last)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity ? 2 * set->capacity : 8;
        struct range *more = arena_alloc_array(parser->job, capacity, sizeof *more);
        if (!more) {
            fail_memory(parser);
            return;
        }
        if (set->count) memcpy(more, set->items, set->count * sizeof *more);
        set->items = more;
        set->capacity = capacity;
    }
    set->items[set->count++] = (struct range){first, last};
}

static int compare_ranges(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void sort_ranges(struct ranges *set)
{
    size_t kept = 0;
    if (set->count == 0) return;
    qsort(set->items, set->count, sizeof *set->items, compare_ranges);
    for (size_t i = 1; i < set->count; i++) {
        struct range *last = &set->items[kept];
        if (set->items[i].first > last->last + 1)
            set->items[++kept] = set->items[i];
        else if (set->items[i].last > last->last)
            last->last = set->items[i].last;
    }
    set->count = kept + 1;
}

static void add_negated(struct parser *parser, struct ranges *set, struct ranges negated)
{
    uint32_t next = 0;
    sort_ranges(&negated);
    for (size_t i = 0; i < negated.count; i++) {
        if (negated.items[i].first > next) add_range(parser, set, next, negated.items[i].first - 1);
        next = negated.items[i].last + 1;
    }
    if (next <= REGULAR_LAST_CHARACTER) add_range(parser, set, next, REGULAR_LAST_CHARACTER);
}

static const struct range DIGITS[] = {{'0', '9'}};
static const struct range WORD[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const struct range SPACES[] = {
    {0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
static const struct range LINE_ENDS[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

static void add_known(struct parser *parser, struct ranges *set, const struct range *ranges,
                      size_t count, bool negated)
{
    struct ranges known = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++)
        add_range(parser, negated ? &known : set, ranges[i].first, ranges[i].last);
    if (negated) add_negated(parser, set, known);
}

/* \p{...} or \P{...}, of which the letter is taken: a general category of Unicode. */
static void take_property(struct parser *parser, struct ranges *set, bool negated)
{
    static const char *const PREFIXES[] = {"gc=", "General_Category="};
    struct ranges known = {NULL, 0, 0};
    uint32_t first, last = 0;
    if (!take(parser, "{")) {
        fail(parser, STATUS_INVALID, "\\p without its {");
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(PREFIXES); i++)
        if (take(parser, PREFIXES[i])) break;
    size_t start = parser->at;
    while (!at_end(parser) && peek(parser) != '}') parser->at++;
    unsigned categories = unicode_categories(text_slice(parser->source, start, parser->at));
    if (categories == 0 || !take(parser, "}")) {
        fail(parser, STATUS_UNSUPPORTED,
             "a class by a Unicode property other than a general category is not supported: name "
             "the ranges");
        return;
    }
    while (unicode_category_range(categories, last, &first, &last)) {
        add_range(parser, &known, first, last);
        if (!negated) add_range(parser, set, first, last);
        last++;
    }
    if (negated) add_negated(parser, set, known);
}

/* \d \D \w \W \s \S \p \P; false for another escape. */
static bool take_class_escape(struct parser *parser, struct ranges *set)
{
    char c = peek(parser);
    bool negated = c >= 'A' && c <= 'Z';
    if (c == 'p' || c == 'P') {
        parser->at++;
        take_property(parser, set, negated);
        return true;
    }
    switch (c | 0x20) {
    case 'd': add_known(parser, set, DIGITS, ARRAY_COUNT(DIGITS), negated); break;
    case 'w': add_known(parser, set, WORD, ARRAY_COUNT(WORD), negated); break;
    case 's': add_known(parser, set, SPACES, ARRAY_COUNT(SPACES), negated); break;
    default: return false;
    }
    parser->at++;
    return true;
}

static uint32_t take_unicode_escape(struct parser *parser)
{
    if (take(parser, "{")) {
        uint32_t value = 0;
        while (!at_end(parser) && peek(parser) != '}' && value <= REGULAR_LAST_CHARACTER) {
            uint32_t digit = take_hex(parser, 1);
            if (parser->status != OK) return 0;
            value = value * 16 + digit;
        }
        if (!take(parser, "}") || value > REGULAR_LAST_CHARACTER)
            fail(parser, STATUS_INVALID, "a broken \\u{}");
        return value;
    }
    uint32_t value = take_hex(parser, 4);
    if (value >= 0xD800 && value <= 0xDBFF && take(parser, "\\u")) {
        uint32_t low = take_hex(parser, 4);
        if (low < 0xDC00 || low > 0xDFFF) fail(parser, STATUS_INVALID, "half a character");
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
    }
    return value;
}

/* What stands behind a backslash and means one character. */
static uint32_t take_character_escape(struct parser *parser)
{
    char c = peek(parser);
    if (at_end(parser)) {
        fail(parser, STATUS_INVALID, "a backslash without anything after it");
        return 0;
    }
    if ((c >= '1' && c <= '9') || c == 'k') {
        fail(parser, STATUS_UNSUPPORTED, "a back reference (no regular language)");
        return 0;
    }
    uint32_t character = take_character(parser);
    switch (character) {
    case 't': return '\t';
    case 'n': return '\n';
    case 'r': return '\r';
    case 'f': return '\f';
    case 'v': return '\v';
    case '0': return 0;
    case 'x': return take_hex(parser, 2);
    case 'u': return take_unicode_escape(parser);
    case 'c':
        if ((peek(parser) | 0x20) < 'a' || (peek(parser) | 0x20) > 'z') {
            fail(parser, STATUS_INVALID, "\\c without a letter");
            return 0;
        }
        return take_character(parser) & 31;
    default: return character;
    }
}

/* One end of a range within [...]; *is_class when it was \d or the like, which is added whole. */
static uint32_t take_class_atom(struct parser *parser, struct ranges *set, bool *is_class)
{
    *is_class = false;
    if (!take(parser, "\\")) return take_character(parser);
    if (take_class_escape(parser, set)) {
        *is_class = true;
        return 0;
    }
    if (take(parser, "b")) return '\b';
    if (take(parser, "-")) return '-';
    return take_character_escape(parser);
}

static struct ranges take_class(struct parser *parser)
{
    struct ranges set = {NULL, 0, 0}, negated = {NULL, 0, 0};
    bool is_negated = take(parser, "^");
    while (!at_end(parser) && peek(parser) != ']' && parser->status == OK) {
        bool first_is_class, last_is_class = false;
        uint32_t first = take_class_atom(parser, &set, &first_is_class), last = first;
        if (looking_at(parser, "-") && !looking_at(parser, "-]")) {
            parser->at++;
            last = take_class_atom(parser, &set, &last_is_class);
            if (first_is_class || last_is_class) { /* [\w-x]: a dash of its own */
                add_range(parser, &set, '-', '-');
                if (!first_is_class) add_range(parser, &set, first, first);
                if (!last_is_class) add_range(parser, &set, last, last);
                continue;
            }
            if (first > last) fail(parser, STATUS_INVALID, "a range that ends before it begins");
        }
        if (!first_is_class) add_range(parser, &set, first, last);
    }
    if (!take(parser, "]")) fail(parser, STATUS_INVALID, "a class without its ]");
    if (!is_negated) return set;
    add_negated(parser, &negated, set);
    return negated;
}

/* ---- the tree ---- */

static struct node *new_node(struct parser *parser, struct node node)
{
    if (++parser->nodes > NODE_LIMIT) return fail(parser, STATUS_TOO_LARGE, "a pattern this long");
    struct node *made = arena_alloc(parser->job, sizeof *made);
    if (!made) return fail_memory(parser);
    *made = node;
    return made;
}

static struct node *set_node(struct parser *parser, struct ranges set)
{
    sort_ranges(&set);
    return new_node(parser,
                    (struct node){.kind = NODE_SET, .ranges = set.items, .range_count = set.count});
}

static struct node *range_node(struct parser *parser, uint32_t first, uint32_t last)
{
    struct ranges set = {NULL, 0, 0};
    add_range(parser, &set, first, last);
    return set_node(parser, set);
}

static struct node *pair_node(struct parser *parser, enum node_kind kind, struct node *left,
                              struct node *right)
{
    return new_node(parser, (struct node){.kind = kind, .left = left, .right = right});
}

static struct node *repeat_node(struct parser *parser, struct node *of, uint32_t least,
                                uint32_t most)
{
    return new_node(parser,
                    (struct node){.kind = NODE_REPEAT, .left = of, .least = least, .most = most});
}

static struct node *look_node(struct parser *parser, struct node *at, bool is_behind,
                              bool is_negated)
{
    return new_node(
        parser,
        (struct node){
            .kind = NODE_LOOK, .left = at, .is_behind = is_behind, .is_negated = is_negated});
}

/* \b: a word character on one side and none on the other. \B: on both, or on none. */
static struct node *boundary_node(struct parser *parser, bool is_negated)
{
    struct ranges word = {NULL, 0, 0};
    add_known(parser, &word, WORD, ARRAY_COUNT(WORD), false);
    struct node *letter = set_node(parser, word);
    struct node *ends = pair_node(parser, NODE_SEQUENCE, look_node(parser, letter, true, false),
                                  look_node(parser, letter, false, !is_negated));
    struct node *begins = pair_node(parser, NODE_SEQUENCE, look_node(parser, letter, true, true),
                                    look_node(parser, letter, false, is_negated));
    return pair_node(parser, NODE_CHOICE, ends, begins);
}

static struct node *parse_choice(struct parser *parser);

/* What stands behind (? and looks ahead or behind. */
static bool take_look(struct parser *parser, bool *is_behind, bool *is_negated)
{
    static const char *const SIGNS[] = {"=", "!", "<=", "<!"};
    for (unsigned i = 0; i < ARRAY_COUNT(SIGNS); i++) {
        if (!take(parser, SIGNS[i])) continue;
        *is_behind = i >= 2;
        *is_negated = i % 2 == 1;
        return true;
    }
    return false;
}

static struct node *parse_group(struct parser *parser)
{
    bool looks = false, is_behind = false, is_negated = false;
    if (take(parser, "?")) {
        looks = take_look(parser, &is_behind, &is_negated);
        if (looks) {
            /* its text follows */
        } else if (take(parser, "<")) {
            while (!at_end(parser) && peek(parser) != '>') parser->at++;
            if (!take(parser, ">")) return fail(parser, STATUS_INVALID, "a group's name without >");
        } else if (!take(parser, ":")) {
            return fail(parser, STATUS_UNSUPPORTED, "a group of a kind that ECMAScript lacks");
        }
    }
    if (++parser->depth > NESTING_LIMIT)
        return fail(parser, STATUS_TOO_LARGE, "groups nested this deep");
    struct node *inner = parse_choice(parser);
    parser->depth--;
    if (!take(parser, ")")) return fail(parser, STATUS_INVALID, "a group without its )");
    return looks ? look_node(parser, inner, is_behind, is_negated) : inner;
}

static struct node *parse_escape(struct parser *parser)
{
    struct ranges set = {NULL, 0, 0};
    if (take(parser, "b")) return boundary_node(parser, false);
    if (take(parser, "B")) return boundary_node(parser, true);
    if (take_class_escape(parser, &set)) return set_node(parser, set);
    uint32_t character = take_character_escape(parser);
    return range_node(parser, character, character);
}

static struct node *parse_atom(struct parser *parser)
{
    struct ranges any = {NULL, 0, 0};
    if (take(parser, "(")) return parse_group(parser);
    if (take(parser, "[")) return set_node(parser, take_class(parser));
    if (take(parser, "\\")) return parse_escape(parser);
    if (take(parser, "^")) return new_node(parser, (struct node){.kind = NODE_BEGIN});
    if (take(parser, "$")) return new_node(parser, (struct node){.kind = NODE_END});
    if (take(parser, ".")) {
        add_known(parser, &any, LINE_ENDS, ARRAY_COUNT(LINE_ENDS), true);
        return set_node(parser, any);
    }
    if (strchr("*+?", peek(parser))) return fail(parser, STATUS_INVALID, "a repetition of nothing");
    uint32_t character = take_character(parser);
    return range_node(parser, character, character);
}

static bool take_number(struct parser *parser, uint32_t *number)
{
    size_t start = parser->at;
    uint32_t value = 0;
    while (peek(parser) >= '0' && peek(parser) <= '9') {
        if (value <= REPEAT_LIMIT) value = value * 10 + (uint32_t)(peek(parser) - '0');
        parser->at++;
    }
    *number = value;
    return parser->at > start;
}

/* {n}, {n,} or {n,m}; anything else is text, as in patterns without the flag u. */
static bool take_counts(struct parser *parser, uint32_t *least, uint32_t *most)
{
    size_t start = parser->at;
    if (take(parser, "{") && take_number(parser, least)) {
        *most = *least;
        if (take(parser, ",") && !take_number(parser, most)) *most = UINT32_MAX;
        if (take(parser, "}")) return true;
    }
    parser->at = start;
    return false;
}

static struct node *parse_repeat(struct parser *parser)
{
    struct node *atom = parse_atom(parser);
    while (parser->status == OK) {
        uint32_t least = 0, most = UINT32_MAX;
        if (take(parser, "*"))
            least = 0;
        else if (take(parser, "+"))
            least = 1;
        else if (take(parser, "?"))
            most = 1;
        else if (!take_counts(parser, &least, &most))
            break;
        take(parser, "?"); /* lazy: the same texts */
        if (least > most) return fail(parser, STATUS_INVALID, "a repetition {n,m} with n > m");
        if (least > REPEAT_LIMIT || (most > REPEAT_LIMIT && most != UINT32_MAX))
            return fail(parser, STATUS_TOO_LARGE, "more than 10000 repetitions");
        atom = repeat_node(parser, atom, least, most);
    }
    return atom;
}

static struct node *parse_sequence(struct parser *parser)
{
    struct node *sequence = new_node(parser, (struct node){.kind = NODE_EMPTY});
    while (!at_end(parser) && peek(parser) != '|' && peek(parser) != ')' && parser->status == OK)
        sequence = pair_node(parser, NODE_SEQUENCE, sequence, parse_repeat(parser));
    return sequence;
}

static struct node *parse_choice(struct parser *parser)
{
    struct node *choice = parse_sequence(parser);
    while (parser->status == OK && take(parser, "|"))
        choice = pair_node(parser, NODE_CHOICE, choice, parse_sequence(parser));
    return choice;
}

enum status regular_tree_read(const struct node **tree, struct text pattern, struct arena *job,
                              struct fault *fault)
{
    struct parser parser = {.source = pattern, .job = job, .fault = fault};
    *tree = parse_choice(&parser);
    if (parser.status == OK && !at_end(&parser))
        fail(&parser, STATUS_INVALID, "a ) without its group");
    return parser.status;
}

enum status regular_pattern(struct regular **out, struct text pattern, struct arena *job,
                            struct fault *fault)
{
    const struct node *tree;
    TRY(regular_tree_read(&tree, pattern, job, fault));
    return regular_tree_compile(out, tree, job, fault);
}
