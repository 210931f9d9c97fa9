/* healthz.c - GET /healthz (R253): is the server ready, and which of the parts that it depends on
 * answer? What is wrong with one is the log's to say: this is open to all. */
#include "gateway/adaptation/gateway_private.h"
#include "platform/platform.h"

static const char *word_of(const struct gateway_check *check, enum status status,
                           const struct fault *fault)
{
    if (status == OK) return "ok";
    if (status == STATUS_NOT_FOUND) return "none";
    log_write("gateway", LOG_WARN, NULL, "%s: %s", check->name, fault->message);
    return "unavailable";
}

void gateway_healthz(struct http_exchange *exchange, void *context)
{
    const struct gateway *gateway = context;
    struct buffer checks, out;
    bool is_ready = true, is_whole = true;
    buffer_init(&checks);
    buffer_init(&out);
    for (size_t i = 0; i < gateway->check_count; i++) {
        const struct gateway_check *check = &gateway->checks[i];
        struct fault fault;
        enum status status = check->check(check->context, &fault);
        is_whole = is_whole && status == OK;
        is_ready = is_ready && (status == OK || !check->is_vital);
        buffer_printf(&checks, "%s\"%s\":\"%s\"", i ? "," : "", check->name,
                      word_of(check, status, &fault));
    }
    buffer_printf(
        &out, "{\"status\":\"%s\",\"version\":\"%s\",\"uptime_seconds\":%lld,\"checks\":{",
        is_whole   ? "ok"
        : is_ready ? "degraded"
                   : "unavailable",
        gateway->options.version, (long long)(clock_wall_ms() - gateway->opened_ms) / 1000);
    buffer_append_text(&out, buffer_text(&checks));
    buffer_append_string(&out, "}}");
    http_reply_json(exchange, is_ready ? 200 : 503, buffer_text(&out));
    buffer_deinit(&checks);
    buffer_deinit(&out);
}
