/* Rows as the JSON of 60-interfaces. What is absent is left out. */
#include "api/call.h"

#include "base/when.h"

#define VIEW_CUT (2 * KIB)

void view_time(struct arena *a, struct json *o, const char *key, int64_t us)
{
    char text[WHEN_TEXT];
    if (us > 0)
        json_put_str(a, o, key, when_format_us(us, text));
}

void view_str(struct arena *a, struct json *o, const char *key, struct str s)
{
    if (s.p)
        json_put(a, o, str_of(key), json_str(a, s));
}

static void view_seconds(struct arena *a, struct json *o, const char *key, int64_t from, int64_t to)
{
    if (from > 0 && to >= from)
        json_put(a, o, str_of(key), json_double(a, (double)(to - from) / US_PER_S));
}

/* Cut to 2 KiB in lists; true when something was cut. */
static bool view_long(struct arena *a, struct json *o, const char *key, struct str s, bool cut)
{
    bool cuts = cut && s.n > VIEW_CUT;
    if (cuts)
        s.n = str_utf8_cut(s, VIEW_CUT);
    view_str(a, o, key, s);
    return cuts;
}

static bool view_result(struct arena *a, struct json *o, const struct task_row *t, bool cut)
{
    struct json *value = t->result_json && !(cut && t->result.n > VIEW_CUT)
                             ? json_parse(a, t->result, NULL, NULL)
                             : NULL;
    if (!value)
        return view_long(a, o, "result", t->result, cut);
    json_put(a, o, STR("result"), value);
    return false;
}

static void view_usage(struct arena *a, struct json *o, const struct task_row *t)
{
    if (t->tokens_used >= 0)
        json_put(a, o, STR("tokens_used"), json_i64(a, t->tokens_used));
    if (task_state_final(t->state))
        json_put(a, o, STR("tools_called"), json_i64(a, t->tools_called));
    const struct json *usage = t->usage.p ? json_parse(a, t->usage, NULL, NULL) : NULL;
    if (usage)
        json_put(a, o, STR("usage"), json_alias(a, usage));
}

static void view_trigger(struct arena *a, struct json *o, const struct task_row *t)
{
    struct json *trigger = json_object(a);
    view_str(a, trigger, "type", t->trigger_type);
    view_str(a, trigger, "name", t->trigger_name);
    json_put(a, o, STR("trigger"), trigger);
}

struct json *view_task(struct arena *a, const struct task_row *t, const struct row_ids *deliveries,
                       bool cut)
{
    struct json *o = json_object(a), *ids = json_list(a);
    view_str(a, o, "id", t->id);
    view_str(a, o, "task_id", t->id);
    view_str(a, o, "agent_name", t->agent);
    view_trigger(a, o, t);
    json_put_str(a, o, "status", task_state_word(t->state));
    json_put(a, o, STR("attempt"), json_i64(a, t->attempt));
    bool truncated = view_long(a, o, "input", t->input, cut);
    truncated |= view_result(a, o, t, cut);
    if (t->error_message.p) {
        struct json *error = json_object(a);
        view_str(a, error, "type", t->error_type);
        view_str(a, error, "message", t->error_message);
        json_put(a, o, STR("error"), error);
    }
    if (truncated)
        json_put(a, o, STR("truncated"), json_bool(a, true));
    view_str(a, o, "session_id", t->session_id);
    view_time(a, o, "scheduled_at", t->scheduled_at);
    view_time(a, o, "created_at", t->created_at);
    view_time(a, o, "started_at", t->started_at);
    view_time(a, o, "finished_at", t->finished_at);
    view_seconds(a, o, "late_by_seconds", t->scheduled_at, t->started_at);
    view_seconds(a, o, "duration_seconds", t->started_at, t->finished_at);
    view_usage(a, o, t);
    view_str(a, o, "receipt_id", t->receipt_id);
    for (size_t i = 0; i < deliveries->n; i++)
        json_add(a, ids, json_str(a, deliveries->items[i]));
    json_put(a, o, STR("delivery_ids"), ids);
    view_str(a, o, "trace_id", t->trace_id);
    return o;
}

