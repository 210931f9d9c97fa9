/* account_mail.c - the mails that bring links. Their words only; how they travel is another's. */
#include "accounts/realization/accounts_parts.h"

struct letter {
    const char *subject, *path, *sentence, *life;
    int64_t life_s;
};

/* R30, R35: 24 hours; R240: 15 minutes. */
static const struct letter letters[] = {
    [CODE_VERIFY_EMAIL] = {"Verify your email address", "/verify?code=",
                           "Please confirm that this is your e-mail address:", "24 hours",
                           24 * 3600},
    [CODE_RESET_PASSWORD] = {"Reset your password", "/reset?code=",
                             "Somebody, probably you, wants a new password for your account. If it "
                             "was not you, do nothing. Else choose one here:",
                             "15 minutes", 15 * 60},
};

enum status accounts_mail_link(struct accounts *accounts, struct transaction *t,
                               const struct account *account, enum code_purpose purpose,
                               struct fault *fault)
{
    const struct letter *letter = &letters[purpose];
    char code[SECRET_TEXT_BYTES];
    struct secret_hash hash = accounts_new_secret("", code);
    int64_t now_us = accounts_now_us(accounts);
    TRY(store_code_insert(t, &hash, purpose, &account->id, now_us,
                          now_us + letter->life_s * 1000000, fault));
    /* Neither the URL nor the code holds a character that HTML would mind. */
    const char *plain =
        arena_printf(sql_job(t), "%s\n\n%s%s%s\n\nThe link is good for %s.\n", letter->sentence,
                     accounts->public_url, letter->path, code, letter->life);
    const char *html = arena_printf(
        sql_job(t), "<p>%s</p><p><a href=\"%s%s%s\">%s</a></p><p>The link is good for %s.</p>\n",
        letter->sentence, accounts->public_url, letter->path, code, letter->subject, letter->life);
    if (!plain || !html) return fault_set(fault, STATUS_NO_MEMORY, "no memory for a mail");
    const struct mail mail = {
        .id = accounts_new_id(accounts),
        .recipient = text_of(account->email),
        .subject = text_of(letter->subject),
        .body_text = text_of(plain),
        .body_html = text_of(html),
    };
    return store_mail_insert(t, &mail, now_us, fault);
}
