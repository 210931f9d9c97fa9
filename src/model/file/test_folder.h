/* test_folder.h - a folder of its own for a test of this capability, and files in it. */
#ifndef LIMINAL_MODEL_TEST_FOLDER_H
#define LIMINAL_MODEL_TEST_FOLDER_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test_support.h"
#include "base/text.h"
#include "model/file/gguf.h"
#include "model/file/synth.h"
#include "platform/platform.h"

static char test_folder[64];

static inline int make_test_folder(void **state)
{
    strcpy(test_folder, "/tmp/liminal-files-XXXXXX");
    return mkdtemp(test_folder) ? 0 : -1;
}

/* The path of a file of the folder; good until the eighth call after. */
static inline const char *test_path(const char *name)
{
    static char paths[8][400];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

static inline void write_test_file(const char *name, const void *bytes, size_t length)
{
    struct fault fault;
    assert_ok(file_write_atomic(test_path(name), bytes, length, 0600, &fault), &fault);
}

static inline void write_test_text(const char *name, const char *text)
{
    write_test_file(name, text, strlen(text));
}

/* A made-up model as a file of the folder. */
static inline void synth(const char *shape, const char *type, const char *name)
{
    struct fault fault;
    assert_ok(synth_model(shape, type, test_path(name), NULL, &fault), &fault);
}

static inline struct gguf *open_result(const char *name)
{
    struct gguf *gguf;
    struct fault fault;
    assert_ok(gguf_open(&gguf, test_path(name), &fault), &fault);
    return gguf;
}

static inline int remove_test_folder(void **state)
{
    DIR *directory = opendir(test_folder);
    if (!directory) return -1;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(test_path(entry->d_name));
    closedir(directory);
    return rmdir(test_folder);
}

#define IN_TEST_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, make_test_folder, remove_test_folder)

#endif
