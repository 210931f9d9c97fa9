/* data_folder.h - the files of a server that belong into a backup: all in its data folder but what
 * can be had again (models, the store of computed conversations), what belongs to the machine (its
 * settings), what is the database's own, and backups. */
#ifndef LIMINAL_OPERATIONS_DATA_FOLDER_H
#define LIMINAL_OPERATIONS_DATA_FOLDER_H

#include "base/arena.h"
#include "operations/archive.h"

struct data_files {
    struct archive_entry *items; /* paths within the folder, sorted */
    size_t count, left_out;      /* left out: neither a plain file nor a folder */
};

/* `database` (may be NULL) is the path of an SQLite database, whose files are left out too. A
 * folder that does not exist has none. */
enum status data_folder_list(const char *folder, const char *database, struct arena *job,
                             struct data_files *files, struct fault *fault) MUST_USE;

/* What stands directly in the folder and belongs into a backup; NULL-ended, sorted. */
enum status data_folder_names(const char *folder, const char *database, struct arena *job,
                              const char *const **names, struct fault *fault) MUST_USE;

#endif
