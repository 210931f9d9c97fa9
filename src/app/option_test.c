/* option_test.c - tables of options: kinds, ranges, sources in order, words, help. */
#include "app/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/test_support.h"

struct values {
    bool loud;
    const char *host;
    struct option_list stop;
    uint64_t port, seed;
    double temp;
};

#define FIELD(name) offsetof(struct values, name)

static const struct option_row ROWS[] = {
    {"loud", 'l', OPTION_FLAG, FIELD(loud), .help = "louder"},
    {"host", 0, OPTION_TEXT, FIELD(host), .value_name = "ADDRESS", .fallback = "127.0.0.1",
     .help = "where", .environment = "TEST_HOST"},
    {"stop", 0, OPTION_LIST, FIELD(stop), .value_name = "TEXT", .help = "end",
     .environment = "TEST_STOP"},
    {"port", 'p', OPTION_COUNT, FIELD(port), .value_name = "PORT", .fallback = "8000",
     .help = "a port whose explanation is long enough that it cannot fit into what is left of one "
             "line of eighty columns",
     .environment = "TEST_PORT_FIRST TEST_PORT", .most = 65535},
    {"seed", 0, OPTION_COUNT, FIELD(seed), .value_name = "N", .help = "seed"},
    {"temp", 0, OPTION_REAL, FIELD(temp), .value_name = "T", .help = "heat", .most = 2},
};
static const struct option_table TABLE = {ROWS, ARRAY_COUNT(ROWS)};

struct fixture {
    struct arena arena;
    struct values values;
    struct option_parse parse;
    struct fault fault;
    size_t kept;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 0);
    unsetenv("TEST_HOST");
    unsetenv("TEST_STOP");
    unsetenv("TEST_PORT");
    unsetenv("TEST_PORT_FIRST");
    *state = &fixture;
    return option_parse_init(&fixture.parse, TABLE, &fixture.values, &fixture.arena, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_deinit(&f->arena);
    return 0;
}

