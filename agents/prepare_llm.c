/* Agents of type llm made ready: which models, what they are told, what they must answer. */
#include "agents/llm.h"
#include "agents/prepare_inside.h"
#include "config/value.h"
#include "config/yaml.h"

#define PREPARE_MAX_SKILL (256 * KIB)

/* ---- a model by the environment ---- */

/* In Hector's order, with its models (its own documentation of zero configuration). */
static const struct {
    enum config_provider provider;
    const char *variables[2];
    const char *model;
} prepare_known[] = {
    { CONFIG_ANTHROPIC, { "ANTHROPIC_API_KEY" }, "claude-haiku-4-5" },
    { CONFIG_OPENAI, { "OPENAI_API_KEY" }, "gpt-5" },
    { CONFIG_GEMINI, { "GEMINI_API_KEY", "GOOGLE_API_KEY" }, "gemini-2.5-pro" },
    { CONFIG_OLLAMA, { NULL }, "qwen3" }, /* the last resort: asks for no key */
};

static const struct config_llm *prepare_llm_known(struct preparing *p, size_t row, const char *key)
{
    struct config_llm *llm = ARENA_NEW(p->arena, struct config_llm);
    llm->name.s = STR("default");
    llm->provider = prepare_known[row].provider;
    llm->model.s = str_of(prepare_known[row].model);
    llm->api_key = (struct config_text){ .s = str_of(key), .secret = true };
    llm->max_tokens = 4096; /* the defaults of llms.* */
    llm->max_tool_output_length = 20000;
    llm->timeout = 120 * US_PER_S;
    llm->retry = (struct config_retry){
        .max_attempts = 3, .initial_delay = US_PER_S, .max_delay = 30 * US_PER_S, .jitter = 0.1
    };
    return llm;
}

/* The first provider that is set up and that this version speaks; else NULL and p->out->no_model. */
static const struct config_llm *prepare_llm_from_env(struct preparing *p)
{
    struct str unspoken = STR_NULL;
    for (size_t row = 0; row < N_ELEMENTS(prepare_known); row++) {
        const char *key = NULL, *variable = NULL, *why;
        for (size_t i = 0; i < 2 && !key && prepare_known[row].variables[i]; i++) {
            variable = prepare_known[row].variables[i];
            key = config_getenv(p->config, variable);
            key = key && *key ? key : NULL;
        }
        if (!key && variable)
            continue;
        const struct config_llm *llm = prepare_llm_known(p, row, key);
        if (llm_wire_of(llm, &why))
            return llm;
        if (variable && !unspoken.p)
            unspoken = arena_printf(p->arena, "%s is set, but %s; ", variable, why);
    }
    p->out->no_model = arena_printf(
        p->arena,
        "no model is configured: %" STR_FMT "set OPENAI_API_KEY, or describe a model under "
        "llms (provider: openai with base_url also speaks to local servers)",
        STR_ARG(unspoken));
    return NULL;
}

/* ---- the models of an agent ---- */

static void prepare_model(struct preparing *p, const struct config_llm *llm,
                          const struct config_pos pos)
{
    struct prepared_agent *out = p->out;
    const char *why;
    if (llm_wire_of(llm, &why)) {
        out->models[out->n_models++] =
            (struct prepared_model){ llm,
                                     prepare_egress(p->arena, &llm->egress, &p->config->egress) };
        return;
    }
    prepare_problem(p, true, pos, "llm: llms.%s cannot be used: %s", llm->name.s.p, why);
    if (!out->no_model.p)
        out->no_model =
            arena_printf(p->arena,
                         "llms.%s cannot be used: %s; use provider: openai (chat), also "
                         "for local servers by base_url",
                         llm->name.s.p, why);
}

static void prepare_models(struct preparing *p)
{
    const struct config *c = p->config;
    struct str name = p->agent->llm.s.n ? p->agent->llm.s : c->defaults.llm.s;
    if (!name.n)
        name = STR("default");
    const struct config_llm *first = config_find_llm(c, name);
    if (!first && c->n_llms == 0)
        first = prepare_llm_from_env(p);
    else if (!first)
        p->out->no_model = arena_printf(
            p->arena, "there is no model '%" STR_FMT "' under llms; set llm", STR_ARG(name));
    if (!first)
        return;
    p->out->models = ARENA_ARRAY(p->arena, struct prepared_model, first->fallback.n + 1);
    prepare_model(p, first, p->agent->llm.pos);
    for (size_t i = 0; i < first->fallback.n; i++) {
        const struct config_llm *next = config_find_llm(c, first->fallback.items[i].s);
        if (next)
            prepare_model(p, next, first->fallback.items[i].pos);
    }
}

