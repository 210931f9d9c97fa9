/* show.c - `liminal show`: what is known of a model, from its file alone. */
#include <inttypes.h>
#include <string.h>

#include "app/model_choice.h"
#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "model/file/gguf.h"
#include "models/models.h"
#include "platform/platform.h"

struct show_values {
    bool json, template;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct show_values, json), .help = "as a JSON object"},
    {"template", 0, OPTION_FLAG, offsetof(struct show_values, template),
     .help = "print only the chat template"},
};

struct type_summary {
    uint64_t tensors, bytes;
};

struct model_summary {
    struct models_entry entry;
    struct models_origin origin; /* url NULL: put there by hand */
    uint64_t parameters;
    struct type_summary types[TENSOR_TYPE_COUNT];
    struct text chat_template;
};

static enum status summarise(const struct model_choice *choice, const struct gguf *gguf,
                             struct arena *arena, struct model_summary *summary,
                             struct fault *fault)
{
    *summary = (struct model_summary){.entry = {.name = choice->name, .path = choice->path}};
    TRY(models_describe(&summary->entry, arena, fault));
    if (summary->entry.problem)
        return fault_set(fault, STATUS_CORRUPT, "%s", summary->entry.problem);
    summary->entry.bytes = (uint64_t)file_size(choice->path);
    if (models_origin(choice->path, arena, &summary->origin, NULL) != OK)
        summary->origin = (struct models_origin){0};
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(gguf, i);
        uint64_t values = 1;
        for (int d = 0; d < 4; d++) values *= tensor->dimensions[d];
        summary->parameters += values;
        summary->types[tensor->type].tensors++;
        summary->types[tensor->type].bytes += tensor->bytes;
    }
    return gguf_string(gguf, "tokenizer.chat_template", (struct text){"", 0},
                       &summary->chat_template, fault);
}

/* ---- one value of the metadata ---- */

static const char *kind_name(enum gguf_kind kind)
{
    static const char *const NAMES[] = {
        [GGUF_U8] = "u8",      [GGUF_I8] = "i8",   [GGUF_U16] = "u16",       [GGUF_I16] = "i16",
        [GGUF_U32] = "u32",    [GGUF_I32] = "i32", [GGUF_F32] = "f32",       [GGUF_BOOL] = "bool",
        [GGUF_U64] = "u64",    [GGUF_I64] = "i64", [GGUF_STRING] = "string", [GGUF_F64] = "f64",
        [GGUF_ARRAY] = "array"};
    return NAMES[kind];
}

/* Long arrays are told by kind and length: a vocabulary helps nobody here. */
static json_t *value_json(const struct gguf_value *value)
{
    switch (value->kind) {
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64: return json_integer((json_int_t)value->u);
    case GGUF_BOOL: return json_boolean(value->u);
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64: return json_integer(value->i);
    case GGUF_F32:
    case GGUF_F64: return isfinite(value->f) ? json_real(value->f) : json_null();
    case GGUF_ARRAY:
        return json_sprintf("[%" PRIu64 " %s]", value->array.count, kind_name(value->array.kind));
    case GGUF_STRING: break;
    }
    struct buffer valid;
    buffer_init(&valid);
    buffer_append_utf8_lossy(&valid, value->string);
    json_t *string = valid.failed ? NULL : json_stringn(valid.data ? valid.data : "", valid.length);
    buffer_deinit(&valid);
    return string;
}

static json_t *metadata_json(const struct gguf *gguf)
{
    json_t *object = json_object();
    for (size_t i = 0; object && i < gguf_entry_count(gguf); i++) {
        const struct gguf_entry *entry = gguf_entry_at(gguf, i);
        struct buffer key;
        buffer_init(&key);
        buffer_append_utf8_lossy(&key, entry->key);
        if (key.failed ||
            json_object_set_new(object, key.data ? key.data : "", value_json(&entry->value)) != 0) {
            json_decref(object);
            object = NULL;
        }
        buffer_deinit(&key);
    }
    return object;
}

/* ---- as JSON ---- */

