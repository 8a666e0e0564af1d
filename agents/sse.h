/* Reads server-sent events (WHATWG HTML, section 9.2.6): bytes in pieces of any size → events. */
#ifndef KERYX_AGENTS_SSE_H
#define KERYX_AGENTS_SSE_H

#include "base/buf.h"

struct sse {
    struct buf line, data, name;
    /* An event with data; both live only during the call. */
    void (*event)(void *ctx, struct str name, struct str data);
    void *ctx;
    bool after_cr; /* a LF that comes next belongs to it */
    bool started;  /* the byte order mark has been looked for */
};

/* An event larger than max is dropped. */
void sse_init(struct sse *s, size_t max, void (*event)(void *ctx, struct str name, struct str data),
              void *ctx);
void sse_release(struct sse *s);
/* `event` runs inside. */
void sse_feed(struct sse *s, struct str bytes);
/* The stream is over. Unlike a browser we take an event whose blank line is missing: servers that close
   right after their last one exist. */
void sse_end(struct sse *s);

#endif
