/* settings_test.c - precedence of the sources of settings, and the configuration file. */
#include "app/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test_support.h"
#include "platform/platform.h"

struct fixture {
    char home[64], config[96], other[96];
    struct arena arena;
    struct settings settings;
    struct option_parse parse;
    struct fault fault;
};

static void clear_environment(void)
{
    for (size_t i = 0; i < SETTINGS.count; i++) {
        char names[128];
        if (!SETTINGS.rows[i].environment) continue;
        snprintf(names, sizeof names, "%s", SETTINGS.rows[i].environment);
        for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) unsetenv(name);
    }
    unsetenv("LIMINAL_CONFIG");
}

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    clear_environment();
    snprintf(f.home, sizeof f.home, "/tmp/liminal-settings-XXXXXX");
    if (!mkdtemp(f.home)) return -1;
    snprintf(f.config, sizeof f.config, "%s/liminal.conf", f.home);
    snprintf(f.other, sizeof f.other, "%s/other.conf", f.home);
    setenv("LIMINAL_HOME", f.home, 1);
    arena_init(&f.arena, 0);
    *state = &f;
    return option_parse_init(&f.parse, SETTINGS, &f.settings, &f.arena, NULL);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    clear_environment();
    unlink(f->config);
    unlink(f->other);
    rmdir(f->home);
    arena_deinit(&f->arena);
    return 0;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), OK);
}

/* All sources in their order, as cli.c applies them. */
static enum status take(struct fixture *f, char **words)
{
    size_t count = 0, kept;
    while (words[count]) count++;
    TRY(settings_prepare(&f->parse, words, count, &f->fault));
    TRY(option_parse_environment(&f->parse, &f->fault));
    return option_parse_words(&f->parse, words, count, &kept, &f->fault);
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})
static char *NOTHING[] = {NULL};

static void test_each_source_beats_the_one_below(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(f->settings.port, 8000);
    write_file(f->config, "# mine\nport = 1\nthreads=3\n");
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(f->settings.port, 1);
    setenv("LIMINAL_PORT", "2", 1);
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(f->settings.port, 2);
    assert_int_equal(take(f, WORDS("--port", "3")), OK);
    assert_int_equal(f->settings.port, 3);
    assert_int_equal(f->settings.threads, 3); /* what only the file says stays */
}

/* Every row can be set in every source, and the value is the same: nothing can be forgotten. */
static void test_every_setting_from_every_source(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < SETTINGS.count; i++) {
        const struct option_row *row = &SETTINGS.rows[i];
        if (!row->environment || strcmp(row->name, "data-dir") == 0) continue;
        bool is_flag = row->kind == OPTION_FLAG;
        const char *value = is_flag ? "yes" : row->kind == OPTION_COUNT ? "7" : "seven";
        char text[128], flag[64], variable[64];
        struct buffer shown;
        buffer_init(&shown);

        snprintf(text, sizeof text, "%s = %s\n", row->name, value);
        write_file(f->config, text);
        assert_int_equal(take(f, NOTHING), OK);
        assert_int_equal(f->parse.sources[i], SOURCE_FILE);
        option_describe_value(&f->parse, i, &shown);
        assert_string_equal(shown.data, value);

        snprintf(variable, sizeof variable, "%s", row->environment);
        variable[strcspn(variable, " ")] = '\0';
        setenv(variable, value, 1);
        assert_int_equal(take(f, NOTHING), OK);
        assert_int_equal(f->parse.sources[i], SOURCE_ENVIRONMENT);
        unsetenv(variable);

        snprintf(flag, sizeof flag, "--%s", row->name);
        assert_int_equal(take(f, WORDS(flag, is_flag ? NULL : (char *)value)), OK);
        assert_int_equal(f->parse.sources[i], SOURCE_COMMAND_LINE);
        buffer_clear(&shown);
        option_describe_value(&f->parse, i, &shown);
        assert_string_equal(shown.data, value);
        buffer_deinit(&shown);
    }
}

