/* name_test.c - what may name a model, and what references mean. */
#include <string.h>

#include "base/test_support.h"
#include "models/models.h"

static void test_good_names(void **state)
{
    static const char *const NAMES[] = {"tinyllama-1.1b-chat",
                                        "Qwen2.5-0.5B-Instruct-Q8_0",
                                        "a",
                                        "my model (v2)",
                                        "モデル",
                                        "a..b"};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++)
        assert_int_equal(models_name_check(text_of(NAMES[i]), NULL), OK);
}

static void test_bad_names(void **state)
{
    static const char *const NAMES[] = {
        "",       ".",       "..",   "../x", "/etc/passwd", "a/b",      "a\\b",      "-rf",
        "--help", ".hidden", "a\nb", "a\tb", "a\x7f",       "\xff\xfe", "a/../../b", MODELS_ALIAS};
    (void)state;
    struct fault fault;
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        fault.message[0] = '\0';
        assert_int_equal(models_name_check(text_of(NAMES[i]), &fault), STATUS_INVALID);
        assert_non_null(strstr(fault.message, "cannot name a model"));
        assert_true(utf8_valid(text_of(fault.message)));
    }
    assert_int_equal(models_name_check((struct text){"a\0b", 3}, NULL), STATUS_INVALID);
    char long_name[MODELS_NAME_LIMIT + 1];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(models_name_check((struct text){long_name, sizeof long_name}, NULL),
                     STATUS_INVALID);
    assert_int_equal(models_name_check((struct text){long_name, sizeof long_name - 1}, NULL), OK);
}

static void check_reference(const char *word, const char *url, const char *name)
{
    struct arena arena;
    struct models_reference reference;
    struct fault fault = {0};
    arena_init(&arena, 0);
    enum status status =
        models_reference_parse(word, "https://hub.example/", &arena, &reference, &fault);
    assert_int_equal(status, url ? OK : STATUS_INVALID);
    if (url) {
        assert_string_equal(reference.url, url);
        assert_string_equal(reference.name, name);
        assert_int_equal(reference.is_hub, word[0] == 'o');
    } else {
        assert_true(fault.message[0]);
    }
    arena_deinit(&arena);
}

static void test_references(void **state)
{
    (void)state;
    check_reference("org/repo:file-Q8_0.gguf",
                    "https://hub.example/org/repo/resolve/main/file-Q8_0.gguf", "file-Q8_0");
    check_reference("org/repo/deep/file.gguf",
                    "https://hub.example/org/repo/resolve/main/deep/file.gguf", "file");
    check_reference("org/repo:deep/file.gguf",
                    "https://hub.example/org/repo/resolve/main/deep/file.gguf", "file");
    check_reference("http://127.0.0.1:9/x/model.gguf?download=true#frag",
                    "http://127.0.0.1:9/x/model.gguf?download=true#frag", "model");
    check_reference("https://h/model", "https://h/model", "model");
}

static void test_bad_references(void **state)
{
    static const char *const WORDS[] = {"",
                                        "name",
                                        "org/repo",
                                        "org/repo:",
                                        ":file",
                                        "org:file",
                                        "org/repo:../x",
                                        "../repo:x.gguf",
                                        "org/repo:/x",
                                        "org/re po:x.gguf",
                                        "a/b/c:d",
                                        "ftp://h/x.gguf",
                                        "file:///etc/passwd",
                                        "https://h/",
                                        "https://h/.gguf",
                                        "org/repo:x?y",
                                        "http://h/a/.."};
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(WORDS); i++) check_reference(WORDS[i], NULL, NULL);
}

static void test_paths_and_names_differ(void **state)
{
    (void)state;
    assert_true(models_is_path("./x"));
    assert_true(models_is_path("x.gguf"));
    assert_true(models_is_path("/x"));
    assert_false(models_is_path("x"));
    assert_false(models_is_path("local-llm"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_names),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_bad_references),
        cmocka_unit_test(test_paths_and_names_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
