/* letter.c - see letter.h. */
#include "mail/letter.h"

#include <string.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool all_of(struct text t, const char *others)
{
    for (size_t i = 0; i < t.length; i++)
        if (!is_letter_or_digit(t.data[i]) && !(t.data[i] && strchr(others, t.data[i])))
            return false;
    return t.length > 0;
}

struct text mail_domain_of(struct text address)
{
    size_t at = text_find(address, TEXT("@"));
    return at == SIZE_MAX ? address : text_slice(address, at + 1, address.length);
}

enum status mail_address_check(struct text address, const char *field, struct fault *fault)
{
    struct text domain = mail_domain_of(address);
    size_t local_length = address.length > domain.length ? address.length - domain.length - 1 : 0;
    struct text local = text_slice(address, 0, local_length);
    if (address.length <= MAIL_ADDRESS_BYTES && all_of(local, ".!#$%&'*+-/=?^_`{|}~") &&
        all_of(domain, ".-"))
        return OK;
    return fault_set_param(
        fault, STATUS_INVALID, field,
        "%s must be an e-mail address such as ada@example.com, without a name or "
        "brackets",
        field);
}

enum status mail_header_check(struct text value, const char *field, struct fault *fault)
{
    if (!utf8_valid(value))
        return fault_set_param(fault, STATUS_INVALID, field, "%s is not valid UTF-8", field);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c >= ' ' && c != 0x7f) continue;
        return fault_set_param(fault, STATUS_INVALID, field,
                               "%s holds a line break or another control character (0x%02x), which "
                               "could forge a header",
                               field, c);
    }
    return OK;
}

static enum status body_check(struct text body, const char *field, struct fault *fault)
{
    if (body.length > MAIL_BODY_BYTES)
        return fault_set_param(fault, STATUS_TOO_LARGE, field, "%s is longer than %d bytes", field,
                               MAIL_BODY_BYTES);
    if (!utf8_valid(body) || memchr(body.data, '\0', body.length))
        return fault_set_param(fault, STATUS_INVALID, field,
                               "%s is not valid UTF-8, or holds a NUL", field);
    return OK;
}

enum status mail_letter_check(const struct mail_letter *letter, struct fault *fault)
{
    TRY(mail_address_check(letter->recipient, "recipient", fault));
    TRY(mail_header_check(letter->subject, "subject", fault));
    if (letter->subject.length > MAIL_SUBJECT_BYTES)
        return fault_set_param(fault, STATUS_TOO_LARGE, "subject",
                               "subject is longer than %d bytes", MAIL_SUBJECT_BYTES);
    TRY(body_check(letter->plain, "plain", fault));
    return body_check(letter->html, "html", fault);
}
