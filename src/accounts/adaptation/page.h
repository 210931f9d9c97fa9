/* page.h - pages for people: the files of pages/ are Jinja templates, executed by the engine that
 * executes the models' chat templates; pages/README.md says how they are written.
 *
 * Every string of a context is escaped before a template sees it, but for members whose name ends
 * in "_html". All pages work without scripts, and forbid them. */
#ifndef LIMINAL_ACCOUNTS_PAGE_H
#define LIMINAL_ACCOUNTS_PAGE_H

#include "accounts/adaptation/call.h"

/* A file of pages/, put into the program when it is built (cmake/pages.cmake). */
struct page_file {
    const char *name; /* "login.html" */
    struct text bytes;
};
extern const struct page_file page_files[];
extern const size_t page_file_count;

struct pages;
/* Compiles all templates. */
enum status pages_open(struct pages **out, struct fault *fault) MUST_USE;
void pages_close(struct pages *pages);

/* The page pages/NAME.html. `context` is handed over; NULL is taken for want of memory. Templates
 * also see csrf, user, version, url, invite_only, providers, errors and values. */
void page_reply(const struct call *call, int http_code, const char *name, json_t *context);
/* A page that needs nothing of its own. */
void page_show(struct http_exchange *exchange, void *context, const char *name);
/* The same with what a link or a redirect brought: the query parameters of these names (NULL-ended)
 * as `values`. */
void page_show_with(struct http_exchange *exchange, void *context, const char *name,
                    const char *const *parameters);
/* 303: what is asked for is there. `path` is ours. */
void page_redirect(const struct call *call, const char *path);
/* After signing in: to `next` if that is a path of this server, else to the dashboard. */
void page_go_on(const struct call *call, struct text next);
/* How errors of pages look (gateway_error_page): strangers are sent to sign in. */
void page_error(struct http_exchange *exchange, int http_code, enum status status,
                const struct fault *fault, void *context);

/* ---- forms ---- */

enum { FORM_FIELDS = 6 };
struct form {
    const char *page; /* that has it */
    struct form_field {
        const char *name;
        bool is_secret; /* is never sent back */
    } fields[FORM_FIELDS + 1];
};
/* The page once more, with what was typed, and the fault beside its field (fault.param), or above
 * the form. What is no fault of who typed gets the error's page. `context` as page_reply's. */
void form_again(const struct call *call, const struct form *form, json_t *context,
                enum status status, const struct fault *fault);
/* What a form asks for. */
typedef enum status form_action(const struct call *call, struct fault *fault);
/* Does it and goes on to `then`; or the form once more. */
void form_submit(struct http_exchange *exchange, void *context, const struct form *form,
                 form_action *action, const char *then);
/* A field, which must be there and not be empty. STATUS_INVALID "label is required", naming it. */
enum status form_required(const struct call *call, const char *name, const char *label,
                          struct text *value, struct fault *fault) MUST_USE;

/* `password`, and the same in `confirm_password` (R39). */
enum status form_new_password(const struct call *call, struct text *password,
                              struct fault *fault) MUST_USE;

/* The form of /login, which also shows what went wrong elsewhere. */
extern const struct form login_form;

#endif
