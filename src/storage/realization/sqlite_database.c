/* sqlite_database.c - SQLite as a database of many threads: a few connections that read, one thread
 * that writes.
 *
 * The writer takes all that waits, runs each piece of work inside a savepoint of one transaction,
 * and commits once: the fsync that makes a commit durable is shared by all of them. Only then are
 * they told. What fails rolls back to its own savepoint and harms no other. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"
#include "storage/realization/databases.h"
#include "storage/realization/sqlite_connection.h"

enum {
    DEFAULT_READERS = 4,
    READERS_MAX = 64,
    READER_WAIT_S = 5,
    GROUP_MAX = 64, /* pieces of work in one commit */
    PATH_BYTES = 4096,
};

struct write_job {
    struct write_job *next;
    sql_work *work;
    void *argument;
    struct fault *fault;
    enum status status;
    bool done;
};

struct sqlite_database {
    struct database database; /* first */
    pthread_mutex_t mutex;

    struct sqlite_connection *readers;
    bool *reading; /* per reader */
    unsigned reader_count;
    pthread_cond_t reader_free;

    struct sqlite_connection writer; /* the writing thread's */
    pthread_t thread;
    struct write_job *jobs, **jobs_end; /* oldest first */
    pthread_cond_t job_waits, jobs_done;
    bool closing;
};

/* ---- reading ---- */

static enum status borrow_reader(struct sqlite_database *self, unsigned *reader,
                                 struct fault *fault)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += READER_WAIT_S;
    pthread_mutex_lock(&self->mutex);
    for (int error = 0; error == 0;) {
        for (unsigned i = 0; i < self->reader_count; i++) {
            if (self->reading[i]) continue;
            self->reading[i] = true;
            pthread_mutex_unlock(&self->mutex);
            *reader = i;
            return OK;
        }
        error = pthread_cond_timedwait(&self->reader_free, &self->mutex, &until);
    }
    pthread_mutex_unlock(&self->mutex);
    return fault_set(fault, STATUS_BUSY, "all %u connections to the database are in use",
                     self->reader_count);
}

static void return_reader(struct sqlite_database *self, unsigned reader)
{
    pthread_mutex_lock(&self->mutex);
    self->reading[reader] = false;
    pthread_cond_signal(&self->reader_free);
    pthread_mutex_unlock(&self->mutex);
}

static enum status read_database(struct database *database, struct sql_actor actor, sql_work *work,
                                 void *argument, struct fault *fault)
{
    struct sqlite_database *self = (struct sqlite_database *)database;
    unsigned reader = 0;
    TRY(borrow_reader(self, &reader, fault));
    struct sqlite_connection *connection = &self->readers[reader];
    enum status status = sqlite_control(connection, "BEGIN", fault);
    if (status == OK) {
        status = transaction_run(&connection->transaction, work, argument, fault);
        struct fault ignored; /* nothing was changed, so there is nothing to lose */
        if (sqlite_in_transaction(connection)) sqlite_control(connection, "ROLLBACK", &ignored);
    }
    return_reader(self, reader);
    return status;
}

/* ---- writing ---- */

/* One piece of work in its savepoint. False when SQLite ended the whole transaction. */
static bool run_job(struct sqlite_connection *writer, struct write_job *job)
{
    struct fault ignored;
    job->status = sqlite_control(writer, "SAVEPOINT job", job->fault);
    if (job->status == OK) {
        job->status = transaction_run(&writer->transaction, job->work, job->argument, job->fault);
        if (job->status != OK && sqlite_in_transaction(writer))
            sqlite_control(writer, "ROLLBACK TO job", &ignored);
        if (sqlite_in_transaction(writer)) sqlite_control(writer, "RELEASE job", &ignored);
    }
    return sqlite_in_transaction(writer);
}

static void fail_all(struct write_job *jobs, enum status status, const struct fault *fault)
{
    for (struct write_job *job = jobs; job; job = job->next) {
        if (job->status != OK) continue; /* failed by itself before */
        job->status = status;
        if (job->fault) *job->fault = *fault;
    }
}

/* All work of the group, and one commit. When SQLite throws the whole transaction away because of
 * one of them (disk full), that one has failed and the others begin anew. */
static void commit_group(struct sqlite_connection *writer, struct write_job *group)
{
    struct fault fault;
    enum status status;
again:
    status = sqlite_control(writer, "BEGIN IMMEDIATE", &fault);
    for (struct write_job *job = group; status == OK && job; job = job->next) {
        if (job->status != OK) continue;
        if (!run_job(writer, job)) {
            if (job->status == OK)
                job->status = fault_set(job->fault, STATUS_IO, "the database gave up the change");
            goto again;
        }
    }
    if (status == OK) status = sqlite_control(writer, "COMMIT", &fault);
    if (status == OK) return;
    struct fault ignored;
    if (sqlite_in_transaction(writer)) sqlite_control(writer, "ROLLBACK", &ignored);
    fail_all(group, status, &fault);
}

