/* chat_template_test.c - what no oracle tells: places in faults, and that nothing a template does
 * takes more than its share of time, memory, depth or output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/template/chat_template.h"
#include "model/template/interpreter.h"
#include "model/template/parser.h"
#include "model/template/unicode.h"

/* Compile and render; the text or the fault's message, to be freed. */
static char *render(const char *source, const char *context, enum status *status)
{
    struct chat_template *compiled;
    struct fault fault = {0};
    struct buffer out;
    json_t *json = json_loads(context, 0, NULL);
    assert_non_null(json);
    buffer_init(&out);
    *status = chat_template_compile(&compiled, text_of(source), &fault);
    if (*status == OK) *status = chat_template_render(compiled, json, 0, &out, &fault);
    chat_template_free(compiled);
    json_decref(json);
    char *result = strdup(*status == OK ? (out.data ? out.data : "") : fault.message);
    buffer_deinit(&out);
    return result;
}

static void assert_fault(const char *source, enum status expected, const char *message)
{
    enum status status;
    char *result = render(source, "{}", &status);
    if (status != expected || !strstr(result, message))
        fail_msg("%s\n  gave %s: %s", source, status_name(status), result);
    free(result);
}

static void names_line_and_column(void **state)
{
    assert_fault("a\nb {{ 'é' }} {{ 1 + }}", STATUS_CORRUPT, "line 2, column 20: expected an expr");
    assert_fault("{% if x %}\nabc{% else %}", STATUS_CORRUPT,
                 "line 2, column 12: the block that begins here has no {% endif %}");
    assert_fault("x\n  {{ y | nosuch }}", STATUS_UNSUPPORTED,
                 "line 2, column 10: there is no filter or test \"nosuch\"");
    assert_fault("{% if true %}\n{{ y | nosuch }}{% endif %}", STATUS_UNSUPPORTED,
                 "line 2, column 8");
    assert_fault("{% include 'x' %}", STATUS_UNSUPPORTED, "\"include\"");
    assert_fault("\n\n{{ foo.bar }}", STATUS_INVALID, "line 3, column 7: \"foo\" is undefined");
    assert_fault("{{ raise_exception('Only user and assistant!') }}", STATUS_INVALID,
                 "Only user and assistant!");
    assert_fault("a\r\n{{ 1 // 0 }}", STATUS_INVALID, "line 2, column 6: division by zero");
    assert_fault("{{ [].append(1) }}", STATUS_UNSUPPORTED, "immutable");
    assert_fault("{{ 9223372036854775807 + 1 }}", STATUS_TOO_LARGE, "64 bits");
    assert_fault("{{ 99999999999999999999 }}", STATUS_CORRUPT, "64 bits");
    assert_fault("{{ 2 ** 63 }}", STATUS_TOO_LARGE, "64 bits");
    assert_fault("\xff", STATUS_CORRUPT, "UTF-8");
    assert_fault("{{ '\\ud83d' }}", STATUS_CORRUPT, "no character");
    assert_fault("{{ '\\N{BULLET}' }}", STATUS_CORRUPT, "not supported");
}

