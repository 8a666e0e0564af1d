#include "tests/t.h"

#include "base/buf.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <zlib.h>

/* ---- a small blocking server: what it does is in the path ---- */

static int server_port, tls_port;
static atomic_int accepted;
static SSL_CTX *tls_context;
static char ca_file[64];

struct peer {
    int fd;
    SSL *tls;
};

/* A label is too long, so that no name server is asked. */
#define NO_HOST "no-such-host-no-such-host-no-such-host-no-such-host-no-such-host-no-such.invalid"

static void nap(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

static bool peer_write(struct peer *p, const void *bytes, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t k = p->tls ? SSL_write(p->tls, (const char *)bytes + at, (int)MIN(n - at, 16384))
                           : send(p->fd, (const char *)bytes + at, n - at, MSG_NOSIGNAL);
        if (k <= 0)
            return false;
        at += (size_t)k;
    }
    return true;
}

static bool peer_say(struct peer *p, const char *text)
{
    return peer_write(p, text, strlen(text));
}

static ssize_t peer_read(struct peer *p, char *bytes, size_t n)
{
    return p->tls ? SSL_read(p->tls, bytes, (int)n) : recv(p->fd, bytes, n, 0);
}

/* A whole request with its body in `got`; false at the end of the connection. */
static bool peer_request(struct peer *p, struct buf *got)
{
    size_t want = 0;
    buf_reset(got);
    for (;;) {
        if (got->n && !p->tls && got->p[0] == 0x16) { /* TLS */
            peer_say(p, "HTTP/1.1 400 Bad Request\r\n\r\n");
            return false;
        }
        ptrdiff_t end = str_find(buf_view(got), STR("\r\n\r\n"));
        if (end >= 0 && !want) {
            ptrdiff_t at = str_find(buf_view(got), STR("Content-Length: "));
            uint64_t n = 0;
            if (at >= 0) {
                struct str rest = str_sub(buf_view(got), (size_t)at + 16, 20), digits = rest;
                digits.n = (size_t)str_chr(rest, '\r');
                if (str_u64(digits, &n) < 0)
                    return false;
            }
            want = (size_t)end + 4 + n;
        }
        if (want && got->n >= want)
            return true;
        char *room = buf_reserve(got, 65536);
        ssize_t n = room ? peer_read(p, room, 65536) : -1;
        if (n <= 0)
            return false;
        got->n += (size_t)n;
    }
}

static void answer(struct peer *p, const char *head, const void *body, size_t n)
{
    char text[512];
    int len = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, n);
    if (peer_write(p, text, (size_t)len))
        peer_write(p, body, n);
}

static void say_zeros(struct peer *p, size_t n)
{
    static const char zeros[65536];
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
    if (!peer_say(p, head))
        return;
    while (n) {
        size_t k = MIN(n, sizeof zeros);
        if (!peer_write(p, zeros, k))
            return;
        n -= k;
    }
}

static void say_bomb(struct peer *p)
{
    static char zeros[10 * 1024 * 1024], packed[64 * 1024];
    z_stream z = { .next_in = (void *)zeros,
                   .avail_in = sizeof zeros,
                   .next_out = (void *)packed,
                   .avail_out = sizeof packed };
    deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    answer(p, "200 OK\r\nContent-Encoding: gzip", packed, z.total_out);
    deflateEnd(&z);
}

static void say_events(struct peer *p)
{
    peer_say(p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        peer_say(p, "9\r\ndata: x\n\n\r\n");
        nap(20);
    }
    peer_say(p, "0\r\n\r\n");
}

static void say_huge_head(struct peer *p)
{
    static const char line[] =
        "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    peer_say(p, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20000 && peer_say(p, line); i++) {
    }
}

/* false = the connection is to be closed. */
static bool serve_one(struct peer *p, struct buf *got)
{
    struct str request = buf_view(got), path = STR_NULL;
    str_split(&request, ' ', &path);
    str_split(&request, ' ', &path);
    if (str_eq_c(path, "/ok")) {
        answer(p, "200 OK\r\nContent-Type: text/plain\r\nX-Two: a\r\nX-Two: b", "hello", 5);
    } else if (str_eq_c(path, "/echo")) {
        answer(p, "200 OK", got->p, got->n);
    } else if (str_eq_c(path, "/302")) {
        answer(p, "302 Found\r\nLocation: /ok", "", 0);
    } else if (str_eq_c(path, "/503")) {
        answer(p, "503 Busy\r\nRetry-After: 7", "later", 5);
    } else if (str_eq_c(path, "/retry-now")) {
        answer(p, "429 Slow\r\nRetry-After: 0", "", 0);
    } else if (str_eq_c(path, "/empty")) {
        peer_say(p, "HTTP/1.1 204 No Content\r\n\r\n");
    } else if (str_eq_c(path, "/big")) {
        say_zeros(p, 10 * MIB);
    } else if (str_eq_c(path, "/medium")) {
        say_zeros(p, 100 * KIB);
    } else if (str_eq_c(path, "/bomb")) {
        say_bomb(p);
    } else if (str_eq_c(path, "/events")) {
        say_events(p);
    } else if (str_eq_c(path, "/hang")) {
        nap(700);
        return false;
    } else if (str_eq_c(path, "/drip")) {
        peer_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        for (int i = 0; i < 100 && peer_say(p, "x"); i++)
            nap(20);
        return false;
    } else if (str_eq_c(path, "/half")) {
        peer_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
        return false;
    } else if (str_eq_c(path, "/reset")) {
        struct linger now = { 1, 0 };
        setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
    } else if (str_eq_c(path, "/garbage")) {
        peer_say(p, "this is no HTTP\r\n\r\n");
        return false;
    } else if (str_eq_c(path, "/huge-head")) {
        say_huge_head(p);
        return false;
    } else {
        return false; /* "/close" */
    }
    return true;
}

