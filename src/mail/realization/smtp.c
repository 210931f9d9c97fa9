/* smtp.c - see smtp.h. A connection for each letter: what could hang is then inside one call, whose
 * progress we watch. */
#include "mail/realization/smtp.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"

enum {
    DEFAULT_PORT = 587,
    DEFAULT_TIMEOUT_MS = 60 * 1000,
    WORD_WAIT_MS = 5000, /* for the server's word on what it has, once we shall stop */
    REPLY_BYTES = 400,
    URL_BYTES = 700,
};

static bool is_set(const char *string)
{
    return string && *string;
}

/* ---- options ---- */

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static bool is_v6(const char *host)
{
    return strchr(host, ':') != NULL;
}

static bool is_host(const char *host)
{
    static const char of_names[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    static const char of_v6[] = "0123456789abcdefABCDEF:.";
    size_t length = strlen(host);
    return length < 254 && strspn(host, is_v6(host) ? of_v6 : of_names) == length;
}

enum status smtp_check(const struct mail_options *options, struct fault *fault)
{
    if (!is_host(options->host))
        return fault_set_param(
            fault, STATUS_INVALID, "host",
            "\"%s\" is no name or address of a mail server; the port goes into a "
            "setting of its own",
            options->host);
    if (is_set(options->user) != is_set(options->password))
        return fault_set_param(fault, STATUS_INVALID, is_set(options->user) ? "password" : "user",
                               "a mail server's user and password come together, or neither");
    if (options->tls == MAIL_NO_TLS && is_set(options->user) && !is_loopback(options->host))
        return fault_set_param(fault, STATUS_INVALID, "tls",
                               "without TLS the password for %s would travel in the open: use "
                               "starttls or tls",
                               options->host);
    return OK;
}

/* ---- one delivery ---- */

struct delivery {
    const struct mail_options *options;
    const atomic_bool *stopping;
    struct text left; /* of the message */
    bool is_handed_over, is_answered;
    uint64_t stop_seen_ns;
    char reply[REPLY_BYTES]; /* the server's last line */
    char error_text[CURL_ERROR_SIZE];
    char url[URL_BYTES];
};

static size_t give_message(char *bytes, size_t size, size_t count, void *argument)
{
    struct delivery *d = argument;
    size_t length = size * count < d->left.length ? size * count : d->left.length;
    memcpy(bytes, d->left.data, length);
    d->left = text_slice(d->left, length, d->left.length);
    if (length == 0) d->is_handed_over = true;
    return length;
}

/* Called with each line of the server's. Only what is printable is kept: it goes into logs. What it
 * says to our QUIT is no answer to anything. */
static size_t take_reply(char *bytes, size_t size, size_t count, void *argument)
{
    struct delivery *d = argument;
    size_t length = 0;
    if (text_starts_with((struct text){bytes, size * count}, TEXT("221"))) return size * count;
    for (size_t i = 0; i < size * count && length < REPLY_BYTES - 1; i++)
        if (bytes[i] >= ' ' && bytes[i] <= '~') d->reply[length++] = bytes[i];
    d->reply[length] = '\0';
    if (d->is_handed_over) d->is_answered = true;
    return size * count;
}

/* Breaking off is harmless before the server has the whole letter, and after it said what it makes
 * of it; in between nobody would know whether it was delivered. Nonzero breaks off. */
static int watch(void *argument, curl_off_t down_total, curl_off_t down_now, curl_off_t up_total,
                 curl_off_t up_now)
{
    struct delivery *d = argument;
    if (!atomic_load(d->stopping)) return 0;
    if (!d->is_handed_over || d->is_answered) return 1;
    uint64_t now_ns = clock_monotonic_ns();
    if (!d->stop_seen_ns) d->stop_seen_ns = now_ns;
    return now_ns - d->stop_seen_ns > WORD_WAIT_MS * UINT64_C(1000000);
}

/* The name we greet with is our domain's: the machine's own is rarely one that anybody knows. */
static void make_url(struct delivery *d)
{
    const struct mail_options *o = d->options;
    struct text domain = mail_domain_of(text_of(o->from));
    snprintf(d->url, sizeof d->url, "%s://%s%s%s:%u/%.*s", o->tls == MAIL_TLS ? "smtps" : "smtp",
             is_v6(o->host) ? "[" : "", o->host, is_v6(o->host) ? "]" : "",
             o->port ? o->port : DEFAULT_PORT, TEXT_FORMAT(domain));
}

static void set_security(CURL *curl, const struct mail_options *options)
{
    const char *trusted = is_set(options->ca_file) ? options->ca_file : getenv("SSL_CERT_FILE");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    if (options->tls != MAIL_NO_TLS) curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (is_set(trusted)) curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
    if (!is_set(options->user)) return;
    curl_easy_setopt(curl, CURLOPT_USERNAME, options->user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options->password);
}

static void set_times(CURL *curl, const struct mail_options *options)
{
    long timeout_ms = options->timeout_ms ? (long)options->timeout_ms : DEFAULT_TIMEOUT_MS;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (timeout_ms + 999) / 1000);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 5 * timeout_ms);
    curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void set_callbacks(CURL *curl, struct delivery *d)
{
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, d->error_text);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, d);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, d);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, d);
}

