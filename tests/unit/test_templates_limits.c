/* No template and no data hold a rendering up or make it large. */
#include "tests/unit/templates.h"

static struct rendered render_long(enum template_dialect dialect, struct buf *source,
                                   const char *data)
{
    struct arena *a = arena_new(0);
    struct rendered r =
        render_with(dialect, buf_view(source),
                    data ? json_parse(a, str_of(data), NULL, NULL) : NULL, NULL, NULL);
    arena_free(a);
    return r;
}

static void check_limit(const char *name, enum template_dialect dialect, const char *source,
                        const char *want)
{
    ROW(name);
    struct rendered r = render(dialect, source, "{\"l\":[1,2,3],\"s\":\"x\"}", NULL);
    CHECK(!r.ok);
    CHECK(strstr(r.e.text, want) != NULL);
    if (!strstr(r.e.text, want))
        T_FAIL("%s", r.e.text);
    CHECK(r.e.line > 0);
    render_free(&r);
    ROW("");
}

TEST(runaway_templates_end)
{
    check_limit("steps", TEMPLATE_GO, "{{range 100000000}}{{end}}", "steps");
    check_limit("nested steps", TEMPLATE_GO,
                "{{range 10000}}{{range 10000}}{{if .}}{{end}}{{end}}{{end}}", "");
    check_limit("output", TEMPLATE_GO, "{{range 200000}}0123456789{{end}}", "larger than 1048576");
    check_limit("memory", TEMPLATE_GO,
                "{{$x := \"0123456789012345\"}}{{range 100}}{{$x = print $x $x}}{{end}}", "larger");
    check_limit(
        "memory in small parts", TEMPLATE_GO,
        "{{$x := repeat 100000 \"0123456789\"}}{{range 10000}}{{$y := print $x \"a\"}}{{end}}",
        "memory");
    check_limit("repeat", TEMPLATE_GO, "{{repeat 1000000000 \"abc\"}}", "larger");
    check_limit("indent", TEMPLATE_GO, "{{indent 1000000000 \"abc\"}}", "larger");
    check_limit("printf width", TEMPLATE_GO,
                "{{$x := printf \"%100000d%10000d\" 1 2}}{{range 1000}}{{print $x}}{{end}}",
                "larger");
    check_limit(
        "recursion", TEMPLATE_GO,
        "{{define \"a\"}}{{range .l}}{{template \"a\" $}}{{end}}{{end}}{{template \"a\" .}}",
        "64 levels");
    check_limit("block recursion", TEMPLATE_MUSTACHE, "{{<p}}{{$b}}{{$b}}{{/b}}{{/b}}{{/p}}{{$x}}",
                "");
}

static struct str find_self(void *ctx, struct str name)
{
    (void)ctx;
    return str_eq(name, STR("self")) ? STR("x\n {{>self}}\n") : STR("{{$b}}{{$b}}{{/b}}{{/b}}");
}

TEST(partials_that_call_themselves_end)
{
    struct template_partials p = { .find = find_self };
    static const char *const sources[] = { "{{>self}}", "{{<p}}{{$b}}{{$b}}{{/b}}{{/b}}{{/p}}" };
    for (size_t i = 0; i < N_ELEMENTS(sources); i++) {
        struct rendered r = render_with(TEMPLATE_MUSTACHE, str_of(sources[i]), NULL, &p, NULL);
        CHECK(!r.ok);
        CHECK_INT(r.e.code, ERROR_LIMIT);
        render_free(&r);
    }
}

TEST(sources_are_bounded)
{
    auto_buf source = BUF_INIT(MIB);
    for (size_t i = 0; i <= TEMPLATE_MAX_SOURCE; i++)
        buf_char(&source, 'x');
    struct rendered r = render_long(TEMPLATE_GO, &source, NULL);
    CHECK(!r.compiled);
    CHECK_INT(r.e.code, ERROR_LIMIT);
    render_free(&r);
    source.n--;
    r = render_long(TEMPLATE_GO, &source, NULL);
    CHECK(r.ok);
    render_free(&r);
}

static void many(struct buf *b, const char *what, int n)
{
    for (int i = 0; i < n; i++)
        buf_cstr(b, what);
}

TEST(nesting_is_bounded)
{
    static const struct {
        enum template_dialect dialect;
        const char *open, *close;
    } rows[] = {
        { TEMPLATE_GO, "{{if 1}}", "{{end}}" },
        { TEMPLATE_GO, "{{range .}}", "" },
        { TEMPLATE_GO, "{{(", ")" },
        { TEMPLATE_GO, "{{block \"a\" .}}", "{{end}}" },
        { TEMPLATE_MUSTACHE, "{{#a}}", "{{/a}}" },
        { TEMPLATE_MUSTACHE, "{{<a}}{{$b}}", "{{/b}}{{/a}}" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf source = BUF_INIT(MIB);
        ROW(rows[i].open);
        many(&source, rows[i].open, 5000);
        many(&source, rows[i].close, 5000);
        struct rendered r = render_long(rows[i].dialect, &source, "{}");
        CHECK(!r.ok);
        render_free(&r);
    }
    auto_buf parens = BUF_INIT(MIB), pipes = BUF_INIT(MIB), ifs = BUF_INIT(MIB);
    buf_cstr(&parens, "{{");
    many(&parens, "(", 5000);
    struct rendered r = render_long(TEMPLATE_GO, &parens, "{}");
    CHECK(!r.ok);
    render_free(&r);
    buf_cstr(&pipes, "{{1");
    many(&pipes, "|print", 5000);
    buf_cstr(&pipes, "}}");
    r = render_long(TEMPLATE_GO, &pipes, "{}");
    CHECK(!r.ok && strstr(r.e.text, "stages"));
    render_free(&r);
    /* A long chain is not deep. */
    buf_cstr(&ifs, "{{if 0}}");
    many(&ifs, "{{else if 0}}", 5000);
    buf_cstr(&ifs, "{{else}}x{{end}}");
    r = render_long(TEMPLATE_GO, &ifs, "{}");
    CHECK_CSTR(r.text, "x");
    render_free(&r);
}

TEST(a_smaller_output_can_be_asked_for)
{
    struct template_options o = { .max_output = 5 };
    struct rendered r = render(TEMPLATE_GO, "12345", "{}", &o);
    CHECK(r.ok);
    render_free(&r);
    r = render(TEMPLATE_GO, "12345{{1}}", "{}", &o);
    CHECK(!r.ok);
    CHECK_INT(r.e.code, ERROR_LIMIT);
    render_free(&r);
}

TEST(large_data_costs_steps)
{
    struct arena *a = arena_new(0);
    struct json *root = json_object(a), *list = json_put(a, root, STR("list"), json_list(a));
    for (int i = 0; i < 20000; i++) {
        json_add(a, list, json_i64(a, i));
        json_put(a, root, arena_printf(a, "k%d", i), json_i64(a, i));
    }
    struct rendered r =
        render_with(TEMPLATE_GO, STR("{{range .list}}{{$.k19999}}{{end}}"), root, NULL, NULL);
    CHECK(!r.ok && strstr(r.e.text, "steps"));
    render_free(&r);
    r = render_with(TEMPLATE_GO, STR("{{range $i, $e := .list}}{{$e}} {{end}}"), root, NULL, NULL);
    CHECK(r.ok);
    render_free(&r);
    arena_free(a);
}
