/* A non-blocking socket with or without TLS under one pair of calls. Private to the room. */
#ifndef KERYX_HTTP_WIRE_H
#define KERYX_HTTP_WIRE_H

#include "base/base.h"

#include <sys/types.h>
#include <sys/uio.h>

struct ssl_st; /* OpenSSL's SSL */

struct http_wire {
    int fd;
    struct ssl_st *ssl;    /* NULL = plain */
    bool read_wants_write; /* TLS: reading (or the handshake) goes on when the socket is writable */
    bool write_wants_read; /* TLS: writing goes on when the socket is readable */
    bool failed;           /* TLS: a fatal error: OpenSSL forbids an orderly end */
};

enum {
    HTTP_WIRE_AGAIN = -1,  /* nothing now */
    HTTP_WIRE_BROKEN = -2, /* reset, TLS failure: only closing is left */
};

/* Bytes read, 0 at the end of what the peer sends, or one of the above. */
ssize_t http_wire_read(struct http_wire *w, void *p, size_t n);
/* Bytes written (of the first parts, in order), or one of the above. */
ssize_t http_wire_write(struct http_wire *w, const struct iovec *parts, int n_parts);
/* 0 = done, or one of the above. */
int http_wire_handshake(struct http_wire *w);
/* Nothing more will be written; the peer sees an orderly end. */
void http_wire_end(struct http_wire *w);
/* Reads what comes off the socket, as it is, and drops it: as http_wire_read. After http_wire_end(). */
ssize_t http_wire_discard(struct http_wire *w);
void http_wire_close(struct http_wire *w);

#endif
