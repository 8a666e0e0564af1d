/* A webhook trigger of the file → a route ready to serve; every problem with its position. */
#include "triggers/compile.h"
#include "triggers/webhook.h"

static const struct jsonpath *compile_path(const struct compile *c, const struct config_text *text,
                                           const char *key)
{
    struct error e = ERROR_INIT;
    const struct jsonpath *path = input_path_compile(c->arena, text->s, &e);
    if (!path)
        compile_problem(c, false, text->pos, key, "%s; expected a path such as .body.order.id",
                        e.text);
    return path;
}

static void compile_source(const struct compile *c, struct webhook_route *r)
{
    struct str name = r->hook->source.s.p ? r->hook->source.s : STR("generic");
    r->source = source_find(name);
    if (r->source)
        return;
    const char *near = source_suggest(name);
    compile_problem(c, false, r->hook->source.pos, "source", "there is no source '%s'%s%s%s",
                    name.p, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    r->source = source_find(STR("generic"));
}

static void compile_templates(const struct compile *c, struct webhook_route *r)
{
    static const enum template_dialect dialects[] = { TEMPLATE_AUTO, TEMPLATE_DOT };
    const struct config_webhook *h = r->hook;
    if (h->input.s.p && h->input_dialect < 2)
        r->input = compile_template(c, dialects[h->input_dialect], &h->input,
                                    h->input_dialect ? "prompt" : "webhook_input.template");
    r->filter = compile_template(c, TEMPLATE_AUTO, &h->filter, "filter");
    if (!str_eq_c(h->dedup.key.s, "body"))
        r->dedup_key = compile_template(c, TEMPLATE_AUTO, &h->dedup.key, "dedup.key");
    r->session_key = compile_template(c, TEMPLATE_AUTO, &h->session.key, "session.key");
    r->session_id = compile_template(c, TEMPLATE_AUTO, &h->session_id, "webhook_input.session_id");
}

static void compile_paths(const struct compile *c, struct webhook_route *r)
{
    const struct config_webhook *h = r->hook;
    r->extract = ARENA_ARRAY(c->arena, struct input_extractor, h->n_extract + 1);
    for (size_t i = 0; i < h->n_extract; i++) {
        const struct jsonpath *path =
            compile_path(c, &h->extract[i].path, "webhook_input.extract_fields");
        if (path)
            r->extract[r->n_extract++] = (struct input_extractor){ path, h->extract[i].as.s };
    }
    r->callback_field = compile_path(c, &h->response.callback_field, "response.callback_field");
    struct str *hosts = ARENA_ARRAY(c->arena, struct str, h->response.allow_hosts.n + 1);
    for (size_t i = 0; i < h->response.allow_hosts.n; i++)
        hosts[i] = h->response.allow_hosts.items[i].s;
    r->allow_hosts = hosts;
}

/* ---- what the file may say and this version does not do ---- */

static bool later_deliver(const struct config_webhook *h)
{
    return h->deliver.n > 0 && !h->deliver_only;
}

static bool later_deliver_extra(const struct config_webhook *h)
{
    return h->deliver_extra.n > 0;
}

static bool later_deliver_only(const struct config_webhook *h)
{
    return h->deliver_only;
}

static bool later_tool_policy(const struct config_webhook *h)
{
    return h->tool_policy.set;
}

static const struct later {
    const char *key, *text;
    bool (*written)(const struct config_webhook *h);
    bool error; /* going on without it would do something else than what is written */
} laters[] = {
    { "deliver", "is not applied in this version; notifications send results to webhooks",
      later_deliver, false },
    { "deliver_extra", "is not applied in this version", later_deliver_extra, false },
    { "deliver_only", "is not available in this version, which would run the agent",
      later_deliver_only, true },
    { "tool_policy", "is not applied in this version: agents have no tools yet", later_tool_policy,
      false },
};

static void compile_laters(const struct compile *c, const struct webhook_route *r)
{
    for (size_t i = 0; i < N_ELEMENTS(laters); i++) {
        if (laters[i].written(r->hook))
            compile_problem(c, !laters[i].error, c->trigger->pos, laters[i].key, "%s",
                            laters[i].text);
    }
}

static void compile_warnings(const struct compile *c, const struct webhook_route *r)
{
    int64_t deadline = source_deadline(r->source), timeout = r->hook->response.timeout;
    if (r->hook->response.mode == CONFIG_SYNC && deadline && deadline < timeout)
        compile_problem(c, true, c->trigger->pos, "response",
                        "%s waits %gs for an answer, response.timeout is %gs; use mode: async",
                        source_name(r->source), (double)deadline / US_PER_S,
                        (double)timeout / US_PER_S);
    compile_laters(c, r);
}

void webhook_route_compile(struct webhook_route *r, const struct compile *c)
{
    r->config = c->config;
    r->agent = c->agent;
    r->trigger = c->trigger;
    r->hook = &c->trigger->webhook;
    r->route = (struct http_route){ webhook_on_head, webhook_on_request, r };
    compile_source(c, r);
    if (auth_compile(r->hook, c->problems, &r->auth) != 0)
        r->auth = NULL; /* the problem is told: this generation does not come to serve */
    compile_templates(c, r);
    compile_paths(c, r);
    compile_warnings(c, r);
}

void webhook_route_release(struct webhook_route *r)
{
    auth_free(r->auth);
    template_free(r->input);
    template_free(r->filter);
    template_free(r->dedup_key);
    template_free(r->session_key);
    template_free(r->session_id);
}
