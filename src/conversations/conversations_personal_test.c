/* conversations_personal_test.c - what a person takes along and has erased, on both databases. */
#include <jansson.h>

#include "conversations/personal.h"
#include "storage/test_migrated.h"

enum { MESSAGES = 450 }; /* more than are read at once */

static const struct uuid ada = {{1}}, bob = {{2}};

static enum status make_people(struct transaction *t, void *argument, struct fault *f)
{
    const struct uuid people[] = {ada, bob};
    TRY(SQL_EXECUTE(t, NULL, f, "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'us', $2)",
                    sql_uuid(ada), sql_time(0)));
    for (size_t i = 0; i < ARRAY_COUNT(people); i++) {
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                        " VALUES ($1, $2, $3, $3, $4)",
                        sql_uuid(people[i]), sql_uuid(ada), sql_text(text_of(i ? "bob" : "ada")),
                        sql_time(0)));
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO conversation (id, user_id, title, created_at, updated_at)"
                        " VALUES ($1, $1, $2, $3, $3)",
                        sql_uuid(people[i]), sql_text(text_of(i ? "bob's" : "\"ada's\"")),
                        sql_time(1000000)));
    }
    for (int i = 1; i <= MESSAGES; i++)
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO message (id, conversation_id, user_id, sender, role, content,"
                        " seq, created_at) VALUES ($1, $2, $2, 'user', 'user', 'hello', $3, $4)",
                        sql_uuid((struct uuid){{7, (unsigned char)(i >> 8), (unsigned char)i}}),
                        sql_uuid(ada), sql_integer(i), sql_time(2000000)));
    return OK;
}

static int begin(void **state)
{
    assert_ok(database_write(db, sql_actor_system(), make_people, NULL, &fault), &fault);
    return 0;
}

static enum status append(struct transaction *t, void *argument, struct fault *f)
{
    buffer_clear(argument);
    return conversations_append_personal(t, ada, argument, f);
}

static json_t *taken_along(void)
{
    struct buffer json;
    buffer_init(&json);
    assert_ok(database_read(db, sql_actor_user(ada), append, &json, &fault), &fault);
    json_t *array = json_loadb(json.data, json.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(array);
    buffer_deinit(&json);
    return array;
}

static void all_conversations_come_with_all_messages(void **state)
{
    json_t *array = taken_along(), *one = json_array_get(array, 0);
    assert_int_equal(json_array_size(array), 1); /* Bob's is not among them */
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(one, "conversation"), "title")),
        "\"ada's\"");
    const json_t *messages = json_object_get(one, "messages");
    assert_int_equal(json_array_size(messages), MESSAGES);
    for (int i = 0; i < MESSAGES; i++) {
        const json_t *message = json_array_get(messages, (size_t)i);
        assert_int_equal(json_integer_value(json_object_get(message, "seq")), i + 1);
    }
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(messages, 0), "created_at")),
        "1970-01-01T00:00:02.000000Z");
    json_decref(array);
}

static enum status erase(struct transaction *t, void *argument, struct fault *f)
{
    return conversations_erase_personal(t, ada, f);
}

static enum status count_rows(struct transaction *t, void *argument, struct fault *f)
{
    struct sql_rows rows;
    int64_t *counts = argument;
    TRY(sql_query(t, sql_job(t), &rows,
                  "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM conversation)",
                  NULL, 0, f));
    counts[0] = sql_at(&rows, 0, 0)->integer;
    counts[1] = sql_at(&rows, 0, 1)->integer;
    return OK;
}

static void erased_they_are_gone_and_others_are_not(void **state)
{
    int64_t counts[2];
    assert_ok(database_write(db, sql_actor_system(), erase, NULL, &fault), &fault);
    assert_ok(database_read(db, sql_actor_system(), count_rows, counts, &fault), &fault);
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 1);
    json_t *array = taken_along();
    assert_int_equal(json_array_size(array), 0);
    json_decref(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_conversations_come_with_all_messages, begin),
        cmocka_unit_test(erased_they_are_gone_and_others_are_not),
    };
    return run_on_both(tests);
}
