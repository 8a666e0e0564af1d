/* From a complete head to the handler: the request object, its route, its body, and the refusals on
   the way. */
#include "http/conn.h"

#include "base/stats.h"
#include "http/url.h"

/* What is allocated at first: for a declared body beyond the read buffer, for a chunked one. */
enum {
    REQUEST_FIRST_BODY = 64 * 1024,
    REQUEST_FIRST_CHUNKS = 4 * 1024,
};

static const char *request_id(struct http_server *s, struct arena *a)
{
    uint64_t id = (uint64_t)s->id_prefix << 32 | ++s->id_count;
    char *text = arena_alloc(a, 17);
    for (unsigned i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    return text;
}

void http_request_new(struct http_conn *c)
{
    struct arena *a = arena_new(0);
    struct http_request *r = ARENA_NEW(a, struct http_request);
    r->arena = a;
    r->content_length = -1;
    r->peer = c->peer;
    r->tls = c->wire.ssl != NULL;
    r->admin = c->admin;
    r->started_us = c->head_started_us;
    r->received_us = loop_wall(c->loop);
    r->id = request_id(c->server, a);
    r->conn = c;
    c->request = r;
    c->body_at = c->next = c->end;
    c->minor = 1;
    c->chunked = c->expect_continue = c->body_done = false;
    c->replied = c->close_after = c->must_linger = c->retry_after = false;
    c->chunks = (struct http_chunks){ 0 };
}

/* ---- refusals ---- */

/* {"status":"rejected",…} as the house writes it (spec of the webhook answers). */
static void request_refuse_plainly(struct http_request *r, int status, const char *reason,
                                   const char *text, struct str allow)
{
    auto_buf body = BUF_INIT(4 * KIB);
    buf_cstr(&body, "{\"status\":\"rejected\",\"reason\":");
    json_quote(&body, str_of(reason));
    buf_cstr(&body, ",\"error\":");
    json_quote(&body, str_of(text));
    buf_printf(&body, ",\"request_id\":\"%s\"}", r->id);
    struct http_header header = { STR("Allow"), allow };
    http_reply(r, &(struct http_answer){ .status = status,
                                         .body = buf_view(&body),
                                         .headers = &header,
                                         .n_headers = allow.n > 0 });
}

void http_request_refuse(struct http_conn *c, int status, const char *reason, const char *text,
                         struct str allow)
{
    const struct http_dispatch *d = &c->server->options.dispatch;
    bool parsed = c->request && c->request->path.n;
    stats_inc(STATS_HTTP_REJECTED, reason, NULL, NULL);
    if (!c->request)
        http_request_new(c);
    c->retry_after = status == 503;
    if (!c->body_done)
        c->close_after = c->must_linger = true;
    if (parsed && d->refuse) {
        c->in_callback = true;
        d->refuse(d->ctx, c->request, status, reason, allow);
        c->in_callback = false;
    }
    if (!c->replied)
        request_refuse_plainly(c->request, status, reason, text, allow);
}

/* ---- the body ---- */

/* By doubling as bytes come, never past what the body can have. */
static size_t request_next_cap(const struct http_conn *c, size_t need)
{
    size_t cap = c->chunked ? REQUEST_FIRST_CHUNKS : REQUEST_FIRST_BODY;
    size_t ceiling = c->chunked ? c->request->max_body : (size_t)c->request->content_length;
    cap = MAX(cap, c->body_cap * 2);
    cap = MAX(cap, need);
    return MIN(cap, ceiling);
}

/* Room for `more` bytes behind c->body_n, at least one. False = refused. */
static bool request_grow_body(struct http_conn *c, size_t more)
{
    size_t need = c->body_n + MAX(more, (size_t)1);
    if (c->body && need <= c->body_cap)
        return true;
    size_t cap = request_next_cap(c, need);
    if (!http_server_grow_bodies(c->server, cap - c->body_cap)) {
        http_request_refuse(c, 503, "busy", "too many request bodies are being received", STR_NULL);
        return false;
    }
    c->body = xrealloc(c->body, cap);
    c->body_cap = cap;
    return true;
}

static bool request_add_body(struct http_conn *c, struct str piece)
{
    if (!request_grow_body(c, piece.n))
        return false;
    memcpy(c->body + c->body_n, piece.p, piece.n);
    c->body_n += piece.n;
    return true;
}

char *http_request_body_room(struct http_conn *c, size_t *room)
{
    if (c->chunked || !c->body) {
        if (c->next == c->end && c->chunked)
            c->next = c->end = c->body_at; /* decoded: the place is free again */
        return NULL;
    }
    size_t left = (size_t)c->request->content_length - c->body_n;
    if (c->body_n == c->body_cap && !request_grow_body(c, 1))
        return NULL;
    *room = MIN(left, c->body_cap - c->body_n);
    return c->body + c->body_n;
}

static bool request_take_chunks(struct http_conn *c)
{
    struct error e = ERROR_INIT;
    struct str in = str_n(c->in + c->next, c->end - c->next), piece;
    int got;
    do {
        piece = STR_NULL;
        got = http_chunks_next(&c->chunks, &in, &piece, &e);
        size_t left = c->request->max_body - c->body_n;
        /* The chunk's size is enough to know, before its data comes. */
        if (got >= 0 && (piece.n > left || c->chunks.left > left - piece.n)) {
            http_request_refuse(c, 413, "too_large", "the body is larger than allowed", STR_NULL);
            return true;
        }
        if (got > 0 && !request_add_body(c, piece))
            return true;
    } while (got > 0);
    c->next = c->end - in.n;
    if (got < 0)
        http_request_refuse(c, c->chunks.status,
                            c->chunks.status == 400 ? "malformed" : "too_large", e.text, STR_NULL);
    c->body_done = c->chunks.done;
    c->request->body = str_n(c->body, c->body_n);
    return got < 0 || c->body_done;
}

/* Content-Length: in place while it fits into the read buffer, else in memory of its own. */
static bool request_take_bytes(struct http_conn *c)
{
    size_t length = (size_t)c->request->content_length, have = c->end - c->body_at;
    if (!c->body && have >= length) {
        c->request->body = str_n(c->in + c->body_at, length);
        c->next = c->body_at + length;
        c->body_done = true;
        return true;
    }
    if (!c->body && c->body_at + length > HTTP_READ_BUFFER) {
        c->next = c->end;
        if (!request_add_body(c, str_n(c->in + c->body_at, have)))
            return true;
    }
    if (!c->body || c->body_n < length)
        return false;
    c->request->body = str_n(c->body, c->body_n);
    c->body_done = true;
    return true;
}

bool http_request_take_body(struct http_conn *c)
{
    if (!c->body_done && !(c->chunked ? request_take_chunks(c) : request_take_bytes(c)))
        return false;
    if (c->state != HTTP_CONN_BODY)
        return true;
    http_conn_move(c, HTTP_CONN_PENDING);
    http_conn_deadline(c, INT64_MAX);
    c->in_callback = true;
    c->request->route->on_request(c->request);
    c->in_callback = false;
    return true;
}

/* ---- the head ---- */

static int request_fill(struct http_conn *c, const struct http_head *h, struct error *e)
{
    struct http_request *r = c->request;
    struct str path;
    r->method = h->method;
    r->target = h->target;
    r->query = h->query;
    r->headers.n = r->headers.cap = h->n_fields;
    r->headers.items = ARENA_ARRAY(r->arena, struct http_header, h->n_fields);
    memcpy(r->headers.items, h->fields, h->n_fields * sizeof(*h->fields));
    r->content_length = h->content_length;
    if (url_decode(r->arena, h->path, false, &path))
        return error_set(e, ERROR_INVALID, "the target has a malformed %%-escape or a NUL");
    r->path = path;
    r->max_body = c->limits.max_body;
    c->minor = h->minor;
    c->chunked = h->chunked;
    c->expect_continue = h->expect_continue;
    c->close_after = !h->keep_alive;
    return 0;
}

/* False = answered. */
static bool request_route(struct http_conn *c)
{
    const struct http_dispatch *d = &c->server->options.dispatch;
    struct http_request *r = c->request;
    struct str allow = STR_NULL;
    int status = 404;
    r->route = d->find(d->ctx, r, &status, &allow);
    if (!r->route) {
        http_request_refuse(
            c, status, status == 405 ? "method" : "not_found",
            status == 405 ? "the method is not allowed here" : "there is nothing here", allow);
        return false;
    }
    if (!r->route->on_head)
        return true;
    c->in_callback = true;
    int refused = r->route->on_head(r);
    c->in_callback = false;
    if (!c->replied && refused)
        http_request_refuse(c, refused, "refused", "the request is refused", STR_NULL);
    return !c->replied;
}

/* Behind pipelined requests the head may stand at the end of the buffer; nothing points into it yet. */
static void request_make_room(struct http_conn *c, size_t n)
{
    if (c->start == 0 || HTTP_READ_BUFFER - c->start - n >= HTTP_READ_BUFFER - HTTP_MAX_HEAD)
        return;
    memmove(c->in, c->in + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
}

void http_request_begin(struct http_conn *c, size_t n)
{
    struct http_head *h = &c->server->head;
    struct error e = ERROR_INIT;
    request_make_room(c, n);
    http_request_new(c);
    struct http_request *r = c->request;
    c->body_at = c->next = c->start + n;
    if (http_head_parse(str_n(c->in + c->start, n), h, &e)) {
        http_request_refuse(c, h->status, h->status == 431 ? "too_large" : "malformed", e.text,
                            STR_NULL);
        return;
    }
    if (request_fill(c, h, &e)) {
        http_request_refuse(c, 400, "malformed", e.text, STR_NULL);
        return;
    }
    http_conn_move(c, HTTP_CONN_BODY);
    /* A body that came with its head is taken at once, so that a refusal need not end the connection. */
    size_t length = (size_t)MAX(r->content_length, (int64_t)0);
    if (!c->chunked && length <= c->end - c->body_at) {
        c->next = c->body_at + length;
        c->body_done = true;
    }
    if (!request_route(c))
        return;
    if (r->max_body == 0)
        r->max_body = c->limits.max_body;
    if (r->content_length > 0 && (uint64_t)r->content_length > r->max_body) {
        http_request_refuse(c, 413, "too_large", "the body is larger than allowed", STR_NULL);
        return;
    }
    r->body = c->body_done ? str_n(c->in + c->body_at, length) : STR_NULL;
    if (c->expect_continue && !c->body_done && c->end == c->body_at)
        http_conn_send(c, STR("HTTP/1.1 100 Continue\r\n\r\n"), STR_NULL);
    c->body_started_us = loop_mono(c->loop);
    if (!c->body_done)
        http_conn_deadline(c, c->body_started_us +
                                  MIN(c->limits.body_timeout_us, c->limits.slow_body_us));
}
