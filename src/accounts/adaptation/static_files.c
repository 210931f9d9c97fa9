/* static_files.c - what pages load: the style sheet and the icon (R44). They change only with the
 * program, so a browser asks by their digest whether it has them. */
#include <stdio.h>
#include <string.h>

#include "accounts/adaptation/page.h"
#include "platform/platform.h"

enum { ETAG_BYTES = 2 + 32 + 1 };

static void make_etag(struct text bytes, char etag[ETAG_BYTES])
{
    unsigned char digest[32];
    struct sha256 *sha = sha256_new();
    etag[0] = '\0';
    if (!sha) return; /* then without */
    sha256_update(sha, bytes.data, bytes.length);
    sha256_final_free(sha, digest);
    char hex[2 * sizeof digest + 1];
    hex_encode(digest, sizeof digest, hex);
    snprintf(etag, ETAG_BYTES, "\"%.32s\"", hex);
}

static void reply_file(struct http_exchange *exchange, const char *name, const char *type)
{
    char etag[ETAG_BYTES];
    struct text bytes = {0};
    for (size_t i = 0; i < page_file_count; i++)
        if (strcmp(page_files[i].name, name) == 0) bytes = page_files[i].bytes;
    make_etag(bytes, etag);
    if (etag[0]) http_set_header(exchange, "ETag", etag);
    http_set_header(exchange, "Cache-Control", "no-cache"); /* keep it, but ask */
    bool has_it = etag[0] && text_equal(http_header(exchange, "If-None-Match"), text_of(etag));
    http_reply(exchange, has_it ? 304 : 200, type, has_it ? TEXT("") : bytes);
}

static void style_sheet(struct http_exchange *exchange, void *context)
{
    reply_file(exchange, "style.css", "text/css; charset=utf-8");
}

static void icon(struct http_exchange *exchange, void *context)
{
    reply_file(exchange, "icon.svg", "image/svg+xml");
}

static const struct gateway_route ROWS[] = {
    {"GET", "/static/style.css", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, style_sheet,
     .summary = "The style sheet of the pages"},
    {"GET", "/static/icon.svg", ACCESS_OPEN, STYLE_PAGE, LIMIT_NONE, false, icon,
     .summary = "The icon of the pages"},
};

const struct route_rows static_files = {ROWS, ARRAY_COUNT(ROWS)};