/* At most GROUP_MAX of what waits, in order; NULL when closing and nothing waits any more. */
static struct write_job *take_group(struct sqlite_database *self)
{
    while (!self->jobs && !self->closing) pthread_cond_wait(&self->job_waits, &self->mutex);
    struct write_job *group = self->jobs, **end = &group;
    for (unsigned i = 0; *end && i < GROUP_MAX; i++) end = &(*end)->next;
    self->jobs = *end;
    if (!self->jobs) self->jobs_end = &self->jobs;
    if (group) *end = NULL;
    return group;
}

static void *write_loop(void *argument)
{
    struct sqlite_database *self = argument;
    pthread_mutex_lock(&self->mutex);
    for (struct write_job *group; (group = take_group(self));) {
        pthread_mutex_unlock(&self->mutex);
        commit_group(&self->writer, group);
        pthread_mutex_lock(&self->mutex);
        while (group) { /* once done, a job is its caller's again */
            struct write_job *next = group->next;
            group->done = true;
            group = next;
        }
        pthread_cond_broadcast(&self->jobs_done);
    }
    pthread_mutex_unlock(&self->mutex);
    return NULL;
}

static enum status write_database(struct database *database, struct sql_actor actor, sql_work *work,
                                  void *argument, struct fault *fault)
{
    struct sqlite_database *self = (struct sqlite_database *)database;
    struct write_job job = {.work = work, .argument = argument, .fault = fault};
    pthread_mutex_lock(&self->mutex);
    *self->jobs_end = &job;
    self->jobs_end = &job.next;
    pthread_cond_signal(&self->job_waits);
    while (!job.done) pthread_cond_wait(&self->jobs_done, &self->mutex);
    pthread_mutex_unlock(&self->mutex);
    return job.status;
}

/* ---- life ---- */

static enum status ask_something(struct transaction *transaction, void *argument,
                                 struct fault *fault)
{
    return sql_execute(transaction, NULL, "SELECT count(*) FROM sqlite_schema", NULL, 0, fault);
}

static enum status check_database(struct database *database, struct fault *fault)
{
    return read_database(database, sql_actor_system(), ask_something, NULL, fault);
}

static void close_database(struct database *database)
{
    struct sqlite_database *self = (struct sqlite_database *)database;
    if (self->writer.db) {
        pthread_mutex_lock(&self->mutex);
        self->closing = true;
        pthread_cond_signal(&self->job_waits);
        pthread_mutex_unlock(&self->mutex);
        if (self->thread) pthread_join(self->thread, NULL);
    }
    for (unsigned i = 0; self->readers && i < self->reader_count; i++)
        if (self->readers[i].db) sqlite_connection_close(&self->readers[i]);
    if (self->writer.db) sqlite_connection_close(&self->writer); /* last: folds the WAL in */
    free(self->readers);
    free(self->reading);
    pthread_cond_destroy(&self->reader_free);
    pthread_cond_destroy(&self->job_waits);
    pthread_cond_destroy(&self->jobs_done);
    pthread_mutex_destroy(&self->mutex);
    free(self);
}

static const struct database_ops sqlite_ops = {
    .dialect = SQL_SQLITE,
    .read = read_database,
    .write = write_database,
    .check = check_database,
    .close = close_database,
    .run = sqlite_run,
    .run_rows = sqlite_run_rows,
    .script = sqlite_script,
};

/* SQLite would make the file readable by all whom the umask lets; what is in it is private. */
static enum status make_private_file(const char *path, struct fault *fault)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        if ((size_t)(slash - path) >= sizeof folder)
            return fault_set(fault, STATUS_INVALID, "the database's path is too long");
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
        TRY(directory_make(folder, fault));
    }
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return fault_set(fault, STATUS_IO, "the database %s can't be opened: %s", path,
                         strerror(errno));
    close(file);
    return OK;
}

static enum status open_connections(struct sqlite_database *self, const char *path,
                                    struct fault *fault)
{
    TRY(make_private_file(path, fault));
    TRY(sqlite_connection_open(&self->writer, path, true, &sqlite_ops, fault));
    for (unsigned i = 0; i < self->reader_count; i++)
        TRY(sqlite_connection_open(&self->readers[i], path, false, &sqlite_ops, fault));
    if (pthread_create(&self->thread, NULL, write_loop, self) != 0) {
        self->thread = 0;
        return fault_set(fault, STATUS_NO_MEMORY, "cannot start the database's thread");
    }
    return OK;
}

enum status sqlite_open(struct database **out, const struct sqlite_options *options,
                        struct fault *fault)
{
    struct sqlite_database *self = calloc(1, sizeof *self);
    if (!self) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the database");
    self->database.ops = &sqlite_ops;
    self->jobs_end = &self->jobs;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->reader_free, NULL);
    pthread_cond_init(&self->job_waits, NULL);
    pthread_cond_init(&self->jobs_done, NULL);
    self->reader_count = options->readers ? options->readers : DEFAULT_READERS;
    if (self->reader_count > READERS_MAX) self->reader_count = READERS_MAX;
    self->readers = calloc(self->reader_count, sizeof *self->readers);
    self->reading = calloc(self->reader_count, sizeof *self->reading);
    enum status status =
        self->readers && self->reading
            ? open_connections(self, options->path, fault)
            : fault_set(fault, STATUS_NO_MEMORY, "no memory for the database's connections");
    if (status != OK) {
        close_database(&self->database);
        return status;
    }
    *out = &self->database;
    return OK;
}
