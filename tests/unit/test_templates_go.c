/* The go dialect: what text/template promises, and what is accepted beyond it. Go's own answers are
   in test_templates_vectors.c. */
#include "tests/unit/templates.h"

#define DATA                                                                                       \
    "{\"s\":\"hello\",\"n\":7,\"f\":1.10,\"big\":12345678901234567890,\"e\":\"\",\"z\":0,"         \
    "\"t\":true,\"nul\":null,\"l\":[3,1,2],\"m\":{\"b\":2,\"a\":1},\"o\":{\"p\":{\"q\":\"deep\"}}" \
    ","                                                                                            \
    "\"items\":[{\"name\":\"x\"},{\"name\":\"y\"}],\"a-b\":\"dash\",\"esc\":\"a\\\"\\u00e9\\n\"}"

static const struct row rows[] = {
    { "text stays", "a }} { b", DATA, "a }} { b" },
    { "fields", "{{.s}} {{ .o.p.q }}", DATA, "hello deep" },
    { "numbers as written", "{{.f}} {{.big}} {{.n}}", DATA, "1.10 12345678901234567890 7" },
    { "escaped strings are decoded", "{{.esc}}", DATA, "a\"\xc3\xa9\n" },
    { "lists and maps as Go prints them", "{{.l}} {{.m}} {{.items}}", DATA,
      "[3 1 2] map[a:1 b:2] [map[name:x] map[name:y]]" },
    { "a missing field is nothing",
      "[{{.x}}][{{.x.y.z}}][{{.s.x}}][{{.nul.x}}][{{.l.x}}][{{.nul}}]", DATA, "[][][][][][]" },
    { "hyphens in a name", "{{.a-b}} {{- .a-b -}} x", DATA, "dashdashx" },
    { "list places", "{{.items.1.name}} {{$.items.0.name}} {{(index .items 0).name}}", DATA,
      "y x x" },
    { "a list place out of range is missing", "[{{.items.7.name}}]", DATA, "[]" },
    { "quotes escaped for JSON", "{{ if eq .s \\\"hello\\\" }}yes{{ else }}no{{ end }}", DATA,
      "yes" },
    { "such a string keeps other quotes out", "{{ print \\\"a'b`c\\\" }}", DATA, "a'b`c" },
    { "if, else if, else", "{{if .z}}1{{else if .e}}2{{else if .n}}3{{else}}4{{end}}", DATA, "3" },
    { "with and else with", "{{with .e}}a{{else with .s}}{{.}}{{else}}c{{end}}", DATA, "hello" },
    { "with sets dot, $ stays", "{{with .o}}{{.p.q}} {{$.n}}{{end}}", DATA, "deep 7" },
    { "range over a list", "{{range .l}}{{.}},{{end}}", DATA, "3,1,2," },
    { "range with variables", "{{range $i, $e := .l}}{{$i}}={{$e}};{{end}}", DATA, "0=3;1=1;2=2;" },
    { "range over an object by key", "{{range $k, $v := .m}}{{$k}}{{$v}}{{end}}", DATA, "a1b2" },
    { "range over an integer", "{{range 3}}{{.}}{{end}}{{range $i := 2}}<{{$i}}>{{end}}", DATA,
      "012<0><1>" },
    { "range else", "{{range .x}}a{{else}}none{{end}}", DATA, "none" },
    { "break and continue",
      "{{range .l}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{if eq . 2}}{{break}}{{end}}{{end}}", DATA,
      "32" },
    { "variables", "{{$x := 1}}{{if .t}}{{$x = 2}}{{$y := 3}}{{$x}}{{$y}}{{end}}{{$x}}", DATA,
      "232" },
    { "define and template",
      "{{define \"a\"}}[{{.}}{{$}}]{{end}}{{template \"a\" .n}}{{template \"a\"}}", DATA,
      "[77][]" },
    { "block", "{{block \"b\" .o}}{{.p.q}}{{end}}", DATA, "deep" },
    { "a defined template may come later and call others",
      "{{template \"a\" .}}{{define \"b\"}}B{{.n}}{{end}}{{define \"a\"}}A{{template \"b\" "
      ".}}{{end}}",
      DATA, "AB7" },
    { "pipelines", "{{.s | printf \"%s-%d\" | len}} {{ .s | upper | printf \"%q\" }}", DATA,
      "18 \"HELLO\"" },
    { "comments and trim markers", "a  {{- /* c */ -}}  b {{/* d */}} {{- .n -}} c", DATA,
      "ab 7c" },
    { "literals",
      "{{\"a\\tb\"}} {{`raw\\n`}} {{'a'}} {{0x1F}} {{1_000}} {{1e3}} {{-2.50}} {{true}}", DATA,
      "a\tb raw\\n 97 31 1000 1000 -2.5 true" },
    { "and, or stop early", "{{or .s (index .l 99)}} {{and .e (index .l 99)}}|", DATA, "hello |" },
    { "numbers compare by value, exactly",
      "{{eq .n 7}} {{eq .n 7.0}} {{eq .big 12345678901234567891}} {{lt .f 1.2}}", DATA,
      "!overflows" },
    { "large numbers are not rounded",
      "{{eq .big .big}} {{gt .big .n}} {{eq .n 7.0}} {{lt .f 1.2}}", DATA, "true true true true" },
    { "strings compare by bytes",
      "{{lt \"a\" \"b\"}} {{ge .s \"hello\"}} {{eq .s \"x\" \"hello\"}}", DATA, "true true true" },
    { "eq with something missing is false, not an error",
      "{{eq .x \"a\"}} {{ne .x \"a\"}} {{gt .x 5}}", DATA, "false true false" },
    { "different kinds do not compare", "{{eq .n \"7\"}}", DATA, "!cannot compare" },
    { "len index slice",
      "{{len .l}} {{len .m}} {{len .s}} {{index .m \"a\"}} {{index .items 1 \"name\"}} {{slice .s "
      "1 3}} {{slice .l 1}}",
      DATA, "3 2 5 1 y el [1 2]" },
    { "index out of range", "{{index .l 3}}", DATA, "!out of range" },
    { "an unknown function", "ab\n {{ toJsn .s }}", DATA, "!did you mean toJson?" },
    { "an undefined variable", "{{$x}}", DATA, "!undefined variable" },
    { "an unclosed action", "{{ .s", DATA, "!not closed" },
    { "an unclosed string", "{{ \"a }}", DATA, "!not closed" },
    { "a missing end", "{{if .s}}a", DATA, "!{{if}} has no {{end}}" },
    { "an end too much", "{{end}}", DATA, "!unexpected {{end}}" },
    { "an else too much", "{{if .s}}{{else}}{{else}}{{end}}", DATA, "!expected end" },
    { "break outside range", "{{break}}", DATA, "!outside {{range}}" },
    { "an undefined template", "{{template \"zz\"}}", DATA, "!\"zz\" is not defined" },
    { "two definitions", "{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}", DATA,
      "!defined twice" },
    { "the wrong number of arguments", "{{toJson .s .n}}", DATA, "!want 1, got 2" },
    { "arguments to a field", "{{.s 1}}", DATA, "!is no function" },
    { "endless recursion", "{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}", DATA,
      "!64 levels" },
    { "call is an error", "{{call .s}}", DATA, "!no function" },
    { "complex numbers are refused", "{{print 1i}}", DATA, "!complex" },
};

