/* What every command does alike: options, files, complaints. */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

int cli_fail(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("keryx: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

void cli_print_help(const struct command *c, bool to_stderr)
{
    FILE *out = to_stderr ? stderr : stdout;
    fprintf(out, "usage: keryx %s%s%s\n\n%s\n", c->name, *c->usage ? " " : "", c->usage,
            c->summary);
    if (c->help)
        fprintf(out, "\n%s", c->help);
}

static const struct cli_option *option_find(struct str word, const struct cli_option *options,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool is_long =
            str_starts(word, STR("--")) && str_eq_c(str_sub(word, 2, word.n), options[i].name);
        bool is_short = word.n == 2 && options[i].letter && word.p[1] == options[i].letter;
        if (is_long || is_short)
            return &options[i];
    }
    return NULL;
}

static int option_unknown(const struct command *c, struct str word,
                          const struct cli_option *options, size_t n)
{
    const char *names[32];
    size_t n_names = 0;
    for (size_t i = 0; i < n && n_names < N_ELEMENTS(names); i++)
        names[n_names++] = options[i].name;
    const char *near = str_nearest(str_sub(word, 2, word.n), names, n_names);
    cli_fail(CLI_USAGE, "%s: unknown option '%" STR_FMT "'%s%s%s; see keryx help %s", c->name,
             STR_ARG(word), near ? " (did you mean '--" : "", near ? near : "", near ? "'?)" : "",
             c->name);
    return -1;
}

/* Takes the option at argv[*i], and its value; -1 when that is wrong. */
static int option_take(const struct command *c, int argc, char **argv, int *i,
                       const struct cli_option *options, size_t n)
{
    struct str word = str_of(argv[*i]);
    ptrdiff_t equals = str_starts(word, STR("--")) ? str_chr(word, '=') : -1;
    struct str name = equals < 0 ? word : str_sub(word, 0, (size_t)equals);
    if (str_eq(name, STR("--help")) || str_eq(name, STR("-h"))) {
        cli_print_help(c, false);
        exit(CLI_OK);
    }
    const struct cli_option *o = option_find(name, options, n);
    if (!o)
        return option_unknown(c, name, options, n);
    if (o->flag) {
        *o->flag = true;
        return equals < 0 ? 0
                          : (cli_fail(CLI_USAGE, "%s: --%s takes no value", c->name, o->name), -1);
    }
    if (equals >= 0)
        *o->value = argv[*i] + equals + 1;
    else if (*i + 1 < argc)
        *o->value = argv[++*i];
    else
        return cli_fail(CLI_USAGE, "%s: --%s needs a value; see keryx help %s", c->name, o->name,
                        c->name),
               -1;
    return 0;
}

int cli_options(const struct command *c, int argc, char **argv, const struct cli_option *options,
                size_t n)
{
    int words = 0;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        if (!ended && !strcmp(argv[i], "--")) {
            ended = true;
        } else if (ended || argv[i][0] != '-' || !argv[i][1]) {
            argv[++words] = argv[i];
        } else if (option_take(c, argc, argv, &i, options, n) != 0) {
            return -1;
        }
    }
    return words;
}

bool cli_write(struct str bytes)
{
    if ((bytes.n == 0 || fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n) && fflush(stdout) == 0)
        return true;
    if (errno != EPIPE) /* a reader that has seen enough, such as head */
        cli_fail(CLI_FAILED, "standard output: %s", strerror(errno));
    return false;
}

int cli_read_file(const char *path, size_t limit, struct buf *out, struct error *e)
{
    bool is_stdin = !strcmp(path, "-");
    auto_close int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    int fd = is_stdin ? STDIN_FILENO : opened;
    if (fd < 0)
        return error_sys(e, errno, "%s", path);
    out->limit = limit + 1;
    for (;;) {
        char *to = buf_reserve(out, MIN((size_t)64 * KIB, out->limit - out->n));
        ssize_t got = to && out->n < out->limit
                          ? read(fd, to, MIN((size_t)64 * KIB, out->limit - out->n))
                          : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_sys(e, errno, "%s", path);
        if (got == 0)
            break;
        out->n += (size_t)got;
    }
    return out->n > limit ? error_set(e, ERROR_LIMIT, "%s: larger than %zu bytes", path, limit) : 0;
}

const char *cli_config_path(const char *given)
{
    const char *path = given ? given : "agents.yaml";
    if (access(path, R_OK) == 0)
        return path;
    if (given)
        cli_fail(CLI_USAGE, "%s: %s", path, strerror(errno));
    else
        cli_fail(
            CLI_USAGE,
            "there is no agents.yaml here; name one with -c FILE, or write one with: keryx init");
    return NULL;
}