/* ---- what it is told ---- */

static bool prepare_skill_name_ok(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return name.n >= 1 && name.n <= 64;
}

struct str prepare_skills(struct preparing *p, const struct config_texts *names, const char *key)
{
    auto_buf out = BUF_INIT(names->n * (PREPARE_MAX_SKILL + 128));
    for (size_t i = 0; i < names->n; i++) {
        const struct config_text *name = &names->items[i];
        struct error e = ERROR_INIT;
        struct str text;
        if (!prepare_skill_name_ok(name->s)) {
            prepare_problem(p, false, name->pos,
                            "%s: '%s' is not a skill's name; expected 1 to 64 "
                            "letters, digits, _ or -",
                            key, name->s.p);
            continue;
        }
        struct str path =
            arena_printf(p->arena, "%s/skills/%s.md",
                         p->config->directory.s.p ? p->config->directory.s.p : ".", name->s.p);
        if (config_value_file(p->arena, path.p, PREPARE_MAX_SKILL, &text, &e) != 0) {
            prepare_problem(p, false, name->pos, "%s: %s", key, e.text);
            continue;
        }
        buf_printf(&out, "%s# Skill: %s\n\n", out.n ? "\n\n" : "", name->s.p);
        buf_str(&out, str_trim(text));
    }
    return arena_str(p->arena, buf_view(&out));
}

static void prepare_triggers(struct preparing *p)
{
    for (size_t i = 0; i < p->agent->n_triggers; i++) {
        const struct config_trigger *t = &p->agent->triggers[i];
        if (t->type != CONFIG_WEBHOOK)
            continue;
        p->out->triggers[i].suffix =
            prepare_trusted(p, &t->webhook.system_prompt_suffix, "trigger.system_prompt_suffix");
        p->out->triggers[i].skills = prepare_skills(p, &t->webhook.skills, "trigger.skills");
    }
}

/* ---- what it must answer ---- */

static struct json *prepare_scalar(struct arena *a, const struct config_node *node)
{
    switch ((enum config_node_scalar)node->scalar) {
    case CONFIG_SCALAR_NULL:
        return json_null(a);
    case CONFIG_SCALAR_BOOL:
        return json_bool(a, str_eq_fold(node->text, STR("true")));
    case CONFIG_SCALAR_INT:
    case CONFIG_SCALAR_FLOAT:
        return json_number_valid(node->text) ? json_number(a, node->text) : json_str(a, node->text);
    case CONFIG_SCALAR_STRING:
        break;
    }
    return json_str(a, node->text);
}

/* The YAML tree as JSON. Depth is bounded by the loader. */
static struct json *prepare_json(struct arena *a, const struct config_node *node)
{
    if (node->kind == CONFIG_NODE_SCALAR)
        return prepare_scalar(a, node);
    struct json *v = node->kind == CONFIG_NODE_MAP ? json_object(a) : json_list(a);
    for (const struct config_entry *e = node->first; e; e = e->next) {
        if (node->kind == CONFIG_NODE_MAP)
            json_put(a, v, e->key, prepare_json(a, e->value));
        else
            json_add(a, v, prepare_json(a, e->value));
    }
    return v;
}

static void prepare_schema(struct preparing *p)
{
    const struct config_node *node = p->agent->structured_output;
    const struct config_node *schema = config_node_get(node, "schema");
    const struct config_node *strict = config_node_get(node, "strict");
    const struct config_node *name = config_node_get(node, "name");
    if (!schema)
        return;
    p->out->schema = prepare_json(p->arena, schema);
    p->out->schema_strict = !strict || !str_eq_fold(strict->text, STR("false"));
    p->out->schema_name = name && name->text.n ? name->text : STR("response");
}

void prepare_llm(struct preparing *p)
{
    const struct config_agent *agent = p->agent;
    prepare_models(p);
    p->out->instruction = prepare_trusted(p, &agent->instruction, "instruction");
    p->out->skills = prepare_skills(p, &agent->skills, "skills");
    prepare_triggers(p);
    prepare_schema(p);
    if (agent->tools.n)
        prepare_problem(
            p, true, agent->tools.items[0].pos,
            "tools: tools are not available in this version; the agent runs without them");
}
