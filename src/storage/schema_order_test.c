/* schema_order_test.c - the order of tables, and what no order can honour. */
#include "base/test_support.h"
#include "storage/schema.h"

static struct arena job;

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

/* Sorts tables named by single letters with references "ab" (a refers to b). */
static struct schema sorted(const char *names, const char *const *references)
{
    static struct schema_table tables[16];
    static struct schema_reference made[16];
    struct schema schema = {.tables = tables, .references = made};
    for (; names[schema.table_count]; schema.table_count++) {
        char *name = arena_copy(&job, &names[schema.table_count], 1);
        tables[schema.table_count] = (struct schema_table){.name = name};
    }
    for (; references[schema.reference_count]; schema.reference_count++) {
        const char *reference = references[schema.reference_count];
        made[schema.reference_count] =
            (struct schema_reference){(size_t)(strchr(names, reference[0]) - names),
                                      (size_t)(strchr(names, reference[1]) - names), ""};
    }
    assert_true(schema_sort(&schema, &job));
    return schema;
}

#define REFERENCES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_order(const struct schema *schema, const char *wanted)
{
    assert_int_equal(schema->table_count, strlen(wanted));
    for (size_t i = 0; i < schema->table_count; i++)
        assert_int_equal(schema->tables[i].name[0], wanted[i]);
}

static size_t count_backward(const struct schema *schema)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->reference_count; i++)
        count += schema_reference_is_backward(&schema->references[i]);
    return count;
}

static void test_those_referred_to_come_first(void **state)
{
    struct schema schema = sorted("abcd", REFERENCES("ab", "bd", "ad"));
    assert_order(&schema, "cdba");
    assert_int_equal(count_backward(&schema), 0);
}

static void test_order_does_not_depend_on_the_catalogue(void **state)
{
    struct schema one = sorted("dbca", REFERENCES("ab", "bd", "ad"));
    assert_order(&one, "cdba");
}

static void test_itself_and_circles_stay_behind(void **state)
{
    struct schema itself = sorted("ab", REFERENCES("ab", "bb"));
    assert_order(&itself, "ba");
    assert_int_equal(count_backward(&itself), 1);
    struct schema circle = sorted("abc", REFERENCES("ab", "bc", "ca"));
    assert_order(&circle, "acb");
    assert_int_equal(count_backward(&circle), 1);
}

static void test_types_have_names(void **state)
{
    for (enum sql_type type = SQL_BOOL; type <= SQL_JSON; type++)
        assert_int_equal(schema_type_named(text_of(schema_type_name(type))), type);
    assert_int_equal(schema_declared_type(TEXT("TIMESTAMP")), SQL_TIME);
    assert_int_equal(schema_declared_type(TEXT("timestamp with time zone")), SQL_TIME);
    assert_int_equal(schema_declared_type(TEXT("timestamp without time zone")), SQL_NULL);
    assert_int_equal(schema_declared_type(TEXT("text[]")), SQL_NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_those_referred_to_come_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order_does_not_depend_on_the_catalogue, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_itself_and_circles_stay_behind, set_up, tear_down),
        cmocka_unit_test(test_types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
