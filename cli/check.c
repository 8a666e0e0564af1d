/* keryx check: everything that is wrong with a file, at once. */
#include "cli/command.h"
#include "cli/core.h"

#include "base/zone.h"

#include <stdio.h>

/* The built-in agent is not the file's. */
static size_t check_agents(const struct config *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_agents; i++)
        n += c->agents[i].pos.line > 0;
    return n;
}

static int check_run_as(const struct command *self, int argc, char **argv)
{
    const char *file = NULL;
    bool print = false;
    const struct cli_option options[] = {
        { 'c', "config", &file, NULL },
        { 0, "print", NULL, &print },
    };
    int words = cli_options(self, argc, argv, options, N_ELEMENTS(options));
    if (words < 0 || words > 1)
        return CLI_USAGE;
    const char *path = cli_config_path(words ? argv[1] : file);
    if (!path)
        return CLI_USAGE;
    auto_buf problems = BUF_INIT(4 * MIB), text = BUF_INIT(16 * MIB);
    struct generation *g = core_load(path, &problems);
    fwrite(problems.p ? problems.p : "", 1, problems.n, stderr);
    if (!g)
        return CLI_USAGE;
    if (print)
        config_print(g->config, &text);
    else
        buf_printf(&text, "%s: ok: %zu agents\n", path, check_agents(g->config));
    generation_unref(g);
    zone_cache_release();
    return cli_write(buf_view(&text)) ? CLI_OK : CLI_FAILED;
}

static int check_run(int argc, char **argv)
{
    return check_run_as(&cli_check, argc, argv);
}

static int validate_run(int argc, char **argv)
{
    return check_run_as(&cli_validate, argc, argv);
}

#define CHECK_HELP                                           \
    "  -c, --config FILE   the file (default agents.yaml)\n" \
    "  --print             print it as keryx understood it: defaults filled in, secrets as ***\n"

const struct command cli_check = {
    .name = "check",
    .usage = "[FILE] [--print]",
    .summary = "tell everything that is wrong with a configuration, starting nothing",
    .help = CHECK_HELP,
    .run = check_run,
};

const struct command cli_validate = {
    .name = "validate",
    .usage = "[FILE] [--print]",
    .summary = "the same as check",
    .help = CHECK_HELP,
    .run = validate_run,
};
