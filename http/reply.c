/* Answers: the head is written into one scratch buffer of the server, head and body leave by one call. */
#include "http/conn.h"

static void reply_number(struct buf *out, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    buf_add(out, digits + at, sizeof(digits) - at);
}

static void reply_header(struct buf *out, struct str name, struct str value)
{
    buf_str(out, name);
    buf_add(out, ": ", 2);
    buf_str(out, value);
    buf_add(out, "\r\n", 2);
}

struct str http_reply_head(struct http_conn *c, const struct http_reply_head *h)
{
    struct buf *out = &c->server->text;
    buf_reset(out);
    buf_str(out, STR("HTTP/1.1 "));
    reply_number(out, (uint64_t)h->status);
    buf_char(out, ' ');
    buf_cstr(out, http_status_word(h->status));
    buf_add(out, "\r\n", 2);
    if (h->content_type) {
        reply_header(out, STR("Content-Type"), str_of(h->content_type));
        if (http_is_json(str_of(h->content_type)))
            buf_str(out, STR("X-Content-Type-Options: nosniff\r\n"));
    }
    if (h->content_length >= 0) {
        buf_str(out, STR("Content-Length: "));
        reply_number(out, (uint64_t)h->content_length);
        buf_add(out, "\r\n", 2);
    }
    if (h->chunked)
        buf_str(out, STR("Transfer-Encoding: chunked\r\n"));
    if (c->close_after)
        buf_str(out, STR("Connection: close\r\n"));
    else if (c->minor == 0)
        buf_str(out, STR("Connection: keep-alive\r\n"));
    if (c->retry_after)
        buf_str(out, STR("Retry-After: 1\r\n"));
    for (size_t i = 0; i < h->n_headers; i++) {
        /* Values come from templates and stores too: one that could end the line is left out. */
        if (http_header_valid(h->headers[i].name, h->headers[i].value))
            reply_header(out, h->headers[i].name, h->headers[i].value);
    }
    reply_header(out, STR("X-Request-Id"), str_of(c->request->id));
    reply_header(out, STR("Date"), str_of(http_server_date(c->server)));
    buf_add(out, "\r\n", 2);
    return buf_view(out);
}

/* The reply of a client that left: only the memory is to be given back. */
static void reply_to_nobody(struct http_conn *c)
{
    if (c->server)
        http_conn_run_later(c);
    else if (!c->in_callback)
        http_conn_free(c);
}

void http_reply(struct http_request *r, const struct http_answer *answer)
{
    struct http_conn *c = r->conn;
    assert(!c->replied);
    c->replied = true;
    if (c->state == HTTP_CONN_GONE || c->state == HTTP_CONN_DEAD) {
        reply_to_nobody(c);
        return;
    }
    if (!c->body_done)
        c->close_after = c->must_linger = true;
    c->close_after |= answer->close || c->server->draining;
    bool bodiless = answer->status == 204 || answer->status == 304;
    struct http_reply_head h = { .status = answer->status,
                                 .content_length = bodiless ? -1 : (int64_t)answer->body.n,
                                 .headers = answer->headers,
                                 .n_headers = answer->n_headers };
    if (!bodiless)
        h.content_type = answer->content_type ? answer->content_type : "application/json";
    bool silent = bodiless || str_eq_c(r->method, "HEAD");
    http_conn_send(c, http_reply_head(c, &h), silent ? STR_NULL : answer->body);
    http_conn_move(c, HTTP_CONN_ANSWER);
    if (!c->in_callback)
        http_conn_run_later(c);
}

void http_reply_json(struct http_request *r, int status, const struct json *body)
{
    auto_buf text = BUF_INIT(GIB);
    json_write(&text, body, JSON_COMPACT);
    http_reply(r, &(struct http_answer){ .status = status, .body = buf_view(&text) });
}
