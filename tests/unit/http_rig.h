/* A real server on 127.0.0.1:0 on the main thread, blocking clients on a second one, and answers
   boiled down to a line: "202 text | 404 {…} close | EOF". */
#ifndef KERYX_TESTS_UNIT_HTTP_RIG_H
#define KERYX_TESTS_UNIT_HTTP_RIG_H

#include "tests/t.h"

#include "base/stats.h"
#include "http/conn.h"
#include "http/router.h"
#include "http/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Not every test file uses every helper. */
#pragma GCC diagnostic ignored "-Wunused-function"

struct rig {
    struct loop *loop;
    struct http_server *server;
    struct http_router *router;
    int port;
    int gone; /* on_gone calls */
    int streams_gone;
    int drained;
    struct http_request *kept;    /* of /keep: answered when the test says so */
    struct http_request *waiting; /* of /later */
    struct loop_timer later;
    void (*client)(void);
    void (*prepare)(void); /* may tune the server before the client starts */
    struct loop_post done;
};
static struct rig rig;

/* ---- handlers ---- */

static void rig_text(struct http_request *r, int status, struct str text)
{
    http_reply(
        r, &(struct http_answer){ .status = status, .content_type = "text/plain", .body = text });
}

static void on_echo(struct http_request *r)
{
    rig_text(r, 200,
             arena_printf(r->arena, "%" STR_FMT " %" STR_FMT "?%" STR_FMT " %" STR_FMT,
                          STR_ARG(r->method), STR_ARG(r->path), STR_ARG(r->query),
                          STR_ARG(r->body)));
}

/* Length and byte sum: enough to see that a large body came whole and in order. */
static void on_sum(struct http_request *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->body.n; i++)
        sum = sum * 31 + (unsigned char)r->body.p[i];
    rig_text(r, 200, arena_printf(r->arena, "%zu %016llx", r->body.n, (unsigned long long)sum));
}

static void rig_on_later(struct loop_timer *t)
{
    (void)t;
    struct http_request *r = rig.waiting;
    rig.waiting = NULL;
    on_echo(r);
}

static void on_later(struct http_request *r)
{
    rig.waiting = r;
    loop_timer_set(rig.loop, &rig.later, 5000, rig_on_later);
}

static void rig_on_gone(struct http_request *r)
{
    rig.gone++;
    rig_text(r, 200, STR("to nobody"));
    if (rig.kept == r)
        rig.kept = NULL;
}

static void on_keep(struct http_request *r)
{
    rig.kept = r;
}

static void on_watch(struct http_request *r)
{
    rig.kept = r;
    r->on_gone = rig_on_gone;
}

static int head_denied(struct http_request *r)
{
    rig_text(r, 401, STR("no"));
    return 401;
}

static int head_teapot(struct http_request *r)
{
    (void)r;
    return 409; /* without having answered */
}

static int head_large(struct http_request *r)
{
    r->max_body = 4 * MIB;
    return 0;
}

static int head_small(struct http_request *r)
{
    r->max_body = 10;
    return 0;
}

static void on_empty(struct http_request *r)
{
    http_reply(r, &(struct http_answer){ .status = 204, .body = STR("never sent") });
}

static void on_headers(struct http_request *r)
{
    static const struct http_header extra[] = { { STR("X-One"), STR("1") },
                                                { STR("X-Bad"), STR("a\r\nX-Injected: 1") },
                                                { STR("X Bad"), STR("1") } };
    http_reply(r, &(struct http_answer){ .status = 202,
                                         .body = STR("{}"),
                                         .headers = extra,
                                         .n_headers = N_ELEMENTS(extra) });
}

static void on_bye(struct http_request *r)
{
    http_reply(r, &(struct http_answer){ .status = 200, .body = STR("bye"), .close = true });
}

static void on_huge(struct http_request *r)
{
    size_t n = 8 * MIB;
    char *p = memset(xalloc(n), 'h', n);
    rig_text(r, 200, str_n(p, n));
    free(p);
}

/* ---- the server ---- */

struct rig_route {
    const char *methods, *pattern;
    struct http_route route;
};