static json_t *types_json(const struct model_summary *summary)
{
    json_t *object = json_object();
    for (int type = 0; object && type < TENSOR_TYPE_COUNT; type++) {
        const struct type_summary *sum = &summary->types[type];
        if (!sum->tensors) continue;
        json_t *row = json_pack("{s:I, s:I}", "count", (json_int_t)sum->tensors, "bytes",
                                (json_int_t)sum->bytes);
        if (json_object_set_new(object, tensor_type_info(type)->name, row) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

static enum status print_json(const struct model_summary *summary, const struct gguf *gguf,
                              FILE *out, struct fault *fault)
{
    const struct models_entry *entry = &summary->entry;
    json_t *document = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:b, s:s?, s:s?, s:o, s:o}", "name", entry->name,
        "path", entry->path, "bytes", (json_int_t)entry->bytes, "architecture", entry->architecture,
        "type", entry->type, "parameters", (json_int_t)summary->parameters, "context_length",
        (json_int_t)entry->context_length, "embedding", entry->is_embedding, "url",
        summary->origin.url, "sha256", summary->origin.sha256, "tensors", types_json(summary),
        "metadata", metadata_json(gguf));
    return print_json_take(document, out, fault);
}

/* ---- for people ---- */

static void print_parameters(uint64_t count, FILE *out)
{
    if (count >= 1000000000)
        fprintf(out, "  parameters    %.2f billion\n", (double)count / 1e9);
    else
        fprintf(out, "  parameters    %.1f million\n", (double)count / 1e6);
}

enum { METADATA_COLUMNS = 60 };

/* A value in one line, cut when long. */
static void print_metadata(const struct gguf *gguf, FILE *out)
{
    for (size_t i = 0; i < gguf_entry_count(gguf); i++) {
        const struct gguf_entry *entry = gguf_entry_at(gguf, i);
        json_t *value = value_json(&entry->value);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(7)) : NULL;
        struct text shown = text_of(text);
        bool cut = shown.length > METADATA_COLUMNS;
        if (cut) shown = text_slice(shown, 0, METADATA_COLUMNS);
        if (cut) shown.length = utf8_complete_prefix(shown);
        fputs("  ", out);
        terminal_write(out, entry->key);
        fprintf(out, "%*s ", entry->key.length < 38 ? (int)(38 - entry->key.length) : 0, "");
        terminal_write(out, shown);
        fputs(cut ? "...\n" : "\n", out);
        free(text);
        json_decref(value);
    }
}

static void print_text(const struct model_summary *summary, const struct gguf *gguf, FILE *out)
{
    const struct models_entry *entry = &summary->entry;
    char size[SIZE_TEXT_BYTES];
    size_text(entry->bytes, size);
    fprintf(out, "%s\n  file          %s\n  size          %s\n", entry->name, entry->path, size);
    if (summary->origin.url)
        fprintf(out, "  from          %s\n  sha256        %s\n", summary->origin.url,
                summary->origin.sha256);
    fprintf(out, "  architecture  %s\n", entry->architecture);
    print_parameters(summary->parameters, out);
    fprintf(out, "  type          %s\n  context       %" PRIu32 "\n  template      ", entry->type,
            entry->context_length);
    if (summary->chat_template.length)
        fprintf(out, "%zu bytes, `liminal show %s --template` prints it\n",
                summary->chat_template.length, entry->name);
    else
        fputs("none\n", out);
    fputs("\nTensors\n", out);
    for (int type = 0; type < TENSOR_TYPE_COUNT; type++) {
        const struct type_summary *sum = &summary->types[type];
        if (!sum->tensors) continue;
        size_text(sum->bytes, size);
        fprintf(out, "  %-9s %5" PRIu64 "  %10s\n", tensor_type_info(type)->name, sum->tensors,
                size);
    }
    fputs("\nMetadata\n", out);
    print_metadata(gguf, out);
}

static enum status print_template(const struct model_summary *summary, FILE *out,
                                  struct fault *fault)
{
    if (!summary->chat_template.length)
        return fault_set(fault, STATUS_NOT_FOUND, "%s has no chat template", summary->entry.name);
    terminal_write(out, summary->chat_template);
    fputc('\n', out);
    return OK;
}

static enum status show_run(struct command *command, struct fault *fault)
{
    const struct show_values *values = command->values;
    struct model_choice choice;
    struct model_summary summary;
    struct gguf *gguf;
    TRY(model_choose(command->words[0], command->arena, &choice, fault));
    TRY(gguf_open(&gguf, choice.path, fault));
    enum status status = summarise(&choice, gguf, command->arena, &summary, fault);
    if (status == OK && values->template)
        status = print_template(&summary, command->out, fault);
    else if (status == OK && values->json)
        status = print_json(&summary, gguf, command->out, fault);
    else if (status == OK)
        print_text(&summary, gguf, command->out);
    gguf_close(gguf);
    return status;
}

const struct verb VERB_SHOW = {
    .name = "show",
    .arguments = "MODEL",
    .summary = "show what a model file says of itself",
    .help =
        "MODEL is a name from `liminal list`, a path, or local-llm for the default model.\n"
        "\n"
        "Examples:\n"
        "  liminal show local-llm\n"
        "  liminal show ./model.gguf --json | jq .metadata\n"
        "  liminal show local-llm --template > chat.jinja\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct show_values),
    .least_words = 1,
    .most_words = 1,
    .run = show_run,
};
