/* smuggling_vectors.h - requests that two parsers could read differently, each followed by what the
 * attacker hopes to smuggle in. Used by the tests of the parser, of the server, and of the server
 * behind nginx. Collected from RFC 9112 11.2, the literature on desync attacks, and the advisories
 * on Node.js, Apache, HAProxy and others. */
#ifndef LIMINAL_HTTP_SMUGGLING_VECTORS_H
#define LIMINAL_HTTP_SMUGGLING_VECTORS_H

#include "base/text.h"

struct smuggling_vector {
    const char *name;
    int http_code;
    struct text bytes;
};

#define SMUGGLED     "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define HOST         "Host: localhost\r\n"
#define POST         "POST /echo HTTP/1.1\r\n" HOST
#define CHUNKED      POST "Transfer-Encoding: chunked\r\n\r\n"
#define AFTER(bytes) TEXT(bytes SMUGGLED)

static const struct smuggling_vector SMUGGLING_VECTORS[] = {
    /* which of the two lengths counts? */
    {"CL.TE", 400, AFTER(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX")},
    {"TE.CL", 400, AFTER(POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX")},
    {"CL.0 and TE", 400,
     AFTER(POST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"two lengths", 400, AFTER(POST "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello")},
    {"two equal lengths", 400, AFTER(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")},
    {"second length with a space", 400,
     AFTER(POST "Content-Length: 5\r\nContent-Length : 0\r\n\r\nhello")},
    {"list of lengths", 400, AFTER(POST "Content-Length: 5, 5\r\n\r\nhello")},
    {"signed length", 400, AFTER(POST "Content-Length: +5\r\n\r\nhello")},
    {"negative length", 400, AFTER(POST "Content-Length: -5\r\n\r\nhello")},
    {"hexadecimal length", 400, AFTER(POST "Content-Length: 0x5\r\n\r\nhello")},
    {"fractional length", 400, AFTER(POST "Content-Length: 5.0\r\n\r\nhello")},
    {"length in two words", 400, AFTER(POST "Content-Length: 5 5\r\n\r\nhello")},
    {"length with a letter", 400, AFTER(POST "Content-Length: 5a\r\n\r\nhello")},
    {"empty length", 400, AFTER(POST "Content-Length: \r\n\r\n")},
    {"quoted length", 400, AFTER(POST "Content-Length: \"5\"\r\n\r\nhello")},
    {"length with a vertical tab", 400,
     AFTER(POST "Content-Length: \x0b"
                "5\r\n\r\nhello")},
    {"length of 2^64 + 5", 400, AFTER(POST "Content-Length: 18446744073709551621\r\n\r\nhello")},
    {"length of 40 digits", 400,
     AFTER(POST "Content-Length: 0000000000000000000000000000000000000005\r\n\r\nhello")},
    {"length of a terabyte", 413, AFTER(POST "Content-Length: 1099511627776\r\n\r\nhello")},

    /* Transfer-Encoding that one side sees and the other does not */
    {"TE xchunked", 400, AFTER(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")},
    {"TE identity", 400, AFTER(POST "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n")},
    {"TE gzip, chunked", 400, AFTER(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {"TE chunked, identity", 400,
     AFTER(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n")},
    {"TE chunked, chunked", 400,
     AFTER(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
    {"TE with a parameter", 400, AFTER(POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n")},
    {"TE quoted", 400, AFTER(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n")},
    {"TE with a comma", 400, AFTER(POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n")},
    {"TE empty", 400, AFTER(POST "Transfer-Encoding: \r\n\r\n0\r\n\r\n")},
    {"TE with a vertical tab", 400,
     AFTER(POST "Transfer-Encoding: \x0b"
                "chunked\r\n\r\n0\r\n\r\n")},
    {"TE with a no-break space", 400,
     AFTER(POST "Transfer-Encoding:\xa0"
                "chunked\r\n\r\n0\r\n\r\n")},
    {"TE with a NUL", 400, AFTER(POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n")},
    {"two TE", 400,
     AFTER(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")},
    {"two equal TE", 400,
     AFTER(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"TE in HTTP/1.0", 400,
     AFTER("POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"TE in HTTP/1.0, kept alive", 400,
     AFTER("POST /echo HTTP/1.0\r\n" HOST
           "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},

    /* names and values that are read in two ways */
    {"space before the colon", 400, AFTER(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n")},
    {"tab before the colon", 400, AFTER(POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n")},
    {"space before the name", 400,
     AFTER("POST /echo HTTP/1.1\r\n Content-Length: 5\r\n" HOST "\r\nhello")},
    {"folded value", 400, AFTER(POST "X: a\r\n b\r\n\r\n")},
    {"folded TE", 400, AFTER(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n")},
    {"TE hidden in a fold", 400,
     AFTER(POST "X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"line of spaces", 400, AFTER(POST "  \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"no colon", 400, AFTER(POST "Transfer-Encoding chunked\r\n\r\n")},
    {"no name", 400, AFTER(POST ": chunked\r\n\r\n")},
    {"separator in a name", 400, AFTER(POST "X(y): z\r\n\r\n")},
    {"byte above 127 in a name", 400, AFTER(POST "X\xff: z\r\n\r\n")},
    {"NUL in a name", 400, AFTER(POST "X\0Y: z\r\n\r\n")},
    {"NUL in a value", 400, AFTER(POST "X: y\0z\r\n\r\n")},
    {"DEL in a value", 400, AFTER(POST "X: y\x7fz\r\n\r\n")},
    {"escape in a value", 400, AFTER(POST "X: \x1b[31m\r\n\r\n")},

    /* where a line ends */
    {"all lines end in LF", 400,
     TEXT("GET /hello HTTP/1.1\nHost: localhost\n\nGET /smuggled HTTP/1.1\nHost: localhost\n\n")},
    {"request line ends in LF", 400, AFTER("GET /hello HTTP/1.1\n" HOST "\r\n")},
    {"a header ends in LF", 400, AFTER(POST "X: a\nContent-Length: 5\r\n\r\nhello")},
    {"a header ends in CR", 400, AFTER(POST "X: a\rContent-Length: 5\r\n\r\nhello")},
    {"CR CR LF", 400, AFTER(POST "X: a\r\r\nContent-Length: 5\r\n\r\nhello")},
    {"head ends in LF LF", 400, AFTER(POST "Content-Length: 5\r\n\nhello")},
    {"head ends in CR", 400, AFTER(POST "Content-Length: 5\r\n\rhello")},
    {"LF before the request", 400, AFTER("\nGET /hello HTTP/1.1\r\n" HOST "\r\n")},
    {"empty lines before the request", 400,
     AFTER("\r\n\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n")},

    /* the request line */
    {"HTTP/2.0", 505, AFTER("GET /hello HTTP/2.0\r\n" HOST "\r\n")},
    {"HTTP/2 preface", 400, AFTER("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"HTTP/1.2", 400, AFTER("GET /hello HTTP/1.2\r\n" HOST "\r\n")},
    {"HTTP/0.9", 505, AFTER("GET /hello HTTP/0.9\r\n" HOST "\r\n")},
    {"HTTP/1.10", 400, AFTER("GET /hello HTTP/1.10\r\n" HOST "\r\n")},
    {"HTTP/01.1", 400, AFTER("GET /hello HTTP/01.1\r\n" HOST "\r\n")},
    {"http/1.1", 400, AFTER("GET /hello http/1.1\r\n" HOST "\r\n")},
    {"HTTP/1", 400, AFTER("GET /hello HTTP/1\r\n" HOST "\r\n")},
    {"RTSP/1.0", 400, AFTER("GET /hello RTSP/1.0\r\n" HOST "\r\n")},
    {"ICE/1.0", 400, AFTER("SOURCE /hello ICE/1.0\r\n" HOST "\r\n")},
    {"no version", 400, AFTER("GET /hello\r\n" HOST "\r\n")},
    {"two spaces", 400, AFTER("GET  /hello HTTP/1.1\r\n" HOST "\r\n")},
    {"two spaces before the version", 400, AFTER("GET /hello  HTTP/1.1\r\n" HOST "\r\n")},
    {"tab for a space", 400, AFTER("GET\t/hello HTTP/1.1\r\n" HOST "\r\n")},
    {"space after the version", 400, AFTER("GET /hello HTTP/1.1 \r\n" HOST "\r\n")},
    {"four words", 400, AFTER("GET /hello /smuggled HTTP/1.1\r\n" HOST "\r\n")},
    {"space before the method", 400, AFTER(" GET /hello HTTP/1.1\r\n" HOST "\r\n")},
    {"NUL in the target", 400, AFTER("GET /he\0llo HTTP/1.1\r\n" HOST "\r\n")},
    {"byte above 127 in the target", 400, AFTER("GET /h\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n")},
    {"unknown method", 400, AFTER("SMUGGLE /hello HTTP/1.1\r\n" HOST "\r\n")},
    {"method in small letters", 400, AFTER("get /hello HTTP/1.1\r\n" HOST "\r\n")},
    {"endless method", 400,
     AFTER("GETGETGETGETGETGETGETGETGETGETGETGET /hello HTTP/1.1\r\n" HOST "\r\n")},

    /* whose request is it? */
    {"no Host", 400, AFTER("GET /hello HTTP/1.1\r\n\r\n")},
    {"two Hosts", 400, AFTER("GET /hello HTTP/1.1\r\n" HOST "Host: evil\r\n\r\n")},
    {"two equal Hosts", 400, AFTER("GET /hello HTTP/1.1\r\n" HOST HOST "\r\n")},
    {"Host with a space", 400, AFTER("GET /hello HTTP/1.1\r\nHost : localhost\r\n\r\n")},
    {"two Hosts in HTTP/1.0", 400, AFTER("GET /hello HTTP/1.0\r\n" HOST "Host: evil\r\n\r\n")},

    /* chunks */
    {"chunk size of a letter", 400, AFTER(CHUNKED "g\r\nhello\r\n0\r\n\r\n")},
    {"chunk size 0x5", 400, AFTER(CHUNKED "0x5\r\nhello\r\n0\r\n\r\n")},
    {"signed chunk size", 400, AFTER(CHUNKED "+5\r\nhello\r\n0\r\n\r\n")},
    {"negative chunk size", 400, AFTER(CHUNKED "-5\r\nhello\r\n0\r\n\r\n")},
    {"space before the chunk size", 400, AFTER(CHUNKED " 5\r\nhello\r\n0\r\n\r\n")},
    {"space after the chunk size", 400, AFTER(CHUNKED "5 \r\nhello\r\n0\r\n\r\n")},
    {"no chunk size", 400, AFTER(CHUNKED "\r\nhello\r\n0\r\n\r\n")},
    {"chunk size with a NUL", 400, AFTER(CHUNKED "5\0\r\nhello\r\n0\r\n\r\n")},
    {"chunk size of 2^64 + 5", 400, AFTER(CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n")},
    {"chunk size of 24 digits", 400,
     AFTER(CHUNKED "000000000000000000000005\r\nhello\r\n0\r\n\r\n")},
    {"chunk line ends in LF", 400, AFTER(CHUNKED "5\nhello\r\n0\r\n\r\n")},
    {"chunk line ends in CR", 400, AFTER(CHUNKED "5\rhello\r\n0\r\n\r\n")},
    {"chunk ends in LF", 400, AFTER(CHUNKED "5\r\nhello\n0\r\n\r\n")},
    {"chunk longer than its size", 400, AFTER(CHUNKED "5\r\nhelloX\r\n0\r\n\r\n")},
    {"chunk without its end", 400, AFTER(CHUNKED "5\r\nhello0\r\n\r\n")},
    {"LF in a chunk extension", 400, AFTER(CHUNKED "5;a\nb\r\nhello\r\n0\r\n\r\n")},
    {"CR in a chunk extension", 400, AFTER(CHUNKED "5;a\rb\r\nhello\r\n0\r\n\r\n")},
    {"NUL in a chunk extension", 400, AFTER(CHUNKED "5;a\0b\r\nhello\r\n0\r\n\r\n")},
    {"last chunk ends in LF", 400, AFTER(CHUNKED "0\n\r\n")},
    {"body ends in LF", 400, AFTER(CHUNKED "0\r\n\n")},
    {"trailer", 400, AFTER(CHUNKED "0\r\nX: y\r\n\r\n")},
    {"trailer of framing", 400, AFTER(CHUNKED "0\r\nContent-Length: 5\r\n\r\n")},
    {"trailer that routes", 400, AFTER(CHUNKED "0\r\nHost: evil\r\n\r\n")},

    /* promises */
    {"another expectation", 417, AFTER(POST "Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello")},
    {"two expectations", 417,
     AFTER(POST "Expect: 100-continue, x\r\nContent-Length: 5\r\n\r\nhello")},
};

#undef AFTER
#undef CHUNKED
#undef POST
#undef HOST

#endif
