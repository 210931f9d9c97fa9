/* row_text_test.c - every value comes back from its line to the bit; equal rows of the two
 * databases have one canonical line; lines that are none are refused. */
#include "operations/row_text.h"

#include <math.h>

#include "base/test_support.h"

static struct arena job;
static struct fault fault;

static struct schema_column columns[] = {
    {"flag", SQL_BOOL},  {"number", SQL_INTEGER}, {"ratio", SQL_REAL}, {"name", SQL_TEXT},
    {"bytes", SQL_BLOB}, {"id", SQL_UUID},        {"at", SQL_TIME},    {"meta", SQL_JSON},
};
enum { COLUMNS = ARRAY_COUNT(columns), RATIO = 2, NAME = 3, BYTES = 4, META = 7 };
static const struct schema_table table = {"thing", columns, COLUMNS, NULL, 0};

static int set_up(void **state)
{
    arena_init(&job, 0);
    return 0;
}

static int tear_down(void **state)
{
    arena_deinit(&job);
    return 0;
}

static const struct sql_value *row_of(double ratio, struct text name, const char *meta)
{
    static struct sql_value values[COLUMNS];
    const struct sql_value wanted[COLUMNS] = {
        sql_bool(true),
        sql_integer(INT64_MIN),
        sql_real(ratio),
        sql_text(name),
        sql_blob((struct text){"\0\xff\n", 3}),
        sql_uuid((struct uuid){{1, 2, [15] = 255}}),
        sql_time(-1),
        sql_json(text_of(meta)),
    };
    memcpy(values, wanted, sizeof values);
    return values;
}

static char *line_of(const struct sql_value *values, enum row_form form)
{
    struct buffer line;
    buffer_init(&line);
    assert_ok(row_text_append(&line, &table, values, form, &fault), &fault);
    char *copy = arena_copy(&job, line.data, line.length);
    buffer_deinit(&line);
    return copy;
}

static enum status parse(const char *line, struct sql_value values[COLUMNS])
{
    enum sql_type types[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) types[i] = columns[i].type;
    return row_text_parse(text_of(line), types, COLUMNS, &job, values, &fault);
}

static void test_values_come_back(void **state)
{
    static const double ratios[] = {0.1, -0.0, 1e308, 5e-324, 3, INFINITY, -INFINITY};
    static const struct text names[] = {{"", 0}, {"a\0b", 3}, {"\xff\xfe", 2}, {"\"\\\n🙂", 7}};
    for (size_t i = 0; i < ARRAY_COUNT(ratios); i++) {
        struct text name = names[i % ARRAY_COUNT(names)];
        struct sql_value back[COLUMNS];
        assert_ok(parse(line_of(row_of(ratios[i], name, "{ \"a\" : 1 }"), ROW_EXACT), back),
                  &fault);
        assert_memory_equal(&back[RATIO].real, &ratios[i], sizeof(double));
        assert_true(text_equal(back[NAME].text, name));
        assert_true(text_equal(back[BYTES].text, (struct text){"\0\xff\n", 3}));
        assert_true(text_equal(back[META].text, TEXT("{ \"a\" : 1 }")));
        assert_int_equal(back[1].integer, INT64_MIN);
        assert_int_equal(back[6].integer, -1);
        assert_int_equal(back[5].uuid.bytes[15], 255);
        assert_true(back[0].boolean);
    }
    struct sql_value nan_back[COLUMNS];
    assert_ok(parse(line_of(row_of(NAN, TEXT(""), "1"), ROW_EXACT), nan_back), &fault);
    assert_true(isnan(nan_back[RATIO].real));
}

static void test_nulls_come_back_with_their_types(void **state)
{
    struct sql_value nulls[COLUMNS], back[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) nulls[i] = sql_null(SQL_NULL);
    assert_string_equal(line_of(nulls, ROW_EXACT), "[null,null,null,null,null,null,null,null]\n");
    assert_ok(parse("[null,null,null,null,null,null,null,null]", back), &fault);
    for (size_t i = 0; i < COLUMNS; i++)
        assert_true(back[i].is_null && back[i].type == columns[i].type);
}

/* What PostgreSQL's jsonb makes of the first is the second. */
static void test_json_that_means_the_same_has_one_canonical_line(void **state)
{
    static const char *const pairs[][2] = {
        {"{\"b\":1,\"a\":[1.0,1e2,-0.0]}", "{\"a\": [1.0, 100, 0.0], \"b\": 1}"},
        {"\"\\u00e9\"", "\"é\""},
        {" [ ] ", "[]"},
        {"{\"a\":1,\"a\":2}", "{\"a\": 2}"},
        {"1E+2", "100"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        const char *one = line_of(row_of(1, TEXT(""), pairs[i][0]), ROW_CANONICAL);
        assert_string_equal(one, line_of(row_of(1, TEXT(""), pairs[i][1]), ROW_CANONICAL));
    }
    assert_string_equal(line_of(row_of(-0.0, TEXT(""), "1"), ROW_CANONICAL),
                        line_of(row_of(0, TEXT(""), "1"), ROW_CANONICAL));
    const char *one = line_of(row_of(1, TEXT(""), "[1]"), ROW_CANONICAL);
    assert_string_not_equal(one, line_of(row_of(1, TEXT(""), "[2]"), ROW_CANONICAL));
    assert_string_not_equal(one, line_of(row_of(1, TEXT(""), "\"[1]\""), ROW_CANONICAL));
}

static void test_what_is_no_row_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "[1,2,3,4,5,6,7,8]",
        "[true,1,1,\"\",\"\",\"\",1,\"\"]",
        "[true,1.5,1,\"\",\"\",null,1,\"\"]",
        "[true,1,\"x\",\"\",\"\",null,1,\"\"]",
        "[true,1,1,{\"bytes\":5},\"\",null,1,\"\"]",
        "[true,1,1,\"\",\"=\",null,1,\"\"]",
        "[true,1,1,\"\",\"A\",null,1,\"\"]",
        "[true,99999999999999999999,1,\"\",\"\",null,1,\"\"]",
        "[true,1,1,\"\",\"\",null,1,{}]",
        "[true,1,1,\"\",\"\",null,1,\"\"] ]",
    };
    struct sql_value values[COLUMNS];
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        enum status status = parse(bad[i], values);
        if (status != STATUS_CORRUPT) fail_msg("%s gave %s", bad[i], status_name(status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_values_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nulls_come_back_with_their_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json_that_means_the_same_has_one_canonical_line,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_row_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
