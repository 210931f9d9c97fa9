/* architecture_keys.c - see architecture_keys.h. */
#include "model/file/architecture_keys.h"

#include <stdio.h>

struct key {
    char text[128];
};

static struct key join(const char *architecture, const char *name)
{
    struct key key;
    snprintf(key.text, sizeof key.text, "%s.%s", architecture, name);
    return key;
}

void architecture_add_u32(struct gguf_writer *writer, const char *architecture, const char *name,
                          uint32_t value)
{
    gguf_writer_add_u32(writer, join(architecture, name).text, value);
}

void architecture_add_f32(struct gguf_writer *writer, const char *architecture, const char *name,
                          float value)
{
    gguf_writer_add_f32(writer, join(architecture, name).text, value);
}

void architecture_add_bool(struct gguf_writer *writer, const char *architecture, const char *name,
                           bool value)
{
    gguf_writer_add_bool(writer, join(architecture, name).text, value);
}

void architecture_add_string(struct gguf_writer *writer, const char *architecture, const char *name,
                             const char *value)
{
    gguf_writer_add_string(writer, join(architecture, name).text, text_of(value));
}
