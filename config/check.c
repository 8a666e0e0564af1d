/* Names that refer to each other: llms, agents, tools, targets; names and routes that must be unique.
   The listeners and everything about proof of senders are in check_access.c. */
#include "config/check.h"

#include "base/map.h"
#include "config/rows.h"

struct checker {
    const struct config *c;
    struct config_problems *problems;
    struct arena *scratch;
    const char **llm_names, **tool_names; /* made when first needed */
};

static struct config_pos place(struct config_pos own, struct config_pos otherwise)
{
    return own.line ? own : otherwise;
}

struct unknown {
    struct config_pos pos;
    const char *path;
    struct str name;
    const char *what;   /* "llm; expected a name of llms" */
    const char **names; /* that it could have been */
    size_t n;
};

static void unknown_name(struct checker *k, const struct unknown *u)
{
    const char *near = "";
    if (k->problems->n < 1000) /* nobody reads more guesses than that */
        near = config_field_suggest(k->scratch, u->name, u->names, u->n);
    config_problem(k->problems, false, u->pos, "%s: '%.*s' is no %s%s", u->path,
                   STR_ARG(str_sub(u->name, 0, 100)), u->what, near);
}

static const char **llm_names(struct checker *k)
{
    if (k->llm_names)
        return k->llm_names;
    k->llm_names = arena_alloc(k->scratch, (k->c->n_llms + 1) * sizeof(*k->llm_names));
    for (size_t i = 0; i < k->c->n_llms; i++)
        k->llm_names[i] = k->c->llms[i].name.s.p;
    return k->llm_names;
}

static const char **tool_names(struct checker *k)
{
    if (k->tool_names)
        return k->tool_names;
    k->tool_names = arena_alloc(k->scratch, (k->c->n_tools + 1) * sizeof(*k->tool_names));
    for (size_t i = 0; i < k->c->n_tools; i++)
        k->tool_names[i] = k->c->tools[i].name.s.p;
    return k->tool_names;
}

/* Without `llms:` the llm `default` is made from the environment. */
static bool llm_known(const struct checker *k, struct str name)
{
    return config_find_llm(k->c, name) || (!k->c->n_llms && str_eq(name, STR("default")));
}

static void unknown_llm(struct checker *k, struct config_pos pos, const char *path, struct str name)
{
    unknown_name(k, &(struct unknown){ pos, path, name, "llm; expected a name of llms",
                                       llm_names(k), k->c->n_llms });
}

static void check_llms(struct checker *k)
{
    for (size_t i = 0; i < k->c->n_llms; i++) {
        const struct config_llm *llm = &k->c->llms[i];
        for (size_t j = 0; j < llm->fallback.n; j++) {
            const struct config_text *name = &llm->fallback.items[j];
            const char *path =
                arena_printf(k->scratch, "llms.%s.fallback[%zu]", llm->name.s.p, j).p;
            if (str_eq(name->s, llm->name.s))
                config_problem(k->problems, false, name->pos,
                               "%s: it is itself; expected another llm", path);
            else if (!config_find_llm(k->c, name->s))
                unknown_llm(k, name->pos, path, name->s);
        }
    }
}

static void check_defaults(struct checker *k)
{
    const struct config_text *llm = &k->c->defaults.llm, *agent = &k->c->defaults.agent;
    if (llm->pos.line && !llm_known(k, llm->s))
        unknown_llm(k, llm->pos, "defaults.llm", llm->s);
    if (!agent->pos.line || config_find_agent(k->c, agent->s))
        return;
    const char **names = arena_alloc(k->scratch, (k->c->n_agents + 1) * sizeof(*names));
    for (size_t i = 0; i < k->c->n_agents; i++)
        names[i] = k->c->agents[i].name.s.p;
    unknown_name(k, &(struct unknown){ agent->pos, "defaults.agent", agent->s,
                                       "agent; expected a name of agents", names, k->c->n_agents });
}

