#include "tests/unit/http_rig.h"

static bool nothing_open(void)
{
    return http_server_connections(rig.server) == 0;
}

/* ---- deadlines ---- */

static const struct http_server_options hasty = { .header_timeout_us = 300000,
                                                  .body_timeout_us = 300000,
                                                  .idle_timeout_us = 300000 };

static const char timeout_408[] = "408 {\"status\":\"rejected\",\"reason\":\"timeout\"";

static void client_silent(void)
{
    struct client c = dial();
    CHECK_CSTR(hear_all(&c), "EOF"); /* not a word to who never said one */
    hang_up(&c);
    c = dial();
    CHECK(say(&c, GET("/echo")));
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  | EOF");
    hang_up(&c);
}

TEST(idle_connections_are_closed_quietly)
{
    rig_run(hasty, NULL, client_silent);
}

/* A byte each few milliseconds until the server has had enough. */
static void drip_forever(const char *start, char byte)
{
    struct client c = dial();
    CHECK(say(&c, start));
    for (int i = 0; i < 2000 && say_bytes(&c, &byte, 1); i++) {
        struct timespec t = { .tv_nsec = 5000000 };
        nanosleep(&t, NULL);
        char peek;
        if (recv(c.fd, &peek, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            break;
    }
    CHECK(starts(hear_all(&c), timeout_408));
    hang_up(&c);
}

static void client_slow(void)
{
    struct client waiting = dial();
    CHECK(say(&waiting, GET("/keep")));
    drip_forever("GET / HTTP/1.1\r\nHost: a\r\nX: ", 'x');
    drip_forever(POST("/echo", "Content-Length: 100000\r\n"), 'x');
    drip_forever(POST("/echo", "Content-Length: 30000\r\n"), 'x');
    drip_forever(POST("/echo", "Transfer-Encoding: chunked\r\n") "ffff\r\n", 'x');
    CHECK_INT(stats_get(STATS_HTTP_REJECTED, "timeout", NULL, NULL), 4);
    struct client c = dial(); /* nobody else paid */
    CHECK(say(&c, LAST("/echo")));
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
    hang_up(&c);
    hang_up(&waiting);
}

TEST(slow_senders_meet_an_absolute_deadline)
{
    rig_run(hasty, NULL, client_slow);
}

static void prepare_rate(void)
{
    rig.server->limits.slow_body_us = 30000;
}

TEST(a_body_slower_than_1_KiB_a_second_is_cut_before_its_deadline)
{
    rig.prepare = prepare_rate;
    rig_run((struct http_server_options){ .body_timeout_us = 3600 * US_PER_S }, NULL, client_slow);
}

static char large[10200];

static void client_steady(void)
{
    struct client c = dial();
    char piece[1000] = { 0 };
    char first[200] = POST("/sum", "Content-Length: 40000\r\n");
    size_t head = strlen(first); /* with enough of the body to bear a slow machine */
    CHECK(say_bytes(&c, memcpy(large, first, head), head + 10000));
    for (int i = 0; i < 30; i++) {
        CHECK(say_bytes(&c, piece, sizeof(piece)));
        nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
    }
    CHECK(starts(hear(&c, 1), "200 40000 "));
    hang_up(&c);
}

TEST(a_body_that_keeps_the_rate_is_read_to_its_end)
{
    rig.prepare = prepare_rate;
    RIG(client_steady);
}

static void client_long_handler(void)
{
    struct client c = dial();
    CHECK(say(&c, POST("/echo", "Content-Length: 1\r\n") "x"));
    CHECK_HEARD(&c, 1, "200 POST /echo? x");
    CHECK(say(&c, GET("/keep")));
    nanosleep(&(struct timespec){ .tv_nsec = 700000000 }, NULL);
    CHECK_INT(http_server_connections(rig.server), 1); /* no deadline of ours runs now */
    hang_up(&c);
}

TEST(the_handlers_time_is_the_handlers)
{
    rig_run(hasty, NULL, client_long_handler);
}

/* ---- clients that leave ---- */

static bool kept_is_there(void)
{
    return rig.kept != NULL;
}

static bool one_gone(void)
{
    return rig.gone == 1 && !rig.kept && list_empty(&rig.server->gone);
}

static void client_gone(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/watch")));
    CHECK(eventually(kept_is_there));
    hang_up(&c);
    CHECK(eventually(one_gone));
    CHECK(eventually(nothing_open));
}

TEST(a_handler_that_asked_is_told_once_when_the_client_left)
{
    RIG(client_gone);
}

static void answer_kept(void)
{
    struct http_request *r = rig.kept;
    rig.kept = NULL;
    on_echo(r);
}

static void client_gone_unasked(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/keep")));
    CHECK(eventually(kept_is_there));
    struct linger now = { .l_onoff = 1 };
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)); /* a reset, not an end */
    hang_up(&c);
    CHECK(eventually(nothing_open));
    on_loop(answer_kept);
    CHECK_INT(rig.gone, 0);
    c = dial();
    CHECK(say(&c, GET("/keep")));
    CHECK(eventually(kept_is_there));
    hang_up(&c);
    on_loop(answer_kept);
    CHECK(eventually(nothing_open));
}

