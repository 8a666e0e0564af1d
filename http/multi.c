/* libcurl multi_socket on base/loop. libcurl tells which sockets to watch and when to call it
   again; it must not be called from inside its callbacks, so those only take note.

   Between two transfers on one connection libcurl drops its socket and asks for it again, mostly in
   the same turn of the loop. Such a socket is left watched until the end of the turn, which saves
   the kernel two calls a request; the close callback makes that safe. */
#include "http/multi.h"

#include <assert.h>
#include <pthread.h>
#include <sys/socket.h>

#define MULTI_CONNECTIONS 128
#define MULTI_PER_HOST    8
#define MULTI_MAX_AGE_S   30 /* servers close idle connections; an old one fails the next POST */

struct multi_socket {
    struct loop_io io;
    struct http_multi *multi;
    int fd;
    bool ours;             /* from http_multi_open_socket(), so that its close will be heard of */
    struct list_link idle; /* dropped in this turn, still watched */
};

struct http_multi {
    struct loop *loop;
    CURLM *curl;
    CURLSH *share; /* TLS sessions, so that handshakes resume */
    struct loop_timer timer;
    struct loop_task now; /* the timer with nothing to wait for */
    struct loop_task tidy;
    struct list idle;
    struct multi_socket **sockets; /* by descriptor */
    size_t n_sockets;
};

static void multi_global_init(void)
{
    curl_global_init(CURL_GLOBAL_ALL);
}

static void multi_finished(struct http_multi *m)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(m->curl, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode code = msg->data.result;
        char *private = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private);
        struct http_transfer *t = (void *)private;
        http_multi_remove(m, t);
        t->done(t, code);
    }
}

static void multi_act(struct http_multi *m, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(m->curl, fd, events, &running);
    multi_finished(m);
}

/* ---- timer ---- */

static void multi_on_timer(struct loop_timer *t)
{
    multi_act(container_of(t, struct http_multi, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void multi_on_now(struct loop_task *t)
{
    multi_act(container_of(t, struct http_multi, now), CURL_SOCKET_TIMEOUT, 0);
}

static int multi_want_timer(CURLM *curl, long ms, void *ctx)
{
    (void)curl;
    struct http_multi *m = ctx;
    loop_timer_stop(&m->timer);
    loop_later_cancel(m->loop, &m->now);
    if (ms == 0)
        loop_later(m->loop, &m->now, multi_on_now);
    else if (ms > 0)
        loop_timer_set(m->loop, &m->timer, ms * US_PER_MS, multi_on_timer);
    return 0;
}

/* ---- sockets ---- */

static struct multi_socket *multi_socket_get(struct http_multi *m, curl_socket_t fd)
{
    size_t i = (size_t)fd;
    if (i >= m->n_sockets) {
        size_t n = MAX(i + 1, m->n_sockets * 2);
        m->sockets = xrealloc(m->sockets, n * sizeof(struct multi_socket *));
        for (size_t k = m->n_sockets; k < n; k++)
            m->sockets[k] = NULL;
        m->n_sockets = n;
    }
    if (!m->sockets[i]) {
        m->sockets[i] = xalloc(sizeof(struct multi_socket));
        m->sockets[i]->multi = m;
        m->sockets[i]->fd = fd;
    }
    return m->sockets[i];
}

static void multi_socket_stop(struct multi_socket *s)
{
    loop_io_stop(&s->io);
    if (list_linked(&s->idle))
        list_remove(&s->multi->idle, &s->idle);
}

static void multi_on_tidy(struct loop_task *t)
{
    struct http_multi *m = container_of(t, struct http_multi, tidy);
    while (!list_empty(&m->idle))
        multi_socket_stop(list_first(&m->idle, struct multi_socket, idle));
}

static void multi_on_io(struct loop_io *io, int events)
{
    struct multi_socket *s = container_of(io, struct multi_socket, io);
    if (list_linked(&s->idle)) {
        multi_socket_stop(s);
        return;
    }
    multi_act(s->multi, s->fd,
              (events & EV_READ ? CURL_CSELECT_IN : 0) |
                  (events & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int multi_want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
    (void)easy, (void)of_socket;
    struct http_multi *m = ctx;
    struct multi_socket *s = multi_socket_get(m, fd);
    if (what == CURL_POLL_REMOVE) {
        if (!s->ours) { /* a resolver's: closed without a word, perhaps right now */
            multi_socket_stop(s);
        } else if (!list_linked(&s->idle)) {
            list_append(&m->idle, &s->idle);
            loop_later(m->loop, &m->tidy, multi_on_tidy);
        }
        return 0;
    }
    if (list_linked(&s->idle))
        list_remove(&m->idle, &s->idle);
    loop_io_set(m->loop, &s->io, fd,
                (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0),
                multi_on_io);
    return 0;
}

curl_socket_t http_multi_open_socket(struct http_multi *m, const struct curl_sockaddr *a)
{
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    multi_socket_get(m, fd)->ours = true;
    return fd;
}

static curl_socket_t multi_on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    return http_multi_open_socket(ctx, a);
}

static int multi_on_close(void *ctx, curl_socket_t fd)
{
    struct multi_socket *s = multi_socket_get(ctx, fd);
    multi_socket_stop(s);
    s->ours = false;
    return close(fd);
}

/* ---- life ---- */

struct http_multi *http_multi_new(struct loop *l, unsigned max_connections, unsigned max_per_host)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, multi_global_init);
    struct http_multi *m = xalloc(sizeof *m);
    long total = max_connections ? max_connections : MULTI_CONNECTIONS;
    m->loop = l;
    list_init(&m->idle);
    m->curl = curl_multi_init();
    m->share = curl_share_init();
    if (!m->curl || !m->share) /* only for want of memory */
        abort();
    curl_share_setopt(m->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, multi_want_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, multi_want_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, total);
    curl_multi_setopt(m->curl, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)(max_per_host ? max_per_host : MULTI_PER_HOST));
    return m;
}

void http_multi_free(struct http_multi *m)
{
    if (!m)
        return;
    curl_multi_cleanup(m->curl);
    curl_share_cleanup(m->share);
    loop_timer_stop(&m->timer);
    loop_later_cancel(m->loop, &m->now);
    loop_later_cancel(m->loop, &m->tidy);
    for (size_t i = 0; i < m->n_sockets; i++) {
        if (m->sockets[i])
            multi_socket_stop(m->sockets[i]);
        free(m->sockets[i]);
    }
    free(m->sockets);
    free(m);
}

void http_multi_prepare(struct http_multi *m, struct http_transfer *t)
{
    CURL *easy = t->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)t);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)MULTI_MAX_AGE_S);
    curl_easy_setopt(easy, CURLOPT_SHARE, m->share);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, multi_on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, m);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, multi_on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, m);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

int http_multi_add(struct http_multi *m, struct http_transfer *t)
{
    assert(!t->added);
    if (curl_multi_add_handle(m->curl, t->easy) != CURLM_OK)
        return -1;
    t->added = true;
    return 0;
}

void http_multi_remove(struct http_multi *m, struct http_transfer *t)
{
    if (!t->added)
        return;
    t->added = false;
    curl_multi_remove_handle(m->curl, t->easy);
}