static bool only_delivers(const struct config_agent *a)
{
    for (size_t i = 0; i < a->n_triggers; i++)
        if (a->triggers[i].type != CONFIG_WEBHOOK || !a->triggers[i].webhook.deliver_only)
            return false;
    return a->n_triggers > 0;
}

static void check_agent_llm(struct checker *k, const struct config_agent *a)
{
    if (a->type != CONFIG_LLM || !a->pos.line || llm_known(k, a->llm.s))
        return;
    const char *path = arena_printf(k->scratch, "agents.%s.llm", a->name.s.p).p;
    if (a->llm.pos.line)
        unknown_llm(k, a->llm.pos, path, a->llm.s);
    else if (!k->c->defaults.llm.pos.line && !only_delivers(a))
        config_problem(k->problems, false, a->pos,
                       "%s: missing, and there is no llm 'default'; expected a name of llms", path);
}

/* A tool's name, SERVER.TOOL, mcp__SERVER__TOOL, a pattern; with an MCP server any bare name may be one
   of its tools, which is only known when it runs. */
static bool tool_known(const struct checker *k, struct str name)
{
    ptrdiff_t dot = str_chr(name, '.');
    struct str server = dot > 0 ? str_sub(name, 0, (size_t)dot) : STR_NULL;
    bool pattern = str_chr(name, '*') >= 0;
    for (size_t i = 0; i < k->c->n_tools; i++) {
        const struct config_tool *tool = &k->c->tools[i];
        bool mcp = str_eq(tool->type.s, STR("mcp"));
        if (str_eq(tool->name.s, name) || (mcp && server.p && str_eq(tool->name.s, server)))
            return true;
        if (pattern && str_glob(name, tool->name.s))
            return true;
        if (mcp && !server.p)
            return true;
    }
    return false;
}

static void check_agent_tools(struct checker *k, const struct config_agent *a)
{
    for (size_t i = 0; i < a->tools.n; i++) {
        const struct config_text *name = &a->tools.items[i];
        if (tool_known(k, name->s))
            continue;
        unknown_name(k, &(struct unknown){
                            name->pos,
                            arena_printf(k->scratch, "agents.%s.tools[%zu]", a->name.s.p, i).p,
                            name->s, "tool; expected a name of tools, or SERVER.TOOL of an mcp one",
                            tool_names(k), k->c->n_tools });
    }
}

static void check_tools(struct checker *k)
{
    for (size_t i = 0; i < k->c->n_tools; i++) {
        const struct config_tool *tool = &k->c->tools[i];
        if (!str_eq(tool->type.s, STR("run_agent")) || !tool->kind)
            continue;
        const struct config_tool_plain *plain = tool->kind;
        for (size_t j = 0; j < plain->agents.n; j++)
            if (!config_find_agent(k->c, plain->agents.items[j].s))
                unknown_name(
                    k, &(struct unknown){
                           plain->agents.items[j].pos,
                           arena_printf(k->scratch, "tools.%s.agents[%zu]", tool->name.s.p, j).p,
                           plain->agents.items[j].s, "agent; expected a name of agents", NULL, 0 });
    }
}

/* Kinds are known when the room that sends has handed them in. */
static void check_target(struct checker *k, const char *path, const struct config_text *name)
{
    if (!config_kinds_at(0) || config_kinds_find(name->s))
        return;
    const struct config *c = k->c;
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < c->n_connections; i++) {
        if (str_eq(c->connections[i].name.s, name->s))
            return;
        if (n < N_ELEMENTS(names))
            names[n++] = c->connections[i].name.s.p;
    }
    for (size_t i = 0; i < c->n_targets; i++) {
        if (str_eq(c->targets[i].name.s, name->s))
            return;
        if (n < N_ELEMENTS(names))
            names[n++] = c->targets[i].name.s.p;
    }
    const struct config_kind *kind;
    for (size_t i = 0; n < N_ELEMENTS(names) && (kind = config_kinds_at(i)) != NULL; i++)
        names[n++] = kind->name;
    unknown_name(
        k, &(struct unknown){ name->pos, path, name->s,
                              "target; expected a name of connections or targets, or a service",
                              names, n });
}

