/* flow.h - an answer on a terminal: words come as they are made, and none is broken at the edge. */
#ifndef LIMINAL_APP_FLOW_H
#define LIMINAL_APP_FLOW_H

#include <stdio.h>

#include "base/text.h"

struct flow {
    FILE *out;
    size_t width;  /* columns; 0: no edge, text passes as it comes */
    size_t column; /* of what was printed */
    size_t spaces; /* seen since, and not printed yet */
    struct buffer word;
    size_t word_columns;
};

/* The width is the terminal's; no edge when `out` is none. */
void flow_init(struct flow *flow, FILE *out);
void flow_deinit(struct flow *flow);
/* Whole characters. The last word waits for its end. */
void flow_write(struct flow *flow, struct text text);
/* Print what waits, and end the line if one was begun. */
void flow_finish(struct flow *flow);

#endif