static void test_which_file(void **state)
{
    struct fixture *f = *state;
    write_file(f->config, "port=1\n");
    write_file(f->other, "port=2\n");
    assert_int_equal(take(f, WORDS("--config", f->other)), OK);
    assert_int_equal(f->settings.port, 2);
    setenv("LIMINAL_CONFIG", f->other, 1);
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(f->settings.port, 2);
    setenv("LIMINAL_CONFIG", "/nowhere/liminal.conf", 1); /* named, so it must be there */
    assert_int_equal(take(f, NOTHING), STATUS_NOT_FOUND);
    unsetenv("LIMINAL_CONFIG");
    setenv("LIMINAL_HOME", "/nowhere", 1); /* not named: it need not be there */
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(take(f, WORDS("--data-dir", f->home)), OK);
    assert_int_equal(f->settings.port, 1);
}

static void test_model_names_of_the_seed_win(void **state)
{
    struct fixture *f = *state;
    setenv("LIMINAL_MODEL", "ours", 1);
    setenv("MODEL_PATH", "/models/theirs.gguf", 1);
    assert_int_equal(take(f, NOTHING), OK);
    assert_string_equal(f->settings.models.items[0], "/models/theirs.gguf");
}

static void test_lists_and_spellings_in_the_file(void **state)
{
    struct fixture *f = *state;
    write_file(f->config,
               "[server]\nallowed_host = a.example, b.example ; inline comment\n"
               "api-key : secret\n\n; comment\n# another\n");
    assert_int_equal(take(f, NOTHING), OK);
    assert_int_equal(f->settings.allowed_hosts.count, 2);
    assert_string_equal(f->settings.allowed_hosts.items[1], "b.example");
    assert_string_equal(f->settings.api_key, "secret");
}

static void test_faults_in_the_file_name_the_place(void **state)
{
    static const struct {
        const char *text, *needle;
    } CASES[] = {
        {"prot = 1\n", "there is no setting \"prot\"; did you mean \"port\"?"},
        {"qqqqqqqq = 1\n", "`liminal serve --help` lists them"},
        {"port = none\n", "port must be a whole number, not \"none\""},
        {"\nport\n", "line 2 is neither"},
        {"config = x\n", "there is no setting \"config\""},
        {"show-settings = yes\n", "there is no setting"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        enum status status =
            settings_read_text(&f->parse, "x.conf", text_of(CASES[i].text), &f->fault);
        assert_int_equal(status, STATUS_INVALID);
        assert_non_null(strstr(f->fault.message, "x.conf"));
        assert_non_null(strstr(f->fault.message, CASES[i].needle));
    }
    char line[400];
    snprintf(line, sizeof line, "model = %0300d", 1);
    struct text text = text_of(line);
    assert_int_equal(settings_read_text(&f->parse, "x.conf", text, &f->fault), STATUS_INVALID);
    assert_non_null(strstr(f->fault.message, "line 1 is longer"));
    assert_int_equal(
        settings_read_text(&f->parse, "x.conf", (struct text){"port=\0001", 7}, &f->fault),
        STATUS_INVALID);
}

static void test_keys_are_not_shown(void **state)
{
    struct fixture *f = *state;
    struct buffer out;
    buffer_init(&out);
    assert_int_equal(take(f, WORDS("--api-key", "hunter2", "--port", "77")), OK);
    assert_int_equal(settings_print(&f->parse, &out, NULL), OK);
    assert_null(strstr(out.data, "hunter2"));
    assert_non_null(strstr(out.data, "77"));
    buffer_deinit(&out);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_each_source_beats_the_one_below),
        CASE(test_every_setting_from_every_source),
        CASE(test_which_file),
        CASE(test_model_names_of_the_seed_win),
        CASE(test_lists_and_spellings_in_the_file),
        CASE(test_faults_in_the_file_name_the_place),
        CASE(test_keys_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
