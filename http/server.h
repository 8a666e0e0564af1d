/* The inbound side: listeners, connections, requests, answers. Strict HTTP/1.1 and 1.0 on libev, TLS
   by OpenSSL. One request in flight per connection, pipelined ones wait in order.

   A request's life: head read → on_head of the matched route (may refuse before a byte of body, and
   sets the body's ceiling) → body read under deadline and ceiling → on_request → at any later time
   exactly one http_reply*() → the request object is gone. When the client goes away before the
   answer, on_gone is called (if set); the reply is still owed, gives the request's memory back and is
   otherwise dropped (on_gone itself may do it). A client that only ended its sending (half-closed)
   counts as gone for handlers that set on_gone, and is answered for all others. When the client
   leaves during the body, on_gone of a request whose on_head set it is called and nothing is owed. */
#ifndef KERYX_HTTP_SERVER_H
#define KERYX_HTTP_SERVER_H

#include "base/addr.h"
#include "base/loop.h"
#include "http/message.h"

struct http_server;
struct http_request;

struct http_route {
    /* Called when the head is complete and the route matched; NULL = accept. Return 0 to go on; a
       status >= 400 after having called http_reply(): the body is not read (drained a little, closed),
       unless all of it had come with the head: then the connection stays. */
    int (*on_head)(struct http_request *r);
    /* Whole body is in r->body. Must lead to one reply, now or later. */
    void (*on_request)(struct http_request *r);
    void *ctx; /* the handler's own, reached through r->route->ctx */
};

struct http_request {
    struct arena *arena; /* everything of this request */
    struct str method;   /* as sent: "POST" */
    struct str target;   /* as sent */
    struct str path;     /* percent-decoded, always starts with '/' */
    struct str query;    /* raw, without '?' */
    struct http_headers headers;
    struct str body;        /* de-chunked raw bytes; complete in on_request */
    size_t max_body;        /* on_head may lower or raise it; 0 = the server's */
    int64_t content_length; /* declared, or -1 */
    struct addr peer;       /* of the socket */
    bool tls;
    bool admin;          /* came in on an admin listener */
    int64_t started_us;  /* monotonic, when the first byte of the head was read */
    int64_t received_us; /* wall clock, when the head was complete */
    const char *id;      /* request id, answered as X-Request-Id */
    const struct http_route *route;
    struct json *params; /* pattern variables of the route as an object, or NULL */
    /* Called once when the client is gone before the answer; not called after a reply. The reply is
       still owed (see the top). */
    void (*on_gone)(struct http_request *r);
    void *user;             /* the handler's own */
    struct http_conn *conn; /* private */
};

/* Finds the route of a request; called when the head is complete. Returns the route (with r->params
   set), or NULL after setting *status to 404 or 405 and, for 405, *allow to the Allow value. */
struct http_dispatch {
    const struct http_route *(*find)(void *ctx, struct http_request *r, int *status,
                                     struct str *allow);
    /* Answers 404/405/4xx of the protocol level as the house does; NULL = a plain JSON error. `reason` is a
       word such as "not_found", "method", "too_large", "malformed", "timeout", "busy". */
    void (*refuse)(void *ctx, struct http_request *r, int status, const char *reason,
                   struct str allow);
    void *ctx;
};

/* 0 anywhere = what server.c says: 1 MiB, 64 MiB, 10000, 10 s, 30 s, 75 s. */
struct http_server_options {
    size_t max_body;       /* default ceiling of a body */
    size_t max_body_total; /* memory of bodies in flight that outgrew their connection's read buffer
                                 (40 KiB), all connections; beyond: 503 */
    unsigned max_connections; /* beyond: accepted, answered 503, closed; counted */
    int64_t header_timeout_us, body_timeout_us, idle_timeout_us;
    struct http_dispatch dispatch;
};

struct http_server *http_server_new(struct loop *l, const struct http_server_options *o) must_check;
/* Changes limits for connections accepted from now on (reload). The dispatch is exchanged at once: the
   next head asks the new one; routes of requests in flight must live until they are answered. */
void http_server_set_options(struct http_server *s, const struct http_server_options *o);

struct http_tls; /* http/tls.h */
/* address: "host:port", "[v6]:port", ":port" (all addresses), "host:0" (any free port), "unix:/path".
   tls may be NULL and must outlive the server. Several names or addresses of a host are each bound; a
   dead unix socket in the way is removed. Returns 0 or -1 with a sentence that names the address. */
int http_server_listen(struct http_server *s, const char *address, bool admin, struct http_tls *tls,
                       struct error *e) must_check;
/* Where the i-th listener really listens: "127.0.0.1:40123"; NULL past the last. */
const char *http_server_address(const struct http_server *s, size_t i);
size_t http_server_connections(const struct http_server *s);
/* Stops listening; idle connections close now, busy ones after their answer (Connection: close).
   drained is called once, later, when the last is gone or deadline_us from now, when the rest is cut.
   Streams do not hold it up: they are cut once nothing else is open. */
void http_server_drain(struct http_server *s, int64_t deadline_us, void (*drained)(void *ctx),
                       void *ctx);
/* Not from inside a handler. Calls on_gone and gone of what is still open; replies that are owed may
   come later and are dropped. NULL is fine. */
void http_server_free(struct http_server *s);

/* ---- answers (http/reply.c) ---- */

struct http_answer {
    int status;
    const char *content_type;          /* NULL = application/json */
    struct str body;                   /* copied */
    const struct http_header *headers; /* extra ones; copied; may be NULL */
    size_t n_headers;
    bool close; /* close the connection afterwards */
};
/* Answers: exactly once a request. Headers with a bad name or a value that could end its line are left
   out; 204 and 304 have no body. The request is gone at the end of the loop turn at the latest, do not
   touch it afterwards. */
void http_reply(struct http_request *r, const struct http_answer *answer);
/* A JSON body built in any arena. */
void http_reply_json(struct http_request *r, int status, const struct json *body);
/* {"error": text} style of the house for internal use: see api/problem.h for /api. */

/* Server-sent events / streamed answers: head now, pieces later. `open` returns a stream that is the
   caller's until http_stream_close(); gone (may be NULL) is called once, later, when the client left
   or was cut (then close it). A client that reads slower than max_buffer bytes behind is cut and
   counted. Counts as the reply. The connection is not used again afterwards. */
struct http_stream;
struct http_stream *http_stream_open(struct http_request *r, int status, const char *content_type,
                                     size_t max_buffer, void (*gone)(void *ctx),
                                     void *ctx) must_check;
int http_stream_write(struct http_stream *s,
                      struct str bytes) must_check; /* -1: client gone or cut */
void http_stream_close(struct http_stream *s);

#endif
