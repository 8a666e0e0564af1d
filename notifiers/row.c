/* Rows: who, where, how often, and the bytes. */
#include "notifiers/row.h"

#include "base/id.h"
#include "base/log.h"
#include "base/stats.h"
#include "http/guard.h"

#define ROW_MAX_LINE (8 * KIB) /* a rendered URL or header */

/* A callback is tried as a notification with defaults (10-config). */
#define ROW_CALLBACK_TRIES   3
#define ROW_CALLBACK_INITIAL (1 * US_PER_S)
#define ROW_CALLBACK_MAX     (30 * US_PER_S)
#define ROW_CALLBACK_JITTER  100
#define ROW_CALLBACK_TIMEOUT (30 * US_PER_S)

static void row_begin(const struct row_event *ev, struct delivery_row *out)
{
    char id[ID_TEXT];
    const struct engine_event *event = ev->event;
    struct str task = STR_NULL;
    if (event->task)
        task = event->task->id;
    else if (event->delivery)
        task = event->delivery->task_id;
    id_uuid7(loop_clock(ev->loop), id);
    *out = (struct delivery_row){
        .id = arena_str(ev->arena, str_of(id)),
        .task_id = task.p ? arena_str(ev->arena, task) : STR_NULL,
        .state = DELIVERY_PENDING,
        .method = STR(""),
        .url = STR(""),
        .headers = STR("{}"),
        .content_type = STR(""),
        .body = STR(""),
        .created_at = loop_wall(ev->loop),
        .next_at = loop_wall(ev->loop),
    };
}

/* There is nothing to send: the row is kept for people to see. */
static void row_fail(const struct row_event *ev, const struct error *e, struct delivery_row *out)
{
    out->state = DELIVERY_FAILED;
    out->finished_at = out->created_at;
    out->last_error = arena_printf(ev->arena, "RENDER_ERROR: %s", e->text);
    stats_inc(STATS_DELIVERIES, out->receiver.p, delivery_state_word(out->state), NULL);
    log_error("delivery could not be rendered", "delivery_id", out->id.p, "receiver",
              out->receiver.p, "task_id", out->task_id.p, "error", e->text);
}

static int row_render(const struct row_event *ev, const struct template *t,
                      enum template_escape escape, struct str *out, struct error *e)
{
    struct template_options o = { .escape = escape, .now_us = ev->event->at };
    auto_buf text = BUF_INIT(ROW_MAX_LINE);
    if (template_render(t, ev->data, &o, &text, e) != 0)
        return -1;
    if (!buf_ok(&text))
        return error_set(e, ERROR_LIMIT, "is longer than %zu bytes", (size_t)ROW_MAX_LINE);
    *out = arena_str(ev->arena, str_trim(buf_view(&text)));
    return 0;
}

