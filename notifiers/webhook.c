/* Sender kind "webhook": one HTTP request an attempt. The row's bytes are the same every time; what
   proves who sends it is made anew, with the secrets of the current configuration. */
#include "notifiers/notify.h"
#include "notifiers/send.h"
#include "notifiers/verdict.h"

struct webhook_send {
    struct send send;
    struct http_call *call;
    struct guard_policy guard;
};

/* ---- the guard of a URL that a stranger may have chosen ---- */

static int webhook_guard_lists(struct arena *a, const struct json *guard, struct guard_policy *out,
                               struct error *e)
{
    const struct json *allow = json_get(guard, STR("allow")),
                      *hosts = json_get(guard, STR("hosts"));
    struct cidr *cidrs = ARENA_ARRAY(a, struct cidr, (allow ? allow->count : 0) + 1);
    struct str *names = ARENA_ARRAY(a, struct str, (hosts ? hosts->count : 0) + 1);
    size_t n = 0;
    if ((allow && allow->type != JSON_LIST) || (hosts && hosts->type != JSON_LIST))
        return error_set(e, ERROR_INVALID, "the delivery's guard is not well formed");
    for (const struct json *m = allow ? allow->child : NULL; m; m = m->next) {
        if (cidr_parse(json_text(a, m), &cidrs[n++], e) != 0)
            return error_wrap(e, "the delivery's guard");
    }
    *out = (struct guard_policy){ .allow = cidrs, .n_allow = n, .allow_hosts = names };
    for (const struct json *m = hosts ? hosts->child : NULL; m; m = m->next)
        names[out->n_allow_hosts++] = json_text(a, m);
    return 0;
}

/* A guard that cannot be read must not become none. */
static int webhook_guard(struct webhook_send *s, struct error *e)
{
    struct arena *a = s->send.arena;
    const struct json *guard = json_parse(a, s->send.row->guard, NULL, e);
    if (!guard || guard->type != JSON_OBJECT)
        return error_set(e, ERROR_INVALID, "the delivery's guard is not well formed");
    return webhook_guard_lists(a, guard, &s->guard, e);
}

/* ---- headers ---- */

static void webhook_fixed(struct send *s, unsigned n, struct http_headers *out)
{
    const struct delivery_row *d = s->row;
    struct arena *a = s->arena;
    if (d->content_type.n)
        http_header_add(a, out, STR("Content-Type"), d->content_type);
    http_header_add(a, out, STR("User-Agent"), STR("keryx/" KERYX_VERSION));
    http_header_add(a, out, STR("X-Keryx-Delivery-Id"), d->id);
    http_header_add(a, out, STR("X-Keryx-Event"), d->event);
    http_header_add(a, out, STR("X-Keryx-Attempt"), arena_printf(a, "%u", n));
    http_header_add(a, out, STR("Idempotency-Key"), d->id);
}

static int webhook_headers(struct send *s, const struct notify *notify, unsigned n,
                           struct http_headers *out, struct error *e)
{
    struct arena *a = s->arena;
    webhook_fixed(s, n, out);
    if (s->row->headers.n) {
        const struct json *rendered = json_parse(a, s->row->headers, NULL, e);
        if (!rendered || rendered->type != JSON_OBJECT)
            return error_set(e, ERROR_INVALID, "the delivery's headers are not well formed");
        for (const struct json *m = rendered->child; m; m = m->next)
            sign_set_header(a, out, json_key_text(a, m), json_text(a, m));
    }
    if (notify) {
        struct sign_message message = { s->row->id, s->row->body,
                                        loop_wall(s->env->loop) / US_PER_S };
        notify_secret_headers(notify, a, out);
        if (notify->sign)
            sign_headers(notify->sign, &message, a, out);
    }
    return 0;
}

/* ---- the attempt ---- */

static void webhook_done(void *ctx, const struct http_result *r)
{
    struct webhook_send *s = ctx;
    struct attempt_result result = verdict_judge(s->send.arena, r);
    s->send.done(s->send.ctx, &result);
    arena_free(s->send.arena);
}

static struct send *webhook_start(void *env, const struct send_request *request, struct error *e)
{
    const struct delivery_row *d = request->delivery;
    struct notifiers_env *house = env;
    struct arena *a = arena_new(0);
    struct webhook_send *s = ARENA_NEW(a, struct webhook_send);
    const struct notify_part *part = request->generation->parts[PART_NOTIFIERS];
    const struct notify *notify = notify_find(part, d->receiver);
    struct http_headers headers = { 0 };
    s->send = (struct send){ house, a, d, request->done, request->ctx };
    if ((d->guard.p && webhook_guard(s, e) != 0) ||
        webhook_headers(&s->send, notify, request->n, &headers, e) != 0) {
        arena_free(a);
        return NULL;
    }
    struct http_call_options o = {
        .method = arena_cstr(a, d->method),
        .url = d->url,
        .headers = headers.items,
        .n_headers = headers.n,
        .body = d->body,
        .timeout_us = d->timeout,
        .keep = VERDICT_EXCERPT + 4, /* whole characters */
        .guard = d->guard.p ? &s->guard : NULL,
        .egress = notify ? &notify->egress : &part->egress,
        .done = webhook_done,
        .ctx = s,
    };
    s->call = http_call_start(house->client, &o);
    return &s->send;
}

static void webhook_cancel(struct send *send)
{
    struct webhook_send *s = container_of(send, struct webhook_send, send);
    http_call_cancel(s->call);
    arena_free(send->arena);
}

const struct sender_kind webhook_sender = { "webhook", webhook_start, webhook_cancel };
