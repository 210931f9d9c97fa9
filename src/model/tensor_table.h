/* tensor_table.h - which tensors a model file has, what they are called, how large they must be,
 * and where they go. Data only; weights.c reads it. */
#ifndef LIMINAL_MODEL_TENSOR_TABLE_H
#define LIMINAL_MODEL_TENSOR_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Sizes that tensors are measured in. */
enum extent {
    EXTENT_NONE, /* the end of a list */
    EXTENT_WIDTH,
    EXTENT_QUERY, /* heads x head_width */
    EXTENT_KEY,   /* kv_heads x head_width */
    EXTENT_HEAD,
    EXTENT_FEED_FORWARD,
    EXTENT_VOCABULARY,
    EXTENT_CONTEXT,
    EXTENT_TOKEN_TYPES,
    EXTENT_ROPE_PAIRS,
};

/* One tensor of the file becomes one or more parts: runs of the rows of a matrix, or of the values
 * of a vector. Parts that are not there have EXTENT_NONE. */
enum { PARTS = 3 };
struct tensor_part {
    enum extent extent;
    size_t offset; /* of the field in struct layer or struct weights */
};

/* Beside the features of architecture.h: the file may lack it although the feature is there. */
#define MAY_BE_ABSENT 0x80000000U

struct tensor_slot {
    const char *name;    /* of a layer's tensor: what follows "blk.N." */
    uint32_t features;   /* that have it; 0: every architecture */
    enum extent columns; /* EXTENT_NONE: a vector */
    struct tensor_part parts[PARTS];
};

/* Tensors of the whole model (fields of struct weights) and of each layer (of struct layer). */
extern const struct tensor_slot whole_slots[];
extern const size_t whole_slot_count;
extern const struct tensor_slot layer_slots[];
extern const size_t layer_slot_count;

#endif