/* W3C Trace Context, version 00: "00-" 32 hex "-" 16 hex "-" 2 hex. */
static bool row_is_traceparent(struct str s)
{
    if (s.n != 55 || !str_starts(s, STR("00-")))
        return false;
    for (size_t i = 3; i < s.n; i++) {
        bool dash = i == 35 || i == 52;
        bool hex = (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f');
        if (dash ? s.p[i] != '-' : !hex)
            return false;
    }
    return true;
}

static void row_put_trace(const struct row_event *ev, struct json *headers)
{
    const struct task_row *task = ev->event->task;
    if (task && row_is_traceparent(task->trace_id))
        json_put(ev->arena, headers, STR("traceparent"), json_str(ev->arena, task->trace_id));
}

/* ---- notifications ---- */

static struct payload_source row_source(const struct row_event *ev, const struct notify *n)
{
    return (struct payload_source){ ev->event, ev->config, ev->agent, ev->event_id,
                                    &n->config->event_names };
}

static int row_url(const struct row_event *ev, const struct notify *n, struct delivery_row *out,
                   struct error *e)
{
    struct arena *a = ev->arena;
    if (!n->config->url.s.p)
        return 0;
    out->url = arena_str(a, n->config->url.s);
    if (!n->url)
        return 0;
    /* Data may fill parts of an address that stands in the file; a URL that is data as a whole is
       taken as it is. */
    ptrdiff_t tag = str_chr(n->config->url.s, '{'), scheme = str_find(n->config->url.s, STR("://"));
    bool parts = scheme >= 0 && scheme < tag;
    out->guard = STR("{\"allow\":[],\"hosts\":[]}");
    if (row_render(ev, n->url, parts ? TEMPLATE_ESCAPE_URL : TEMPLATE_ESCAPE_NONE, &out->url, e) !=
            0 ||
        guard_check_url(NULL, out->url, NULL, e) != 0)
        return error_wrap(e, "url");
    return 0;
}

static int row_headers(const struct row_event *ev, const struct notify *n, struct delivery_row *out,
                       struct error *e)
{
    struct arena *a = ev->arena;
    struct json *headers = json_object(a);
    struct payload_source source = row_source(ev, n);
    row_put_trace(ev, headers);
    if (str_eq_c(STR("hermon"), n->body.format->word)) {
        json_put(a, headers, STR("X-Hermon-Delivery-Id"), json_str(a, out->id));
        json_put(a, headers, STR("X-Hermon-Event-Type"),
                 json_str(a, payload_hermon_name(a, &source)));
    }
    for (size_t i = 0; i < n->n_headers; i++) {
        const struct notify_header *h = &n->headers[i];
        struct str value = h->value;
        if (h->secret)
            continue;
        if (h->template && row_render(ev, h->template, TEMPLATE_ESCAPE_NONE, &value, e) != 0)
            return error_wrap(e, "headers.%" STR_FMT, STR_ARG(h->name));
        if (!http_header_valid(h->name, value))
            return error_set(e, ERROR_INVALID, "headers.%" STR_FMT ": the value is not one line",
                             STR_ARG(h->name));
        json_put(a, headers, h->name, json_str(a, value));
    }
    out->headers = payload_text(a, headers);
    return 0;
}

static int row_body(const struct row_event *ev, const struct notify *n, struct delivery_row *out,
                    struct error *e)
{
    struct payload_source source = row_source(ev, n);
    out->content_type = arena_str(ev->arena, n->body.content_type);
    if (body_render(&n->body, &source, ev->data, ev->arena, &out->body, e) == 0)
        return 0;
    if (!n->config->payload_on_error_default)
        return -1;
    log_warn("a payload could not be rendered, the default one is sent", "receiver",
             out->receiver.p, "task_id", out->task_id.p, "error", e->text);
    const struct body plain = { .format = payload_format_find(STR("hector")) };
    out->content_type = str_of(plain.format->content_type);
    return body_render(&plain, &source, ev->data, ev->arena, &out->body, e);
}

/* 1: wanted, 0: not, -1: error. */
static int row_when(const struct row_event *ev, const struct notify *n, struct error *e)
{
    struct str said = STR("");
    if (!n->when)
        return 1;
    if (row_render(ev, n->when, TEMPLATE_ESCAPE_NONE, &said, e) != 0)
        return error_wrap(e, "when");
    return template_truthy(said);
}

static void row_policy(const struct notify *n, struct delivery_row *out)
{
    out->max_attempts = n->config->retry.max_attempts;
    out->initial_delay = n->config->retry.initial_delay;
    out->max_delay = n->config->retry.max_delay;
    out->backoff = n->config->retry.backoff;
    out->jitter_permille = (int)(n->config->retry.jitter * 1000 + 0.5);
    out->timeout = n->config->timeout;
}

bool row_of_notification(const struct row_event *ev, const struct notify *n,
                         struct delivery_row *out)
{
    struct error e = ERROR_INIT;
    struct arena *a = ev->arena;
    int wanted = row_when(ev, n, &e);
    if (wanted == 0)
        return false;
    row_begin(ev, out);
    out->receiver = arena_str(a, n->receiver);
    out->target = str_of(n->kind->word);
    out->event = arena_str(a, str_of(ev->event->type));
    if (n->config->method.s.p)
        out->method = arena_str(a, n->config->method.s);
    row_policy(n, out);
    if (wanted < 0 || row_url(ev, n, out, &e) != 0 || row_headers(ev, n, out, &e) != 0 ||
        row_body(ev, n, out, &e) != 0)
        row_fail(ev, &e, out);
    return true;
}

/* ---- callbacks ---- */

bool row_wants_callback(const struct engine_event *event)
{
    const struct task_row *task = event->task;
    return task && task_state_final(task->state) && str_starts(str_of(event->type), STR("task.")) &&
           str_eq_c(task->response_mode, "callback") && task->callback_url.n;
}

/* The sync answer's shape (20-triggers). */
static struct str row_callback_body(const struct row_event *ev)
{
    struct arena *a = ev->arena;
    const struct task_row *task = ev->event->task;
    struct json *o = json_object(a);
    json_put(a, o, STR("task_id"), json_str(a, task->id));
    json_put_str(a, o, "status", task_state_word(task->state));
    if (task->state == TASK_COMPLETED) {
        const struct json *result = json_get(ev->data, STR("result"));
        json_put(a, o, STR("result"), result ? json_alias(a, result) : json_str(a, STR("")));
    } else {
        bool told = task->error_message.p != NULL;
        json_put(a, o, STR("error"),
                 json_str(a, told ? task->error_message : STR("the task was cancelled")));
    }
    json_put(a, o, STR("agent_name"), json_str(a, ev->agent));
    return payload_text(a, o);
}

static struct str row_callback_secret(const struct config_trigger *trigger)
{
    if (!trigger || trigger->type != CONFIG_WEBHOOK)
        return STR_NULL;
    const struct config_webhook *hook = &trigger->webhook;
    if (hook->auth.secret.s.n)
        return hook->auth.secret.s;
    if (hook->auth.secrets.n)
        return hook->auth.secrets.items[0].s;
    return hook->secret.s;
}

/* The trigger's meta says what a stranger's URL may reach; one that cannot be read opens nothing. */
static struct str row_callback_guard(struct arena *a, const struct task_row *task)
{
    if (!task->meta.p)
        return STR_NULL;
    const struct json *meta = json_parse(a, arena_str(a, task->meta), NULL, NULL);
    if (!meta)
        return STR("{}");
    const struct json *guard = json_get(meta, STR("guard"));
    return guard ? payload_text(a, guard) : STR_NULL;
}

static struct str row_callback_receiver(struct arena *a, struct str url, struct error *e)
{
    struct guard_target t;
    if (guard_check_url(NULL, url, &t, e) != 0) {
        (void)error_wrap(e, "callback URL");
        return STR("callback:");
    }
    bool v6 = strchr(t.host, ':') != NULL;
    return arena_printf(a, "callback:%s://%s%s%s:%u", t.tls ? "https" : "http", v6 ? "[" : "",
                        t.host, v6 ? "]" : "", t.port);
}

void row_of_callback(const struct row_event *ev, struct delivery_row *out)
{
    struct arena *a = ev->arena;
    const struct task_row *task = ev->event->task;
    struct error e = ERROR_INIT;
    row_begin(ev, out);
    out->receiver = row_callback_receiver(a, task->callback_url, &e);
    out->target = STR("webhook");
    out->event = STR("callback");
    out->method = STR("POST");
    out->url = arena_str(a, task->callback_url);
    out->content_type = STR("application/json");
    out->guard = row_callback_guard(a, task);
    out->max_attempts = ROW_CALLBACK_TRIES;
    out->initial_delay = ROW_CALLBACK_INITIAL;
    out->max_delay = ROW_CALLBACK_MAX;
    out->backoff = CONFIG_BACKOFF_EXPONENTIAL;
    out->jitter_permille = ROW_CALLBACK_JITTER;
    out->timeout = ROW_CALLBACK_TIMEOUT;
    struct str body = row_callback_body(ev);
    if (e.code == ERROR_NONE && !body.p)
        (void)error_set(&e, ERROR_LIMIT, "the result is too large");
    if (e.code != ERROR_NONE) {
        row_fail(ev, &e, out);
        return;
    }
    struct json *headers = json_object(a);
    struct str secret = row_callback_secret(ev->event->trigger);
    out->body = body;
    row_put_trace(ev, headers);
    if (secret.n)
        json_put(a, headers, STR("X-Keryx-Signature"), json_str(a, sign_body(a, secret, body)));
    out->headers = payload_text(a, headers);
}
