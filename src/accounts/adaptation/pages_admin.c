/* pages_admin.c - the pages of administrators: people, invitations, and the letters that nobody
 * could send. */
#include "accounts/adaptation/json_views.h"
#include "accounts/adaptation/page.h"
#include "accounts/administration.h"
#include "accounts/invitations.h"
#include "accounts/personal_data.h"
#include "mail/mail.h"

/* ---- the page ---- */

static const struct form INVITE = {"admin", {{"email", false}}};

struct admin_lists {
    struct account_query query;
    struct account *people;
    struct invitation_view *invitations;
    struct mail_view *letters;
    size_t people_count, invitation_count, letter_count;
    bool more_people;
};

static enum status read_lists(const struct call *call, struct admin_lists *lists,
                              struct fault *fault)
{
    struct text before = http_query_parameter(call->exchange, "before");
    *lists =
        (struct admin_lists){.query = {.search = http_query_parameter(call->exchange, "search")}};
    if (before.length && !uuid_parse(before, &lists->query.before))
        return fault_set(fault, STATUS_INVALID, "this page is not there");
    TRY(accounts_list(call->accounts, &lists->query, call->job, &lists->people,
                      &lists->people_count, &lists->more_people, fault));
    TRY(accounts_invitations(call->accounts, call->job, &lists->invitations,
                             &lists->invitation_count, fault));
    return mail_recent(call->http->database, LETTERS_SHOWN, call->job, &lists->letters,
                       &lists->letter_count, fault);
}

/* The context of the page; `code` of a new invitation is shown on it, NULL: there is none. */
static json_t *lists_json(const struct call *call, const struct admin_lists *lists,
                          const char *code)
{
    json_t *before =
        lists->more_people ? id_json(lists->people[lists->people_count - 1].id) : json_null();
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s?}", "people",
                     accounts_json(lists->people, lists->people_count), "before", before, "search",
                     text_json(lists->query.search), "invitations",
                     invitations_json(lists->invitations, lists->invitation_count), "letters",
                     letters_json(lists->letters, lists->letter_count), "done",
                     text_json(http_query_parameter(call->exchange, "done")), "invitation_code",
                     code);
}

/* With what became of the form: `made` and its fault, or the code. */
static void reply_admin(const struct call *call, enum status made, const struct fault *about,
                        const char *code)
{
    struct admin_lists lists;
    struct fault fault;
    enum status status = read_lists(call, &lists, &fault);
    if (status != OK)
        gateway_reply_fault(call->exchange, status, &fault, NULL);
    else if (made != OK)
        form_again(call, &INVITE, lists_json(call, &lists, NULL), made, about);
    else
        page_reply(call, code ? 201 : 200, "admin", lists_json(call, &lists, code));
}

static void admin_page(struct http_exchange *exchange, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    reply_admin(&call, OK, NULL, NULL);
}

/* ---- people ---- */

/* What the pressed button says: {id} and a word. */
static enum status change(const struct call *call, struct text action, struct fault *fault)
{
    struct uuid user;
    TRY(path_id(call, &user, fault));
    if (text_equal(action, TEXT("suspend")))
        return accounts_set_status(call->accounts, user, ACCOUNT_SUSPENDED, fault);
    if (text_equal(action, TEXT("activate")))
        return accounts_set_status(call->accounts, user, ACCOUNT_ACTIVE, fault);
    if (text_equal(action, TEXT("make_admin")))
        return accounts_set_role(call->accounts, user, ROLE_ADMIN, fault);
    if (text_equal(action, TEXT("make_user")))
        return accounts_set_role(call->accounts, user, ROLE_USER, fault);
    if (text_equal(action, TEXT("delete")))
        return accounts_delete_by_admin(call->accounts, user, fault);
    return fault_set(fault, STATUS_INVALID, "there is no such button");
}

static void person_post(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = change(&call, http_form_field(exchange, "action"), &fault);
    if (status == OK)
        page_redirect(&call, "/admin?done=changed");
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

/* ---- invitations ---- */

static void invite(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct invitation_view invitation;
    char code[SECRET_TEXT_BYTES];
    call_init(&call, exchange, context);
    const struct invitation_wish wish = {.email = http_form_field(exchange, "email")};
    enum status status =
        accounts_invite(call.accounts, call.user, &wish, code, &invitation, &fault);
    reply_admin(&call, status, &fault, code);
}

static void invitation_revoke(struct http_exchange *exchange, void *context)
{
    struct call call;
    struct fault fault;
    struct uuid id;
    call_init(&call, exchange, context);
    enum status status = path_id(&call, &id, &fault);
    if (status == OK) status = accounts_invitation_revoke(call.accounts, id, &fault);
    if (status == OK)
        page_redirect(&call, "/admin?done=changed");
    else
        gateway_reply_fault(exchange, status, &fault, NULL);
}

/* clang-format off */
static const struct gateway_route ROWS[] = {
    {"GET", "/admin", ACCESS_ADMIN, STYLE_PAGE, LIMIT_READ, false, admin_page,
     .summary = "People, invitations, letters"},
    {"POST", "/admin/users/{id}", ACCESS_ADMIN, STYLE_PAGE, LIMIT_WRITE, false, person_post,
     .summary = "Change a person's status or role"},
    {"POST", "/admin/invitations", ACCESS_ADMIN, STYLE_PAGE, LIMIT_WRITE, false, invite,
     .summary = "Invite somebody"},
    {"POST", "/admin/invitations/{id}/revoke", ACCESS_ADMIN, STYLE_PAGE, LIMIT_WRITE, false, invitation_revoke,
     .summary = "Take an invitation back"},
};
/* clang-format on */

const struct route_rows admin_pages = {ROWS, ARRAY_COUNT(ROWS)};
