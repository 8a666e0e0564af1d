/* One request to another service. 202 with Location: asked again until it is ready.

   struct http_agent_run ── call  the request or the poll under way, or
                         ── wait  the pause before the next poll */
#include "agents/http_agent.h"

#include "agents/agents.h"
#include "agents/output.h"
#include "agents/prepare.h"

#include <curl/curl.h>

#define HTTP_AGENT_FIRST_POLL (1 * US_PER_S)
#define HTTP_AGENT_LAST_POLL  (10 * US_PER_S)
#define HTTP_AGENT_MISSES     5 /* polls that fail one after the other before the run does */
#define HTTP_AGENT_EXCERPT    200
#define HTTP_AGENT_OUTPUT     (1 * MIB) /* when limits.output is unset */
#define HTTP_AGENT_MAX_BODY   (4 * MIB)

/* Where a Location of another origin may lead: public addresses only. */
static const struct guard_policy http_agent_strangers;

struct http_agent_run {
    struct run_events events;
    const struct run_request *request;
    const struct agents_env *env;
    const struct prepared_agent *prepared;
    struct arena *arena;
    struct str url; /* where the current request goes */
    struct http_header *headers;
    size_t n_headers;
    struct str body;
    bool polling;
    bool elsewhere; /* url is of another origin than the configured one */
    unsigned misses;
    int64_t pause;
    struct http_call *call;
    struct loop_timer wait;
    struct loop_task later;
    struct run_error failure;
};

/* ---- the end ---- */

static void http_agent_done(struct http_agent_run *run, const struct run_outcome *outcome)
{
    struct run_events events = run->events;
    loop_timer_stop(&run->wait);
    loop_later_cancel(run->env->loop, &run->later);
    events.done(events.ctx, outcome);
    arena_free(run->arena);
    free(run);
}

static void http_agent_fail(struct http_agent_run *run, const struct run_error *error)
{
    struct run_outcome o = { .tokens_in = -1, .tokens_out = -1, .cost_usd = -1, .error = *error };
    o.error.exit_code = -1;
    http_agent_done(run, &o);
}

static void http_agent_fail_later(struct loop_task *t)
{
    struct http_agent_run *run = container_of(t, struct http_agent_run, later);
    http_agent_fail(run, &run->failure);
}

/* What of the answer is the result: -1 when the path leads nowhere. */
static int http_agent_pick(struct http_agent_run *run, const struct http_result *r,
                           struct run_outcome *o, struct run_error *error)
{
    const struct jsonpath *path = run->prepared->result;
    bool declared = http_is_json(http_result_header(r, "content-type"));
    const struct json *root =
        (path || declared) && !r->truncated ? json_parse(run->arena, r->body, NULL, NULL) : NULL;
    if (!root) {
        o->result = output_text(run->arena, r->body);
        return 0;
    }
    const struct json *found = path ? jsonpath_find(path, root) : root;
    if (!found) {
        struct str said = output_excerpt(run->arena, r->body, HTTP_AGENT_EXCERPT);
        *error = (struct run_error){
            .kind = "bad_response",
            .message = arena_printf(run->arena, "the answer has no %s: %" STR_FMT,
                                    run->request->agent->http.result.s.p, STR_ARG(said)),
            .http_status = r->status,
        };
        return -1;
    }
    if (path && found->type == JSON_STRING) {
        o->result = output_text(run->arena, json_text(run->arena, found));
        return 0;
    }
    auto_buf text = BUF_INIT(r->body.n * 6 + 16);
    json_write(&text, found, JSON_COMPACT);
    o->result = arena_str(run->arena, buf_view(&text));
    o->result_json = true;
    return 0;
}

static void http_agent_succeed(struct http_agent_run *run, const struct http_result *r)
{
    struct run_error error;
    struct run_outcome o = {
        .ok = true,
        .tokens_in = -1,
        .tokens_out = -1,
        .cost_usd = -1,
        .truncated = r->truncated,
        .output_bytes = (int64_t)r->body_bytes,
        .error = { .exit_code = -1 },
    };
    if (http_agent_pick(run, r, &o, &error) != 0)
        http_agent_fail(run, &error);
    else
        http_agent_done(run, &o);
}

/* ---- polling ---- */

static void http_agent_send(struct http_agent_run *run);

static void http_agent_on_wait(struct loop_timer *t)
{
    http_agent_send(container_of(t, struct http_agent_run, wait));
}

static void http_agent_poll_later(struct http_agent_run *run, int64_t retry_after_us)
{
    int64_t delay = MAX(run->pause, MIN(retry_after_us, HTTP_AGENT_LAST_POLL));
    run->pause = MIN(run->pause * 3 / 2, HTTP_AGENT_LAST_POLL);
    loop_timer_set(run->env->loop, &run->wait, delay, http_agent_on_wait);
}

static bool http_agent_same(CURLU *a, CURLU *b, CURLUPart part)
{
    char *x = NULL, *y = NULL;
    curl_url_get(a, part, &x, CURLU_DEFAULT_PORT);
    curl_url_get(b, part, &y, CURLU_DEFAULT_PORT);
    bool same = x && y && str_eq_fold(str_of(x), str_of(y));
    curl_free(x);
    curl_free(y);
    return same;
}

