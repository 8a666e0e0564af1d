/* Streamed answers: chunked for HTTP/1.1, until the end of the connection for 1.0. The connection is
   not used again afterwards, so a stream that ends early is seen by the client as cut. */
#include "http/conn.h"

#include "base/stats.h"

struct http_stream {
    struct http_conn *conn;     /* NULL once it is lost */
    struct http_server *server; /* while it is lost and the owner is not told yet */
    struct list_link link;      /* in server->lost */
    struct loop_task task;      /* tells the owner */
    size_t max_buffer;
    bool chunked;
    bool silent; /* the answer of a HEAD */
    void (*gone)(void *ctx);
    void *ctx;
};

static void stream_forget_server(struct http_stream *s)
{
    if (!s->server)
        return;
    loop_later_cancel(s->server->loop, &s->task);
    list_remove(&s->server->lost, &s->link);
    s->server = NULL;
}

void http_stream_tell(struct http_stream *s)
{
    stream_forget_server(s);
    s->conn = NULL;
    if (s->gone)
        s->gone(s->ctx);
}

static void stream_on_task(struct loop_task *t)
{
    http_stream_tell(container_of(t, struct http_stream, task));
}

void http_stream_tell_lost(struct http_server *s)
{
    while (!list_empty(&s->lost))
        http_stream_tell(list_first(&s->lost, struct http_stream, link));
}

void http_stream_lost(struct http_stream *s, struct http_server *server)
{
    s->conn = NULL;
    s->server = server;
    list_append(&server->lost, &s->link);
    loop_later(server->loop, &s->task, stream_on_task);
}

struct http_stream *http_stream_open(struct http_request *r, int status, const char *content_type,
                                     size_t max_buffer, void (*gone)(void *ctx), void *ctx)
{
    struct http_conn *c = r->conn;
    assert(!c->replied);
    struct http_stream *s = xalloc(sizeof(*s));
    *s = (struct http_stream){ .max_buffer = max_buffer,
                               .chunked = c->minor == 1,
                               .silent = str_eq_c(r->method, "HEAD"),
                               .gone = gone,
                               .ctx = ctx };
    if (c->state == HTTP_CONN_GONE) {
        if (c->server)
            http_stream_lost(s, c->server);
        http_reply(r, &(struct http_answer){ .status = status });
        return s;
    }
    static const struct http_header live[] = {
        { STR("Cache-Control"), STR("no-store") },
        { STR("X-Accel-Buffering"), STR("no") }, /* nginx in front: pass it on at once */
    };
    c->replied = c->close_after = true;
    struct http_reply_head h = { .status = status,
                                 .content_type = content_type,
                                 .content_length = -1,
                                 .headers = live,
                                 .n_headers = N_ELEMENTS(live),
                                 .chunked = s->chunked };
    http_conn_send(c, http_reply_head(c, &h), STR_NULL);
    http_conn_move(c, HTTP_CONN_STREAM);
    s->conn = c;
    c->stream = s;
    c->linger_left = HTTP_LINGER_BYTES;
    http_conn_run_later(c);
    return s;
}

int http_stream_write(struct http_stream *s, struct str bytes)
{
    struct http_conn *c = s->conn;
    if (!c || c->broken)
        return -1;
    if (s->silent || bytes.n == 0) /* an empty chunk would be the last one */
        return 0;
    if (http_conn_unsent(c) + bytes.n > s->max_buffer) {
        stats_inc(STATS_LIMIT_HITS, "http_stream_buffer", NULL, NULL);
        http_conn_kill(c);
        return -1;
    }
    auto_buf piece = BUF_INIT(bytes.n + 64);
    if (s->chunked) {
        buf_printf(&piece, "%zx\r\n", bytes.n);
        buf_str(&piece, bytes);
        buf_add(&piece, "\r\n", 2);
        bytes = buf_view(&piece);
    }
    http_conn_send(c, bytes, STR_NULL);
    if (c->broken || http_conn_unsent(c))
        http_conn_run_later(c);
    return c->broken ? -1 : 0;
}

void http_stream_close(struct http_stream *s)
{
    struct http_conn *c = s->conn;
    stream_forget_server(s);
    if (c) {
        if (s->chunked && !s->silent)
            http_conn_send(c, STR("0\r\n\r\n"), STR_NULL);
        c->stream = NULL;
        c->must_linger = true;
        http_conn_move(c, HTTP_CONN_ANSWER);
        http_conn_run_later(c);
    }
    free(s);
}
