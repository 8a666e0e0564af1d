/* The go dialect against what Go itself gave: our own vectors
   (tests/rows/gotemplate-vectors.jsonl), and Go's own tables when they lie beside the checkout. */
#include "tests/unit/templates.h"

struct vector {
    struct str name, source;
    const struct json *data, *output, *all;
    bool error;
};

/* Rows whose Go answer is not ours, each with its reason. */
struct exception {
    const char *name;
};

static bool listed(const struct exception *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_c(name, list[i].name))
            return true;
    }
    return false;
}

/* Calls fn for every line; -1 when the file is not there, else how many lines there were. */
static int each_line(struct arena *a, const char *path,
                     void (*fn)(struct arena *a, struct vector *v))
{
    size_t n;
    char *text = read_file(path, &n);
    if (!text)
        return -1;
    int lines = 0;
    struct str rest = str_n(text, n), line;
    while (str_split(&rest, '\n', &line)) {
        struct error e = ERROR_INIT;
        if (!line.n)
            continue;
        struct json *v = json_parse(a, line, NULL, &e);
        if (!v) {
            T_FAIL("%s: %s", path, e.text);
            break;
        }
        struct vector one = { .all = v };
        one.name = json_get_str(a, v, json_get(v, STR("id")) ? "id" : "name", STR("?"));
        one.source = json_get_str(a, v, "template", STR(""));
        one.data = json_get(v, STR("data"));
        one.output = json_get(v, STR("output"));
        one.error = json_get(v, STR("error")) != NULL;
        fn(a, &one);
        lines++;
    }
    free(text);
    return lines;
}

static bool same_json(struct arena *a, struct str x, struct str y)
{
    auto_buf bx = BUF_INIT(MIB), by = BUF_INIT(MIB);
    struct json *vx = json_parse(a, x, NULL, NULL), *vy = json_parse(a, y, NULL, NULL);
    if (!vx || !vy)
        return false;
    json_write(&bx, vx, JSON_SORT_KEYS | JSON_HTML_SAFE);
    json_write(&by, vy, JSON_SORT_KEYS | JSON_HTML_SAFE);
    return str_eq(buf_view(&bx), buf_view(&by));
}

static void check_vector(struct arena *a, const struct vector *v, const struct template_options *o)
{
    char name[128];
    snprintf(name, sizeof(name), "%" STR_FMT, STR_ARG(v->name));
    ROW(name);
    struct rendered r = render_with(TEMPLATE_GO, v->source, v->data, NULL, o);
    struct str got = str_of(r.text);
    if (v->error) {
        if (r.ok)
            T_FAIL("%" STR_FMT "\n  Go refuses it, we gave «%s»", STR_ARG(v->source), r.text);
    } else if (!r.ok) {
        T_FAIL("%" STR_FMT "\n  failed: %s", STR_ARG(v->source), r.e.text);
    } else {
        struct str want = json_text(a, v->output);
        bool json = json_get_bool(v->all, "json_compare", false);
        if (memchr(want.p, 0, want.n ? want.n : 1) == NULL && !str_eq(got, want) &&
            !(json && same_json(a, got, want)))
            T_FAIL("%" STR_FMT "\n  got  «%s»\n  want «%" STR_FMT "»", STR_ARG(v->source), r.text,
                   STR_ARG(want));
    }
    render_free(&r);
    ROW("");
}

/* Numbers of different form are compared by value here (5 and 5.0 are equal), as documented. */
static const struct exception ours[] = { { "gt242" } };

static void check_own(struct arena *a, struct vector *v)
{
    struct str missing = json_get_str(a, v->all, "missingkey", STR("default"));
    struct template_options o = { .missing = TEMPLATE_MISSING_GO, .now_us = 1735787045000000 };
    if (str_eq(missing, STR("error")))
        o.missing = TEMPLATE_MISSING_ERROR;
    o.go_numbers = str_eq(json_get_str(a, v->all, "numbers", STR("int")), STR("float"));
    /* `zero` is an option of Go that differs from ours only below a missing field. */
    if (str_eq(missing, STR("zero")) && v->error)
        return;
    if (json_get_bool(v->all, "ext", false) || listed(ours, N_ELEMENTS(ours), v->name)) {
        struct rendered r = render_with(TEMPLATE_GO, v->source, v->data, NULL, &o);
        if (!r.ok)
            T_FAIL("%" STR_FMT ": is accepted here: %s", STR_ARG(v->source), r.e.text);
        render_free(&r);
        return;
    }
    check_vector(a, v, &o);
}

