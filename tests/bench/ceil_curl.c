/* Bare libcurl multi on libev: signed POSTs to one receiver, headers and HMAC made anew for each, over
   a bounded number of kept connections. With a file every delivery also leaves one durable row there:
   those that one turn of the loop has ended share a commit, and the next ones start after it. Prints
   one line of JSON with what one delivery cost.

   ceil_curl URL DELIVERIES CONNECTIONS BODY_BYTES SECRET [FILE] */
#include "tests/bench/group_commit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"

#include <curl/curl.h>
#include <ev.h>
#include <stdio.h>
#include <sys/resource.h>

struct post {
    CURL *easy;
    struct curl_slist *headers;
    char id[64];
    struct post *next; /* ended, not yet recorded */
};

struct socket_watch {
    ev_io io;
};

static struct ev_loop *loop;
static CURLM *multi;
static ev_timer timer;
static const char *url;
static struct hmac_key *key;
static struct buf body = BUF_INIT(64 * MIB);
static uint64_t started, wanted, ended, failed;
static bool durable;
static struct post *batch;

static size_t drop(char *p, size_t size, size_t n, void *ctx)
{
    (void)p;
    (void)ctx;
    return size * n;
}

static void post_start(struct post *p)
{
    static const char fixed[] = "Content-Type: application/json";
    auto_buf line = BUF_INIT(KIB);
    uint8_t mac[CRYPTO_MAX_DIGEST];
    struct str bytes = buf_view(&body);
    size_t n = hmac_sign(key, &bytes, 1, mac);
    buf_cstr(&line, "X-Keryx-Signature: sha256=");
    hex_encode(&line, mac, n);
    buf_char(&line, '\0');
    snprintf(p->id, sizeof(p->id), "X-Keryx-Delivery-Id: 0193508e-7c1a-7000-8000-%012lx",
             started++);
    curl_slist_free_all(p->headers);
    p->headers = curl_slist_append(NULL, fixed);
    p->headers = curl_slist_append(p->headers, line.p);
    p->headers = curl_slist_append(p->headers, p->id);
    p->headers = curl_slist_append(p->headers, "Expect:");
    curl_easy_setopt(p->easy, CURLOPT_URL, url);
    curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, body.p);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_multi_add_handle(multi, p->easy);
}

static void post_init(struct post *p)
{
    p->easy = curl_easy_init();
    curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
    curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(p->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(p->easy, CURLOPT_TIMEOUT_MS, 30000L);
}

static void post_next(struct post *p)
{
    if (++ended == wanted)
        ev_break(loop, EVBREAK_ALL);
    else if (started < wanted)
        post_start(p);
}

static void on_before_wait(struct ev_loop *l, ev_prepare *w, int revents)
{
    (void)l;
    (void)w;
    (void)revents;
    struct post *done = batch;
    if (!done)
        return;
    batch = NULL;
    commit_begin();
    for (struct post *p = done; p; p = p->next)
        commit_put(str_sub(str_of(p->id), 21, sizeof(p->id)), STR("succeeded"));
    commit_end();
    for (struct post *next; done; done = next) {
        next = done->next;
        post_next(done);
    }
}

static void collect(void)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct post *p;
        long status = 0;
        CURL *easy = m->easy_handle;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
        if (m->data.result != CURLE_OK || status / 100 != 2)
            failed++;
        curl_multi_remove_handle(multi, easy);
        if (durable) {
            p->next = batch;
            batch = p;
        } else {
            post_next(p);
        }
    }
}

static void on_io(struct ev_loop *l, ev_io *w, int revents)
{
    (void)l;
    int running;
    int what =
        (revents & EV_READ ? CURL_CSELECT_IN : 0) | (revents & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(multi, w->fd, what, &running);
    collect();
}

static void on_timer(struct ev_loop *l, ev_timer *w, int revents)
{
    (void)l;
    (void)w;
    (void)revents;
    int running;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect();
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
    (void)easy;
    (void)ctx;
    struct socket_watch *w = socket;
    if (w)
        ev_io_stop(loop, &w->io);
    if (what == CURL_POLL_REMOVE) {
        free(w);
        return 0;
    }
    if (!w) {
        w = xalloc(sizeof(*w));
        curl_multi_assign(multi, fd, w);
    }
    int events = (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);
    ev_io_init(&w->io, on_io, fd, events);
    ev_io_start(loop, &w->io);
    return 0;
}

static int on_timeout(CURLM *m, long ms, void *ctx)
{
    (void)m;
    (void)ctx;
    ev_timer_stop(loop, &timer);
    if (ms >= 0) {
        ev_timer_set(&timer, (double)ms / 1000, 0);
        ev_timer_start(loop, &timer);
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t connections, size;
    if (argc < 6 || argc > 7 || str_u64(str_of(argv[2]), &wanted) ||
        str_u64(str_of(argv[3]), &connections) || str_u64(str_of(argv[4]), &size)) {
        fputs("usage: ceil_curl URL DELIVERIES CONNECTIONS BODY_BYTES SECRET [FILE]\n", stderr);
        return 2;
    }
    url = argv[1];
    key = hmac_key_new(CRYPTO_SHA256, str_of(argv[5]));
    while (body.n < size)
        buf_char(&body, 'x');
    loop = ev_loop_new(0);
    ev_timer_init(&timer, on_timer, 0, 0);
    ev_prepare before_wait;
    ev_prepare_init(&before_wait, on_before_wait);
    ev_prepare_start(loop, &before_wait);
    durable = argc == 7;
    if (durable)
        commit_open(argv[6], COMMIT_ONE_ROW);
    curl_global_init(CURL_GLOBAL_ALL);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
    struct post *posts = xalloc(connections * sizeof(*posts));
    int64_t start = clock_mono(&clock_real);
    for (uint64_t i = 0; i < MIN(connections, wanted); i++) {
        post_init(&posts[i]);
        post_start(&posts[i]);
    }
    ev_run(loop, 0);
    double us = (double)(clock_mono(&clock_real) - start), n = (double)ended;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    printf("{\"deliveries\": %lu, \"failed\": %lu, \"rate\": %.1f, \"cpu_us\": %.2f, "
           "\"max_rss_kb\": %ld}\n",
           ended, failed, n / us * 1e6, cpu / n, u.ru_maxrss);
    return failed > 0;
}
