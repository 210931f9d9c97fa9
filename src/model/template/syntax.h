/* syntax.h - the syntax tree of a compiled template. Immutable, in the arena of the template. */
#ifndef LIMINAL_TEMPLATE_SYNTAX_H
#define LIMINAL_TEMPLATE_SYNTAX_H

#include "model/template/value.h"

enum node_kind {
    /* statements */
    NODE_DATA,
    NODE_OUTPUT,
    NODE_IF,
    NODE_FOR,
    NODE_SET,
    NODE_SET_BLOCK,
    NODE_MACRO,
    NODE_CALL_BLOCK,
    NODE_FILTER_BLOCK,
    NODE_SCOPE,
    NODE_BREAK,
    NODE_CONTINUE,
    /* expressions */
    NODE_LITERAL,
    NODE_NAME,
    NODE_LIST,
    NODE_TUPLE,
    NODE_DICT,
    NODE_ATTRIBUTE,
    NODE_ITEM,
    NODE_SLICE,
    NODE_CALL,
    NODE_FILTER,
    NODE_TEST,
    NODE_NOT,
    NODE_NEGATE,
    NODE_PLUS,
    NODE_AND,
    NODE_OR,
    NODE_ARITHMETIC,
    NODE_CONCAT,
    NODE_COMPARE,
    NODE_CONDITIONAL,
    NODE_CAPTURED /* the text that a filter block or a block set has just rendered */
};

enum operation {
    OPERATION_ADD,
    OPERATION_SUBTRACT,
    OPERATION_MULTIPLY,
    OPERATION_DIVIDE,
    OPERATION_FLOOR_DIVIDE,
    OPERATION_MODULO,
    OPERATION_POWER,
    OPERATION_EQUAL,
    OPERATION_NOT_EQUAL,
    OPERATION_LESS,
    OPERATION_LESS_EQUAL,
    OPERATION_GREATER,
    OPERATION_GREATER_EQUAL,
    OPERATION_IN,
    OPERATION_NOT_IN
};

struct node;

/* Nodes in a row, linked through node.next. */
struct node_list {
    struct node *first, *last;
    size_t count;
};

/* The arguments of a call: f(1, 2, name=3, *more, **named). */
struct call_syntax {
    struct node_list positional;
    struct node_list keywords; /* values; their names in keyword_names */
    struct text *keyword_names;
    struct node *spread, *keyword_spread; /* may be NULL */
};

/* A macro, or the body of a {% call %}. */
struct macro_syntax {
    struct text name;
    int variable;    /* the name the macro is stored under; -1 for a call body */
    int *parameters; /* variables */
    size_t parameter_count;
    struct node_list defaults; /* of the last parameters */
    struct node_list body;
    bool takes_varargs, takes_kwargs, takes_caller; /* its body mentions them */
};

/* Variables are numbered at compile time; struct program holds their names. */
struct node {
    enum node_kind kind;
    uint32_t offset; /* where in the source, for faults */
    struct node *next;
    union {
        struct text data;
        struct value literal;
        int variable;
        struct node *operand;   /* OUTPUT, NOT, NEGATE, PLUS */
        struct node_list items; /* LIST, TUPLE, CONCAT; DICT: key, value, key, ... */
        struct {
            struct node_list conditions; /* if, elif, ... */
            struct node_list *bodies;    /* as many */
            struct node_list otherwise;
        } branch;
        struct {
            struct node *target, *iterable, *filter; /* filter may be NULL */
            struct node_list body, otherwise;
            bool recursive;
        } loop;
        struct {
            struct node *target, *value;
            struct node_list body; /* of a block set: value is then a filter chain or NULL */
        } set;
        struct macro_syntax *macro;
        struct {
            struct macro_syntax *caller;
            struct node *call;
        } call_block;
        struct {
            struct node *value;               /* FILTER_BLOCK: filters around CAPTURED */
            struct node_list targets, values; /* SCOPE: {% with %} */
            struct node_list body;
        } block;
        struct {
            struct node *object;
            struct text name;
        } attribute;
        struct {
            struct node *object, *index;
        } item;
        struct {
            struct node *start, *stop, *step; /* each may be NULL */
        } slice;
        struct {
            struct node *subject;          /* the callee; NULL never */
            struct text name;              /* of FILTER and TEST */
            const struct builtin *builtin; /* the same; NULL: there is none */
            struct call_syntax arguments;
        } call;
        struct {
            enum operation operation;
            struct node *left, *right;
        } binary; /* AND, OR, ARITHMETIC */
        struct {
            struct node *first;
            struct node_list operands;
            enum operation *operations;
        } compare;
        struct {
            struct node *condition, *yes, *no; /* no may be NULL: undefined */
        } conditional;
    };
};

struct program {
    struct text source;
    struct node_list body;
    struct text *variables; /* names by number */
    size_t variable_count;
    int caller, varargs, kwargs, loop; /* variables with a meaning of their own */
};

#endif
