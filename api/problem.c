/* Answers: JSON, and problems as RFC 9457 says. */
#include "api/call.h"

#include <stdarg.h>

#define API_BODY_MAX (64 * MIB)

static void api_send(struct http_request *r, int status, const char *type, const struct json *body,
                     const struct http_header *headers, size_t n_headers)
{
    auto_buf text = BUF_INIT(API_BODY_MAX);
    json_write(&text, body, JSON_COMPACT);
    buf_char(&text, '\n');
    struct http_answer answer = { .status = status,
                                  .content_type = type,
                                  .body = buf_view(&text),
                                  .headers = headers,
                                  .n_headers = n_headers };
    http_reply(r, &answer);
}

void api_answer(struct api_call *call, int status, const struct json *body)
{
    static const struct http_header no_store = { { "Cache-Control", 13 }, { "no-store", 8 } };
    api_send(call->request, status, NULL, body, &no_store, 1);
}

void api_answer_at(struct api_call *call, int status, const struct json *body, struct str location)
{
    const struct http_header headers[] = { { STR("Cache-Control"), STR("no-store") },
                                           { STR("Location"), location } };
    api_send(call->request, status, NULL, body, headers, N_ELEMENTS(headers));
}

static void problem_send(struct http_request *r, int status, const char *detail,
                         const struct http_header *headers, size_t n)
{
    struct arena *a = r->arena;
    struct json *p = json_object(a);
    json_put_str(a, p, "type", "about:blank");
    json_put_str(a, p, "title", http_status_word(status));
    json_put(a, p, STR("status"), json_i64(a, status));
    json_put_str(a, p, "detail", detail);
    json_put_str(a, p, "request_id", r->id);
    api_send(r, status, "application/problem+json", p, headers, n);
}

void api_problem(struct http_request *r, int status, const char *detail, struct str allow)
{
    struct http_header header = { STR("Allow"), allow };
    const char *text = detail;
    if (status == 404)
        text = "there is nothing at this path";
    else if (status == 405)
        text = "the method is not allowed here";
    problem_send(r, status, text, &header, allow.p ? 1 : 0);
}

void api_refuse(struct api_call *call, int status, const char *fmt, ...)
{
    auto_buf text = BUF_INIT(8 * KIB);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    const char *detail = arena_cstr(call->arena, buf_view(&text));
    struct http_header header = { STR("WWW-Authenticate"), STR("Bearer realm=\"keryx\"") };
    problem_send(call->request, status, detail, &header, status == 401);
}

void api_store_trouble(struct api_call *call, const struct error *why)
{
    struct http_header retry = { STR("Retry-After"), STR("5") };
    problem_send(call->request, 503, why->text, &retry, 1);
}
