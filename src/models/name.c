/* name.c - what may name a model, and what a reference to a remote model means. Pure: a name that
 * passes here can be put behind the store's folder without leaving it. */
#include <string.h>

#include "models/models.h"

static const struct text EXTENSION = {".gguf", 5};

static enum status name_fault(struct text name, const char *why, struct fault *fault)
{
    return fault_set_param(fault, STATUS_INVALID, "model", "\"%.*s\" cannot name a model: %s",
                           TEXT_FORMAT(text_slice(name, 0, 64)), why);
}

enum status models_name_check(struct text name, struct fault *fault)
{
    if (!name.length) return name_fault(name, "it is empty", fault);
    if (name.length > MODELS_NAME_LIMIT)
        return name_fault(name, "it is longer than 128 bytes", fault);
    if (name.data[0] == '.' || name.data[0] == '-')
        return name_fault(name, "a name starts with neither a dot nor a dash", fault);
    if (text_equal(name, text_of(MODELS_ALIAS)))
        return name_fault(name, "it always names the default model", fault);
    if (!utf8_valid(name)) return name_fault(TEXT("?"), "it is not valid UTF-8", fault);
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c == '/' || c == '\\')
            return name_fault(name, "a name is one word of the list, not a path", fault);
        if (c < 0x20 || c == 0x7F)
            return name_fault(TEXT("?"), "it holds a control character", fault);
    }
    return OK;
}

bool models_is_path(const char *word)
{
    return strchr(word, '/') || text_ends_with(text_of(word), EXTENSION);
}

struct text models_name_in_path(struct text path)
{
    size_t end = text_find(path, TEXT("?"));
    if (end == SIZE_MAX) end = text_find(path, TEXT("#"));
    path = text_slice(path, 0, end);
    for (size_t i = path.length; i > 0; i--) {
        if (path.data[i - 1] != '/') continue;
        path = text_slice(path, i, path.length);
        break;
    }
    if (text_ends_with(path, EXTENSION)) path.length -= EXTENSION.length;
    return path;
}

static bool is_plain_path(struct text t)
{
    for (size_t i = 0; i < t.length; i++) {
        unsigned char c = (unsigned char)t.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '/' || c == '-' || c == '_' || c == '.' || c == '+';
        if (!plain) return false;
    }
    return t.length && text_find(t, TEXT("..")) == SIZE_MAX && t.data[0] != '/' &&
           t.data[t.length - 1] != '/';
}

static size_t slash_after(struct text t, size_t from)
{
    size_t at = text_find(text_slice(t, from, t.length), TEXT("/"));
    return at == SIZE_MAX ? SIZE_MAX : from + at;
}

/* Split "org/repo:file" or "org/repo/file". */
static bool split_hub_reference(struct text word, struct text *repository, struct text *file)
{
    size_t cut = text_find(word, TEXT(":"));
    size_t first = slash_after(word, 0);
    if (first == SIZE_MAX) return false;
    if (cut == SIZE_MAX) cut = slash_after(word, first + 1);
    if (cut == SIZE_MAX || cut < first) return false;
    *repository = text_slice(word, 0, cut);
    *file = text_slice(word, cut + 1, word.length);
    return is_plain_path(*repository) && is_plain_path(*file) &&
           slash_after(*repository, first + 1) == SIZE_MAX;
}

static bool is_url(struct text word)
{
    return text_starts_with(word, TEXT("http://")) || text_starts_with(word, TEXT("https://"));
}

enum status models_reference_parse(const char *word, const char *endpoint, struct arena *arena,
                                   struct models_reference *reference, struct fault *fault)
{
    struct text text = text_of(word), repository, file, name;
    reference->is_hub = !is_url(text);
    if (!reference->is_hub) {
        reference->url = arena_copy(arena, text.data, text.length);
        name = models_name_in_path(text);
    } else if (split_hub_reference(text, &repository, &file)) {
        size_t length = strlen(endpoint);
        while (length && endpoint[length - 1] == '/') length--;
        reference->url = arena_printf(arena, "%.*s/%.*s/resolve/main/%.*s", (int)length, endpoint,
                                      TEXT_FORMAT(repository), TEXT_FORMAT(file));
        name = models_name_in_path(file);
    } else {
        return fault_set_param(fault, STATUS_INVALID, "model",
                               "\"%s\" is no reference to a model: use org/repo:file.gguf or an "
                               "http(s) URL",
                               word);
    }
    TRY(models_name_check(name, fault));
    reference->name = arena_copy(arena, name.data, name.length);
    if (!reference->url || !reference->name)
        return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    return OK;
}
