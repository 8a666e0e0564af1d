#include "tests/t.h"

#include "notifiers/verdict.h"

static const char *const words[] = { [VERDICT_DELIVERED] = "delivered",
                                     [VERDICT_TRY_AGAIN] = "try again",
                                     [VERDICT_REFUSED] = "refused",
                                     [VERDICT_GONE] = "gone" };

TEST(a_status_decides)
{
    static const struct {
        const char *row;
        int status;
        const char *verdict, *type, *error;
    } rows[] = {
        { "ok", 200, "delivered", "", "" },
        { "accepted", 202, "delivered", "", "" },
        { "no content", 204, "delivered", "", "" },
        { "end of 2xx", 299, "delivered", "", "" },
        { "moved", 301, "refused", "HTTP_ERROR",
          "the server answered 301 Moved Permanently; redirects are not followed" },
        { "redirect", 307, "refused", "HTTP_ERROR",
          "the server answered 307 Temporary Redirect; redirects are not followed" },
        { "bad request", 400, "refused", "HTTP_ERROR", "the server answered 400 Bad Request" },
        { "unauthorized", 401, "refused", "HTTP_ERROR", "the server answered 401 Unauthorized" },
        { "not found", 404, "refused", "HTTP_ERROR", "the server answered 404 Not Found" },
        { "timeout", 408, "try again", "HTTP_ERROR", "the server answered 408 Request Timeout" },
        { "conflict", 409, "refused", "HTTP_ERROR", "the server answered 409 Conflict" },
        { "gone", 410, "gone", "HTTP_ERROR", "the server answered 410 Gone" },
        { "too early", 425, "try again", "HTTP_ERROR", "the server answered 425 Too Early" },
        { "slow down", 429, "try again", "HTTP_ERROR",
          "the server answered 429 Too Many Requests" },
        { "broken", 500, "try again", "HTTP_ERROR",
          "the server answered 500 Internal Server Error" },
        { "overloaded", 503, "try again", "HTTP_ERROR",
          "the server answered 503 Service Unavailable" },
        { "no word", 599, "try again", "HTTP_ERROR", "the server answered 599 Unknown" },
        { "beyond", 700, "refused", "HTTP_ERROR", "the server answered 700 Unknown" },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct http_result r = {
            .status = rows[i].status, .text = "", .remote_ip = "", .retry_after_us = -1
        };
        struct attempt_result got = verdict_judge(a, &r);
        CHECK_CSTR(words[got.verdict], rows[i].verdict);
        CHECK_CSTR(got.error_type ? got.error_type : "", rows[i].type);
        CHECK_STR(got.error, rows[i].error);
        CHECK_INT(got.status_code, rows[i].status);
        CHECK_INT(got.retry_after_us, -1);
    }
    arena_free(a);
}

TEST(a_failure_decides_when_there_is_no_answer)
{
    static const struct {
        enum http_failure failure;
        const char *verdict, *type;
    } rows[] = {
        { HTTP_FAILURE_DNS_NOT_FOUND, "try again", "DNS_NOT_FOUND" },
        { HTTP_FAILURE_CONNECTION_REFUSED, "try again", "CONNECTION_REFUSED" },
        { HTTP_FAILURE_CONNECTION_RESET, "try again", "CONNECTION_RESET" },
        { HTTP_FAILURE_TIMEOUT, "try again", "TIMEOUT" },
        { HTTP_FAILURE_TLS_ERROR, "try again", "TLS_ERROR" },
        { HTTP_FAILURE_BLOCKED_ADDRESS, "refused", "BLOCKED_ADDRESS" },
        { HTTP_FAILURE_INVALID_REQUEST, "refused", "RENDER_ERROR" },
        { HTTP_FAILURE_OTHER, "try again", "HTTP_ERROR" },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].type);
        struct http_result r = { .failure = rows[i].failure,
                                 .text = "why it failed",
                                 .remote_ip = "192.0.2.7",
                                 .retry_after_us = -1,
                                 .took.total_us = 1234 };
        struct attempt_result got = verdict_judge(a, &r);
        CHECK_CSTR(words[got.verdict], rows[i].verdict);
        CHECK_CSTR(got.error_type, rows[i].type);
        CHECK_STR(got.error, "why it failed");
        CHECK_STR(got.remote_ip, "192.0.2.7");
        CHECK_INT(got.duration_us, 1234);
    }
    arena_free(a);
}

TEST(a_status_counts_although_the_body_after_it_was_cut)
{
    struct arena *a = arena_new(0);
    struct http_result r = { .failure = HTTP_FAILURE_CONNECTION_RESET,
                             .status = 200,
                             .text = "lost",
                             .remote_ip = "",
                             .retry_after_us = -1 };
    CHECK_INT(verdict_judge(a, &r).verdict, VERDICT_DELIVERED);
    arena_free(a);
}

TEST(retry_after_is_kept_up_to_an_hour_and_only_where_it_is_tried_again)
{
    static const struct {
        const char *row;
        int status;
        int64_t after_s, want_s;
    } rows[] = {
        { "seconds", 429, 7, 7 },       { "capped", 503, 86400, 3600 },
        { "at once", 503, 0, 0 },       { "of a final answer", 404, 7, -1 },
        { "of a success", 200, 7, -1 },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct http_result r = { .status = rows[i].status,
                                 .text = "",
                                 .remote_ip = "",
                                 .retry_after_us = rows[i].after_s * US_PER_S };
        int64_t got = verdict_judge(a, &r).retry_after_us;
        CHECK_INT(got < 0 ? -1 : got / US_PER_S, rows[i].want_s);
    }
    arena_free(a);
}

TEST(an_excerpt_is_short_and_printable)
{
    static const struct {
        const char *row, *body, *want;
    } rows[] = {
        { "plain", "{\"ok\":true}\n", "{\"ok\":true}\n" },
        { "utf-8", "caf\xC3\xA9", "caf\xC3\xA9" },
        { "escape sequences", "a\x1B[31mb\x7F", "a [31mb " },
        { "not utf-8", "a\xFFz", "a\xEF\xBF\xBDz" },
        { "nothing", "", "" },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        CHECK_STR(verdict_excerpt(a, str_of(rows[i].body)), rows[i].want);
    }
    char big[2000];
    memset(big, 'x', sizeof big);
    memcpy(big + 1023, "\xC3\xA9", 2); /* é lies across the limit */
    CHECK_INT(verdict_excerpt(a, str_n(big, sizeof big)).n, 1023);
    arena_free(a);
}
