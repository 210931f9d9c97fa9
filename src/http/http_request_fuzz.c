/* http_request_fuzz.c - the parser under arbitrary bytes in arbitrary pieces, without sockets.
 *
 * The first byte of the input seeds how the rest is cut. What must hold: the pieces make no
 * difference, what is accepted lies within the limits and has no framing that another parser could
 * read differently, and the rules behind the parser (target, Host, Origin, routes) take whatever it
 * lets through. */
#include <assert.h>
#include <string.h>

#include "http/inflate_bounded.h"
#include "http/origin_policy.h"
#include "http/request_parser.h"
#include "http/route.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static const struct request_limits LIMITS = {.head_bytes = 2048, .body_bytes = 512, .fields = 16};

static void handle(struct http_exchange *exchange, void *context)
{
}

static const struct http_route ROUTES[] = {
    {"GET", "/hello", handle, NULL},
    {"POST", "/{first}/{rest*}", handle, NULL},
    {"GET", "/{id}", handle, NULL},
};

struct outcome {
    enum parse_step step;
    int http_code;
    size_t used;
};

/* Parse one request; `seed` 0 gives all bytes at once. */
static struct outcome parse(struct http_request *request, struct text bytes, unsigned seed)
{
    struct request_parser parser;
    struct outcome outcome = {.step = PARSE_MORE};
    http_request_init(request);
    request_parser_begin(&parser, request, &LIMITS);
    while (outcome.used < bytes.length) {
        size_t piece = bytes.length - outcome.used;
        if (seed) {
            seed = seed * 1103515245u + 12345u;
            size_t wanted = 1 + (seed >> 16) % 23;
            if (wanted < piece) piece = wanted;
        }
        size_t used;
        outcome.step = request_parser_feed(&parser, bytes.data + outcome.used, piece, &used);
        assert(used <= piece);
        outcome.used += used;
        if (outcome.step == PARSE_DONE || outcome.step == PARSE_REFUSED) break;
        assert(used > 0);
    }
    if (outcome.step == PARSE_HEAD) outcome.step = PARSE_MORE; /* it waits for the body */
    outcome.http_code = parser.refusal.http_code;
    assert((outcome.step == PARSE_REFUSED) == (outcome.http_code >= 400));
    return outcome;
}

static void check_unambiguous(const struct http_request *request)
{
    size_t lengths = http_request_count(request, TEXT("content-length"));
    size_t codings = http_request_count(request, TEXT("transfer-encoding"));
    assert(lengths + codings <= 1);
    assert(http_request_count(request, TEXT("host")) <= 1);
    assert(request->head.length <= LIMITS.head_bytes);
    assert(request->body.length <= LIMITS.body_bytes);
    assert(request->field_count <= LIMITS.fields);
    if (lengths + codings == 0) assert(request->body.length == 0);
    for (size_t i = 0; i < request->field_count; i++) {
        struct text name = request->fields[i].name, value = request->fields[i].value;
        assert(name.length > 0);
        assert(!memchr(name.data, ' ', name.length) && !memchr(name.data, ':', name.length));
        assert(!memchr(value.data, '\r', value.length) && !memchr(value.data, '\n', value.length));
        assert(!memchr(value.data, '\0', value.length));
    }
}

/* What the server does with a request next. */
static void use(struct http_request *request)
{
    static const char *const ALLOWED[] = {"example.org", NULL};
    struct http_target target;
    struct route_match match;
    struct fault fault;
    const struct http_field *host = http_request_field(request, TEXT("host"));
    const struct http_field *origin = http_request_field(request, TEXT("origin"));
    struct text host_text = host ? host->value : TEXT("");
    if (host_well_formed(host_text)) (void)host_allowed(host_text, ALLOWED);
    (void)origin_judge(origin ? origin->value : TEXT(""), host_text, ALLOWED);
    if (target_parse(&target, request->target, &request->arena, &fault) != OK) return;
    assert(utf8_valid(target.path));
    for (size_t i = 0; i < target.segment_count; i++) {
        assert(!text_equal(target.segments[i], TEXT("..")));
        assert(!memchr(target.segments[i].data, '\0', target.segments[i].length));
    }
    route_find(&match, ROUTES, ARRAY_COUNT(ROUTES), request->method, &target);
    struct buffer plain;
    buffer_init(&plain);
    if (gzip_inflate(buffer_text(&request->body), 4096, &plain, &fault) == OK)
        assert(plain.length <= 4096);
    buffer_deinit(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    if (length == 0) return 0;
    unsigned seed = data[0] + 1u;
    struct text bytes = {(const char *)data + 1, length - 1};
    while (bytes.length > 0) { /* request after request, as on a connection */
        struct http_request whole, pieces;
        struct outcome a = parse(&whole, bytes, 0);
        struct outcome b = parse(&pieces, bytes, seed);
        /* a body that is both too large and malformed may be refused for either */
        assert(a.step == b.step);
        assert(a.http_code == b.http_code || a.http_code == 413 || b.http_code == 413);
        if (a.step == PARSE_DONE) {
            assert(a.used == b.used);
            assert(text_equal(buffer_text(&whole.body), buffer_text(&pieces.body)));
            check_unambiguous(&whole);
            use(&whole);
        }
        http_request_deinit(&whole);
        http_request_deinit(&pieces);
        if (a.step != PARSE_DONE) break;
        bytes = text_slice(bytes, a.used, bytes.length);
    }
    return 0;
}