TEST(a_reply_to_a_client_that_left_is_dropped)
{
    RIG(client_gone_unasked);
}

static void client_free_with_pending(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/keep")));
    CHECK(eventually(kept_is_there));
    hang_up(&c);
    c = dial();
    CHECK(say(&c, POST("/echo", "Content-Length: 100000\r\n") "x"));
    hang_up(&c);
}

TEST(a_reply_after_the_server_is_dropped) /* rig_run answers rig.kept after http_server_free */
{
    RIG(client_free_with_pending);
}

/* ---- draining ---- */

static void on_drained(void *ctx)
{
    CHECK(ctx == &rig);
    rig.drained++;
}

static void drain(void)
{
    http_server_drain(rig.server, 10 * US_PER_S, on_drained, &rig);
}

static bool is_drained(void)
{
    return rig.drained == 1 && http_server_connections(rig.server) == 0;
}

static void client_drain(void)
{
    struct client idle = dial(), busy = dial(), sending = dial();
    CHECK(say(&idle, GET("/echo")));
    CHECK_HEARD(&idle, 1, "200 GET /echo? ");
    CHECK(say(&busy, GET("/keep")));
    CHECK(eventually(kept_is_there));
    CHECK(say(&sending, POST("/echo", "Content-Length: 3\r\n") "a"));
    CHECK(say(&sending, "b"));
    CHECK(say(&idle, GET("/echo")));
    CHECK_HEARD(&idle, 1, "200 GET /echo? "); /* by now the others were read too */
    on_loop(drain);
    CHECK_CSTR(hear_all(&idle), "EOF");
    struct client late = dial();
    CHECK(late.reset);
    CHECK(say(&sending, "c"));
    CHECK_CSTR(hear_all(&sending), "200 POST /echo? abc close | EOF");
    CHECK_INT(rig.drained, 0);
    on_loop(answer_kept);
    CHECK_CSTR(hear_all(&busy), "200 GET /keep?  close | EOF");
    CHECK(eventually(is_drained));
    hang_up(&idle);
    hang_up(&busy);
    hang_up(&sending);
    hang_up(&late);
}

TEST(draining_closes_idle_connections_and_finishes_busy_ones)
{
    RIG(client_drain);
}

static void drain_at_once(void)
{
    http_server_drain(rig.server, 20000, on_drained, &rig);
}

static void client_drain_deadline(void)
{
    struct client c = dial(), watch = dial();
    CHECK(say(&watch, GET("/watch")));
    CHECK(eventually(kept_is_there));
    CHECK(say(&c, POST("/echo", "Content-Length: 3\r\n") "a"));
    on_loop(drain_at_once);
    hear_all(&c);
    CHECK(c.ended || c.reset);
    CHECK(eventually(is_drained));
    CHECK(eventually(one_gone)); /* cut by us: the handler is told as well */
    hang_up(&c);
    hang_up(&watch);
}

TEST(a_drain_that_lasts_too_long_cuts_the_rest)
{
    RIG(client_drain_deadline);
}

static void client_drain_nothing(void)
{
    on_loop(drain);
    CHECK(eventually(is_drained));
}

TEST(draining_nothing_ends_at_once)
{
    RIG(client_drain_nothing);
}

/* ---- slow readers ---- */

static void client_huge(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/huge") LAST("/echo")));
    CHECK(starts(hear(&c, 1), "200 hhhh"));
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
    hang_up(&c);
}

TEST(an_answer_larger_than_the_sockets_buffer_comes_whole)
{
    RIG(client_huge);
}

static void prepare_stall(void)
{
    rig.server->limits.stall_us = 50000;
}

static bool stall_counted(void)
{
    return stats_get(STATS_LIMIT_HITS, "http_write_stall", NULL, NULL) == 1;
}

static void client_stalls(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/huge")));
    CHECK(eventually(stall_counted));
    CHECK(eventually(nothing_open)); /* not a byte of it was read */
    hang_up(&c);
}

TEST(a_client_that_does_not_read_its_answer_is_cut)
{
    rig.prepare = prepare_stall;
    RIG(client_stalls);
}

/* ---- an end that the sender sees ---- */

static void prepare_linger(void)
{
    rig.server->limits.linger_us = 50000;
}

