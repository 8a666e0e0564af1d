/* A file → a checked struct config: read, parse, fill by the tables, what the tables cannot say
   (names and paths made from other names, templates/ beside the file), cross-checks. */
#include "config/check.h"
#include "config/rows.h"
#include "config/value.h"

#include "base/log.h"
#include "base/map.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define MAX_TEMPLATE_FILES 1000
#define MAX_TEMPLATE       (256 * KIB)

static void free_config(void *config)
{
    struct config *c = config;
    env_free(c->env);
    map_free(c->agent_index);
}

static struct config *new_config(const char *label, const char *directory)
{
    struct arena *arena = arena_new(64 * KIB);
    struct config *c = ARENA_NEW(arena, struct config);
    c->refs = 1;
    c->arena = arena;
    c->env = env_new();
    c->agent_index = map_new(false);
    arena_on_free(arena, free_config, c);
    c->file.s = arena_str(arena, str_of(label));
    if (directory)
        c->directory.s = arena_str(arena, str_of(directory));
    return c;
}

static void name_triggers(struct config_reader *r, struct config_agent *a)
{
    for (size_t i = 0; i < a->n_triggers; i++) {
        struct config_trigger *t = &a->triggers[i];
        if (!t->name.s.p && i == 0)
            t->name.s = a->name.s;
        else if (!t->name.s.p)
            t->name.s = arena_printf(r->arena, "%.*s-%zu", STR_ARG(a->name.s), i + 1);
        if (t->type == CONFIG_WEBHOOK && !t->webhook.path.s.p)
            t->webhook.path.s = arena_printf(r->arena, "/webhooks/%.*s", STR_ARG(a->name.s));
    }
}

/* `default` is there without being written, so that a prompt can be run by an empty file. */
static void add_default_agent(struct config_reader *r, struct config *c)
{
    for (size_t i = 0; i < c->n_agents; i++)
        if (str_eq(c->agents[i].name.s, STR("default")))
            return;
    struct config_agent *agents = ARENA_ARRAY(r->arena, struct config_agent, c->n_agents + 1);
    if (c->n_agents)
        memcpy(agents, c->agents, c->n_agents * sizeof(*agents));
    struct config_agent *a = &agents[c->n_agents];
    struct config_node nothing = { .kind = CONFIG_NODE_MAP };
    struct config_path path = { .key = STR("default") };
    a->name.s = STR("default");
    config_field_read(r, &path, &config_rows_agent, &nothing, a);
    c->agents = agents;
    c->n_agents++;
}

static void finish_agents(struct config_reader *r, struct config *c)
{
    add_default_agent(r, c);
    for (size_t i = 0; i < c->n_agents; i++) {
        struct config_agent *a = &c->agents[i];
        map_put(c->agent_index, a->name.s, a);
        if (a->type == CONFIG_LLM && !a->llm.s.p) {
            a->llm = c->defaults.llm;
            a->llm.pos = (struct config_pos){ 0 };
        }
        if (!a->limits.timeout)
            a->limits.timeout = c->defaults.timeout;
        name_triggers(r, a);
    }
}

static void finish_logging(struct config_reader *r, struct config *c,
                           const struct config_node *root)
{
    const struct config_text *format = &c->logging.hector_format;
    if (format->s.p && !config_node_get(config_node_get(root, "logging"), "format"))
        c->logging.format = str_eq(format->s, STR("json")) ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    if (!c->logging.hector_file.s.p)
        return;
    size_t n = c->logging.n_destinations;
    struct config_log_destination *all =
        ARENA_ARRAY(r->arena, struct config_log_destination, n + 1);
    if (n)
        memcpy(all, c->logging.destinations, n * sizeof(*all));
    all[n].type.s = STR("file");
    all[n].path = c->logging.hector_file;
    c->logging.destinations = all;
    c->logging.n_destinations = n + 1;
    c->logging.stream = true;
}

static bool has_template(const struct config_pairs *templates, struct str name)
{
    for (size_t i = 0; i < templates->n; i++)
        if (str_eq(templates->items[i].key, name))
            return true;
    return false;
}