static void *serve_peer(void *arg)
{
    struct peer p = { (int)(intptr_t)arg & 0xFFFFFF, NULL };
    auto_buf got = BUF_INIT(16 * MIB);
    bool good = true;
    if ((intptr_t)arg & 0x1000000) {
        p.tls = SSL_new(tls_context);
        SSL_set_fd(p.tls, p.fd);
        good = SSL_accept(p.tls) == 1;
    }
    while (good && peer_request(&p, &got) && serve_one(&p, &got)) {
    }
    if (p.tls) {
        SSL_shutdown(p.tls);
        SSL_free(p.tls);
    }
    close(p.fd);
    return NULL;
}

static void start_thread(void *(*fn)(void *), intptr_t arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, fn, (void *)arg))
        abort();
    pthread_detach(t);
}

static void *serve(void *arg)
{
    intptr_t flags = (intptr_t)arg;
    for (;;) {
        int fd = accept((int)(flags & 0xFFFFFF), NULL, NULL), one = 1;
        if (fd < 0)
            return NULL;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        atomic_fetch_add(&accepted, 1);
        start_thread(serve_peer, fd | (flags & 0x1000000));
    }
}

static int listen_any(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    if (bind(fd, (struct sockaddr *)&a, n) || getsockname(fd, (struct sockaddr *)&a, &n))
        abort();
    *port = ntohs(a.sin_port);
    return fd;
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1,
                               0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(cert, san, -1);
    X509_EXTENSION_free(san);
    X509_sign(cert, key, EVP_sha256());
    tls_context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(tls_context, cert);
    SSL_CTX_use_PrivateKey(tls_context, key);
    int fd = memfd_create("ca", MFD_CLOEXEC);
    snprintf(ca_file, sizeof ca_file, "/proc/self/fd/%d", fd);
    FILE *f = fdopen(dup(fd), "w");
    PEM_write_X509(f, cert);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* ---- the client's side ---- */

static struct loop *loop;
static struct http_client *client;

struct got {
    int calls;
    enum http_failure failure;
    int status, version;
    char text[512], ip[64], type[64], two[64], location[64];
    struct buf body, stream;
    bool truncated, reused;
    uint64_t bytes;
    int64_t retry_after_us, took_us;
    int heads, chunks;
};
static struct got got;
static int pending;

static void copy_header(char *to, size_t n, const struct http_result *r, const char *name)
{
    struct str value = http_result_header(r, name);
    snprintf(to, n, "%" STR_FMT, STR_ARG(value));
}

static void on_done(void *ctx, const struct http_result *r)
{
    struct got *g = ctx;
    g->calls++;
    g->failure = r->failure;
    g->status = r->status;
    g->version = r->http_version;
    g->truncated = r->truncated;
    g->reused = r->reused;
    g->bytes = r->body_bytes;
    g->retry_after_us = r->retry_after_us;
    g->took_us = r->took.total_us;
    snprintf(g->text, sizeof g->text, "%s", r->text);
    snprintf(g->ip, sizeof g->ip, "%s", r->remote_ip);
    copy_header(g->type, sizeof g->type, r, "content-type");
    copy_header(g->two, sizeof g->two, r, "x-two");
    copy_header(g->location, sizeof g->location, r, "Location");
    buf_reset(&g->body);
    buf_str(&g->body, r->body);
    if (--pending == 0)
        loop_stop(loop);
}

static bool on_head(void *ctx, const struct http_result *r)
{
    struct got *g = ctx;
    g->heads++;
    CHECK_INT(r->body.n, 0);
    return r->status == 200 &&
           str_eq(http_media_type(http_result_header(r, "content-type")), STR("text/event-stream"));
}

static void on_chunk(void *ctx, struct str bytes)
{
    struct got *g = ctx;
    g->chunks++;
    buf_str(&g->stream, bytes);
}

static void forget(struct got *g)
{
    buf_release(&g->body);
    buf_release(&g->stream);
    *g = (struct got){ .body = BUF_INIT(MIB), .stream = BUF_INIT(MIB) };
}

static void begin(void)
{
    static bool up;
    if (!up) {
        up = true;
        signal(SIGPIPE, SIG_IGN);
        make_certificate();
        int fd = listen_any(&server_port), tls_fd = listen_any(&tls_port);
        listen(fd, 200);
        listen(tls_fd, 200);
        start_thread(serve, fd);
        start_thread(serve, tls_fd | 0x1000000);
    }
    forget(&got);
    atomic_store(&accepted, 0);
    pending = 0;
    loop = loop_new(&clock_real);
    client = http_client_new(loop, &(struct http_client_options){ .user_agent = "keryx/test" });
}

static void end(void)
{
    http_client_free(client);
    loop_free(loop);
    forget(&got);
}

static void on_give_up(struct loop_timer *t)
{
    (void)t;
    T_FAIL("no answer in 10 s");
    loop_stop(loop);
}

static void run(void)
{
    struct loop_timer give_up = { 0 };
    loop_timer_set(loop, &give_up, 10 * US_PER_S, on_give_up);
    loop_run(loop);
    loop_timer_stop(&give_up);
}

static char url_text[8][300];
/* path: "/ok" of the server; "//host:PORT/path" has PORT replaced; "https:" the TLS server. */
static struct str url_of(const char *path)
{
    static int next;
    char *out = url_text[next++ % 8];
    const char *port = strstr(path, "PORT");
    if (port)
        snprintf(out, 300, "%s%.*s%d%s", *path == '/' ? "http:" : "", (int)(port - path), path,
                 server_port, port + 4);
    else if (*path == '/')
        snprintf(out, 300, "http://127.0.0.1:%d%s", server_port, path);
    else
        snprintf(out, 300, "%s", path);
    return str_of(out);
}

static void start(const struct http_call_options *options, struct got *g)
{
    struct http_call_options o = *options;
    o.done = on_done;
    o.ctx = g;
    pending++;
    CHECK(http_call_start(client, &o) != NULL);
    CHECK_INT(g->calls, 0);
}

static void ask(const struct http_call_options *options)
{
    forget(&got);
    start(options, &got);
    run();
    CHECK_INT(got.calls, 1);
}

TEST(an_answer_comes_with_status_headers_body_and_where_it_came_from)
{
    begin();
    ask(&(struct http_call_options){ .url = url_of("/ok") });
    CHECK_INT(got.failure, HTTP_FAILURE_NONE);
    CHECK_CSTR(got.text, "");
    CHECK_INT(got.status, 200);
    CHECK_INT(got.version, 11);
    CHECK_STR(buf_view(&got.body), "hello");
    CHECK_INT(got.truncated, false);
    CHECK_CSTR(got.type, "text/plain");
    CHECK_CSTR(got.two, "b");
    CHECK_CSTR(got.location, "");
    CHECK_CSTR(got.ip, "127.0.0.1");
    CHECK_INT(got.retry_after_us, -1);
    CHECK(got.took_us > 0);
    end();
}

static const struct http_header json_headers[] = { { STR("Content-Type"), STR("application/json") },
                                                   { STR("X-Empty"), STR("") } };
static const struct http_header own_agent[] = { { STR("User-Agent"), STR("me/1") } };

static const struct {
    const char *name, *method;
    struct str body;
    const struct http_header *headers;
    size_t n_headers;
    const char *want; /* PORT aside */
} requests[] = {
    { "GET", NULL, STR_NULL, NULL, 0,
      "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: keryx/test\r\n\r\n" },
    { "POST", "POST", STR("{}"), json_headers, 2,
      "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "Content-Type: application/json\r\nX-Empty:\r\nUser-Agent: keryx/test\r\n"
      "Content-Length: 2\r\n\r\n{}" },
    { "no type is made up", "POST", STR("x"), own_agent, 1,
      "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: me/1\r\nContent-Length: 1\r\n\r\nx" },
    { "POST without body", "POST", STR_NULL, NULL, 0,
      "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: keryx/test\r\nContent-Length: 0\r\n\r\n" },
    { "PUT", "PUT", STR("v"), own_agent, 1,
      "PUT /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: me/1\r\nContent-Length: 1\r\n\r\nv" },
    { "DELETE", "DELETE", STR_NULL, own_agent, 1,
      "DELETE /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: me/1\r\n\r\n" },
    { "GET again after all these on one handle", "GET", STR_NULL, own_agent, 1,
      "GET /echo HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
      "User-Agent: me/1\r\n\r\n" },
};

TEST(a_request_goes_out_as_it_was_asked_for_on_one_connection)
{
    begin();
    for (size_t i = 0; i < N_ELEMENTS(requests); i++) {
        char want[600];
        const char *port = strstr(requests[i].want, "PORT");
        snprintf(want, sizeof want, "%.*s%d%s", (int)(port - requests[i].want), requests[i].want,
                 server_port, port + 4);
        ROW(requests[i].name);
        ask(&(struct http_call_options){ .url = url_of("/echo"),
                                         .method = requests[i].method,
                                         .body = requests[i].body,
                                         .headers = requests[i].headers,
                                         .n_headers = requests[i].n_headers });
        CHECK_INT(got.status, 200);
        CHECK_STR(buf_view(&got.body), want);
        CHECK_INT(got.reused, i > 0);
    }
    CHECK_INT(atomic_load(&accepted), 1);
    end();
}

TEST(a_large_body_is_sent_without_asking_first)
{
    static char body[3 * 1024 * 1024];
    memset(body, 'b', sizeof body);
    begin();
    ask(&(struct http_call_options){
        .url = url_of("/echo"), .method = "POST", .body = str_n(body, sizeof body), .keep = 400 });
    CHECK_INT(got.status, 200);
    CHECK(str_find(buf_view(&got.body), STR("Content-Length: 3145728")) > 0);
    CHECK(str_find(buf_view(&got.body), STR("Expect")) < 0);
    CHECK_INT(got.truncated, true);
    CHECK_INT(got.body.n, 400);
    end();
}

static const struct {
    const char *name, *path;
    enum http_failure failure;
    int status;
    const char *text; /* starts so */
} ends[] = {
    { "3xx is not followed", "/302", HTTP_FAILURE_NONE, 302, "" },
    { "503", "/503", HTTP_FAILURE_NONE, 503, "" },
    { "204", "/empty", HTTP_FAILURE_NONE, 204, "" },
    { "refused", "http://127.0.0.1:1/", HTTP_FAILURE_CONNECTION_REFUSED, 0,
      "the connection was refused: " },
    { "refused after an answer on the same handle", "http://127.0.0.1:1/",
      HTTP_FAILURE_CONNECTION_REFUSED, 0, "the connection was refused: " },
    { "reset", "/reset", HTTP_FAILURE_CONNECTION_RESET, 0,
      "the connection was lost before the answer: " },
    { "closed", "/close", HTTP_FAILURE_CONNECTION_RESET, 0,
      "the connection was lost before the answer: " },
    { "half a body", "/half", HTTP_FAILURE_CONNECTION_RESET, 200,
      "the connection was lost before the answer: " },
    { "hangs", "/hang", HTTP_FAILURE_TIMEOUT, 0, "no answer in time: " },
    { "drips", "/drip", HTTP_FAILURE_TIMEOUT, 200, "no answer in time: " },
    { "no HTTP", "/garbage", HTTP_FAILURE_OTHER, 0, "the request failed: " },
    { "huge head", "/huge-head", HTTP_FAILURE_TOO_LARGE, 0,
      "the answer is too large: its head has more than 262144 bytes" },
    { "no such name", "http://" NO_HOST "/", HTTP_FAILURE_DNS_NOT_FOUND, 0,
      "the host name was not found: " },
    { "TLS to a plain server", "https://127.0.0.1:PORT/", HTTP_FAILURE_TLS_ERROR, 0,
      "TLS failed: " },
    { "other scheme", "file:///etc/passwd", HTTP_FAILURE_INVALID_REQUEST, 0,
      "the URL must start with http:// or https://" },
    { "gopher", "gopher://127.0.0.1:PORT/", HTTP_FAILURE_INVALID_REQUEST, 0,
      "the URL must start with http:// or https://" },
    { "no scheme", "127.0.0.1", HTTP_FAILURE_INVALID_REQUEST, 0, "not a usable URL: " },
    { "empty", "", HTTP_FAILURE_INVALID_REQUEST, 0, "the URL must have 1 to 8192 bytes" },
    { "port 0", "http://127.0.0.1:0/", HTTP_FAILURE_INVALID_REQUEST, 0,
      "the URL's port must be 1 to 65535" },
    { "CR LF in the URL", "http://127.0.0.1:PORT/ok\r\nX: y", HTTP_FAILURE_INVALID_REQUEST, 0,
      "not a usable URL: " },
    { "blank in the URL", "http://127.0.0.1:PORT/o k", HTTP_FAILURE_INVALID_REQUEST, 0,
      "not a usable URL: " },
};

TEST(each_way_to_end_has_its_type)
{
    begin();
    for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
        ROW(ends[i].name);
        ask(&(struct http_call_options){ .url = url_of(ends[i].path),
                                         .timeout_us = 400 * US_PER_MS });
        CHECK_INT(got.failure, ends[i].failure);
        CHECK_INT(got.status, ends[i].status);
        if (strncmp(got.text, ends[i].text, strlen(ends[i].text)) || (!*ends[i].text && *got.text))
            T_FAIL("got «%s», want «%s…»", got.text, ends[i].text);
    }
    end();
}

