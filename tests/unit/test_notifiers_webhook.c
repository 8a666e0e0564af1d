#include "tests/t.h"

#include "notifiers/notifier.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* ---- a receiver on loopback: keeps one request, gives one answer ---- */

struct peer {
    int listener, port;
    const char *answer;
    char got[8192];
    pthread_t thread;
};

static bool peer_whole(struct str got)
{
    ptrdiff_t end = str_find(got, STR("\r\n\r\n")), length = str_find(got, STR("Content-Length: "));
    uint64_t body = 0;
    if (end < 0)
        return false;
    if (length >= 0 && length < end) {
        struct str digits = str_sub(got, (size_t)length + 16, 20);
        digits.n = (size_t)str_chr(digits, '\r');
        if (str_u64(digits, &body) != 0)
            return true;
    }
    return got.n - (size_t)end - 4 >= body;
}

static void *peer_run(void *arg)
{
    struct peer *p = arg;
    int fd = accept(p->listener, NULL, NULL);
    size_t n = 0;
    while (n < sizeof p->got - 1 && !peer_whole(str_n(p->got, n))) {
        ssize_t k = recv(fd, p->got + n, sizeof p->got - 1 - n, 0);
        if (k <= 0)
            break;
        n += (size_t)k;
    }
    p->got[n] = 0;
    send(fd, p->answer, strlen(p->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void peer_open(struct peer *p, const char *answer)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof at;
    struct timeval limit = { .tv_sec = 10 };
    *p = (struct peer){ .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                        .answer = answer };
    setsockopt(p->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (bind(p->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(p->listener, 4) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&at, &n) != 0)
        abort();
    p->port = ntohs(at.sin_port);
    if (pthread_create(&p->thread, NULL, peer_run, p) != 0)
        abort();
}

static void peer_close(struct peer *p)
{
    pthread_join(p->thread, NULL);
    close(p->listener);
}

/* ---- one attempt ---- */

static struct clock test_clock = { .manual = true, .wall_us = 1795242600 * US_PER_S, .mono_us = 1 };

struct house {
    struct config_problems problems;
    struct generation generation;
    struct notifiers_env env;
    struct arena *arena;
    unsigned done;
    enum verdict verdict;
    struct attempt_result result;
};

static const char config_text[] =
    "agents:\n  orders:\n    type: echo\n    notifications:\n"
    "      - id: a\n        url: http://h.example/\n"
    "        headers: {Authorization: Bearer secret-token}\n"
    "        auth: {type: standard_webhooks, secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n";

static void house_open(struct house *h)
{
    *h = (struct house){ .arena = arena_new(0) };
    config_problems_init(&h->problems);
    h->generation.config = config_load_text(STR(config_text), "agents.yaml", "/", &h->problems);
    CHECK(h->generation.config != NULL);
    if (!h->generation.config)
        exit(1);
    h->generation.parts[PART_NOTIFIERS] =
        notifiers_part.prepare(h->generation.config, &h->problems);
    CHECK_INT(h->problems.n, 0);
    h->env.loop = loop_new(&test_clock);
    h->env.client = http_client_new(h->env.loop, &(struct http_client_options){ 0 });
}

static void house_close(struct house *h)
{
    http_client_free(h->env.client);
    notifiers_part.release(h->generation.parts[PART_NOTIFIERS]);
    config_unref(h->generation.config);
    config_problems_release(&h->problems);
    arena_free(h->arena);
    loop_free(h->env.loop);
}

static void house_done(void *ctx, const struct attempt_result *r)
{
    struct house *h = ctx;
    h->done++;
    h->result = *r;
    h->result.error = r->error.p ? arena_str(h->arena, r->error) : STR("");
    h->result.remote_ip = r->remote_ip.p ? arena_str(h->arena, r->remote_ip) : STR("");
    h->result.response_excerpt =
        r->response_excerpt.p ? arena_str(h->arena, r->response_excerpt) : STR("");
    loop_stop(h->env.loop);
}

static const struct sender_kind *kind(const char *word)
{
    for (const struct sender_kind *const *k = notifiers_senders; *k; k++)
        if (!strcmp((*k)->word, word))
            return *k;
    abort();
}

static struct delivery_row row_to(struct house *h, int port)
{
    return (struct delivery_row){
        .id = STR("019d8c2e-3f5a-7abc-8def-0123456789ab"),
        .receiver = STR("orders/a"),
        .target = STR("webhook"),
        .event = STR("task.completed"),
        .task_id = STR("webhook-orders-17"),
        .method = STR("POST"),
        .url = arena_printf(h->arena, "http://127.0.0.1:%d/hook", port),
        .headers = STR("{\"X-Team\":\"ops\",\"User-Agent\":\"mine/1\"}"),
        .content_type = STR("application/json"),
        .body = STR("{\"type\":\"task.completed\",\"result\":\"caf\xC3\xA9 \xE2\x98\x83\"}"),
        .timeout = 5 * US_PER_S,
    };
}

static bool attempt(struct house *h, const struct delivery_row *d, unsigned n, struct error *e)
{
    struct send_request request = { d, &h->generation, n, house_done, h };
    struct send *s = kind(d->target.p)->start(&h->env, &request, e);
    if (!s)
        return false;
    CHECK_INT(h->done, 0); /* never inside start */
    loop_run(h->env.loop);
    CHECK_INT(h->done, 1);
    return true;
}

static void has(const struct peer *p, const char *line)
{
    ROW(line);
    CHECK(strcasestr(p->got, line) != NULL);
    ROW("");
}

TEST(an_attempt_carries_the_bytes_the_headers_and_the_signature)
{
    struct house h;
    struct peer p;
    struct error e = ERROR_INIT;
    house_open(&h);
    peer_open(&p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    struct delivery_row d = row_to(&h, p.port);
    attempt(&h, &d, 2, &e);
    peer_close(&p);
    has(&p, "POST /hook HTTP/1.1\r\n");
    has(&p, "\r\nContent-Type: application/json\r\n");
    has(&p, "\r\nUser-Agent: mine/1\r\n");
    has(&p, "\r\nX-Keryx-Delivery-Id: 019d8c2e-3f5a-7abc-8def-0123456789ab\r\n");
    has(&p, "\r\nIdempotency-Key: 019d8c2e-3f5a-7abc-8def-0123456789ab\r\n");
    has(&p, "\r\nX-Keryx-Event: task.completed\r\n");
    has(&p, "\r\nX-Keryx-Attempt: 2\r\n");
    has(&p, "\r\nX-Team: ops\r\n");
    has(&p, "\r\nAuthorization: Bearer secret-token\r\n");
    has(&p, "\r\nwebhook-id: 019d8c2e-3f5a-7abc-8def-0123456789ab\r\n");
    has(&p, "\r\nwebhook-timestamp: 1795242600\r\n");
    has(&p, "\r\nwebhook-signature: v1,UMV9NU3jgvAFcga6ne+FWon8NrkklMZX5YEdU6OaMs4=\r\n");
    has(&p, "\r\n\r\n{\"type\":\"task.completed\",\"result\":\"caf\xC3\xA9 \xE2\x98\x83\"}");
    CHECK_INT(h.result.verdict, VERDICT_DELIVERED);
    CHECK_INT(h.result.status_code, 200);
    CHECK(h.result.error_type == NULL);
    CHECK_STR(h.result.remote_ip, "127.0.0.1");
    CHECK_STR(h.result.response_excerpt, "ok");
    CHECK(h.result.duration_us > 0);
    house_close(&h);
}

TEST(a_receiver_that_is_gone_from_the_file_gets_the_row_alone)
{
    struct house h;
    struct peer p;
    struct error e = ERROR_INIT;
    house_open(&h);
    peer_open(&p, "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 0\r\n"
                  "Connection: close\r\n\r\n");
    struct delivery_row d = row_to(&h, p.port);
    d.receiver = STR("orders/gone");
    d.headers = STR("{}");
    attempt(&h, &d, 1, &e);
    peer_close(&p);
    has(&p, "\r\nUser-Agent: keryx/" KERYX_VERSION "\r\n");
    CHECK(strcasestr(p.got, "Authorization") == NULL);
    CHECK(strcasestr(p.got, "webhook-signature") == NULL);
    CHECK_INT(h.result.verdict, VERDICT_TRY_AGAIN);
    CHECK_INT(h.result.retry_after_us, 9 * US_PER_S);
    CHECK_STR(h.result.error, "the server answered 503 Service Unavailable");
    house_close(&h);
}

TEST(a_guard_keeps_a_strangers_url_off_this_machine)
{
    static const struct {
        const char *row, *guard, *type;
    } rows[] = {
        { "no holes", "{\"allow\":[],\"hosts\":[]}", "BLOCKED_ADDRESS" },
        { "another hole", "{\"allow\":[\"10.0.0.0/8\"]}", "BLOCKED_ADDRESS" },
        { "nothing said", "{}", "BLOCKED_ADDRESS" },
        { "another host", "{\"allow\":[\"127.0.0.0/8\"],\"hosts\":[\"h.example\"]}",
          "BLOCKED_ADDRESS" },
        /* port 1: nobody listens, so the connection was tried */
        { "a hole", "{\"allow\":[\"127.0.0.0/8\"],\"hosts\":[]}", "CONNECTION_REFUSED" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct house h;
        struct error e = ERROR_INIT;
        house_open(&h);
        struct delivery_row d = row_to(&h, 1);
        d.guard = str_of(rows[i].guard);
        attempt(&h, &d, 1, &e);
        CHECK_CSTR(h.result.error_type ? h.result.error_type : "", rows[i].type);
        house_close(&h);
    }
}

TEST(a_row_that_cannot_be_read_is_not_sent)
{
    static const struct {
        const char *row, *guard, *headers, *error;
    } rows[] = {
        { "guard", "{oops", "{}", "the delivery's guard is not well formed" },
        { "guard of another type", "[]", "{}", "the delivery's guard is not well formed" },
        { "guard's lists", "{\"allow\":\"10.0.0.0/8\"}", "{}",
          "the delivery's guard is not well formed" },
        { "headers", NULL, "[", "the delivery's headers are not well formed" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct house h;
        struct error e = ERROR_INIT;
        house_open(&h);
        struct delivery_row d = row_to(&h, 1);
        d.guard = str_of(rows[i].guard);
        d.headers = str_of(rows[i].headers);
        CHECK(!attempt(&h, &d, 1, &e));
        CHECK_CSTR(e.text, rows[i].error);
        house_close(&h);
    }
}

TEST(an_attempt_can_be_cancelled)
{
    static const char *const words[] = { "webhook", "log" };
    for (size_t i = 0; i < N_ELEMENTS(words); i++) {
        struct house h;
        struct error e = ERROR_INIT;
        house_open(&h);
        struct delivery_row d = row_to(&h, 1);
        struct send_request request = { &d, &h.generation, 1, house_done, &h };
        struct send *s = kind(words[i])->start(&h.env, &request, &e);
        CHECK(s != NULL);
        kind(words[i])->cancel(s);
        CHECK_INT(h.done, 0);
        house_close(&h);
    }
}

TEST(the_log_takes_everything)
{
    struct house h;
    struct error e = ERROR_INIT;
    house_open(&h);
    struct delivery_row d = row_to(&h, 1);
    d.target = STR("log");
    d.task_id = STR_NULL;
    attempt(&h, &d, 1, &e);
    CHECK_INT(h.result.verdict, VERDICT_DELIVERED);
    CHECK_INT(h.result.retry_after_us, -1);
    house_close(&h);
}
