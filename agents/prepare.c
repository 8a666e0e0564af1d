/* Agents of a configuration made ready to run; every problem with its position. */
#include "agents/prepare_inside.h"

#include "base/when.h"

#include <stdio.h>

struct prepared {
    struct arena *arena;
    const struct config *config;
    struct prepared_agent *agents;
};

/* ---- templates ---- */

void prepare_problem(struct preparing *p, bool warning, struct config_pos pos, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    config_problem(p->problems, warning, pos.line ? pos : p->agent->pos, "agents.%s.%s",
                   p->agent->name.s.p, text);
}

static struct str prepare_partial(void *ctx, struct str name)
{
    const struct preparing *p = ctx;
    for (size_t i = 0; i < p->config->templates.n; i++) {
        if (str_eq(p->config->templates.items[i].key, name))
            return p->config->templates.items[i].value.s;
    }
    return STR_NULL;
}

static bool prepare_next_partial(void *ctx, size_t *at, struct str *name)
{
    const struct preparing *p = ctx;
    if (*at >= p->config->templates.n)
        return false;
    *name = p->config->templates.items[(*at)++].key;
    return true;
}

static void prepare_free_template(void *t)
{
    template_free(t);
}

struct template *prepare_template(struct preparing *p, const struct config_text *text,
                                  const char *key)
{
    struct error e = ERROR_INIT;
    const struct template_partials partials = { prepare_partial, prepare_next_partial, p };
    if (!text->s.p)
        return NULL;
    struct template *t = template_compile(TEMPLATE_AUTO, text->s, &partials, &e);
    if (t)
        arena_on_free(p->arena, prepare_free_template, t);
    else
        prepare_problem(p, false, config_text_pos(text, e.line, e.column), "%s: %s", key, e.text);
    return t;
}

struct trust {
    struct preparing *p;
    const struct config_text *text;
    const char *key;
};

static void prepare_check_path(void *ctx, struct str path)
{
    static const char *const strange[] = { "body", "headers", "query", "fields", "path", "event" };
    const struct trust *trust = ctx;
    struct str rest = path, root;
    if (str_starts(rest, STR(".")))
        rest = str_sub(rest, 1, rest.n);
    if (!str_split(&rest, '.', &root))
        return;
    for (size_t i = 0; i < N_ELEMENTS(strange); i++) {
        if (str_eq_fold(root, str_of(strange[i])))
            prepare_problem(trust->p, false, trust->text->pos,
                            "%s: .%" STR_FMT " comes from outside and must not become part of the "
                            "instruction; put it into the trigger's input",
                            trust->key, STR_ARG(path));
    }
}

struct template *prepare_trusted(struct preparing *p, const struct config_text *text,
                                 const char *key)
{
    struct trust trust = { p, text, key };
    struct template *t = prepare_template(p, text, key);
    if (t)
        template_each_path(t, prepare_check_path, &trust);
    return t;
}

int prepare_render(struct arena *a, const struct template *t, const struct json *data,
                   const struct template_options *o, struct str *out, struct error *e)
{
    auto_buf text = BUF_INIT(o->max_output ? o->max_output : TEMPLATE_MAX_OUTPUT);
    if (!t) {
        *out = STR("");
        return 0;
    }
    if (template_render(t, data, o, &text, e) != 0)
        return -1;
    *out = arena_str(a, buf_view(&text));
    return 0;
}

struct json *prepare_data(struct arena *a, const struct run_request *r, const struct clock *clock)
{
    char now[WHEN_TEXT], scheduled[WHEN_TEXT];
    const struct task_row *t = r->task;
    struct json *data = json_object(a);
    json_put(a, data, STR("agent"), json_str(a, t->agent));
    json_put(a, data, STR("agent_name"), json_str(a, t->agent));
    json_put(a, data, STR("trigger"), json_str(a, t->trigger_name));
    json_put(a, data, STR("now"), json_str(a, str_of(when_format_us(clock_wall(clock), now))));
    json_put(a, data, STR("scheduled_at"),
             t->scheduled_at ? json_str(a, str_of(when_format_us(t->scheduled_at, scheduled)))
                             : json_null(a));
    json_put(a, data, STR("session_id"), json_str(a, t->session_id));
    return data;
}

/* ---- egress ---- */

struct http_egress prepare_egress(struct arena *a, const struct config_egress *own,
                                  const struct config_egress *all)
{
    const struct config_egress *from =
        own->proxy.s.n || own->ca_file.s.n || own->no_proxy.n ? own : all;
    struct str *hosts = ARENA_ARRAY(a, struct str, from->no_proxy.n + 1);
    for (size_t i = 0; i < from->no_proxy.n; i++)
        hosts[i] = from->no_proxy.items[i].s;
    return (struct http_egress){
        .proxy = from->proxy.s.n ? from->proxy.s.p : NULL,
        .no_proxy = hosts,
        .n_no_proxy = from->no_proxy.n,
        .ca_file = from->ca_file.s.n ? from->ca_file.s.p : NULL,
    };
}

/* ---- http ---- */

