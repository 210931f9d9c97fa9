/* token_table.c - see token_table.h. */
#include "model/file/token_table.h"

static enum status no_memory(struct fault *fault)
{
    return fault_set(fault, STATUS_NO_MEMORY, "not enough memory for a vocabulary");
}

enum status token_table_init(struct token_table *table, uint32_t count, struct arena *arena,
                             struct fault *fault)
{
    *table = (struct token_table){
        .count = count,
        .tokens = arena_alloc_array(arena, count, sizeof *table->tokens),
        .types = arena_alloc_array(arena, count, sizeof *table->types),
        .scores = arena_alloc_array(arena, count, sizeof *table->scores),
    };
    bool whole = table->tokens && table->types && table->scores;
    return whole ? OK : no_memory(fault);
}

void token_table_add_entries(const struct token_table *table, const char *model,
                             const char *pre_tokenizer, struct gguf_writer *writer)
{
    gguf_writer_add_string(writer, "tokenizer.ggml.model", text_of(model));
    gguf_writer_add_string(writer, "tokenizer.ggml.pre", text_of(pre_tokenizer));
    gguf_writer_add_strings(writer, "tokenizer.ggml.tokens", table->tokens, table->count);
    if (table->scores)
        gguf_writer_add_f32s(writer, "tokenizer.ggml.scores", table->scores, table->count);
    gguf_writer_add_i32s(writer, "tokenizer.ggml.token_type", table->types, table->count);
}

enum status token_table_replace(struct arena *arena, struct text t, struct text from,
                                struct text to, struct text *out, struct fault *fault)
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