TEST(go_rows)
{
    CHECK_ROWS(TEMPLATE_GO, rows, NULL);
}

TEST(errors_have_line_and_column)
{
    static const struct {
        const char *source;
        unsigned line, column;
    } places[] = {
        { "a\n  {{ .x | foo }}", 2, 11 },
        { "{{ if }}", 1, 7 },
        { "\xc3\xa9{{ $x }}", 1, 5 },
        { "\n\n{{ len .n }}", 3, 4 },
    };
    for (size_t i = 0; i < N_ELEMENTS(places); i++) {
        struct rendered r = render(TEMPLATE_GO, places[i].source, DATA, NULL);
        ROW(places[i].source);
        CHECK(!r.ok);
        CHECK_INT(r.e.line, places[i].line);
        CHECK_INT(r.e.column, places[i].column);
        render_free(&r);
    }
}

static const struct row strict_rows[] = {
    { "a field of a scalar", "{{.s.x}}", DATA, "!no field x in a value of type string" },
    { "a field of a list", "{{.l.x}}", DATA, "!no field x in a value of type []" },
    { "a field of null", "{{.nul.x}}", DATA, "!no field x" },
    { "the length of nothing", "{{len .x}}", DATA, "!no length" },
    { "an index of nothing", "{{index .x 1}}", DATA, "!index nil" },
};

TEST(missing_fields_as_configured)
{
    static const struct row go_row = { "go", "{{.x}} {{.x.y}} {{.nul}} {{print .x}}", DATA,
                                       "<no value> <no value> <no value> <nil>" };
    static const struct row keep = { "keep", "{{ .x }}{{.s}}{{- .x.y -}} ", DATA,
                                     "{{ .x }}hello{{- .x.y -}}" };
    static const struct row errors[] = {
        { "error", "a {{.x}}", DATA, "!missing field x" },
        { "error below a missing field", "{{.o.x.y}}", DATA, "!o.x.y" },
        { "error in a condition, as in Go", "{{if .x}}{{end}}", DATA, "!missing field x" },
        { "null is there", "{{.nul}}", DATA, "<no value>" },
    };
    struct template_options o = { .missing = TEMPLATE_MISSING_GO };
    check_row(TEMPLATE_GO, &go_row, &o);
    CHECK_ROWS(TEMPLATE_GO, strict_rows, &o);
    o.missing = TEMPLATE_MISSING_KEEP;
    check_row(TEMPLATE_GO, &keep, &o);
    o.missing = TEMPLATE_MISSING_ERROR;
    CHECK_ROWS(TEMPLATE_GO, errors, &o);
    for (size_t i = 0; i < 3; i++)
        check_row(TEMPLATE_GO, &strict_rows[i], &o);
}

