/* platform.h - the face of what the operating system gives: files, clocks, entropy, paths, logs.
 * Everything here may fail for reasons outside the program; messages name the path and the cause.
 */
#ifndef LIMINAL_PLATFORM_H
#define LIMINAL_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

/* ---- clocks ---- */
uint64_t clock_monotonic_ns(void);
/* Milliseconds since 1970, UTC. */
int64_t clock_wall_ms(void);

/* ---- entropy ---- */
/* Fill with bytes from the kernel; never fails on a kernel we run on (aborts otherwise). */
void entropy_fill(void *bytes, size_t length);

/* ---- files ---- */
/* A file mapped read-only. Length 0 is allowed (data is then a valid pointer to nothing). */
struct file_map {
    const unsigned char *data;
    size_t length;
};
enum status file_map_open(struct file_map *map, const char *path, struct fault *fault) MUST_USE;
void file_map_close(struct file_map *map);
/* Tell the kernel that [offset, offset+length) is not needed any more (it may drop the pages). */
void file_map_release(const struct file_map *map, size_t offset, size_t length);

/* Read a whole file of at most limit_bytes (STATUS_TOO_LARGE beyond). */
enum status file_read(const char *path, size_t limit_bytes, struct buffer *out,
                      struct fault *fault) MUST_USE;
/* Write by temporary file, fsync, rename: readers see the old or the new, never half. */
enum status file_write_atomic(const char *path, const void *data, size_t length, unsigned mode,
                              struct fault *fault) MUST_USE;
/* The same, unless there is one already: STATUS_CONFLICT. Of several that try, one does it. */
enum status file_write_new(const char *path, const void *data, size_t length, unsigned mode,
                           struct fault *fault) MUST_USE;
/* The name itself becomes durable: what was made or moved there is there after a power loss. */
enum status file_sync_name(const char *path, struct fault *fault) MUST_USE;
/* mkdir -p with mode 0700 for what is made. */
enum status directory_make(const char *path, struct fault *fault) MUST_USE;
bool file_exists(const char *path);
/* Bytes, or -1. */
int64_t file_size(const char *path);

/* ---- where things live (XDG) ---- */
/* LIMINAL_HOME, else $XDG_DATA_HOME/liminal, else ~/.local/share/liminal. */
enum status path_home(char *out, size_t capacity, struct fault *fault) MUST_USE;
/* LIMINAL_MODELS, else $XDG_DATA_HOME/liminal/models whatever LIMINAL_HOME says, so that servers
 * with data directories of their own share the models. */
enum status path_models(char *out, size_t capacity, struct fault *fault) MUST_USE;

/* ---- digest ---- */
struct sha256;
struct sha256 *sha256_new(void); /* NULL: no memory */
void sha256_update(struct sha256 *sha, const void *data, size_t length);
void sha256_final_free(struct sha256 *sha, unsigned char digest[32]);
void hex_encode(const unsigned char *bytes, size_t length, char *out /* 2*length+1 */);

/* ---- log: one JSON object a line on stderr ---- */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
/* "inference=debug,http=info" or "warn"; NULL means info for all. Unknown words are a fault. */
enum status log_configure(const char *specification, struct fault *fault) MUST_USE;
bool log_enabled(const char *component, enum log_level level);
/* `fields_json` is the inside of a JSON object ("\"a\":1,\"b\":\"x\"") or NULL. One write(2) per
 * line, so that lines of several threads never mix. Secrets do not belong in here. */
void log_write(const char *component, enum log_level level, const char *fields_json,
               const char *format, ...) PRINTF_LIKE(4, 5);

/* ---- memory ---- */
/* Zeroed memory for what is large, stays, and is read over and over: in huge pages where the kernel
 * grants them, because small ones are read faster than their translations are found. NULL when
 * there is none. */
void *large_memory_map(size_t bytes);
void large_memory_unmap(void *memory, size_t bytes); /* NULL is allowed */

/* ---- the machine ---- */
unsigned machine_cores(void);            /* usable by this process (affinity, cgroup quota) */
uint64_t machine_memory_available(void); /* bytes, cgroup limit respected */
uint64_t process_resident_bytes(void);

#endif
