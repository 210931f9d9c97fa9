/* wiring_test.c - who could reach a server, and what is refused before anything is loaded. */
#include "app/wiring.h"

#include <stdlib.h>

#include "base/test_support.h"
#include "inference/model_host.h"

static void loopback_addresses_are_known(void **state)
{
    static const char *const NEAR[] = {"127.0.0.1", "127.1.2.3", "::1", "localhost"};
    static const char *const FAR[] = {"0.0.0.0",  "::",          "192.168.1.5",
                                      "10.0.0.1", "126.0.0.1",   "fe80::1",
                                      "",         "example.org", "127.0.0.1.example.org"};
    for (size_t i = 0; i < ARRAY_COUNT(NEAR); i++) assert_true(host_is_loopback(NEAR[i]));
    for (size_t i = 0; i < ARRAY_COUNT(FAR); i++) assert_false(host_is_loopback(FAR[i]));
}

/* A service opened and closed leaves nothing behind, with and without what can be missing. */
static void a_service_without_a_model_opens_and_closes(void **state)
{
    struct arena arena;
    struct fault fault = {0};
    struct settings settings;
    struct service service;
    char folder[] = "/tmp/liminal-wiring-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    setenv("LIMINAL_HOME", folder, 1);
    setenv("LIMINAL_MODELS", "/nowhere/models", 1);
    arena_init(&arena, 0);
    assert_ok(settings_load(&settings, &arena, &fault), &fault);
    settings.port = 0;
    assert_ok(service_open(&service, &settings, &arena, &fault), &fault);
    assert_true(service_port(&service) > 0);
    assert_null(model_host_main(service.host, USE_TOKENIZER));
    settings.port = service_port(&service); /* taken now */
    struct service second;
    assert_status(service_open(&second, &settings, &arena, &fault), STATUS_CONFLICT);
    service_close(&service, 100);
    settings.port = 0;
    const char *const nothing[] = {"nothing", NULL}; /* asked for, so it must be there */
    settings.models = (struct option_list){nothing, 1};
    assert_status(service_open(&service, &settings, &arena, &fault), STATUS_NOT_FOUND);
    settings.models.count = 0;
    settings.keep_alive = "a while";
    assert_status(service_open(&service, &settings, &arena, &fault), STATUS_INVALID);
    assert_contains(fault.message, "--keep-alive a while");
    settings.keep_alive = "5m";
    settings.speculation = "sometimes";
    assert_status(service_open(&service, &settings, &arena, &fault), STATUS_INVALID);
    assert_contains(fault.message, "\"lookup\", \"off\" or \"always\"");
    settings.speculation = "lookup";
    settings.chat_template = "/nowhere/template";
    assert_status(service_open(&service, &settings, &arena, &fault), STATUS_NOT_FOUND);
    arena_deinit(&arena);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_addresses_are_known),
        cmocka_unit_test(a_service_without_a_model_opens_and_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