TEST(the_waiting_time_a_server_asks_for_is_read)
{
    begin();
    ask(&(struct http_call_options){ .url = url_of("/503") });
    CHECK_INT(got.retry_after_us, 7 * US_PER_S);
    ask(&(struct http_call_options){ .url = url_of("/retry-now") });
    CHECK_INT(got.retry_after_us, 0);
    ask(&(struct http_call_options){ .url = url_of("/302") });
    CHECK_INT(got.retry_after_us, -1);
    CHECK_CSTR(got.location, "/ok");
    end();
}

static const struct {
    const char *name;
    struct http_header header;
} bad_headers[] = {
    { "CR LF", { STR("X-A"), STR("b\r\nX-Injected: c") } },
    { "LF", { STR("X-A"), STR("b\nc") } },
    { "NUL", { STR("X-A"), { "b\0c", 3 } } },
    { "name with colon", { STR("X-A: b"), STR("c") } },
    { "name with CR LF", { STR("X-A\r\nX-B"), STR("c") } },
    { "empty name", { STR(""), STR("c") } },
    { "framing", { STR("content-length"), STR("5") } },
    { "framing", { STR("Transfer-Encoding"), STR("chunked") } },
};

TEST(headers_that_would_break_the_request_are_refused)
{
    begin();
    for (size_t i = 0; i < N_ELEMENTS(bad_headers); i++) {
        ROW(bad_headers[i].name);
        ask(&(struct http_call_options){
            .url = url_of("/ok"), .headers = &bad_headers[i].header, .n_headers = 1 });
        CHECK_INT(got.failure, HTTP_FAILURE_INVALID_REQUEST);
        CHECK_INT(got.status, 0);
    }
    ROW("method");
    ask(&(struct http_call_options){ .url = url_of("/ok"), .method = "GET / HTTP/1.1\r\nX:" });
    CHECK_INT(got.failure, HTTP_FAILURE_INVALID_REQUEST);
    CHECK_INT(atomic_load(&accepted), 0);
    end();
}

