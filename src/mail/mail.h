/* mail.h - the face of mail: letters are queued in the transaction that causes them, and a thread
 * takes them to an SMTP server, again and again until it has them.
 *
 *     TRY(mail_enqueue(t, &letter, fault));     // in the transaction: no letter without its cause
 *     ...
 *     mail_wake(mail);                          // once it was committed: it leaves now
 *
 * Each letter is delivered at least once, and by one of the servers that share the database. It
 * comes twice only when nobody is left to note that it was taken: when the process dies, or the
 * connection, between the mail server's word and ours in the database. Both then have the same
 * Message-ID.
 *
 * Without an SMTP server letters are not sent: the log shows their links to who keeps the server,
 * and mail_recent to administrators. */
#ifndef LIMINAL_MAIL_MAIL_H
#define LIMINAL_MAIL_MAIL_H

#include <stdbool.h>

#include "base/arena.h"
#include "mail/letter.h"

struct database;
struct mail;
struct transaction;

enum mail_tls {
    MAIL_STARTTLS, /* the connection becomes TLS before anything is said; without that: no mail */
    MAIL_TLS,      /* it is TLS from the first byte (port 465) */
    MAIL_NO_TLS,   /* letters, and the links in them, can be read on the way */
};

/* Borrowed until mail_close. */
struct mail_options {
    struct database *database; /* migrated */
    const char *host;          /* a name or an address; NULL or "": there is no SMTP server */
    uint16_t port;             /* 0: 587 */
    enum mail_tls tls;
    const char *user, *password; /* NULL or "": none */
    const char *ca_file;         /* PEM to trust; NULL or "": SSL_CERT_FILE, else the system's */
    const char *from;            /* the address that letters come from; needed with `host` */
    const char *from_name;       /* what people see instead of it; NULL: nothing */
    bool log_links;              /* without a server: the log shows links, else only mail_recent */
    uint32_t timeout_ms;         /* for each answer of the server; 0: a minute */
    int64_t (*now_us)(void);     /* NULL: the machine's clock */
};

/* "starttls", "tls", "off"; false for anything else. */
bool mail_tls_parse(struct text name, enum mail_tls *tls) MUST_USE;

/* Starts the thread. The server is not asked yet: it may come later. STATUS_INVALID, naming the
 * option, for what can't work: a host without a sender's address, a password that would travel in
 * the open. */
enum status mail_open(struct mail **out, const struct mail_options *options,
                      struct fault *fault) MUST_USE;
/* A letter that is under way is put back into the queue, unless the server has all of it: then its
 * word is waited for, five seconds at most. */
void mail_close(struct mail *mail);

/* Acts as the system. The letter's texts are copied. */
enum status mail_enqueue(struct transaction *t, const struct mail_letter *letter,
                         struct fault *fault) MUST_USE;
/* Delete every letter to this address, in whatever case, also those that wait: its person goes.
 * Acts as the system. */
enum status mail_forget(struct transaction *t, struct text recipient, struct fault *fault) MUST_USE;
/* Look at the queue now: something was committed. From any thread; NULL is allowed. Without it a
 * letter leaves within half a minute. */
void mail_wake(struct mail *mail);

enum mail_state {
    MAIL_WAITING, /* for the first attempt or the next */
    MAIL_SENT,
    MAIL_FAILED, /* given up */
    MAIL_SHOWN,  /* there was no server: its link was shown instead */
};
const char *mail_state_name(enum mail_state state); /* "waiting", "sent", "failed", "shown" */

struct mail_view {
    struct uuid id;
    struct text recipient, subject;
    struct text link;  /* of what was shown or given up; else empty */
    struct text error; /* of the last attempt; empty: none, or one is under way */
    enum mail_state state;
    int64_t created_us;
    int64_t state_us; /* since when; of one that waits: when it is tried next */
    int64_t attempts;
};

/* The newest `limit` letters, newest first, in the arena: for administrators. They are kept for a
 * month; of those that were sent, neither text nor link. */
enum status mail_recent(struct database *database, size_t limit, struct arena *job,
                        struct mail_view **letters, size_t *count, struct fault *fault) MUST_USE;

#endif
