/* terminal.h - how results and progress are shown: to a person at a terminal with a moving line,
 * elsewhere, and where TERM is dumb, as plain lines. Nothing is ever coloured (NO_COLOR). */
#ifndef LIMINAL_APP_TERMINAL_H
#define LIMINAL_APP_TERMINAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"
#include "base/text.h"

/* Is the stream a terminal that can move its cursor? */
bool terminal_is_live(FILE *stream);

/* Write text that we did not make. On a terminal its control characters show as U+FFFD, so that a
 * model or a file cannot move the cursor or worse; elsewhere the bytes stay as they are. */
void terminal_write(FILE *out, struct text text);

enum { SIZE_TEXT_BYTES = 16 };
/* "307.7 MB": powers of 1000, as disks and downloads count. */
void size_text(uint64_t bytes, char out[SIZE_TEXT_BYTES]);

/* Print the JSON document, indented, with a newline, and release it. NULL: no memory. */
enum status print_json_take(json_t *document, FILE *out, struct fault *fault) MUST_USE;

/* A bar that moves on a terminal; elsewhere a line now and then. Shown on stderr, so that results
 * on stdout stay clean. */
struct progress_bar {
    const char *label;
    bool live;
    bool shown;
    uint64_t started_ns, drawn_ns;
    uint64_t first_bytes; /* what an earlier run had fetched does not count for the rate */
    int last_tenth;
};
void progress_bar_start(struct progress_bar *bar, const char *label);
/* total 0: not known. With a rate and the time left. */
void progress_bar_bytes(struct progress_bar *bar, uint64_t done, uint64_t total);
/* 0..1 */
void progress_bar_share(struct progress_bar *bar, double done);
/* Wipe the moving line (or leave the last one standing). */
void progress_bar_end(struct progress_bar *bar);

#endif
