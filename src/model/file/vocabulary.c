/* vocabulary.c - see vocabulary.h. */
#include "model/file/vocabulary.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for a vocabulary");
}

enum status vocabulary_init(struct vocabulary *vocabulary, uint32_t count, struct arena *arena,
                            struct fault *fault)
{
    *vocabulary = (struct vocabulary){
        .count = count,
        .tokens = arena_alloc_array(arena, count, sizeof *vocabulary->tokens),
        .types = arena_alloc_array(arena, count, sizeof *vocabulary->types),
        .scores = arena_alloc_array(arena, count, sizeof *vocabulary->scores),
    };
    bool whole = vocabulary->tokens && vocabulary->types && vocabulary->scores;
    return whole ? OK : no_memory(fault);
}

void vocabulary_add_entries(const struct vocabulary *vocabulary, const char *model,
                            const char *pre_tokenizer, struct gguf_writer *writer)
{
    gguf_writer_add_string(writer, "tokenizer.ggml.model", text_of(model));
    gguf_writer_add_string(writer, "tokenizer.ggml.pre", text_of(pre_tokenizer));
    gguf_writer_add_strings(writer, "tokenizer.ggml.tokens", vocabulary->tokens, vocabulary->count);
    if (vocabulary->scores)
        gguf_writer_add_f32s(writer, "tokenizer.ggml.scores", vocabulary->scores,
                             vocabulary->count);
    gguf_writer_add_i32s(writer, "tokenizer.ggml.token_type", vocabulary->types, vocabulary->count);
}

enum status vocabulary_replace(struct arena *arena, struct text t, struct text from, struct text to,
                               struct text *out, struct fault *fault)
{
    struct buffer buffer;
    buffer_init(&buffer);
    for (size_t hit; (hit = text_find(t, from)) != SIZE_MAX;) {
        buffer_append_text(&buffer, text_slice(t, 0, hit));
        buffer_append_text(&buffer, to);
        t = text_slice(t, hit + from.length, t.length);
    }
    buffer_append_text(&buffer, t);
    enum status status = buffer_status(&buffer, fault);
    if (status == OK) {
        const char *copy = arena_copy(arena, buffer.data ? buffer.data : "", buffer.length);
        *out = (struct text){copy, buffer.length};
        if (!copy) status = no_memory(fault);
    }
    buffer_deinit(&buffer);
    return status;
}
