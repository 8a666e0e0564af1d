/* Notifications of the file → receivers ready to use; every problem with its position. */
#include "notifiers/notify.h"

#include "http/guard.h"
#include "notifiers/sample.h"
#include "notifiers/send.h"

struct notify_compiler {
    struct arena *arena;
    const struct config *config;
    struct config_problems *problems;
    struct template_partials partials;
    struct notify *n;
};

/* Names of targets (40-delivery) that this version cannot send to. */
static const char *const notify_later[] = {
    "github_comment", "telegram", "discord",    "slack",         "signal", "sms",
    "whatsapp",       "matrix",   "mattermost", "homeassistant", "email",  "dingtalk",
    "feishu",         "wecom",    "weixin",     "bluebubbles",   "qqbot",  "gitlab_comment",
    "teams",          "ntfy",     "gotify",     "pagerduty",
};

/* Headers that keryx or HTTP itself sets. */
static const char *const notify_reserved[] = {
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Keep-Alive",
    "Upgrade",
    "TE",
    "Trailer",
    "X-Keryx-Event",
    "X-Keryx-Delivery-Id",
    "X-Keryx-Attempt",
};

static struct str notify_partial(void *ctx, struct str name)
{
    const struct config *c = ctx;
    for (size_t i = 0; i < c->templates.n; i++) {
        if (str_eq(c->templates.items[i].key, name))
            return c->templates.items[i].value.s;
    }
    return STR_NULL;
}

static bool notify_next_partial(void *ctx, size_t *at, struct str *name)
{
    const struct config *c = ctx;
    if (*at >= c->templates.n)
        return false;
    *name = c->templates.items[(*at)++].key;
    return true;
}

static void notify_free_template(void *t)
{
    template_free(t);
}

static struct template *notify_template(struct notify_compiler *c, enum template_dialect dialect,
                                        const struct config_text *text, const char *key)
{
    struct error e = ERROR_INIT;
    struct template *t = template_compile(dialect, text->s, &c->partials, &e);
    if (t)
        arena_on_free(c->arena, notify_free_template, t);
    else
        config_problem(c->problems, false, config_text_pos(text, e.line, e.column), "%s.%s: %s",
                       c->n->where, key, e.text);
    return t;
}

/* ---- kind ---- */

static bool notify_is_later(struct str word)
{
    for (size_t i = 0; i < N_ELEMENTS(notify_later); i++) {
        if (str_eq_c(word, notify_later[i]))
            return true;
    }
    return false;
}

static void notify_unknown_kind(struct notify_compiler *c, const struct config_text *type)
{
    const char *names[16];
    size_t n = 0;
    auto_buf known = BUF_INIT(1 * KIB);
    for (const struct sender_kind *const *k = notifiers_senders; *k && n < N_ELEMENTS(names); k++) {
        buf_printf(&known, "%s%s", n ? ", " : "", (*k)->word);
        names[n++] = (*k)->word;
    }
    const char *near = str_nearest(type->s, names, n);
    config_problem(c->problems, false, type->pos,
                   "%s.type: there is no target '%" STR_FMT "'%s%s%s; known are %" STR_FMT,
                   c->n->where, STR_ARG(type->s), near ? " (did you mean '" : "", near ? near : "",
                   near ? "'?)" : "", STR_ARG(buf_view(&known)));
}

/* `type` names a kind, a connection (whose type is the kind) or a target of the user's own. */
static bool notify_named(const struct notify_compiler *c, struct str *word)
{
    const struct config *config = c->config;
    for (size_t i = 0; i < config->n_connections; i++) {
        if (str_eq(config->connections[i].name.s, *word) && config->connections[i].type.s.n) {
            *word = config->connections[i].type.s;
            return true;
        }
    }
    for (size_t i = 0; i < config->n_targets; i++) {
        if (str_eq(config->targets[i].name.s, *word))
            return true;
    }
    return false;
}

static void notify_kind(struct notify_compiler *c)
{
    const struct config_text *type = &c->n->config->type;
    struct str word = type->s.n ? type->s : STR("webhook");
    bool named = notify_named(c, &word);
    for (const struct sender_kind *const *k = notifiers_senders; *k; k++) {
        if (str_eq_c(word, (*k)->word))
            c->n->kind = *k;
    }
    if (c->n->kind)
        return;
    if (named || notify_is_later(word))
        config_problem(c->problems, false, type->pos,
                       "%s.type: target '%" STR_FMT "' is not available in this version",
                       c->n->where, STR_ARG(word));
    else
        notify_unknown_kind(c, type);
}

/* ---- events ---- */

