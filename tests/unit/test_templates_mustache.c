/* The mustache dialect: our own rows, and the official specification's files when they lie beside
   the checkout (all but lambdas, which data cannot be). */
#include "tests/unit/templates.h"

static const struct row rows[] = {
    { "a name prints its value", "{{a}} {{a.b}} {{ c }}", "{\"a\":{\"b\":1},\"c\":\"x\"}",
      "{\"b\":1} 1 x" },
    { "a missing name is nothing", "[{{x}}][{{a.x}}]", "{\"a\":{}}", "[][]" },
    { "null is nothing", "[{{n}}]", "{\"n\":null}", "[]" },
    { "lists and objects are JSON", "{{l}} {{o}}", "{\"l\":[1,\"a\"],\"o\":{\"b\":1,\"a\":2}}",
      "[1,\"a\"] {\"b\":1,\"a\":2}" },
    { "numbers print as written", "{{a}} {{b}} {{c}}", "{\"a\":1.10,\"b\":12345678901,\"c\":1e400}",
      "1.10 12345678901 1e400" },
    { "nothing is escaped unless the target is HTML", "{{a}} {{{a}}} {{&a}}", "{\"a\":\"<&\\\">\"}",
      "<&\"> <&\"> <&\">" },
    { "a section is a loop, a condition, a context",
      "{{#l}}({{.}}){{/l}}{{#t}}T{{/t}}{{#o}}{{x}}{{/o}}",
      "{\"l\":[1,2],\"t\":true,\"o\":{\"x\":3}}", "(1)(2)T3" },
    { "false, null, 0, \"\" and [] hide a section; an empty object does not",
      "{{#f}}f{{/f}}{{#n}}n{{/n}}{{#z}}z{{/z}}{{#e}}e{{/e}}{{#l}}l{{/l}}{{#o}}o{{/o}}{{#m}}m{{/m}}",
      "{\"f\":false,\"n\":null,\"z\":0,\"e\":\"\",\"l\":[],\"o\":{}}", "o" },
    { "an inverted section is the opposite", "{{^a}}no{{/a}}{{^b}}yes{{/b}}", "{\"b\":1}", "no" },
    { "names are searched outwards", "{{#a}}{{b}}{{c}}{{/a}}", "{\"a\":{\"b\":1},\"c\":2}", "12" },
    { "a dotted name that begins inside does not search outwards", "{{#a}}[{{b.c}}]{{/a}}",
      "{\"a\":{\"b\":{}},\"b\":{\"c\":9}}", "[]" },
    { "list elements have numbers", "{{l.1.a}}", "{\"l\":[0,{\"a\":5}]}", "5" },
    { "a section alone on its line takes the line", "a\n{{#t}}\nb\n{{/t}}\nc\n", "{\"t\":true}",
      "a\nb\nc\n" },
    { "a comment prints nothing", "a{{! b }}c\n  {{! d\n e }}\nf", "{}", "ac\nf" },
    { "delimiters can be changed", "{{=<% %>=}}<%a%>{{a}}<%={{ }}=%>{{a}}", "{\"a\":1}",
      "1{{a}}1" },
    { "both spellings of the documented names",
      "{{prompt}} {{Prompt}} {{duration_seconds}} {{TaskID}}",
      "{\"Prompt\":\"p\",\"DurationSeconds\":2,\"task_id\":\"t\"}", "p p 2 t" },
    { "other names have one spelling", "[{{My}}]", "{\"my\":1}", "[]" },
    { "the other spelling is the root's alone", "[{{#a}}{{prompt}}{{/a}}][{{a.prompt}}]",
      "{\"a\":{\"Prompt\":1}}", "[][]" },
    { "a block prints its default", "<{{$t}}d{{/t}}>", "{}", "<d>" },
    { "an unknown partial is nothing", "[{{>p}}]", "{}", "[]" },
    { "an unclosed tag fails", "ab\nc {{a", NULL, "!not closed" },
    { "an unclosed section fails", "{{#a}}", NULL, "!#a is not closed" },
    { "a section closed by another name fails", "{{#a}}{{/b}}", NULL, "!/b closes #a" },
    { "closing nothing fails", "{{/b}}", NULL, "!nothing is open" },
    { "a tag needs a name", "{{ }}", NULL, "!no name" },
    { "a name has no blanks", "{{a b}}", NULL, "!no blanks" },
    { "bad delimiters fail", "{{=<%=}}", NULL, "!delimiters" },
};

