/* The walk of one connection through its states. Only http_conn_run() walks; everything else sets
   flags, sends, or asks for a run at the end of the turn, so no object goes away under a caller. */
#include "http/conn.h"

#include "base/stats.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
    CONN_REQUESTS_PER_RUN = 32, /* pipelined ones, before others get their turn */
    CONN_MAX_OUT = 1 << 30,
};

static const unsigned conn_may_go[] = {
#define ON(id)            (1U << HTTP_CONN_##id)
#define X(id, word, next) (next),
    HTTP_CONN_STATES(X)
#undef X
#undef ON
};

void http_conn_move(struct http_conn *c, enum http_conn_state next)
{
    if (!(conn_may_go[c->state] & (1U << next)))
        abort(); /* a mistake of ours; going on would answer twice or use what was freed */
    c->state = next;
}

static void conn_on_task(struct loop_task *t);
static void conn_on_timer(struct loop_timer *t);
static void conn_on_io(struct loop_io *io, int events);

struct http_conn *http_conn_new(struct http_server *s, int fd, struct ssl_st *ssl, bool admin)
{
    struct http_conn *c = xalloc(sizeof(*c));
    struct sockaddr_storage peer;
    socklen_t n = sizeof(peer);
    if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0)
        c->peer = addr_from_sockaddr((struct sockaddr *)&peer);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 },
               sizeof(int)); /* fails on unix sockets: fine */
    c->server = s;
    c->loop = s->loop;
    c->wire = (struct http_wire){ .fd = fd, .ssl = ssl };
    c->admin = admin;
    c->out.limit = CONN_MAX_OUT;
    c->limits = s->limits;
    c->deadline_us = c->armed_us = INT64_MAX;
    c->state = ssl ? HTTP_CONN_HANDSHAKE : HTTP_CONN_IDLE;
    list_append(&s->conns, &c->link);
    stats_add(STATS_HTTP_CONNECTIONS, 1, NULL, NULL, NULL);
    http_conn_deadline(c, loop_mono(c->loop) +
                              (ssl ? c->limits.handshake_us : c->limits.header_timeout_us));
    return c;
}

/* ---- deadlines ---- */

static void conn_arm(struct http_conn *c)
{
    c->armed_us = c->deadline_us;
    loop_timer_set(c->loop, &c->timer, c->deadline_us - loop_mono(c->loop), conn_on_timer);
}

void http_conn_deadline(struct http_conn *c, int64_t at_us)
{
    c->deadline_us = at_us;
    if (at_us < c->armed_us)
        conn_arm(c);
}

static void conn_body_deadline(struct http_conn *c, int64_t now)
{
    int64_t end = c->body_started_us + c->limits.body_timeout_us;
    http_conn_deadline(c, MIN(end, now + c->limits.slow_body_us));
}

/* The body's time is over, or it comes too slowly. */
static bool conn_body_is_late(const struct http_conn *c, int64_t now)
{
    int64_t took = now - c->body_started_us;
    size_t got = c->body ? c->body_n : c->end - c->body_at;
    return took >= c->limits.body_timeout_us ||
           (int64_t)got < took * (int64_t)HTTP_MIN_RATE / US_PER_S;
}

static void conn_expire(struct http_conn *c, int64_t now)
{
    switch (c->state) {
    case HTTP_CONN_HEAD:
        http_request_refuse(c, 408, "timeout", "the head did not come in time", STR_NULL);
        break;
    case HTTP_CONN_BODY:
        if (conn_body_is_late(c, now))
            http_request_refuse(c, 408, "timeout", "the body did not come in time", STR_NULL);
        else
            conn_body_deadline(c, now);
        break;
    case HTTP_CONN_ANSWER:
    case HTTP_CONN_STREAM:
        if ((int64_t)c->out_moved * US_PER_S >= c->limits.stall_us * (int64_t)HTTP_MIN_RATE) {
            c->out_moved = 0;
            http_conn_deadline(c, now + c->limits.stall_us);
            break;
        }
        stats_inc(STATS_LIMIT_HITS, "http_write_stall", NULL, NULL);
        http_conn_kill(c);
        break;
    default:
        http_conn_kill(c);
        break;
    }
    http_conn_run(c);
}

static void conn_on_timer(struct loop_timer *t)
{
    struct http_conn *c = container_of(t, struct http_conn, timer);
    int64_t now = loop_mono(c->loop);
    c->armed_us = INT64_MAX;
    if (c->deadline_us == INT64_MAX)
        return;
    if (now < c->deadline_us)
        conn_arm(c); /* it was moved while the timer ran */
    else
        conn_expire(c, now);
}

/* ---- output ---- */

