/* The pipeline of one webhook request as a list of steps, in the order of 20-triggers: network → size
   (by the server, from max_body) → signature → encoding → parse → handshake → events → filter → dedup key →
   rate → input → session → callback → intake → answer. From the signature on, every end is a receipt.
   Duplicates are found by the intake's own transaction; the token they took is given back. */
#include "triggers/webhook.h"

#include "base/crypto.h"
#include "base/id.h"
#include "base/log.h"
#include "http/guard.h"
#include "triggers/filter.h"
#include "triggers/origin.h"
#include "triggers/strikes.h"

enum step_verdict { STEP_NEXT, STEP_ANSWERED };

#define WEBHOOK_KEY_MAX 512 /* a longer dedup key is kept as its hash */

/* ---- before the body ---- */

static bool webhook_address_allowed(const struct webhook_call *call)
{
    const struct config_cidrs *allowed = &call->route->hook->allowed_cidrs;
    return !allowed->set || allowed->n == 0 ||
           cidr_list_contains(allowed->items, allowed->n, &call->client);
}

int webhook_on_head(struct http_request *r)
{
    const struct webhook_route *route = r->route->ctx;
    struct webhook_call *call = ARENA_NEW(r->arena, struct webhook_call);
    call->triggers = r->user;
    call->route = route;
    call->request = r;
    call->generation =
        engine_generation(triggers_engine(call->triggers)); /* held by triggers_find */
    r->user = call;
    call->client = origin_address(r, &route->config->server.trusted_proxies);
    if (route->hook->max_body_bytes)
        r->max_body = route->hook->max_body_bytes;
    if (!webhook_address_allowed(call)) {
        reply_refused(call, 403, "network", "this address is not in allowed_cidrs", 0);
        return 403;
    }
    struct engine *e = triggers_engine(call->triggers);
    int64_t wait = route->auth ? strikes_wait(triggers_strikes(call->triggers), &call->client,
                                              loop_mono(engine_loop(e)))
                               : 0;
    if (wait > 0) {
        reply_refused(call, 429, "rate",
                      "too many requests from this address could not be authenticated", wait);
        return 429;
    }
    return 0;
}

/* ---- receipts ---- */

static struct str webhook_headers(const struct webhook_call *call)
{
    struct http_request *r = call->request;
    struct json *headers = json_object(r->arena);
    for (size_t i = 0; i < r->headers.n; i++) {
        const struct http_header *h = &r->headers.items[i];
        bool secret = auth_is_secret_header(call->route->auth, h->name);
        json_put(r->arena, headers, h->name, json_str(r->arena, secret ? STR("***") : h->value));
    }
    auto_buf text = BUF_INIT(256 * KIB);
    json_write(&text, headers, JSON_COMPACT);
    return buf_ok(&text) ? arena_str(r->arena, buf_view(&text)) : STR("{}");
}

/* What is known once the sender is; the steps add what they find out. */
static void webhook_verified(struct webhook_call *call)
{
    struct http_request *r = call->request;
    struct receipt_row *row = &call->receipt;
    char id[ID_TEXT], address[ADDR_TEXT];
    id_uuid7(loop_clock(engine_loop(triggers_engine(call->triggers))), id);
    row->id = arena_str(r->arena, str_of(id));
    row->route = call->route->trigger->name.s;
    row->trigger_agent = call->route->agent->name.s;
    row->remote_address = arena_str(r->arena, str_of(addr_format(&call->client, address)));
    row->headers = webhook_headers(call);
    row->body = r->body;
    row->received_at = r->received_us;
    call->verified = true;
}

/* ---- the steps ---- */

/* As the sender called it: behind a proxy only public_url knows. */
static struct str webhook_called_url(const struct webhook_call *call)
{
    const struct http_request *r = call->request;
    struct str base = call->route->config->server.public_url.s;
    while (base.n && base.p[base.n - 1] == '/')
        base.n--;
    if (base.n)
        return arena_printf(r->arena, "%" STR_FMT "%" STR_FMT, STR_ARG(base), STR_ARG(r->target));
    struct str host = http_header_get(&r->headers, STR("host"));
    return arena_printf(r->arena, "%s://%" STR_FMT "%" STR_FMT, r->tls ? "https" : "http",
                        STR_ARG(host), STR_ARG(r->target));
}