static const struct {
    const char *name, *path;
    size_t keep;
    bool fails;
    enum http_failure failure;
    size_t n;
    bool truncated;
} sizes[] = {
    { "within", "/medium", 200 * KIB, true, HTTP_FAILURE_NONE, 100 * KIB, false },
    { "exactly", "/medium", 100 * KIB, true, HTTP_FAILURE_NONE, 100 * KIB, false },
    { "one too many", "/medium", 100 * KIB - 1, true, HTTP_FAILURE_TOO_LARGE, 100 * KIB - 1, true },
    { "the rest is dropped", "/medium", 1000, false, HTTP_FAILURE_NONE, 1000, true },
    { "64 KiB unless told", "/medium", 0, false, HTTP_FAILURE_NONE, 64 * KIB, true },
    { "cut far beyond", "/big", 1000, false, HTTP_FAILURE_NONE, 1000, true },
    { "a gzip bomb is cut by what it unpacks to", "/bomb", 1000, true, HTTP_FAILURE_TOO_LARGE, 1000,
      true },
};

TEST(bodies_have_a_ceiling)
{
    begin();
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        ROW(sizes[i].name);
        ask(&(struct http_call_options){ .url = url_of(sizes[i].path),
                                         .keep = sizes[i].keep,
                                         .too_large_fails = sizes[i].fails });
        CHECK_INT(got.failure, sizes[i].failure);
        CHECK_INT(got.status, 200);
        CHECK_INT(got.body.n, sizes[i].n);
        CHECK_INT(got.truncated, sizes[i].truncated);
        CHECK(got.bytes < MIB);
    }
    end();
}

