/* parts.h - what a grammar is made of while it is being built, for the files of this folder.
 *
 * Parts are numbers into one array. Equal parts are one part (all but rules), so that what is used
 * in many places is compiled once. */
#ifndef LIMINAL_INFERENCE_GRAMMAR_PARTS_H
#define LIMINAL_INFERENCE_GRAMMAR_PARTS_H

#include "inference/grammar/grammar.h"

enum part_kind {
    PART_LITERAL,  /* list: bytes */
    PART_CLASS,    /* list: ranges of code points, sorted, apart from each other */
    PART_SEQUENCE, /* list: children; of none: the empty text */
    PART_CHOICE,   /* list: children; of none: nothing, not even the empty text */
    PART_REPEAT,   /* list: one child */
    PART_WITHOUT,  /* list: bytes of the word */
    PART_RULE,     /* list: one child, or none while it is not set */
};

struct part {
    enum part_kind kind;
    uint32_t first, count; /* the list: in bytes, ranges or children */
    uint32_t least, most;  /* of PART_REPEAT */
    uint32_t depth;        /* of the longest way down, rules not entered */
    uint32_t hash;
};

struct code_range {
    uint32_t first, last;
};

struct rule_name {
    grammar_part rule;
    uint32_t first, length; /* in bytes */
};

enum {
    GRAMMAR_PARTS_MAX = 1 << 20,
    GRAMMAR_BYTES_MAX = 16 << 20, /* of all literals; also the bound of children and ranges */
    GRAMMAR_DEPTH_MAX = 500,
    GRAMMAR_WORD_MAX = 256, /* bytes of a word that a text is to be without */
};

struct grammar {
    struct part *parts;
    grammar_part *children;
    struct code_range *ranges;
    unsigned char *bytes;
    struct rule_name *names;
    uint32_t *slots; /* hash table of parts; 0: free, else part + 1 */
    uint32_t part_count, part_capacity, child_count, child_capacity, range_count, range_capacity;
    uint32_t byte_count, byte_capacity, name_count, name_capacity, slot_count;
    grammar_part root;
    bool has_root;
    enum status status; /* what went wrong first */
    struct fault fault;
    struct automaton *automaton; /* once finished */
};

/* Names a rule for messages. */
void grammar_rule_name(struct grammar *grammar, grammar_part rule, struct text name);
/* "rule 'name'", "a rule" for one without a name. */
void grammar_rule_describe(const struct grammar *grammar, grammar_part rule, char out[96]);
/* From now on grammar_finish fails so; the first fault stays. */
void grammar_fail(struct grammar *grammar, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

static inline struct text part_text(const struct grammar *grammar, const struct part *part)
{
    return (struct text){(const char *)grammar->bytes + part->first, part->count};
}

#endif
