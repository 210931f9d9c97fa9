/* limit_rates_test.c - limits as people write them. */
#include "gateway/limit_rates.h"

#include "base/test_support.h"

static void words_become_rates(void **state)
{
    double rates[LIMIT_KINDS];
    struct fault fault;
    assert_ok(limit_rates_parse(TEXT(" chat = 60,read=7 , upload=0,"), rates, &fault), &fault);
    assert_true(rates[LIMIT_CHAT] == 60 && rates[LIMIT_READ] == 7);
    assert_true(rates[LIMIT_WRITE] == 0 && rates[LIMIT_UPLOAD] == 0 && rates[LIMIT_NONE] == 0);
    static const char *const NOTHING[] = {"off", " off ", ""};
    for (size_t i = 0; i < ARRAY_COUNT(NOTHING); i++) {
        rates[LIMIT_CHAT] = 1;
        assert_ok(limit_rates_parse(text_of(NOTHING[i]), rates, &fault), &fault);
        assert_true(rates[LIMIT_CHAT] == 0);
    }
}

static void other_words_are_refused_by_name(void **state)
{
    static const char *const BAD[] = {"chat",   "chat=",         "chat=-1",  "chat=1.5",  "chats=1",
                                      "none=1", "chat=12345678", "chat=1 2", "off,chat=1"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        double rates[LIMIT_KINDS];
        struct fault fault;
        enum status status = limit_rates_parse(text_of(BAD[i]), rates, &fault);
        assert_status(status, STATUS_INVALID);
        assert_contains(fault.message, "is no limit");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_rates),
        cmocka_unit_test(other_words_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
