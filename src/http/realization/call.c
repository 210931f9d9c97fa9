/* call.c - http_call: one small request and its whole answer in memory. */
#include <stdbool.h>

#include "http/http_client.h"
#include "http/realization/curl_parts.h"

struct gathering {
    struct buffer *answer;
    size_t left_bytes;
    bool too_large;
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *argument)
{
    struct gathering *gathering = argument;
    size_t length = size * count;
    if (length > gathering->left_bytes) {
        gathering->too_large = true;
        return 0;
    }
    gathering->left_bytes -= length;
    buffer_append(gathering->answer, bytes, length);
    return gathering->answer->failed ? 0 : length;
}

static enum status perform(CURL *curl, const struct http_call *call, const char *error_text,
                           struct gathering *gathering, struct fault *fault)
{
    CURLcode result = curl_easy_perform(curl);
    if (gathering->too_large)
        return fault_set(fault, STATUS_TOO_LARGE, "the answer of %s is too large", call->url);
    TRY(buffer_status(gathering->answer, fault));
    return result == CURLE_OK ? OK : curl_fault(result, call->url, error_text, fault);
}

enum status http_call(const struct http_call *call, int *http_code, struct buffer *answer,
                      struct fault *fault)
{
    char error_text[CURL_ERROR_SIZE];
    uint64_t deadline_ms = call->deadline_ms ? call->deadline_ms : 30 * 1000;
    struct gathering gathering = {answer, call->limit_bytes ? call->limit_bytes : 16 << 20, false};
    struct curl_slist *headers = NULL;
    CURL *curl = curl_handle_new(call->url, deadline_ms, error_text);
    if (!curl || !curl_add_headers(&headers, call->headers)) {
        if (curl) curl_easy_cleanup(curl);
        curl_slist_free_all(headers);
        return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    }
    if (call->method) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    if (call->body.length > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &gathering);

    enum status status = perform(curl, call, error_text, &gathering, fault);
    long code = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    *http_code = (int)code;
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return status;
}