static void client_lingers(void)
{
    struct client c = dial();
    CHECK(say(&c, POST("/denied", "Content-Length: 1000000\r\n")));
    CHECK_CSTR(hear_all(&c), "401 no close | EOF");
    CHECK(eventually(nothing_open)); /* though we keep our end open */
    hang_up(&c);
    c = dial();
    CHECK(say(&c, POST("/denied", "Content-Length: 1000000\r\n")));
    CHECK_CSTR(hear_all(&c), "401 no close | EOF");
    static char junk[4096];
    for (int i = 0; i < 200 && say_bytes(&c, junk, sizeof(junk)); i++)
        ;
    CHECK(eventually(nothing_open));
    hang_up(&c);
}

TEST(after_a_refusal_a_little_is_drained_for_a_short_while)
{
    rig.prepare = prepare_linger;
    RIG(client_lingers);
}

/* ---- listening ---- */

static void client_nothing(void)
{
}

static void prepare_addresses(void)
{
    static const struct {
        const char *address, *want;
    } bad[] = {
        { "", "\"\" is not an address to listen on, expected host:port, [v6]:port, :port or "
              "unix:/path" },
        { "127.0.0.1", "\"127.0.0.1\" is not an address" },
        { "127.0.0.1:65536", "\"127.0.0.1:65536\" is not an address" },
        { "127.0.0.1:-1", "\"127.0.0.1:-1\" is not an address" },
        { "127.0.0.1:http", "\"127.0.0.1:http\" is not an address" },
        { "::1:80", "\"::1:80\" is not an address" },
        { "[]:80", "\"[]:80\" is not an address" },
        { "[::1:80", "\"[::1:80\" is not an address" },
        { "[192.0.2.1]:80", "cannot listen on [192.0.2.1]:80: " },
        { "192.0.2.1:0", "cannot listen on 192.0.2.1:0: " },
        { "unix:", "cannot listen on unix:: the path must have" },
        { "unix:/nonexistent/dir/socket", "cannot listen on unix:/nonexistent/dir/socket: " },
    };
    for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
        struct error e = ERROR_INIT;
        ROW(bad[i].address);
        CHECK_INT(http_server_listen(rig.server, bad[i].address, false, NULL, &e), -1);
        CHECK(starts(e.text, bad[i].want));
        if (!starts(e.text, bad[i].want))
            puts(e.text);
    }
    ROW("");
    struct error e = ERROR_INIT;
    CHECK_INT(http_server_listen(rig.server, http_server_address(rig.server, 0), false, NULL, &e),
              -1);
    CHECK(starts(e.text, "cannot listen on 127.0.0.1:"));
    CHECK(strstr(e.text, "Address already in use"));
    CHECK(!http_server_address(rig.server, 1));
    CHECK_INT(http_server_listen(rig.server, "localhost:0", false, NULL, &e), 0);
    CHECK(http_server_address(rig.server, 1));
    CHECK_INT(http_server_listen(rig.server, ":0", false, NULL, &e), 0);
}

TEST(an_address_that_cannot_be_had_is_named)
{
    rig.prepare = prepare_addresses;
    RIG(client_nothing);
}

static char unix_path[64];
static bool was_admin;

static int head_admin(struct http_request *r)
{
    was_admin = r->admin && r->peer.family == 0;
    return 0;
}

static void prepare_unix(void)
{
    static const struct rig_route admin = { "GET",
                                            "/admin",
                                            { .on_request = on_echo, .on_head = head_admin } };
    rig_add(&admin, 1);
    struct error e = ERROR_INIT;
    char address[80];
    snprintf(unix_path, sizeof(unix_path), "./test-http-%d.sock", (int)getpid());
    snprintf(address, sizeof(address), "unix:%s", unix_path);
    /* What a crashed process left behind is no obstacle; what lives is one. */
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    memcpy(sun.sun_path, unix_path, strlen(unix_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    close(fd);
    CHECK_INT(http_server_listen(rig.server, address, true, NULL, &e), 0);
    CHECK_CSTR(http_server_address(rig.server, 1), address);
    CHECK_INT(http_server_listen(rig.server, address, true, NULL, &e), -1);
}

static void client_unix(void)
{
    struct client c = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    memcpy(sun.sun_path, unix_path, strlen(unix_path));
    CHECK_INT(connect(c.fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    CHECK(say(&c, GET("/admin")));
    CHECK_HEARD(&c, 1, "200 GET /admin? ");
    CHECK(was_admin);
    hang_up(&c);
    c = dial();
    CHECK(say(&c, GET("/admin")));
    CHECK_HEARD(&c, 1, "200 GET /admin? ");
    CHECK(!was_admin);
    hang_up(&c);
}

TEST(unix_sockets_work_and_are_removed)
{
    rig.prepare = prepare_unix;
    RIG(client_unix);
    CHECK(access(unix_path, F_OK) != 0);
}
