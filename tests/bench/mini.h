/* A small HTTP/1.1 server on libev for the ceilings and the sink: enough of the protocol for the load
   generator, libcurl and keryx (keep-alive, Content-Length; no chunks), and nothing a real server
   needs besides (no deadlines, no limits but one). What it costs is the floor of the daemon's cost. */
#ifndef KERYX_BENCH_MINI_H
#define KERYX_BENCH_MINI_H

#include "base/str.h"

#include <ev.h>

struct mini;

struct mini_conn {
    ev_io reading, writing;
    struct mini *server;
    char *in;
    size_t size, n; /* what is there, and how much of it the request being served is */
    size_t used;
    const char *out; /* rest of an answer that did not go out at once */
    size_t out_n;
    struct str signature, delivery, body; /* of the request being served */
    struct mini_conn *next; /* the server's own: a batch of requests waiting for one commit */
};

struct mini {
    struct ev_loop *loop;
    ev_io accepting;
    /* One whole request is there; it stays valid until mini_answer(), which may come later. */
    void (*on_request)(struct mini *server, struct mini_conn *c);
};

/* Listens on 127.0.0.1:port; ends the process when that fails. */
void mini_listen(struct mini *server, unsigned port);
/* `answer` must live for good. */
void mini_answer(struct mini_conn *c, struct str answer);

#endif
