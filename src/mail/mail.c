/* mail.c - the names in the face. The queue and the thread are in realization/. */
#include "mail/mail.h"

static const char *const state_names[] = {
    [MAIL_WAITING] = "waiting",
    [MAIL_SENT] = "sent",
    [MAIL_FAILED] = "failed",
    [MAIL_SHOWN] = "shown",
};

const char *mail_state_name(enum mail_state state)
{
    return state_names[state];
}

bool mail_tls_parse(struct text name, enum mail_tls *tls)
{
    static const char *const names[] = {
        [MAIL_STARTTLS] = "starttls", [MAIL_TLS] = "tls", [MAIL_NO_TLS] = "off"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!text_equal_ignore_case(name, text_of(names[i]))) continue;
        *tls = (enum mail_tls)i;
        return true;
    }
    return false;
}
