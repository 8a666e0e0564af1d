/* keryx template render: for authors and for tests. */
#include "cli/command.h"

#include "base/when.h"
#include "templates/template.h"

#include <stdio.h>

struct render {
    const char *engine, *missing, *escape, *now, *data, *content_type;
    enum template_dialect dialect;
    struct template_options options;
};

static int render_options(struct render *r)
{
    struct error e = ERROR_INIT;
    r->dialect = TEMPLATE_AUTO;
    if (r->engine && template_dialect_parse(str_of(r->engine), &r->dialect) != 0)
        return cli_fail(CLI_USAGE, "--engine: expected auto, go, mustache or dot");
    if (r->missing && template_missing_parse(str_of(r->missing), &r->options.missing) != 0)
        return cli_fail(CLI_USAGE, "--missing: expected empty, go, error or keep");
    struct str type = r->content_type ? str_of(r->content_type) : STR("");
    if (str_find(type, STR("json")) >= 0)
        r->options.escape = TEMPLATE_ESCAPE_JSON;
    else if (str_find(type, STR("html")) >= 0)
        r->options.escape = TEMPLATE_ESCAPE_HTML;
    if (r->escape && template_escape_parse(str_of(r->escape), &r->options.escape) != 0)
        return cli_fail(CLI_USAGE, "--escape: expected json, html, none or url");
    r->options.now_us = clock_wall(&clock_real);
    if (r->now && when_parse(str_of(r->now), NULL, &r->options.now_us, &e) != 0)
        return cli_fail(CLI_USAGE, "--now: %s", e.text);
    return CLI_OK;
}

static int render_data(const struct render *r, struct arena *a, struct buf *text,
                       struct json **data)
{
    struct error e = ERROR_INIT;
    *data = json_object(a);
    if (!r->data)
        return CLI_OK;
    if (cli_read_file(r->data, 64 * MIB, text, &e) != 0)
        return cli_fail(CLI_USAGE, "%s", e.text);
    *data = json_parse(a, buf_view(text), NULL, &e);
    if (!*data)
        return cli_fail(CLI_USAGE, "%s:%u:%u: %s", r->data, e.line, e.column, e.text);
    return CLI_OK;
}

static int render_print(const struct render *r, const char *file, const struct template *t,
                        const struct json *data)
{
    struct error e = ERROR_INIT;
    auto_buf out = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (template_render(t, data, &r->options, &out, &e) != 0)
        return cli_fail(CLI_FAILED, "%s:%u:%u: %s", file, e.line, e.column, e.text);
    return cli_write(buf_view(&out)) ? CLI_OK : CLI_FAILED;
}

static int render_file(struct render *r, const char *file)
{
    struct error e = ERROR_INIT;
    auto_buf source = BUF_INIT(0), text = BUF_INIT(0);
    int code = render_options(r);
    if (code != CLI_OK)
        return code;
    if (cli_read_file(file, TEMPLATE_MAX_SOURCE, &source, &e) != 0)
        return cli_fail(CLI_USAGE, "%s", e.text);
    struct arena *a = arena_new(64 * KIB);
    struct json *data;
    struct template *t = NULL;
    code = render_data(r, a, &text, &data);
    if (code == CLI_OK) {
        t = template_compile(r->dialect, buf_view(&source), NULL, &e);
        code = t ? render_print(r, file, t, data)
                 : cli_fail(CLI_USAGE, "%s:%u:%u: %s", file, e.line, e.column, e.text);
    }
    if (t && !r->engine && isatty(STDERR_FILENO))
        fprintf(stderr, "\n(engine: %s)\n", template_dialect_word(template_dialect(t)));
    template_free(t);
    arena_free(a);
    return code;
}

static int template_run(int argc, char **argv)
{
    struct render r = { 0 };
    const struct cli_option options[] = {
        { 0, "engine", &r.engine, NULL }, { 0, "missing", &r.missing, NULL },
        { 0, "escape", &r.escape, NULL }, { 0, "now", &r.now, NULL },
        { 0, "data", &r.data, NULL },     { 0, "content-type", &r.content_type, NULL },
    };
    int words = cli_options(&cli_template, argc, argv, options, N_ELEMENTS(options));
    if (words != 2 || strcmp(argv[1], "render") != 0) {
        if (words >= 0)
            cli_print_help(&cli_template, true);
        return CLI_USAGE;
    }
    return render_file(&r, argv[2]);
}

const struct command cli_template = {
    .name = "template",
    .usage = "render FILE|- [--engine E] [--missing M] [--escape E] [--now T] [--data FILE] "
             "[--content-type T]",
    .summary = "render a template, for authors and for tests",
    .help = "  --engine auto|go|mustache|dot      (default auto; on a terminal it is told which "
            "was chosen)\n"
            "  --missing empty|go|error|keep      what a missing field prints (default empty)\n"
            "  --escape json|html|none|url        (default none, or by --content-type)\n"
            "  --data FILE                        JSON (default {}), - = stdin\n"
            "  --now TIME                         what `now` gives\n\n"
            "Writes exactly the rendered bytes. Exit 2: it does not compile, or the data is no "
            "JSON; 1: it fails\n"
            "while rendering.\n",
    .run = template_run,
};
