/* talk.c - see talk.h. */
#include "app/chat/talk.h"

#include <string.h>

#include "app/chat/console.h"
#include "app/chat/flow.h"
#include "app/terminal.h"
#include "app/wiring.h"
#include "base/nearest.h"
#include "model/model.h"
#include "platform/platform.h"

struct talk {
    struct chat *chat;
    const struct loaded_model *loaded;
    struct chat_choices *choices;
    struct option_parse *parse;
    bool verbose, over;
};

volatile sig_atomic_t talk_interrupted;

static void note_interrupt(int number)
{
    (void)number;
    talk_interrupted = 1;
}

void talk_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
}

/* ", 12.3/s", or nothing when there was nothing to measure. */
static void print_rate(uint32_t tokens, uint64_t ns, FILE *out)
{
    if (tokens && ns) fprintf(out, ", %.1f/s", tokens / ((double)ns / 1e9));
}

void talk_print_summary(const struct answer_summary *summary, FILE *out)
{
    fprintf(out, "[prompt %u tokens", summary->prompt_tokens);
    if (summary->cached_tokens) fprintf(out, ", %u of them known", summary->cached_tokens);
    print_rate(summary->prompt_tokens - summary->cached_tokens, summary->prefill_ns, out);
    fprintf(out, "; answer %u tokens", summary->completion_tokens);
    /* The first token belongs to the prompt's time. */
    if (summary->completion_tokens)
        print_rate(summary->completion_tokens - 1, summary->decode_ns, out);
    fputs("]\n", out);
}

/* ---- commands ---- */

static void command_help(struct talk *talk, struct text argument);

/* Only what lies inside the choices may change while the model is loaded. */
static bool is_settable(const struct option_row *row)
{
    return row->offset < sizeof(struct chat_choices);
}

/* "as long as the context leaves", where the help names what happens without a value. */
static const char *unset_text(const struct option_row *row)
{
    static const char MARK[] = "default: ";
    const char *found = strstr(row->help, MARK);
    return found ? found + strlen(MARK) : "none";
}

static void print_choices(struct talk *talk)
{
    struct chat_choices effective = *talk->choices;
    chat_choices_fill(&effective);
    struct option_parse parse = *talk->parse;
    parse.values = &effective; /* enough for rows that may be set */
    for (size_t i = 0; i < talk->parse->table.count; i++) {
        const struct option_row *row = &talk->parse->table.rows[i];
        if (!is_settable(row)) continue;
        struct buffer value;
        buffer_init(&value);
        option_describe_value(&parse, i, &value);
        if (!value.length) buffer_printf(&value, "(%s)", unset_text(row));
        printf("  %-18s ", row->name);
        terminal_write(stdout, buffer_text(&value));
        puts("");
        buffer_deinit(&value);
    }
    puts("`liminal run --help` tells what they do.");
}

static void command_set(struct talk *talk, struct text argument)
{
    if (!argument.length) {
        print_choices(talk);
        return;
    }
    size_t space = text_find(argument, TEXT(" "));
    struct text name = text_slice(argument, 0, space);
    struct text value = space == SIZE_MAX ? (struct text){"", 0}
                                          : text_trim(text_slice(argument, space, argument.length));
    char key[64];
    snprintf(key, sizeof key, "%.*s", TEXT_FORMAT(name));
    size_t row = option_find(talk->parse->table, key);
    if (row == SIZE_MAX || !is_settable(&talk->parse->table.rows[row])) {
        const char *nearest = option_nearest(talk->parse->table, key);
        printf("There is nothing named \"%s\" to set%s%s. /set lists all.\n", key,
               nearest ? "; did you mean " : "", nearest ? nearest : "");
        return;
    }
    struct fault fault = {0};
    const char *text = arena_copy(talk->parse->arena, value.data, value.length);
    /* A list on the command line grows; here it is replaced. */
    talk->parse->sources[row] = SOURCE_DEFAULT;
    if (!text || option_set(talk->parse, row, SOURCE_COMMAND_LINE, key, text, &fault) != OK)
        printf("%s.\n", text ? fault.message : "Out of memory");
}

