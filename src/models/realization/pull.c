/* pull.c - fetching a model: the download itself is http_client's, what is kept of it is ours. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http_client.h"
#include "model/file/gguf.h"
#include "models/models.h"
#include "platform/platform.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* NAME.json beside NAME.gguf. */
static char *origin_path(const char *path, struct arena *arena)
{
    struct text stem = text_of(path);
    if (text_ends_with(stem, TEXT(".gguf"))) stem.length -= strlen(".gguf");
    return arena_printf(arena, "%.*s.json", TEXT_FORMAT(stem));
}

enum { ORIGIN_LIMIT_BYTES = 64 * 1024 };

enum status models_origin(const char *path, struct arena *arena, struct models_origin *origin,
                          struct fault *fault)
{
    *origin = (struct models_origin){0};
    const char *beside = origin_path(path, arena);
    if (!beside) return no_memory(fault);
    struct buffer text;
    buffer_init(&text);
    json_t *document = NULL;
    json_error_t error;
    const char *url = NULL, *sha256 = NULL;
    json_int_t bytes = 0, pulled = 0;
    enum status status;
    TRY_DONE(file_read(beside, ORIGIN_LIMIT_BYTES, &text, fault));
    document = json_loadb(text.data, text.length, 0, &error);
    if (!document || json_unpack(document, "{s:s, s:s, s:I, s:I}", "url", &url, "sha256", &sha256,
                                 "bytes", &bytes, "pulled", &pulled) != 0) {
        status = fault_set(fault, STATUS_CORRUPT, "%s is not what `liminal pull` writes", beside);
        goto done;
    }
    origin->url = arena_copy(arena, url, strlen(url));
    origin->sha256 = arena_copy(arena, sha256, strlen(sha256));
    origin->bytes = (uint64_t)bytes;
    origin->pulled_s = pulled;
    if (!origin->url || !origin->sha256) status = no_memory(fault);
done:
    json_decref(document);
    buffer_deinit(&text);
    return status;
}

static enum status write_origin(const char *path, const struct models_origin *origin,
                                struct arena *arena, struct fault *fault)
{
    const char *beside = origin_path(path, arena);
    json_t *document =
        json_pack("{s:s, s:s, s:I, s:I}", "url", origin->url, "sha256", origin->sha256, "bytes",
                  (json_int_t)origin->bytes, "pulled", (json_int_t)origin->pulled_s);
    char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    enum status status = text && beside ? file_write_atomic(beside, text, strlen(text), 0644, fault)
                                        : no_memory(fault);
    free(text);
    json_decref(document);
    return status;
}

/* By digest where one was asked for, else by where it came from. */
static bool is_same_file(const struct models_pull *pull, const struct models_origin *origin)
{
    if (pull->sha256) return origin->sha256 && strcasecmp(origin->sha256, pull->sha256) == 0;
    return origin->url && strcmp(origin->url, pull->reference.url) == 0;
}

/* A file already there is fine when it is the one asked for. */
static enum status check_taken(const struct models_pull *pull, const char *path,
                               struct arena *arena, bool *is_here, struct fault *fault)
{
    *is_here = false;
    if (!file_exists(path)) return OK;
    struct models_origin origin;
    if (models_origin(path, arena, &origin, NULL) != OK) origin = (struct models_origin){0};
    if (is_same_file(pull, &origin) && (uint64_t)file_size(path) == origin.bytes) {
        *is_here = true;
        return OK;
    }
    return fault_set_param(fault, STATUS_CONFLICT, "model",
                           "there is another model \"%s\" already (%s): give this one a name with "
                           "--as, or `liminal rm %s` first",
                           pull->reference.name, origin.url ? origin.url : "put there by hand",
                           pull->reference.name);
}

/* The download ends at a name of its own and is moved once it has proven to be a model. */
static enum status admit(const char *fetched, const char *path, struct fault *fault)
{
    struct gguf *gguf;
    enum status status = gguf_open(&gguf, fetched, fault);
    if (status != OK) {
        unlink(fetched);
        fault_prefix(fault, "what was fetched is no model we can read, so it was not kept");
        return status;
    }
    gguf_close(gguf);
    if (rename(fetched, path) == 0) return OK;
    return fault_set(fault, STATUS_IO, "cannot rename %s to %s: %s", fetched, path,
                     strerror(errno));
}

/* NULL-ended. */
static enum status make_headers(const struct models_pull *pull, struct arena *arena,
                                const char *headers[2], struct fault *fault)
{
    headers[0] = headers[1] = NULL;
    if (!pull->token || !pull->reference.is_hub) return OK;
    headers[0] = arena_printf(arena, "Authorization: Bearer %s", pull->token);
    return headers[0] ? OK : no_memory(fault);
}

enum status models_pull(const char *folder, const struct models_pull *pull, struct arena *arena,
                        char **path, struct fault *fault)
{
    TRY(models_name_check(text_of(pull->reference.name), fault));
    TRY(directory_make(folder, fault));
    *path = arena_printf(arena, "%s/%s.gguf", folder, pull->reference.name);
    const char *fetched = arena_printf(arena, "%s/%s.pulled", folder, pull->reference.name);
    if (!*path || !fetched) return no_memory(fault);
    bool is_here;
    TRY(check_taken(pull, *path, arena, &is_here, fault));
    if (is_here) return OK;
    char digest[HTTP_SHA256_HEX_BYTES];
    const char *headers[2];
    TRY(make_headers(pull, arena, headers, fault));
    struct http_download download = {
        .url = pull->reference.url,
        .path = fetched,
        .sha256 = pull->sha256,
        .headers = headers,
        .progress = pull->progress,
        .argument = pull->progress_argument,
        .digest = digest,
    };
    TRY(http_download(&download, fault));
    TRY(admit(fetched, *path, fault));
    struct models_origin origin = {
        .url = pull->reference.url,
        .sha256 = digest,
        .bytes = (uint64_t)file_size(*path),
        .pulled_s = clock_wall_ms() / 1000,
    };
    return write_origin(*path, &origin, arena, fault);
}