TEST(mustache_rows)
{
    CHECK_ROWS(TEMPLATE_MUSTACHE, rows, NULL);
}

TEST(missing_names_as_configured)
{
    struct template_options go = { .missing = TEMPLATE_MISSING_GO };
    struct template_options keep = { .missing = TEMPLATE_MISSING_KEEP };
    struct template_options error = { .missing = TEMPLATE_MISSING_ERROR };
    static const struct row go_row = { "go", "[{{ a.b }}]", "{}", "[<no value>]" };
    static const struct row keep_row = { "keep", "[{{ a.b }}]", "{}", "[{{ a.b }}]" };
    static const struct row error_row = { "error", "[\n{{ a.b }}]", "{}", "!a.b" };
    static const struct row section = { "a section asks, it does not miss", "{{#a}}{{/a}}x", "{}",
                                        "x" };
    check_row(TEMPLATE_MUSTACHE, &go_row, &go);
    check_row(TEMPLATE_MUSTACHE, &keep_row, &keep);
    check_row(TEMPLATE_MUSTACHE, &error_row, &error);
    check_row(TEMPLATE_MUSTACHE, &section, &error);
}

/* Partials from an object of the test. */
static struct str find_partial(void *ctx, struct str name)
{
    const struct json *v = json_get(ctx, name);
    return v ? v->text : STR_NULL;
}

static bool next_partial(void *ctx, size_t *at, struct str *name)
{
    const struct json *all = ctx;
    const struct json *v = all ? all->child : NULL;
    for (size_t i = 0; v && i < *at; i++)
        v = v->next;
    if (!v || *at >= all->count)
        return false;
    ++*at;
    *name = v->key;
    return true;
}

/* A copy whose strings and keys are decoded, for the two functions above. */
static struct json *decoded(struct arena *a, const struct json *v)
{
    struct json *copy = json_object(a);
    uint32_t i = 0;
    for (const struct json *m = v ? v->child : NULL; v && i < v->count; i++, m = m->next)
        json_put(a, copy, json_key_text(a, m), json_str(a, json_text(a, m)));
    return copy;
}

static const struct {
    const char *name, *source, *partials, *data, *want;
} partial_rows[] = {
    { "a partial is indented as its tag", "<\n  {{>p}}\n>", "{\"p\":\"a\\n\\nb\\n\"}", "{}",
      "<\n  a\n\n  b\n>" },
    { "values are not indented", "  {{>p}}\n", "{\"p\":\"{{x}}\\n\"}", "{\"x\":\"1\\n2\"}",
      "  1\n2\n" },
    { "indentation adds up", " {{>p}}\n", "{\"p\":\"a\\n {{>q}}\\n\",\"q\":\"b\\n\"}", "{}",
      " a\n  b\n" },
    { "a section inside a partial is indented", " {{>p}}\n",
      "{\"p\":\"{{#l}}\\n-{{.}}\\n{{/l}}\\n{{#l}}{{.}}{{/l}}\\n\"}", "{\"l\":[1,2]}",
      " -1\n -2\n 12\n" },
    { "a partial in a line is not", "a {{>p}}\n", "{\"p\":\"1\\n2\"}", "{}", "a 1\n2\n" },
    { "data names a partial", "{{#l}}{{>*kind}}{{/l}}", "{\"a\":\"A\",\"b\":\"B{{v}}\"}",
      "{\"l\":[{\"kind\":\"a\"},{\"kind\":\"b\",\"v\":1},{\"kind\":\"c\"}]}", "AB1" },
    { "a child overrides blocks", "{{<p}}{{$b}}mine {{x}}{{/b}}{{/p}}",
      "{\"p\":\"[{{$a}}A{{/a}} {{$b}}B{{/b}}]\"}", "{\"x\":1}", "[A mine 1]" },
};

