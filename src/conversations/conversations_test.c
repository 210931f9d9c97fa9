/* conversations_test.c - what conversations promise, on both databases, with a clock that the test
 * turns. */
#include "conversations/conversations.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "conversations/realization/conversation_store.h"
#include "storage/test_migrated.h"

enum { LEASE_MS = 10000, NEVER_MS = 1 << 30 };

static struct conversations *conversations;
static struct arena job;
static _Atomic int64_t now_us;
static const struct uuid ada = {{1}}, bob = {{2}}, nobody = {{3}};

static int64_t test_clock(void)
{
    return now_us;
}

static enum status make_people(struct transaction *t, void *argument, struct fault *f)
{
    TRY(sql_script(t, "DELETE FROM app_user; DELETE FROM tenant", f));
    TRY(SQL_EXECUTE(t, NULL, f, "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'us', $2)",
                    sql_uuid(ada), sql_time(0)));
    const struct uuid people[] = {ada, bob};
    for (size_t i = 0; i < ARRAY_COUNT(people); i++)
        TRY(SQL_EXECUTE(t, NULL, f,
                        "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                        " VALUES ($1, $2, $3, $3, $4)",
                        sql_uuid(people[i]), sql_uuid(ada), sql_text(text_of(i ? "bob" : "ada")),
                        sql_time(0)));
    return OK;
}

static struct conversations *open_service(uint32_t save_ms)
{
    struct conversations *service;
    const struct conversations_options options = {
        .database = db, .save_ms = save_ms, .lease_ms = LEASE_MS, .now_us = test_clock};
    assert_ok(conversations_open(&service, &options, &fault), &fault);
    return service;
}

static int begin_test(void **state)
{
    now_us = 1795167760000000;
    arena_init(&job, 0);
    assert_ok(database_write(owner, sql_actor_system(), make_people, NULL, &fault), &fault);
    conversations = open_service(NEVER_MS);
    return 0;
}

static int end_test(void **state)
{
    conversations_close(conversations);
    arena_deinit(&job);
    return 0;
}

/* ---- helpers ---- */

static struct conversation create(struct uuid user, const char *title)
{
    struct conversation conversation = {.title = text_of(title)};
    assert_ok(conversation_create(conversations, user, &conversation, &fault), &fault);
    return conversation;
}

static struct message append(struct uuid user, struct uuid conversation, enum message_sender sender,
                             const char *content)
{
    struct message message = {.conversation_id = conversation,
                              .sender = sender,
                              .content = text_of(content),
                              .tokens_in = -1,
                              .tokens_out = -1};
    assert_ok(message_append(conversations, user, &message, &fault), &fault);
    return message;
}

static struct conversation get(struct uuid user, struct uuid id)
{
    struct conversation conversation;
    assert_ok(conversation_get(conversations, user, id, &job, &conversation, &fault), &fault);
    return conversation;
}

static struct message_page messages_of(struct uuid user, struct uuid id)
{
    struct message_page page;
    const struct page_wish wish = {.limit = PAGE_LIMIT};
    assert_ok(message_list(conversations, user, id, false, &wish, &job, &page, &fault), &fault);
    return page;
}

static void assert_text(struct text text, const char *wanted)
{
    if (!text_equal(text, text_of(wanted)))
        fail_msg("\"%.*s\" is not \"%s\"", TEXT_FORMAT(text), wanted);
}

static size_t search(struct uuid user, const char *typed, struct message_hit **hits)
{
    size_t count;
    assert_ok(message_search(conversations, user, text_of(typed), SEARCH_LIMIT, &job, hits, &count,
                             &fault),
              &fault);
    return count;
}

/* ---- conversations ---- */

