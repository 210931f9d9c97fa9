/* keys.c - see keys.h. */
#include "app/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/wiring.h"
#include "platform/platform.h"

enum { KEY_FILE_LIMIT = 1024 };

static enum status key_path(const struct settings *settings, const char *name, struct arena *arena,
                            const char **path, struct fault *fault)
{
    char home[4000];
    if (!settings->data_dir) TRY(path_home(home, sizeof home, fault));
    const char *folder = settings->data_dir ? settings->data_dir : home;
    TRY(directory_make(folder, fault));
    *path = arena_printf(arena, "%s/%s", folder, name);
    return *path ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}

/* What is in the file, without the white space around it. */
static enum status read_key(const char *path, struct arena *arena, const char **out,
                            struct fault *fault)
{
    struct buffer bytes;
    buffer_init(&bytes);
    enum status status = file_read(path, KEY_FILE_LIMIT, &bytes, fault);
    struct text trimmed = text_trim(buffer_text(&bytes));
    if (status == OK && trimmed.length == 0)
        status = fault_set(fault, STATUS_CORRUPT, "%s is empty: remove it to get a new one", path);
    *out = status == OK ? arena_copy(arena, trimmed.data, trimmed.length) : NULL;
    buffer_deinit(&bytes);
    if (status == OK && !*out) status = fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    return status;
}

/* Of servers that start at once, one writes the file and all read it. */
static enum status make_key(const char *path, const char *fresh, bool *is_new, struct fault *fault)
{
    *is_new = false;
    if (file_exists(path)) return OK;
    enum status status = file_write_new(path, fresh, strlen(fresh), 0600, fault);
    *is_new = status == OK;
    return status == STATUS_CONFLICT ? OK : status;
}

/* ---- the operator's ---- */

enum status service_key_read(const struct settings *settings, struct arena *arena,
                             struct service_key *key, struct fault *fault)
{
    *key = (struct service_key){.text = settings->api_key ? settings->api_key : ""};
    if (*key->text) return OK;
    const char *path;
    TRY(key_path(settings, "api-key", arena, &path, fault));
    if (!file_exists(path)) return OK;
    key->path = path;
    return read_key(path, arena, &key->text, fault);
}

enum status service_key_find(const struct settings *settings, struct arena *arena,
                             struct service_key *key, struct fault *fault)
{
    bool is_new = false;
    const char *path;
    TRY(key_path(settings, "api-key", arena, &path, fault));
    if (!(settings->api_key && *settings->api_key) && host_is_loopback(settings->host)) {
        unsigned char random[SECRET_BYTES];
        char fresh[SECRET_TEXT_BYTES], line[SECRET_TEXT_BYTES + 1];
        entropy_fill(random, sizeof random);
        secret_format(random, API_TOKEN_MARK, fresh);
        snprintf(line, sizeof line, "%s\n", fresh);
        TRY(make_key(path, line, &is_new, fault));
    }
    TRY(service_key_read(settings, arena, key, fault));
    key->is_new = is_new;
    return OK;
}

/* ---- what the server signs with ---- */

static int digit_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static bool decode_hex(const char *hex, unsigned char key[SERVER_KEY_BYTES])
{
    if (strlen(hex) != 2 * SERVER_KEY_BYTES) return false;
    for (size_t i = 0; i < SERVER_KEY_BYTES; i++) {
        char high = hex[2 * i], low = hex[2 * i + 1];
        if (!isxdigit((unsigned char)high) || !isxdigit((unsigned char)low)) return false;
        key[i] = (unsigned char)(digit_value(high) << 4 | digit_value(low));
    }
    return true;
}

enum status server_key_find(const struct settings *settings, struct arena *arena,
                            unsigned char key[SERVER_KEY_BYTES], struct fault *fault)
{
    const char *hex = settings->server_key, *path = "--server-key";
    if (!hex) {
        unsigned char random[SERVER_KEY_BYTES];
        char fresh[2 * SERVER_KEY_BYTES + 1];
        entropy_fill(random, sizeof random);
        hex_encode(random, sizeof random, fresh);
        TRY(key_path(settings, "server.key", arena, &path, fault));
        bool is_new;
        TRY(make_key(path, fresh, &is_new, fault));
        TRY(read_key(path, arena, &hex, fault));
    }
    if (decode_hex(hex, key)) return OK;
    return fault_set(fault, STATUS_INVALID, "%s is no key: 64 hex digits are wanted", path);
}
