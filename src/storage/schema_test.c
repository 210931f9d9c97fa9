/* schema_test.c - the program's own migrations: both dialects have the same tables and columns, up
 * and down leave nothing, and on PostgreSQL no user sees another's rows even where a query forgets
 * to name its user. */
#include "storage/realization/migrate.h"
#include "storage/test_database.h"

static struct test_database servers[SQL_DIALECTS];
static struct database *owner[SQL_DIALECTS], *service; /* service: PostgreSQL, held by its role */
static struct arena job;
static struct fault fault;

static void up(enum sql_dialect dialect)
{
    assert_ok(migrate_up(owner[dialect], &migrations_built_in, NULL, NULL, &fault), &fault);
}

static int open_all(void **state)
{
    arena_init(&job, 0);
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        test_database_start(&servers[dialect], dialect == SQL_POSTGRES);
        assert_ok(database_open_url(&owner[dialect], servers[dialect].url, NULL, &fault), &fault);
        up(dialect);
    }
    assert_ok(database_open_url(&service, servers[SQL_POSTGRES].url, "liminal_service", &fault),
              &fault);
    return 0;
}

static int close_all(void **state)
{
    database_close(service);
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        database_close(owner[dialect]);
        test_database_stop(&servers[dialect]);
    }
    arena_deinit(&job);
    return 0;
}

/* ---- the same tables ---- */

/* "table.column null|not null default|none" of all, sorted; what only search needs is left out. */
static const char *const columns_sql[SQL_DIALECTS] = {
    [SQL_SQLITE] =
        "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" OR c.pk THEN ' not null' ELSE ''"
        " END || CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' default' END AS line"
        " FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        " AND t.name NOT LIKE 'message_search%' AND t.name NOT LIKE 'sqlite_%'"
        " AND NOT (t.name = 'message' AND c.name = 'number') ORDER BY line",
    [SQL_POSTGRES] =
        "SELECT (table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null'"
        " ELSE '' END || CASE WHEN column_default IS NULL THEN '' ELSE ' default' END)"
        " COLLATE \"C\" AS line FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name <> 'search' ORDER BY line",
};

static enum status list_columns(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument, columns_sql[sql_dialect(t)], NULL, 0, f);
}

static void columns_of(enum sql_dialect dialect, struct sql_rows *rows)
{
    assert_ok(database_read(owner[dialect], sql_actor_system(), list_columns, rows, &fault),
              &fault);
}

static void both_dialects_have_the_same_columns(void **state)
{
    struct sql_rows sqlite, postgres;
    columns_of(SQL_SQLITE, &sqlite);
    columns_of(SQL_POSTGRES, &postgres);
    assert_true(sqlite.count > 50);
    for (size_t i = 0; i < sqlite.count && i < postgres.count; i++) {
        struct text a = sql_at(&sqlite, i, 0)->text, b = sql_at(&postgres, i, 0)->text;
        if (!text_equal(a, b))
            fail_msg("SQLite has \"%.*s\" where PostgreSQL has \"%.*s\"", TEXT_FORMAT(a),
                     TEXT_FORMAT(b));
    }
    assert_int_equal(sqlite.count, postgres.count);
}

static void down_leaves_nothing(void **state)
{
    struct sql_rows rows;
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++) {
        assert_ok(migrate_down(owner[dialect], &migrations_built_in, 0, NULL, NULL, &fault),
                  &fault);
        columns_of(dialect, &rows);
        assert_int_equal(rows.count, 4); /* schema_migration's own */
        up(dialect);
    }
}

/* ---- an owner like others ---- */

static enum status make_plain_owner(struct transaction *t, void *argument, struct fault *f)
{
    return sql_script(t,
                      "CREATE ROLE plain LOGIN CREATEROLE NOSUPERUSER;"
                      "ALTER DATABASE postgres OWNER TO plain",
                      f);
}

/* The database's owner needs to be no superuser: migrating, and acting as the service's role. */
static void an_owner_without_superpowers_is_enough(void **state)
{
    char url[2 * TEST_URL_BYTES];
    struct database *plain, *bound;
    assert_ok(
        database_write(owner[SQL_POSTGRES], sql_actor_system(), make_plain_owner, NULL, &fault),
        &fault);
    snprintf(url, sizeof url, "postgresql://plain@/postgres%s",
             strchr(servers[SQL_POSTGRES].url, '?'));
    assert_ok(database_open_url(&plain, url, NULL, &fault), &fault);
    assert_ok(migrate_up(plain, &migrations_built_in, NULL, NULL, &fault), &fault);
    assert_ok(database_open_url(&bound, url, "liminal_service", &fault), &fault);
    assert_ok(database_check(bound, &fault), &fault);
    database_close(bound);
    assert_ok(migrate_down(plain, &migrations_built_in, 0, NULL, NULL, &fault), &fault);
    database_close(plain);
}

