/* database.h - how a realization of sql.h plugs in. Included by realizations only. */
#ifndef LIMINAL_STORAGE_DATABASE_H
#define LIMINAL_STORAGE_DATABASE_H

#include "storage/sql.h"

struct database_ops {
    enum sql_dialect dialect;
    enum status (*read)(struct database *database, struct sql_actor actor, sql_work *work,
                        void *argument, struct fault *fault);
    enum status (*write)(struct database *database, struct sql_actor actor, sql_work *work,
                         void *argument, struct fault *fault);
    enum status (*check)(struct database *database, struct fault *fault);
    void (*close)(struct database *database);
    /* `rows` NULL: none are wanted; `changed` NULL likewise. */
    enum status (*run)(struct transaction *transaction, struct arena *job, struct sql_rows *rows,
                       uint64_t *changed, const char *sql, const struct sql_value *values,
                       size_t count, struct fault *fault);
    enum status (*run_rows)(struct transaction *transaction, const char *sql,
                            const struct sql_value *values, size_t columns, size_t rows,
                            struct fault *fault);
    enum status (*script)(struct transaction *transaction, const char *sql, struct fault *fault);
};

/* The first member of every realization's own structures. */
struct database {
    const struct database_ops *ops;
};
struct transaction {
    const struct database_ops *ops;
    struct arena job; /* sql_job */
};

/* Run `work` with an arena of its own. */
enum status transaction_run(struct transaction *transaction, sql_work *work, void *argument,
                            struct fault *fault);

#endif
