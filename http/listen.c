/* Listeners: an address becomes one or more bound sockets; accepting. */
#include "http/conn.h"

#include "base/stats.h"
#include "http/tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

enum {
    LISTEN_BACKLOG = 4096,    /* the kernel cuts it to net.core.somaxconn */
    LISTEN_ACCEPTS = 64,      /* per wake-up */
    LISTEN_PAUSE_US = 100000, /* when the process is out of descriptors */
    LISTEN_TEXT = 128,
};

struct http_listener {
    struct list_link link; /* in server->listeners */
    struct http_server *server;
    int fd;
    bool admin;
    struct http_tls *tls;
    struct loop_io io;
    struct loop_timer pause;
    char *unix_path; /* to be unlinked */
    char text[LISTEN_TEXT];
};

static void listen_on_io(struct loop_io *io, int events);

static void listen_wait(struct http_listener *l)
{
    loop_io_set(l->server->loop, &l->io, l->fd, EV_READ, listen_on_io);
}

static void listen_on_pause(struct loop_timer *t)
{
    listen_wait(container_of(t, struct http_listener, pause));
}

static void listen_take(struct http_listener *l, int fd)
{
    struct http_server *s = l->server;
    bool full = s->conns.count + s->gone.count - s->n_refused >= s->options.max_connections;
    if (full && (l->tls || s->n_refused >= HTTP_MAX_REFUSED)) {
        stats_inc(STATS_HTTP_REJECTED, "busy", NULL, NULL); /* no time for a handshake or a word */
        close(fd);
        return;
    }
    struct ssl_st *ssl = l->tls ? http_tls_session(l->tls, fd) : NULL;
    if (l->tls && !ssl) {
        close(fd);
        return;
    }
    struct http_conn *c = http_conn_new(s, fd, ssl, l->admin);
    if (full) {
        c->refused = true;
        s->n_refused++;
        http_request_refuse(c, 503, "busy", "too many connections", STR_NULL);
    }
    http_conn_run(c);
}