static void prepare_http(struct preparing *p)
{
    static const struct config_egress none;
    const struct config_agent *agent = p->agent;
    struct prepared_agent *out = p->out;
    struct error e = ERROR_INIT;
    struct str type = STR("application/json");
    out->egress = prepare_egress(p->arena, &none, &p->config->egress);
    out->url = prepare_template(p, &agent->http.url, "http.url");
    out->body = prepare_template(p, &agent->http.body, "http.body");
    out->headers = ARENA_ARRAY(p->arena, struct prepared_header, agent->http.headers.n + 1);
    for (size_t i = 0; i < agent->http.headers.n; i++) {
        const struct config_pair *pair = &agent->http.headers.items[i];
        if (!http_header_valid(pair->key, STR(""))) {
            prepare_problem(p, false, pair->key_pos, "http.headers: '%s' is not a header's name",
                            pair->key.p);
            continue;
        }
        if (str_eq_fold(pair->key, STR("content-type")))
            type = pair->value.s;
        out->headers[out->n_headers++] =
            (struct prepared_header){ pair->key,
                                      prepare_template(p, &pair->value, "http.headers") };
    }
    out->body_json = http_is_json(type);
    if (agent->http.result.s.n) {
        out->result = jsonpath_compile(p->arena, agent->http.result.s, &e);
        if (!out->result)
            prepare_problem(p, false,
                            config_text_pos(&agent->http.result, 1, e.column ? e.column : 1),
                            "http.result: %s; expected a path such as .answer", e.text);
    }
}

/* ---- command ---- */

static void prepare_command_output(struct preparing *p)
{
    static const char *const outputs[] = { "text", "json", "jsonl" };
    const struct config_text *output = &p->agent->output;
    for (size_t i = 0; i < N_ELEMENTS(outputs); i++) {
        if (!output->s.n || str_eq_c(output->s, outputs[i]))
            return;
    }
    prepare_problem(p, false, output->pos,
                    "output: %s is not available in this version; expected text, json or jsonl",
                    output->s.p);
}

static void prepare_command_limits(struct preparing *p)
{
    const struct config_limits *l = &p->agent->limits;
    const struct config_pos here = p->agent->pos;
    if (l->memory)
        prepare_problem(p, true, here, "limits.memory: is not enforced in this version");
    if (l->procs)
        prepare_problem(p, true, here, "limits.procs: is not enforced in this version");
    if (p->agent->sandbox)
        prepare_problem(p, false, here, "sandbox: is not available in this version; expected none");
}

static void prepare_command(struct preparing *p)
{
    const struct config_agent *agent = p->agent;
    prepare_command_output(p);
    prepare_command_limits(p);
    for (size_t i = 0; i < agent->pass_env.n; i++) {
        const struct config_text *name = &agent->pass_env.items[i];
        if (str_starts(name->s, STR("KERYX_")))
            prepare_problem(
                p, false, name->pos,
                "pass_env: keryx's own variables are not passed on; name what the agent "
                "needs in env: {NAME: \"${%s}\"}",
                name->s.p);
    }
    p->out->session_args = ARENA_ARRAY(p->arena, struct template *, agent->session_args.n + 1);
    for (size_t i = 0; i < agent->session_args.n; i++)
        p->out->session_args[i] =
            prepare_template(p, &agent->session_args.items[i], "session_args");
}

/* ---- the part ---- */

static void prepare_remote(struct preparing *p)
{
    prepare_problem(p, false, p->agent->pos, "type: remote is not available in this version");
}

static void prepare_echo(struct preparing *p)
{
    (void)p; /* needs nothing */
}

static void *prepare_all(const struct config *c, struct config_problems *problems)
{
    static void (*const kinds[])(struct preparing *) = {
        [CONFIG_LLM] = prepare_llm,   [CONFIG_COMMAND] = prepare_command,
        [CONFIG_HTTP] = prepare_http, [CONFIG_REMOTE] = prepare_remote,
        [CONFIG_ECHO] = prepare_echo,
    };
    struct arena *a = arena_new(0);
    struct prepared *all = ARENA_NEW(a, struct prepared);
    all->arena = a;
    all->config = c;
    all->agents = ARENA_ARRAY(a, struct prepared_agent, c->n_agents + 1);
    for (size_t i = 0; i < c->n_agents; i++) {
        struct preparing p = { a, c, &c->agents[i], &all->agents[i], problems };
        p.out->agent = p.agent;
        p.out->triggers = ARENA_ARRAY(a, struct prepared_trigger, p.agent->n_triggers + 1);
        kinds[p.agent->type](&p);
    }
    return all;
}

static void prepare_release(void *part)
{
    struct prepared *all = part;
    arena_free(all->arena);
}

const struct part_maker agents_part = { .prepare = prepare_all, .release = prepare_release };

const struct prepared_agent *prepare_find(const struct run_request *r)
{
    const struct prepared *all = r->generation->parts[PART_AGENTS];
    return &all->agents[r->agent - all->config->agents];
}

const struct prepared_trigger *prepare_find_trigger(const struct run_request *r)
{
    return r->trigger ? &prepare_find(r)->triggers[r->trigger - r->agent->triggers] : NULL;
}
