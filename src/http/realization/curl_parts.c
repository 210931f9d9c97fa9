/* curl_parts.c - see curl_parts.h. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "http/realization/curl_parts.h"

#include "base/text.h"

enum { REDIRECTS_LIMIT = 10 };

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

CURL *curl_handle_new(const char *url, uint64_t connect_deadline_ms, char *error_text)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    CURL *curl = curl_easy_init();
    if (!curl) return NULL;
    bool secure = text_starts_with(text_of(url), TEXT("https:"));
    error_text[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "liminal");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_LIMIT);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_deadline_ms);
    const char *trusted = getenv("SSL_CERT_FILE"); /* the name that most programs know */
    if (trusted && *trusted) curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
    return curl;
}

bool curl_add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer) *list = longer;
    return longer != NULL;
}

bool curl_add_headers(struct curl_slist **list, const char *const *lines)
{
    for (; lines && *lines; lines++)
        if (!curl_add_header(list, *lines)) return false;
    return true;
}

enum status curl_fault(CURLcode code, const char *url, const char *error_text, struct fault *fault)
{
    const char *words = error_text[0] ? error_text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return fault_set(fault, STATUS_INVALID, "%s is not an http:// or https:// URL (%s)", url,
                         words);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return fault_set(fault, STATUS_UNAVAILABLE,
                         "the host of %s was not found (%s): check the name and that this machine "
                         "is on the network",
                         url, words);
    case CURLE_COULDNT_CONNECT:
        return fault_set(
            fault, STATUS_UNAVAILABLE,
            "cannot connect to %s (%s): check that this machine is on the network, and "
            "whether it needs a proxy (https_proxy)",
            url, words);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
        return fault_set(fault, STATUS_IO,
                         "no trustworthy TLS connection to %s (%s): check this machine's clock and "
                         "its certificates (Debian: ca-certificates)",
                         url, words);
    case CURLE_TOO_MANY_REDIRECTS:
        return fault_set(fault, STATUS_UNAVAILABLE, "%s redirects more than %d times", url,
                         REDIRECTS_LIMIT);
    case CURLE_OPERATION_TIMEDOUT:
        return fault_set(fault, STATUS_TIMEOUT, "%s took too long to answer (%s)", url, words);
    case CURLE_OUT_OF_MEMORY: return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    default:
        return fault_set(fault, STATUS_UNAVAILABLE, "the connection to %s failed (%s)", url, words);
    }
}
