/* template_test_support.h - the real chat templates of tests/vectors/template, for tests. */
#ifndef LIMINAL_INFERENCE_TEMPLATE_TEST_SUPPORT_H
#define LIMINAL_INFERENCE_TEMPLATE_TEST_SUPPORT_H

#include <stdlib.h>

#include "base/test_support.h"
#include "base/text.h"
#include "model/template/chat_template.h"

enum { TEST_TEMPLATE_FILES = 6 };

/* All of them: [{"name", "template", "results"}]. */
static inline json_t *test_templates(void)
{
    json_t *all = json_array();
    for (int i = 1; i <= TEST_TEMPLATE_FILES; i++) {
        char command[512];
        snprintf(command, sizeof command, "gzip -dc '%s/tests/vectors/template/real-%d.json.gz'",
                 LIMINAL_SOURCE_DIR, i);
        FILE *file = popen(command, "r");
        assert_non_null(file);
        json_t *part = json_loadf(file, JSON_ALLOW_NUL, NULL);
        assert_int_equal(pclose(file), 0);
        assert_int_equal(json_array_extend(all, part), 0);
        json_decref(part);
    }
    return all;
}

#endif
