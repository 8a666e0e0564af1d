#include "tests/unit/http_rig.h"

/* ---- requests and answers ---- */

static void client_keep_alive(void)
{
    struct client c = dial();
    for (int i = 0; i < 100; i++) {
        CHECK(say(&c, POST("/echo?x=1", "Content-Length: 2\r\n") "hi"));
        CHECK_HEARD(&c, 1, "200 POST /echo?x=1 hi");
    }
    hang_up(&c);
}

TEST(a_connection_serves_many_requests)
{
    RIG(client_keep_alive);
}

static void client_pipelined(void)
{
    check_talk(
        POST("/later", "Content-Length: 1\r\n") "1" GET("/echo?2")
            POST("/later", "Transfer-Encoding: chunked\r\n") "1\r\n3\r\n0\r\n\r\n" LAST("/echo?4"),
        "200 POST /later? 1 | 200 GET /echo?2  | 200 POST /later? 3 | 200 GET /echo?4  close | "
        "EOF");
    /* More than one read buffer holds, and more than one turn serves. */
    struct client c = dial();
    static char many[200000];
    char *p = many;
    for (int i = 0; i < 3000; i++)
        p = stpcpy(p, GET("/empty"));
    stpcpy(p, LAST("/echo"));
    CHECK(say(&c, many));
    for (int i = 0; i < 3000; i++)
        CHECK_HEARD(&c, 1, "204");
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
    hang_up(&c);
}

TEST(pipelined_requests_are_answered_strictly_in_order)
{
    RIG(client_pipelined);
}

/* The same bytes one by one. */
static void check_drip(const char *said, const char *want)
{
    struct client c = dial();
    setsockopt(c.fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){ 1 }, sizeof(int));
    for (const char *p = said; *p; p++)
        CHECK(say_bytes(&c, p, 1));
    CHECK_CSTR(hear_all(&c), want);
    hang_up(&c);
}

static void client_drip(void)
{
    check_drip(POST("/echo", "Content-Length: 5\r\n") "hello" POST(
                   "/echo", "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: "
                                                              "1\r\n\r\n" LAST("/echo"),
               "200 POST /echo? hello | 200 POST /echo? abcde | 200 GET /echo?  close | EOF");
}

TEST(requests_may_come_byte_by_byte)
{
    RIG(client_drip);
}

static char large[3 * 1024 * 1024 + 1];

static const char *large_sum(size_t n)
{
    static char text[64];
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        large[i] = (char)('a' + i * 7 % 26);
        sum = sum * 31 + (unsigned char)large[i];
    }
    snprintf(text, sizeof(text), "200 %zu %016llx", n, (unsigned long long)sum);
    return text;
}

static void client_bodies(void)
{
    static const size_t sizes[] = { 1,     1000,  21000, 40000, 40860,  40899,
                                    40960, 41000, 65536, 65537, 300000, 3 * 1024 * 1024 };
    struct client c = dial();
    for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
        char head[128];
        const char *want = large_sum(sizes[i]);
        snprintf(head, sizeof(head), POST("/sum", "Content-Length: %zu\r\n"), sizes[i]);
        ROW(head);
        CHECK(say(&c, head) && say_bytes(&c, large, sizes[i]));
        CHECK_HEARD(&c, 1, want);
        CHECK(say(&c, POST("/sum", "Transfer-Encoding: chunked\r\n")));
        for (size_t at = 0; at < sizes[i]; at += 10000) {
            size_t n = MIN(sizes[i] - at, (size_t)10000);
            snprintf(head, sizeof(head), "%zx\r\n", n);
            CHECK(say(&c, head) && say_bytes(&c, large + at, n) && say(&c, "\r\n"));
        }
        CHECK(say(&c, "0\r\n\r\n"));
        CHECK_HEARD(&c, 1, want);
    }
    hang_up(&c);
}

static bool no_bodies_left(void)
{
    return rig.server->body_bytes == 0;
}

static void client_bodies_and_after(void)
{
    client_bodies();
    CHECK(eventually(no_bodies_left));
}

TEST(bodies_of_any_size_come_whole)
{
    RIG(client_bodies_and_after);
}

/* Pipelined requests before `last`, so that it ends at byte `end` of the connection. */
static void say_until(struct client *c, const char *last, size_t end)
{
    static char many[2 * HTTP_READ_BUFFER];
    static const char fill[] = "GET /empty? HTTP/1.1\r\nHost: a\r\n\r\n";
    char *p = many;
    end -= strlen(last);
    while ((size_t)(p - many) + 1000 < end)
        p = stpcpy(p, GET("/empty"));
    int digits = (int)(end - (size_t)(p - many) - strlen(fill));
    p += snprintf(p, 1200, "GET /empty?%0*d HTTP/1.1\r\nHost: a\r\n\r\n", digits, 1);
    CHECK_INT(p - many, end);
    stpcpy(p, last);
    CHECK(say(c, many));
}