static void a_conversation_lives(void **state)
{
    struct conversation made = create(ada, "Plans"), got = get(ada, made.id);
    assert_text(got.title, "Plans");
    assert_int_equal(got.status, CONVERSATION_OPEN);
    assert_int_equal(got.created_us, now_us);
    assert_int_equal(got.message_count, 0);

    now_us += 1000;
    const struct text title = TEXT("Better plans"), meta = TEXT("{\"color\": \"red\"}");
    const enum conversation_status archived = CONVERSATION_ARCHIVED;
    const struct conversation_change change = {
        .title = &title, .meta = &meta, .status = &archived, .active_context = &ada};
    assert_ok(conversation_change(conversations, ada, made.id, &change, &job, &got, &fault),
              &fault);
    assert_text(got.title, "Better plans");
    assert_text(got.meta, "{\"color\": \"red\"}");
    assert_int_equal(got.status, CONVERSATION_ARCHIVED);
    assert_int_equal(got.updated_us, now_us);
    assert_true(uuid_equal(got.active_context, ada));
    const struct conversation_change nothing = {.title = NULL};
    assert_ok(conversation_change(conversations, ada, made.id, &nothing, &job, &got, &fault),
              &fault);
    assert_text(got.title, "Better plans");
    assert_true(uuid_equal(got.active_context, ada));

    assert_ok(conversation_delete(conversations, ada, made.id, &fault), &fault);
    assert_status(conversation_get(conversations, ada, made.id, &job, &got, &fault),
                  STATUS_NOT_FOUND);
    assert_status(conversation_delete(conversations, ada, made.id, &fault), STATUS_NOT_FOUND);
}

static void the_first_question_gives_the_title(void **state)
{
    struct conversation made = create(ada, "");
    append(ada, made.id, SENDER_SYSTEM, "You are a poet.");
    assert_text(get(ada, made.id).title, "");
    append(ada, made.id, SENDER_USER, "Write of the sea\nin four lines");
    append(ada, made.id, SENDER_USER, "Another");
    assert_text(get(ada, made.id).title, "Write of the sea");
    assert_int_equal(get(ada, made.id).message_count, 3);
}

/* Whatever another user asks for by its id is not there. */
static void nobody_sees_what_is_anothers(void **state)
{
    struct conversation made = create(ada, "Secret"), got;
    struct message mine = append(ada, made.id, SENDER_USER, "the password is swordfish");
    const struct page_wish wish = {.limit = 10};
    const struct text title = TEXT("mine now");
    const struct conversation_change change = {.title = &title};
    const struct uuid others[] = {bob, nobody};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        struct uuid other = others[i];
        struct message_page page;
        struct conversation_page list;
        struct message_hit *hits;
        struct turn *turn;
        struct message message = {.conversation_id = made.id, .content = TEXT("hello")};
        assert_status(conversation_get(conversations, other, made.id, &job, &got, &fault),
                      STATUS_NOT_FOUND);
        assert_status(
            conversation_change(conversations, other, made.id, &change, &job, &got, &fault),
            STATUS_NOT_FOUND);
        assert_status(conversation_delete(conversations, other, made.id, &fault), STATUS_NOT_FOUND);
        assert_status(conversation_fork(conversations, other, made.id, mine.id, &job, &got, &fault),
                      STATUS_NOT_FOUND);
        assert_status(message_append(conversations, other, &message, &fault), STATUS_NOT_FOUND);
        assert_status(
            message_list(conversations, other, made.id, false, &wish, &job, &page, &fault),
            STATUS_NOT_FOUND);
        assert_status(turn_begin(conversations, other, &message, 1, TEXT(""), &turn, &fault),
                      STATUS_NOT_FOUND);
        assert_ok(
            conversation_list(conversations, other, CONVERSATION_OPEN, &wish, &job, &list, &fault),
            &fault);
        assert_int_equal(list.count, 0);
        assert_int_equal(search(other, "swordfish", &hits), 0);
    }
    assert_text(get(ada, made.id).title, "Secret");
    assert_int_equal(messages_of(ada, made.id).count, 1);
}

/* ---- lists ---- */