static enum step_verdict step_signature(struct webhook_call *call)
{
    struct http_request *r = call->request;
    if (!call->route->auth) {
        webhook_verified(call);
        return STEP_NEXT;
    }
    struct auth_input in = {
        .headers = &r->headers,
        .body = r->body,
        .method = r->method,
        .url = webhook_called_url(call),
        .now_us = r->received_us,
    };
    struct error e = ERROR_INIT;
    unsigned which = 0;
    if (auth_verify(call->route->auth, &in, &which, &e) != 0) {
        strikes_add(triggers_strikes(call->triggers), &call->client,
                    loop_mono(engine_loop(triggers_engine(call->triggers))));
        log_warn("webhook refused", "route", call->route->trigger->name.s.p, "request_id", r->id,
                 "reason", "signature", "error", e.text);
        reply_refused(call, 401, "signature", "the request could not be authenticated", 0);
        return STEP_ANSWERED;
    }
    webhook_verified(call);
    call->receipt.secret_used = arena_printf(r->arena, "%u", which);
    return STEP_NEXT;
}

static enum step_verdict step_encoding(struct webhook_call *call)
{
    struct http_request *r = call->request;
    struct error e = ERROR_INIT;
    size_t limit = r->max_body ? r->max_body : call->route->config->server.max_body_bytes;
    call->body = r->body;
    if (input_decode(http_header_get(&r->headers, STR("content-encoding")), limit, r->arena,
                     &call->body, &e) == 0) {
        call->receipt.body = call->body;
        return STEP_NEXT;
    }
    if (e.code == ERROR_LIMIT)
        reply_refused(call, 413, "too_large", e.text, 0);
    else
        reply_refused(call, e.code == ERROR_DENIED ? 415 : 400, "malformed", e.text, 0);
    return STEP_ANSWERED;
}

static enum step_verdict step_parse(struct webhook_call *call)
{
    struct http_request *r = call->request;
    struct error e = ERROR_INIT;
    struct str type = http_header_get(&r->headers, STR("content-type"));
    if (input_parse(type, call->body, r->arena, &call->input, &e) != 0) {
        reply_refused(call, e.code == ERROR_DENIED ? 415 : 400, "malformed", e.text, 0);
        return STEP_ANSWERED;
    }
    source_read(call->route->source, &r->headers, call->input.value, r->arena, &call->facts);
    call->receipt.event_type = call->facts.event;
    call->receipt.delivery_id = call->facts.delivery_id;
    call->receipt.entity = call->facts.entity;
    return STEP_NEXT;
}

static enum step_verdict step_handshake(struct webhook_call *call)
{
    struct http_request *r = call->request;
    struct source_answer answer = { 0 };
    if (!source_handshake(call->route->source, &r->headers, call->input.value, r->arena, &answer))
        return STEP_NEXT;
    reply_handshake(call, &answer);
    return STEP_ANSWERED;
}

static enum step_verdict step_events(struct webhook_call *call)
{
    const struct config_webhook *hook = call->route->hook;
    if (filter_event_allowed(&hook->events_allow, &hook->events_deny, call->facts.event))
        return STEP_NEXT;
    call->receipt.reason = STR("event");
    reply_settled(call, "filtered");
    return STEP_ANSWERED;
}

/* Renders a small template over the request's data; -1 has answered template_error. */
static int webhook_render(struct webhook_call *call, const struct template *t, struct buf *out)
{
    struct http_request *r = call->request;
    struct error e = ERROR_INIT;
    struct template_options o = { .now_us = r->received_us };
    if (template_render(t, call->data, &o, out, &e) == 0)
        return 0;
    log_error("webhook template failed", "route", call->route->trigger->name.s.p, "request_id",
              r->id, "error", e.text);
    reply_refused(call, 500, "template_error", e.text, 0);
    return -1;
}

static enum step_verdict step_filter(struct webhook_call *call)
{
    const struct webhook_route *route = call->route;
    struct http_request *r = call->request;
    struct input_request in = {
        .method = r->method,
        .path = r->path,
        .query = r->query,
        .headers = &r->headers,
        .body = &call->input,
        .source = route->source,
        .facts = &call->facts,
        .agent = route->agent->name.s,
        .receipt_id = call->receipt.id,
    };
    call->data = input_data(r->arena, &in, route->extract, route->n_extract);
    if (!route->filter)
        return STEP_NEXT;
    auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (webhook_render(call, route->filter, &out) != 0)
        return STEP_ANSWERED;
    if (template_truthy(buf_view(&out)))
        return STEP_NEXT;
    call->receipt.reason = STR("filter");
    reply_settled(call, "filtered");
    return STEP_ANSWERED;
}

static struct str webhook_hash(struct arena *a, const struct str *parts, size_t n)
{
    static const char label[] = "sha256:";
    uint8_t digest[CRYPTO_MAX_DIGEST];
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += parts[i].n + sizeof("18446744073709551615:");
    auto_buf all = BUF_INIT(size), text = BUF_INIT(128);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&all, "%zu:", parts[i].n);
        buf_str(&all, parts[i]);
    }
    crypto_digest(CRYPTO_SHA256, buf_view(&all), digest);
    buf_cstr(&text, label);
    hex_encode(&text, digest, crypto_hash_size(CRYPTO_SHA256));
    return arena_str(a, buf_view(&text));
}

