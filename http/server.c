/* The server object: what its connections share, and how it ends. */
#include "http/conn.h"

#include "base/id.h"
#include "base/when.h"

#include <stdio.h>

/* 0 in the options means these. */
static const struct http_server_options server_defaults = {
    .max_body = MIB,
    .max_body_total = 64 * MIB,
    .max_connections = 10000,
    .header_timeout_us = 10 * US_PER_S,
    .body_timeout_us = 30 * US_PER_S,
    .idle_timeout_us = 75 * US_PER_S,
};

void http_server_set_options(struct http_server *s, const struct http_server_options *o)
{
    const struct http_server_options *d = &server_defaults;
    assert(o->dispatch.find);
    s->options = (struct http_server_options){
        .max_body = o->max_body ? o->max_body : d->max_body,
        .max_body_total = o->max_body_total ? o->max_body_total : d->max_body_total,
        .max_connections = o->max_connections ? o->max_connections : d->max_connections,
        .header_timeout_us = o->header_timeout_us ? o->header_timeout_us : d->header_timeout_us,
        .body_timeout_us = o->body_timeout_us ? o->body_timeout_us : d->body_timeout_us,
        .idle_timeout_us = o->idle_timeout_us ? o->idle_timeout_us : d->idle_timeout_us,
        .dispatch = o->dispatch,
    };
    s->limits = (struct http_limits){
        .max_body = s->options.max_body,
        .header_timeout_us = s->options.header_timeout_us,
        .body_timeout_us = s->options.body_timeout_us,
        .idle_timeout_us = s->options.idle_timeout_us,
        .handshake_us = 10 * US_PER_S,
        .slow_body_us = 10 * US_PER_S,
        .stall_us = 30 * US_PER_S,
        .linger_us = 2 * US_PER_S,
    };
}

struct http_server *http_server_new(struct loop *l, const struct http_server_options *o)
{
    struct http_server *s = xalloc(sizeof(*s));
    s->loop = l;
    list_init(&s->listeners);
    list_init(&s->conns);
    list_init(&s->gone);
    list_init(&s->dead);
    list_init(&s->lost);
    s->text = BUF_INIT(MIB);
    s->id_prefix = id_random_u32();
    s->date_second = INT64_MIN;
    http_server_set_options(s, o);
    return s;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conns.count;
}

/* ---- what connections share ---- */

char *http_server_take_buffer(struct http_server *s)
{
    return s->n_spare ? s->spare[--s->n_spare] : xrealloc(NULL, HTTP_READ_BUFFER);
}

void http_server_give_buffer(struct http_server *s, char *buffer)
{
    if (s->n_spare < HTTP_SPARE_BUFFERS)
        s->spare[s->n_spare++] = buffer;
    else
        free(buffer);
}

bool http_server_grow_bodies(struct http_server *s, size_t more)
{
    if (more > s->options.max_body_total || s->body_bytes > s->options.max_body_total - more)
        return false;
    s->body_bytes += more;
    return true;
}

/* IMF-fixdate of RFC 9110 section 5.6.7, made once a second. */
const char *http_server_date(struct http_server *s)
{
    static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t second = loop_wall(s->loop) / US_PER_S;
    if (second == s->date_second)
        return s->date;
    struct civil t = civil_from_seconds(second);
    s->date_second = second;
    snprintf(s->date, sizeof(s->date), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[t.weekday % 7],
             t.day, months[(t.month - 1) % 12], t.year, t.hour, t.minute, t.second);
    return s->date;
}

/* ---- the end ---- */

static void server_on_drained(struct loop_task *t)
{
    struct http_server *s = container_of(t, struct http_server, drain_task);
    loop_timer_stop(&s->drain_timer);
    if (s->drained)
        s->drained(s->drained_ctx);
}

static void server_kill_all(struct http_server *s)
{
    while (!list_empty(&s->conns))
        http_conn_kill(list_first(&s->conns, struct http_conn, link));
}

void http_server_check_drained(struct http_server *s)
{
    if (!s->draining || s->drain_done)
        return;
    bool only_streams = true;
    list_each (&s->conns, link)
        only_streams &= container_of(link, struct http_conn, link)->stream != NULL;
    if (!only_streams)
        return;
    s->drain_done = true;
    server_kill_all(s);
    loop_later(s->loop, &s->drain_task, server_on_drained);
}

static void server_on_drain_timer(struct loop_timer *t)
{
    struct http_server *s = container_of(t, struct http_server, drain_timer);
    s->drain_done = true;
    server_kill_all(s);
    loop_later(s->loop, &s->drain_task, server_on_drained);
}

void http_server_drain(struct http_server *s, int64_t deadline_us, void (*drained)(void *ctx),
                       void *ctx)
{
    if (s->draining)
        return;
    s->draining = true;
    s->drained = drained;
    s->drained_ctx = ctx;
    http_listen_close_all(s);
    loop_timer_set(s->loop, &s->drain_timer, deadline_us, server_on_drain_timer);
    list_each (&s->conns, link) {
        struct http_conn *c = container_of(link, struct http_conn, link);
        if (c->state == HTTP_CONN_IDLE || c->state == HTTP_CONN_HANDSHAKE)
            http_conn_kill(c);
    }
    http_server_check_drained(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    http_listen_close_all(s);
    loop_timer_stop(&s->drain_timer);
    loop_later_cancel(s->loop, &s->drain_task);
    s->draining = true;
    s->drain_done = true;
    http_stream_tell_lost(s);
    struct list *const lists[] = { &s->conns, &s->gone, &s->dead };
    for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
        while (!list_empty(lists[i]))
            http_conn_orphan(list_first(lists[i], struct http_conn, link));
    }
    while (s->n_spare)
        free(s->spare[--s->n_spare]);
    buf_release(&s->text);
    free(s);
}