TEST(a_stream_arrives_in_pieces_and_anything_else_whole)
{
    begin();
    struct http_call_options o = { .url = url_of("/events"),
                                   .wants_stream = on_head,
                                   .chunk = on_chunk };
    ask(&o);
    CHECK_INT(got.heads, 1);
    CHECK(got.chunks >= 2);
    CHECK_STR(buf_view(&got.stream), "data: x\n\ndata: x\n\ndata: x\n\n");
    CHECK_INT(got.body.n, 0);
    o.url = url_of("/ok");
    ask(&o);
    CHECK_INT(got.heads, 1);
    CHECK_INT(got.chunks, 0);
    CHECK_STR(buf_view(&got.body), "hello");
    o.url = url_of("/empty");
    ask(&o);
    CHECK_INT(got.heads, 1);
    CHECK_INT(got.status, 204);
    o.url = url_of("/medium");
    o.keep = 10;
    o.too_large_fails = true;
    ask(&o);
    CHECK_INT(got.failure, HTTP_FAILURE_TOO_LARGE);
    CHECK_INT(got.body.n, 10);
    end();
}

TEST(a_stream_that_falls_silent_ends)
{
    begin();
    ask(&(struct http_call_options){ .url = url_of("/hang"), .idle_timeout_us = US_PER_S });
    CHECK_INT(got.failure, HTTP_FAILURE_CONNECTION_RESET); /* after 0.7 s: no second was silent */
    end();
}

/* ---- the guard ---- */

static const char *const spellings[] = {
    "//127.0.0.1:PORT/ok",
    "//2130706433:PORT/ok",
    "//0x7f000001:PORT/ok",
    "//0x7f.1:PORT/ok",
    "//0177.0.0.1:PORT/ok",
    "//127.1:PORT/ok",
    "//[::ffff:127.0.0.1]:PORT/ok",
    "//[::ffff:7f00:1]:PORT/ok",
    "//[::1]:PORT/ok",
    "//0:PORT/ok",
    "//0.0.0.0:PORT/ok",
    "//[::]:PORT/ok",
    "//localhost:PORT/ok",
    "//localhost.:PORT/ok",
    "//LOCALHOST:PORT/ok",
    "//127.0.0.1.:PORT/ok",
    "//[64:ff9b::7f00:1]:PORT/ok",
    "//%31%32%37.0.0.1:PORT/ok",
};

