/* message.c - see message.h. */
#include "mail/message.h"

#include <stdio.h>
#include <time.h>

#include "mail/encoding.h"

enum { SENDER_NAME_BYTES = 100 };

enum status mail_sender_check(const struct mail_sender *from, struct fault *fault)
{
    TRY(mail_address_check(from->address, "from", fault));
    TRY(mail_header_check(from->name, "from_name", fault));
    if (from->name.length <= SENDER_NAME_BYTES) return OK;
    return fault_set_param(fault, STATUS_TOO_LARGE, "from_name",
                           "the sender's name is longer than %d bytes", SENDER_NAME_BYTES);
}

/* "Fri, 20 Nov 2026 12:52:55 +0000" */
static void append_date(struct buffer *out, int64_t unix_us)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm utc = {.tm_mday = 1, .tm_year = 70, .tm_wday = 4};
    gmtime_r(&(time_t){unix_us / 1000000}, &utc);
    buffer_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[utc.tm_wday],
                  utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                  utc.tm_sec);
}

static void append_from(struct buffer *out, const struct mail_sender *from)
{
    static const struct text label = TEXT("From: ");
    buffer_append_text(out, label);
    if (from->name.length == 0) {
        buffer_printf(out, "%.*s\r\n", TEXT_FORMAT(from->address));
        return;
    }
    mail_append_header_text(out, label.length, from->name);
    buffer_printf(out, "\r\n <%.*s>\r\n", TEXT_FORMAT(from->address));
}

static void append_subject(struct buffer *out, struct text subject)
{
    static const struct text label = TEXT("Subject: ");
    buffer_append_text(out, label);
    mail_append_header_text(out, label.length, subject);
    buffer_append_string(out, "\r\n");
}

/* The line break in front of a boundary is the boundary's, not the body's. */
static void append_part(struct buffer *out, const char *boundary, const char *type,
                        struct text body)
{
    buffer_printf(out,
                  "--%s\r\n"
                  "Content-Type: %s; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                  boundary, type);
    mail_append_quoted_printable(out, body);
    buffer_append_string(out, "\r\n");
}

enum status mail_message_format(struct buffer *out, const struct mail_sender *from,
                                const struct mail_letter *letter, struct fault *fault)
{
    TRY(mail_sender_check(from, fault));
    TRY(mail_letter_check(letter, fault));
    char id[UUID_TEXT_BYTES], boundary[UUID_TEXT_BYTES + 2];
    uuid_format(letter->id, id);
    /* Quoted-printable never writes =_ so that no body can hold it. */
    snprintf(boundary, sizeof boundary, "=_%s", id);
    append_from(out, from);
    buffer_printf(out, "To: %.*s\r\n", TEXT_FORMAT(letter->recipient));
    append_subject(out, letter->subject);
    append_date(out, letter->created_us);
    buffer_printf(out,
                  "Message-ID: <%s@%.*s>\r\n"
                  "Auto-Submitted: auto-generated\r\n"
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n",
                  id, TEXT_FORMAT(mail_domain_of(from->address)), boundary);
    append_part(out, boundary, "text/plain", letter->plain);
    append_part(out, boundary, "text/html", letter->html);
    buffer_printf(out, "--%s--\r\n", boundary);
    return buffer_status(out, fault);
}
