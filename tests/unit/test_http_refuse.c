#include "tests/unit/http_rig.h"

/* ---- refusals ---- */

static void client_routes(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/nowhere")));
    hear(&c, 1);
    CHECK(strstr(c.text,
                 "404 {\"status\":\"rejected\",\"reason\":\"not_found\",\"error\":\"there is "
                 "nothing here\",\"request_id\":\""));
    CHECK(say(&c, GET("/later")));
    hear(&c, 1);
    CHECK(starts(c.text, "405 "));
    CHECK_STR(raw_header(c.raw, "Allow"), "POST");
    CHECK(say(&c, POST("/nowhere", "Content-Length: 3\r\n") "abc" GET("/echo")));
    CHECK(starts(hear(&c, 2), "404 "));
    CHECK(strstr(c.text, "| 200 GET /echo? ")); /* the body had come: the connection stays */
    CHECK_INT(stats_get(STATS_HTTP_REJECTED, "not_found", NULL, NULL), 2);
    CHECK_INT(stats_get(STATS_HTTP_REJECTED, "method", NULL, NULL), 1);
    hang_up(&c);
}

TEST(no_route_and_no_method_are_404_and_405_and_keep_the_connection)
{
    RIG(client_routes);
}

static void client_malformed(void)
{
    static const struct {
        const char *said, *want;
    } rows[] = {
        { "GET / HTTP/1.1\n", "400" }, /* at the first bare LF, not at the timeout */
        { "\x16\x03\x01", "400" },
        { "GET / HTTP/1.1\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "400" },
        { "GET / HTTP/1.2\r\nHost: a\r\n\r\n", "505" },
        { "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
        { "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
        { "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
        { POST("/", "Transfer-Encoding: gzip\r\n"), "501" },
        { POST("/", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), "400" },
        { POST("/", "Expect: magic\r\nContent-Length: 3\r\n"), "417" },
        { POST("/", "Transfer-Encoding: chunked\r\n") "x", "400" },
        { POST("/", "Transfer-Encoding: chunked\r\n") "1\r\naX", "400" },
        { POST("/", "Transfer-Encoding: chunked\r\n") "1234567890123456\r\n", "413" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].said);
        struct client c = dial();
        CHECK(say(&c, rows[i].said));
        hear_all(&c);
        CHECK_BYTES(c.text, 3, rows[i].want);
        CHECK(strstr(c.text, " {\"status\":\"rejected\",\"reason\":\"malformed\"") ||
              starts(c.text, "413"));
        struct str id = raw_header(c.raw, "X-Request-Id");
        CHECK(memmem(c.text, strlen(c.text), id.p, id.n));
        CHECK(str_ends(str_of(c.text), STR("} close | EOF")));
        hang_up(&c);
    }
}

TEST(malformed_requests_are_answered_in_json_and_closed)
{
    RIG(client_malformed);
}

static void client_after_good_one(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/empty") "\r\n" GET("/empty")));
    hear_all(&c);
    CHECK(starts(c.text, "204 | 400 ")); /* a CRLF between requests is not repaired */
    CHECK(strstr(c.text, "the request does not start with a method"));
    hang_up(&c);
}

TEST(what_came_before_a_malformed_request_is_answered)
{
    RIG(client_after_good_one);
}

/* ---- sizes ---- */

static char big[4 * 1024 * 1024];

/* The status and reason of what is heard after `said` and then `n` filler bytes that may not all be
   taken. */
static void check_refused(const char *said, size_t n, const char *want)
{
    struct client c = dial();
    memset(big, 'b', sizeof(big));
    ROW(said);
    CHECK(say(&c, said));
    say_bytes(&c, big, n); /* may fail when the server is done */
    hear_all(&c);
    CHECK_BYTES(c.text, MIN(strlen(c.text), strlen(want)), want);
    hang_up(&c);
}

static void client_sizes(void)
{
    check_refused("GET /", 9000, "414 {\"status\":\"rejected\",\"reason\":\"too_large\"");
    check_refused("GET / HTTP/1.1\r\nHost: a\r\nX: ", 40000,
                  "431 {\"status\":\"rejected\",\"reason\":\"too_large\"");
    /* Declared, and with much of the body on its way: the sender sees the answer. */
    check_refused(POST("/small", "Content-Length: 11\r\n"), 11,
                  "413 {\"status\":\"rejected\",\"reason\":\"too_large\"");
    check_refused(POST("/echo", "Content-Length: 1048577\r\n"), 50000,
                  "413 {\"status\":\"rejected\",\"reason\":\"too_large\"");
    check_refused(POST("/echo", "Content-Length: 999999999999999999\r\n"), 0, "413 ");
    /* Streaming: the chunk's size alone, many small chunks. */
    check_refused(POST("/small", "Transfer-Encoding: chunked\r\n") "b\r\n", 0,
                  "413 {\"status\":\"rejected\",\"reason\":\"too_large\"");
    check_refused(POST("/small", "Transfer-Encoding: chunked\r\n") "a\r\n0123456789\r\n1\r\n", 1,
                  "413 ");
    check_refused(POST("/small", "Transfer-Encoding: chunked\r\n") "a\r\n0123456789\r\n0\r\n\r\n",
                  0, "200 10 ");
    check_refused(POST("/echo", "Transfer-Encoding: chunked\r\n") "200000\r\n", 100000, "413 ");
}

TEST(what_is_too_large_is_refused_as_soon_as_it_is_known_and_the_sender_sees_it)
{
    rig_run((struct http_server_options){ .header_timeout_us = 2 * US_PER_S,
                                          .body_timeout_us = 2 * US_PER_S },
            NULL, client_sizes);
}

static bool few_bytes(void)
{
    return rig.server->body_bytes > 0 && rig.server->body_bytes <= 64 * KIB;
}

static bool body_is_half(void)
{
    return rig.server->body_bytes >= 512 * KIB && rig.server->body_bytes <= MIB;
}

static bool nothing_open(void)
{
    return http_server_connections(rig.server) == 0 && rig.server->body_bytes == 0;
}

static void client_lying_length(void)
{
    struct client c = dial();
    CHECK(say(&c, POST("/echo", "Content-Length: 1048576\r\n")));
    CHECK(say_bytes(&c, big, 1));
    CHECK(eventually(few_bytes)); /* memory follows what came, not what was declared */
    CHECK(say_bytes(&c, big, 500 * KIB));
    CHECK(say_bytes(&c, big, 100 * KIB));
    CHECK(eventually(body_is_half));
    hang_up(&c);
    CHECK(eventually(nothing_open));
    c = dial();
    CHECK(say(&c, POST("/echo", "Transfer-Encoding: chunked\r\n") "1\r\na\r\n100000\r\n"));
    CHECK_HEARD(&c, 0, "");
    hear_all(&c);
    CHECK(starts(c.text, "413"));
    hang_up(&c);
}

TEST(memory_of_a_body_grows_as_bytes_arrive)
{
    RIG(client_lying_length);
}

static bool body_is_150000(void)
{
    return rig.server->body_bytes >= 150000;
}

static void client_budget(void)
{
    struct client a = dial(), b = dial();
    CHECK(say(&a, POST("/echo", "Content-Length: 200000\r\n")) && say_bytes(&a, big, 150000));
    CHECK(eventually(body_is_150000));
    CHECK(say(&b, POST("/echo", "Content-Length: 200000\r\n")));
    say_bytes(&b, big, 150000);
    hear_all(&b);
    CHECK(starts(b.text, "503 {\"status\":\"rejected\",\"reason\":\"busy\""));
    CHECK_STR(raw_header(b.raw, "Retry-After"), "1");
    hang_up(&b);
    CHECK(say_bytes(&a, big, 50000)); /* the first one is not harmed */
    CHECK(starts(hear(&a, 1), "200 POST /echo"));
    hang_up(&a);
}

TEST(bodies_in_flight_have_a_ceiling)
{
    rig_run((struct http_server_options){ .max_body_total = 220000 }, NULL, client_budget);
}

/* ---- on_head ---- */

static void client_on_head(void)
{
    struct client c = dial();
    /* Without a body, or with one that came along, the connection goes on. */
    CHECK(say(&c, POST("/denied", "")));
    CHECK_HEARD(&c, 1, "401 no");
    CHECK(say(&c, POST("/denied", "Content-Length: 3\r\n") "abc" GET("/empty")));
    CHECK_HEARD(&c, 2, "401 no | 204");
    CHECK(say(&c, POST("/teapot", "Content-Length: 0\r\n")));
    CHECK(starts(hear(&c, 1), "409 {\"status\":\"rejected\",\"reason\":\"refused\""));
    /* Else it is not read. */
    CHECK(say(&c, POST("/denied", "Content-Length: 30000\r\n") "abc"));
    CHECK_CSTR(hear_all(&c), "401 no close | EOF");
    hang_up(&c);
    check_refused(POST("/denied", "Transfer-Encoding: chunked\r\n"), 10, "401 no close | EOF");
    check_refused(POST("/denied", "Content-Length: 60000\r\n"), 60000, "401 no close | EOF");
}

TEST(on_head_may_refuse_before_the_body)
{
    RIG(client_on_head);
}

static void client_expect(void)
{
    struct client c = dial();
    CHECK(say(&c, POST("/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n")));
    CHECK_HEARD(&c, 1, "100");
    CHECK(say(&c, "hi"));
    CHECK_HEARD(&c, 1, "200 POST /echo? hi");
    CHECK(say(&c, POST("/echo", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")));
    CHECK_HEARD(&c, 1, "100");
    CHECK(say(&c, "2\r\nhi\r\n0\r\n\r\n"));
    CHECK_HEARD(&c, 1, "200 POST /echo? hi");
    /* No 100 when there is nothing to wait for. */
    CHECK(say(&c, POST("/echo", "Expect: 100-continue\r\nContent-Length: 2\r\n") "hi"));
    CHECK_HEARD(&c, 1, "200 POST /echo? hi");
    CHECK(say(&c, POST("/echo", "Expect: 100-continue\r\n")));
    CHECK_HEARD(&c, 1, "200 POST /echo? ");
    /* Refused: the final status instead of 100, and the end. */
    CHECK(say(&c, POST("/denied", "Expect: 100-continue\r\nContent-Length: 2\r\n")));
    CHECK_CSTR(hear_all(&c), "401 no close | EOF");
    hang_up(&c);
    check_refused(POST("/small", "Expect: 100-continue\r\nContent-Length: 11\r\n"), 0, "413 ");
    check_refused(POST("/nowhere", "Expect: 100-continue\r\nContent-Length: 2\r\n"), 0, "404 ");
    check_refused(POST("/echo", "Expect: 200-maybe\r\nContent-Length: 2\r\n"), 2, "417 ");
}

TEST(hundred_continue_comes_only_after_the_head_was_accepted)
{
    RIG(client_expect);
}

/* ---- refusals in the words of the house ---- */

static void house_refuse(void *ctx, struct http_request *r, int status, const char *reason,
                         struct str allow)
{
    CHECK(ctx == &rig);
    struct str text = arena_printf(r->arena, "house %s %" STR_FMT " %" STR_FMT, reason,
                                   STR_ARG(r->path), STR_ARG(allow));
    http_reply(r, &(struct http_answer){ .status = status, .body = text });
}

static void prepare_house(void)
{
    struct http_server_options o = rig.server->options;
    o.dispatch.refuse = house_refuse;
    o.dispatch.ctx = &rig;
    o.max_body = 100;
    o.body_timeout_us = 50000;
    http_server_set_options(rig.server, &o);
}

static void client_house(void)
{
    struct client c = dial();
    CHECK(say(&c, GET("/nowhere") GET("/later")));
    CHECK_HEARD(&c, 2, "404 house not_found /nowhere  | 405 house method /later POST");
    CHECK(say(&c, POST("/echo", "Content-Length: 101\r\n")));
    CHECK_CSTR(hear_all(&c), "413 house too_large /echo  close | EOF");
    hang_up(&c);
    check_talk(POST("/echo", "Transfer-Encoding: chunked\r\n") "x",
               "400 house malformed /echo  close | EOF");
    check_talk(POST("/echo", "Content-Length: 10\r\n") "x", "408 house timeout /echo  close | EOF");
    c = dial();
    CHECK(say(&c, "GET / HTTP/3.0\r\n\r\n")); /* never parsed: nobody is asked */
    CHECK(starts(hear_all(&c), "505 {"));
    hang_up(&c);
}

TEST(the_house_may_word_its_refusals_itself)
{
    rig.prepare = prepare_house;
    RIG(client_house);
}

/* ---- connections ---- */

static bool two_open(void)
{
    return http_server_connections(rig.server) == 2;
}

static bool two_left(void)
{
    return http_server_connections(rig.server) == 2 && rig.server->n_refused == 0;
}

static void client_max_connections(void)
{
    struct client a = dial(), b = dial();
    CHECK(eventually(two_open));
    for (int i = 0; i < 3; i++) {
        struct client c = dial();
        say(&c, GET("/echo"));
        hear_all(&c);
        CHECK(starts(c.text, "503 {\"status\":\"rejected\",\"reason\":\"busy\""));
        CHECK(str_ends(str_of(c.text), STR("} close | EOF")));
        CHECK_STR(raw_header(c.raw, "Retry-After"), "1");
        hang_up(&c);
    }
    CHECK(eventually(two_left));
    CHECK_INT(stats_get(STATS_HTTP_REJECTED, "busy", NULL, NULL), 3);
    CHECK_INT(stats_get(STATS_HTTP_CONNECTIONS, NULL, NULL, NULL), 2);
    CHECK(say(&a, GET("/echo")) && say(&b, GET("/echo")));
    CHECK_HEARD(&a, 1, "200 GET /echo? ");
    CHECK_HEARD(&b, 1, "200 GET /echo? ");
    hang_up(&a);
    hang_up(&b);
    CHECK(eventually(nothing_open));
    check_talk(LAST("/echo"), "200 GET /echo?  close | EOF");
}

TEST(connections_over_the_ceiling_are_told_503)
{
    rig_run((struct http_server_options){ .max_connections = 2 }, NULL, client_max_connections);
}