TEST(a_guarded_call_does_not_reach_this_machine_in_any_spelling)
{
    static const struct guard_policy closed = { 0 };
    begin();
    for (size_t i = 0; i < N_ELEMENTS(spellings); i++) {
        ROW(spellings[i]);
        ask(&(struct http_call_options){ .url = url_of(spellings[i]), .guard = &closed });
        /* Some are no URLs to libcurl, and not every system knows "localhost.". */
        if (got.failure != HTTP_FAILURE_INVALID_REQUEST &&
            got.failure != HTTP_FAILURE_DNS_NOT_FOUND)
            CHECK_INT(got.failure, HTTP_FAILURE_BLOCKED_ADDRESS);
        CHECK_INT(got.status, 0);
    }
    CHECK_INT(atomic_load(&accepted), 0);
    ROW("says what is wrong");
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok"), .guard = &closed });
    if (strcmp(got.text, "address 127.0.0.1 is not public") &&
        strcmp(got.text, "address ::1 is not public"))
        T_FAIL("got «%s»", got.text);
    end();
}

TEST(a_guarded_call_does_not_use_the_open_connection_of_another)
{
    static const struct guard_policy closed = { 0 };
    begin();
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok") });
    CHECK_INT(got.status, 200);
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok"), .guard = &closed });
    CHECK_INT(got.failure, HTTP_FAILURE_BLOCKED_ADDRESS);
    CHECK_INT(got.status, 0);
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok") });
    CHECK_INT(got.status, 200);
    end();
}

TEST(a_hole_in_the_guard_lets_through)
{
    struct cidr hole;
    CHECK_INT(cidr_parse(STR("127.0.0.0/8"), &hole, NULL), 0);
    struct guard_policy open = { .allow = &hole, .n_allow = 1 };
    begin();
    ask(&(struct http_call_options){ .url = url_of("/ok"), .guard = &open });
    CHECK_INT(got.status, 200);
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok"), .guard = &open });
    CHECK_INT(got.status, 200);
    end();
}

static void use_environment_proxy(const char *value)
{
    static const char *const names[] = { "http_proxy", "all_proxy", "ALL_PROXY" };
    for (size_t i = 0; i < N_ELEMENTS(names); i++) {
        if (value)
            setenv(names[i], value, 1);
        else
            unsetenv(names[i]);
    }
}

TEST(a_proxy_in_the_environment_is_ignored)
{
    begin();
    use_environment_proxy("http://127.0.0.1:1");
    ask(&(struct http_call_options){ .url = url_of("/ok") });
    CHECK_INT(got.status, 200);
    use_environment_proxy(NULL);
    end();
}

TEST(a_configured_proxy_is_used_but_for_the_hosts_excepted)
{
    char proxy[64];
    struct str direct[] = { STR("127.0.0.0/8"), STR(".localhost") };
    begin();
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server_port);
    struct http_egress egress = { .proxy = proxy };
    ask(&(struct http_call_options){ .url = STR("http://service.example/echo"),
                                     .egress = &egress });
    CHECK_INT(got.failure, HTTP_FAILURE_CONNECTION_RESET); /* "GET http://…": no path of ours */
    CHECK_INT(atomic_load(&accepted), 1);
    egress = (struct http_egress){ "http://127.0.0.1:1", direct, 2, NULL };
    ask(&(struct http_call_options){ .url = url_of("/ok"), .egress = &egress });
    CHECK_INT(got.status, 200);
    ask(&(struct http_call_options){ .url = url_of("//localhost:PORT/ok"), .egress = &egress });
    CHECK_INT(got.status, 200);
    egress.n_no_proxy = 0;
    ask(&(struct http_call_options){ .url = url_of("/ok"), .egress = &egress });
    CHECK_INT(got.failure, HTTP_FAILURE_CONNECTION_REFUSED);
    end();
}

TEST(behind_a_proxy_the_guard_judges_the_name_before_the_proxy_is_asked)
{
    static const struct guard_policy closed = { 0 };
    struct cidr holes[2];
    CHECK_INT(cidr_parse(STR("127.0.0.0/8"), &holes[0], NULL), 0);
    CHECK_INT(cidr_parse(STR("::1"), &holes[1], NULL), 0);
    struct guard_policy open = { .allow = holes, .n_allow = 2 };
    char proxy[64];
    begin();
    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", server_port);
    struct http_egress egress = { .proxy = proxy };
    ask(&(struct http_call_options){
        .url = url_of("//localhost:PORT/ok"), .egress = &egress, .guard = &closed });
    CHECK_INT(got.failure, HTTP_FAILURE_BLOCKED_ADDRESS);
    ask(&(struct http_call_options){
        .url = url_of("//127.0.0.1:PORT/ok"), .egress = &egress, .guard = &closed });
    CHECK_INT(got.failure, HTTP_FAILURE_BLOCKED_ADDRESS);
    ask(&(struct http_call_options){
        .url = STR("http://" NO_HOST "/"), .egress = &egress, .guard = &closed });
    CHECK_INT(got.failure, HTTP_FAILURE_DNS_NOT_FOUND);
    CHECK_INT(atomic_load(&accepted), 0);
    ask(&(struct http_call_options){
        .url = url_of("//localhost:PORT/ok"), .egress = &egress, .guard = &open });
    CHECK_INT(atomic_load(&accepted), 1); /* "CONNECT 127.0.0.1:…", which the server closes */
    CHECK(got.failure != HTTP_FAILURE_BLOCKED_ADDRESS);
    CHECK_INT(got.status, 0);
    end();
}

