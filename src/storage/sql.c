/* sql.c - the contract's functions: to whichever realization is behind it. */
#include "storage/sql.h"

#include "storage/database.h"

enum status database_read(struct database *database, struct sql_actor actor, sql_work *work,
                          void *argument, struct fault *fault)
{
    return database->ops->read(database, actor, work, argument, fault);
}

enum status database_write(struct database *database, struct sql_actor actor, sql_work *work,
                           void *argument, struct fault *fault)
{
    return database->ops->write(database, actor, work, argument, fault);
}

enum status database_check(struct database *database, struct fault *fault)
{
    return database->ops->check(database, fault);
}

void database_close(struct database *database)
{
    if (database) database->ops->close(database);
}

enum status transaction_run(struct transaction *transaction, sql_work *work, void *argument,
                            struct fault *fault)
{
    arena_init(&transaction->job, 0);
    enum status status = work(transaction, argument, fault);
    arena_deinit(&transaction->job);
    return status;
}

struct arena *sql_job(struct transaction *transaction)
{
    return &transaction->job;
}

enum sql_dialect sql_dialect(const struct transaction *transaction)
{
    return transaction->ops->dialect;
}

enum status sql_query(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                      const char *sql, const struct sql_value *values, size_t count,
                      struct fault *fault)
{
    return transaction->ops->run(transaction, job, rows, NULL, sql, values, count, fault);
}

enum status sql_execute(struct transaction *transaction, uint64_t *changed, const char *sql,
                        const struct sql_value *values, size_t count, struct fault *fault)
{
    return transaction->ops->run(transaction, NULL, NULL, changed, sql, values, count, fault);
}

enum status sql_execute_rows(struct transaction *transaction, const char *sql,
                             const struct sql_value *values, size_t columns, size_t rows,
                             struct fault *fault)
{
    return transaction->ops->run_rows(transaction, sql, values, columns, rows, fault);
}

enum status sql_script(struct transaction *transaction, const char *sql, struct fault *fault)
{
    return transaction->ops->script(transaction, sql, fault);
}
