/* models.h - the face of the local model store: a folder of GGUF files that servers and people
 * share. A model's name is its file's name without ".gguf"; beside it may lie "NAME.json", which
 * says where the file came from. docs/cli.md tells what people see of it. */
#ifndef LIMINAL_MODELS_H
#define LIMINAL_MODELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

/* Always names the default model, whichever that is. */
#define MODELS_ALIAS     "local-llm"
/* The model that `make run` fetches; the default wherever it is present. */
#define MODELS_PREFERRED "tinyllama-1.1b-chat"

enum { MODELS_NAME_LIMIT = 128, MODELS_PATH_LIMIT = 4096 };

/* ---- names (pure) ---- */

/* A name may become a file's name in the store: one path component of printable characters that
 * starts with neither a dot nor a dash, and that is not MODELS_ALIAS. */
enum status models_name_check(struct text name, struct fault *fault) MUST_USE;
/* Does this word look like a path (a slash, or ".gguf" at the end) rather than a name? */
bool models_is_path(const char *word);

/* The name that a file at this path or URL has: the last component, without query and ".gguf". */
struct text models_name_in_path(struct text path);

/* What `liminal pull` was asked for. */
struct models_reference {
    char *url;
    char *name;  /* that it gets in the store */
    bool is_hub; /* rather than a URL of anybody's */
};
/* "org/repo:file.gguf", "org/repo/path/file.gguf" (on the hub at `endpoint`) or an http(s) URL. */
enum status models_reference_parse(const char *word, const char *endpoint, struct arena *arena,
                                   struct models_reference *reference,
                                   struct fault *fault) MUST_USE;

/* ---- the store ---- */

struct models_entry {
    char *name, *path;
    uint64_t bytes;
    int64_t modified_s;       /* unix seconds */
    const char *type;         /* "IQ2_XXS" */
    const char *architecture; /* "llama" */
    uint32_t context_length;
    bool is_embedding;
    bool has_chat_template;
    bool is_default;     /* the one MODELS_ALIAS names */
    const char *problem; /* NULL, or why this file cannot be used; the description is then empty */
};
struct models_listing {
    struct models_entry *entries;
    size_t count;
};
/* Everything in the folder: the default model first, then models taught to chat, models that only
 * go on with a text, embedding models and damaged files, each by name. A folder that does not exist
 * is empty. */
enum status models_list(const char *folder, struct arena *arena, struct models_listing *listing,
                        struct fault *fault) MUST_USE;

/* Fill type, architecture, context_length and is_embedding of an entry whose path is set, or its
 * `problem` when the file is no usable GGUF. Fails only for want of memory. */
enum status models_describe(struct models_entry *entry, struct arena *arena,
                            struct fault *fault) MUST_USE;

/* The file of a name, of a path, or of MODELS_ALIAS. STATUS_NOT_FOUND says what could be done. */
enum status models_find(const char *folder, const char *word, struct arena *arena, char **path,
                        struct fault *fault) MUST_USE;

/* Where a pulled file came from; kept beside it. */
struct models_origin {
    const char *url, *sha256;
    uint64_t bytes;
    int64_t pulled_s; /* unix seconds */
};

struct models_pull {
    struct models_reference reference;
    const char *sha256; /* NULL: not known beforehand */
    const char *token;  /* NULL, or what the hub knows a person by; never sent to anybody's URL */
    /* NULL, or hears of the bytes here and in all (0: not known); false stops the fetch. */
    bool (*progress)(void *argument, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_argument;
};
/* Fetch into the store, resuming what was interrupted. The file must be a GGUF that can be read;
 * anything else does not get a name. STATUS_CONFLICT when the name is taken by another file. */
enum status models_pull(const char *folder, const struct models_pull *pull, struct arena *arena,
                        char **path, struct fault *fault) MUST_USE;
/* What is known of a pulled model; STATUS_NOT_FOUND when it was put there by hand. */
enum status models_origin(const char *path, struct arena *arena, struct models_origin *origin,
                          struct fault *fault) MUST_USE;

/* Remove the model of that name and what lies beside it. Names only, never paths. */
enum status models_remove(const char *folder, const char *name, struct fault *fault) MUST_USE;

#endif
