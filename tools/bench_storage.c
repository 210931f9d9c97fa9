/* bench_storage.c - how many messages a second a database takes, durably, from many writers at
 * once, beside what bounds that: the cost of an fsync on the same disk.
 *
 *   build/tools/bench_storage [FOLDER|URL] [WRITERS] [SECONDS]
 *
 * A folder (default: the current one) gets an SQLite database that is removed again; a PostgreSQL
 * URL names an empty database, which keeps what was written. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform/platform.h"
#include "storage/realization/databases.h"
#include "storage/realization/migrate.h"

enum { WRITERS_MAX = 1024, FSYNCS = 200, PAGE_BYTES = 4096, CONTENT_BYTES = 200 };

static struct database *database;
static atomic_ullong appended;
static atomic_bool stop;

/* Later ones sort behind earlier ones, as version 7 does. */
static struct uuid id_of(unsigned kind, unsigned writer, uint64_t number)
{
    struct uuid id = {{[13] = (unsigned char)(writer >> 8),
                       [14] = (unsigned char)writer,
                       [15] = (unsigned char)kind}};
    for (int i = 0; i < 8; i++) id.bytes[i] = (unsigned char)(number >> (56 - 8 * i));
    return id;
}

/* ---- what is measured ---- */

static enum status make_conversations(struct transaction *t, void *argument, struct fault *fault)
{
    const unsigned *writers = argument;
    TRY(SQL_EXECUTE(t, NULL, fault,
                    "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'bench', $2)",
                    sql_uuid(id_of(1, 0, 0)), sql_time(0)));
    for (unsigned i = 0; i < *writers; i++) {
        char email[32];
        snprintf(email, sizeof email, "user%u@example.com", i);
        TRY(SQL_EXECUTE(t, NULL, fault,
                        "INSERT INTO app_user (id, tenant_id, email, email_key, created_at)"
                        " VALUES ($1, $2, $3, $3, $4)",
                        sql_uuid(id_of(2, i, 0)), sql_uuid(id_of(1, 0, 0)),
                        sql_text(text_of(email)), sql_time(0)));
        TRY(SQL_EXECUTE(t, NULL, fault,
                        "INSERT INTO conversation (id, user_id, created_at, updated_at)"
                        " VALUES ($1, $2, $3, $3)",
                        sql_uuid(id_of(3, i, 0)), sql_uuid(id_of(2, i, 0)), sql_time(0)));
    }
    return OK;
}

struct writer {
    unsigned index;
    uint64_t number;
};

static enum status append(struct transaction *t, void *argument, struct fault *fault)
{
    const struct writer *writer = argument;
    char content[CONTENT_BYTES];
    memset(content, 'a' + (int)(writer->number % 26), sizeof content);
    TRY(SQL_EXECUTE(t, NULL, fault,
                    "UPDATE conversation SET next_seq = next_seq + 1, updated_at = $3"
                    " WHERE id = $1 AND user_id = $2",
                    sql_uuid(id_of(3, writer->index, 0)), sql_uuid(id_of(2, writer->index, 0)),
                    sql_time((int64_t)writer->number)));
    return SQL_EXECUTE(t, NULL, fault,
                       "INSERT INTO message (id, conversation_id, user_id, sender, role, content,"
                       " seq, created_at) VALUES ($1, $2, $3, 'user', 'user', $4, $5, $5)",
                       sql_uuid(id_of(4, writer->index, writer->number)),
                       sql_uuid(id_of(3, writer->index, 0)), sql_uuid(id_of(2, writer->index, 0)),
                       sql_text((struct text){content, sizeof content}),
                       sql_integer((int64_t)writer->number));
}

static void *write_on(void *argument)
{
    struct writer writer = {.index = *(const unsigned *)argument};
    struct fault fault;
    while (!atomic_load(&stop)) {
        writer.number++;
        if (database_write(database, sql_actor_user(id_of(2, writer.index, 0)), append, &writer,
                           &fault) != OK) {
            fprintf(stderr, "%s\n", fault.message);
            return NULL;
        }
        atomic_fetch_add(&appended, 1);
    }
    return NULL;
}

/* Appends a second. */
static double measure_appends(unsigned writers, double seconds)
{
    static pthread_t threads[WRITERS_MAX];
    static unsigned indices[WRITERS_MAX];
    uint64_t start = clock_monotonic_ns();
    for (unsigned i = 0; i < writers; i++) {
        indices[i] = i;
        if (pthread_create(&threads[i], NULL, write_on, &indices[i]) != 0) abort();
    }
    usleep((useconds_t)(seconds * 1e6));
    unsigned long long count = atomic_load(&appended);
    double took = (double)(clock_monotonic_ns() - start) / 1e9;
    atomic_store(&stop, true);
    for (unsigned i = 0; i < writers; i++) pthread_join(threads[i], NULL);
    return (double)count / took;
}

/* Seconds for one more page at the end of a file, durably: what a commit costs at least. */
static double measure_fsync(const char *path)
{
    char page[PAGE_BYTES] = "";
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    uint64_t start = clock_monotonic_ns();
    for (int i = 0; i < FSYNCS; i++)
        if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0) break;
    double took = (double)(clock_monotonic_ns() - start) / 1e9 / FSYNCS;
    close(fd);
    unlink(path);
    return took;
}

/* ---- the program ---- */

static enum status prepare(const char *url, unsigned writers, struct fault *fault)
{
    TRY(database_open_url(&database, url, NULL, fault));
    TRY(migrate_up(database, &migrations_built_in, NULL, NULL, fault));
    return database_write(database, sql_actor_system(), make_conversations, &writers, fault);
}

static void remove_database(const char *folder)
{
    static const char *const files[] = {"bench.db", "bench.db-wal", "bench.db-shm"};
    char path[4096];
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    const char *place = argc > 1 ? argv[1] : ".";
    unsigned writers = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 64;
    double seconds = argc > 3 ? strtod(argv[3], NULL) : 3;
    bool is_url = strstr(place, "://") != NULL;
    char folder[2048] = "", path[4096];
    struct fault fault;
    if (writers < 1 || writers > WRITERS_MAX || !(seconds > 0)) {
        fprintf(stderr, "usage: bench_storage [FOLDER|URL] [WRITERS] [SECONDS]\n");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/bench-storage.XXXXXX", place);
    if (!is_url && !mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    snprintf(path, sizeof path, "sqlite:%s/bench.db", folder);
    enum status status = prepare(is_url ? place : path, writers, &fault);
    if (status == OK) {
        printf("%-34s %8.0f a second, durable\n", "messages appended by all writers",
               measure_appends(writers, seconds));
        printf("%-34s %8u\n", "writers", writers);
    } else {
        fprintf(stderr, "%s\n", fault.message);
    }
    database_close(database);
    if (!is_url) {
        snprintf(path, sizeof path, "%s/fsync", folder);
        double fsync_s = measure_fsync(path);
        printf("%-34s %8.0f us: at most %.0f commits a second\n", "fsync of one more page",
               fsync_s * 1e6, 1 / fsync_s);
        remove_database(folder);
    }
    return status_exit_code(status);
}
