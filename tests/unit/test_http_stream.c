#include "tests/unit/http_rig.h"

static struct http_stream *stream;
static int write_result;

static void on_stream_gone(void *ctx)
{
    CHECK(ctx == &rig);
    rig.streams_gone++;
    http_stream_close(stream);
    stream = NULL;
}

static void on_open(struct http_request *r)
{
    stream = http_stream_open(r, 200, "text/event-stream", 64 * KIB, on_stream_gone, &rig);
    CHECK_INT(http_stream_write(stream, STR("one\n")), 0);
    CHECK_INT(http_stream_write(stream, STR("")), 0);
}

static void write_two(void)
{
    CHECK_INT(http_stream_write(stream, STR("two\n")), 0);
}

static void close_it(void)
{
    http_stream_close(stream);
    stream = NULL;
}

static void on_at_once(struct http_request *r)
{
    on_open(r);
    write_two();
    close_it();
}

static void prepare(void)
{
    static const struct rig_route routes[] = {
        { "GET", "/open", { .on_request = on_open } },
        { "GET", "/at-once", { .on_request = on_at_once } },
    };
    rig_add(routes, N_ELEMENTS(routes));
}

static bool stream_open(void)
{
    return stream != NULL;
}

static bool stream_gone(void)
{
    return rig.streams_gone == 1 && !stream && http_server_connections(rig.server) == 0;
}

/* Everything heard, the head without its varying headers. */
static void check_stream(const char *said, bool close_by_server, const char *want)
{
    struct client c = dial();
    CHECK(say(&c, said));
    if (close_by_server) {
        CHECK(eventually(stream_open));
        on_loop(write_two);
        on_loop(close_it);
    }
    struct str all = hear_raw(&c);
    ptrdiff_t head = str_find(all, STR("\r\n\r\n"));
    CHECK(head > 0);
    CHECK(c.ended);
    snprintf(c.raw, sizeof(c.raw), "%.*s", (int)head + 2, all.p);
    CHECK_STR(raw_header(c.raw, "Content-Type"), "text/event-stream");
    CHECK_STR(raw_header(c.raw, "Cache-Control"), "no-store");
    CHECK_STR(raw_header(c.raw, "Connection"), "close");
    CHECK(!raw_header(c.raw, "Content-Length").p);
    CHECK(!!raw_header(c.raw, "Transfer-Encoding").p == !strstr(said, "HTTP/1.0"));
    CHECK_STR(str_sub(all, (size_t)head + 4, all.n), want);
    hang_up(&c);
}

static void client_streams(void)
{
    static const char chunks[] = "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n";
    check_stream(GET("/open"), true, chunks);
    check_stream(GET("/at-once"), false, chunks);
    check_stream("GET /open HTTP/1.0\r\n\r\n", true, "one\ntwo\n");
    check_stream("HEAD /at-once HTTP/1.1\r\nHost: a\r\n\r\n", false, "");
    check_stream(GET("/at-once") GET("/echo"), false,
                 chunks); /* the connection is not used again */
    CHECK_INT(rig.streams_gone, 0);
}

TEST(a_stream_is_chunked_or_ends_with_the_connection)
{
    rig.prepare = prepare;
    RIG(client_streams);
}

static void client_leaves(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/open")));
    CHECK(eventually(stream_open));
    hang_up(&c);
    CHECK(eventually(stream_gone));
}

TEST(the_owner_is_told_once_when_the_client_left)
{
    rig.prepare = prepare;
    RIG(client_leaves);
}

static void client_talks(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/open")));
    CHECK(eventually(stream_open));
    static char junk[32768];
    say_bytes(&c, junk, sizeof(junk));
    on_loop(write_two); /* a little is ignored */
    CHECK(eventually(stream_open));
    for (int i = 0; i < 100 && say_bytes(&c, junk, sizeof(junk)); i++)
        ;
    CHECK(eventually(stream_gone)); /* much is not */
    hang_up(&c);
}

TEST(a_client_that_sends_during_a_stream_is_cut)
{
    rig.prepare = prepare;
    RIG(client_talks);
}

static void write_until_full(void)
{
    static char piece[10000];
    for (int i = 0; i < 10000 && !write_result; i++)
        write_result = http_stream_write(stream, str_n(piece, sizeof(piece)));
}

static void client_lags(void)
{
    struct client c = dial();
    write_result = 0;
    CHECK(say(&c, GET("/open")));
    CHECK(eventually(stream_open));
    on_loop(write_until_full);
    CHECK_INT(write_result, -1);
    CHECK(eventually(stream_gone));
    CHECK_INT(stats_get(STATS_LIMIT_HITS, "http_stream_buffer", NULL, NULL), 1);
    hang_up(&c);
}

TEST(a_client_too_far_behind_is_cut_and_counted)
{
    rig.prepare = prepare;
    RIG(client_lags);
}

static void on_drained(void *ctx)
{
    (void)ctx;
    rig.drained++;
}

static void drain(void)
{
    http_server_drain(rig.server, 3600 * US_PER_S, on_drained, NULL);
}

static bool is_drained(void)
{
    return rig.drained == 1 && stream_gone();
}

static void answer_kept(void)
{
    on_echo(rig.kept);
    rig.kept = NULL;
}

static bool kept_is_there(void)
{
    return rig.kept != NULL;
}

static void client_drains(void)
{
    struct client c = dial(), busy = dial();
    CHECK(say(&c, GET("/open")) && say(&busy, GET("/keep")));
    CHECK(eventually(stream_open) && eventually(kept_is_there));
    on_loop(drain);
    on_loop(write_two); /* work is going on: who watches it may */
    on_loop(answer_kept);
    CHECK_CSTR(hear_all(&busy), "200 GET /keep?  close | EOF");
    CHECK(eventually(is_drained));
    hang_up(&c);
    hang_up(&busy);
}

TEST(draining_cuts_streams_when_nothing_else_is_left)
{
    rig.prepare = prepare;
    RIG(client_drains);
}

static void client_left_open(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/open")));
    CHECK(eventually(stream_open));
    hang_up(&c);
}

TEST(freeing_the_server_tells_the_streams)
{
    rig.prepare = prepare;
    RIG(client_left_open);
    CHECK_INT(rig.streams_gone, 1);
    CHECK(!stream);
}