static enum status parse(struct fixture *f, char **words)
{
    size_t count = 0;
    while (words[count]) count++;
    return option_parse_words(&f->parse, words, count, &f->kept, &f->fault);
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_defaults(void **state)
{
    struct fixture *f = *state;
    assert_false(f->values.loud);
    assert_string_equal(f->values.host, "127.0.0.1");
    assert_int_equal(f->values.port, 8000);
    assert_true(f->values.seed == OPTION_COUNT_NONE);
    assert_true(isnan(f->values.temp));
    assert_null(f->values.stop.items);
}

static void test_every_way_to_write_an_option(void **state)
{
    struct fixture *f = *state;
    char *words[] = {"first", "--host", "a", "--port=1", "-l", "--temp", "0.5", "second", NULL};
    assert_int_equal(parse(f, words), OK);
    assert_string_equal(f->values.host, "a");
    assert_int_equal(f->values.port, 1);
    assert_true(f->values.loud);
    assert_true(f->values.temp == 0.5);
    assert_int_equal(f->kept, 2);
    assert_string_equal(words[0], "first");
    assert_string_equal(words[1], "second");
    assert_int_equal(parse(f, WORDS("-p2", "--loud=no", "--", "--host")), OK);
    assert_int_equal(f->values.port, 2);
    assert_false(f->values.loud);
    assert_int_equal(f->kept, 1);
    assert_int_equal(parse(f, WORDS("-p", "3", "-")), OK);
    assert_int_equal(f->values.port, 3);
    assert_int_equal(f->kept, 1);
}

static void test_faults_name_option_and_value(void **state)
{
    static const struct {
        char *word, *value;
        const char *message;
    } CASES[] = {
        {"--prot", NULL, "there is no option --prot; did you mean --port?"},
        {"--zzzzzz", NULL, "there is no option --zzzzzz; --help lists the options"},
        {"-x", NULL, "there is no option -x; --help lists the options"},
        {"--port", NULL, "--port needs a value: --port PORT"},
        {"--port", "70000", "--port must be between 0 and 65535, not \"70000\""},
        {"--port", "-1", "--port must be a whole number, not \"-1\""},
        {"--port", "8o", "--port must be a whole number, not \"8o\""},
        {"--port", "", "--port must be a whole number, not \"\""},
        {"--seed", "99999999999999999999999", NULL},
        {"--temp", "hot", "--temp must be a number, not \"hot\""},
        {"--temp", "nan", "--temp must be a number, not \"nan\""},
        {"--temp", "2.5", "--temp must be between 0 and 2, not \"2.5\""},
        {"--loud=maybe", NULL, "--loud must be yes or no, not \"maybe\""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        assert_int_equal(parse(f, WORDS(CASES[i].word, CASES[i].value)), STATUS_INVALID);
        if (CASES[i].message) assert_string_equal(f->fault.message, CASES[i].message);
    }
}

static void test_environment(void **state)
{
    struct fixture *f = *state;
    setenv("TEST_PORT", "9", 1);
    setenv("TEST_HOST", "", 1); /* empty counts as unset */
    setenv("TEST_STOP", "one, two,,three", 1);
    assert_int_equal(option_parse_environment(&f->parse, &f->fault), OK);
    assert_int_equal(f->values.port, 9);
    assert_string_equal(f->values.host, "127.0.0.1");
    assert_int_equal(f->values.stop.count, 3);
    assert_string_equal(f->values.stop.items[1], "two");
    assert_string_equal(f->values.stop.items[2], "three");
    assert_null(f->values.stop.items[3]);
    setenv("TEST_PORT_FIRST", "10", 1); /* the first name that is set wins */
    assert_int_equal(option_parse_environment(&f->parse, &f->fault), OK);
    assert_int_equal(f->values.port, 10);
    setenv("TEST_PORT", "many", 1);
    unsetenv("TEST_PORT_FIRST");
    assert_int_equal(option_parse_environment(&f->parse, &f->fault), STATUS_INVALID);
    assert_string_equal(f->fault.message, "TEST_PORT must be a whole number, not \"many\"");
}

static void test_lists_grow_on_the_command_line_only(void **state)
{
    struct fixture *f = *state;
    setenv("TEST_STOP", "old", 1);
    assert_int_equal(option_parse_environment(&f->parse, &f->fault), OK);
    assert_int_equal(parse(f, WORDS("--stop", "a,b", "--stop", "c")), OK);
    assert_int_equal(f->values.stop.count, 2);
    assert_string_equal(f->values.stop.items[0], "a,b"); /* a comma is text here */
    assert_string_equal(f->values.stop.items[1], "c");
}

static void test_sources_are_known(void **state)
{
    struct fixture *f = *state;
    size_t host = option_find(TABLE, "host"), port = option_find(TABLE, "port");
    assert_int_equal(f->parse.sources[host], SOURCE_DEFAULT);
    assert_int_equal(option_set(&f->parse, host, SOURCE_FILE, "host", "file", NULL), OK);
    assert_int_equal(parse(f, WORDS("-p", "1")), OK);
    assert_int_equal(f->parse.sources[host], SOURCE_FILE);
    assert_int_equal(f->parse.sources[port], SOURCE_COMMAND_LINE);
    assert_true(option_find(TABLE, "nothing") == SIZE_MAX);
}

static void test_help_shows_everything_in_eighty_columns(void **state)
{
    (void)state;
    struct buffer help;
    buffer_init(&help);
    option_help(TABLE, &help);
    for (size_t i = 0; i < TABLE.count; i++) assert_non_null(strstr(help.data, ROWS[i].name));
    assert_non_null(strstr(help.data, "-p, --port PORT"));
    assert_non_null(strstr(help.data, "(default 8000)"));
    assert_non_null(strstr(help.data, "[TEST_HOST]"));
    for (char *line = strtok(help.data, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 80);
        assert_true(line[strlen(line) - 1] != ' ');
    }
    buffer_deinit(&help);
}

static void test_values_described(void **state)
{
    struct fixture *f = *state;
    struct buffer out;
    buffer_init(&out);
    assert_int_equal(parse(f, WORDS("-l", "--temp", "0.5", "--stop", "x", "--stop", "y")), OK);
    for (size_t i = 0; i < TABLE.count; i++) {
        option_describe_value(&f->parse, i, &out);
        buffer_append_char(&out, '|');
    }
    assert_string_equal(out.data, "yes|127.0.0.1|x,y|8000||0.5|");
    buffer_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_way_to_write_an_option, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_faults_name_option_and_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_grow_on_the_command_line_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_sources_are_known, set_up, tear_down),
        cmocka_unit_test(test_help_shows_everything_in_eighty_columns),
        cmocka_unit_test_setup_teardown(test_values_described, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