/* ---- the second wall ---- */

static struct uuid id_of(unsigned char number)
{
    return (struct uuid){{[15] = number}};
}

static enum status make_people(struct transaction *t, void *argument, struct fault *f)
{
    TRY(SQL_EXECUTE(t, NULL, f, "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'us', $2)",
                    sql_uuid(id_of(9)), sql_time(0)));
    for (unsigned char user = 1; user <= 2; user++) {
        const char *email = user == 1 ? "ada@example.com" : "bob@example.com";
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                        " VALUES ($1, $2, $3, $3, $4)",
                        sql_uuid(id_of(user)), sql_uuid(id_of(9)), sql_text(text_of(email)),
                        sql_time(0)));
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO conversation (id, user_id, title, created_at, updated_at)"
                        " VALUES ($1, $2, 'secret', $3, $3)",
                        sql_uuid(id_of(user)), sql_uuid(id_of(user)), sql_time(0)));
    }
    return OK;
}

static enum status titles(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument, "SELECT user_id, title FROM conversation", NULL, 0, f);
}

static enum status steal(struct transaction *t, void *argument, struct fault *f)
{
    return sql_execute(t, argument, "UPDATE conversation SET title = 'mine'", NULL, 0, f);
}

static enum status forge(struct transaction *t, void *argument, struct fault *f)
{
    return SQL_EXECUTE(t, NULL, f,
                       "INSERT INTO conversation (id, user_id, created_at, updated_at)"
                       " VALUES ($1, $2, $3, $3)",
                       sql_uuid(id_of(77)), sql_uuid(id_of(2)), sql_time(0));
}

static void queries_that_name_no_user_see_only_their_own(void **state)
{
    struct sql_rows rows;
    uint64_t changed;
    assert_ok(database_write(service, sql_actor_system(), make_people, NULL, &fault), &fault);
    assert_ok(database_read(service, sql_actor_system(), titles, &rows, &fault), &fault);
    assert_int_equal(rows.count, 2);
    for (unsigned char user = 1; user <= 2; user++) {
        struct sql_actor actor = sql_actor_user(id_of(user));
        assert_ok(database_read(service, actor, titles, &rows, &fault), &fault);
        assert_int_equal(rows.count, 1);
        assert_true(uuid_equal(sql_at(&rows, 0, 0)->uuid, id_of(user)));
    }
    assert_ok(database_read(service, sql_actor_user(id_of(3)), titles, &rows, &fault), &fault);
    assert_int_equal(rows.count, 0);
    assert_ok(database_write(service, sql_actor_user(id_of(1)), steal, &changed, &fault), &fault);
    assert_int_equal(changed, 1);
    assert_int_not_equal(database_write(service, sql_actor_user(id_of(1)), forge, NULL, &fault),
                         OK);
    /* A role that the policies do not hold must never serve. */
    struct database *unheld;
    assert_ok(database_open_url(&unheld, servers[SQL_POSTGRES].url, "liminal_owner", &fault),
              &fault);
    assert_status(database_check(unheld, &fault), STATUS_FORBIDDEN);
    assert_contains(fault.message, "row-level security");
    database_close(unheld);
}

static enum status other_owner(struct transaction *t, void *argument, struct fault *f)
{
    return SQL_EXECUTE(t, NULL, f,
                       "INSERT INTO message (id, conversation_id, user_id, sender, role, content,"
                       " seq, created_at) VALUES ($1, $1, $2, 'user', 'user', 'x', 1, $3)",
                       sql_uuid(id_of(1)), sql_uuid(id_of(2)), sql_time(0));
}

/* On both: a message can't belong to another than its conversation. */
static void a_message_is_its_conversations_owners(void **state)
{
    assert_ok(database_write(owner[SQL_SQLITE], sql_actor_system(), make_people, NULL, &fault),
              &fault);
    for (enum sql_dialect dialect = 0; dialect < SQL_DIALECTS; dialect++)
        if (database_write(owner[dialect], sql_actor_system(), other_owner, NULL, &fault) !=
            STATUS_CONFLICT)
            fail_msg("%s", fault.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_dialects_have_the_same_columns),
        cmocka_unit_test(down_leaves_nothing),
        cmocka_unit_test(an_owner_without_superpowers_is_enough),
        cmocka_unit_test(queries_that_name_no_user_see_only_their_own),
        cmocka_unit_test(a_message_is_its_conversations_owners),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
