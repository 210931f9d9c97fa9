/* test_support.h - what every cmocka program includes: the headers cmocka wants, in its order, and
 * checks that print the fault's sentence instead of just a number. Only tests include this. */
#ifndef LIMINAL_BASE_TEST_SUPPORT_H
#define LIMINAL_BASE_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

/* Sanitizers replace malloc and take address space as they like: some tests can't run then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define assert_ok(expression, fault)                                                           \
    do {                                                                                       \
        enum status assert_status = (expression);                                              \
        if (assert_status != OK)                                                               \
            fail_msg("%s: %s: %s", #expression, status_name(assert_status), (fault)->message); \
    } while (0)

#define assert_status(expression, wanted)                                               \
    do {                                                                                \
        enum status assert_status_got = (expression);                                   \
        if (assert_status_got != (wanted))                                              \
            fail_msg("%s gave %s, not %s", #expression, status_name(assert_status_got), \
                     status_name(wanted));                                              \
    } while (0)

#define assert_contains(haystack, needle)                                     \
    do {                                                                      \
        if (!strstr((haystack), (needle)))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", (haystack), (needle)); \
    } while (0)

#endif
