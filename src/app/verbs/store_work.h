/* store_work.h - what the verbs share that work on the data of a server: which folder and which
 * database that is, and how their progress shows. */
#ifndef LIMINAL_APP_STORE_WORK_H
#define LIMINAL_APP_STORE_WORK_H

#include "app/stores.h"
#include "app/terminal.h"
#include "operations/operations.h"

/* The options of such verbs; everything else is as the server's settings say. */
struct store_values {
    const char *data_dir, *database;
};

/* Their rows, for a struct that begins with a store_values. */
#define STORE_ROW(name_, field, metavariable, help_)                                          \
    {                                                                                         \
        .name = (name_), .kind = OPTION_TEXT, .offset = offsetof(struct store_values, field), \
        .value_name = (metavariable), .help = (help_)                                         \
    }
#define STORE_ROWS                                                                                 \
    STORE_ROW("data-dir", data_dir, "FOLDER", "the server's data folder; default as for `serve`"), \
        STORE_ROW("database", database, "URL", "the server's database; default as for `serve`")

/* The folder of the server's data and the URL of its database. */
struct store_place {
    const char *data_dir, *database;
};
enum status store_work_place(struct store_place *place, const struct store_values *values,
                             struct arena *arena, struct fault *fault) MUST_USE;

/* How far the work is, on a bar; Ctrl-C stops it. Lives as long as the work. */
enum store_unit { STORE_ROWS_COUNTED, STORE_BYTES_COUNTED };
struct store_progress {
    struct operations_progress work; /* for operations.h */
    struct progress_bar bar;
    enum store_unit unit;
};
void store_progress_start(struct store_progress *progress, const char *label, enum store_unit unit);
void store_progress_end(struct store_progress *progress);

#endif
