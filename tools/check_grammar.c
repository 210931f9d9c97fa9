/* check_grammar.c - grammars on a line protocol, so that independent programs can judge them.
 *
 *   check_grammar [MODEL.gguf]
 *
 * One JSON object per line on standard input, one per line back:
 *   {"schema": ..., "closed": false}   or {"regex": "..."} or {"gbnf": "..."} or {"object": true}
 *     "instances": ["text", ...]       -> "matches": [true, ...]: byte by byte
 *     "walks": 5, "seed": 1            -> "texts": ["...", null, ...]: random walks over the masks
 * of the model's vocabulary until the grammar ends (null: not within "limit" tokens)
 *     "warm": true                     -> "warm_ms": masks are found ahead, before the walks
 *
 * Each answer has "status", for a refusal "message", and "read_ms", "finish_ms", "compile_ms":
 * reading the schema, laying out the grammar, making the constraint. That is what a request waits
 * for before its prompt is read; masks are found ahead meanwhile. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "http/json_body.h"
#include "inference/grammar/constraint.h"
#include "model/file/gguf.h"
#include "model/tokenizer/tokenizer.h"
#include "platform/platform.h"

enum { DEFAULT_LIMIT = 2000 };

struct vocabulary {
    struct gguf *gguf;
    struct tokenizer *tokenizer;
    struct token_trie *trie;
};

static double milliseconds_since(uint64_t start_ns)
{
    return (double)(clock_monotonic_ns() - start_ns) / 1e6;
}

/* ---- one grammar ---- */

static enum status read_grammar(const json_t *job, struct grammar *grammar, struct fault *fault)
{
    grammar_part root = 0;
    const json_t *schema = json_object_get(job, "schema");
    const json_t *regex = json_object_get(job, "regex"), *gbnf = json_object_get(job, "gbnf");
    if (schema)
        TRY(grammar_add_json_schema_closed(
            grammar, schema, json_is_true(json_object_get(job, "closed")), &root, fault));
    else if (regex)
        TRY(grammar_add_regex(grammar, text_of(json_string_value(regex)), &root, fault));
    else if (gbnf)
        TRY(grammar_add_gbnf(grammar, text_of(json_string_value(gbnf)), &root, fault));
    else
        root = grammar_json_object(grammar);
    grammar_set_root(grammar, root);
    return OK;
}

static json_t *match_instances(const struct grammar *grammar, const json_t *instances)
{
    json_t *matches = json_array();
    for (size_t i = 0; i < json_array_size(instances); i++) {
        const json_t *instance = json_array_get(instances, i);
        struct text text = {json_string_value(instance), json_string_length(instance)};
        json_array_append_new(matches, json_boolean(grammar_matches(grammar, text)));
    }
    return matches;
}

/* ---- random walks ---- */

/* xorshift64* */
static uint32_t chance(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * 0x2545F4914F6CDD1Du) >> 32) % below;
}

/* The n-th token that the mask allows. */
static int32_t pick(const uint64_t *mask, uint32_t vocabulary, uint32_t n)
{
    for (uint32_t token = 0; token < vocabulary; token++)
        if (token_mask_allows(mask, (int32_t)token) && n-- == 0) return (int32_t)token;
    return -1;
}

static uint32_t count_allowed(const uint64_t *mask, size_t words)
{
    uint32_t count = 0;
    for (size_t i = 0; i < words; i++) count += (uint32_t)__builtin_popcountll(mask[i]);
    return count;
}

/* Short tokens half of the time, so that walks end; an end token as soon as it is allowed, mostly.
 */
static int32_t choose_token(const struct vocabulary *vocabulary, const uint64_t *mask,
                            uint64_t *seed)
{
    uint32_t size = tokenizer_size(vocabulary->tokenizer);
    uint32_t allowed = count_allowed(mask, token_mask_words(size));
    if (allowed == 0) return -1;
    for (uint32_t token = 0; chance(seed, 4) > 0 && token < size; token++)
        if (token_mask_allows(mask, (int32_t)token) &&
            tokenizer_is_end(vocabulary->tokenizer, (int32_t)token))
            return (int32_t)token;
    int32_t best = pick(mask, size, chance(seed, allowed));
    static const char *const CLOSERS[] = {"\"", "]", "}"};
    for (size_t i = 0; i < ARRAY_COUNT(CLOSERS); i++) {
        int32_t closer = tokenizer_find(vocabulary->tokenizer, text_of(CLOSERS[i]));
        if (closer >= 0 && token_mask_allows(mask, closer) && chance(seed, 4) == 0) best = closer;
    }
    return best;
}

