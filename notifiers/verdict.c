/* The verdict table: status codes and failures. */
#include "notifiers/verdict.h"

static const struct {
    int from, to;
    enum verdict verdict;
} verdict_statuses[] = {
    { 200, 299, VERDICT_DELIVERED }, { 408, 408, VERDICT_TRY_AGAIN },
    { 410, 410, VERDICT_GONE },      { 425, 425, VERDICT_TRY_AGAIN },
    { 429, 429, VERDICT_TRY_AGAIN }, { 500, 599, VERDICT_TRY_AGAIN },
};

/* NULL word: the failure's own. */
static const struct {
    enum http_failure failure;
    enum verdict verdict;
    const char *word;
} verdict_failures[] = {
    { HTTP_FAILURE_DNS_NOT_FOUND, VERDICT_TRY_AGAIN, NULL },
    { HTTP_FAILURE_CONNECTION_REFUSED, VERDICT_TRY_AGAIN, NULL },
    { HTTP_FAILURE_CONNECTION_RESET, VERDICT_TRY_AGAIN, NULL },
    { HTTP_FAILURE_TIMEOUT, VERDICT_TRY_AGAIN, NULL },
    { HTTP_FAILURE_TLS_ERROR, VERDICT_TRY_AGAIN, NULL },
    { HTTP_FAILURE_BLOCKED_ADDRESS, VERDICT_REFUSED, NULL },
    { HTTP_FAILURE_INVALID_REQUEST, VERDICT_REFUSED, "RENDER_ERROR" },
    { HTTP_FAILURE_TOO_LARGE, VERDICT_REFUSED, "HTTP_ERROR" },
    { HTTP_FAILURE_OTHER, VERDICT_TRY_AGAIN, "HTTP_ERROR" },
};

static enum verdict verdict_of_status(int status)
{
    for (size_t i = 0; i < N_ELEMENTS(verdict_statuses); i++) {
        if (status >= verdict_statuses[i].from && status <= verdict_statuses[i].to)
            return verdict_statuses[i].verdict;
    }
    return VERDICT_REFUSED;
}

struct str verdict_excerpt(struct arena *a, struct str body)
{
    auto_buf out = BUF_INIT(4 * VERDICT_EXCERPT);
    struct str cut = str_sub(body, 0, str_utf8_cut(body, VERDICT_EXCERPT));
    if (body.n == 0)
        return STR_NULL;
    for (size_t at = 0; at < cut.n;) {
        size_t len = str_utf8_len(cut, at);
        unsigned char c = (unsigned char)cut.p[at];
        if (len == 0)
            buf_cstr(&out, "\xEF\xBF\xBD");
        else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            buf_char(&out, ' ');
        else
            buf_add(&out, cut.p + at, len);
        at += len ? len : 1;
    }
    return arena_str(a, buf_view(&out));
}

static void verdict_status(struct arena *a, const struct http_result *r, struct attempt_result *out)
{
    out->verdict = verdict_of_status(r->status);
    if (out->verdict == VERDICT_DELIVERED)
        return;
    out->error_type = "HTTP_ERROR";
    out->error =
        arena_printf(a, "the server answered %d %s%s", r->status, http_status_word(r->status),
                     r->status >= 300 && r->status < 400 ? "; redirects are not followed" : "");
}

static void verdict_failure(struct arena *a, const struct http_result *r,
                            struct attempt_result *out)
{
    out->verdict = VERDICT_TRY_AGAIN;
    out->error_type = "HTTP_ERROR";
    for (size_t i = 0; i < N_ELEMENTS(verdict_failures); i++) {
        if (verdict_failures[i].failure != r->failure)
            continue;
        out->verdict = verdict_failures[i].verdict;
        out->error_type =
            verdict_failures[i].word ? verdict_failures[i].word : http_failure_word(r->failure);
    }
    out->error = arena_str(a, r->text && *r->text ? str_of(r->text) : STR("the request failed"));
}

struct attempt_result verdict_judge(struct arena *a, const struct http_result *r)
{
    struct attempt_result out = { .status_code = r->status, .retry_after_us = -1 };
    if (r->status >= 200)
        verdict_status(a, r, &out);
    else
        verdict_failure(a, r, &out);
    if (out.verdict == VERDICT_TRY_AGAIN && r->retry_after_us >= 0)
        out.retry_after_us = MIN(r->retry_after_us, VERDICT_MAX_RETRY_AFTER);
    out.duration_us = r->took.total_us;
    if (r->remote_ip && *r->remote_ip)
        out.remote_ip = arena_str(a, str_of(r->remote_ip));
    out.response_excerpt = verdict_excerpt(a, r->body);
    return out;
}