bool notify_subscribes(const struct notify *n, struct str event_type)
{
    for (size_t i = 0; i < n->config->events.n; i++) {
        if (str_glob(n->config->events.items[i].s, event_type))
            return true;
    }
    return false;
}

/* ---- where to ---- */

static void notify_url(struct notify_compiler *c)
{
    const struct config_text *url = &c->n->config->url;
    struct error e = ERROR_INIT;
    if (!url->s.n)
        return;
    struct template *t = notify_template(c, TEMPLATE_AUTO, url, "url");
    if (!t)
        return;
    if (template_is_dynamic(t))
        c->n->url = t;
    else if (guard_check_url(NULL, url->s, NULL, &e) != 0)
        config_problem(c->problems, false, url->pos, "%s.url: %s", c->n->where, e.text);
}

static bool notify_header_reserved(struct str name)
{
    for (size_t i = 0; i < N_ELEMENTS(notify_reserved); i++) {
        if (str_eq_fold(name, str_of(notify_reserved[i])))
            return true;
    }
    return false;
}

static void notify_header(struct notify_compiler *c, const struct config_pair *pair)
{
    struct notify *n = c->n;
    struct notify_header *h = &n->headers[n->n_headers];
    auto_buf key = BUF_INIT(1 * KIB);
    buf_printf(&key, "headers.%" STR_FMT, STR_ARG(pair->key));
    buf_char(&key, 0);
    if (notify_header_reserved(pair->key)) {
        config_problem(c->problems, false, pair->key_pos, "%s.%s: is set by keryx itself", n->where,
                       key.p);
        return;
    }
    if (!http_header_valid(pair->key, STR("")) ||
        !http_header_valid(pair->key, str_trim(pair->value.s))) {
        config_problem(c->problems, false, pair->key_pos,
                       "%s.%s: is no header; expected a name of letters, digits and -, and a value "
                       "of one line",
                       n->where, key.p);
        return;
    }
    h->name = pair->key;
    h->value = str_trim(pair->value.s);
    struct template *t = notify_template(c, TEMPLATE_AUTO, &pair->value, key.p);
    if (t && template_is_dynamic(t))
        h->template = t;
    h->secret = pair->value.secret && !h->template;
    n->n_headers++;
}

static void notify_headers(struct notify_compiler *c)
{
    const struct config_pairs *headers = &c->n->config->headers;
    c->n->headers = ARENA_ARRAY(c->arena, struct notify_header, headers->n + 1);
    for (size_t i = 0; i < headers->n; i++)
        notify_header(c, &headers->items[i]);
}

void notify_secret_headers(const struct notify *n, struct arena *a, struct http_headers *out)
{
    for (size_t i = 0; i < n->n_headers; i++) {
        if (n->headers[i].secret)
            sign_set_header(a, out, n->headers[i].name, n->headers[i].value);
    }
}

static struct http_egress notify_egress(struct arena *a, const struct config_egress *own,
                                        const struct config_egress *general)
{
    const struct config_text *proxy = own->proxy.s.p ? &own->proxy : &general->proxy;
    const struct config_text *ca = own->ca_file.s.p ? &own->ca_file : &general->ca_file;
    const struct config_texts *direct = own->no_proxy.n ? &own->no_proxy : &general->no_proxy;
    struct str *hosts = ARENA_ARRAY(a, struct str, direct->n + 1);
    for (size_t i = 0; i < direct->n; i++)
        hosts[i] = direct->items[i].s;
    return (struct http_egress){
        .proxy = proxy->s.p, .no_proxy = hosts, .n_no_proxy = direct->n, .ca_file = ca->s.p
    };
}

/* ---- what to say ---- */

/* config has checked the words of format and engine, and that not both template and transform are
   there. */
static void notify_body(struct notify_compiler *c)
{
    const struct config_notification *config = c->n->config;
    struct body *b = &c->n->body;
    enum template_dialect dialect = TEMPLATE_AUTO;
    b->format = payload_format_find(config->format.s);
    assert(b->format);
    b->escape_html = config->escape_html;
    b->content_type = str_of(b->format->content_type);
    if (config->payload_content_type.pos.line && config->payload_content_type.s.n)
        b->content_type = config->payload_content_type.s;
    if (config->payload_engine.s.n) {
        int unknown = template_dialect_parse(config->payload_engine.s, &dialect);
        assert(!unknown);
    }
    if (config->payload_template.s.p)
        b->template = notify_template(c, dialect, &config->payload_template, "payload.template");
    if (config->transform) {
        struct transform_options o = { c->arena, dialect, &c->partials, c->problems, c->n->where };
        b->transform = transform_compile(config->transform, &o);
    }
}

