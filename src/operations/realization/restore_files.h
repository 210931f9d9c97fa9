/* restore_files.h - the files of a backup: laid out in a folder beside, then moved to their places.
 */
#ifndef LIMINAL_OPERATIONS_RESTORE_FILES_H
#define LIMINAL_OPERATIONS_RESTORE_FILES_H

#include "operations/operations.h"
#include "operations/realization/archive_file.h"

enum { FOLDER_PATH_BYTES = 4096 };

/* Into a new folder of `data_folder`, whose path goes to `laid_out`, durably. */
enum status files_lay_out(const char *path, const char *data_folder,
                          const struct operations_progress *progress,
                          char laid_out[FOLDER_PATH_BYTES], uint64_t *files,
                          struct fault *fault) MUST_USE;
/* Everything in `from` that `names` names (NULL-ended; NULL: everything) into `to`. */
enum status files_move(const char *from, const char *const *names, const char *to,
                       struct fault *fault) MUST_USE;
/* With all in it; as well as it can be. */
void files_remove_folder(const char *folder);

#endif