static void webhook_remember(struct webhook_call *call, const char *kind, struct str key,
                             int64_t ttl)
{
    struct arena *a = call->request->arena;
    if (!key.n)
        return;
    call->dedups[call->n_dedups++] = (struct store_dedup){
        .scope = arena_printf(a, "%s%s", call->route->trigger->name.s.p, kind),
        .key = key.n > WEBHOOK_KEY_MAX ? webhook_hash(a, &key, 1) : key,
        .expires_at = call->request->received_us + ttl,
    };
}

/* The same signature and body under another delivery id. */
static struct str webhook_replay_key(const struct webhook_call *call)
{
    const struct http_request *r = call->request;
    struct str *parts = ARENA_ARRAY(r->arena, struct str, r->headers.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < r->headers.n; i++) {
        if (auth_is_secret_header(call->route->auth, r->headers.items[i].name))
            parts[n++] = r->headers.items[i].value;
    }
    parts[n++] = r->body;
    return webhook_hash(r->arena, parts, n);
}

static enum step_verdict step_dedup(struct webhook_call *call)
{
    const struct webhook_route *route = call->route;
    struct http_request *r = call->request;
    struct str key = call->facts.delivery_id;
    if (route->dedup_key) {
        auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
        if (webhook_render(call, route->dedup_key, &out) != 0)
            return STEP_ANSWERED;
        key = arena_str(r->arena, str_trim(buf_view(&out)));
    } else if (str_eq_c(route->hook->dedup.key.s, "body")) {
        key = webhook_hash(r->arena, &r->body, 1);
    }
    webhook_remember(call, "", key, route->hook->dedup.ttl);
    if (route->hook->dedup.replay > 0)
        webhook_remember(call, ":replay", webhook_replay_key(call), route->hook->dedup.replay);
    return STEP_NEXT;
}

static enum step_verdict step_rate(struct webhook_call *call)
{
    int64_t wait = triggers_rate_take(call->triggers, call->route);
    if (wait == 0) {
        call->rate_taken = true;
        return STEP_NEXT;
    }
    reply_refused(call, 429, "rate", "too many requests for this route", wait);
    return STEP_ANSWERED;
}

/* JSON as it came, with three lines of context for a model when the sender is known. */
static struct str webhook_plain_input(struct webhook_call *call)
{
    const struct webhook_route *route = call->route;
    if (route->agent->type != CONFIG_LLM || str_eq_c(route->hook->source.s, "generic"))
        return call->input.text;
    return arena_printf(call->request->arena,
                        "Source: %s\nEvent: %" STR_FMT "\nDelivery: %" STR_FMT "\n\n%" STR_FMT,
                        source_name(route->source), STR_ARG(call->facts.event),
                        STR_ARG(call->facts.delivery_id), STR_ARG(call->input.text));
}

static enum step_verdict step_input(struct webhook_call *call)
{
    const struct webhook_route *route = call->route;
    struct http_request *r = call->request;
    if (!route->hook->input.s.p) {
        call->text = webhook_plain_input(call);
        return STEP_NEXT;
    }
    if (!route->input) {
        call->text = route->hook->input.s; /* static input: */
        return STEP_NEXT;
    }
    auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    struct error e = ERROR_INIT;
    struct template_options o = { .now_us = r->received_us };
    /* `{pull_request.title}` looks into the payload, as Hermes and Moltis write it. */
    bool dot = template_dialect(route->input) == TEMPLATE_DOT;
    if (template_render(route->input, dot ? call->input.value : call->data, &o, &out, &e) != 0) {
        call->intake.failed_type = STR("template");
        call->intake.failed_message = arena_str(r->arena, str_of(e.text));
        return STEP_NEXT;
    }
    if (str_trim(buf_view(&out)).n == 0) {
        call->receipt.reason = STR("empty");
        reply_settled(call, "filtered");
        return STEP_ANSWERED;
    }
    call->text = arena_str(r->arena, buf_view(&out));
    return STEP_NEXT;
}

static enum step_verdict step_session(struct webhook_call *call)
{
    const struct webhook_route *route = call->route;
    struct arena *a = call->request->arena;
    const struct template *t = route->session_id ? route->session_id : route->session_key;
    struct str key = route->hook->session.mode == CONFIG_PER_ENTITY ? call->facts.entity : STR_NULL;
    if (t) {
        auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
        if (webhook_render(call, t, &out) != 0)
            return STEP_ANSWERED;
        key = arena_str(a, str_trim(buf_view(&out)));
    }
    if (key.n > WEBHOOK_KEY_MAX)
        key = webhook_hash(a, &key, 1);
    if (key.n)
        call->session =
            arena_printf(a, "%" STR_FMT ":%" STR_FMT, STR_ARG(route->agent->name.s), STR_ARG(key));
    return STEP_NEXT;
}

