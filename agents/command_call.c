/* What a program is given and what is made of what it prints. */
#include "agents/command.h"

#include "agents/output.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>

#define COMMAND_PATH    "/usr/local/bin:/usr/bin:/bin"
#define COMMAND_MAX_ARG (128 * KIB - 1) /* MAX_ARG_STRLEN of Linux, with its NUL */

/* ---- environment ---- */

static const char *command_home(struct arena *a)
{
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) != 0 || !found)
        return "/";
    return arena_cstr(a, str_of(found->pw_dir));
}

static void command_env_put(struct arena *a, struct map *m, const char *name, struct str value)
{
    if (str_chr(value, 0) >= 0)
        value = str_sub(value, 0, (size_t)str_chr(value, 0));
    struct str text = arena_printf(a, "%s=%" STR_FMT, name, STR_ARG(value));
    union {
        const char *in;
        void *out;
    } p = { text.p }; /* the map's values are read only here */
    map_put(m, str_of(name), p.out);
}

static void command_env_ours(struct arena *a, const struct config *c, struct map *m)
{
    const struct {
        const char *name, *otherwise;
    } rows[] = { { "PATH", COMMAND_PATH },
                 { "HOME", command_home(a) },
                 { "LANG", "C.UTF-8" },
                 { "TZ", NULL },
                 { "TMPDIR", "/tmp" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        const char *value = config_getenv(c, rows[i].name);
        value = value && *value ? value : rows[i].otherwise;
        if (value)
            command_env_put(a, m, rows[i].name, str_of(value));
    }
}

static void command_env_task(struct arena *a, const struct task_row *t, struct map *m)
{
    char attempt[16];
    snprintf(attempt, sizeof(attempt), "%u", t->attempt);
    command_env_put(a, m, "KERYX_TASK_ID", t->id);
    command_env_put(a, m, "KERYX_AGENT", t->agent);
    command_env_put(a, m, "KERYX_TRIGGER", t->trigger_name);
    command_env_put(a, m, "KERYX_ATTEMPT", str_of(attempt));
    command_env_put(a, m, "KERYX_SESSION_ID", t->session_id);
    command_env_put(a, m, "KERYX_RECEIPT_ID", t->receipt_id);
}

const char *const *command_env(struct arena *a, const struct run_request *r)
{
    const struct config *c = r->generation->config;
    struct map *m = map_new(false);
    command_env_ours(a, c, m);
    for (size_t i = 0; i < r->agent->pass_env.n; i++) {
        const char *name = r->agent->pass_env.items[i].s.p, *value = config_getenv(c, name);
        if (value)
            command_env_put(a, m, name, str_of(value));
    }
    for (size_t i = 0; i < r->agent->env.n; i++)
        command_env_put(a, m, r->agent->env.items[i].key.p, r->agent->env.items[i].value.s);
    command_env_task(a, r->task, m);
    const char **env = ARENA_ARRAY(a, const char *, map_count(m) + 1);
    size_t n = 0;
    const struct map_entry *entry;
    for (size_t at = 0; (entry = map_next(m, &at)) != NULL;)
        env[n++] = entry->value;
    map_free(m);
    return env;
}

const char *command_env_get(const char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    }
    return NULL;
}

/* ---- arguments ---- */

struct calling {
    struct arena *arena;
    const struct run_request *request;
    const char **argv;
    size_t n;
    const char **kind;
    struct error *error;
};

/* An argument that strangers may have chosen is never one that looks like an option. */
static int command_add_input(struct calling *c, struct str input)
{
    *c->kind = "input";
    if (str_starts(input, STR("-")))
        return error_set(
            c->error, ERROR_DENIED,
            "the input starts with '-' and would be taken for an option; use input_via: stdin");
    if (str_chr(input, 0) >= 0)
        return error_set(
            c->error, ERROR_INVALID,
            "the input holds a NUL byte, which an argument cannot; use input_via: stdin");
    if (input.n > COMMAND_MAX_ARG)
        return error_set(
            c->error, ERROR_LIMIT,
            "the input has %zu bytes and an argument at most %zu; use input_via: stdin", input.n,
            COMMAND_MAX_ARG);
    c->argv[c->n++] = arena_cstr(c->arena, input);
    return 0;
}

static int command_write_all(int fd, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        text = str_sub(text, (size_t)n, text.n);
    }
    return 0;
}