static void note(void *ctx, struct str path)
{
    struct buf *b = ctx;
    buf_str(b, path);
    buf_char(b, ' ');
}

TEST(missing_fields_are_reported)
{
    auto_buf seen = BUF_INIT(4096);
    struct template_options o = { .on_missing = note, .ctx = &seen };
    struct rendered r =
        render(TEMPLATE_GO,
               "{{.a}}{{.o.x.y}}{{if .b}}{{end}}{{default \"d\" .c}}{{with .d}}{{end}}"
               "{{range .e2}}{{end}}{{or .f2 1}}{{toJson .g}}{{.nul}}{{.s}}",
               DATA, &o);
    CHECK(r.ok);
    CHECK_STR(buf_view(&seen), "a o.x.y g ");
    render_free(&r);
}

TEST(look_ups_from_the_root_are_listed)
{
    auto_buf seen = BUF_INIT(4096);
    struct template *t = template_compile(
        TEMPLATE_GO,
        STR("{{.body.a}}{{with .x}}{{.y}}{{$.query.z}}{{end}}{{range .l}}{{.}}{{end}}"
            "{{toJson .}}"),
        NULL, NULL);
    template_each_path(t, note, &seen);
    CHECK_STR(buf_view(&seen), "body.a x query.z l  ");
    CHECK(template_is_dynamic(t));
    template_free(t);
    buf_reset(&seen);
    t = template_compile(TEMPLATE_MUSTACHE, STR("{{a.b}}{{#c}}{{d}}{{/c}}"), NULL, NULL);
    template_each_path(t, note, &seen);
    CHECK_STR(buf_view(&seen), "a.b c d ");
    template_free(t);
    buf_reset(&seen);
    t = template_compile(TEMPLATE_DOT, STR("{a.b} {__raw__} {x"), NULL, NULL);
    template_each_path(t, note, &seen);
    CHECK_STR(buf_view(&seen), "a.b  ");
    template_free(t);
}

TEST(plain_text_is_not_dynamic)
{
    static const struct {
        enum template_dialect dialect;
        const char *source;
        bool dynamic;
    } plain[] = {
        { TEMPLATE_GO, "a { b } }}", false },
        { TEMPLATE_GO, "a{{/* c */}}", true },
        { TEMPLATE_MUSTACHE, "a { b }", false },
        { TEMPLATE_MUSTACHE, "a{{! b }}", true },
        { TEMPLATE_DOT, "{\"a\": {{b}}}", false },
        { TEMPLATE_DOT, "{a}", true },
        { TEMPLATE_GO, "", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(plain); i++) {
        struct template *t =
            template_compile(plain[i].dialect, str_of(plain[i].source), NULL, NULL);
        ROW(plain[i].source);
        CHECK_INT(template_is_dynamic(t), plain[i].dynamic);
        template_free(t);
    }
}

static struct str shared(void *ctx, struct str name)
{
    (void)ctx;
    if (str_eq(name, STR("footer")))
        return STR("--{{template \"sign\" .}}");
    return str_eq(name, STR("sign")) ? STR("by {{.AgentName}}") : STR_NULL;
}

TEST(shared_templates_are_found)
{
    struct arena *a = arena_new(0);
    struct template_partials p = { .find = shared };
    struct rendered r =
        render_with(TEMPLATE_GO, STR("x {{template \"footer\" .}}"),
                    json_parse(a, STR("{\"agent_name\":\"bot\"}"), NULL, NULL), &p, NULL);
    CHECK_CSTR(r.text, "x --by bot");
    render_free(&r);
    arena_free(a);
}

TEST(truthy_texts)
{
    static const char *const untrue[] = { "", " \n", "false", " 0 ", "null", "<no value>" };
    for (size_t i = 0; i < N_ELEMENTS(untrue); i++)
        CHECK(!template_truthy(str_of(untrue[i])));
    CHECK(template_truthy(STR("true")) && template_truthy(STR("00")) && template_truthy(STR("no")));
}

TEST(words)
{
    enum template_dialect d;
    enum template_missing m;
    enum template_escape x;
    CHECK(template_dialect_parse(STR("mustache"), &d) == 0 && d == TEMPLATE_MUSTACHE);
    CHECK(template_dialect_parse(STR("jinja"), &d) == -1);
    CHECK(template_missing_parse(STR("keep"), &m) == 0 && m == TEMPLATE_MISSING_KEEP);
    CHECK(template_escape_parse(STR("url"), &x) == 0 && x == TEMPLATE_ESCAPE_URL);
    CHECK_CSTR(template_dialect_word(TEMPLATE_DOT), "dot");
}