/* The text, or NULL when the walk did not end; `broken` when the matcher contradicted itself. */
static json_t *walk(const struct vocabulary *vocabulary, struct constraint *constraint,
                    uint32_t limit, uint64_t *seed, bool *broken)
{
    struct fault fault;
    struct matcher *matcher = NULL;
    struct buffer text;
    uint32_t size = tokenizer_size(vocabulary->tokenizer);
    uint64_t *mask = calloc(token_mask_words(size), sizeof *mask);
    json_t *result = NULL;
    buffer_init(&text);
    if (!mask || matcher_new(&matcher, constraint, &fault) != OK) exit(EXIT_FAILURE);
    for (uint32_t i = 0; i < limit && !*broken; i++) {
        if (matcher_mask(matcher, mask, &fault) != OK) break;
        int32_t token = choose_token(vocabulary, mask, seed);
        *broken = token < 0 || !matcher_accept(matcher, token);
        if (token >= 0 && tokenizer_is_end(vocabulary->tokenizer, token)) {
            result = json_stringn(text.data ? text.data : "", text.length);
            break;
        }
        tokenizer_piece(vocabulary->tokenizer, token, false, &text);
    }
    matcher_free(matcher);
    buffer_deinit(&text);
    free(mask);
    return result ? result : json_null();
}

static void add_walks(const struct vocabulary *vocabulary, const json_t *job,
                      struct constraint *constraint, json_t *answer)
{
    json_t *texts = json_array();
    uint64_t seed = (uint64_t)json_integer_value(json_object_get(job, "seed")) * 2 + 88172645463325;
    json_int_t limit = json_integer_value(json_object_get(job, "limit"));
    json_int_t walks = json_integer_value(json_object_get(job, "walks"));
    bool broken = false;
    for (json_int_t i = 0; i < walks && !broken; i++)
        json_array_append_new(texts, walk(vocabulary, constraint,
                                          limit ? (uint32_t)limit : DEFAULT_LIMIT, &seed, &broken));
    json_object_set_new(answer, "texts", texts);
    if (broken) json_object_set_new(answer, "broken", json_true());
}

/* ---- one line ---- */

static enum status judge(const struct vocabulary *vocabulary, const json_t *job, json_t *answer,
                         struct fault *fault)
{
    struct grammar *grammar;
    struct constraint *constraint;
    TRY(grammar_new(&grammar, fault));
    uint64_t start_ns = clock_monotonic_ns();
    enum status status;
    TRY_DONE(read_grammar(job, grammar, fault));
    json_object_set_new(answer, "read_ms", json_real(milliseconds_since(start_ns)));
    start_ns = clock_monotonic_ns();
    TRY_DONE(grammar_finish(grammar, fault));
    json_object_set_new(answer, "finish_ms", json_real(milliseconds_since(start_ns)));
    json_object_set_new(answer, "matches",
                        match_instances(grammar, json_object_get(job, "instances")));
    if (!vocabulary->trie) goto done;
    start_ns = clock_monotonic_ns();
    status = constraint_new(&constraint, grammar, vocabulary->trie, fault);
    grammar = NULL; /* taken */
    if (status != OK) goto done;
    json_object_set_new(answer, "compile_ms", json_real(milliseconds_since(start_ns)));
    if (json_is_true(json_object_get(job, "warm"))) {
        start_ns = clock_monotonic_ns();
        constraint_warm(constraint, NULL);
        json_object_set_new(answer, "warm_ms", json_real(milliseconds_since(start_ns)));
    }
    add_walks(vocabulary, job, constraint, answer);
    constraint_release(constraint);
done:
    grammar_free(grammar);
    return status;
}

static void answer_line(const struct vocabulary *vocabulary, const char *line, size_t length)
{
    struct fault fault = {.message = ""};
    json_error_t error;
    json_t *answer = json_object();
    json_t *job = json_load_text((struct text){line, length}, 0, &error);
    enum status status = STATUS_CORRUPT;
    if (job)
        status = judge(vocabulary, job, answer, &fault);
    else
        fault_set(&fault, status, "%s", error.text);
    json_object_set_new(answer, "status", json_string(status_name(status)));
    if (status != OK) json_object_set_new(answer, "message", json_string(fault.message));
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(answer);
    json_decref(job);
}

static void open_vocabulary(struct vocabulary *vocabulary, const char *path)
{
    struct fault fault;
    if (gguf_open(&vocabulary->gguf, path, &fault) == OK &&
        tokenizer_from_gguf(&vocabulary->tokenizer, vocabulary->gguf, &fault) == OK &&
        token_trie_new(&vocabulary->trie, vocabulary->tokenizer, &fault) == OK)
        return;
    fprintf(stderr, "check_grammar: %s\n", fault.message);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    struct vocabulary vocabulary = {.trie = NULL};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    if (argc > 1) open_vocabulary(&vocabulary, argv[1]);
    while ((length = getline(&line, &capacity, stdin)) >= 0)
        answer_line(&vocabulary, line, (size_t)length);
    free(line);
    token_trie_free(vocabulary.trie);
    tokenizer_free(vocabulary.tokenizer);
    gguf_close(vocabulary.gguf);
    return EXIT_SUCCESS;
}