struct str view_url(struct arena *a, struct str url)
{
    ptrdiff_t scheme = str_find(url, STR("//"));
    if (scheme < 0)
        return url;
    struct str rest = str_sub(url, (size_t)scheme + 2, url.n);
    ptrdiff_t query = str_chr(rest, '?');
    if (query >= 0)
        rest.n = (size_t)query;
    ptrdiff_t path = str_chr(rest, '/');
    struct str authority = path < 0 ? rest : str_sub(rest, 0, (size_t)path);
    ptrdiff_t user = str_rchr(authority, '@');
    if (user >= 0)
        authority = str_sub(authority, (size_t)user + 1, authority.n);
    struct str tail = path < 0 ? STR("") : str_sub(rest, (size_t)path, rest.n);
    ptrdiff_t last = str_rchr(tail, '/');
    bool hides = last >= 0 && tail.n - (size_t)last > 1;
    return arena_printf(a, "%" STR_FMT "//%" STR_FMT "%" STR_FMT "%s%s",
                        STR_ARG(str_sub(url, 0, (size_t)scheme)), STR_ARG(authority),
                        STR_ARG(str_sub(tail, 0, (size_t)(last + 1))), hides ? "***" : "",
                        query >= 0 ? "?***" : "");
}

static struct json *view_attempt(struct arena *a, const struct attempt_row *t)
{
    struct json *o = json_object(a);
    json_put(a, o, STR("n"), json_i64(a, t->n));
    view_time(a, o, "at", t->at);
    if (t->status_code)
        json_put(a, o, STR("status_code"), json_i64(a, t->status_code));
    view_str(a, o, "error_type", t->error_type);
    view_str(a, o, "error", t->error);
    json_put(a, o, STR("duration_ms"), json_double(a, (double)t->duration_us / US_PER_MS));
    view_str(a, o, "remote_ip", t->remote_ip);
    view_str(a, o, "response_excerpt", t->response_excerpt);
    return o;
}

struct json *view_delivery(struct arena *a, const struct delivery_row *d,
                           const struct row_attempts *attempts)
{
    struct json *o = json_object(a), *tries = json_list(a);
    view_str(a, o, "id", d->id);
    view_str(a, o, "receiver", d->receiver);
    view_str(a, o, "target", d->target);
    view_str(a, o, "event", d->event);
    view_str(a, o, "task_id", d->task_id);
    json_put_str(a, o, "status", delivery_state_word(d->state));
    json_put(a, o, STR("attempt_count"), json_i64(a, d->attempts));
    json_put(a, o, STR("max_attempts"), json_i64(a, d->max_attempts));
    if (!delivery_state_final(d->state))
        view_time(a, o, "next_attempt_at", d->next_at);
    view_time(a, o, "created_at", d->created_at);
    view_time(a, o, "finished_at", d->finished_at);
    if (d->url.p)
        json_put(a, o, STR("url"), json_str(a, view_url(a, d->url)));
    view_str(a, o, "last_error", d->last_error);
    for (size_t i = 0; i < attempts->n; i++)
        json_add(a, tries, view_attempt(a, &attempts->items[i]));
    json_put(a, o, STR("attempts"), tries);
    return o;
}

struct json *view_receipt(struct arena *a, const struct receipt_row *r)
{
    struct json *o = json_object(a);
    view_str(a, o, "id", r->id);
    view_str(a, o, "route", r->route);
    view_str(a, o, "status", r->status);
    view_str(a, o, "reason", r->reason);
    json_put(a, o, STR("http_status"), json_i64(a, r->http_status));
    view_str(a, o, "event_type", r->event_type);
    view_str(a, o, "delivery_id", r->delivery_id);
    view_str(a, o, "entity", r->entity);
    view_str(a, o, "remote_address", r->remote_address);
    const struct json *headers = r->headers.p ? json_parse(a, r->headers, NULL, NULL) : NULL;
    if (headers)
        json_put(a, o, STR("headers"), json_alias(a, headers));
    view_str(a, o, "body", r->body);
    view_str(a, o, "secret_used", r->secret_used);
    view_str(a, o, "task_id", r->task_id);
    view_time(a, o, "received_at", r->received_at);
    json_put(a, o, STR("duration_ms"), json_double(a, (double)r->duration_us / US_PER_MS));
    if (r->repeated)
        json_put(a, o, STR("repeated"), json_i64(a, r->repeated));
    return o;
}

struct json *view_event(struct arena *a, const struct event_row *e)
{
    struct json *o = json_object(a);
    json_put(a, o, STR("seq"), json_i64(a, e->seq));
    view_str(a, o, "type", e->type);
    view_str(a, o, "task_id", e->task_id);
    view_time(a, o, "at", e->at);
    const struct json *data = json_parse(a, e->data, NULL, NULL);
    if (data)
        json_put(a, o, STR("data"), json_alias(a, data));
    return o;
}