/* ---- TLS ---- */

TEST(a_certificate_nobody_vouches_for_is_refused_unless_its_authority_is_named)
{
    char good[64], wrong_name[64];
    begin();
    snprintf(good, sizeof good, "https://localhost:%d/ok", tls_port);
    snprintf(wrong_name, sizeof wrong_name, "https://127.0.0.1:%d/ok", tls_port);
    struct http_egress egress = { .ca_file = ca_file };
    struct http_egress no_file = { .ca_file = "/no/such/file" };
    for (int i = 0; i < 2; i++) { /* the open connection of a trusting call does not help */
        ask(&(struct http_call_options){ .url = str_of(good) });
        CHECK_INT(got.failure, HTTP_FAILURE_TLS_ERROR);
        ask(&(struct http_call_options){ .url = str_of(good), .egress = &egress });
        CHECK_INT(got.failure, HTTP_FAILURE_NONE);
        CHECK_INT(got.status, 200);
    }
    ask(&(struct http_call_options){ .url = str_of(wrong_name), .egress = &egress });
    CHECK_INT(got.failure, HTTP_FAILURE_TLS_ERROR);
    ask(&(struct http_call_options){ .url = str_of(good), .egress = &no_file });
    CHECK_INT(got.failure, HTTP_FAILURE_TLS_ERROR);
    end();
}

/* ---- cancel, many, free ---- */

static void on_stop(struct loop_timer *t)
{
    (void)t;
    loop_stop(loop);
}

static void run_for(int64_t us)
{
    struct loop_timer t = { 0 };
    loop_timer_set(loop, &t, us, on_stop);
    loop_run(loop);
    loop_timer_stop(&t);
}

static struct http_call *start_call(const char *path, struct got *g)
{
    struct http_call_options o = { .url = url_of(path), .done = on_done, .ctx = g };
    struct http_call *call = http_call_start(client, &o);
    pending++;
    return call;
}

TEST(a_cancelled_call_is_not_heard_of_again)
{
    static const char *const paths[] = { "/ok", "/hang", "file:///", "http://" NO_HOST "/" };
    begin();
    pending = 100;
    for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
        for (int64_t after_us = 0; after_us < 30 * US_PER_MS; after_us += 10 * US_PER_MS) {
            struct http_call *call = start_call(i == 1 || !after_us ? paths[i] : "/hang", &got);
            if (after_us)
                run_for(after_us);
            http_call_cancel(call);
            CHECK_INT(http_client_active(client), 0);
        }
    }
    run_for(50 * US_PER_MS);
    CHECK_INT(got.calls, 0);
    end();
}

static struct http_call *other;
static struct got second;

static void on_done_cancel_other(void *ctx, const struct http_result *r)
{
    (void)ctx;
    CHECK_INT(r->status, 200);
    http_call_cancel(other);
    struct http_call_options o = { .url = url_of("/ok"), .done = on_done, .ctx = &second };
    pending = 1;
    CHECK(http_call_start(client, &o) != NULL);
    CHECK_INT(second.calls, 0);
}

TEST(a_callback_may_cancel_others_and_start_new_ones)
{
    begin();
    forget(&second);
    struct http_call_options o = { .url = url_of("/ok"), .done = on_done_cancel_other };
    other = start_call("/hang", &got);
    CHECK(http_call_start(client, &o) != NULL);
    run();
    CHECK_INT(got.calls, 0);
    CHECK_INT(second.calls, 1);
    CHECK_INT(second.status, 200);
    forget(&second);
    end();
}

static void on_chunk_cancel(void *ctx, struct str bytes)
{
    struct got *g = ctx;
    g->chunks++;
    buf_str(&g->stream, bytes);
    http_call_cancel(other);
    struct http_call *next = start_call("/ok", &second);
    CHECK(next != other); /* still in use below us */
}

static bool on_head_cancel(void *ctx, const struct http_result *r)
{
    (void)r;
    struct got *g = ctx;
    g->heads++;
    http_call_cancel(other);
    start_call("/ok", &second);
    return true;
}

TEST(a_stream_may_be_cancelled_in_its_own_callbacks)
{
    begin();
    forget(&second);
    struct http_call_options o = { .url = url_of("/events"),
                                   .wants_stream = on_head,
                                   .chunk = on_chunk_cancel,
                                   .done = on_done,
                                   .ctx = &got };
    other = http_call_start(client, &o);
    run();
    CHECK_INT(got.chunks, 1);
    CHECK_INT(got.calls, 0);
    CHECK_INT(second.status, 200);
    forget(&second);
    o.wants_stream = on_head_cancel;
    for (int i = 0; i < 2; i++) {
        o.url = url_of(i ? "/events" : "/ok");
        other = http_call_start(client, &o);
        run();
    }
    CHECK_INT(got.heads, 3);
    CHECK_INT(got.chunks, 1);
    CHECK_INT(got.calls, 0);
    forget(&second);
    end();
}

