/* catalogue_test.c - what the catalogue says of our own schema, of tables that it has never seen,
 * and of what can't be moved, on both databases. */
#include "storage/realization/catalogue.h"

#include "storage/realization/migrate.h"
#include "storage/test_database.h"

static struct test_database servers[SQL_DIALECTS];
static struct database *owner[SQL_DIALECTS];
static struct arena job;
static struct fault fault;

static int open_all(void **state)
{
    arena_init(&job, 0);
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        test_database_start(&servers[dialect], dialect == SQL_POSTGRES);
        assert_ok(database_open_url(&owner[dialect], servers[dialect].url, NULL, &fault), &fault);
        assert_ok(migrate_up(owner[dialect], &migrations_built_in, NULL, NULL, &fault), &fault);
    }
    return 0;
}

static int close_all(void **state)
{
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        database_close(owner[dialect]);
        test_database_stop(&servers[dialect]);
    }
    arena_deinit(&job);
    return 0;
}

static enum status read_it(struct transaction *t, void *argument, struct fault *f)
{
    return catalogue_read(t, &job, argument, f);
}

static enum status catalogue_of(enum sql_dialect dialect, struct schema *schema)
{
    return database_read(owner[dialect], sql_actor_system(), read_it, schema, &fault);
}

static enum status run_script(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t, argument, f);
}

static void script(enum sql_dialect dialect, const char *sql)
{
    assert_ok(database_write(owner[dialect], sql_actor_system(), run_script, (void *)sql, &fault),
              &fault);
}

/* Every column of one is in the other, with the same type. */
static void assert_same_columns(const struct schema_table *a, const struct schema_table *b)
{
    assert_string_equal(a->name, b->name);
    for (size_t i = 0; i < a->column_count; i++) {
        if (i >= b->column_count || strcmp(a->columns[i].name, b->columns[i].name) != 0)
            fail_msg("%s.%s is not in the other database", a->name, a->columns[i].name);
        if (a->columns[i].type != b->columns[i].type)
            fail_msg("%s.%s is %s and %s", a->name, a->columns[i].name,
                     schema_type_name(a->columns[i].type), schema_type_name(b->columns[i].type));
    }
    assert_int_equal(a->column_count, b->column_count);
}

static void our_tables_are_the_same_in_the_same_order(void **state)
{
    struct schema sqlite, postgres;
    assert_ok(catalogue_of(SQL_SQLITE, &sqlite), &fault);
    assert_ok(catalogue_of(SQL_POSTGRES, &postgres), &fault);
    assert_true(sqlite.table_count >= 14);
    assert_int_equal(sqlite.table_count, postgres.table_count);
    for (size_t i = 0; i < sqlite.table_count; i++)
        assert_same_columns(&sqlite.tables[i], &postgres.tables[i]);
    assert_string_equal(schema_find(&sqlite, TEXT("message"))->columns[0].name, "id");
    assert_null(schema_find(&sqlite, TEXT("message_search")));
    assert_null(schema_find(&sqlite, TEXT("schema_migration")));
}

static void a_table_never_seen_is_there(void **state)
{
    script(SQL_SQLITE,
           "CREATE TABLE \"odd one\" (a TEXT, b BIGINT NOT NULL, c DOUBLE, d TEXT AS (a || 'x'),"
           " e UUID NOT NULL REFERENCES app_user (id), PRIMARY KEY (b, e))");
    script(SQL_POSTGRES,
           "CREATE TABLE \"odd one\" (a text, b bigint NOT NULL, c double precision,"
           " d text GENERATED ALWAYS AS (a || 'x') STORED,"
           " e uuid NOT NULL REFERENCES app_user (id), PRIMARY KEY (b, e))");
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        struct schema schema;
        assert_ok(catalogue_of(dialect, &schema), &fault);
        const struct schema_table *table = schema_find(&schema, TEXT("odd one"));
        assert_non_null(table);
        assert_int_equal(table->column_count, 4);
        assert_string_equal(table->columns[3].name, "e");
        assert_int_equal(table->columns[2].type, SQL_REAL);
        assert_int_equal(table->key_count, 2);
        assert_int_equal(table->key[0], 1);
        assert_int_equal(table->key[1], 3);
        assert_true(table > schema_find(&schema, TEXT("app_user")));
        script(dialect, "DROP TABLE \"odd one\"");
    }
}

static void what_cannot_be_moved_is_named(void **state)
{
    static const char *const types[SQL_DIALECTS] = {
        "CREATE TABLE odd (id BIGINT PRIMARY KEY, what DECIMAL)",
        "CREATE TABLE odd (id bigint PRIMARY KEY, what decimal)"};
    struct schema schema;
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        script(dialect, types[dialect]);
        assert_status(catalogue_of(dialect, &schema), STATUS_UNSUPPORTED);
        assert_contains(fault.message, "odd.what");
        script(dialect, "DROP TABLE odd; CREATE TABLE odd (id BIGINT UNIQUE)");
        assert_status(catalogue_of(dialect, &schema), STATUS_UNSUPPORTED);
        assert_contains(fault.message, "the table odd has no key");
        script(dialect, "DROP TABLE odd");
    }
}

/* Moving acts as the system: a policy that did not admit it would leave rows behind, unsaid. */
static enum status list_closed(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument,
                     "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity AND NOT EXISTS"
                     " (SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname AND p.permissive"
                     " = 'PERMISSIVE' AND p.qual LIKE '%acts_as_system()%')"
                     " OR EXISTS (SELECT 1 FROM pg_policies p WHERE p.tablename = c.relname"
                     " AND p.permissive <> 'PERMISSIVE')",
                     NULL, 0, f);
}

static void every_wall_admits_the_system(void **state)
{
    struct sql_rows rows;
    assert_ok(database_read(owner[SQL_POSTGRES], sql_actor_system(), list_closed, &rows, &fault),
              &fault);
    if (rows.count) fail_msg("%s has no policy for the system", sql_at(&rows, 0, 0)->text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_tables_are_the_same_in_the_same_order),
        cmocka_unit_test(a_table_never_seen_is_there),
        cmocka_unit_test(what_cannot_be_moved_is_named),
        cmocka_unit_test(every_wall_admits_the_system),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
