/* manifest.h - the last part of a backup: what it is, and what must be in it. Pure. */
#ifndef LIMINAL_OPERATIONS_MANIFEST_H
#define LIMINAL_OPERATIONS_MANIFEST_H

#include "base/arena.h"
#include "base/text.h"

enum { MANIFEST_FORMAT = 1, MANIFEST_SUM_BYTES = 65 /* SHA-256 as hex */ };
#define MANIFEST_PATH "manifest.json"

struct manifest_table {
    const char *name;
    uint64_t rows;
    char sum[MANIFEST_SUM_BYTES]; /* realization/table_rows.h */
};

struct manifest {
    const char *program;
    int64_t created_us;
    uint32_t schema_version;
    struct manifest_table *tables; /* in the order in which their rows come */
    size_t table_count;
    uint64_t files;
    char sum[MANIFEST_SUM_BYTES]; /* of every byte of the archive before this part */
};

enum status manifest_append(struct buffer *out, const struct manifest *manifest,
                            struct fault *fault) MUST_USE;
/* In the arena. STATUS_UNSUPPORTED for the format of a newer program, STATUS_CORRUPT. */
enum status manifest_parse(struct text json, struct arena *job, struct manifest *manifest,
                           struct fault *fault) MUST_USE;

#endif