static void command_show(struct talk *talk, struct text argument)
{
    (void)argument;
    const struct model_info *info = engine_model(talk->chat->engine);
    char size[SIZE_TEXT_BYTES];
    size_text(info->file_bytes, size);
    printf("  model       %s (%s)\n  file        %s, %s, %s\n", talk->loaded->name, info->name,
           talk->loaded->path, size, info->file_type);
    printf("  shape       %s, %u layers, width %u, vocabulary %u\n", info->architecture,
           info->layers, info->width, info->vocabulary);
    printf("  context     %u tokens\n  said so far %zu messages\n",
           engine_context_length(talk->chat->engine), json_array_size(talk->chat->turns));
}

static void command_clear(struct talk *talk, struct text argument)
{
    (void)argument;
    chat_forget(talk->chat);
    puts("Forgotten: a new conversation.");
}

static void command_bye(struct talk *talk, struct text argument)
{
    (void)argument;
    talk->over = true;
}

static const struct talk_command {
    const char *name, *help;
    void (*run)(struct talk *talk, struct text argument);
} COMMANDS[] = {
    {"/help", "this list", command_help},
    {"/set", "/set temp 0.2 changes how answers are made; /set alone lists all there is",
     command_set},
    {"/show", "the model, and how long the conversation is", command_show},
    {"/clear", "forget what was said and start anew", command_clear},
    {"/bye", "leave (also Ctrl-D)", command_bye},
};

static void command_help(struct talk *talk, struct text argument)
{
    (void)talk;
    (void)argument;
    for (size_t i = 0; i < ARRAY_COUNT(COMMANDS); i++)
        printf("  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    puts(
        "  \"\"\"      begins and ends a text of several lines\n"
        "  Ctrl-C   stops an answer; Up and Ctrl-R find what you said before");
}

static void run_command(struct talk *talk, struct text line)
{
    size_t space = text_find(line, TEXT(" "));
    char name[32];
    snprintf(name, sizeof name, "%.*s", TEXT_FORMAT(text_slice(line, 0, space)));
    struct text argument =
        space == SIZE_MAX ? (struct text){"", 0} : text_trim(text_slice(line, space, line.length));
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < ARRAY_COUNT(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, name) == 0) {
            COMMANDS[i].run(talk, argument);
            return;
        }
        nearest_offer(&nearest, COMMANDS[i].name);
    }
    printf("There is no command %s%s%s; /help lists them.\n", name,
           nearest.best ? ": did you mean " : "", nearest.best ? nearest.best : "");
}

/* ---- answers ---- */

static void show_text(void *argument, struct text text)
{
    flow_write(argument, text);
}

static void say(struct talk *talk, struct text prompt)
{
    struct answer_summary summary;
    struct fault fault = {0};
    struct flow flow;
    flow_init(&flow, stdout);
    talk_interrupted = 0;
    console_hide_typing(true);
    enum status status = chat_ask(talk->chat, talk->choices, prompt, show_text, &flow,
                                  &talk_interrupted, &summary, &fault);
    console_hide_typing(false);
    flow_finish(&flow);
    flow_deinit(&flow);
    if (status != OK) {
        printf("%s.%s\n", fault.message,
               json_array_size(talk->chat->turns) ? " /clear starts a new conversation." : "");
        return;
    }
    if (summary.end == END_CANCELLED) puts("[stopped]");
    if (summary.end == END_LENGTH) puts("[cut here: no more tokens are allowed]");
    if (talk->verbose) talk_print_summary(&summary, stdout);
    puts("");
}

/* ~/.local/share/liminal/history, if there can be one. */
static bool find_history(char *path, size_t capacity)
{
    char home[4096];
    return path_home(home, sizeof home, NULL) == OK && directory_make(home, NULL) == OK &&
           snprintf(path, capacity, "%s/history", home) < (int)capacity;
}

enum status talk(struct chat *chat, const struct loaded_model *loaded, struct chat_choices *choices,
                 struct option_parse *parse, bool verbose, struct fault *fault)
{
    struct talk talk = {chat, loaded, choices, parse, verbose, false};
    char history[4200];
    struct console *console;
    TRY(console_open(&console, find_history(history, sizeof history) ? history : NULL, fault));
    printf("%s is listening. /help lists what else you can type, /bye leaves.\n", loaded->name);
    talk_catch_interrupts();
    struct text entry;
    while (!talk.over && console_read(console, &entry)) {
        struct text line = text_trim(entry);
        if (!line.length) continue;
        if (line.data[0] == '/')
            run_command(&talk, line);
        else
            say(&talk, entry);
    }
    if (!talk.over) puts("");
    console_close(console);
    return OK;
}
