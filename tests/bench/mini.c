/* See mini.h. One buffer a connection, requests one after the other. */
#include "tests/bench/mini.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#define START_SIZE (32 * KIB)
#define MAX_SIZE   (4 * MIB)

static void conn_close(struct mini_conn *c)
{
    ev_io_stop(c->server->loop, &c->reading);
    ev_io_stop(c->server->loop, &c->writing);
    close(c->reading.fd);
    free(c->in);
    free(c);
}

/* What one header line says that somebody here wants to know. -1: nonsense. */
static int take_header(struct mini_conn *c, struct str line, uint64_t *length)
{
    ptrdiff_t colon = str_chr(line, ':');
    if (colon <= 0)
        return -1;
    struct str name = str_sub(line, 0, (size_t)colon);
    struct str value = str_trim(str_sub(line, (size_t)colon + 1, line.n));
    if (str_eq_fold(name, STR("content-length")))
        return str_u64(value, length);
    if (str_eq_fold(name, STR("x-hub-signature-256")))
        c->signature = value;
    else if (str_eq_fold(name, STR("x-github-delivery")))
        c->delivery = value;
    return 0;
}

/* 1 when a request is whole, 0 when not yet, -1 on nonsense. */
static int parse(struct mini_conn *c)
{
    const char *end = memmem(c->in, c->n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    uint64_t length = 0;
    c->signature = c->delivery = STR_NULL;
    size_t head = (size_t)(end - c->in) + 2;
    const char *at = memchr(c->in, '\n', head);
    for (at++; at < c->in + head;) {
        const char *stop = memchr(at, '\n', (size_t)(c->in + head - at));
        if (take_header(c, str_n(at, (size_t)(stop - at) - 1), &length))
            return -1;
        at = stop + 1;
    }
    head += 2;
    if (length > MAX_SIZE)
        return -1;
    c->used = head + length;
    c->body = str_n(c->in + head, length);
    return c->n >= c->used;
}

static void serve(struct mini_conn *c)
{
    int rc = parse(c);
    if (rc < 0) {
        conn_close(c);
    } else if (rc > 0) {
        ev_io_stop(c->server->loop, &c->reading);
        c->server->on_request(c->server, c);
    }
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop;
    (void)revents;
    struct mini_conn *c = container_of(w, struct mini_conn, reading);
    if (c->n == c->size) {
        if (c->size >= MAX_SIZE) {
            conn_close(c);
            return;
        }
        c->size *= 2;
        c->in = xrealloc(c->in, c->size);
    }
    ssize_t got = read(w->fd, c->in + c->n, c->size - c->n);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        conn_close(c);
    } else if (got > 0) {
        c->n += (size_t)got;
        serve(c);
    }
}

static void answered(struct mini_conn *c)
{
    c->n -= c->used;
    memmove(c->in, c->in + c->used, c->n);
    ev_io_start(c->server->loop, &c->reading);
    if (c->n > 0)
        serve(c);
}

static void flush(struct mini_conn *c)
{
    ssize_t sent = write(c->writing.fd, c->out, c->out_n);
    if (sent < 0 && errno != EAGAIN) {
        conn_close(c);
        return;
    }
    size_t n = sent > 0 ? (size_t)sent : 0;
    c->out += n;
    c->out_n -= n;
    if (c->out_n > 0) {
        ev_io_start(c->server->loop, &c->writing);
        return;
    }
    ev_io_stop(c->server->loop, &c->writing);
    answered(c);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)loop;
    (void)revents;
    flush(container_of(w, struct mini_conn, writing));
}

void mini_answer(struct mini_conn *c, struct str answer)
{
    c->out = answer.p;
    c->out_n = answer.n;
    flush(c);
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
    (void)revents;
    struct mini *server = container_of(w, struct mini, accepting);
    int fd;
    while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct mini_conn *c = xalloc(sizeof(*c));
        c->server = server;
        c->size = START_SIZE;
        c->in = xrealloc(NULL, c->size);
        ev_io_init(&c->reading, on_readable, fd, EV_READ);
        ev_io_init(&c->writing, on_writable, fd, EV_WRITE);
        ev_io_start(loop, &c->reading);
    }
}

void mini_listen(struct mini *server, unsigned port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024)) {
        perror("listen");
        exit(1);
    }
    ev_io_init(&server->accepting, on_accept, fd, EV_READ);
    ev_io_start(server->loop, &server->accepting);
}