static void notify_try(struct notify_compiler *c, const char *type, struct error *e)
{
    struct arena *scratch = arena_new(0);
    struct engine_event event;
    struct str text;
    sample_event(scratch, type, c->n->agent, &event);
    struct payload_source source = { &event, c->config, payload_agent(scratch, &event),
                                     STR("sample"), &c->n->config->event_names };
    const struct json *data = payload_data(scratch, &source);
    if (body_render(&c->n->body, &source, data, scratch, &text, e) == 0)
        e->code = ERROR_NONE;
    arena_free(scratch);
}

/* Every event that it subscribes to is tried, so that what can be known at load is told at load. */
static void notify_samples(struct notify_compiler *c)
{
    const struct config_text *from = &c->n->config->payload_template;
    if (!c->n->body.template || body_escape(c->n->body.content_type) != TEMPLATE_ESCAPE_JSON)
        return;
    for (size_t i = 0; sample_type(i); i++) {
        struct error e = ERROR_INIT;
        if (!notify_subscribes(c->n, str_of(sample_type(i))))
            continue;
        notify_try(c, sample_type(i), &e);
        if (e.code == ERROR_NONE)
            continue;
        config_problem(c->problems, false,
                       e.line ? config_text_pos(from, e.line, e.column) : from->pos,
                       "%s.%s (tried with a sample %s)", c->n->where, e.text, sample_type(i));
        return;
    }
}

/* ---- all of it ---- */

static void notify_one(struct notify_compiler *c)
{
    struct notify *n = c->n;
    const struct config_notification *config = n->config;
    notify_kind(c);
    notify_url(c);
    notify_headers(c);
    notify_body(c);
    notify_samples(c);
    if (config->when.s.p)
        n->when = notify_template(c, TEMPLATE_AUTO, &config->when, "when");
    n->sign = sign_compile(c->arena, &config->auth, n->body.format->signature_header, c->problems,
                           n->where);
    n->egress = notify_egress(c->arena, &config->egress, &c->config->egress);
    if (config->rate_limit.rate.per_minute > 0)
        config_problem(c->problems, true, config->rate_limit.pos,
                       "%s.rate_limit: is not applied in this version; max_concurrent is",
                       n->where);
}

static size_t notify_list(struct notify_compiler *c, struct notify_part *p,
                          const struct config_agent *agent, const struct config_notification *list,
                          size_t count)
{
    struct arena *a = c->arena;
    size_t before = p->n;
    for (size_t i = 0; i < count; i++) {
        if (!list[i].enabled)
            continue;
        struct notify *n = &p->all[p->n++];
        struct str id = list[i].id.s;
        n->config = &list[i];
        n->agent = agent;
        n->where = agent ? arena_printf(a, "agents.%s.notifications[%zu]", agent->name.s.p, i).p
                         : arena_printf(a, "notifications[%zu]", i).p;
        n->receiver = agent ? arena_printf(a, "%s/%" STR_FMT, agent->name.s.p, STR_ARG(id)) : id;
        c->n = n;
        notify_one(c);
        map_put(p->receivers, n->receiver, n);
    }
    if (agent && p->n > before)
        map_put(p->agents, agent->name.s, &p->all[before]);
    return p->n - before;
}

struct notify_part *notify_compile(const struct config *config, struct config_problems *problems)
{
    struct arena *a = arena_new(0);
    struct notify_part *p = ARENA_NEW(a, struct notify_part);
    union {
        const struct config *config;
        void *ctx;
    } partials_of = { .config = config }; /* notify_partial only reads it */
    struct notify_compiler c = { .arena = a,
                                 .config = config,
                                 .problems = problems,
                                 .partials = { notify_partial, notify_next_partial,
                                               partials_of.ctx } };
    size_t most = config->n_notifications;
    for (size_t i = 0; i < config->n_agents; i++)
        most += config->agents[i].n_notifications;
    p->arena = a;
    p->receivers = map_new(false);
    p->agents = map_new(false);
    p->all = ARENA_ARRAY(a, struct notify, most + 1);
    p->egress = notify_egress(a, &config->egress, &config->egress);
    for (size_t i = 0; i < config->n_agents; i++) {
        const struct config_agent *agent = &config->agents[i];
        notify_list(&c, p, agent, agent->notifications, agent->n_notifications);
    }
    p->n_global = notify_list(&c, p, NULL, config->notifications, config->n_notifications);
    return p;
}

void notify_free(struct notify_part *p)
{
    if (!p)
        return;
    map_free(p->receivers);
    map_free(p->agents);
    arena_free(p->arena);
}

const struct notify *notify_find(const struct notify_part *part, struct str receiver)
{
    return part ? map_get(part->receivers, receiver) : NULL;
}