static int command_add_file(struct calling *c, const char *const *env, char **file)
{
    const char *directory = command_env_get(env, "TMPDIR");
    struct str pattern =
        arena_printf(c->arena, "%s/keryx-input-XXXXXX", directory ? directory : "/tmp");
    char *path = arena_cstr(c->arena, pattern);
    *c->kind = "spawn";
    auto_close int fd = mkostemp(path, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return error_sys(c->error, errno, "cannot make a file for the input in %s",
                         directory ? directory : "/tmp");
    if (command_write_all(fd, c->request->task->input) != 0) {
        int why = errno;
        unlink(path);
        return error_sys(c->error, why, "cannot write the input to %s", path);
    }
    *file = path;
    c->argv[c->n++] = path;
    return 0;
}

static int command_add_session(struct calling *c, const struct clock *clock)
{
    const struct config_texts *args = &c->request->agent->session_args;
    const struct prepared_agent *prepared = prepare_find(c->request);
    if (!c->request->task->session_id.n)
        return 0;
    *c->kind = "template";
    struct json *data = prepare_data(c->arena, c->request, clock);
    for (size_t i = 0; i < args->n; i++) {
        struct template_options o = { .now_us = clock_wall(clock) };
        struct str text;
        if (prepare_render(c->arena, prepared->session_args[i], data, &o, &text, c->error) != 0)
            return error_wrap(c->error, "session_args");
        bool option = str_starts(args->items[i].s, STR("-"));
        if ((!option && str_starts(text, STR("-"))) || str_chr(text, 0) >= 0)
            return error_set(c->error, ERROR_DENIED,
                             "session_args: '%" STR_FMT "' became an option or holds a NUL byte",
                             STR_ARG(args->items[i].s));
        c->argv[c->n++] = text.p;
    }
    return 0;
}

int command_call_make(struct arena *a, const struct run_request *r, const char *const *env,
                      const struct clock *clock, struct command_call *out, const char **kind,
                      struct error *e)
{
    const struct config_agent *agent = r->agent;
    struct calling c = { .arena = a, .request = r, .kind = kind, .error = e };
    c.argv = ARENA_ARRAY(a, const char *, agent->command.n + agent->session_args.n + 3);
    for (size_t i = 0; i < agent->command.n; i++)
        c.argv[c.n++] = agent->command.items[i].s.p;
    if (agent->command_is_shell)
        c.argv[c.n++] = "sh"; /* $0, so that what follows is $1 */
    *out = (struct command_call){ .argv = c.argv };
    if (command_add_session(&c, clock) != 0)
        return -1;
    switch ((enum config_input_via)agent->input_via) {
    case CONFIG_VIA_STDIN:
        out->input = r->task->input;
        return 0;
    case CONFIG_VIA_ARG:
        return command_add_input(&c, r->task->input);
    case CONFIG_VIA_FILE:
        return command_add_file(&c, env, &out->file);
    case CONFIG_VIA_NONE:
        break;
    }
    return 0;
}

/* ---- output ---- */

static int command_json(struct str text, bool truncated, struct command_result *out,
                        struct error *e)
{
    struct error why = ERROR_INIT;
    if (truncated)
        return error_set(e, ERROR_LIMIT,
                         "the output is longer than limits.output and so is no JSON");
    struct arena *a = arena_new(0);
    bool ok = json_parse(a, text, NULL, &why) != NULL;
    arena_free(a);
    if (!ok)
        return error_set(e, ERROR_INVALID, "the output is not JSON: line %u, column %u: %s",
                         why.line, why.column, why.text);
    *out = (struct command_result){ str_trim(text), true };
    return 0;
}

static int command_jsonl(struct str text, bool truncated, struct command_result *out,
                         struct error *e)
{
    (void)truncated; /* the last lines are there */
    struct str line = output_last_json(text);
    if (!line.p)
        return error_set(e, ERROR_INVALID, "no line of the output is JSON");
    *out = (struct command_result){ line, true };
    return 0;
}

static int command_text(struct str text, bool truncated, struct command_result *out,
                        struct error *e)
{
    (void)truncated, (void)e;
    *out = (struct command_result){ output_chomp(text), false };
    return 0;
}

int command_output(struct str output, struct str text, bool truncated, struct command_result *out,
                   struct error *e)
{
    static const struct {
        const char *word;
        int (*read)(struct str, bool, struct command_result *, struct error *);
    } rows[] = { { "json", command_json }, { "jsonl", command_jsonl } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        if (str_eq_c(output, rows[i].word))
            return rows[i].read(text, truncated, out, e);
    }
    return command_text(text, truncated, out, e);
}
