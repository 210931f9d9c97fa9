/* test_service.h - commands that start and stop real services for tests. Only tests include this.
 */
#ifndef LIMINAL_STORAGE_TEST_SERVICE_H
#define LIMINAL_STORAGE_TEST_SERVICE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/test_support.h"

enum { TEST_URL_BYTES = 256 };

/* tests/services/SERVICE.sh WHAT [URL]; the last line that it prints goes to `line` (may be NULL).
 */
static inline void test_service(const char *service, const char *what, const char *url,
                                char line[TEST_URL_BYTES])
{
    char command[3 * TEST_URL_BYTES], read[TEST_URL_BYTES];
    snprintf(command, sizeof command, "tests/services/%s.sh %s '%s'", service, what, url);
    FILE *pipe = popen(command, "r");
    if (!pipe) fail_msg("%s can't be run", command);
    while (fgets(read, sizeof read, pipe))
        if (line) snprintf(line, TEST_URL_BYTES, "%.*s", (int)strcspn(read, "\n"), read);
    if (pclose(pipe) != 0) fail_msg("%s failed", command);
}

#endif