static void conn_flush(struct http_conn *c)
{
    while (http_conn_unsent(c) && !c->broken) {
        struct iovec part = { c->out.p + c->out_at, http_conn_unsent(c) };
        ssize_t put = http_wire_write(&c->wire, &part, 1);
        if (put == HTTP_WIRE_AGAIN)
            return;
        if (put < 0) {
            c->broken = true;
            break;
        }
        c->out_at += (size_t)put;
        c->out_moved += (size_t)put;
    }
    c->out_at = 0;
    buf_release(&c->out);
}

static void conn_keep_output(struct http_conn *c, struct str bytes)
{
    if (c->out_at && c->out.n - c->out_at < c->out_at) {
        buf_consume(&c->out, c->out_at);
        c->out_at = 0;
    }
    if (!http_conn_unsent(c) || c->deadline_us == INT64_MAX) {
        c->out_moved = 0;
        http_conn_deadline(c, loop_mono(c->loop) + c->limits.stall_us);
    }
    buf_str(&c->out, bytes);
    c->broken |= !buf_ok(&c->out);
}

void http_conn_send(struct http_conn *c, struct str head, struct str body)
{
    if (c->broken)
        return;
    if (c->wire.ssl || http_conn_unsent(c)) {
        bool first = !http_conn_unsent(c);
        conn_keep_output(c, head);
        conn_keep_output(c, body);
        if (first)
            conn_flush(c);
        return;
    }
    struct iovec parts[2] = { { (void *)(uintptr_t)head.p, head.n },
                              { (void *)(uintptr_t)body.p, body.n } };
    ssize_t put = http_wire_write(&c->wire, parts, body.n ? 2 : 1);
    if (put == HTTP_WIRE_BROKEN)
        c->broken = true;
    size_t done = put < 0 ? 0 : (size_t)put;
    if (c->broken || done == head.n + body.n)
        return;
    conn_keep_output(c, str_sub(head, done, head.n));
    conn_keep_output(c, str_sub(body, done > head.n ? done - head.n : 0, body.n));
}

/* ---- input ---- */

static void conn_drop_buffer(struct http_conn *c)
{
    if (c->in && c->server)
        http_server_give_buffer(c->server, c->in);
    else
        free(c->in);
    c->in = NULL;
    c->start = c->end = 0;
}

/* Room at the end of the read buffer. Only between requests may bytes be moved: views point at them. */
static size_t conn_in_room(struct http_conn *c)
{
    if (!c->in) {
        c->in = http_server_take_buffer(c->server);
        c->start = c->end = 0;
    }
    if (c->start && !c->request) {
        memmove(c->in, c->in + c->start, c->end - c->start);
        c->end -= c->start;
        c->start = 0;
    }
    return HTTP_READ_BUFFER - c->end;
}

/* Reads once. True when something is new: bytes, the end, a failure, or a refusal. */
static bool conn_fill(struct http_conn *c)
{
    if (!c->readable || c->eof || c->broken)
        return false;
    size_t room = 0;
    bool body = c->state == HTTP_CONN_BODY;
    char *to = body ? http_request_body_room(c, &room) : NULL;
    if (body && c->state != HTTP_CONN_BODY)
        return true;
    bool to_body = to != NULL;
    if (!to_body) {
        room = conn_in_room(c);
        to = c->in + c->end;
    }
    if (room == 0)
        return false;
    ssize_t got = http_wire_read(&c->wire, to, room);
    if (got > 0) {
        *(to_body ? &c->body_n : &c->end) += (size_t)got;
        /* A plain socket tells again; what TLS keeps inside never wakes the loop. */
        c->readable = c->wire.ssl || (size_t)got == room;
        return true;
    }
    c->readable = false;
    c->eof = got == 0;
    c->broken = got == HTTP_WIRE_BROKEN;
    if (c->state == HTTP_CONN_IDLE && c->start == c->end)
        conn_drop_buffer(c);
    return got != HTTP_WIRE_AGAIN;
}

/* ---- the walk ---- */

void http_conn_release_request(struct http_conn *c)
{
    if (!c->request)
        return;
    struct arena *a = c->request->arena;
    c->request = NULL;
    arena_free(a);
    if (c->server)
        c->server->body_bytes -= c->body_cap;
    free(c->body);
    c->body = NULL;
    c->body_n = c->body_cap = 0;
}