/* A walk through pages of three while others come: each that was there is seen once, in order. */
static void pages_are_stable_while_new_ones_come(void **state)
{
    enum { COUNT = 20 };
    struct uuid ids[COUNT];
    for (int i = 0; i < COUNT; i++) {
        now_us += i % 3 ? 1000 : 0; /* some are equally old */
        ids[i] = create(ada, "x").id;
    }
    create(bob, "not hers");
    struct conversation_page page = {.has_more = true};
    struct page_wish wish = {.limit = 3};
    struct page_cursor cursor;
    size_t seen = 0;
    bool was_seen[COUNT] = {false};
    int64_t last_us = INT64_MAX;
    while (page.has_more) {
        assert_ok(
            conversation_list(conversations, ada, CONVERSATION_OPEN, &wish, &job, &page, &fault),
            &fault);
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.items[i].updated_us <= last_us);
            last_us = page.items[i].updated_us;
            for (int k = 0; k < COUNT; k++)
                if (uuid_equal(ids[k], page.items[i].id)) {
                    assert_false(was_seen[k]);
                    was_seen[k] = true;
                    seen++;
                }
        }
        cursor = page.next;
        wish.after = &cursor;
        now_us += 1000;
        create(ada, "new");
    }
    assert_int_equal(seen, COUNT);
}

static void archived_ones_have_their_own_list(void **state)
{
    struct conversation first = create(ada, "first"), got;
    create(ada, "second");
    const enum conversation_status archived = CONVERSATION_ARCHIVED, opened = CONVERSATION_OPEN;
    struct conversation_change change = {.status = &archived};
    const struct page_wish wish = {.limit = 10};
    struct conversation_page page;
    assert_ok(conversation_change(conversations, ada, first.id, &change, &job, &got, &fault),
              &fault);
    assert_ok(
        conversation_list(conversations, ada, CONVERSATION_ARCHIVED, &wish, &job, &page, &fault),
        &fault);
    assert_int_equal(page.count, 1);
    assert_text(page.items[0].title, "first");
    change.status = &opened;
    assert_ok(conversation_change(conversations, ada, first.id, &change, &job, &got, &fault),
              &fault);
    assert_ok(conversation_list(conversations, ada, CONVERSATION_OPEN, &wish, &job, &page, &fault),
              &fault);
    assert_int_equal(page.count, 2);
}

static void messages_are_paged_both_ways(void **state)
{
    enum { COUNT = 7 };
    struct conversation made = create(ada, "x");
    for (int i = 0; i < COUNT; i++) append(ada, made.id, SENDER_USER, "x");
    for (int back = 0; back < 2; back++) {
        struct message_page page = {.has_more = true};
        struct page_wish wish = {.limit = 3};
        struct page_cursor cursor;
        int64_t wanted = back ? COUNT : 1;
        while (page.has_more) {
            assert_ok(message_list(conversations, ada, made.id, back, &wish, &job, &page, &fault),
                      &fault);
            for (size_t i = 0; i < page.count; i++) {
                assert_int_equal(page.items[i].seq, wanted);
                wanted += back ? -1 : 1;
            }
            cursor = page.next;
            wish.after = &cursor;
        }
        assert_int_equal(wanted, back ? 0 : COUNT + 1);
    }
    struct message_page page;
    assert_status(message_list(conversations, ada, made.id, false,
                               &(struct page_wish){.limit = PAGE_LIMIT + 1}, &job, &page, &fault),
                  STATUS_INVALID);
    assert_string_equal(fault.param, "limit");
}

/* ---- messages ---- */

static void a_message_comes_back_as_it_went(void **state)
{
    struct conversation made = create(ada, "x");
    struct message message = {
        .conversation_id = made.id,
        .sender = SENDER_TOOL,
        .role = TEXT("function"),
        .content = TEXT("caf\xc3\xa9 'quoted' \"twice\""),
        .content_struct = TEXT("{\"segments\": []}"),
        .tokens_in = 12,
        .tokens_out = -1,
        .meta = TEXT("{\"a\": 1}"),
    };
    assert_ok(message_append(conversations, ada, &message, &fault), &fault);
    struct message_page page = messages_of(ada, made.id);
    assert_int_equal(page.count, 1);
    const struct message *got = &page.items[0];
    assert_true(uuid_equal(got->id, message.id));
    assert_int_equal(got->seq, 1);
    assert_int_equal(got->sender, SENDER_TOOL);
    assert_text(got->role, "function");
    assert_text(got->content, "caf\xc3\xa9 'quoted' \"twice\"");
    assert_text(got->content_struct, "{\"segments\": []}");
    assert_int_equal(got->state, MESSAGE_COMPLETE);
    assert_int_equal(got->created_us, now_us);
    assert_int_equal(got->tokens_in, 12);
    assert_int_equal(got->tokens_out, -1);
    assert_text(got->meta, "{\"a\": 1}");
}