TEST(freeing_the_client_ends_calls_without_a_callback)
{
    begin();
    start_call("/hang", &got);
    start_call("/drip", &got);
    start_call("file:///", &got);
    start_call("http://" NO_HOST "/", &got);
    run_for(30 * US_PER_MS);
    start_call("/ok", &got);
    int calls = got.calls;
    end();
    CHECK(calls <= 2);
}

static int batch_left;

static void on_batch(void *ctx, const struct http_result *r)
{
    (void)ctx;
    CHECK_INT(r->status, 200);
    if (batch_left > 0) {
        batch_left--;
        struct http_call_options o = { .url = url_of("/ok"), .done = on_batch };
        CHECK(http_call_start(client, &o) != NULL);
    } else if (http_client_active(client) == 0) {
        loop_stop(loop);
    }
}

TEST(many_calls_share_a_few_connections)
{
    begin();
    batch_left = 2000;
    for (int i = 0; i < 100; i++) {
        struct http_call_options o = { .url = url_of("/ok"), .done = on_batch };
        CHECK(http_call_start(client, &o) != NULL);
    }
    run();
    CHECK_INT(batch_left, 0);
    CHECK(atomic_load(&accepted) <= 8);
    end();
}

/* ---- guard, pure ---- */

static const struct {
    const char *url;
    enum error_code code;
    const char *host;
    int port;
    bool tls;
} urls[] = {
    { "http://a.example/x", ERROR_NONE, "a.example", 80, false },
    { "https://A.Example.:8443/x", ERROR_NONE, "a.example", 8443, true },
    { "HTTPS://a.example", ERROR_NONE, "a.example", 443, true },
    { "http://[2606:4700::1]/", ERROR_NONE, "2606:4700::1", 80, false },
    { "http://1.2.3.4:81", ERROR_NONE, "1.2.3.4", 81, false },
    { "http://user@a.example/", ERROR_DENIED, "", 0, false },
    { "http://user:pass@a.example/", ERROR_DENIED, "", 0, false },
    { "http://10.1.2.3/", ERROR_DENIED, "", 0, false },
    { "http://169.254.169.254/latest/meta-data", ERROR_DENIED, "", 0, false },
    { "http://[fd00::1]/", ERROR_DENIED, "", 0, false },
    { "ftp://a.example/", ERROR_INVALID, "", 0, false },
    { "//a.example/", ERROR_INVALID, "", 0, false },
    { "http://", ERROR_INVALID, "", 0, false },
    { "http://a.example:0/", ERROR_INVALID, "", 0, false },
    { "http://a.example:65536/", ERROR_INVALID, "", 0, false },
    { "http://a b.example/", ERROR_INVALID, "", 0, false },
};

TEST(urls_are_judged_by_what_libcurl_reads_in_them)
{
    static const struct guard_policy closed = { 0 };
    for (size_t i = 0; i < N_ELEMENTS(urls); i++) {
        struct guard_target t = { .host = "" };
        struct error e = ERROR_INIT;
        ROW(urls[i].url);
        CHECK_INT(guard_check_url(&closed, str_of(urls[i].url), &t, &e),
                  urls[i].code == ERROR_NONE ? 0 : -1);
        CHECK_INT(e.code, urls[i].code);
        CHECK_CSTR(t.host, urls[i].host);
        CHECK_INT(t.port, urls[i].port);
        CHECK_INT(t.tls, urls[i].tls);
    }
    ROW("the operator may name anything");
    CHECK_INT(guard_check_url(NULL, STR("http://u:p@10.1.2.3/"), NULL, NULL), 0);
    ROW("NUL");
    CHECK_INT(guard_check_url(NULL, str_n("http://a.example/\0b", 19), NULL, NULL), -1);
}

static const struct {
    const char *pattern, *host;
    bool in;
} hosts[] = {
    { "a.example", "a.example", true },
    { "A.Example", "a.example", true },
    { "a.example.", "a.example", true },
    { "a.example", "b.a.example", false },
    { "*.a.example", "b.a.example", true },
    { "*.a.example", "c.b.a.example", true },
    { "*.a.example", "a.example", false },
    { "*.a.example", "xa.example", false },
    { ".a.example", "a.example", true },
    { ".a.example", "b.a.example", true },
    { ".a.example", "xa.example", false },
    { "*", "a.example", true },
    { "", "a.example", false },
    { "*.", "a.example", false },
    { ".", "a.example", false },
};

TEST(host_patterns)
{
    for (size_t i = 0; i < N_ELEMENTS(hosts); i++) {
        struct str pattern = str_of(hosts[i].pattern);
        ROW(hosts[i].pattern);
        CHECK_INT(guard_host_in(hosts[i].host, &pattern, 1), hosts[i].in);
    }
    struct str names[] = { STR("good.example") };
    struct guard_policy only = { .allow_hosts = names, .n_allow_hosts = 1 };
    CHECK_INT(guard_check_url(&only, STR("https://good.example/"), NULL, NULL), 0);
    CHECK_INT(guard_check_url(&only, STR("https://bad.example/"), NULL, NULL), -1);
}
