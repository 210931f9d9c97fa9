/* describe.c - reads the head of a GGUF file; no tensor data is touched. */
#include "models/realization/describe.h"

#include <stdio.h>

#include "model/file/gguf.h"

/* The type that most bytes of the file have. */
static const char *prevailing_type(const struct gguf *gguf)
{
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

static enum status read_description(struct models_entry *entry, const struct gguf *gguf,
                                    struct arena *arena, struct fault *fault)
{
    struct text architecture;
    TRY(gguf_string(gguf, "general.architecture", TEXT("?"), &architecture, fault));
    entry->architecture = arena_copy(arena, architecture.data, architecture.length);
    if (!entry->architecture) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    char key[96];
    snprintf(key, sizeof key, "%s.context_length", entry->architecture);
    TRY(gguf_u32(gguf, key, 0, &entry->context_length, fault));
    entry->type = prevailing_type(gguf);
    entry->is_embedding = is_encoder(gguf, entry->architecture);
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