/* Takes the Location over; -1 when it is none for us. libcurl resolves it, as it will connect to it. */
static int http_agent_follow(struct http_agent_run *run, struct str location)
{
    char *text = NULL;
    CURLU *from = curl_url(), *to = curl_url();
    const char *here = arena_cstr(run->arena, run->url), *there = arena_cstr(run->arena, location);
    int rc = -1;
    if (curl_url_set(from, CURLUPART_URL, here, 0) == CURLUE_OK &&
        curl_url_set(to, CURLUPART_URL, here, 0) == CURLUE_OK &&
        curl_url_set(to, CURLUPART_URL, there, 0) == CURLUE_OK &&
        curl_url_get(to, CURLUPART_URL, &text, 0) == CURLUE_OK &&
        guard_check_url(NULL, str_of(text), NULL, NULL) == 0) {
        run->elsewhere = run->elsewhere || !http_agent_same(from, to, CURLUPART_SCHEME) ||
                         !http_agent_same(from, to, CURLUPART_HOST) ||
                         !http_agent_same(from, to, CURLUPART_PORT);
        run->url = arena_str(run->arena, str_of(text));
        rc = 0;
    }
    curl_free(text);
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return rc;
}

static void http_agent_accepted(struct http_agent_run *run, const struct http_result *r)
{
    struct str location = http_result_header(r, "location");
    if (location.n && http_agent_follow(run, location) != 0) {
        struct run_error error = {
            .kind = "bad_response",
            .message =
                arena_printf(run->arena, "202 with a Location that is no http URL: %" STR_FMT,
                             STR_ARG(output_excerpt(run->arena, location, HTTP_AGENT_EXCERPT))),
            .http_status = r->status,
        };
        http_agent_fail(run, &error);
        return;
    }
    run->polling = true;
    run->misses = 0;
    http_agent_poll_later(run, r->retry_after_us);
}

/* ---- answers ---- */

