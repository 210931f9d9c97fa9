/* welcome.c - GET / and /v1: what is here, for who looks with a browser or guesses the base URL.
 * Open to all, so it tells nothing of the models. */
#include "inference/adaptation/api_private.h"
#include "platform/platform.h"

static void append_page(struct buffer *out, const struct api *api)
{
    buffer_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Liminal</title>\n"
        "<h1>Liminal %s</h1>\n"
        "<p>This server speaks the OpenAI API. The base URL for clients is this address "
        "with <code>/v1</code>.\n"
        "<p><a href=\"/v1/models\">Models</a>, <a href=\"/health\">health</a>, "
        "<a href=\"/metrics\">metrics</a>. All routes are in <code>docs/api.md</code>.\n"
        "</html>\n",
        api->version);
}

static void append_object(struct buffer *out, const struct api *api)
{
    buffer_append_string(out, "{\"name\":\"Liminal\",\"version\":");
    buffer_append_json_string(out, text_of(api->version));
    buffer_append_string(out,
                         ",\"base_url\":\"/v1\",\"models\":\"/v1/models\",\"health\":\"/health\","
                         "\"metrics\":\"/metrics\",\"documentation\":\"docs/api.md\"}");
}

void welcome_handle(struct http_exchange *exchange, void *context)
{
    bool is_browser = text_find(http_header(exchange, "Accept"), TEXT("text/html")) != SIZE_MAX;
    struct buffer out;
    buffer_init(&out);
    if (is_browser)
        append_page(&out, context);
    else
        append_object(&out, context);
    http_set_header(exchange, "Vary", "Accept");
    http_reply(exchange, 200, is_browser ? "text/html; charset=utf-8" : "application/json",
               buffer_text(&out));
    buffer_deinit(&out);
}
