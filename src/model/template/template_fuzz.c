/* template_fuzz.c - any bytes as a chat template: compile, and render with small limits.
 * Input: the template, then optionally a line "=====" and the context as JSON. */
#include <stdlib.h>

#include "model/template/interpreter.h"
#include "model/template/parser.h"

static const char CONVERSATION[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\","
    "\"content\":\"h\\u00e9 <b>\\n\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
    "[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1.5}}}]"
    "},"
    "{\"role\":\"tool\",\"content\":[{\"type\":\"text\",\"text\":\"ok\"}]}],\"tools\":[{\"type\":"
    "\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\",\"properties\":"
    "{\"x\":{\"type\":\"number\"}},\"required\":[\"x\"]}}}],\"add_generation_prompt\":true,"
    "\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"x\":{\"a\":[1,2.5,\"\",true,null,{}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct render_limits limits = {
        .steps = 50000, .memory_bytes = 4 << 20, .output_bytes = 1 << 20};
    struct text source = {(const char *)data, size};
    size_t split = text_find(source, TEXT("\n=====\n"));
    json_t *context = NULL;
    if (split != SIZE_MAX) {
        struct text json = text_slice(source, split + 7, size);
        context = json_loadb(json.data, json.length, JSON_ALLOW_NUL, NULL);
        source = text_slice(source, 0, split);
    }
    if (!json_is_object(context)) {
        json_decref(context);
        context = json_loads(CONVERSATION, 0, NULL);
    }
    struct arena arena;
    struct program program;
    struct fault fault;
    struct buffer out;
    arena_init(&arena, 16 << 20);
    buffer_init(&out);
    if (jinja_parse(&arena, source, &program, &fault) == OK &&
        jinja_render(&program, context, 1753351200, &limits, &out, &fault) == OK &&
        !utf8_valid(buffer_text(&out)))
        abort(); /* valid text in, valid text out */
    buffer_deinit(&out);
    arena_deinit(&arena);
    json_decref(context);
    return 0;
}
