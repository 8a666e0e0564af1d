/* A webhook trigger of the file → a route ready to serve; every problem with its position. */
#include "triggers/webhook.h"

struct compile {
    struct arena *arena;
    const struct config *config;
    const struct config_agent *agent;
    const struct config_trigger *trigger;
    struct config_problems *problems;
};

static struct str compile_partial(void *ctx, struct str name)
{
    const struct config *c = ctx;
    for (size_t i = 0; i < c->templates.n; i++) {
        if (str_eq(c->templates.items[i].key, name))
            return c->templates.items[i].value.s;
    }
    return STR_NULL;
}

static struct template *compile_template(struct compile *c, enum template_dialect dialect,
                                         const struct config_text *text, const char *key)
{
    struct error e = ERROR_INIT;
    if (!text->s.p)
        return NULL;
    union {
        const struct config *config;
        void *ctx;
    } partials_of = { .config = c->config }; /* compile_partial reads it only */
    struct template_partials partials = { .find = compile_partial, .ctx = partials_of.ctx };
    struct template *t = template_compile(dialect, text->s, &partials, &e);
    if (!t)
        config_problem(c->problems, false, config_text_pos(text, e.line, e.column),
                       "agents.%s.trigger.%s: %s", c->agent->name.s.p, key, e.text);
    return t;
}

static const struct jsonpath *compile_path(struct compile *c, const struct config_text *text, const char *key)
{
    struct error e = ERROR_INIT;
    const struct jsonpath *path = input_path_compile(c->arena, text->s, &e);
    if (!path)
        config_problem(c->problems, false, text->pos, "agents.%s.trigger.%s: %s; expected a path such as .body.order.id",
                       c->agent->name.s.p, key, e.text);
    return path;
}

static void compile_source(struct compile *c, struct webhook_route *r)
{
    struct str name = r->hook->source.s.p ? r->hook->source.s : STR("generic");
    r->source = source_find(name);
    if (r->source)
        return;
    const char *near = source_suggest(name);
    config_problem(c->problems, false, r->hook->source.pos,
                   "agents.%s.trigger.source: there is no source '%s'%s%s%s", c->agent->name.s.p, name.p,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    r->source = source_find(STR("generic"));
}

static void compile_templates(struct compile *c, struct webhook_route *r)
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

static void compile_paths(struct compile *c, struct webhook_route *r)
{
    const struct config_webhook *h = r->hook;
    r->extract = ARENA_ARRAY(c->arena, struct input_extractor, h->n_extract + 1);
    for (size_t i = 0; i < h->n_extract; i++) {
        const struct jsonpath *path = compile_path(c, &h->extract[i].path, "webhook_input.extract_fields");
        if (path)
            r->extract[r->n_extract++] = (struct input_extractor){ path, h->extract[i].as.s };
    }
    r->callback_field = compile_path(c, &h->response.callback_field, "response.callback_field");
    struct str *hosts = ARENA_ARRAY(c->arena, struct str, h->response.allow_hosts.n + 1);
    for (size_t i = 0; i < h->response.allow_hosts.n; i++)
        hosts[i] = h->response.allow_hosts.items[i].s;
    r->allow_hosts = hosts;
}

static void compile_warnings(struct compile *c, const struct webhook_route *r)
{
    int64_t deadline = source_deadline(r->source);
    if (r->hook->response.mode == CONFIG_SYNC && deadline && deadline < r->hook->response.timeout)
        config_problem(c->problems, true, c->trigger->pos,
                       "agents.%s.trigger.response: %s waits %llds for an answer, response.timeout is %llds; "
                       "use mode: async",
                       c->agent->name.s.p, source_name(r->source), (long long)(deadline / US_PER_S),
                       (long long)(r->hook->response.timeout / US_PER_S));
}

void webhook_route_compile(struct webhook_route *r, struct arena *a, const struct config *config,
                           const struct config_agent *agent, const struct config_trigger *trigger,
                           struct config_problems *problems)
{
    struct compile c = { a, config, agent, trigger, problems };
    r->config = config;
    r->agent = agent;
    r->trigger = trigger;
    r->hook = &trigger->webhook;
    r->route = (struct http_route){ webhook_on_head, webhook_on_request, r };
    compile_source(&c, r);
    if (auth_compile(r->hook, problems, &r->auth) != 0)
        r->auth = NULL; /* the problem is told: this generation does not come to serve */
    compile_templates(&c, r);
    compile_paths(&c, r);
    compile_warnings(&c, r);
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
