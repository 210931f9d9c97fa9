/* cli.c - the table of verbs: finding one, its help, and running it. */
#include "app/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "app/terminal.h"
#include "app/verbs/verbs.h"
#include "base/nearest.h"

/* In the order of `liminal --help`. */
static const struct verb *const VERBS[] = {
    &VERB_SERVE, &VERB_RUN,      &VERB_PULL,  &VERB_LIST,    &VERB_SHOW,     &VERB_RM,
    &VERB_PS,    &VERB_TOKENIZE, &VERB_EMBED, &VERB_CONVERT, &VERB_QUANTIZE, &VERB_SYNTH,
    &VERB_BENCH, &VERB_MIGRATE,  &VERB_DB,    &VERB_BACKUP,  &VERB_RESTORE,  &VERB_VERSION,
};

static const char HEAD[] =
    "Liminal runs language models on this machine: in the terminal, and for any OpenAI client.\n"
    "\n"
    "Usage: liminal VERB [ARGUMENTS] [OPTIONS]\n"
    "\n"
    "Verbs:\n";

static const char FOOT[] =
    "\n"
    "Examples:\n"
    "  liminal run local-llm              chat with the default model\n"
    "  liminal run local-llm \"What is the capital of France?\"\n"
    "  liminal serve                      the OpenAI API on http://127.0.0.1:8000/v1\n"
    "\n"
    "`liminal VERB --help` tells more about a verb. local-llm always names the default model.\n"
    "Exit codes: 0 done, 2 wrong usage, 3 not found, 4 not allowed, 5 exists already,\n"
    "6 not available now, 7 not supported, 8 damaged file, 9 out of memory, 10 disk or\n"
    "network, 70 a bug of ours, 130 stopped.\n";

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(VERBS); i++)
        if (strcmp(VERBS[i]->name, name) == 0) return VERBS[i];
    return NULL;
}

static void print_overview(FILE *out)
{
    fputs(HEAD, out);
    for (size_t i = 0; i < ARRAY_COUNT(VERBS); i++)
        fprintf(out, "  %-10s %s\n", VERBS[i]->name, VERBS[i]->summary);
    fputs(FOOT, out);
}

static enum status print_verb_help(const struct verb *verb, FILE *out, struct fault *fault)
{
    struct buffer text;
    buffer_init(&text);
    buffer_printf(&text, "Usage: liminal %s", verb->name);
    if (*verb->arguments) buffer_printf(&text, " %s", verb->arguments);
    buffer_printf(&text, " [OPTIONS]\n\n%c%s.\n\nOptions:\n", verb->summary[0] - 'a' + 'A',
                  verb->summary + 1);
    option_help(*verb->options, &text);
    buffer_printf(&text, "%-27s%s\n", "  -h, --help", "this text");
    if (verb->help) buffer_printf(&text, "\n%s", verb->help);
    enum status status = buffer_status(&text, fault);
    if (status == OK) fputs(text.data, out);
    buffer_deinit(&text);
    return status;
}

/* "OUT" for 1 in "IN OUT TYPE". */
static struct text argument_name(const struct verb *verb, size_t index)
{
    struct text rest = text_of(verb->arguments);
    for (; index; index--) rest = text_slice(rest, text_find(rest, TEXT(" ")) + 1, rest.length);
    struct text name = text_slice(rest, 0, text_find(rest, TEXT(" ")));
    if (text_ends_with(name, TEXT("..."))) name.length -= strlen("...");
    return name;
}

static enum status check_words(const struct command *command, struct fault *fault)
{
    const struct verb *verb = command->verb;
    const char *space = *verb->arguments ? " " : "";
    if (command->word_count < verb->least_words)
        return fault_set(fault, STATUS_INVALID, "%.*s is missing; usage: liminal %s%s%s",
                         TEXT_FORMAT(argument_name(verb, command->word_count)), verb->name, space,
                         verb->arguments);
    if (command->word_count > verb->most_words)
        return fault_set(fault, STATUS_INVALID,
                         "\"%s\" is one argument too many; usage: liminal %s%s%s",
                         command->words[verb->most_words], verb->name, space, verb->arguments);
    return OK;
}

static enum status run_verb(const struct verb *verb, char **words, size_t count,
                            struct arena *arena, struct fault *fault)
{
    void *values = arena_alloc(arena, verb->values_bytes);
    if (!values) return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    struct option_parse parse;
    TRY(option_parse_init(&parse, *verb->options, values, arena, fault));
    for (size_t i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return print_verb_help(verb, stdout, fault);
    if (verb->prepare) TRY(verb->prepare(&parse, words, count, fault));
    TRY(option_parse_environment(&parse, fault));
    struct command command = {
        .verb = verb, .values = values, .parse = &parse, .arena = arena, .out = stdout};
    TRY(option_parse_words(&parse, words, count, &command.word_count, fault));
    command.words = words;
    TRY(check_words(&command, fault));
    return verb->run(&command, fault);
}

static enum status unknown_verb(const char *name, struct fault *fault)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < ARRAY_COUNT(VERBS); i++) nearest_offer(&nearest, VERBS[i]->name);
    if (nearest.best)
        return fault_set(fault, STATUS_INVALID, "there is no verb \"%s\"; did you mean \"%s\"?",
                         name, nearest.best);
    return fault_set(fault, STATUS_INVALID,
                     "there is no verb \"%s\"; `liminal --help` lists them all", name);
}

static bool is_any(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* words[0] is the verb, or what stands for one. */
static enum status dispatch(char **words, size_t count, struct arena *arena, struct fault *fault)
{
    if (is_any(words[0], "help", "--help", "-h")) {
        if (count == 1) {
            print_overview(stdout);
            return OK;
        }
        const struct verb *verb = find_verb(words[1]);
        return verb ? print_verb_help(verb, stdout, fault) : unknown_verb(words[1], fault);
    }
    const struct verb *verb =
        is_any(words[0], "--version", "-V", "version") ? &VERB_VERSION : find_verb(words[0]);
    if (!verb) return unknown_verb(words[0], fault);
    return run_verb(verb, words + 1, count - 1, arena, fault);
}

/* A full disk or a closed pipe shows only when the buffer is flushed. */
static enum status flush_output(struct fault *fault)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return OK;
    return fault_set(fault, STATUS_IO, "cannot write the output: %s", strerror(errno));
}

int cli_main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        print_overview(stderr);
        return status_exit_code(STATUS_INVALID);
    }
    struct arena arena;
    arena_init(&arena, 0);
    struct fault fault = {0};
    enum status status = dispatch(argv + 1, (size_t)argc - 1, &arena, &fault);
    if (status == OK) status = flush_output(&fault);
    if (status != OK && fault.message[0]) {
        fputs("liminal: ", stderr);
        terminal_write(stderr, text_of(fault.message)); /* it may quote a file or a server */
        fputc('\n', stderr);
    }
    arena_deinit(&arena);
    return status_exit_code(status);
}