/* Each of these would run for ever, or take all memory, if nothing stopped it. */
static void stops_runaways(void **state)
{
    static const char *const runaways[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{{ m(n + 1) ~ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{{ 'x' * 9223372036854775807 }}",
        "{{ [1, 2] * 4611686018427387904 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
        "endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% "
        "endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% "
        "endfor %}{{ ns.l | tojson }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% "
        "endfor %}{{ ns.l == [ns.l] }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% "
        "endfor %}{{ [ns.l, ns.l] | sort }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(300) %}{% set ns.l = [ns.l] %}{% endfor "
        "%}{{ ns.l }}",
        "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
        "{{ 'a'.replace('', 'x' * 100000).replace('', 'y' * 100000) }}",
        "{{ ('x' * 99999).join('y' * 99999) }}",
        "{{ range(0, 9223372036854775807) | list }}",
        "{{ 'x'.center(9223372036854775807) }}",
        "{% set a = 'a' * 9999999 %}{{ a.rfind('b' ~ a[:999999]) }}",
        "{% macro m() %}{{ kwargs }}{% endmacro %}{% set ns = namespace(l=[]) %}{% for i in "
        "range(50000) %}"
        "{% set ns.l = ns.l + [('k' ~ i, 1)] %}{% endfor %}{{ m(**dict(ns.l)) }}",
        "{{ 'x' | indent(9223372036854775807) }}",
        "{{ [1] | batch(9223372036854775807, 0) | list }}",
        "{{ '%999999999d' % 5 }}",
        "{{ strftime_now('%999999999Y') }}",
        "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% "
        "endcall %}{% endmacro %}{{ n() }}",
        "{% set ns = namespace(f=0) %}{% macro m() %}{{ [1] | map('upper') | list }}{{ ns.f() }}{% "
        "endmacro %}{% set ns.f = m %}{{ m() }}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(runaways); i++) {
        enum status status;
        char *result = render(runaways[i], "{}", &status);
        if (status != STATUS_TOO_LARGE && status != STATUS_UNSUPPORTED && status != STATUS_INVALID)
            fail_msg("%s\n  gave %s: %.200s", runaways[i], status_name(status), result);
        free(result);
    }
}

static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    struct buffer out;
    buffer_init(&out);
    buffer_append_string(&out, before);
    for (size_t i = 0; i < count; i++) buffer_append_string(&out, part);
    buffer_append_string(&out, after);
    assert_false(out.failed);
    return out.data;
}

static void bounds_nesting_of_the_source(void **state)
{
    static const struct {
        const char *before, *part, *after;
    } towers[] = {
        {"{{ ", "(", "1"},
        {"{{ ", "[", "1"},
        {"{{ ", "-", "1 }}"},
        {"{{ ", "not ", "1 }}"},
        {"{{ ", "{1:", "1"},
        {"", "{% if 1 %}", ""},
        {"", "{% for x in y %}", ""},
        {"{{ x", "[x", ""},
        {"{{ f", "(f", ""},
        {"{{ 1", " if 1 else 1", " }}"},
        {"{% set ", "(", "x"},
        {"{{ 1", " + 1", " }}"},
        {"{{ x", ".x", " }}"},
        {"{{ x", "|list", " }}"},
        {"{{ 1", " and 1", " }}"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(towers); i++) {
        enum status status;
        char *source = repeated(towers[i].before, towers[i].part, 50000, towers[i].after);
        char *result = render(source, "{\"x\":{}}", &status);
        if (status == OK) fail_msg("tower %zu rendered", i);
        free(result);
        free(source);
    }
    char *chain = repeated("{{ 1", " ~ 1", 50000, " }}"); /* flat, so not a tower */
    enum status status;
    free(render(chain, "{}", &status));
    assert_int_equal(status, OK);
    free(chain);
}

static void refuses_deep_context(void **state)
{
    char *opened = repeated("{\"x\":", "[", 500, ""), *context = repeated(opened, "]", 500, "}");
    enum status status;
    char *result = render("{{ x }}", context, &status);
    assert_int_equal(status, STATUS_TOO_LARGE);
    assert_non_null(strstr(result, "levels deep"));
    free(result);
    free(render("{{ y }}", context, &status)); /* what the template does not use does no harm */
    assert_int_equal(status, OK);
    free(context);
    free(opened);
}

/* A float beyond every integer must not be converted to one. Found by fuzzing. */
static void refuses_integers_of_huge_floats(void **state)
{
    static const char *const sources[] = {"{{ '%x' % 2e55 }}", "{{ '%d' % 2e55 }}",
                                          "{{ '%o' | format(-1e19) }}"};
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        enum status status;
        char *result = render(sources[i], "{}", &status);
        assert_int_equal(status, STATUS_UNSUPPORTED);
        assert_non_null(strstr(result, "of such a number"));
        free(result);
    }
}

/* Flags stand in front of the width and nowhere else. Found by fuzzing. */
static void refuses_odd_conversions(void **state)
{
    static const char *const sources[] = {"{{ '%4   %' % 420 }}", "{{ '%4 x' % 420 }}",
                                          "{{ '%1.2.3d' % 4 }}", "{{ '%q' % 4 }}"};
    for (size_t i = 0; i < ARRAY_COUNT(sources); i++) {
        enum status status;
        char *result = render(sources[i], "{}", &status);
        assert_int_equal(status, STATUS_UNSUPPORTED);
        free(result);
    }
    enum status status;
    char *result = render(
        "{{ '%- 5d|%#x|%06.2f|%-4s|%.2s|%00000000000004d' % "
        "(42, 255, 3.14159, 'ab', 'xyz', 7) }}",
        "{}", &status);
    assert_int_equal(status, OK);
    assert_string_equal(result, " 42  |0xff|003.14|ab  |xy|0007");
    free(result);
}

static const char LABOUR[] =
    "{% macro m(a, b=[1]) %}{{ a ~ b }}{{ caller(1) if caller }}{% endmacro %}"
    "{% for k, v in x.items() if k != 'q' %}{{ loop.index }}{{ k | upper }}{{ v | tojson(indent=2) "
    "}}"
    "{% set z %}{{ m(k, b=v) }}{% endset %}{{ z[::-1] }}{{ z.split('a') }}{% endfor %}"
    "{% call(i) m(2) %}{{ i }}{% endcall %}{{ x | dictsort }}{{ '%s' % 'a' }}{{ 'a' | replace('', "
    "'b') }}";
static const char LABOUR_CONTEXT[] = "{\"x\":{\"a\":[1,2,\"three\"],\"b\":{\"c\":null},\"q\":1}}";

/* Every budget below what is needed gives a fault; no allocation goes unchecked. */
static void survives_any_memory_budget(void **state)
{
    json_t *context = json_loads(LABOUR_CONTEXT, 0, NULL);
    struct render_limits limits = JINJA_RENDER_LIMITS;
    bool compiled = false, rendered = false;
    for (size_t bytes = 16; !rendered; bytes += 16) {
        struct arena arena;
        struct program program;
        struct fault fault = {0};
        struct buffer out;
        arena_init(&arena, compiled ? 0 : bytes);
        buffer_init(&out);
        enum status status = jinja_parse(&arena, text_of(LABOUR), &program, &fault);
        if (status == OK && !compiled) {
            compiled = true; /* from here on the budget is the rendering's */
            bytes = 0;
        } else if (status == OK) {
            limits.memory_bytes = bytes;
            buffer_append_string(&out, "before");
            status = jinja_render(&program, context, 0, &limits, &out, &fault);
            rendered = status == OK;
            if (!rendered) assert_string_equal(out.data, "before");
        }
        if (status != OK) assert_true(status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE);
        if (status != OK) assert_true(strlen(fault.message) > 0);
        assert_true(bytes < 1 << 20);
        buffer_deinit(&out);
        arena_deinit(&arena);
    }
    json_decref(context);
}

static void stops_after_any_number_of_steps(void **state)
{
    json_t *context = json_loads(LABOUR_CONTEXT, 0, NULL);
    struct render_limits limits = JINJA_RENDER_LIMITS;
    struct arena arena;
    struct program program;
    arena_init(&arena, 0);
    assert_int_equal(jinja_parse(&arena, text_of(LABOUR), &program, NULL), OK);
    enum status status = STATUS_TOO_LARGE;
    for (limits.steps = 0; status != OK; limits.steps++) {
        struct buffer out;
        buffer_init(&out);
        status = jinja_render(&program, context, 0, &limits, &out, NULL);
        assert_true(status == OK || status == STATUS_TOO_LARGE);
        assert_true(limits.steps < 100000);
        buffer_deinit(&out);
    }
    assert_true(limits.steps > 100);
    arena_deinit(&arena);
    json_decref(context);
}

static void walks_long_conversations(void **state)
{
    char *messages =
        repeated("{\"messages\":[", "{\"role\":\"user\",\"content\":\"Tell me more.\"},", 20000,
                 "{\"role\":\"user\",\"content\":\"End\"}]}");
    enum status status;
    char *result = render(
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] | trim }}{{ '\\n' }}"
        "{% if loop.last and add_generation_prompt is not defined %}!{% endif %}{% endfor %}",
        messages, &status);
    assert_int_equal(status, OK);
    assert_int_equal(strlen(result),
                     20000 * strlen("<|user|>\nTell me more.\n") + strlen("<|user|>\nEnd\n!"));
    free(result);
    free(messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_line_and_column),
        cmocka_unit_test(stops_runaways),
        cmocka_unit_test(bounds_nesting_of_the_source),
        cmocka_unit_test(refuses_deep_context),
        cmocka_unit_test(refuses_integers_of_huge_floats),
        cmocka_unit_test(refuses_odd_conversions),
        cmocka_unit_test(survives_any_memory_budget),
        cmocka_unit_test(stops_after_any_number_of_steps),
        cmocka_unit_test(walks_long_conversations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
