/* route.h - a row of a capability's table of routes: who may, how it looks, what it takes. */
#ifndef LIMINAL_GATEWAY_ROUTE_H
#define LIMINAL_GATEWAY_ROUTE_H

#include "gateway/access.h"
#include "gateway/limit_rates.h"
#include "http/http_server.h"

/* A JSON text written as it is: JSON({"type": "object"}). */
#define JSON(...) #__VA_ARGS__

/* How answers and errors look. */
enum style {
    STYLE_OPENAI,   /* {"error":{"message","type","param","code"},"detail"} (X34) */
    STYLE_ENVELOPE, /* {"status","data" or "error","request_id"} (R229) */
    STYLE_PAGE,     /* HTML for people */
};

struct gateway_route {
    const char *method, *pattern; /* as http_route's */
    enum access access;
    enum style style;
    enum limit_kind limit;
    bool replays; /* honours Idempotency-Key (R231) */
    http_handler *handler;
    void *context;
    const char *summary; /* of openapi.json: one line */
    /* JSON Schemas as JSON text; NULL: no body, or not JSON. The answer's is that of `data` where
     * there is an envelope. */
    const char *request_schema, *answer_schema;
};

#endif
