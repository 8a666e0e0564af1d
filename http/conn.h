/* One accepted connection and the server it belongs to, as the files of the inbound side see them.
   Private to the room.

   Who owns whom: server → listeners, connections (`conns`, or `gone` when the client left but a
   handler still owes the answer). A connection → its read buffer (borrowed from the server's stock),
   its one request in flight (which lives in its own arena), the body, the output not yet written. A
   stream is its opener's; it and the connection point at each other until either ends.

   conn.c: life, deadlines, input, output, the walk through the states. request.c: from a head to the
   handler. reply.c, stream.c: from the handler to the output. server.c, listen.c: the rest. */
#ifndef KERYX_HTTP_CONN_H
#define KERYX_HTTP_CONN_H

#include "http/parse.h"
#include "http/server.h"
#include "http/wire.h"

/* Of one read buffer: the largest head, and a usual webhook's body beside its head, so that it is
   read by one call and never copied. A connection has one only while it has bytes of a request. */
#define HTTP_READ_BUFFER (40 * KIB)
/* After an answer that ends the connection early, so much is read and dropped before it is closed. */
#define HTTP_LINGER_BYTES (64 * KIB)
/* Bytes a second that a body must bring and an answer must move, on average. */
#define HTTP_MIN_RATE KIB

/* X(id, word, states it may go to) */
#define HTTP_CONN_STATES(X)                                              \
    X(HANDSHAKE, "handshake", ON(IDLE) | ON(DEAD))                       \
    X(IDLE, "idle", ON(HEAD) | ON(ANSWER) | ON(DEAD))                    \
    X(HEAD, "head", ON(BODY) | ON(ANSWER) | ON(DEAD))                    \
    X(BODY, "body", ON(PENDING) | ON(ANSWER) | ON(STREAM) | ON(DEAD))    \
    X(PENDING, "pending", ON(ANSWER) | ON(STREAM) | ON(GONE) | ON(DEAD)) \
    X(ANSWER, "answer", ON(IDLE) | ON(LINGER) | ON(DEAD))                \
    X(STREAM, "stream", ON(ANSWER) | ON(DEAD))                           \
    X(LINGER, "linger", ON(DEAD))                                        \
    X(GONE, "gone", ON(DEAD))                                            \
    X(DEAD, "dead", 0)

enum http_conn_state {
#define X(id, word, next) HTTP_CONN_##id,
    HTTP_CONN_STATES(X)
#undef X
};

struct http_limits {
    size_t max_body;
    int64_t header_timeout_us, body_timeout_us, idle_timeout_us;
    int64_t handshake_us;
    int64_t slow_body_us; /* from then on HTTP_MIN_RATE holds */
    int64_t stall_us;     /* output: HTTP_MIN_RATE over each such span */
    int64_t linger_us;    /* at most, for HTTP_LINGER_BYTES */
};

struct http_conn {
    struct list_link link;      /* in server->conns, ->gone or ->dead */
    struct http_server *server; /* NULL once it was freed: only an owed answer is left */
    struct loop *loop;
    struct http_wire wire;
    struct loop_io io;
    struct loop_timer timer;
    struct loop_task task; /* go on, or be freed, at the end of the turn */
    int64_t deadline_us;   /* monotonic, INT64_MAX = none */
    int64_t armed_us;      /* when the timer fires; it is not moved when the deadline moves back */
    enum http_conn_state state;
    struct http_limits limits;
    struct addr peer;
    bool admin;
    bool readable;    /* the socket may have more: try */
    bool eof;         /* the peer sends no more */
    bool broken;      /* the socket failed: only closing is left */
    bool refused;     /* over the ceiling of connections: exists to say 503 */
    bool in_callback; /* a handler is on the stack: conn_run() goes on when it returns */

    /* Input: in[start, end) was read and is not finished. */
    char *in;
    size_t start, end;
    struct http_scan scan;
    int64_t head_started_us;

    /* The request in flight; everything below is about it. */
    struct http_request *request;
    size_t body_at; /* in `in`: first byte behind the head */
    size_t next;    /* in `in`: first byte not used by this request so far */
    unsigned minor;
    bool chunked, expect_continue;
    bool body_done;
    bool replied;
    bool close_after;
    bool must_linger; /* refused on the way: the peer may still be sending */
    bool retry_after; /* the answer tells when to come again */
    struct http_chunks chunks;
    int64_t body_started_us;
    char *body; /* when it does not stand in `in` */
    size_t body_n, body_cap;

