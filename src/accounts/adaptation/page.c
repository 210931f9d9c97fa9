/* page.c - see page.h. */
#include "accounts/adaptation/page.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/adaptation/json_views.h"
#include "accounts/sign_in_elsewhere.h"
#include "gateway/style.h"
#include "model/template/chat_template.h"
#include "platform/platform.h"

/* ---- templates ---- */

struct pages {
    size_t count;
    struct page_template {
        const char *file;
        struct chat_template *compiled;
    } templates[];
};

static const struct page_file *find_file(const char *name)
{
    for (size_t i = 0; i < page_file_count; i++)
        if (strcmp(page_files[i].name, name) == 0) return &page_files[i];
    return NULL;
}

/* Each page stands between what all of them share: the macros, and the frame around. */
static bool is_page(const char *file)
{
    return text_ends_with(text_of(file), TEXT(".html")) && strcmp(file, "macros.html") != 0 &&
           strcmp(file, "frame.html") != 0;
}

static enum status compile(struct page_template *template, const struct page_file *file,
                           struct fault *fault)
{
    struct buffer source;
    buffer_init(&source);
    buffer_append_text(&source, find_file("macros.html")->bytes);
    buffer_append_text(&source, file->bytes);
    buffer_append_text(&source, find_file("frame.html")->bytes);
    template->file = file->name;
    enum status status = buffer_status(&source, fault);
    if (status == OK)
        status = chat_template_compile(&template->compiled, buffer_text(&source), fault);
    if (status != OK) fault_prefix(fault, "pages/%s", file->name);
    buffer_deinit(&source);
    return status;
}

enum status pages_open(struct pages **out, struct fault *fault)
{
    struct pages *pages = calloc(1, sizeof *pages + page_file_count * sizeof *pages->templates);
    if (!pages) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the pages");
    for (size_t i = 0; i < page_file_count; i++) {
        if (!is_page(page_files[i].name)) continue;
        enum status status = compile(&pages->templates[pages->count++], &page_files[i], fault);
        if (status == OK) continue;
        pages_close(pages);
        return status;
    }
    *out = pages;
    return OK;
}

void pages_close(struct pages *pages)
{
    if (!pages) return;
    for (size_t i = 0; i < pages->count; i++) chat_template_free(pages->templates[i].compiled);
    free(pages);
}

static const struct chat_template *find_template(const struct pages *pages, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < pages->count; i++) {
        const char *file = pages->templates[i].file;
        if (strncmp(file, name, length) == 0 && strcmp(file + length, ".html") == 0)
            return pages->templates[i].compiled;
    }
    return NULL;
}

/* ---- contexts ---- */

static json_t *escaped(const json_t *value);

static json_t *escaped_object(const json_t *object)
{
    json_t *out = json_object(), *member;
    const char *name;
    json_object_foreach((json_t *)object, name, member)
    {
        json_t *value =
            text_ends_with(text_of(name), TEXT("_html")) ? json_incref(member) : escaped(member);
        if (json_object_set_new(out, name, value) == 0) continue;
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *escaped_array(const json_t *array)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(array); i++)
        json_array_append_new(out, escaped(json_array_get(array, i)));
    return list_of_all(out, json_array_size(array));
}

static json_t *escaped_string(const json_t *string)
{
    struct buffer html;
    buffer_init(&html);
    buffer_append_html(&html, (struct text){json_string_value(string), json_string_length(string)});
    json_t *out = html.failed ? NULL : json_stringn(html.length ? html.data : "", html.length);
    buffer_deinit(&html);
    return out;
}

/* A copy whose strings may stand within HTML, also within attributes; NULL without memory. */
static json_t *escaped(const json_t *value)
{
    if (json_is_object(value)) return escaped_object(value);
    if (json_is_array(value)) return escaped_array(value);
    if (json_is_string(value)) return escaped_string(value);
    return json_incref((json_t *)value);
}

