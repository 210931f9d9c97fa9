/* answer.c - see answer.h. */
#include "http/answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void answer_date(int64_t wall_ms, char out[HTTP_DATE_BYTES])
{
    static const char DAYS[] = "SunMonTueWedThuFriSat";
    static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    snprintf(out, HTTP_DATE_BYTES, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             DAYS + 3 * utc.tm_wday, (unsigned)utc.tm_mday % 100, MONTHS + 3 * utc.tm_mon,
             (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)utc.tm_hour % 100,
             (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100);
}

static const char *reason_phrase(int http_code)
{
    switch (http_code) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return ""; /* RFC 9112 4: it may be empty */
    }
}

bool answer_has_body(int http_code)
{
    return http_code >= 200 && http_code != 204 && http_code != 304;
}

void answer_append_head(struct buffer *out, const struct answer_head *head)
{
    bool has_body = answer_has_body(head->http_code);
    char date[HTTP_DATE_BYTES];
    answer_date(head->wall_ms, date);
    buffer_printf(out, "HTTP/1.1 %03d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n", head->http_code,
                  reason_phrase(head->http_code), date, head->request_id);
    if (head->content_type && has_body) {
        bool safe = answer_header_safe("Content-Type", head->content_type);
        buffer_printf(out, "Content-Type: %s\r\n",
                      safe ? head->content_type : "application/octet-stream");
        buffer_append_string(out, "X-Content-Type-Options: nosniff\r\n");
    }
    if (head->stream && has_body && head->minor_version == 1)
        buffer_append_string(out, "Transfer-Encoding: chunked\r\n");
    if (!head->stream && has_body)
        buffer_printf(out, "Content-Length: %llu\r\n", (unsigned long long)head->content_length);
    if (!head->keep_alive)
        buffer_append_string(out, "Connection: close\r\n");
    else if (head->minor_version == 0)
        buffer_append_string(out, "Connection: keep-alive\r\n");
    buffer_append_text(out, head->more);
    buffer_append_string(out, "\r\n");
}

void answer_append_chunk(struct buffer *out, struct text bytes)
{
    buffer_printf(out, "%zx\r\n", bytes.length);
    buffer_append_text(out, bytes);
    buffer_append_string(out, "\r\n");
}

bool answer_header_safe(const char *name, const char *value)
{
    static const char SEPARATORS[] = "()<>@,;:\\\"/[]?={} \t";
    if (*name == '\0') return false;
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c >= 0x7F || strchr(SEPARATORS, *c)) return false;
    for (const char *c = value; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F) return false;
    return true;
}
