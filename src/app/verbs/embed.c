/* embed.c - `liminal embed`: texts as vectors. */
#include <stdlib.h>
#include <string.h>

#include "app/settings.h"
#include "app/verbs/input.h"
#include "app/verbs/verbs.h"
#include "app/wiring.h"
#include "inference/engine.h"
#include "model/model.h"
#include "model/tokenizer/tokenizer.h"

struct embed_values {
    bool json;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct embed_values, json),
     .help = "as a JSON array of arrays"},
};

static enum status embed_text(struct engine *engine, struct text text, float *vector,
                              struct fault *fault)
{
    struct token_list tokens = {0};
    enum status status =
        tokenizer_encode(engine_tokenizer(engine), text, TOKENIZE_ADD_SPECIAL, &tokens, fault);
    const struct embedding_text one = {tokens.ids, tokens.count, vector};
    if (status == OK) status = engine_embed(engine, &one, 1, fault);
    token_list_deinit(&tokens);
    return status;
}

static void print_vector(const float *vector, uint32_t width, bool json, FILE *out)
{
    if (json) fputc('[', out);
    for (uint32_t i = 0; i < width; i++)
        fprintf(out, "%s%.9g", i == 0 ? "" : json ? "," : " ", (double)vector[i]);
    fputs(json ? "]" : "\n", out);
}

static enum status embed_all(const struct command *command, struct engine *engine,
                             const struct text *texts, size_t count, struct fault *fault)
{
    bool json = ((const struct embed_values *)command->values)->json;
    uint32_t width = engine_model(engine)->width;
    float *vector = arena_alloc_array(command->arena, width, sizeof *vector);
    if (!vector) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    if (json) fputc('[', command->out);
    for (size_t i = 0; i < count; i++) {
        TRY(embed_text(engine, texts[i], vector, fault));
        if (json && i) fputs(",\n", command->out);
        print_vector(vector, width, json, command->out);
    }
    if (json) fputs("]\n", command->out);
    return OK;
}

/* The texts: each word of the command line, or each line of standard input. */
static enum status collect_texts(const struct command *command, struct buffer *input,
                                 struct text **texts, size_t *count, struct fault *fault)
{
    *count = command->word_count - 1;
    if (*count == 0) {
        TRY(input_read(command, 1, input, fault));
        *count = 1;
        for (size_t i = 0; i < input->length; i++) *count += input->data[i] == '\n';
    }
    *texts = arena_alloc_array(command->arena, *count, sizeof **texts);
    if (!*texts) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    struct text rest = buffer_text(input);
    for (size_t i = 0; i < *count; i++) {
        if (command->word_count > 1) {
            (*texts)[i] = text_of(command->words[i + 1]);
            continue;
        }
        size_t end = text_find(rest, TEXT("\n"));
        (*texts)[i] = text_slice(rest, 0, end);
        if (end != SIZE_MAX) rest = text_slice(rest, end + 1, rest.length);
    }
    return OK;
}

static enum status embed_run(struct command *command, struct fault *fault)
{
    struct settings settings;
    TRY(settings_load(&settings, command->arena, fault));
    settings.sequences = 1;
    struct loaded_model loaded = {0};
    struct buffer input;
    buffer_init(&input);
    struct text *texts;
    size_t count;
    enum status status;
    TRY_DONE(collect_texts(command, &input, &texts, &count, fault));
    TRY_DONE(loaded_model_open(&loaded, command->words[0], &settings, command->arena, fault));
    status = embed_all(command, loaded.engine, texts, count, fault);
done:
    loaded_model_close(&loaded);
    buffer_deinit(&input);
    return status;
}

const struct verb VERB_EMBED = {
    .name = "embed",
    .arguments = "MODEL [TEXT...]",
    .summary = "turn texts into vectors of unit length",
    .help =
        "Each TEXT, or each line of standard input, gives one line of numbers.\n"
        "\n"
        "Examples:\n"
        "  liminal embed minilm \"a cat\" \"a kitten\"\n"
        "  liminal embed minilm --json < sentences.txt\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct embed_values),
    .least_words = 1,
    .most_words = SIZE_MAX,
    .run = embed_run,
};