/* Answered: the next request, or the end in a way that lets the peer read the answer. */
static void conn_finish(struct http_conn *c)
{
    bool unread = c->must_linger || !c->body_done || c->next < c->end;
    http_conn_release_request(c);
    c->start = c->next;
    if (!c->close_after) {
        http_conn_move(c, HTTP_CONN_IDLE);
        http_conn_deadline(c, loop_mono(c->loop) + c->limits.idle_timeout_us);
        return;
    }
    if (!unread || c->eof) {
        http_conn_kill(c);
        return;
    }
    conn_drop_buffer(c);
    http_conn_move(c, HTTP_CONN_LINGER);
    c->linger_left = HTTP_LINGER_BYTES;
    c->readable = true;
    http_wire_end(&c->wire);
    http_conn_deadline(c, loop_mono(c->loop) + c->limits.linger_us);
}

static bool conn_step_handshake(struct http_conn *c)
{
    switch (http_wire_handshake(&c->wire)) {
    case 0:
        http_conn_move(c, HTTP_CONN_IDLE);
        c->readable = true;
        http_conn_deadline(c, loop_mono(c->loop) + c->limits.header_timeout_us);
        return true;
    case HTTP_WIRE_AGAIN:
        return false;
    default:
        http_conn_kill(c);
        return false;
    }
}

static bool conn_step_head(struct http_conn *c)
{
    if (c->broken) {
        http_conn_kill(c);
        return false;
    }
    if (c->start < c->end) {
        struct error e = ERROR_INIT;
        if (c->state == HTTP_CONN_IDLE) {
            http_conn_move(c, HTTP_CONN_HEAD);
            c->head_started_us = loop_mono(c->loop);
            c->scan = (struct http_scan){ 0 };
        }
        ptrdiff_t n = http_head_scan(&c->scan, str_n(c->in + c->start, c->end - c->start), &e);
        if (n > 0)
            http_request_begin(c, (size_t)n);
        else if (n < 0)
            http_request_refuse(c, (int)-n, n == -400 ? "malformed" : "too_large", e.text,
                                STR_NULL);
        if (n != 0)
            return true;
        http_conn_deadline(c, c->head_started_us + c->limits.header_timeout_us);
    } else if (c->in) {
        conn_drop_buffer(c);
    }
    if (c->eof || (c->state == HTTP_CONN_IDLE && c->server->draining)) {
        http_conn_kill(c);
        return false;
    }
    return conn_fill(c);
}

static bool conn_step_body(struct http_conn *c)
{
    if (http_request_take_body(c))
        return true;
    if (c->eof || c->broken) {
        http_conn_kill(c);
        return false;
    }
    return conn_fill(c);
}

static bool conn_step_answer(struct http_conn *c)
{
    if (c->broken) {
        http_conn_kill(c);
        return false;
    }
    if (http_conn_unsent(c)) {
        conn_fill(c); /* pipelined bytes, and the end */
        return false;
    }
    conn_finish(c);
    return true;
}

/* The handler has the turn; a client that left is noticed here. One that only ended its sending still
   gets its answer, unless the handler asked to be told. */
static bool conn_step_pending(struct http_conn *c)
{
    conn_fill(c);
    if (c->broken || (c->eof && c->request->on_gone))
        http_conn_kill(c);
    return false;
}

static bool conn_step_stream(struct http_conn *c)
{
    http_conn_release_request(c);
    c->start = c->end = 0; /* what comes during a stream is of no use */
    bool more = conn_fill(c);
    if (c->broken || c->eof || c->end >= c->linger_left) {
        http_conn_kill(c);
        return false;
    }
    c->linger_left -= c->end;
    if (!more)
        conn_drop_buffer(c);
    if (!http_conn_unsent(c))
        http_conn_deadline(c, INT64_MAX);
    return more;
}

static bool conn_step_linger(struct http_conn *c)
{
    while (c->readable) {
        ssize_t got = http_wire_discard(&c->wire);
        if (got == HTTP_WIRE_AGAIN) {
            c->readable = false;
        } else if (got <= 0 || (size_t)got >= c->linger_left) {
            http_conn_kill(c);
            return false;
        } else {
            c->linger_left -= (size_t)got;
        }
    }
    return false;
}

/* True when the next step may follow at once. */
static bool conn_step(struct http_conn *c)
{
    switch (c->state) {
    case HTTP_CONN_HANDSHAKE:
        return conn_step_handshake(c);
    case HTTP_CONN_IDLE:
    case HTTP_CONN_HEAD:
        return conn_step_head(c);
    case HTTP_CONN_BODY:
        return conn_step_body(c);
    case HTTP_CONN_PENDING:
        return conn_step_pending(c);
    case HTTP_CONN_ANSWER:
        return conn_step_answer(c);
    case HTTP_CONN_STREAM:
        return conn_step_stream(c);
    case HTTP_CONN_LINGER:
        return conn_step_linger(c);
    case HTTP_CONN_GONE:
    case HTTP_CONN_DEAD:
        break;
    }
    return false;
}

