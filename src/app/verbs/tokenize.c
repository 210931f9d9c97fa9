/* tokenize.c - `liminal tokenize`: how a model cuts a text, and back. */
#include "model/tokenizer/tokenizer.h"

#include <stdlib.h>

#include "app/model_choice.h"
#include "app/terminal.h"
#include "app/verbs/input.h"
#include "app/verbs/verbs.h"
#include "model/file/gguf.h"
#include "platform/platform.h"

struct tokenize_values {
    bool json, ids, plain, special, decode;
};

static const struct option_row OPTIONS[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct tokenize_values, json), .help = "as a JSON object"},
    {"ids", 0, OPTION_FLAG, offsetof(struct tokenize_values, ids),
     .help = "only the numbers, in one line"},
    {"plain", 0, OPTION_FLAG, offsetof(struct tokenize_values, plain),
     .help = "without the start and end tokens that the model wants"},
    {"special", 0, OPTION_FLAG, offsetof(struct tokenize_values, special),
     .help = "take special tokens such as <|im_end|> in the text for what they are"},
    {"decode", 'd', OPTION_FLAG, offsetof(struct tokenize_values, decode),
     .help = "the other way: numbers in, text out"},
};

/* Ids in plain lines of "  15043  Hello"; the text is quoted as JSON, so that spaces show. */
static void append_lines(const struct tokenizer *tokenizer, const struct token_list *list,
                         struct buffer *out)
{
    struct buffer piece;
    buffer_init(&piece);
    for (size_t i = 0; i < list->count; i++) {
        buffer_clear(&piece);
        tokenizer_piece(tokenizer, list->ids[i], true, &piece);
        buffer_printf(out, "%7d  ", list->ids[i]);
        buffer_append_json_string(out, buffer_text(&piece));
        buffer_append_char(out, '\n');
    }
    out->failed |= piece.failed;
    buffer_deinit(&piece);
}

static enum status print_tokens(const struct command *command, const struct tokenizer *tokenizer,
                                const struct token_list *list, struct fault *fault)
{
    const struct tokenize_values *values = command->values;
    struct buffer out;
    buffer_init(&out);
    if (values->json) buffer_append_string(&out, "{\"tokens\":[");
    if (values->json || values->ids)
        for (size_t i = 0; i < list->count; i++)
            buffer_printf(&out, "%s%d", i == 0 ? "" : values->json ? "," : " ", list->ids[i]);
    else
        append_lines(tokenizer, list, &out);
    if (values->json) buffer_printf(&out, "],\"count\":%zu}", list->count);
    if (values->json || values->ids) buffer_append_char(&out, '\n');
    enum status status = buffer_status(&out, fault);
    if (status == OK) fputs(out.data ? out.data : "", command->out);
    buffer_deinit(&out);
    return status;
}

static enum status encode(const struct command *command, const struct tokenizer *tokenizer,
                          struct text text, struct fault *fault)
{
    const struct tokenize_values *values = command->values;
    unsigned flags =
        (values->plain ? 0 : TOKENIZE_ADD_SPECIAL) | (values->special ? TOKENIZE_PARSE_SPECIAL : 0);
    struct token_list list = {0};
    enum status status = tokenizer_encode(tokenizer, text, flags, &list, fault);
    if (status == OK) status = print_tokens(command, tokenizer, &list, fault);
    token_list_deinit(&list);
    return status;
}

/* Numbers divided by white space, commas or brackets, so that --ids and --json output fits. */
static enum status parse_ids(struct text text, uint32_t vocabulary, struct token_list *list,
                             struct fault *fault)
{
    for (const char *c = text.data, *end = text.data + text.length; c < end;) {
        if (*c == ' ' || *c == ',' || *c == '[' || *c == ']' || (*c >= '\t' && *c <= '\r')) {
            c++;
            continue;
        }
        char *after;
        unsigned long id = strtoul(c, &after, 10);
        if (*c < '0' || *c > '9' || id >= vocabulary)
            return fault_set(fault, STATUS_INVALID,
                             "\"%.*s\" is no token of this model: they are 0 to %u",
                             (int)(end - c < 20 ? end - c : 20), c, vocabulary - 1);
        TRY(token_list_add(list, (int32_t)id, fault));
        c = after;
    }
    return OK;
}

static enum status decode(const struct command *command, const struct tokenizer *tokenizer,
                          struct text text, struct fault *fault)
{
    struct token_list list = {0};
    struct buffer out;
    buffer_init(&out);
    enum status status = parse_ids(text, tokenizer_size(tokenizer), &list, fault);
    if (status == OK) status = tokenizer_decode(tokenizer, list.ids, list.count, true, &out, fault);
    if (status == OK) status = buffer_status(&out, fault);
    if (status == OK) {
        fwrite(out.data ? out.data : "", 1, out.length, command->out);
        fputc('\n', command->out);
    }
    buffer_deinit(&out);
    token_list_deinit(&list);
    return status;
}

static enum status tokenize_run(struct command *command, struct fault *fault)
{
    const struct tokenize_values *values = command->values;
    struct model_choice choice;
    TRY(model_choose(command->words[0], command->arena, &choice, fault));
    struct gguf *gguf = NULL;
    struct tokenizer *tokenizer = NULL;
    struct buffer text;
    buffer_init(&text);
    enum status status;
    TRY_DONE(gguf_open(&gguf, choice.path, fault));
    TRY_DONE(tokenizer_from_gguf(&tokenizer, gguf, fault));
    TRY_DONE(input_read(command, 1, &text, fault));
    status = (values->decode ? decode : encode)(command, tokenizer, buffer_text(&text), fault);
done:
    buffer_deinit(&text);
    tokenizer_free(tokenizer);
    gguf_close(gguf);
    return status;
}

const struct verb VERB_TOKENIZE = {
    .name = "tokenize",
    .arguments = "MODEL [TEXT...]",
    .summary = "show the tokens that a model makes of a text",
    .help =
        "Without TEXT, or where it is -, standard input is read.\n"
        "\n"
        "Examples:\n"
        "  liminal tokenize local-llm \"Hello, world\"\n"
        "  liminal tokenize local-llm --ids < letter.txt | wc -w\n"
        "  liminal tokenize local-llm --decode 15043 29892 3186\n",
    .options = OPTION_TABLE(OPTIONS),
    .values_bytes = sizeof(struct tokenize_values),
    .least_words = 1,
    .most_words = SIZE_MAX,
    .run = tokenize_run,
};
