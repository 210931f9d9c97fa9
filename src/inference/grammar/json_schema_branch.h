/* json_schema_branch.h - one alternative in the making: what was taken in, what is still to be, and
 * the choices that wait. Shared by the files that say what it means that schemas hold, and fail. */
#ifndef LIMINAL_INFERENCE_JSON_SCHEMA_BRANCH_H
#define LIMINAL_INFERENCE_JSON_SCHEMA_BRANCH_H

#include "inference/grammar/json_schema_private.h"

struct way {
    const struct term *terms;
    size_t count;
};

struct choice {
    const struct choice *next;
    const struct way *ways;
    size_t count;
    bool is_failure;        /* the ways are ways to fail */
    const json_t *names_of; /* not ways, but: the name or the value of some property fails */
    const char *keyword;    /* this keyword of that schema */
};

struct todo {
    const struct todo *next;
    struct term term;
};

/* One alternative in the making. */
struct branch {
    struct shape shape;
    const struct todo *todo;
    const struct choice *choices;
    int failures; /* choices of ways to fail that were made */
};

/* A choice under construction. */
struct ways {
    struct way *items;
    size_t count;
    bool failed;
    struct arena *job;
};

static inline struct term term_holds(const json_t *schema)
{
    return (struct term){.kind = TERM_HOLDS, .schema = schema};
}

static inline struct term term_fails(const json_t *schema)
{
    return (struct term){.kind = TERM_FAILS, .schema = schema};
}

static inline struct term term_about(enum term_kind kind, const char *name, const json_t *schema)
{
    return (struct term){.kind = kind, .schema = schema, .name = text_of(name)};
}

/* ---- json_schema_terms.c ---- */
struct ways ways_of(struct schema_reader *reader, size_t most);
void ways_add(struct ways *ways, const struct term *terms, size_t count);
enum status branch_add_todo(struct schema_reader *reader, struct branch *branch,
                            struct term term) MUST_USE;
/* A term of each schema of the list. */
enum status branch_add_each(struct schema_reader *reader, struct branch *branch,
                            const json_t *schemas, enum term_kind kind) MUST_USE;
enum status branch_add_choice(struct schema_reader *reader, struct branch *branch,
                              struct choice choice) MUST_USE;
enum status branch_choose(struct schema_reader *reader, struct branch *branch,
                          struct ways ways) MUST_USE;
enum status branch_choose_failure(struct schema_reader *reader, struct branch *branch,
                                  struct ways ways) MUST_USE;
/* One schema of the list. */
enum status branch_choose_each(struct schema_reader *reader, struct branch *branch,
                               const json_t *schemas, enum term_kind kind) MUST_USE;
/* The schema's `if` has this outcome. */
enum status branch_choose_if(struct schema_reader *reader, struct branch *branch,
                             const json_t *schema, enum term_kind outcome) MUST_USE;

/* ---- json_schema_failing.c ---- */
enum status branch_take_failing(struct schema_reader *reader, struct branch *branch,
                                const json_t *schema) MUST_USE;
enum status branch_take_failing_keyword(struct schema_reader *reader, struct branch *branch,
                                        const json_t *schema, struct text keyword) MUST_USE;
/* The ways of a choice that depends on the names spoken of in the shape. */
enum status choice_find_names(struct schema_reader *reader, const struct shape *shape,
                              struct choice *choice) MUST_USE;

#endif
