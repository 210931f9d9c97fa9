/* account_mail.c - letters with links: the code into the database, the letter into the queue. */
#include "accounts/realization/accounts_parts.h"
#include "mail/mail.h"

static const enum account_letter_kind letter_of[] = {
    [CODE_VERIFY_EMAIL] = LETTER_VERIFY_EMAIL,
    [CODE_RESET_PASSWORD] = LETTER_RESET_PASSWORD,
};

enum status accounts_mail_code(struct accounts *accounts, struct transaction *t,
                               struct text recipient, enum account_letter_kind kind,
                               struct text code, struct fault *fault)
{
    struct account_letter words;
    TRY(account_letter_write(kind, text_of(accounts->public_url), code, sql_job(t), &words, fault));
    int64_t now_us = accounts_now_us(accounts);
    const struct mail_letter letter = {
        .id = accounts_new_id(accounts),
        .recipient = recipient,
        .subject = words.subject,
        .plain = words.plain,
        .html = words.html,
        .link = words.link,
        .created_us = now_us,
        .expires_us = now_us + account_letter_life_us(kind),
    };
    return mail_enqueue(t, &letter, fault);
}

enum status accounts_mail_link(struct accounts *accounts, struct transaction *t,
                               const struct account *account, enum code_purpose purpose,
                               struct fault *fault)
{
    char code[SECRET_TEXT_BYTES];
    struct secret_hash hash = accounts_new_secret("", code);
    int64_t now_us = accounts_now_us(accounts);
    enum account_letter_kind kind = letter_of[purpose];
    TRY(store_code_insert(t, &hash, purpose, &account->id, now_us,
                          now_us + account_letter_life_us(kind), fault));
    return accounts_mail_code(accounts, t, text_of(account->email), kind, text_of(code), fault);
}

enum status accounts_write_and_mail(struct accounts *accounts, sql_work *work, void *argument,
                                    struct fault *fault)
{
    TRY(database_write(accounts->options.database, sql_actor_system(), work, argument, fault));
    mail_wake(accounts->options.mail);
    return OK;
}