static void listen_on_io(struct loop_io *io, int events)
{
    (void)events;
    struct http_listener *l = container_of(io, struct http_listener, io);
    for (unsigned i = 0; i < LISTEN_ACCEPTS; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listen_take(l, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The waiting connection would wake us again at once. */
            stats_inc(STATS_HTTP_REJECTED, "descriptors", NULL, NULL);
            loop_io_stop(&l->io);
            loop_timer_set(l->server->loop, &l->pause, LISTEN_PAUSE_US, listen_on_pause);
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static struct http_listener *listen_add(struct http_server *s, int fd)
{
    struct http_listener *l = xalloc(sizeof(*l));
    l->server = s;
    l->fd = fd;
    list_append(&s->listeners, &l->link);
    listen_wait(l);
    return l;
}

static void listen_close(struct http_listener *l)
{
    list_remove(&l->server->listeners, &l->link);
    loop_io_stop(&l->io);
    loop_timer_stop(&l->pause);
    close(l->fd);
    if (l->unix_path)
        unlink(l->unix_path);
    free(l->unix_path);
    free(l);
}

void http_listen_close_all(struct http_server *s)
{
    list_each (&s->listeners, link)
        listen_close(container_of(link, struct http_listener, link));
}

const char *http_server_address(const struct http_server *s, size_t i)
{
    const struct list_link *link = s->listeners.head.next;
    for (; link != &s->listeners.head; link = link->next) {
        if (i-- == 0)
            return ((const struct http_listener *)(const void *)((const char *)link -
                                                                 offsetof(struct http_listener,
                                                                          link)))
                ->text;
    }
    return NULL;
}

/* ---- unix sockets ---- */

/* A socket nobody listens on any more stands in the way: remove it. Anything else is left alone. */
static void listen_clear_stale(const struct sockaddr_un *sun)
{
    struct stat st;
    if (lstat(sun->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) && errno == ECONNREFUSED)
        unlink(sun->sun_path);
}

static int listen_unix(struct http_server *s, const char *path, struct error *e)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(sun.sun_path))
        return error_set(e, ERROR_INVALID,
                         "cannot listen on unix:%s: the path must have 1 to %zu bytes", path,
                         sizeof(sun.sun_path) - 1);
    memcpy(sun.sun_path, path, n);
    listen_clear_stale(&sun);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, LISTEN_BACKLOG)) {
        error_sys(e, errno, "cannot listen on unix:%s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    struct http_listener *l = listen_add(s, fd);
    l->unix_path = xstrndup(path, n);
    snprintf(l->text, sizeof(l->text), "unix:%s", path);
    return 0;
}

/* ---- TCP ---- */

static void listen_name(struct http_listener *l)
{
    struct sockaddr_storage ss = { 0 };
    socklen_t n = sizeof(ss);
    char text[ADDR_TEXT];
    getsockname(l->fd, (struct sockaddr *)&ss, &n);
    struct addr a = addr_from_sockaddr((struct sockaddr *)&ss);
    addr_format(&a, text);
    snprintf(l->text, sizeof(l->text), a.family == 6 ? "[%s]:%u" : "%s:%u", text, a.port);
}

static int listen_socket(const struct addrinfo *ai, uint16_t port)
{
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct sockaddr_storage ss = { 0 };
    memcpy(&ss, ai->ai_addr, ai->ai_addrlen);
    if (port && ss.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&ss)->sin6_port = htons(port);
    else if (port)
        ((struct sockaddr_in *)&ss)->sin_port = htons(port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (ss.ss_family == AF_INET6) /* each address is bound by itself */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
    if (bind(fd, (struct sockaddr *)&ss, ai->ai_addrlen) || listen(fd, LISTEN_BACKLOG)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

/* "host:port", "[v6]:port", ":port" → *host ("" = all) and *port, copied into text. */
static int listen_split(const char *address, char text[LISTEN_TEXT], char **host, char **port)
{
    size_t n = strlen(address);
    if (n >= LISTEN_TEXT)
        return -1;
    memcpy(text, address, n + 1);
    char *colon = strrchr(text, ':');
    uint64_t number;
    if (!colon || str_u64(str_of(colon + 1), &number) || number > UINT16_MAX)
        return -1;
    *colon = '\0';
    *host = text;
    *port = colon + 1;
    if (text[0] == '[') {
        if (colon == text || colon[-1] != ']')
            return -1;
        colon[-1] = '\0';
        *host = text + 1;
        return **host ? 0 : -1;
    }
    return strchr(text, ':') ? -1 : 0;
}

/* Binds every address the name has; one that the machine lacks is left out when another works. */
static int listen_all(struct http_server *s, const struct addrinfo *list,
                      const struct http_listener *as, const char *address, struct error *e)
{
    struct http_listener *made[8];
    size_t n_made = 0;
    uint16_t port = 0;
    for (const struct addrinfo *ai = list; ai && n_made < N_ELEMENTS(made); ai = ai->ai_next) {
        int fd = listen_socket(ai, port);
        if (fd >= 0) {
            struct http_listener *l = made[n_made++] = listen_add(s, fd);
            l->admin = as->admin;
            l->tls = as->tls;
            listen_name(l);
            struct sockaddr_in6 got = {
                0
            }; /* the port stands at the same place in both families */
            socklen_t n = sizeof(got);
            getsockname(fd, (struct sockaddr *)&got, &n);
            port = ntohs(got.sin6_port);
            continue;
        }
        bool lacking = errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
        if (lacking && (n_made || ai->ai_next))
            continue;
        error_sys(e, errno, "cannot listen on %s", address);
        while (n_made)
            listen_close(made[--n_made]);
        return -1;
    }
    return 0;
}

int http_server_listen(struct http_server *s, const char *address, bool admin, struct http_tls *tls,
                       struct error *e)
{
    struct http_listener as = { .admin = admin, .tls = tls };
    if (strncmp(address, "unix:", 5) == 0) {
        if (listen_unix(s, address + 5, e))
            return -1;
        struct http_listener *l = container_of(s->listeners.head.prev, struct http_listener, link);
        l->admin = admin;
        l->tls = tls;
        return 0;
    }
    char text[LISTEN_TEXT], *host, *port;
    if (listen_split(address, text, &host, &port))
        return error_set(e, ERROR_INVALID,
                         "\"%.100s\" is not an address to listen on, expected host:port, "
                         "[v6]:port, :port or unix:/path",
                         address);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(*host ? host : NULL, port, &hints, &list);
    if (failed)
        return error_set(e, ERROR_NOT_FOUND, "cannot listen on %s: %s", address,
                         gai_strerror(failed));
    failed = listen_all(s, list, &as, address, e);
    freeaddrinfo(list);
    return failed;
}
