/* keryx init, schema, version: texts that come out of tables. */
#include "cli/command.h"

#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static int init_run(int argc, char **argv)
{
    int words = cli_options(&cli_init, argc, argv, NULL, 0);
    if (words < 0 || words > 1)
        return CLI_USAGE;
    const char *directory = words ? argv[1] : ".";
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return cli_fail(CLI_FAILED, "%s: %s", directory, strerror(errno));
    auto_buf path = BUF_INIT(8 * KIB);
    buf_printf(&path, "%s/agents.yaml", directory);
    buf_char(&path, 0);
    auto_close int fd = open(path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return cli_fail(CLI_FAILED, "%s: %s", path.p,
                        errno == EEXIST ? "is there already; it is not overwritten"
                                        : strerror(errno));
    struct str text = config_example();
    if (write(fd, text.p, text.n) != (ssize_t)text.n)
        return cli_fail(CLI_FAILED, "%s: %s", path.p, strerror(errno));
    printf("wrote %s\n\nstart it:  cd %s && keryx serve\n", path.p, directory);
    return CLI_OK;
}

const struct command cli_init = {
    .name = "init",
    .usage = "[DIR]",
    .summary = "write a commented agents.yaml that runs at once",
    .run = init_run,
};

static int schema_run(int argc, char **argv)
{
    bool markdown = false;
    const struct cli_option options[] = { { 0, "markdown", NULL, &markdown } };
    if (cli_options(&cli_schema, argc, argv, options, N_ELEMENTS(options)) != 0)
        return CLI_USAGE;
    auto_buf out = BUF_INIT(4 * MIB);
    if (markdown)
        config_reference(&out);
    else
        config_schema(&out);
    return cli_write(buf_view(&out)) ? CLI_OK : CLI_FAILED;
}

const struct command cli_schema = {
    .name = "schema",
    .usage = "[--markdown]",
    .summary = "print the JSON Schema of agents.yaml, for editors",
    .help = "  --markdown   every key as a page to read (docs/config.md)\n",
    .run = schema_run,
};

static int version_run(int argc, char **argv)
{
    if (cli_options(&cli_version, argc, argv, NULL, 0) != 0)
        return CLI_USAGE;
    printf("keryx %s\n", KERYX_VERSION);
    return CLI_OK;
}

const struct command cli_version = {
    .name = "version",
    .usage = "",
    .summary = "print the version",
    .run = version_run,
};
