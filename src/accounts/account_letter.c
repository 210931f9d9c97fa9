/* account_letter.c - see account_letter.h. */
#include "accounts/account_letter.h"

#include <string.h>

/* Nothing in the words below needs escaping in HTML. */
struct words {
    const char *subject, *path;
    const char *sentence, *button, *life, *otherwise;
    int64_t life_s;
};

enum { MINUTE_S = 60, HOUR_S = 60 * MINUTE_S, DAY_S = 24 * HOUR_S };

static const struct words letters[ACCOUNT_LETTER_KINDS] = {
    [LETTER_VERIFY_EMAIL] =
        {
            .subject = "Verify your email address",
            .path = "/verify?code=",
            .sentence = "Welcome. Please confirm that this is your email address.",
            .button = "Verify my address",
            .life = "24 hours",
            .otherwise = "If you did not sign up, you can ignore this letter.",
            .life_s = DAY_S,
        },
    [LETTER_RESET_PASSWORD] =
        {
            .subject = "Reset your password",
            .path = "/reset?code=",
            .sentence = "Somebody, probably you, asked for a new password for your account.",
            .button = "Choose a new password",
            .life = "15 minutes",
            .otherwise = "If it was not you, you can ignore this letter: your password stays as it "
                         "is.",
            .life_s = 15 * MINUTE_S,
        },
    [LETTER_INVITATION] =
        {
            .subject = "You are invited",
            .path = "/register?invitation=",
            .sentence = "You are invited to make an account on this server.",
            .button = "Accept the invitation",
            .life = "7 days",
            .otherwise = "If you do not expect an invitation, you can ignore this letter.",
            .life_s = 7 * DAY_S,
        },
};

int64_t account_letter_life_us(enum account_letter_kind kind)
{
    return letters[kind].life_s * 1000000;
}

/* For HTML: the address of the server may be anything that its operator set. */
static const char *escape(struct arena *job, const char *string)
{
    struct buffer html;
    buffer_init(&html);
    buffer_append_html(&html, text_of(string));
    const char *copy =
        html.failed ? NULL : arena_copy(job, html.data ? html.data : "", html.length);
    buffer_deinit(&html);
    return copy;
}

static char *write_plain(struct arena *job, const struct words *w, const char *link,
                         const char *server)
{
    return arena_printf(job,
                        "%s\n\n"
                        "%s:\n%s\n\n"
                        "The link works once, within %s. %s\n\n"
                        "-- \n%s\n",
                        w->sentence, w->button, link, w->life, w->otherwise, server);
}

/* Styles stand at the elements, because mail programs throw sheets away. */
static char *write_html(struct arena *job, const struct words *w, const char *link,
                        const char *server)
{
    return arena_printf(
        job,
        "<!doctype html>\n"
        "<html lang=\"en\">\n"
        "<head><meta charset=\"utf-8\"><title>%s</title></head>\n"
        "<body style=\"margin:0;padding:32px 16px;background:#f5f4f1;color:#23211e;"
        "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">\n"
        "<div style=\"max-width:460px;margin:0 auto;padding:32px;background:#ffffff;"
        "border:1px solid #e5e2db;border-radius:12px\">\n"
        "<h1 style=\"margin:0 0 16px;font-size:21px;font-weight:600\">%s</h1>\n"
        "<p style=\"margin:0 0 24px\">%s</p>\n"
        "<p style=\"margin:0 0 24px\"><a href=\"%s\" style=\"display:inline-block;"
        "padding:12px 20px;background:#1f5f5b;color:#ffffff;text-decoration:none;"
        "border-radius:8px\">%s</a></p>\n"
        "<p style=\"margin:0 0 8px;font-size:14px;color:#6b675f\">Or open this address:</p>\n"
        "<p style=\"margin:0 0 24px;font-size:14px;word-break:break-all\">"
        "<a href=\"%s\" style=\"color:#1f5f5b\">%s</a></p>\n"
        "<p style=\"margin:0;font-size:14px;color:#6b675f\">The link works once, within %s. "
        "%s</p>\n"
        "</div>\n"
        "<p style=\"margin:16px 0 0;text-align:center;font-size:13px;color:#6b675f\">%s</p>\n"
        "</body>\n"
        "</html>\n",
        w->subject, w->subject, w->sentence, link, w->button, link, link, w->life, w->otherwise,
        server);
}

enum status account_letter_write(enum account_letter_kind kind, struct text public_url,
                                 struct text code, struct arena *job, struct account_letter *letter,
                                 struct fault *fault)
{
    const struct words *w = &letters[kind];
    const char *server = arena_copy(job, public_url.data, public_url.length);
    const char *link =
        server ? arena_printf(job, "%s%s%.*s", server, w->path, TEXT_FORMAT(code)) : NULL;
    if (!link) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a letter");
    const char *safe_link = escape(job, link), *safe_server = escape(job, server);
    const char *plain = write_plain(job, w, link, server);
    const char *html = safe_link && safe_server ? write_html(job, w, safe_link, safe_server) : NULL;
    if (!plain || !html) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a letter");
    *letter = (struct account_letter){
        .subject = text_of(w->subject),
        .plain = text_of(plain),
        .html = text_of(html),
        .link = text_of(link),
    };
    return OK;
}