/* templates/header.txt is the template `header`; one in the file itself wins. */
static void read_template_file(struct config_reader *r, struct config_pairs *templates,
                               const char *file)
{
    struct str name = str_of(file), text;
    ptrdiff_t dot = str_rchr(name, '.');
    struct error error = ERROR_INIT;
    if (dot == 0)
        return;
    if (dot > 0)
        name = str_sub(name, 0, (size_t)dot);
    if (has_template(templates, name))
        return;
    struct str path = arena_printf(r->arena, "%s/templates/%s", r->directory, file);
    if (config_value_file(r->arena, path.p, MAX_TEMPLATE, &text, &error)) {
        if (error.code != ERROR_INVALID) /* a directory is nothing to complain about */
            config_problem(r->problems, false, (struct config_pos){ 0 }, "templates: %s",
                           error.text);
        return;
    }
    templates->items[templates->n++] =
        (struct config_pair){ .key = arena_str(r->arena, name), .value = { .s = text } };
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_template_files(struct config_reader *r, struct config *c)
{
    if (!r->directory)
        return;
    DIR *dir = opendir(arena_printf(r->arena, "%s/templates", r->directory).p);
    if (!dir)
        return;
    char **names = arena_alloc(r->arena, MAX_TEMPLATE_FILES * sizeof(*names));
    size_t n = 0;
    const struct dirent *entry;
    while (n < MAX_TEMPLATE_FILES && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            names[n++] = arena_cstr(r->arena, str_of(entry->d_name));
    closedir(dir);
    if (n == MAX_TEMPLATE_FILES)
        config_problem(r->problems, true, (struct config_pos){ 0 },
                       "templates: more than %d files; the others are not read",
                       MAX_TEMPLATE_FILES);
    qsort(names, n, sizeof(*names), compare_names);
    struct config_pair *items = ARENA_ARRAY(r->arena, struct config_pair, c->templates.n + n + 1);
    if (c->templates.n)
        memcpy(items, c->templates.items, c->templates.n * sizeof(*items));
    c->templates.items = items;
    for (size_t i = 0; i < n; i++)
        read_template_file(r, &c->templates, names[i]);
}

struct config *config_read_text(struct str text, const char *label, const char *directory,
                                struct config_problems *problems)
{
    struct config *c = new_config(label, directory);
    struct config_node *root = config_node_parse(c->arena, text, problems);
    if (!root) {
        config_unref(c);
        config_problems_sort(problems);
        return NULL;
    }
    struct config_reader r = { .arena = c->arena,
                               .problems = problems,
                               .env = c->env,
                               .directory = c->directory.s.p,
                               .config = c };
    if (directory)
        env_read_file(c->env, arena_printf(c->arena, "%s/.env", directory).p, problems);
    config_field_read(&r, NULL, &config_rows_root, root, c);
    read_template_files(&r, c);
    finish_agents(&r, c);
    finish_logging(&r, c, root);
    config_check(c, problems);
    config_problems_sort(problems);
    return c;
}

struct config *config_read(const char *path, struct config_problems *problems)
{
    char real[PATH_MAX];
    struct config_pos nowhere = { 0 };
    if (!realpath(path, real)) {
        config_problem(problems, false, nowhere, "cannot be read: %s; expected a configuration%s",
                       strerror(errno),
                       errno == ENOENT ? " (keryx init writes one that runs)" : "");
        return NULL;
    }
    struct arena *arena = arena_new(0);
    struct error error = ERROR_INIT;
    struct str text;
    struct config *c = NULL;
    if (config_value_file(arena, real, CONFIG_MAX_FILE, &text, &error)) {
        config_problem(problems, false, nowhere, "%s; expected a readable file", error.text);
    } else {
        const char *slash = strrchr(real, '/');
        struct str directory = str_n(real, slash == real ? 1 : (size_t)(slash - real));
        c = config_read_text(text, real, arena_cstr(arena, directory), problems);
    }
    arena_free(arena);
    return c;
}

static struct config *only_good(struct config *c, const struct config_problems *problems)
{
    if (!c || !problems->n_errors)
        return c;
    config_unref(c);
    return NULL;
}

struct config *config_load(const char *path, struct config_problems *problems)
{
    return only_good(config_read(path, problems), problems);
}

struct config *config_load_text(struct str text, const char *label, const char *directory,
                                struct config_problems *problems)
{
    return only_good(config_read_text(text, label, directory, problems), problems);
}

struct config *config_ref(struct config *c)
{
    c->refs++;
    return c;
}

void config_unref(struct config *c)
{
    if (c && --c->refs == 0)
        arena_free(c->arena);
}

const struct config_agent *config_find_agent(const struct config *c, struct str name)
{
    return map_get(c->agent_index, name);
}

const struct config_llm *config_find_llm(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->n_llms; i++)
        if (str_eq(c->llms[i].name.s, name))
            return &c->llms[i];
    return NULL;
}

const char *config_getenv(const struct config *c, const char *name)
{
    return env_get(c->env, str_of(name));
}

int config_kind_read(struct config *config, const struct config_section *section,
                     const struct config_node *node, const char *path, void *out,
                     struct config_problems *problems)
{
    struct config_reader r = { .arena = config->arena,
                               .problems = problems,
                               .env = config->env,
                               .directory = config->directory.s.p,
                               .config = config };
    struct config_path at = { .key = str_of(path), .pos = node->pos };
    size_t errors = problems->n_errors;
    memset(out, 0, section->size);
    config_field_read(&r, &at, section, node, out);
    return problems->n_errors == errors ? 0 : -1;
}
