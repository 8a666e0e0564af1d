/* keryx: one binary, daemon and client. The command table is the contents page. */
#include "agents/shim.h"
#include "cli/command.h"

#include <signal.h>
#include <stdio.h>

static const struct command *const commands[] = {
    &cli_serve,    &cli_init,   &cli_check,    &cli_validate, &cli_schema,
    &cli_run,      &cli_tasks,  &cli_schedule, &cli_cron,     &cli_deliveries,
    &cli_template, &cli_reload, &cli_status,   &cli_version,  &cli_help,
};

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < N_ELEMENTS(commands); i++) {
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    }
    return NULL;
}

static void print_commands(FILE *out)
{
    fputs("keryx: makes agents run by themselves, on time and on events, and tells who wants to "
          "know.\n\n"
          "usage: keryx COMMAND [ARGUMENTS]\n\n",
          out);
    for (size_t i = 0; i < N_ELEMENTS(commands); i++)
        fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nkeryx help COMMAND tells more. Exit codes: 0 ok, 1 failed, 2 usage or configuration,\n"
          "3 server not reachable, 4 not found.\n",
          out);
}

static int unknown_command(const char *name)
{
    const char *names[N_ELEMENTS(commands)];
    for (size_t i = 0; i < N_ELEMENTS(commands); i++)
        names[i] = commands[i]->name;
    const char *near = str_nearest(str_of(name), names, N_ELEMENTS(commands));
    return cli_fail(CLI_USAGE, "there is no command '%s'%s%s%s; see keryx help", name,
                    near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int help_run(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stdout);
        return CLI_OK;
    }
    const struct command *c = command_find(argv[1]);
    if (!c)
        return unknown_command(argv[1]);
    cli_print_help(c, false);
    return CLI_OK;
}

const struct command cli_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "tell what there is, or all about one command",
    .run = help_run,
};

int main(int argc, char **argv)
{
    if (argc >= 2 && !strcmp(argv[1], "__shim"))
        return shim_main(argc - 1, argv + 1);
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    else if (!strcmp(name, "--version") || !strcmp(name, "-V"))
        name = "version";
    const struct command *c = command_find(name);
    return c ? c->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