TEST(gives_what_go_gives)
{
    struct arena *a = arena_new(0);
    CHECK_INT(each_line(a, SOURCE_DIR "/tests/rows/gotemplate-vectors.jsonl", check_own), 222);
    arena_free(a);
}

/* Complex numbers are refused; 2 and 2.0 are equal; a call of `printf` without arguments and values
   applied to arguments fail when reached, as in Go. */
static const struct exception upstream[] = { { "cmp/eq 2 2.0" } };

static bool complex_number(struct str source)
{
    for (size_t i = 1; i + 1 < source.n; i++) {
        char before = source.p[i - 1], after = source.p[i + 1];
        if (source.p[i] == 'i' && before >= '0' && before <= '9' && !(after >= 'a' && after <= 'z'))
            return true;
    }
    return false;
}

static void check_upstream(struct arena *a, struct vector *v)
{
    struct template_options o = { .missing = TEMPLATE_MISSING_GO };
    if (complex_number(v->source) || listed(upstream, N_ELEMENTS(upstream), v->name))
        return;
    check_vector(a, v, &o);
}

static struct str any_template(void *ctx, struct str name)
{
    (void)ctx;
    (void)name;
    return STR("");
}

static void check_parse(struct arena *a, struct vector *v)
{
    struct template_partials any = { .find = any_template };
    struct error e = ERROR_INIT;
    (void)a;
    if (!v->source.n || complex_number(v->source))
        return;
    bool want = json_get_bool(v->all, "parses", false);
    struct template *t = template_compile(TEMPLATE_GO, v->source, &any, &e);
    if ((t != NULL) != want)
        T_FAIL("%" STR_FMT ": %" STR_FMT "\n  %s %s", STR_ARG(v->name), STR_ARG(v->source),
               want ? "must compile:" : "must not compile", want ? e.text : "");
    if (!t)
        CHECK(e.line > 0 && e.column > 0);
    template_free(t);
}

TEST(gives_what_go_s_own_tables_want)
{
    struct arena *a = arena_new(0);
    if (each_line(a, SOURCE_DIR "/../shared/conformance/gotemplate-upstream-exec.jsonl",
                  check_upstream) < 0)
        printf("skipped: Go's exec tables are not beside this checkout\n");
    if (each_line(a, SOURCE_DIR "/../shared/conformance/gotemplate-upstream-parse.jsonl",
                  check_parse) < 0)
        printf("skipped: Go's parse tables are not beside this checkout\n");
    arena_free(a);
}

static void check_number(struct arena *a, struct vector *v)
{
    struct str literal = json_get_str(a, v->all, "literal", STR_NULL);
    if (!literal.p || json_get_bool(v->all, "isComplex", false))
        return;
    bool is_int = json_get_bool(v->all, "isInt", false);
    bool is_float = json_get_bool(v->all, "isFloat", false);
    struct str source = arena_printf(a, "{{print %" STR_FMT "}}", STR_ARG(literal));
    struct rendered r = render_with(TEMPLATE_GO, source, NULL, NULL, NULL);
    if (r.ok != (is_int || is_float))
        T_FAIL("number %" STR_FMT ": %s", STR_ARG(literal), r.ok ? r.text : r.e.text);
    else if (r.ok)
        CHECK(json_number_cmp(str_of(r.text), json_get_str(a, v->all, "float", STR("0"))) == 0);
    render_free(&r);
}

TEST(reads_numbers_as_go_does)
{
    struct arena *a = arena_new(0);
    if (each_line(a, SOURCE_DIR "/../shared/conformance/gotemplate-upstream-parse.jsonl",
                  check_number) < 0)
        printf("skipped: Go's number table is not beside this checkout\n");
    arena_free(a);
}