    struct buf out; /* not yet written: out.p[out_at, out.n) */
    size_t out_at;
    size_t out_moved; /* bytes written since the stall deadline was set */
    size_t linger_left;
    struct http_stream *stream;
};

enum {
    HTTP_SPARE_BUFFERS = 32,
    HTTP_MAX_REFUSED = 64, /* connections over the ceiling that are being told so */
};

struct http_server {
    struct loop *loop;
    struct http_server_options options;
    struct http_limits limits; /* what new connections get */
    struct list listeners;
    struct list conns;
    struct list gone; /* clients that left while a handler owes the answer */
    struct list dead; /* freed at the end of the turn */
    struct list lost; /* streams whose owners are told at the end of the turn */
    size_t n_refused;
    size_t body_bytes;     /* of all c->body */
    struct http_head head; /* scratch of the parser */
    struct buf text;       /* scratch of the answer's head */
    char *spare[HTTP_SPARE_BUFFERS];
    size_t n_spare;
    uint32_t id_prefix, id_count;
    int64_t date_second;
    char date[40];

    bool draining, drain_done;
    struct loop_timer drain_timer;
    struct loop_task drain_task;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* ---- conn.c ---- */
/* Takes fd over; ssl may be NULL. */
struct http_conn *http_conn_new(struct http_server *s, int fd, struct ssl_st *ssl, bool admin);
/* Runs as far as it goes now, then waits for the right thing. Ends with a dead or a waiting one. */
void http_conn_run(struct http_conn *c);
/* The same at the end of this turn. */
void http_conn_run_later(struct http_conn *c);
void http_conn_move(struct http_conn *c, enum http_conn_state next);
void http_conn_deadline(struct http_conn *c, int64_t at_us);
/* Closes; freed at the end of the turn. Tells the handler or the stream that waits. */
void http_conn_kill(struct http_conn *c);
void http_conn_free(struct http_conn *c);
/* The server goes: closes without the loop's help; a pending request stays until its answer. */
void http_conn_orphan(struct http_conn *c);
/* Writes both parts, or keeps what cannot be written now. Never kills: see c->broken. */
void http_conn_send(struct http_conn *c, struct str head, struct str body);
static inline size_t http_conn_unsent(const struct http_conn *c)
{
    return c->out.n - c->out_at;
}
/* Gives memory of the request back. */
void http_conn_release_request(struct http_conn *c);

/* ---- request.c ---- */
/* A request object without content, for answers to what could not be read too. */
void http_request_new(struct http_conn *c);
/* The head is in[start, start + n): parse, route, on_head. Leaves BODY or ANSWER. */
void http_request_begin(struct http_conn *c, size_t n);
/* Takes body bytes out of the input. True when the state changed (complete or refused). */
bool http_request_take_body(struct http_conn *c);
/* Where to read the next body bytes to, when they do not go into the read buffer: sets *room and
   returns the place; NULL when they do, or when refused for lack of budget (state is ANSWER). */
char *http_request_body_room(struct http_conn *c, size_t *room);
/* Answers for the protocol level and ends the connection unless the body is already read. `text` is
   for people. */
void http_request_refuse(struct http_conn *c, int status, const char *reason, const char *text,
                         struct str allow);

/* ---- reply.c ---- */
struct http_reply_head {
    int status;
    const char *content_type; /* NULL = none */
    int64_t content_length;   /* -1 = none */
    const struct http_header *headers;
    size_t n_headers;
    bool chunked;
};
/* The head of an answer in server->text, valid until the next one. */
struct str http_reply_head(struct http_conn *c, const struct http_reply_head *h);

/* ---- stream.c ---- */
/* The connection is lost: the owner is told at the end of the turn. */
void http_stream_lost(struct http_stream *s, struct http_server *server);
/* The same, now. */
void http_stream_tell(struct http_stream *s);
/* The server goes: all that wait to be told. */
void http_stream_tell_lost(struct http_server *s);

/* ---- server.c ---- */
char *http_server_take_buffer(struct http_server *s);
void http_server_give_buffer(struct http_server *s, char *buffer);
/* Counts growth of a body against the ceiling of all; false = no room. */
bool http_server_grow_bodies(struct http_server *s, size_t more);
const char *http_server_date(struct http_server *s);
/* A connection left s->conns. */
void http_server_check_drained(struct http_server *s);

/* ---- listen.c ---- */
void http_listen_close_all(struct http_server *s);

#endif