static bool webhook_wants_async(const struct http_request *r)
{
    return http_has_token(http_header_get(&r->headers, STR("prefer")), STR("respond-async"));
}

/* The guard that a payload's own URL has to pass when it is connected to, as the delivery keeps it. */
static struct str webhook_guard_meta(struct webhook_call *call)
{
    struct arena *a = call->request->arena;
    const struct config_webhook *hook = call->route->hook;
    struct json *guard = json_object(a), *allow = json_list(a), *hosts = json_list(a);
    for (size_t i = 0; i < hook->response.allow_private.n; i++) {
        char text[ADDR_TEXT];
        const struct cidr *c = &hook->response.allow_private.items[i];
        struct str cidr = arena_printf(a, "%s/%u", addr_format(&c->base, text), c->bits);
        json_add(a, allow, json_str(a, cidr));
    }
    for (size_t i = 0; i < hook->response.allow_hosts.n; i++)
        json_add(a, hosts, json_str(a, hook->response.allow_hosts.items[i].s));
    json_put(a, guard, STR("allow"), allow);
    json_put(a, guard, STR("hosts"), hosts);
    struct json *meta = json_object(a);
    json_put(a, meta, STR("guard"), guard);
    auto_buf out = BUF_INIT(64 * KIB);
    json_write(&out, meta, JSON_COMPACT);
    return arena_str(a, buf_view(&out));
}

static enum step_verdict step_callback(struct webhook_call *call)
{
    const struct config_webhook *hook = call->route->hook;
    struct arena *a = call->request->arena;
    call->mode = hook->response.mode;
    if (call->mode == CONFIG_SYNC && webhook_wants_async(call->request))
        call->mode = CONFIG_ASYNC;
    if (call->mode != CONFIG_CALLBACK)
        return STEP_NEXT;
    if (hook->response.callback_url.s.n) {
        call->callback_url = hook->response.callback_url.s;
        return STEP_NEXT;
    }
    const struct json *field = jsonpath_find(call->route->callback_field, call->data);
    struct error e = ERROR_INIT;
    if (!field || field->type != JSON_STRING) {
        reply_refused(call, 400, "malformed",
                      arena_printf(a, "no callback URL in the body's field '%s'",
                                   hook->response.callback_field.s.p)
                          .p,
                      0);
        return STEP_ANSWERED;
    }
    struct guard_policy guard = {
        .allow = hook->response.allow_private.items,
        .n_allow = hook->response.allow_private.n,
        .allow_hosts = call->route->allow_hosts,
        .n_allow_hosts = hook->response.allow_hosts.n,
    };
    call->callback_url = json_text(a, field);
    if (guard_check_url(&guard, call->callback_url, NULL, &e) != 0) {
        reply_refused(call, 400, "malformed",
                      arena_printf(a, "the callback URL is refused: %s", e.text).p, 0);
        return STEP_ANSWERED;
    }
    call->intake.meta = webhook_guard_meta(call);
    return STEP_NEXT;
}

static void webhook_committed(struct intake *i)
{
    reply_intake(i->ctx);
}

static enum step_verdict step_intake(struct webhook_call *call)
{
    static const char *const words[] = {
        [CONFIG_SYNC] = "sync", [CONFIG_ASYNC] = "async", [CONFIG_CALLBACK] = "callback"
    };
    const struct webhook_route *route = call->route;
    struct http_request *r = call->request;
    call->receipt.status = STR("accepted");
    call->receipt.http_status = call->mode == CONFIG_SYNC ? 200 : 202;
    call->receipt.duration_us =
        loop_mono(engine_loop(triggers_engine(call->triggers))) - r->started_us;
    struct intake *i = &call->intake;
    i->generation = call->generation;
    i->agent = route->agent->name.s;
    i->trigger_type = "webhook";
    i->trigger_name = route->trigger->name.s;
    i->input = call->text;
    i->session_id = call->session;
    i->response_mode = words[call->mode];
    i->callback_url = call->callback_url;
    i->trace_id = http_header_get(&r->headers, STR("traceparent"));
    i->receipt = &call->receipt;
    i->dedups = call->dedups;
    i->n_dedups = call->n_dedups;
    i->done = webhook_committed;
    i->ctx = call;
    engine_submit(triggers_engine(call->triggers), i);
    return STEP_ANSWERED;
}

static enum step_verdict (*const webhook_steps[])(struct webhook_call *) = {
    step_signature, step_encoding, step_parse, step_handshake, step_events,   step_filter,
    step_dedup,     step_rate,     step_input, step_session,   step_callback, step_intake,
};

void webhook_on_request(struct http_request *r)
{
    struct webhook_call *call = r->user;
    for (size_t i = 0; i < N_ELEMENTS(webhook_steps); i++) {
        if (webhook_steps[i](call) == STEP_ANSWERED)
            return;
    }
}
