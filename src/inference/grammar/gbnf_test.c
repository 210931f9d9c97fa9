/* gbnf_test.c - llama.cpp's grammar format: what is understood, and how faults are named. */
#include <stdlib.h>

#include "base/test_support.h"

#include "inference/grammar/grammar.h"

static enum status open_grammar(struct grammar **g, const char *source, struct fault *fault)
{
    grammar_part root;
    assert_ok(grammar_new(g, fault), fault);
    enum status status = grammar_add_gbnf(*g, text_of(source), &root, fault);
    if (status == OK) {
        grammar_set_root(*g, root);
        status = grammar_finish(*g, fault);
    }
    if (status != OK) {
        grammar_free(*g);
        *g = NULL;
    }
    return status;
}

#define TEXTS_MAX 8

struct sample {
    const char *source;
    const char *matching[TEXTS_MAX], *other[TEXTS_MAX];
};

static const struct sample SAMPLES[] = {
    {"root ::= \"yes\" | \"no\"", {"yes", "no"}, {"", "yesno", "n"}},
    {"root ::= \"\"", {""}, {"a"}},
    {"root ::=", {""}, {"a"}},
    {"root ::= \"a\" |", {"", "a"}, {"aa"}},
    {"# a comment\nroot ::= item+ # another\nitem::=[a-c_-]", {"a", "-", "abc_"}, {"", "d"}},
    {"root ::= [^\\n\"] .", {"ab", "\xC3\xA9\n"}, {"\na", "\"a", "a", "\xC3\xA9\xC3"}},
    {"root ::= \"\\x41\\u00e9\\U0001F600\\t\\\\\\\"\"", {"A\xC3\xA9\xF0\x9F\x98\x80\t\\\""}, {"A"}},
    {"root ::= [\\x41-\\x43\\u00e9\\]\\[\\\\]", {"B", "\xC3\xA9", "]", "[", "\\"}, {"D", "x"}},
    {"root ::= \"a\"{3}", {"aaa"}, {"aa", "aaaa"}},
    {"root ::= \"ab\"{2,}", {"abab", "ababab"}, {"ab", "abb"}},
    {"root ::= [ab]{1, 2} \"c\"{0,1}", {"a", "bac", "ac"}, {"", "aba", "acc"}},
    {"root ::= (\"a\" | \"b\"\n  | \"c\")* \"d\"?", {"", "abc", "cbad", "d"}, {"da", "dd"}},
    {"root ::= \"a\"\n  | \"b\"\n# in between\n\n  | c\nc ::= \"c\"\n",
     {"a", "b", "c"},
     {"", "ab"}},
    {"root ::=\n  (\n    \"a\"\n    b # why not\n  )\n  \nb ::= \"b\"", {"ab"}, {"a", "b"}},
    {"root ::= (\"a\"?){3}", {"", "a", "aaa"}, {"aaaa"}},
    {"root ::= \"a\"*?", {"", "aa"}, {"b"}},
    {"root ::= \"<\" [^>]{2,1000} \">\"", {"<ab>", "<abcdefghi\xC3\xA9>"}, {"<a>", "<>", "<ab"}},
    {"root ::= expr\r\nexpr ::= expr \"+\" term | expr \"-\" term | term\r\n"
     "term ::= [0-9]+ | \"(\" expr \")\"\r\n",
     {"1", "1+2-3", "(1+(2))-33"},
     {"", "+1", "1+", "(1"}},
    {"root ::= value\n"
     "value ::= object | array | string | number | \"true\" | \"false\" | \"null\"\n"
     "object ::= \"{\" ws ( string ws \":\" ws value (\",\" ws string ws \":\" ws value)* )? \"}\" "
     "ws\n"
     "array ::= \"[\" ws ( value (\",\" ws value)* )? \"]\" ws\n"
     "string ::= \"\\\"\" ( [^\"\\\\\\x7F\\x00-\\x1F] | \"\\\\\" ([\"\\\\bfnrt] | \"u\" "
     "[0-9a-fA-F]{4}) )* \"\\\"\" ws\n"
     "number ::= \"-\"? ([0-9] | [1-9] [0-9]{0,15}) (\".\" [0-9]+)? ([eE] [-+]? [0-9]{1,3})? ws\n"
     "ws ::= | \" \" | \"\\n\" [ \\t]{0,20}\n",
     {"{}", "[1,-2.5e3,true]", "{\"a\": [\"\\u00e9\\n\", {}], \"b\":null}", "\"x\" "},
     {"", "{\"a\"}", "[1,]", "01", "\"\t\""}},
};

static void test_samples(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(SAMPLES); i++) {
        const struct sample *s = &SAMPLES[i];
        struct grammar *g;
        struct fault fault = {0};
        if (open_grammar(&g, s->source, &fault) != OK) fail_msg("%s: %s", s->source, fault.message);
        for (size_t j = 0; j < TEXTS_MAX && s->matching[j]; j++)
            if (!grammar_matches(g, text_of(s->matching[j])))
                fail_msg("'%s' should match %s", s->matching[j], s->source);
        for (size_t j = 0; j < TEXTS_MAX && s->other[j]; j++)
            if (grammar_matches(g, text_of(s->other[j])))
                fail_msg("'%s' should not match %s", s->other[j], s->source);
        grammar_free(g);
    }
}