static const struct rig_route rig_routes[] = {
    { "GET,POST", "/echo", { .on_request = on_echo } },
    { "GET,POST", "/", { .on_request = on_echo } },
    { "POST", "/later", { .on_request = on_later } },
    { "POST", "/sum", { .on_request = on_sum, .on_head = head_large } },
    { "POST", "/small", { .on_request = on_sum, .on_head = head_small } },
    { "POST", "/denied", { .on_request = on_echo, .on_head = head_denied } },
    { "POST", "/teapot", { .on_request = on_echo, .on_head = head_teapot } },
    { "GET,POST", "/keep", { .on_request = on_keep } },
    { "GET,POST", "/watch", { .on_request = on_watch } },
    { "GET", "/empty", { .on_request = on_empty } },
    { "GET", "/headers", { .on_request = on_headers } },
    { "GET", "/bye", { .on_request = on_bye } },
    { "GET", "/huge", { .on_request = on_huge } },
};

static const struct http_route *rig_find(void *ctx, struct http_request *r, int *status,
                                         struct str *allow)
{
    (void)ctx;
    return http_router_find(rig.router, r, status, allow);
}

static void rig_stop(struct loop_post *p)
{
    (void)p;
    loop_stop(rig.loop);
}

static void *rig_thread(void *arg)
{
    (void)arg;
    rig.client();
    loop_post(rig.loop, &rig.done, rig_stop);
    return NULL;
}

static void rig_add(const struct rig_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK_INT(http_router_add(rig.router, routes[i].methods, str_of(routes[i].pattern),
                                  &routes[i].route, NULL),
                  0);
}

/* Runs `client` against a fresh server; rig.prepare, when set, before. */
static void rig_run(struct http_server_options options, struct http_tls *tls, void (*client)(void))
{
    void (*prepare)(void) = rig.prepare;
    stats_reset();
    rig = (struct rig){ .client = client };
    rig.loop = loop_new(&clock_real);
    rig.router = http_router_new();
    rig_add(rig_routes, N_ELEMENTS(rig_routes));
    options.dispatch.find = rig_find;
    rig.server = http_server_new(rig.loop, &options);
    struct error e = ERROR_INIT;
    CHECK_INT(http_server_listen(rig.server, "127.0.0.1:0", false, tls, &e), 0);
    uint64_t port = 0;
    const char *address = http_server_address(rig.server, 0);
    CHECK(address && str_u64(str_of(strchr(address, ':') + 1), &port) == 0);
    rig.port = (int)port;
    if (prepare)
        prepare();
    pthread_t thread;
    pthread_create(&thread, NULL, rig_thread, NULL);
    loop_run(rig.loop);
    pthread_join(thread, NULL);
    loop_timer_stop(&rig.later);
    struct http_request *waiting = rig.waiting;
    http_server_free(rig.server);
    if (waiting)
        rig_text(waiting, 200, STR("late"));
    if (rig.kept)
        rig_text(rig.kept, 200, STR("late"));
    http_router_free(rig.router);
    loop_free(rig.loop);
    rig.prepare = NULL;
}

#define RIG(client) rig_run((struct http_server_options){ 0 }, NULL, client)

/* Runs fn on the loop's thread and waits for it. */
struct rig_call {
    struct loop_post post;
    void (*fn)(void);
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;
};

static void rig_on_call(struct loop_post *p)
{
    struct rig_call *call = container_of(p, struct rig_call, post);
    call->fn();
    pthread_mutex_lock(&call->lock);
    call->done = true;
    pthread_cond_signal(&call->over);
    pthread_mutex_unlock(&call->lock);
}

static void on_loop(void (*fn)(void))
{
    struct rig_call call = { .fn = fn,
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .over = PTHREAD_COND_INITIALIZER };
    loop_post(rig.loop, &call.post, rig_on_call);
    pthread_mutex_lock(&call.lock);
    while (!call.done)
        pthread_cond_wait(&call.over, &call.lock);
    pthread_mutex_unlock(&call.lock);
}

/* Asks on the loop's thread until fact() is true; false after about ten seconds. */
static bool (*rig_fact)(void);
static bool rig_true;

static void rig_ask(void)
{
    rig_true = rig_fact();
}

static bool eventually(bool (*fact)(void))
{
    for (int i = 0; i < 2000; i++) {
        rig_fact = fact;
        on_loop(rig_ask);
        if (rig_true)
            return true;
        nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
    }
    return false;
}

/* ---- the client ---- */

struct client {
    int fd;
    SSL *ssl;
    char *p; /* heard and not yet boiled down */
    size_t n, cap;
    bool head; /* the next answer is one of HEAD: no body */
    bool ended, reset;
    char text[4096]; /* the boiled down */
    char raw[8192];  /* the head heard last */
};