enum { THREADS = 8, APPENDS = 25 };

static void *append_many(void *argument)
{
    const struct conversation *made = argument;
    struct fault of_thread;
    for (int i = 0; i < APPENDS; i++) {
        struct message message = {.conversation_id = made->id, .content = TEXT("x")};
        if (message_append(conversations, ada, &message, &of_thread) != OK)
            return (void *)"could not append";
    }
    return NULL;
}

/* Eight at once: numbers without gaps or doubles. */
static void many_append_to_one_conversation(void **state)
{
    struct conversation made = create(ada, "x");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &made), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    struct page_wish wish = {.limit = PAGE_LIMIT};
    struct message_page page = {.has_more = true};
    struct page_cursor cursor;
    int64_t wanted = 1;
    while (page.has_more) {
        assert_ok(message_list(conversations, ada, made.id, false, &wish, &job, &page, &fault),
                  &fault);
        for (size_t i = 0; i < page.count; i++) assert_int_equal(page.items[i].seq, wanted++);
        cursor = page.next;
        wish.after = &cursor;
    }
    assert_int_equal(wanted, THREADS * APPENDS + 1);
    assert_int_equal(get(ada, made.id).message_count, THREADS * APPENDS);
}

/* ---- searching ---- */

static void searching_finds_words_and_phrases(void **state)
{
    struct message_hit *hits;
    struct conversation foxes = create(ada, "Foxes"), bears = create(ada, "Bears");
    append(ada, foxes.id, SENDER_USER, "The quick brown fox jumps over the lazy dog, a fox indeed");
    append(ada, bears.id, SENDER_ASSISTANT, "A brown bear is not quick; one fox saw it");
    append(bob, create(bob, "His").id, SENDER_USER, "my fox");
    assert_int_equal(search(ada, "FOX", &hits), 2);
    assert_text(hits[0].title, "Foxes"); /* twice is better than once */
    assert_int_equal(search(ada, "brown quick", &hits), 2);
    assert_int_equal(search(ada, "\"quick brown\"", &hits), 1);
    assert_true(uuid_equal(hits[0].conversation_id, foxes.id));
    assert_non_null(memchr(hits[0].snippet.data, SNIPPET_OPEN, hits[0].snippet.length));
    assert_int_equal(search(ada, "bear", &hits), 1);
    static const char marked[] = {'b',          'r', 'o', 'w', 'n', ' ',
                                  SNIPPET_OPEN, 'b', 'e', 'a', 'r', SNIPPET_CLOSE};
    assert_int_not_equal(text_find(hits[0].snippet, (struct text){marked, sizeof marked}),
                         SIZE_MAX);
    assert_int_equal(hits[0].sender, SENDER_ASSISTANT);
    assert_int_equal(search(ada, "wolf", &hits), 0);
    assert_int_equal(search(ada, "fox OR wolf", &hits), 0); /* words, no operators */
    assert_int_equal(search(ada, "fox'; DROP TABLE message; --", &hits), 0);
    assert_int_equal(search(ada, "owner", &hits), 0);
    assert_int_equal(search(ada, "01000000000000000000000000000000", &hits), 0);
    assert_ok(conversation_delete(conversations, ada, foxes.id, &fault), &fault);
    assert_int_equal(search(ada, "fox", &hits), 1);
}

/* ---- forks ---- */

