/* describe.c - reads the head of a GGUF file; no tensor data is touched. */
#include <stdio.h>

#include "model/file/file_type.h"
#include "model/file/gguf.h"
#include "models/models.h"

/* The name that the file gives its mix of types, else the type of most of its bytes. */
static const char *type_name(const struct gguf *gguf)
{
    uint32_t number;
    if (gguf_u32(gguf, "general.file_type", UINT32_MAX, &number, NULL) == OK)
        for (size_t i = 0; file_type_at(i); i++)
            if (file_type_at(i)->number == number) return file_type_at(i)->name;

    uint64_t bytes[TENSOR_TYPE_COUNT] = {0};
    size_t best = TENSOR_F32;
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(gguf, i);
        bytes[tensor->type] += tensor->bytes;
    }
    for (size_t i = 0; i < TENSOR_TYPE_COUNT; i++)
        if (bytes[i] > bytes[best]) best = i;
    return tensor_type_info((int64_t)best)->name;
}

/* An encoder, whose every token sees all others, makes vectors and cannot chat. */
static bool is_encoder(const struct gguf *gguf, const char *architecture)
{
    char key[96];
    snprintf(key, sizeof key, "%s.attention.causal", architecture);
    const struct gguf_value *causal = gguf_find(gguf, key);
    return causal && causal->kind == GGUF_BOOL && !causal->u;
}

/* What a listing may show without a thought, also on a terminal. */
static bool is_plain_word(struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        if (t.data[i] <= ' ' || t.data[i] > '~') return false;
    return t.length > 0 && t.length < 64;
}

static enum status read_description(struct models_entry *entry, const struct gguf *gguf,
                                    struct arena *arena, struct fault *fault)
{
    struct text architecture;
    TRY(gguf_string(gguf, "general.architecture", TEXT("?"), &architecture, fault));
    if (!is_plain_word(architecture))
        return fault_set(fault, STATUS_CORRUPT, "general.architecture is no plain word");
    entry->architecture = arena_copy(arena, architecture.data, architecture.length);
    if (!entry->architecture) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    char key[96];
    snprintf(key, sizeof key, "%s.context_length", entry->architecture);
    TRY(gguf_u32(gguf, key, 0, &entry->context_length, fault));
    entry->type = type_name(gguf);
    entry->is_embedding = is_encoder(gguf, entry->architecture);
    entry->has_chat_template = gguf_find(gguf, "tokenizer.chat_template") != NULL;
    return OK;
}

enum status models_describe(struct models_entry *entry, struct arena *arena, struct fault *fault)
{
    struct gguf *gguf = NULL;
    enum status status = gguf_open(&gguf, entry->path, fault);
    if (status == OK) status = read_description(entry, gguf, arena, fault);
    gguf_close(gguf);
    if (status == OK || status == STATUS_NO_MEMORY) return status;
    entry->type = entry->architecture = "";
    entry->problem = arena_printf(arena, "%s", fault->message);
    return entry->problem ? OK : fault_set(fault, STATUS_NO_MEMORY, "out of memory");
}