/* ---- what became of it ---- */

/* Of the last reply; curl's own CURLINFO_RESPONSE_CODE is that of the QUIT. 0: none. */
static long reply_code(const struct delivery *d)
{
    return strtol(d->reply, NULL, 10);
}

/* `remedy` says what to look at; the server's own last words follow where it spoke. */
static enum mail_outcome told(const struct delivery *d, enum mail_outcome outcome,
                              const char *remedy, struct fault *fault)
{
    const struct mail_options *o = d->options;
    fault_set(fault, STATUS_UNAVAILABLE, "the mail server %s:%u %s (%s%s%s)", o->host,
              o->port ? o->port : DEFAULT_PORT, remedy,
              d->error_text[0] ? d->error_text : "no more is known",
              d->reply[0] ? "; it said: " : "", d->reply);
    return outcome;
}

static enum mail_outcome told_reply(const struct delivery *d, struct fault *fault)
{
    enum mail_outcome outcome = mail_outcome_of_reply(reply_code(d));
    switch (outcome) {
    case MAIL_REFUSED: return told(d, outcome, "refuses the letter", fault);
    case MAIL_MISCONFIGURED:
        return told(d, outcome, "does not let us in: check smtp-user and smtp-password", fault);
    default: return told(d, outcome, "wants it later", fault);
    }
}

static enum mail_outcome outcome_of(const struct delivery *d, CURLcode result, struct fault *fault)
{
    long code = reply_code(d);
    /* Its word on the letter holds, whatever went wrong afterwards. */
    if (d->is_answered) return code / 100 == 2 ? MAIL_DELIVERED : told_reply(d, fault);
    switch (result) {
    case CURLE_OK: return MAIL_DELIVERED;
    case CURLE_ABORTED_BY_CALLBACK:
        fault_set(fault, STATUS_STOPPING, "the server was stopped");
        return d->is_handed_over ? MAIL_UNREACHABLE : MAIL_INTERRUPTED;
    case CURLE_COULDNT_RESOLVE_HOST:
        return told(d, MAIL_UNREACHABLE, "is not known: check smtp-host and the network", fault);
    case CURLE_COULDNT_CONNECT:
        return told(d, MAIL_UNREACHABLE,
                    "can't be reached: check smtp-host, smtp-port and the network", fault);
    case CURLE_USE_SSL_FAILED:
        return told(d, MAIL_MISCONFIGURED,
                    "does not offer STARTTLS: smtp-tls can be starttls, tls or off", fault);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return told(d, MAIL_MISCONFIGURED,
                    "shows a certificate that is not trusted: check smtp-host, smtp-ca and this "
                    "machine's clock",
                    fault);
    case CURLE_SSL_CONNECT_ERROR:
        return told(d, MAIL_MISCONFIGURED,
                    "speaks no TLS that we speak: check smtp-port and smtp-tls", fault);
    case CURLE_LOGIN_DENIED:
        return code < 400 || code >= 500
                   ? told(d, MAIL_MISCONFIGURED,
                          "does not let us in: check smtp-user and smtp-password", fault)
                   : told(d, MAIL_UNREACHABLE, "can't check our password now", fault);
    case CURLE_OPERATION_TIMEDOUT:
        return told(d, MAIL_UNREACHABLE, "takes too long to answer", fault);
    default:
        return code >= 400 ? told_reply(d, fault)
                           : told(d, MAIL_UNREACHABLE, "broke off the conversation", fault);
    }
}

static enum mail_outcome deliver(CURL *curl, struct delivery *d, struct text recipient,
                                 struct fault *fault)
{
    char to[MAIL_ADDRESS_BYTES + 3], from[MAIL_ADDRESS_BYTES + 3];
    snprintf(to, sizeof to, "<%.*s>", TEXT_FORMAT(recipient));
    snprintf(from, sizeof from, "<%s>", d->options->from);
    struct curl_slist *recipients = curl_slist_append(NULL, to);
    if (!recipients) {
        fault_set(fault, STATUS_NO_MEMORY, "no memory to send a letter");
        return MAIL_DEFERRED;
    }
    make_url(d);
    set_security(curl, d->options);
    set_times(curl, d->options);
    set_callbacks(curl, d);
    curl_easy_setopt(curl, CURLOPT_URL, d->url);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(recipients);
    return outcome_of(d, result, fault);
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum mail_outcome smtp_deliver(const struct mail_options *options, struct text recipient,
                               struct text message, const atomic_bool *stopping,
                               struct fault *fault)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    struct delivery d = {.options = options, .stopping = stopping, .left = message};
    CURL *curl = curl_easy_init();
    if (!curl) {
        fault_set(fault, STATUS_NO_MEMORY, "no memory to send a letter");
        return MAIL_DEFERRED;
    }
    enum mail_outcome outcome = deliver(curl, &d, recipient, fault);
    curl_easy_cleanup(curl);
    return outcome;
}
