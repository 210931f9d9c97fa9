/* kill_test.c - a process that appends under load is killed (kill -9) at some point, and so is
 * PostgreSQL's server: every message that was acknowledged is there, and none is half there.
 *
 * Five times each; LIMINAL_KILLS says otherwise (make check-deep: 50). */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "platform/platform.h"
#include "storage/test_appends.h"

static unsigned kills_wanted(void)
{
    const char *set = getenv("LIMINAL_KILLS");
    return set ? (unsigned)strtoul(set, NULL, 10) : 5;
}

/* ---- the process that appends ---- */

struct appender {
    struct database *database;
    unsigned conversation;
};

/* Each message that is durable is told on standard output, in one write of two bytes. */
static void *append_for_ever(void *argument)
{
    const struct appender *appender = argument;
    struct append append = {.conversation = appender->conversation};
    struct fault fault;
    for (;;) {
        if (append_one(appender->database, &append, &fault) != OK) {
            usleep(1000); /* the server is gone: it may come back */
            continue;
        }
        const char line[2] = {(char)('a' + append.conversation), '\n'};
        if (write(STDOUT_FILENO, line, sizeof line) != sizeof line) return NULL;
    }
}

static int appender_main(const char *url)
{
    struct appender appenders[APPEND_CONVERSATIONS];
    pthread_t threads[APPEND_CONVERSATIONS];
    struct database *database;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that failed */
    if (database_open_url(&database, url, NULL, NULL) != OK) return 1;
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) {
        appenders[i] = (struct appender){database, i};
        if (pthread_create(&threads[i], NULL, append_for_ever, &appenders[i]) != 0) return 1;
    }
    for (unsigned i = 0; i < APPEND_CONVERSATIONS; i++) pthread_join(threads[i], NULL);
    return 1;
}

struct child {
    pid_t pid;
    FILE *acks;
};

static struct child child_start(const char *url)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    struct child child;
    char *arguments[] = {"kill_test", "append", (char *)url, NULL};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&child.pid, "/proc/self/exe", &actions, NULL, arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    child.acks = fdopen(ends[0], "r");
    return child;
}

/* The next acknowledgement; false when the child is gone and all was read. */
static bool child_hear(const struct child *child, struct append_acks *acks)
{
    char line[8];
    if (!fgets(line, sizeof line, child->acks)) return false;
    acks->count[line[0] - 'a']++;
    return true;
}

static void child_kill(struct child *child, struct append_acks *acks)
{
    int how;
    kill(child->pid, SIGKILL);
    while (child_hear(child, acks)) continue;
    fclose(child->acks);
    assert_int_equal(waitpid(child->pid, &how, 0), child->pid);
    assert_true(WIFSIGNALED(how)); /* and did not end by itself */
}

/* ---- killing it ---- */

/* Some messages, then up to 3 ms more, so that it is killed anywhere in its work. */
static void let_it_work(const struct child *child, struct append_acks *acks)
{
    unsigned char random[2];
    entropy_fill(random, sizeof random);
    for (unsigned i = 0; i < 20 + random[0] % 64u; i++) assert_true(child_hear(child, acks));
    nanosleep(&(struct timespec){.tv_nsec = random[1] * 12000l}, NULL);
}

static void assert_all_there(const struct test_database *server, struct append_acks *acks)
{
    struct append_verdict verdict;
    append_look(server->url, acks, &verdict);
    if (verdict.problem[0]) fail_msg("%s", verdict.problem);
    /* what was durable and not yet told may be there too, and stays */
    memcpy(acks->count, verdict.found, sizeof acks->count);
}

static void kill_the_process(bool is_postgres)
{
    struct test_database server;
    struct append_acks acks = {0};
    test_database_start(&server, is_postgres);
    append_prepare(server.url);
    for (unsigned i = 0; i < kills_wanted(); i++) {
        struct child child = child_start(server.url);
        let_it_work(&child, &acks);
        child_kill(&child, &acks);
        assert_all_there(&server, &acks);
    }
    test_database_stop(&server);
}

static void a_killed_process_loses_nothing_on_sqlite(void **state)
{
    kill_the_process(false);
}

static void a_killed_process_loses_nothing_on_postgres(void **state)
{
    kill_the_process(true);
}

static void a_killed_server_loses_nothing(void **state)
{
    struct test_database server;
    struct append_acks acks = {0};
    test_database_start(&server, true);
    append_prepare(server.url);
    struct child child = child_start(server.url);
    for (unsigned i = 0; i < 1 + kills_wanted() / 5; i++) {
        let_it_work(&child, &acks);
        test_postgres(&server, "kill");
        test_postgres(&server, "restart");
    }
    let_it_work(&child, &acks); /* the process found the server again by itself */
    child_kill(&child, &acks);
    assert_all_there(&server, &acks);
    test_database_stop(&server);
}

int main(int argc, char **argv)
{
    if (log_configure("off", NULL) != OK) return 1;
    if (argc == 3 && strcmp(argv[1], "append") == 0) return appender_main(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_nothing_on_sqlite),
        cmocka_unit_test(a_killed_process_loses_nothing_on_postgres),
        cmocka_unit_test(a_killed_server_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