static void a_fork_has_all_up_to_its_message(void **state)
{
    struct conversation made = create(ada, "x"), fork;
    struct message third = {.seq = 0};
    for (int i = 0; i < 250; i++) {
        struct message message = append(ada, made.id, i % 2 ? SENDER_ASSISTANT : SENDER_USER, "x");
        if (i == 219) third = message;
    }
    assert_ok(conversation_fork(conversations, ada, made.id, third.id, &job, &fork, &fault),
              &fault);
    assert_int_equal(fork.message_count, 220);
    assert_text(fork.title, "x");
    assert_int_equal(get(ada, fork.id).message_count, 220);
    char id[UUID_TEXT_BYTES];
    uuid_format(third.id, id);
    assert_int_not_equal(text_find(get(ada, fork.id).meta, text_of(id)), SIZE_MAX);
    append(ada, fork.id, SENDER_USER, "on another way");
    struct message_page page;
    assert_ok(message_list(conversations, ada, fork.id, true, &(struct page_wish){.limit = 2}, &job,
                           &page, &fault),
              &fault);
    assert_int_equal(page.items[0].seq, 221);
    assert_int_equal(page.items[1].seq, 220);
    assert_int_equal(page.items[1].sender, SENDER_ASSISTANT);
    assert_int_equal(get(ada, made.id).message_count, 250);
    assert_status(conversation_fork(conversations, ada, made.id, fork.id, &job, &fork, &fault),
                  STATUS_NOT_FOUND);
    assert_string_equal(fault.param, "message_id");
}

/* ---- turns ---- */

static struct turn *begin_turn(struct uuid conversation, const char *question)
{
    struct turn *turn;
    struct message message = {.conversation_id = conversation,
                              .content = text_of(question),
                              .tokens_in = -1,
                              .tokens_out = -1};
    assert_ok(
        turn_begin(conversations, ada, &message, 1, TEXT("{\"by\": \"test\"}"), &turn, &fault),
        &fault);
    return turn;
}

struct ending {
    sem_t done;
    enum status status;
};

static void on_saved(void *argument, enum status status, const struct fault *f)
{
    struct ending *ending = argument;
    ending->status = status;
    sem_post(&ending->done);
}

static void finish(struct turn *turn, enum message_state how)
{
    struct ending ending;
    sem_init(&ending.done, 0, 0);
    const struct turn_end end = {
        .state = how, .tokens_in = 5, .tokens_out = 3, .content_struct = TEXT("{}")};
    turn_finish(turn, &end, on_saved, &ending);
    sem_wait(&ending.done);
    assert_int_equal(ending.status, OK);
    sem_destroy(&ending.done);
}

static void a_turn_is_a_question_and_its_answer(void **state)
{
    struct turn *turn = begin_turn((struct uuid){{0}}, "Why is the sky blue?");
    struct uuid id = turn_conversation(turn), answer = turn_message(turn);
    assert_text(get(ada, id).title, "Why is the sky blue?");
    assert_text(get(ada, id).meta, "{\"by\": \"test\"}");
    struct message_page page = messages_of(ada, id);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0].state, MESSAGE_COMPLETE);
    assert_int_equal(page.items[1].state, MESSAGE_WRITING);
    assert_true(uuid_equal(page.items[1].id, answer));
    turn_add(turn, TEXT("Because "));
    turn_add(turn, (struct text){"of\0 \xff\xc3 air.", 11});
    finish(turn, MESSAGE_COMPLETE);
    page = messages_of(ada, id);
    assert_text(page.items[1].content, "Because of\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd air.");
    assert_int_equal(page.items[1].state, MESSAGE_COMPLETE);
    assert_int_equal(page.items[1].tokens_in, 5);
    assert_int_equal(page.items[1].tokens_out, 3);
    struct message_hit *hits;
    assert_int_equal(search(ada, "air", &hits), 1);
    turn = begin_turn(id, "And at night?");
    assert_true(uuid_equal(turn_conversation(turn), id));
    finish(turn, MESSAGE_INTERRUPTED);
    assert_int_equal(messages_of(ada, id).items[3].state, MESSAGE_INTERRUPTED);
}

static struct text written(struct uuid conversation)
{
    return messages_of(ada, conversation).items[1].content;
}