static void client_end_of_buffer(void)
{
    char want[80];
    snprintf(want, sizeof(want), "%s", large_sum(50000));
    for (size_t end = HTTP_READ_BUFFER - 1; end <= HTTP_READ_BUFFER + 1; end++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            struct client c = dial();
            say_until(&c,
                      chunked ? POST("/sum", "Transfer-Encoding: chunked\r\n")
                              : POST("/sum", "Content-Length: 50000\r\n"),
                      end);
            CHECK(!chunked || say(&c, "c350\r\n"));
            CHECK(say_bytes(&c, large, 50000));
            CHECK(say(&c, chunked ? "\r\n0\r\n\r\n" LAST("/echo") : LAST("/echo")));
            while (strcmp(hear(&c, 1), "204") == 0)
                ;
            CHECK_CSTR(c.text, want);
            CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
            hang_up(&c);
        }
    }
}

TEST(a_body_may_begin_at_the_end_of_the_buffer)
{
    RIG(client_end_of_buffer);
}

static void client_headers(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/headers")));
    CHECK_HEARD(&c, 1, "202 {}");
    CHECK(strncmp(c.raw, "HTTP/1.1 202 Accepted\r\n", 23) == 0);
    CHECK_STR(raw_header(c.raw, "Content-Type"), "application/json");
    CHECK_STR(raw_header(c.raw, "X-Content-Type-Options"), "nosniff");
    CHECK_STR(raw_header(c.raw, "X-One"), "1");
    CHECK(!raw_header(c.raw, "X-Bad").p);
    CHECK(!strstr(c.raw, "Injected"));
    CHECK(!strstr(c.raw, "X Bad"));
    CHECK_INT(raw_header(c.raw, "X-Request-Id").n, 16);
    CHECK(str_ends(raw_header(c.raw, "Date"), STR(" GMT")));
    CHECK_INT(raw_header(c.raw, "Date").n, strlen("Sat, 21 Nov 2026 07:00:00 GMT"));
    CHECK(!raw_header(c.raw, "Connection").p);
    CHECK(!raw_header(c.raw, "Server").p);
    char first[32];
    snprintf(first, sizeof(first), "%" STR_FMT, STR_ARG(raw_header(c.raw, "X-Request-Id")));
    CHECK(say(&c, GET("/echo")));
    CHECK_HEARD(&c, 1, "200 GET /echo? ");
    CHECK(!raw_header(c.raw, "X-Content-Type-Options").p);
    CHECK(!str_eq_c(raw_header(c.raw, "X-Request-Id"), first));
    hang_up(&c);
}

TEST(answers_have_the_headers_of_the_house_and_no_injected_ones)
{
    RIG(client_headers);
}

static void client_head_method(void)
{
    struct client c = dial();
    CHECK(say(&c, "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n"));
    c.head = true;
    CHECK_HEARD(&c, 1, "200");
    CHECK_STR(raw_header(c.raw, "Content-Length"), "12");
    CHECK(say(&c, GET("/empty")));
    CHECK_HEARD(&c, 1, "204");
    CHECK(!raw_header(c.raw, "Content-Length").p);
    CHECK(say(&c, LAST("/echo")));
    CHECK_CSTR(hear_all(&c), "200 GET /echo?  close | EOF");
    hang_up(&c);
}

TEST(head_and_204_have_no_body)
{
    RIG(client_head_method);
}

static void client_http10(void)
{
    check_talk("GET /echo HTTP/1.0\r\n\r\n", "200 GET /echo?  close | EOF");
    struct client c = dial();
    CHECK(say(&c, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK_HEARD(&c, 1, "200 GET /echo? ");
    CHECK_STR(raw_header(c.raw, "Connection"), "keep-alive");
    CHECK(say(&c, "GET /bye HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK_CSTR(hear_all(&c), "200 bye close | EOF");
    hang_up(&c);
}

TEST(http_1_0_closes_unless_asked_to_keep)
{
    RIG(client_http10);
}

static void client_half_closed(void)
{
    struct client c = dial();
    CHECK(say(&c, POST("/later", "Content-Length: 1\r\n") "x" GET("/echo")));
    shutdown(c.fd, SHUT_WR);
    CHECK_CSTR(hear_all(&c), "200 POST /later? x | 200 GET /echo?  | EOF");
    hang_up(&c);
}

TEST(a_client_that_ended_its_sending_still_gets_its_answers)
{
    RIG(client_half_closed);
}
