/* regex_test.c - regular expressions as grammars, against JavaScript's RegExp (vectors made by
 * tests/oracle/grammar_regex.mjs), and what is refused by name. */
#include <jansson.h>

#include "base/test_support.h"

#include "inference/grammar/grammar.h"

#define VECTORS LIMINAL_SOURCE_DIR "/tests/vectors/grammar/regex.json"

static enum status open_regex(struct grammar **g, struct text pattern, struct fault *fault)
{
    grammar_part root;
    assert_ok(grammar_new(g, fault), fault);
    enum status status = grammar_add_regex(*g, pattern, &root, fault);
    if (status == OK) {
        grammar_set_root(*g, root);
        status = grammar_finish(*g, fault);
    }
    if (status != OK) grammar_free(*g);
    return status;
}

static struct text text_of_json(const json_t *string)
{
    return (struct text){json_string_value(string), json_string_length(string)};
}

/* Each row: a pattern, texts it matches as a whole, texts it does not. */
static void test_equals_javascript(void **state)
{
    json_error_t error;
    json_t *rows = json_load_file(VECTORS, JSON_ALLOW_NUL, &error), *row, *text;
    size_t i, j, tried = 0;
    if (!rows) fail_msg("%s: %s", VECTORS, error.text);
    json_array_foreach(rows, i, row)
    {
        struct grammar *g;
        struct fault fault = {0};
        struct text pattern = text_of_json(json_object_get(row, "pattern"));
        if (open_regex(&g, pattern, &fault) != OK)
            fail_msg("%.*s: %s", TEXT_FORMAT(pattern), fault.message);
        for (int matches = 0; matches < 2; matches++) {
            json_array_foreach(json_object_get(row, matches ? "yes" : "no"), j, text)
            {
                struct text t = text_of_json(text);
                if (grammar_matches(g, t) != matches)
                    fail_msg("'%.*s' and %.*s: RegExp says %d", TEXT_FORMAT(t),
                             TEXT_FORMAT(pattern), matches);
                tried++;
            }
        }
        grammar_free(g);
    }
    print_message("%zu patterns, %zu texts\n", json_array_size(rows), tried);
    assert_true(json_array_size(rows) > 100 && tried > 3000);
    json_decref(rows);
}

static const struct {
    const char *pattern, *message;
    enum status status;
} REFUSED[] = {
    {"a(?=b)", "look-ahead", STATUS_UNSUPPORTED},
    {"a(?!b)", "look-ahead", STATUS_UNSUPPORTED},
    {"(?<=a)b", "look-behind", STATUS_UNSUPPORTED},
    {"(a)\\1", "back", STATUS_UNSUPPORTED},
    {"a\\bb", "word", STATUS_UNSUPPORTED},
    {"a^b", "^ and $", STATUS_UNSUPPORTED},
    {"\\p{Script=Greek}", "Unicode property", STATUS_UNSUPPORTED},
    {"(a", "group", STATUS_INVALID},
    {"a)", "group", STATUS_INVALID},
    {"*a", "repetition", STATUS_INVALID},
    {"[b-a]", "", STATUS_INVALID},
    {"a{2,1}", "n > m", STATUS_INVALID},
    {"a{1,20000}", "10000", STATUS_TOO_LARGE},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++) {
        struct grammar *g;
        struct fault fault = {0};
        enum status status = open_regex(&g, text_of(REFUSED[i].pattern), &fault);
        if (status != REFUSED[i].status || !strstr(fault.message, REFUSED[i].message))
            fail_msg("%s: %s: %s", REFUSED[i].pattern, status_name(status), fault.message);
        if (!strstr(fault.message, "regex")) fail_msg("%s does not say 'regex'", fault.message);
    }
}

/* Large counts are counted, and ^...$ says nothing more than a whole text does. */
static void test_whole_and_counts(void **state)
{
    static char text[5001];
    struct grammar *g;
    struct fault fault = {0};
    memset(text, 'z', sizeof text);
    assert_ok(open_regex(&g, TEXT("^(?:[a-z]{3,5000})$"), &fault), &fault);
    assert_true(grammar_matches(g, (struct text){text, 5000}));
    assert_false(grammar_matches(g, (struct text){text, 5001}));
    assert_false(grammar_matches(g, (struct text){text, 2}));
    grammar_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equals_javascript),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_whole_and_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
