/* One file a command; one entry a command, from which --help comes. */
#ifndef KERYX_CLI_COMMAND_H
#define KERYX_CLI_COMMAND_H

#include "base/buf.h"
#include "base/error.h"

/* Exit codes (60-interfaces). */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,       /* usage or configuration */
    CLI_UNREACHABLE = 3, /* no server */
    CLI_NOT_FOUND = 4,
};

struct command {
    const char *name;
    const char *usage;   /* behind "keryx name " */
    const char *summary; /* one line */
    const char *help;    /* further lines, each ending in a newline; may be NULL */
    /* argv[0] is the command's name. Returns the exit code. */
    int (*run)(int argc, char **argv);
};

extern const struct command cli_serve, cli_init, cli_check, cli_validate, cli_schema, cli_run,
    cli_tasks, cli_schedule, cli_cron, cli_deliveries, cli_template, cli_reload, cli_status,
    cli_version, cli_help;

/* Options of a command as one table; parsed left to right, `--name value`, `--name=value`, `-n value`;
   "--" ends them. */
struct cli_option {
    char letter;        /* 0 = none */
    const char *name;   /* without dashes */
    const char **value; /* takes a value; NULL: a flag */
    bool *flag;
};
/* Moves the words that are no options to the front of argv[1…] and returns how many there are; -1
   after a line on stderr that names what is wrong and `keryx help NAME`. --help prints the
   command's help and exits. */
int cli_options(const struct command *c, int argc, char **argv, const struct cli_option *options,
                size_t n) must_check;
/* "keryx: …" on stderr; returns `code`. */
int cli_fail(int code, const char *fmt, ...) printf_like(2, 3);
/* Prints a command's usage, summary and help. */
void cli_print_help(const struct command *c, bool to_stderr);
/* Writes all of it to stdout; false (with a line on stderr) when that fails. */
bool cli_write(struct str bytes);

/* The whole of a file, "-" = stdin, at most `limit` bytes. The buffer must be empty. 0 or -1. */
int cli_read_file(const char *path, size_t limit, struct buf *out, struct error *e) must_check;
/* `given`, or agents.yaml in the current directory when there is one; NULL after a line on stderr that names
   `keryx init`. */
const char *cli_config_path(const char *given);

#endif
