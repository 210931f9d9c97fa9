/* chat_template_vectors_test.c - every golden rendering in tests/vectors/template/, byte for byte:
 * real chat templates x conversations, and hand-written hard cases. Also from many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "model/template/chat_template.h"

enum { NOW_UNIX = 1753351200, REAL_FILES = 6 }; /* the moment of the oracles */

static json_t *load_vectors(const char *name, bool compressed)
{
    char command[512];
    snprintf(command, sizeof command, "%s '%s/tests/vectors/template/%s'",
             compressed ? "gzip -dc" : "cat", LIMINAL_SOURCE_DIR, name);
    FILE *file = popen(command, "r");
    assert_non_null(file);
    json_error_t error;
    json_t *json = json_loadf(file, JSON_ALLOW_NUL, &error);
    if (!json) fail_msg("%s: line %d: %s", name, error.line, error.text);
    assert_int_equal(pclose(file), 0);
    return json;
}

static struct text string_of(const json_t *json)
{
    return (struct text){json_string_value(json), json_string_length(json)};
}

/* Whether the rendering is what the oracle gave; says what it was if not. */
static bool matches(const char *name, const char *conversation, struct text template,
                    const json_t *context, const json_t *golden)
{
    struct chat_template *compiled;
    struct fault fault = {0};
    struct buffer out;
    buffer_init(&out);
    enum status status = chat_template_compile(&compiled, template, &fault);
    if (status == OK) status = chat_template_render(compiled, context, NOW_UNIX, &out, &fault);
    chat_template_free(compiled);
    bool good;
    if (json_is_string(golden))
        good = status == OK && text_equal(buffer_text(&out), string_of(golden));
    else
        good = status != OK &&
               strstr(fault.message, json_string_value(json_object_get(golden, "error")));
    if (!good) {
        print_error("%s / %s: %s\n", name, conversation, status_name(status));
        print_error("  ours:   %s\n", status == OK ? out.data : fault.message);
        print_error("  oracle: %s\n", json_is_string(golden)
                                          ? json_string_value(golden)
                                          : json_string_value(json_object_get(golden, "error")));
    }
    buffer_deinit(&out);
    return good;
}

static void check_file(const char *file, const json_t *conversations, size_t *count, size_t *wrong)
{
    json_t *templates = load_vectors(file, true), *each;
    size_t i, k;
    json_array_foreach(templates, i, each)
    {
        const json_t *results = json_object_get(each, "results"), *conversation;
        json_array_foreach(conversations, k, conversation)
        {
            *wrong +=
                !matches(json_string_value(json_object_get(each, "name")),
                         json_string_value(json_object_get(conversation, "name")),
                         string_of(json_object_get(each, "template")),
                         json_object_get(conversation, "context"), json_array_get(results, k));
            (*count)++;
        }
    }
    json_decref(templates);
}

static void renders_real_templates(void **state)
{
    json_t *conversations = load_vectors("conversations.json", false);
    size_t count = 0, wrong = 0;
    for (int i = 1; i <= REAL_FILES; i++) {
        char file[32];
        snprintf(file, sizeof file, "real-%d.json.gz", i);
        check_file(file, conversations, &count, &wrong);
    }
    json_decref(conversations);
    print_message("%zu renderings of real templates, %zu wrong\n", count, wrong);
    assert_true(count >= 2900);
    assert_int_equal(wrong, 0);
}

static void renders_hard_cases(void **state)
{
    json_t *cases = load_vectors("cases.json", false), *each;
    size_t i, wrong = 0;
    json_array_foreach(cases, i, each) wrong +=
        !matches(json_string_value(json_object_get(each, "name")), "",
                 string_of(json_object_get(each, "template")), json_object_get(each, "context"),
                 json_object_get(each, "golden"));
    print_message("%zu hand-written cases, %zu wrong\n", json_array_size(cases), wrong);
    assert_true(json_array_size(cases) >= 150);
    assert_int_equal(wrong, 0);
    json_decref(cases);
}

struct shared {
    const struct chat_template *compiled;
    const json_t *context;
    struct text expected;
};

static void *render_often(void *argument)
{
    const struct shared *shared = argument;
    for (int i = 0; i < 50; i++) {
        struct buffer out;
        buffer_init(&out);
        enum status status =
            chat_template_render(shared->compiled, shared->context, NOW_UNIX, &out, NULL);
        bool same = status == OK && text_equal(buffer_text(&out), shared->expected);
        buffer_deinit(&out);
        if (!same) return "a thread rendered something else";
    }
    return NULL;
}

static void renders_from_many_threads(void **state)
{
    json_t *conversations = load_vectors("conversations.json", false);
    json_t *templates = load_vectors("real-1.json.gz", true), *each;
    size_t i, used = 0;
    const size_t conversation = 8; /* with tools: the longest way through */
    json_array_foreach(templates, i, each)
    {
        json_t *golden = json_array_get(json_object_get(each, "results"), conversation);
        struct chat_template *compiled;
        pthread_t threads[4];
        if (!json_is_string(golden)) continue;
        assert_int_equal(
            chat_template_compile(&compiled, string_of(json_object_get(each, "template")), NULL),
            OK);
        struct shared shared = {
            compiled, json_object_get(json_array_get(conversations, conversation), "context"),
            string_of(golden)};
        for (size_t t = 0; t < 4; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, render_often, &shared), 0);
        for (size_t t = 0; t < 4; t++) {
            void *complaint;
            pthread_join(threads[t], &complaint);
            assert_null(complaint);
        }
        chat_template_free(compiled);
        used++;
    }
    assert_true(used >= 20);
    json_decref(templates);
    json_decref(conversations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_real_templates),
        cmocka_unit_test(renders_hard_cases),
        cmocka_unit_test(renders_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