/* What is being written is saved by itself, and stays when its server is gone without a word. */
static void what_was_written_survives_its_server(void **state)
{
    struct conversations *other = open_service(1);
    struct turn *turn;
    struct message message = {.content = TEXT("Count")};
    assert_ok(turn_begin(other, ada, &message, 1, TEXT(""), &turn, &fault), &fault);
    struct uuid id = turn_conversation(turn);
    turn_add(turn, TEXT("one two "));
    while (written(id).length == 0) { /* the test's own time limit ends this */
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    assert_text(written(id), "one two ");
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_WRITING);

    /* A server that starts meanwhile leaves it alone... */
    struct conversations *third = open_service(NEVER_MS);
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_WRITING);
    conversations_close(third);
    /* ...and whoever closes in order leaves nothing open. */
    turn_add(turn, TEXT("three"));
    conversations_close(other);
    assert_text(written(id), "one two three");
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_INTERRUPTED);
}

static enum status stored_state(struct transaction *t, void *argument, struct fault *f)
{
    return sql_query(t, &job, argument,
                     "SELECT state, content FROM message WHERE sender = 'assistant'", NULL, 0, f);
}

/* The lease is over: readers are told so at once, and the next start writes it down. */
static void what_nobody_writes_is_marked(void **state)
{
    struct turn *turn = begin_turn((struct uuid){{0}}, "Why?");
    struct uuid id = turn_conversation(turn);
    now_us += (int64_t)LEASE_MS * 1000;
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_WRITING);
    now_us += 1;
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_INTERRUPTED);
    struct sql_rows rows;
    conversations_close(open_service(NEVER_MS));
    assert_ok(database_read(db, sql_actor_system(), stored_state, &rows, &fault), &fault);
    assert_int_equal(rows.count, 1);
    assert_text(sql_at(&rows, 0, 0)->text, "interrupted");
    /* Who was only slow has the last word. */
    turn_add(turn, TEXT("Because."));
    finish(turn, MESSAGE_COMPLETE);
    assert_int_equal(messages_of(ada, id).items[1].state, MESSAGE_COMPLETE);
    assert_text(written(id), "Because.");
}

static void a_turn_outlives_its_conversation(void **state)
{
    struct turn *turn = begin_turn((struct uuid){{0}}, "Why?");
    assert_ok(conversation_delete(conversations, ada, turn_conversation(turn), &fault), &fault);
    turn_add(turn, TEXT("Because."));
    finish(turn, MESSAGE_COMPLETE);
}

static void a_question_can_be_taken_back(void **state)
{
    struct turn *turn = begin_turn((struct uuid){{0}}, "Why?");
    struct uuid id = turn_conversation(turn);
    struct conversation gone;
    turn_withdraw(turn);
    assert_status(conversation_get(conversations, ada, id, &job, &gone, &fault), STATUS_NOT_FOUND);

    struct conversation made = create(ada, "x");
    append(ada, made.id, SENDER_USER, "first");
    turn_withdraw(begin_turn(made.id, "Why?"));
    assert_int_equal(messages_of(ada, made.id).count, 1);
    assert_int_equal(append(ada, made.id, SENDER_USER, "second").seq, 2);

    turn = begin_turn(made.id, "Why?");
    assert_int_equal(append(ada, made.id, SENDER_USER, "others write").seq, 5);
    turn_withdraw(turn); /* and is done with before the service is closed */
    conversations_close(conversations);
    conversations = open_service(NEVER_MS);
    struct message_page page = messages_of(ada, made.id);
    assert_int_equal(page.count, 5);
    assert_int_equal(page.items[3].state, MESSAGE_INTERRUPTED);
}

static void many_turns_end_together(void **state)
{
    enum { TURNS = 150 };
    struct turn *turns[TURNS];
    struct uuid ids[TURNS];
    for (int i = 0; i < TURNS; i++) {
        turns[i] = begin_turn((struct uuid){{0}}, "Why?");
        ids[i] = turn_conversation(turns[i]);
        turn_add(turns[i], TEXT("x"));
    }
    struct ending ending;
    sem_init(&ending.done, 0, 0);
    const struct turn_end end = {.state = MESSAGE_COMPLETE};
    for (int i = 0; i < TURNS; i++) turn_finish(turns[i], &end, on_saved, &ending);
    for (int i = 0; i < TURNS; i++) sem_wait(&ending.done);
    sem_destroy(&ending.done);
    for (int i = 0; i < TURNS; i++)
        assert_int_equal(messages_of(ada, ids[i]).items[1].state, MESSAGE_COMPLETE);
}