/* Where clients find this server. The server has checked the Host header (http_server.h). */
static const char *base_url(const struct call *call)
{
    if (call->http->public_url) return call->http->public_url;
    struct text host = http_header(call->exchange, "Host");
    const char *url = arena_printf(call->job, "http://%.*s", TEXT_FORMAT(host));
    return url ? url : "";
}

/* The services elsewhere that one may sign in with. */
static json_t *providers_json(const struct call *call)
{
    const struct identity_provider *providers;
    size_t count = elsewhere_providers(call->accounts, &providers);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", providers[i].name, "label", providers[i].label));
    return list_of_all(list, count);
}

/* What every template may use. */
static json_t *whole_context(const struct call *call, const char *name, const json_t *own)
{
    const struct caller *caller = call->caller;
    bool is_person =
        caller->kind == CALLER_ACCOUNT && caller->principal.credential != CREDENTIAL_API_TOKEN;
    json_t *user = is_person ? account_json(&caller->principal.account) : json_null();
    json_t *plain =
        json_pack("{s:s, s:o, s:s, s:o, s:s, s:s, s:b, s:{}, s:{}}", "page", name, "providers",
                  providers_json(call), "csrf", gateway_csrf_token(call->exchange), "user", user,
                  "version", call->http->version, "url", base_url(call), "invite_only",
                  call->http->invite_only, "errors", "values");
    if (!plain || json_object_update(plain, (json_t *)own) != 0) {
        json_decref(plain);
        return NULL;
    }
    json_t *context = escaped(plain);
    json_decref(plain);
    return context;
}

/* ---- answers ---- */

/* R62: nothing from elsewhere, no scripts, in nobody's frame; addresses with codes in them are told
 * to nobody; pages with secrets stay in no cache. */
static void set_page_headers(struct http_exchange *exchange)
{
    http_set_header(exchange, "Content-Security-Policy",
                    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
                    "frame-ancestors 'none'; base-uri 'none'");
    http_set_header(exchange, "X-Frame-Options", "DENY");
    http_set_header(exchange, "Referrer-Policy", "same-origin");
    http_set_header(exchange, "Cache-Control", "no-store");
}

static enum status render(const struct call *call, const char *name, const json_t *own,
                          struct buffer *html, struct fault *fault)
{
    const struct chat_template *template = find_template(call->http->pages, name);
    if (!template) return fault_set(fault, STATUS_INTERNAL, "there is no page %s", name);
    json_t *context = own ? whole_context(call, name, own) : NULL;
    if (!context) return fault_set(fault, STATUS_NO_MEMORY, "no memory for the page");
    enum status status =
        chat_template_render(template, context, clock_wall_ms() / 1000, html, fault);
    json_decref(context);
    return status;
}

/* Without a page to say it on: what is wrong is ours. */
static void reply_broken(struct http_exchange *exchange, enum status status,
                         const struct fault *fault)
{
    struct buffer html;
    buffer_init(&html);
    *gateway_fault(exchange) = *fault;
    page_error_append(&html, status_http_code(status), fault);
    http_reply(exchange, status_http_code(status), "text/html; charset=utf-8", buffer_text(&html));
    buffer_deinit(&html);
}

void page_reply(const struct call *call, int http_code, const char *name, json_t *context)
{
    struct fault fault;
    struct buffer html;
    buffer_init(&html);
    enum status status = render(call, name, context, &html, &fault);
    set_page_headers(call->exchange);
    if (status == OK)
        http_reply(call->exchange, http_code, "text/html; charset=utf-8", buffer_text(&html));
    else
        reply_broken(call->exchange, status, &fault);
    buffer_deinit(&html);
    json_decref(context);
}

void page_show(struct http_exchange *exchange, void *context, const char *name)
{
    struct call call;
    call_init(&call, exchange, context);
    page_reply(&call, 200, name, json_object());
}

void page_show_with(struct http_exchange *exchange, void *context, const char *name,
                    const char *const *parameters)
{
    struct call call;
    json_t *values = json_object();
    call_init(&call, exchange, context);
    for (; *parameters; parameters++)
        json_object_set_new(values, *parameters,
                            text_json(http_query_parameter(exchange, *parameters)));
    page_reply(&call, 200, name, json_pack("{s:o}", "values", values));
}

