#include "tests/t.h"

#include "tests/unit/agents_run.h"

#define ANSWER(status, more, body) "HTTP/1.1 " status "\r\nConnection: close\r\n" more "\r\n" body
#define JSON(status, body)         ANSWER(status, "Content-Type: application/json\r\n", body)

static const char *yaml_for(int port, const char *http)
{
    static char text[4096];
    snprintf(text, sizeof(text),
             "agents:\n  a:\n    http:\n      url: http://127.0.0.1:%d/run?q={{ .input }}\n%s\n",
             port, http);
    return text;
}

static struct ran *call(struct play *p, const char *http, const struct run_options *o)
{
    play_start(p);
    struct ran *r = run_agent(yaml_for(p->port, http), "a", o);
    play_stop(p);
    return r;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

struct row {
    const char *name, *http, *input;
    const char *answer;
    bool ok;
    const char *result, *kind, *message;
    bool json, retryable;
    int http_status;
};

static void check_row(const struct row *row)
{
    struct play *p = xalloc(sizeof(*p));
    struct run_options o = { .input = str_of(row->input) };
    ROW(row->name);
    p->answers[0] = row->answer;
    struct ran *r = call(p, row->http, &o);
    CHECK_INT(r->outcome.ok, row->ok);
    CHECK_STR(r->outcome.result, row->result ? row->result : "");
    CHECK_INT(r->outcome.result_json, row->json);
    if (row->kind)
        CHECK_CSTR(r->outcome.error.kind, row->kind);
    if (row->message)
        CHECK_STR(r->outcome.error.message, row->message);
    CHECK_INT(r->outcome.error.retryable, row->retryable);
    CHECK_INT(r->outcome.error.http_status, row->http_status);
    run_free(r);
    free(p);
}

TEST(the_result_is_what_the_path_says)
{
    static const struct row rows[] = {
        { "text", "", "x", ANSWER("200 OK", "", "hello"), true, "hello", NULL, NULL, false, false,
          0 },
        { "json", "", "x", JSON("201 Created", "{\"a\": [1, 2.50]}"), true, "{\"a\":[1,2.50]}",
          NULL, NULL, true, false, 0 },
        { "a string by path", "      result: .answer.text", "x",
          JSON("200 OK", "{\"answer\":{\"text\":\"h\\u00e4\"}}"), true, "hä", NULL, NULL, false,
          false, 0 },
        { "a value by path", "      result: items[1]", "x",
          JSON("200 OK", "{\"items\":[1,{\"b\":2}]}"), true, "{\"b\":2}", NULL, NULL, true, false,
          0 },
        { "json that is not declared", "      result: .a", "x",
          ANSWER("200 OK", "", "{\"a\":\"b\"}"), true, "b", NULL, NULL, false, false, 0 },
        { "no json", "      result: .a", "x", ANSWER("200 OK", "", "plain"), true, "plain", NULL,
          NULL, false, false, 0 },
        { "nothing there", "      result: .a", "x", JSON("200 OK", "{\"b\":1}"), false, NULL,
          "bad_response", "the answer has no .a: {\"b\":1}", false, false, 200 },
        { "refused", "", "x", ANSWER("403 No", "", "go away"), false, NULL, "http",
          "the server answered 403 Forbidden: go away", false, false, 403 },
        { "busy", "", "x", ANSWER("503 No", "", ""), false, NULL, "http",
          "the server answered 503 Service Unavailable", false, true, 503 },
        { "accepted without a place to ask", "", "x", ANSWER("202 Accepted", "", "queued"), true,
          "queued", NULL, NULL, false, false, 0 },
        { "a redirect is not followed", "", "x", ANSWER("302 Found", "Location: /x\r\n", ""), false,
          NULL, "http", "the server answered 302 Found", false, false, 302 },
        { "a body that is no JSON", "      body: '{\"a\": {{ .input }}}'", "not json",
          ANSWER("200 OK", "", ""), false, NULL, "template", NULL, false, false, 0 },
        { "a header that would be two", "      headers: {X-Input: '{{ .input }}'}", "a\r\nEvil: 1",
          ANSWER("200 OK", "", ""), false, NULL, "template",
          "http.headers: X-Input has control characters", false, false, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

TEST(the_request_is_rendered_and_escaped_where_it_lands)
{
    struct play *p = xalloc(sizeof(*p));
    p->answers[0] = ANSWER("200 OK", "", "ok");
    struct run_options o = { .input = STR("a&b \"c\"\n") };
    struct ran *r = call(
        p,
        "      method: PUT\n      headers: {X-Agent: '{{ .agent }}', Authorization: Bearer k}\n"
        "      body: '{\"text\": \"{{ .input }}\", \"task\": \"{{ .TaskID }}\"}'",
        &o);
    CHECK(r->outcome.ok);
    CHECK(has(p->requests[0], "PUT /run?q=a%26b%20%22c%22%0A HTTP/1.1\r\n"));
    CHECK(has(p->requests[0], "X-Agent: a\r\n"));
    CHECK(has(p->requests[0], "Content-Type: application/json\r\n"));
    CHECK_CSTR(play_body(p, 0), "{\"text\": \"a&b \\\"c\\\"\\n\", \"task\": \"api-test-1\"}");
    run_free(r);
    free(p);
}

TEST(without_a_body_the_input_is_sent)
{
    static const struct {
        const char *http, *input, *body, *head;
    } rows[] = {
        { "", "{\"a\": 1}", "{\"a\": 1}", "Content-Type: application/json\r\n" },
        { "", "words", "words", "Content-Type: text/plain; charset=utf-8\r\n" },
        { "      headers: {content-type: text/csv}", "a,b", "a,b", "content-type: text/csv\r\n" },
        { "      method: GET", "words", "", "GET /run" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct play *p = xalloc(sizeof(*p));
        p->answers[0] = ANSWER("200 OK", "", "ok");
        struct run_options o = { .input = str_of(rows[i].input) };
        struct ran *r = call(p, rows[i].http, &o);
        ROW(rows[i].head);
        CHECK(has(p->requests[0], rows[i].head));
        CHECK_CSTR(play_body(p, 0), rows[i].body);
        run_free(r);
        free(p);
    }
}

TEST(an_accepted_request_is_polled_until_it_is_ready)
{
    struct play *p = xalloc(sizeof(*p));
    p->answers[0] = ANSWER("202 Accepted", "Location: ../jobs/7\r\n", "");
    p->answers[1] = ANSWER("202 Accepted", "", "");
    p->answers[2] = ANSWER("503 Busy", "", "");
    p->answers[3] = JSON("200 OK", "{\"answer\":\"done\"}");
    struct run_options o = { .input = STR("x") };
    struct ran *r = call(p, "      headers: {Authorization: Bearer k}\n      result: .answer", &o);
    CHECK(r->outcome.ok);
    CHECK_STR(r->outcome.result, "done");
    CHECK_INT(p->n, 4);
    CHECK(has(p->requests[1], "GET /jobs/7 HTTP/1.1\r\n"));
    CHECK(has(p->requests[1], "Authorization: Bearer k\r\n"));
    CHECK(p->at_us[1] - p->at_us[0] >= 950 * US_PER_MS);
    CHECK(p->at_us[3] - p->at_us[2] >= 2200 * US_PER_MS);
    run_free(r);
    free(p);
}

TEST(a_location_elsewhere_gets_no_headers_and_may_not_be_inside)
{
    struct play *p = xalloc(sizeof(*p)), *other = xalloc(sizeof(*other));
    char answer[256];
    other->answers[0] = ANSWER("200 OK", "", "secret");
    play_start(other);
    snprintf(answer, sizeof(answer),
             ANSWER("202 Accepted", "Location: http://127.0.0.1:%d/x\r\n", ""), other->port);
    p->answers[0] = answer;
    struct run_options o = { .input = STR("x") };
    struct ran *r = call(p, "      headers: {Authorization: Bearer k}", &o);
    play_stop(other);
    CHECK_INT(r->outcome.ok, false);
    CHECK_CSTR(r->outcome.error.kind, "network");
    CHECK(has(r->outcome.error.message.p, "BLOCKED_ADDRESS"));
    CHECK_INT(other->n, 0);
    run_free(r);
    free(p);
    free(other);
}

TEST(a_location_that_is_no_http_url_is_refused)
{
    struct play *p = xalloc(sizeof(*p));
    p->answers[0] = ANSWER("202 Accepted", "Location: file:///etc/passwd\r\n", "");
    struct run_options o = { .input = STR("x") };
    struct ran *r = call(p, "", &o);
    CHECK_CSTR(r->outcome.error.kind, "bad_response");
    run_free(r);
    free(p);
}

TEST(stopping_ends_a_poll)
{
    struct play *p = xalloc(sizeof(*p));
    p->answers[0] = ANSWER("202 Accepted", "Location: /j\r\n", "");
    struct run_options o = { .input = STR("x"),
                             .stop_after_us = 300 * US_PER_MS,
                             .why = RUN_STOP_SHUTDOWN };
    struct ran *r = call(p, "", &o);
    CHECK_CSTR(r->outcome.error.kind, "interrupted");
    CHECK(r->took_us < US_PER_S);
    run_free(r);
    free(p);
}

TEST(a_long_answer_is_cut)
{
    struct play *p = xalloc(sizeof(*p));
    char *text = xalloc(200 * KIB);
    int n = snprintf(text, 200 * KIB, ANSWER("200 OK", "", ""));
    memset(text + n, 'z', 100 * KIB);
    p->answers[0] = text;
    struct run_options o = { .input = STR("x") };
    struct ran *r = call(p, "    limits: {output: 10KiB}", &o);
    CHECK(r->outcome.ok);
    CHECK(r->outcome.truncated);
    CHECK_INT(r->outcome.result.n, 10 * KIB);
    CHECK_INT(r->outcome.output_bytes, 100 * KIB);
    run_free(r);
    free(text);
    free(p);
}