/* What the loop shall wait for, by state. */
static int conn_wanted(const struct http_conn *c)
{
    int events = http_conn_unsent(c) ? (c->wire.write_wants_read ? EV_READ : EV_WRITE) : 0;
    if (c->wire.read_wants_write)
        events |= EV_WRITE;
    if (c->eof)
        return events;
    bool busy = c->state == HTTP_CONN_PENDING || c->state == HTTP_CONN_ANSWER;
    if (!busy || !c->in || c->end < HTTP_READ_BUFFER)
        events |= EV_READ;
    return events;
}

void http_conn_run(struct http_conn *c)
{
    if (c->in_callback)
        return;
    for (unsigned requests = 0; c->state != HTTP_CONN_DEAD;) {
        bool answered = c->state == HTTP_CONN_ANSWER;
        if (!conn_step(c))
            break;
        requests += answered;
        if (requests == CONN_REQUESTS_PER_RUN) {
            http_conn_run_later(c);
            break;
        }
    }
    if (c->state != HTTP_CONN_DEAD && c->state != HTTP_CONN_GONE)
        loop_io_set(c->loop, &c->io, c->wire.fd, conn_wanted(c), conn_on_io);
}

static void conn_on_io(struct loop_io *io, int events)
{
    struct http_conn *c = container_of(io, struct http_conn, io);
    c->readable |= (events & EV_READ) || c->wire.read_wants_write;
    if (http_conn_unsent(c))
        conn_flush(c);
    http_conn_run(c);
}

void http_conn_run_later(struct http_conn *c)
{
    loop_later(c->loop, &c->task, conn_on_task);
}

/* ---- the end ---- */

void http_conn_free(struct http_conn *c)
{
    http_conn_release_request(c);
    conn_drop_buffer(c);
    buf_release(&c->out);
    free(c);
}

static void conn_on_task(struct loop_task *t)
{
    struct http_conn *c = container_of(t, struct http_conn, task);
    if (c->state != HTTP_CONN_DEAD && !(c->state == HTTP_CONN_GONE && c->replied)) {
        http_conn_run(c);
        return;
    }
    list_remove(c->state == HTTP_CONN_DEAD ? &c->server->dead : &c->server->gone, &c->link);
    http_conn_free(c);
}

/* The socket is closed and out of the loop. */
static void conn_cut(struct http_conn *c)
{
    loop_io_stop(&c->io);
    loop_timer_stop(&c->timer);
    http_wire_close(&c->wire);
    buf_release(&c->out);
    c->out_at = 0;
    list_remove(&c->server->conns, &c->link);
    c->server->n_refused -= c->refused;
    stats_add(STATS_HTTP_CONNECTIONS, -1, NULL, NULL, NULL);
}

static void conn_tell_gone(struct http_conn *c)
{
    struct http_request *r = c->request;
    if (!r || c->replied || !r->on_gone)
        return;
    void (*on_gone)(struct http_request *) = r->on_gone;
    r->on_gone = NULL;
    on_gone(r);
}

void http_conn_kill(struct http_conn *c)
{
    if (c->state == HTTP_CONN_DEAD || c->state == HTTP_CONN_GONE)
        return;
    conn_cut(c);
    struct http_stream *stream = c->stream;
    c->stream = NULL;
    bool owed = c->state == HTTP_CONN_PENDING;
    http_conn_move(c, owed ? HTTP_CONN_GONE : HTTP_CONN_DEAD);
    list_append(owed ? &c->server->gone : &c->server->dead, &c->link);
    if (!owed)
        http_conn_run_later(c); /* to be freed */
    conn_tell_gone(c);
    if (stream)
        http_stream_lost(stream, c->server);
    http_server_check_drained(c->server);
}

void http_conn_orphan(struct http_conn *c)
{
    assert(!c->in_callback);
    struct http_stream *stream = c->stream;
    bool owed = c->state == HTTP_CONN_PENDING || c->state == HTTP_CONN_GONE;
    loop_later_cancel(c->loop, &c->task);
    if (c->state == HTTP_CONN_DEAD || c->state == HTTP_CONN_GONE)
        list_remove(c->state == HTTP_CONN_DEAD ? &c->server->dead : &c->server->gone, &c->link);
    else
        conn_cut(c);
    if (c->state != HTTP_CONN_DEAD && c->state != HTTP_CONN_GONE)
        http_conn_move(c, owed ? HTTP_CONN_GONE : HTTP_CONN_DEAD);
    c->server = NULL;
    c->stream = NULL;
    c->in_callback = true; /* an answer from inside on_gone must not free it yet */
    conn_tell_gone(c);
    c->in_callback = false;
    if (stream)
        http_stream_tell(stream);
    if (!owed || c->replied)
        http_conn_free(c);
}