void page_redirect(const struct call *call, const char *path)
{
    http_set_header(call->exchange, "Location", path);
    http_set_header(call->exchange, "Cache-Control", "no-store");
    http_set_header(call->exchange, "Referrer-Policy", "same-origin");
    http_reply(call->exchange, 303, "text/plain; charset=utf-8", TEXT(""));
}

/* No open redirect: only to a path of ours. */
void page_go_on(const struct call *call, struct text next)
{
    const char *path =
        return_path_is_ours(next) ? arena_copy(call->job, next.data, next.length) : NULL;
    page_redirect(call, path ? path : "/dashboard");
}

/* Back here after signing in; only to what can be shown again. */
static void send_to_sign_in(const struct call *call)
{
    struct text path = http_path(call->exchange);
    bool comes_back =
        text_equal(http_method(call->exchange), TEXT("GET")) && return_path_is_ours(path);
    const char *login =
        comes_back ? arena_printf(call->job, "/login?next=%.*s", TEXT_FORMAT(path)) : NULL;
    page_redirect(call, login ? login : "/login");
}

void page_error(struct http_exchange *exchange, int http_code, enum status status,
                const struct fault *fault, void *context)
{
    struct call call;
    call_init(&call, exchange, context);
    if (status == STATUS_UNAUTHORIZED) {
        send_to_sign_in(&call);
        return;
    }
    page_reply(&call, http_code, "error",
               json_pack("{s:i, s:o}", "code", http_code, "message",
                         text_json(text_of(fault ? fault->message : ""))));
}

/* ---- forms ---- */

static bool has_field(const struct form *form, const char *name)
{
    for (const struct form_field *field = form->fields; field->name; field++)
        if (strcmp(field->name, name) == 0) return true;
    return false;
}

static json_t *typed_values(const struct call *call, const struct form *form)
{
    json_t *values = json_object();
    for (const struct form_field *field = form->fields; field->name; field++)
        if (!field->is_secret)
            json_object_set_new(values, field->name,
                                text_json(http_form_field(call->exchange, field->name)));
    return values;
}

void form_again(const struct call *call, const struct form *form, json_t *context,
                enum status status, const struct fault *fault)
{
    if (status_http_code(status) >= 500) {
        json_decref(context);
        gateway_reply_fault(call->exchange, status, fault, NULL);
        return;
    }
    *gateway_fault(call->exchange) = *fault;
    gateway_fault(call->exchange)->status = status;
    if (status == STATUS_BUSY) http_set_header(call->exchange, "Retry-After", "60");
    const char *place = has_field(form, fault->param) ? fault->param : "form";
    json_object_set_new(context, "values", typed_values(call, form));
    json_object_set_new(context, "errors",
                        json_pack("{s:o}", place, text_json(text_of(fault->message))));
    page_reply(call, status_http_code(status), form->page, context);
}

void form_submit(struct http_exchange *exchange, void *context, const struct form *form,
                 form_action *action, const char *then)
{
    struct call call;
    struct fault fault;
    call_init(&call, exchange, context);
    enum status status = action(&call, &fault);
    if (status == OK)
        page_redirect(&call, then);
    else
        form_again(&call, form, json_object(), status, &fault);
}

enum status form_required(const struct call *call, const char *name, const char *label,
                          struct text *value, struct fault *fault)
{
    *value = http_form_field(call->exchange, name);
    if (value->length) return OK;
    return fault_set_param(fault, STATUS_INVALID, name, "%s is required", label);
}

enum status form_new_password(const struct call *call, struct text *password, struct fault *fault)
{
    TRY(form_required(call, "password", "Password", password, fault));
    if (text_equal(*password, http_form_field(call->exchange, "confirm_password"))) return OK;
    return fault_set_param(fault, STATUS_INVALID, "confirm_password", "Passwords do not match");
}
