/* call.h - one request on its way to accounts: what the files of this folder share. */
#ifndef LIMINAL_ACCOUNTS_CALL_H
#define LIMINAL_ACCOUNTS_CALL_H

#include <jansson.h>

#include "accounts/accounts.h"
#include "accounts/adaptation/accounts_http.h"
#include "gateway/gateway.h"

struct pages;
struct served_api;

struct accounts_http {
    struct accounts *accounts;
    struct database *database;
    char *public_url, *version; /* public_url may be NULL */
    bool invite_only;
    struct pages *pages;
    struct served_api *api; /* contexts of the API's routes */
    struct gateway_route *routes;
    size_t route_count;
};

struct call {
    struct http_exchange *exchange;
    const struct accounts_http *http;
    struct accounts *accounts;
    const struct caller *caller;
    struct uuid user; /* the caller's; nil for strangers */
    struct arena *job;
    const json_t *body;      /* of an API call that takes one */
    int http_code;           /* of the answer; 200 unless the action says another */
    bool is_list;            /* the answer is a page of a list, and goes on at next_cursor (R230) */
    const char *next_cursor; /* in the arena; NULL: it was the last page */
};

void call_init(struct call *call, struct http_exchange *exchange, const struct accounts_http *http);

/* ---- the JSON API ---- */

/* *answer: the envelope's data, handed over; NULL is taken for want of memory. */
typedef enum status api_action(struct call *call, json_t **answer, struct fault *fault);

struct api_row {
    const char *method, *pattern;
    enum access access;
    enum limit_kind limit;
    api_action *action;
    const char *summary;
    const char *request_schema; /* NULL: no body is read */
    const char *answer_schema;  /* of the envelope's data */
};
struct api_rows {
    const struct api_row *rows;
    size_t count;
};

extern const struct api_rows sign_in_api, session_api, token_api, mfa_api, admin_api, personal_api;

/* ---- routes that are no API: pages, and the seed's /tokens ---- */

struct route_rows {
    const struct gateway_route *rows; /* their context is the accounts_http */
    size_t count;
};

extern const struct route_rows seed_token_routes, export_routes, public_pages, elsewhere_routes,
    dashboard_pages, account_pages, admin_pages, static_files;

/* ---- fields ---- */

/* A member that must be there and not be empty. STATUS_INVALID "email is required", naming it. */
enum status field_required(const struct call *call, const char *name, struct text *value,
                           struct fault *fault) MUST_USE;
/* The same under either of two names; the fault names the first. */
enum status field_of_either(const struct call *call, const char *name, const char *other,
                            struct text *value, struct fault *fault) MUST_USE;
/* Absent and null leave it empty. */
enum status field_optional(const struct call *call, const char *name, struct text *value,
                           struct fault *fault) MUST_USE;
/* {id} of the path; STATUS_NOT_FOUND for what is no id. */
enum status path_id(const struct call *call, struct uuid *id, struct fault *fault) MUST_USE;

/* ---- what several handlers do ---- */

enum { LETTERS_SHOWN = 50 };

/* Ends the caller's session, and takes the cookie away. */
enum status call_sign_out(struct call *call, struct fault *fault) MUST_USE;
/* Gives the browser the cookie of the new session. */
void call_set_cookie(const struct call *call, const struct signed_in *in);
/* The same, and what the API answers. */
json_t *call_take_session(const struct call *call, const struct signed_in *in);

#endif