TEST(partials_and_parents)
{
    for (size_t i = 0; i < N_ELEMENTS(partial_rows); i++) {
        struct arena *a = arena_new(0);
        struct template_partials p = { find_partial, next_partial, NULL };
        ROW(partial_rows[i].name);
        p.ctx = decoded(a, json_parse(a, str_of(partial_rows[i].partials), NULL, NULL));
        struct rendered r =
            render_with(TEMPLATE_MUSTACHE, str_of(partial_rows[i].source),
                        json_parse(a, str_of(partial_rows[i].data), NULL, NULL), &p, NULL);
        CHECK_CSTR(r.ok ? r.text : r.e.text, partial_rows[i].want);
        render_free(&r);
        arena_free(a);
    }
}

TEST(a_partial_s_mistake_names_the_partial)
{
    struct arena *a = arena_new(0);
    struct template_partials p = { find_partial, next_partial, NULL };
    p.ctx = decoded(a, json_parse(a, STR("{\"p\":\"x\\n{{#a}}\"}"), NULL, NULL));
    struct rendered r = render_with(TEMPLATE_MUSTACHE, STR("{{>p}}"), NULL, &p, NULL);
    CHECK(!r.compiled);
    CHECK(strstr(r.e.text, "partial \"p\"") != NULL);
    CHECK_INT(r.e.line, 2);
    render_free(&r);
    arena_free(a);
}

static int passed, failed;

static void spec_test(struct arena *a, const char *file, const struct json *test)
{
    char name[256];
    struct template_options o = { .escape = TEMPLATE_ESCAPE_HTML };
    struct template_partials p = { find_partial, next_partial,
                                   decoded(a, json_get(test, STR("partials"))) };
    snprintf(name, sizeof(name), "%s: %" STR_FMT, file,
             STR_ARG(json_get_str(a, test, "name", STR("?"))));
    ROW(name);
    struct rendered r = render_with(TEMPLATE_MUSTACHE, json_get_str(a, test, "template", STR("")),
                                    json_get(test, STR("data")), &p, &o);
    struct str want = json_get_str(a, test, "expected", STR(""));
    if (!r.ok || !str_eq(str_of(r.text), want)) {
        T_FAIL("\n  got  «%s»\n  want «%" STR_FMT "»", r.ok ? r.text : r.e.text, STR_ARG(want));
        failed++;
    } else {
        passed++;
    }
    render_free(&r);
    ROW("");
}

TEST(the_official_specification)
{
    static const char *const files[] = {
        "comments", "delimiters", "interpolation",  "inverted",
        "partials", "sections",   "~dynamic-names", "~inheritance"
    };
    for (size_t i = 0; i < N_ELEMENTS(files); i++) {
        char path[512];
        size_t n;
        struct error e = ERROR_INIT;
        snprintf(path, sizeof(path), SOURCE_DIR "/../shared/conformance/mustache/%s.json",
                 files[i]);
        char *text = read_file(path, &n);
        if (!text) {
            printf("skipped: %s.json of the mustache specification is not beside this checkout\n",
                   files[i]);
            continue;
        }
        struct arena *a = arena_new(64 * KIB);
        struct json *v = json_parse(a, str_n(text, n), NULL, &e);
        const struct json *tests = json_get(v, STR("tests"));
        CHECK(tests != NULL);
        uint32_t k = 0;
        for (const struct json *t = tests ? tests->child : NULL; t && k < tests->count;
             k++, t = t->next)
            spec_test(a, files[i], t);
        arena_free(a);
        free(text);
    }
    if (passed + failed)
        printf("mustache specification: %d of %d\n", passed, passed + failed);
}
