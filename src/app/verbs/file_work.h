/* file_work.h - what the verbs that make model files share: where the result goes, and how their
 * progress shows. */
#ifndef LIMINAL_APP_FILE_WORK_H
#define LIMINAL_APP_FILE_WORK_H

#include "app/terminal.h"
#include "base/arena.h"
#include "model/file/progress.h"

/* A path stays what it is; a bare name becomes a new file in the store (STATUS_CONFLICT if taken).
 */
enum status file_work_output(const char *word, struct arena *arena, char **path,
                             struct fault *fault) MUST_USE;

/* The bar lives as long as the work. */
struct progress file_work_progress(struct progress_bar *bar, const char *label);

/* Wipe the bar and, on success, tell the file's size. */
void file_work_end(struct progress_bar *bar, enum status status, const char *path, FILE *out);

#endif
