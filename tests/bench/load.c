/* The load generator: signed webhook requests over keep-alive connections, closed loop (each connection
   sends as soon as it is answered) or open loop (requests are due at a fixed rate, whatever the answers
   do, and their latency counts from when they were due). Each request has its own X-GitHub-Delivery.
   Prints one line of JSON.

   load -p PORT [-u PATH] [-b BODY_FILE] [-k SECRET] [-c CONNECTIONS] [-t SECONDS] [-n REQUESTS] [-r RATE]
        [-H 'Name: value' …]
     -k   signs the body for X-Hub-Signature-256
     -t   stop after so many seconds; -n: after so many answers, whichever is first
     -r   open loop at so many a second over at most -c connections */
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#define ANSWER_MAX    (64 * KIB)
#define GRACE_SECONDS 10 /* for answers still missing at the end of an open loop */

struct conn {
    ev_io io;
    char *request; /* a copy of the template, with this request's delivery id */
    size_t sent;
    char answer[ANSWER_MAX];
    size_t n;
    int64_t since; /* when the request was due */
    bool busy;
    struct conn *next_idle;
};

static struct {
    unsigned port, connections;
    const char *path, *body_file, *secret;
    double seconds, rate;
    uint64_t requests;
    struct buf headers;
} o = { .connections = 64,
        .path = "/",
        .seconds = 5,
        .requests = UINT64_MAX,
        .headers = BUF_INIT(64 * KIB) };

static struct ev_loop *loop;
static struct buf template = BUF_INIT(64 * MIB);
static size_t serial_at; /* of the 16 digits that differ */
static uint64_t serial;
static struct conn *conns, *idle;
static int64_t began, ends;
static uint64_t due, started; /* open loop: requests due so far, and those that have been sent */
static uint64_t answered, errors, statuses[600];
static uint32_t *latencies; /* nanoseconds / 100 */
static size_t latencies_max;
#define MAX_SECONDS 600
static uint64_t per_second[MAX_SECONDS];
static bool stopping;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the request ---- */

static struct buf read_file(const char *path)
{
    struct buf b = BUF_INIT(64 * MIB);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char part[4096];
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0)
        buf_add(&b, part, (size_t)n);
    if (n < 0) {
        perror(path);
        exit(2);
    }
    close(fd);
    return b;
}

static void make_template(void)
{
    struct buf body = BUF_INIT(64 * MIB);
    if (o.body_file)
        body = read_file(o.body_file);
    buf_printf(&template,
               "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: GitHub-Hookshot/bench\r\n"
               "Accept: */*\r\nX-GitHub-Delivery: 72d3162e-cc78-11e3-",
               o.body_file ? "POST" : "GET", o.path, o.port);
    serial_at = template.n;
    buf_printf(&template, "0000000000000000\r\n");
    buf_str(&template, buf_view(&o.headers));
    if (o.body_file)
        buf_printf(&template,
                   "X-GitHub-Event: pull_request\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n",
                   body.n);
    if (o.secret) {
        uint8_t mac[CRYPTO_MAX_DIGEST];
        struct hmac_key *key = hmac_key_new(CRYPTO_SHA256, str_of(o.secret));
        struct str bytes = buf_view(&body);
        size_t n = hmac_sign(key, &bytes, 1, mac);
        buf_printf(&template, "X-Hub-Signature-256: sha256=");
        hex_encode(&template, mac, n);
        buf_printf(&template, "\r\n");
        hmac_key_free(key);
    }
    buf_printf(&template, "\r\n");
    buf_str(&template, buf_view(&body));
    buf_release(&body);
    serial = (uint64_t)clock_wall(&clock_real) << 8;
}

/* ---- one connection ---- */

static void on_io(struct ev_loop *l, ev_io *w, int revents);

static void watch(struct conn *c, int events)
{
    if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(loop, &c->io);
    ev_io_set(&c->io, c->io.fd, events);
    ev_io_start(loop, &c->io);
}

static void conn_open(struct conn *c)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)o.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        perror("connect");
        exit(1);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    ev_io_init(&c->io, on_io, fd, EV_READ);
    ev_io_start(loop, &c->io);
}