/* ---- plans ---- */

struct plan {
    const char *sql;
    const struct sql_value *values;
    size_t count;
    struct buffer out;
};

static enum status explain(struct transaction *t, void *argument, struct fault *f)
{
    struct plan *plan = argument;
    static char statements[16][1024]; /* they live as long as the database, as sql.h wants */
    static size_t used;
    bool is_postgres = sql_dialect(t) == SQL_POSTGRES;
    struct sql_rows rows;
    assert_true(used < ARRAY_COUNT(statements));
    snprintf(statements[used], sizeof statements[used], "%s %s",
             is_postgres ? "EXPLAIN" : "EXPLAIN QUERY PLAN", plan->sql);
    if (is_postgres) /* tables of a test are so small that reading them whole is cheapest */
        TRY(sql_script(t, "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off", f));
    TRY(sql_query(t, &job, &rows, statements[used++], plan->values, plan->count, f));
    for (size_t i = 0; i < rows.count; i++) {
        buffer_append_text(&plan->out, sql_at(&rows, i, is_postgres ? 0 : 3)->text);
        buffer_append_char(&plan->out, '\n');
    }
    return OK;
}

/* One way through one index, and no sorting. */
static void check_plan(const char *sql, const struct sql_value *values, size_t count,
                       const char *index)
{
    struct plan plan = {.sql = sql, .values = values, .count = count};
    buffer_init(&plan.out);
    assert_ok(database_write(db, sql_actor_user(ada), explain, &plan, &fault), &fault);
    if (!strstr(plan.out.data, index) || strstr(plan.out.data, "SCAN conversation") ||
        strstr(plan.out.data, "SCAN message") || strstr(plan.out.data, "TEMP B-TREE") ||
        strstr(plan.out.data, "Sort") || strstr(plan.out.data, "Seq Scan"))
        fail_msg("%s\nis done as\n%s", sql, plan.out.data);
    buffer_deinit(&plan.out);
}

static void what_is_asked_often_goes_through_indexes(void **state)
{
    const bool is_postgres = server.is_postgres;
    const struct sql_value list[] = {sql_uuid(ada), sql_text(TEXT("open")), sql_time(now_us),
                                     sql_uuid(ada), sql_integer(21)};
    check_plan(store_conversations_sql, list, ARRAY_COUNT(list), "conversation_recent");
    const struct sql_value page[] = {sql_uuid(ada), sql_uuid(ada), sql_integer(5), sql_integer(21)};
    const char *by_seq =
        is_postgres ? "message_conversation_id_seq_key" : "(conversation_id=? AND seq";
    check_plan(store_messages_sql, page, ARRAY_COUNT(page), by_seq);
    check_plan(store_messages_back_sql, page, ARRAY_COUNT(page), by_seq);
    const struct sql_value seq[] = {sql_uuid(ada), sql_uuid(ada), sql_integer(1), sql_time(now_us),
                                    sql_null(SQL_TEXT)};
    check_plan(store_seq_sql, seq, ARRAY_COUNT(seq),
               is_postgres ? "Index Scan using conversation_" : "USING INDEX");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin_test, end_test)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_conversation_lives),
        TEST(the_first_question_gives_the_title),
        TEST(nobody_sees_what_is_anothers),
        TEST(pages_are_stable_while_new_ones_come),
        TEST(archived_ones_have_their_own_list),
        TEST(messages_are_paged_both_ways),
        TEST(a_message_comes_back_as_it_went),
        TEST(many_append_to_one_conversation),
        TEST(searching_finds_words_and_phrases),
        TEST(a_fork_has_all_up_to_its_message),
        TEST(a_turn_is_a_question_and_its_answer),
        TEST(what_was_written_survives_its_server),
        TEST(what_nobody_writes_is_marked),
        TEST(a_turn_outlives_its_conversation),
        TEST(a_question_can_be_taken_back),
        TEST(many_turns_end_together),
        TEST(what_is_asked_often_goes_through_indexes),
    };
    return run_on_both(tests);
}
