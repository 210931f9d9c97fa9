/* client_name_test.c - User-Agents as programs really send them. */
#include "accounts/adaptation/client_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void programs_are_called_what_people_call_them(void **state)
{
    static const struct {
        const char *user_agent, *name;
    } CASES[] = {
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
         "Firefox on Windows"},
        {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 "
         "Safari/537.36",
         "Chrome on Linux"},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
         "Edge on Windows"},
        {"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
         "Chrome/138.0.0.0 Mobile Safari/537.36",
         "Chrome on Android"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
         "Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
         "Safari on iPhone"},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.5 Safari/605.1.15",
         "Safari on macOS"},
        {"curl/7.88.1", "curl/7.88.1"},
        {"OpenAI/JS 7.55.0", "OpenAI/JS"},
        {"  ", "unknown"},
        {"", "unknown"},
        {"a-word-that-is-much-longer-than-there-is-room-for-it-on-the-page",
         "a-word-that-is-much-longer-than-there-is-room-f"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        char name[CLIENT_NAME_BYTES];
        client_name(text_of(CASES[i].user_agent), name);
        assert_string_equal(name, CASES[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_are_called_what_people_call_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
