/* log_test.c - the filter, and lines that are JSON whatever they contain, whoever writes beside. */
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test_support.h"
#include "platform/platform.h"

static void the_filter_is_per_component(void **state)
{
    struct fault fault;
    assert_ok(log_configure("inference=debug,http=warn", &fault), &fault);
    assert_true(log_enabled("inference", LOG_DEBUG));
    assert_false(log_enabled("http", LOG_INFO));
    assert_true(log_enabled("http", LOG_ERROR));
    assert_true(log_enabled("other", LOG_INFO));
    assert_false(log_enabled("other", LOG_DEBUG));
    assert_ok(log_configure("error, http=off", &fault), &fault);
    assert_false(log_enabled("other", LOG_WARN));
    assert_false(log_enabled("http", LOG_ERROR));
    assert_status(log_configure("http=loud", &fault), STATUS_INVALID);
    assert_contains(fault.message, "loud");
    assert_ok(log_configure(NULL, &fault), &fault);
}

static void *write_many(void *argument)
{
    for (int i = 0; i < 200; i++)
        log_write("test", LOG_INFO, "\"n\":1", "line \"%d\" of %s\n\x01\xFF", i,
                  (const char *)argument);
    return NULL;
}

static void lines_are_whole_json_objects_from_many_threads(void **state)
{
    char path[] = "/tmp/liminal-log-test-XXXXXX";
    int file = mkstemp(path);
    int kept = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_many, "thread");
    for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    dup2(kept, STDERR_FILENO);
    close(kept);
    FILE *lines = fdopen(file, "r");
    rewind(lines);
    char line[4096];
    int count = 0;
    while (fgets(line, sizeof line, lines)) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "component")), "test");
        assert_int_equal(json_integer_value(json_object_get(object, "n")), 1);
        assert_int_equal(strlen(json_string_value(json_object_get(object, "timestamp"))), 24);
        json_decref(object);
        count++;
    }
    assert_int_equal(count, 800);
    fclose(lines);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_filter_is_per_component),
        cmocka_unit_test(lines_are_whole_json_objects_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