static bool http_agent_status_again(int status)
{
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

static void http_agent_missed(struct http_agent_run *run, const struct run_error *error,
                              int64_t retry_after_us)
{
    if (run->polling && error->retryable && ++run->misses < HTTP_AGENT_MISSES)
        http_agent_poll_later(run, retry_after_us);
    else
        http_agent_fail(run, error);
}

static void http_agent_on_done(void *ctx, const struct http_result *r)
{
    static const unsigned final = 1u << HTTP_FAILURE_TLS_ERROR |
                                  1u << HTTP_FAILURE_BLOCKED_ADDRESS |
                                  1u << HTTP_FAILURE_INVALID_REQUEST;
    struct http_agent_run *run = ctx;
    struct run_error error = { .http_status = r->status };
    run->call = NULL;
    if (r->failure != HTTP_FAILURE_NONE) {
        error.kind = r->failure == HTTP_FAILURE_TIMEOUT ? "timeout" : "network";
        error.message = arena_printf(run->arena, "%s (%s)", r->text, http_failure_word(r->failure));
        error.retryable = !(final & 1u << r->failure);
        http_agent_missed(run, &error, -1);
    } else if (r->status == 202 && (run->polling || http_result_header(r, "location").n)) {
        http_agent_accepted(run, r);
    } else if (r->status >= 200 && r->status < 300) {
        http_agent_succeed(run, r);
    } else {
        struct str said = output_excerpt(run->arena, r->body, HTTP_AGENT_EXCERPT);
        error.kind = "http";
        error.message =
            arena_printf(run->arena, "the server answered %d %s%s%" STR_FMT, r->status,
                         http_status_word(r->status), said.n ? ": " : "", STR_ARG(said));
        error.retryable = http_agent_status_again(r->status);
        http_agent_missed(run, &error, r->retry_after_us);
    }
}

static void http_agent_send(struct http_agent_run *run)
{
    const struct config_agent *agent = run->request->agent;
    bool bare =
        run->elsewhere; /* the headers may hold a key that is for the configured origin only */
    struct http_call_options o = {
        .method = run->polling             ? "GET"
                  : agent->http.method.s.n ? agent->http.method.s.p
                                           : "POST",
        .url = run->url,
        .headers = bare ? NULL : run->headers,
        .n_headers = bare ? 0 : run->n_headers,
        .body = run->polling ? STR_NULL : run->body,
        .timeout_us = MAX(run->request->deadline_us - loop_mono(run->env->loop), 1),
        .keep = agent->limits.output ? agent->limits.output : HTTP_AGENT_OUTPUT,
        .guard = bare ? &http_agent_strangers : NULL,
        .egress = &run->prepared->egress,
        .done = http_agent_on_done,
        .ctx = run,
    };
    run->call = http_call_start(run->env->client, &o);
}

/* ---- the request ---- */

static struct json *http_agent_data(struct http_agent_run *run)
{
    struct arena *a = run->arena;
    const struct task_row *t = run->request->task;
    struct json *data = prepare_data(a, run->request, loop_clock(run->env->loop));
    json_put(a, data, STR("input"), json_str(a, t->input));
    json_put(a, data, STR("prompt"), json_str(a, t->input));
    json_put(a, data, STR("task_id"), json_str(a, t->id));
    json_put(a, data, STR("receipt_id"), json_str(a, t->receipt_id));
    json_put(a, data, STR("platform"), json_str(a, t->trigger_type));
    json_put(a, data, STR("attempt"), json_i64(a, t->attempt));
    return data;
}

static int http_agent_make_headers(struct http_agent_run *run, const struct json *data,
                                   bool json_input, struct error *e)
{
    const struct prepared_agent *p = run->prepared;
    struct template_options o = { .now_us = loop_wall(run->env->loop) };
    bool typed = false;
    run->headers = ARENA_ARRAY(run->arena, struct http_header, p->n_headers + 1);
    for (size_t i = 0; i < p->n_headers; i++) {
        struct str value;
        if (prepare_render(run->arena, p->headers[i].value, data, &o, &value, e) != 0)
            return error_wrap(e, "http.headers");
        if (!http_header_valid(p->headers[i].name, value))
            return error_set(e, ERROR_INVALID, "http.headers: %s has control characters",
                             p->headers[i].name.p);
        typed = typed || str_eq_fold(p->headers[i].name, STR("content-type"));
        run->headers[run->n_headers++] = (struct http_header){ p->headers[i].name, value };
    }
    if (!typed && run->body.n)
        run->headers[run->n_headers++] =
            (struct http_header){ STR("Content-Type"), p->body || json_input
                                                           ? STR("application/json")
                                                           : STR("text/plain; charset=utf-8") };
    return 0;
}

static int http_agent_make_body(struct http_agent_run *run, const struct json *data,
                                bool *json_input, struct error *e)
{
    const struct prepared_agent *p = run->prepared;
    struct error why = ERROR_INIT;
    struct template_options o = {
        .escape = p->body_json ? TEMPLATE_ESCAPE_JSON : TEMPLATE_ESCAPE_NONE,
        .now_us = loop_wall(run->env->loop),
        .max_output = HTTP_AGENT_MAX_BODY,
    };
    if (!p->body) { /* the input itself */
        const char *method = run->request->agent->http.method.s.p;
        run->body = method && strcmp(method, "GET") == 0 ? STR_NULL : run->request->task->input;
        *json_input = json_parse(run->arena, run->body, NULL, NULL) != NULL;
        return 0;
    }
    if (prepare_render(run->arena, p->body, data, &o, &run->body, e) != 0)
        return error_wrap(e, "http.body");
    if (p->body_json && run->body.n && !json_parse(run->arena, run->body, NULL, &why))
        return error_set(e, ERROR_INVALID,
                         "http.body: the rendered body is not JSON: line %u, column %u: %s",
                         why.line, why.column, why.text);
    return 0;
}

static int http_agent_make(struct http_agent_run *run, struct error *e)
{
    struct json *data = http_agent_data(run);
    struct template_options o = { .escape = TEMPLATE_ESCAPE_URL,
                                  .now_us = loop_wall(run->env->loop) };
    bool json_input = false;
    if (prepare_render(run->arena, run->prepared->url, data, &o, &run->url, e) != 0)
        return error_wrap(e, "http.url");
    if (http_agent_make_body(run, data, &json_input, e) != 0)
        return -1;
    return http_agent_make_headers(run, data, json_input, e);
}

/* ---- start and stop ---- */

static struct run *http_agent_start(void *ctx, const struct run_request *request,
                                    const struct run_events *events, struct error *e)
{
    struct http_agent_run *run = xalloc(sizeof(*run));
    struct error why = ERROR_INIT;
    (void)e; /* what is wrong comes with done, which has a kind for it */
    run->events = *events;
    run->request = request;
    run->env = ctx;
    run->prepared = prepare_find(request);
    run->arena = arena_new(request->task->input.n * 2 + 4 * KIB);
    run->pause = HTTP_AGENT_FIRST_POLL;
    if (http_agent_make(run, &why) != 0) {
        run->failure = (struct run_error){ .kind = "template",
                                           .message = arena_str(run->arena, str_of(why.text)) };
        loop_later(run->env->loop, &run->later, http_agent_fail_later);
    } else {
        http_agent_send(run);
    }
    return (struct run *)run;
}

static void http_agent_stop(struct run *r, enum run_stop why)
{
    struct http_agent_run *run = (struct http_agent_run *)r;
    if (run->call)
        http_call_cancel(run->call);
    run->call = NULL;
    loop_timer_stop(&run->wait);
    loop_later_cancel(run->env->loop, &run->later);
    run->failure = agents_stopped(why);
    loop_later(run->env->loop, &run->later, http_agent_fail_later);
}

const struct runner_kind http_agent_kind = {
    .type = CONFIG_HTTP,
    .word = "http",
    .start = http_agent_start,
    .stop = http_agent_stop,
};