static void push_out(struct conn *c)
{
    while (c->sent < template.n) {
        ssize_t n = write(c->io.fd, c->request + c->sent, template.n - c->sent);
        if (n < 0) {
            watch(c, EV_READ | EV_WRITE); /* an error shows when reading */
            return;
        }
        c->sent += (size_t)n;
    }
    watch(c, EV_READ);
}

static void request_start(struct conn *c, int64_t since)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t id = ++serial;
    for (int i = 15; i >= 0; i--, id >>= 4)
        c->request[serial_at + (size_t)i] = digits[id & 15];
    c->busy = true;
    c->since = since;
    c->sent = c->n = 0;
    started++;
    push_out(c);
}

static void stop_when_done(void)
{
    if (answered + errors >= o.requests || (o.rate > 0 && stopping && answered + errors >= due))
        ev_break(loop, EVBREAK_ALL);
}

static int64_t due_at(uint64_t n)
{
    return began + (int64_t)((double)n * 1e9 / o.rate);
}

/* Closed loop: the next request; open loop: the oldest one that is due. */
static void request_next(struct conn *c)
{
    c->busy = false;
    if (o.rate > 0 && started < due) {
        request_start(c, due_at(started));
    } else if (o.rate > 0) {
        c->next_idle = idle;
        idle = c;
    } else if (!stopping && started < o.requests) {
        request_start(c, now_ns());
    }
}

static void record(struct conn *c, unsigned status)
{
    int64_t now = now_ns();
    if (answered == latencies_max) {
        latencies_max = MAX(latencies_max * 2, (size_t)65536);
        latencies = xrealloc(latencies, latencies_max * sizeof(*latencies));
    }
    latencies[answered++] = (uint32_t)MIN((now - c->since) / 100, (int64_t)UINT32_MAX);
    statuses[MIN(status, 599U)]++;
    int64_t second = (now - began) / 1000000000;
    if (status < 300 && second < MAX_SECONDS)
        per_second[second]++;
}

/* Status of a whole answer, 0 when more is to come, -1 on nonsense. */
static int parse_answer(struct conn *c)
{
    struct str all = str_n(c->answer, c->n);
    ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
    uint64_t status, length = 0;
    if (end < 0)
        return c->n == ANSWER_MAX ? -1 : 0;
    if (str_u64(str_sub(all, 9, 3), &status))
        return -1;
    struct str head = str_sub(all, 0, (size_t)end), line;
    while (str_split(&head, '\n', &line)) {
        if (str_starts_fold(line, STR("content-length:")) &&
            str_u64(str_trim(str_sub(line, 15, line.n)), &length))
            return -1;
    }
    return c->n >= (size_t)end + 4 + length ? (int)status : 0;
}

static void conn_failed(struct conn *c)
{
    if (c->busy)
        errors++;
    ev_io_stop(loop, &c->io);
    close(c->io.fd);
    bool was_busy = c->busy;
    conn_open(c);
    if (was_busy)
        request_next(c);
    stop_when_done();
}

static void on_io(struct ev_loop *l, ev_io *w, int revents)
{
    (void)l;
    struct conn *c = container_of(w, struct conn, io);
    if (revents & EV_WRITE)
        push_out(c);
    if (!(revents & EV_READ))
        return;
    ssize_t n = read(w->fd, c->answer + c->n, ANSWER_MAX - c->n);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || !c->busy) {
        conn_failed(c);
        return;
    }
    c->n += (size_t)n;
    int status = parse_answer(c);
    if (status < 0) {
        conn_failed(c);
    } else if (status > 0) {
        record(c, (unsigned)status);
        request_next(c);
        stop_when_done();
    }
}

/* ---- time ---- */

static void on_tick(struct ev_loop *l, ev_io *w, int revents)
{
    (void)l;
    (void)revents;
    uint64_t ticks;
    if (read(w->fd, &ticks, sizeof(ticks)) != sizeof(ticks) || stopping)
        return;
    while (due_at(due) <= now_ns() && due < o.requests)
        due++;
    while (idle && started < due) {
        struct conn *c = idle;
        idle = c->next_idle;
        request_start(c, due_at(started));
    }
}