static struct client dial(void)
{
    struct client c = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)rig.port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval limit = { .tv_sec = 10 };
    setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(c.fd, (struct sockaddr *)&to, sizeof(to)))
        c.reset = true;
    return c;
}

static void hang_up(struct client *c)
{
    SSL_free(c->ssl);
    if (c->fd >= 0)
        close(c->fd);
    free(c->p);
    *c = (struct client){ .fd = -1 };
}

/* False when the server has closed. */
static bool say_bytes(struct client *c, const char *p, size_t n)
{
    while (n) {
        ssize_t put = c->ssl ? SSL_write(c->ssl, p, (int)MIN(n, (size_t)65536))
                             : send(c->fd, p, n, MSG_NOSIGNAL);
        if (put <= 0)
            return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

static bool say(struct client *c, const char *text)
{
    return say_bytes(c, text, strlen(text));
}

static bool hear_more(struct client *c)
{
    if (c->ended || c->reset)
        return false;
    if (c->n == c->cap) {
        c->cap = MAX(c->cap * 2, (size_t)65536);
        c->p = xrealloc(c->p, c->cap + 1);
    }
    ssize_t got = c->ssl ? SSL_read(c->ssl, c->p + c->n, (int)(c->cap - c->n))
                         : recv(c->fd, c->p + c->n, c->cap - c->n, 0);
    c->ended =
        got == 0 || (c->ssl && got < 0 && SSL_get_error(c->ssl, (int)got) == SSL_ERROR_ZERO_RETURN);
    c->reset = !c->ended && got < 0;
    if (got <= 0)
        return false;
    c->n += (size_t)got;
    c->p[c->n] = '\0';
    return true;
}

static void boil(struct client *c, const char *fmt, ...) printf_like(2, 3);
static void boil(struct client *c, const char *fmt, ...)
{
    size_t n = strlen(c->text);
    va_list ap;
    va_start(ap, fmt);
    if (n)
        n += (size_t)snprintf(c->text + n, sizeof(c->text) - n, " | ");
    vsnprintf(c->text + n, sizeof(c->text) - n, fmt, ap);
    va_end(ap);
}

/* Value of a header of the raw head, up to its CR. */
static struct str raw_header(const char *head, const char *name)
{
    char line[64];
    snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strcasestr(head, line);
    if (!at)
        return STR_NULL;
    at += strlen(line);
    return str_n(at, strcspn(at, "\r"));
}

/* One whole answer off the front; false when there is none. */
static bool hear_one(struct client *c)
{
    const char *end;
    while (!c->p || !(end = memmem(c->p, c->n, "\r\n\r\n", 4))) {
        if (!hear_more(c))
            return false;
    }
    size_t head = (size_t)(end - c->p) + 4;
    snprintf(c->raw, sizeof(c->raw), "%.*s", (int)head, c->p);
    uint64_t length = 0;
    struct str declared = raw_header(c->raw, "Content-Length");
    if (declared.p && !c->head)
        CHECK_INT(str_u64(declared, &length), 0);
    while (c->n < head + length) {
        if (!hear_more(c))
            return false;
    }
    bool closes = str_eq_c(raw_header(c->raw, "Connection"), "close");
    boil(c, "%.3s%s%.*s%s", c->raw + 9, length ? " " : "", (int)MIN(length, (uint64_t)300),
         c->p + head, closes ? " close" : "");
    memmove(c->p, c->p + head + length, c->n - head - length);
    c->n -= head + length;
    c->head = false;
    return true;
}

/* The next n answers (100 counts), as a line. */
static const char *hear(struct client *c, int n)
{
    c->text[0] = '\0';
    while (n-- > 0 && hear_one(c))
        ;
    if (c->ended || c->reset)
        boil(c, c->ended ? "EOF" : "RESET");
    return c->text;
}

/* All until the server closes. */
static const char *hear_all(struct client *c)
{
    return hear(c, 1000);
}

/* What is heard until the end, as it came. */
static struct str hear_raw(struct client *c)
{
    while (hear_more(c))
        ;
    return str_n(c->p, c->n);
}

static bool starts(const char *text, const char *with)
{
    return str_starts(str_of(text), str_of(with));
}

#define CHECK_HEARD(c, n, want) CHECK_CSTR(hear((c), (n)), want)

/* One connection, everything said at once, everything heard until the end. */
static void check_talk(const char *said, const char *want)
{
    struct client c = dial();
    CHECK(say(&c, said));
    CHECK_CSTR(hear_all(&c), want);
    hang_up(&c);
}

#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define GET(path)          "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST(path)         "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

#endif