static void check_notifications(struct checker *k, const struct config_notification *list, size_t n)
{
    struct map *ids = map_new(false);
    for (size_t i = 0; i < n; i++) {
        const struct config_notification *item = &list[i];
        if (item->id.s.p && map_put(ids, item->id.s, k))
            config_problem(k->problems, false, item->id.pos,
                           "%s.id: another notification of this list is '%s' too; expected another "
                           "name",
                           item->where, item->id.s.p);
        if (!str_eq(item->type.s, STR("webhook")))
            check_target(k, arena_printf(k->scratch, "%s.type", item->where).p, &item->type);
    }
    map_free(ids);
}

struct check_route {
    const struct config_agent *agent;
    const struct config_trigger *trigger;
};

static void check_route(struct checker *k, struct map *routes, const struct config_agent *a,
                        size_t i)
{
    const struct config_trigger *t = &a->triggers[i];
    if (t->type != CONFIG_WEBHOOK || !t->webhook.path.s.p)
        return;
    for (size_t m = 0; m < t->webhook.methods.n; m++) {
        struct check_route *route = ARENA_NEW(k->scratch, struct check_route);
        *route = (struct check_route){ a, t };
        struct str key =
            arena_printf(k->scratch, "%s %s", t->webhook.methods.items[m].s.p, t->webhook.path.s.p);
        const struct check_route *before = map_get(routes, key);
        if (!before)
            map_put(routes, key, route);
        else if (before->trigger != t)
            config_problem(k->problems, false, place(t->webhook.path.pos, t->pos),
                           "%s.path: %s is taken by a trigger of agent '%s' at "
                           "%u:%u; expected another path or method",
                           t->where, key.p, before->agent->name.s.p, before->trigger->pos.line,
                           before->trigger->pos.column);
    }
}

static void check_trigger_name(struct checker *k, struct map *names, const struct config_agent *a,
                               size_t i)
{
    const struct config_trigger *t = &a->triggers[i];
    struct config_pos at = place(t->name.pos, t->pos);
    const struct config_trigger *before = map_get(names, t->name.s);
    if (before)
        config_problem(k->problems, false, at,
                       "%s.name: '%s' is the name of the trigger at %u:%u too; "
                       "expected a name of its own",
                       t->where, t->name.s.p, before->pos.line, before->pos.column);
    else
        map_put(names, t->name.s, &a->triggers[i]);
}

static void check_triggers(struct checker *k)
{
    struct map *routes = map_new(false), *names = map_new(false);
    for (size_t i = 0; i < k->c->n_agents; i++) {
        const struct config_agent *a = &k->c->agents[i];
        for (size_t j = 0; j < a->n_triggers; j++) {
            const struct config_texts *deliver = &a->triggers[j].webhook.deliver;
            check_trigger_name(k, names, a, j);
            check_route(k, routes, a, j);
            for (size_t d = 0; d < deliver->n; d++)
                check_target(k, arena_printf(k->scratch, "%s.deliver", a->triggers[j].where).p,
                             &deliver->items[d]);
        }
    }
    map_free(routes);
    map_free(names);
}

void config_check(const struct config *c, struct config_problems *problems)
{
    struct checker k = { .c = c, .problems = problems, .scratch = arena_new(0) };
    check_defaults(&k);
    check_llms(&k);
    check_tools(&k);
    check_notifications(&k, c->notifications, c->n_notifications);
    for (size_t i = 0; i < c->n_agents; i++) {
        const struct config_agent *a = &c->agents[i];
        check_agent_llm(&k, a);
        check_agent_tools(&k, a);
        check_notifications(&k, a->notifications, a->n_notifications);
    }
    check_triggers(&k);
    config_check_access(c, problems);
    arena_free(k.scratch);
}