static void start_ticking(ev_io *w)
{
    double period = 1 / o.rate;
    struct timespec t = { (time_t)period, (long)((period - (double)(time_t)period) * 1e9) };
    struct itimerspec spec = { .it_interval = t, .it_value = { 0, 1 } };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    timerfd_settime(fd, 0, &spec, NULL);
    ev_io_init(w, on_tick, fd, EV_READ);
    ev_io_start(loop, w);
}

static void on_end(struct ev_loop *l, ev_timer *w, int revents)
{
    (void)revents;
    if (o.rate > 0 && !stopping && answered + errors < due) {
        stopping = true;
        ev_timer_set(w, GRACE_SECONDS, 0);
        ev_timer_start(l, w);
        return;
    }
    ev_break(l, EVBREAK_ALL);
}

/* ---- what came of it ---- */

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(double p)
{
    if (answered == 0)
        return 0;
    size_t at = (size_t)(p * (double)answered);
    return (double)latencies[MIN(at, (size_t)answered - 1)] / 10000;
}

static void report(void)
{
    double seconds = (double)(ends - began) / 1e9;
    qsort(latencies, answered, sizeof(*latencies), compare);
    uint64_t worst_second = UINT64_MAX;
    for (int64_t s = 0; s < (ends - began) / 1000000000 && s < MAX_SECONDS; s++)
        worst_second = MIN(worst_second, per_second[s]);
    printf("{\"requests\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"missing\": %" PRIu64
           ", \"seconds\": %.4f, \"rate\": %.1f, \"status\": {",
           answered, errors, o.rate > 0 ? due - answered - errors : 0, seconds,
           (double)answered / seconds);
    const char *comma = "";
    for (size_t i = 0; i < N_ELEMENTS(statuses); i++) {
        if (statuses[i]) {
            printf("%s\"%zu\": %" PRIu64, comma, i, statuses[i]);
            comma = ", ";
        }
    }
    printf("}, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, "
           "\"max_ms\": %.3f, \"worst_second\": %" PRId64 "}\n",
           percentile(.5), percentile(.9), percentile(.99), percentile(.999), percentile(1),
           worst_second == UINT64_MAX ? -1 : (int64_t)worst_second);
}

/* ---- options ---- */

static uint64_t whole(const char *text)
{
    uint64_t n;
    if (str_u64(str_of(text), &n)) {
        fprintf(stderr, "%s: expected a whole number\n", text);
        exit(2);
    }
    return n;
}

static double fraction(const char *text)
{
    double n;
    if (str_double(str_of(text), &n) || n <= 0) {
        fprintf(stderr, "%s: expected a number above zero\n", text);
        exit(2);
    }
    return n;
}

static void options(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "p:u:b:k:c:t:n:r:H:")) != -1;) {
        switch (c) {
        case 'p':
            o.port = (unsigned)whole(optarg);
            break;
        case 'u':
            o.path = optarg;
            break;
        case 'b':
            o.body_file = optarg;
            break;
        case 'k':
            o.secret = optarg;
            break;
        case 'c':
            o.connections = (unsigned)whole(optarg);
            break;
        case 't':
            o.seconds = fraction(optarg);
            break;
        case 'n':
            o.requests = whole(optarg);
            break;
        case 'r':
            o.rate = fraction(optarg);
            break;
        case 'H':
            buf_printf(&o.headers, "%s\r\n", optarg);
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    options(argc, argv);
    make_template();
    loop = ev_loop_new(0);
    conns = xalloc(o.connections * sizeof(*conns));
    for (unsigned i = 0; i < o.connections; i++) {
        conns[i].request = xrealloc(NULL, template.n);
        memcpy(conns[i].request, template.p, template.n);
        conn_open(&conns[i]);
    }
    ev_timer end;
    ev_timer_init(&end, on_end, o.seconds, 0);
    ev_timer_start(loop, &end);
    began = now_ns();
    for (unsigned i = 0; i < o.connections; i++)
        request_next(&conns[i]);
    ev_io tick;
    if (o.rate > 0)
        start_ticking(&tick);
    ev_run(loop, 0);
    ends = now_ns();
    report();
    return answered == 0;
}