static const struct {
    const char *source, *message;
    enum status status;
} REFUSED[] = {
    {"", "no rule 'root'", STATUS_INVALID},
    {"start ::= \"a\"", "no rule 'root'", STATUS_INVALID},
    {"root ::= item", "line 1, column 10: the rule 'item' is used, but not defined",
     STATUS_INVALID},
    {"root ::= \"a\"\n  \"b\"", "line 2, column 3: the name of a rule is missing", STATUS_INVALID},
    {"root \"a\"", "column 6: '::=' is missing", STATUS_INVALID},
    {"root ::= \"a", "column 10: a literal without closing", STATUS_INVALID},
    {"root ::= \"\xC3\xA9\" \"\\q\"", "column 15: an unknown escape", STATUS_INVALID},
    {"root ::= [a-z", "column 10: a class without closing", STATUS_INVALID},
    {"root ::= [z-a]", "ends before it begins", STATUS_INVALID},
    {"root ::= (\"a\"\nb ::= \"b\"", "line 1, column 10: a group without closing", STATUS_INVALID},
    {"root ::= \"a\")", "column 13: this is neither", STATUS_INVALID},
    {"root ::= \"a\"{2,1}", "least exceeds its most", STATUS_INVALID},
    {"root ::= \"a\"{,2}", "column 14: a number is missing", STATUS_INVALID},
    {"root ::= \"a\"{1", "without closing }", STATUS_INVALID},
    {"root ::= \"a\"{1,10000000}", "more than a million times", STATUS_TOO_LARGE},
    {"root ::= *", "nothing stands before", STATUS_INVALID},
    {"root ::= <think>", "tokens (<...>) are not supported", STATUS_UNSUPPORTED},
    {"root ::= \"\\xG0\"", "hexadecimal digit", STATUS_INVALID},
    {"root ::= \"\\uD800\"", "no character's code point", STATUS_INVALID},
    {"root ::= \"\xFF\"", "not UTF-8", STATUS_INVALID},
    {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: this rule is defined twice",
     STATUS_INVALID},
    {"root ::= \"a\" root", "no text at all", STATUS_INVALID},
    {"root ::= []", "no text at all", STATUS_INVALID},
    {"root ::= a \"x\" | \"r\"\na ::= root \"y\" | \"z\" a \"w\" | \"q\"", "left recursion",
     STATUS_UNSUPPORTED},
};

static void test_refused(void **state)
{
    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++) {
        struct grammar *g;
        struct fault fault = {0};
        enum status status = open_grammar(&g, REFUSED[i].source, &fault);
        if (status == OK) fail_msg("accepted: %s", REFUSED[i].source);
        if (!strstr(fault.message, REFUSED[i].message) || status != REFUSED[i].status)
            fail_msg("%s: %s: %s", REFUSED[i].source, status_name(status), fault.message);
    }
}

/* Bounds are counted, not written out: a million repetitions cost a handful of states. */
static void test_large_counts(void **state)
{
    struct grammar *g;
    struct fault fault = {0};
    char *text = malloc(100001);
    memset(text, 'x', 100001);
    assert_ok(open_grammar(&g, "root ::= .{100000,1000000}", &fault), &fault);
    assert_false(grammar_matches(g, (struct text){text, 99999}));
    assert_true(grammar_matches(g, (struct text){text, 100000}));
    assert_true(grammar_matches(g, (struct text){text, 100001}));
    grammar_free(g);
    assert_ok(open_grammar(&g, "root ::= (\"x\" root){0,1000000} \"y\"", &fault), &fault);
    assert_true(grammar_matches(g, TEXT("xyxxyyy")));
    grammar_free(g);
    free(text);
}

/* What would grow without bound is refused, quickly. */
static void test_hostile(void **state)
{
    struct grammar *g;
    struct fault fault = {0};
    assert_status(open_grammar(&g,
                               "root ::= [ab]* \"a\" [ab] [ab] [ab] [ab] [ab] [ab] [ab] [ab] "
                               "[ab] [ab] [ab] [ab] [ab] [ab] [ab] [ab] [ab] [ab] [ab]",
                               &fault),
                  STATUS_TOO_LARGE);
    assert_contains(fault.message, "65536 states");
    struct buffer source;
    buffer_init(&source);
    buffer_append_string(&source, "root ::= ");
    for (int i = 0; i < 100000; i++) buffer_append_string(&source, "(");
    assert_status(open_grammar(&g, source.data, &fault), STATUS_INVALID);
    assert_contains(fault.message, "nested more than 100 deep");
    buffer_clear(&source);
    buffer_append_string(&source, "root ::= r0\n");
    for (int i = 0; i < 20000; i++)
        buffer_printf(&source, "r%d ::= \"a\" r%d \"b\" | \"c\"\n", i, (i + 1) % 20000);
    enum status status = open_grammar(&g, source.data, &fault);
    if (status == OK) {
        assert_true(grammar_matches(g, TEXT("aacbb")));
        grammar_free(g);
    } else {
        assert_int_equal(status, STATUS_TOO_LARGE);
    }
    buffer_deinit(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_large_counts),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
