/* Bytes → request head, bytes → chunks. Pure and strict (RFC 9112): what two parsers could read
   differently is refused, never repaired. Private to the room. */
#ifndef KERYX_HTTP_PARSE_H
#define KERYX_HTTP_PARSE_H

#include "base/error.h"
#include "http/message.h"

enum {
    HTTP_MAX_HEAD = 32 * 1024,        /* beyond: 431 */
    HTTP_MAX_REQUEST_LINE = 8 * 1024, /* without its CRLF; beyond: 414 */
    HTTP_MAX_FIELDS = 100,            /* beyond: 431 */
    HTTP_MAX_METHOD = 16,
    HTTP_MAX_CHUNK_DIGITS = 15,
    HTTP_MAX_CHUNK_EXTENSIONS = 4 * 1024, /* of all chunks together */
    HTTP_MAX_TRAILERS = 8 * 1024,
};

/* How far the search for the end of a head came; all zero at the start of each head. */
struct http_scan {
    size_t at;   /* bytes seen so far */
    size_t line; /* where the line begun last starts; 0 = still in the request line */
};

/* bytes: all there is of the head so far, from its first byte on. Returns the head's length with its
   empty line, 0 when more is needed, or -status with the error set. The verdict does not depend on
   how the bytes were cut. */
ptrdiff_t http_head_scan(struct http_scan *s, struct str bytes, struct error *e) must_check;

struct http_head {
    struct str method;
    struct str target;      /* as sent */
    struct str path, query; /* raw parts of the target; path starts with '/' */
    unsigned minor;         /* HTTP/1.minor: 0 or 1 */
    int64_t content_length; /* -1 = none */
    bool chunked;
    bool keep_alive;      /* what the client wants */
    bool expect_continue; /* waits for 100 before it sends the body */
    int status;           /* of a refused head: what to answer */
    size_t n_fields;
    struct http_header fields[HTTP_MAX_FIELDS];
};

/* Takes a whole head (as found by http_head_scan) apart; all views point into `bytes`.
   -1: h->status is the answer (400, 417, 431, 501, 505). */
int http_head_parse(struct str bytes, struct http_head *h, struct error *e) must_check;

/* Decoder of a chunked body; all zero at the start. */
struct http_chunks {
    uint8_t state;
    bool done; /* the last chunk and the trailers are read */
    uint8_t digits;
    uint32_t extensions; /* bytes so far */
    uint32_t trailers;
    uint64_t left; /* of the current chunk's data; known before the data comes */
    char name[18]; /* of the current trailer, as far as it fits */
    uint8_t name_n;
    int status; /* of a refused body */
};

/* Takes bytes off the front of *in until a piece of data is found (returns 1, *piece points into the
   input), the input is used up or the body is done (0), or the bytes are refused (-1, k->status).
   Trailers are checked and dropped. Bytes behind the end of the body stay in *in. */
int http_chunks_next(struct http_chunks *k, struct str *in, struct str *piece,
                     struct error *e) must_check;

#endif
