/* gguf_fuzz.c - any bytes as a GGUF file: what passes the checks can be read everywhere. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/file/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static volatile unsigned sink;

static void touch(const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) sink += ((const unsigned char *)bytes)[i];
}

static void touch_value(const struct gguf_value *value)
{
    if (value->kind == GGUF_STRING) touch(value->string.data, value->string.length);
    if (value->kind != GGUF_ARRAY) return;
    for (uint64_t i = 0; i < value->array.count; i++)
        if (value->array.kind == GGUF_STRING)
            touch(value->array.strings[i].data, value->array.strings[i].length);
    if (value->array.kind != GGUF_STRING)
        touch(value->array.data, value->array.count * gguf_kind_bytes(value->array.kind));
}

static void touch_tensor(const struct gguf_tensor *tensor)
{
    touch(tensor->data, tensor->bytes);
    if (tensor->dimensions[0] > 1 << 16) return;
    float *row = malloc(tensor->dimensions[0] * sizeof *row);
    if (row) dequantise_row(tensor->type, tensor->data, row, tensor->dimensions[0]);
    free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    struct gguf *gguf;
    struct fault fault;
    if (gguf_open_memory(&gguf, data, length, &fault) != OK) return 0;
    for (size_t i = 0; i < gguf_entry_count(gguf); i++) {
        const struct gguf_entry *entry = gguf_entry_at(gguf, i);
        touch_value(&entry->value);
        char key[64];
        if (entry->key.length >= sizeof key || memchr(entry->key.data, 0, entry->key.length))
            continue;
        memcpy(key, entry->key.data, entry->key.length);
        key[entry->key.length] = '\0';
        assert(gguf_find(gguf, key) == &entry->value);
    }
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) touch_tensor(gguf_tensor_at(gguf, i));
    gguf_close(gguf);
    return 0;
}
