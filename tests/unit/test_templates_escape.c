/* Escaping by where a value lands. */
#include "tests/unit/templates.h"

static const struct row json_rows[] = {
    { "a value in a string cannot end it", "{\"t\":\"Error: {{.Error}}\"}",
      "{\"Error\":\"a\\\"b\\\\c\\nd\"}", "{\"t\":\"Error: a\\\"b\\\\c\\nd\"}" },
    { "nor add members", "{\"t\":\"{{.x}}\"}", "{\"x\":\"\\\",\\\"channel\\\":\\\"#general\"}",
      "{\"t\":\"\\\",\\\"channel\\\":\\\"#general\"}" },
    { "toJson outside a string is JSON", "{\"d\":{{toJson .}}}", "{\"b\":\"x\\\"\",\"a\":1}",
      "{\"d\":{\"a\":1,\"b\":\"x\\\"\"}}" },
    { "toJson inside a string is text", "{\"d\":\"{{toJson .}}\"}", "{\"a\":\"x\"}",
      "{\"d\":\"{\\\"a\\\":\\\"x\\\"}\"}" },
    { "a value outside a string is left as it is", "{\"n\":{{.n}},\"t\":{{.t}}}",
      "{\"n\":1.10,\"t\":true}", "{\"n\":1.10,\"t\":true}" },
    { "branches keep track", "{\"c\":\"{{if .x}}a{{else}}b{{end}}\",\"s\":\"{{.s}}\"}",
      "{\"s\":\"\\\"\"}", "{\"c\":\"b\",\"s\":\"\\\"\"}" },
    { "a string built in parts", "{\"a\":{{if .x}}\"{{.x}}\"{{else}}null{{end}},\"b\":\"{{.x}}\"}",
      "{\"x\":\"\\\"\"}", "{\"a\":\"\\\"\",\"b\":\"\\\"\"}" },
    { "a backslash in front of a value stays one", "{\"p\":\"C:\\{{.d}}\"}", "{\"d\":\"new\"}",
      "{\"p\":\"C:\\\\new\"}" },
    { "escapes of the template are its own", "{\"a\":\"\\\"{{.d}}\\\\\"}", "{\"d\":\"\\\"\"}",
      "{\"a\":\"\\\"\\\"\\\\\"}" },
    { "lists in Go's form are escaped too", "{\"a\":\"{{.l}}\"}", "{\"l\":[\"\\\"\"]}",
      "{\"a\":\"[\\\"]\"}" },
    { "a quoted value outside", "{\"a\":{{.s | quote}},\"b\":\"{{.s}}\"}", "{\"s\":\"x\\\"y\"}",
      "{\"a\":\"x\\\"y\",\"b\":\"x\\\"y\"}" },
    { "control characters", "\"{{.s}}\"", "{\"s\":\"\\u0001\\u2028\"}", "\"\\u0001\\u2028\"" },
    { "invalid bytes", "\"{{ \"\\xff\" }}\"", "{}", "\"\xef\xbf\xbd\"" },
};

TEST(values_in_json)
{
    struct template_options o = { .escape = TEMPLATE_ESCAPE_JSON };
    CHECK_ROWS(TEMPLATE_GO, json_rows, &o);
    static const struct row mustache[] = {
        { "mustache", "{\"t\":\"{{x}} {{{x}}} {{&x}}\"}", "{\"x\":\"<\\\"\"}",
          "{\"t\":\"<\\\" <\\\" <\\\"\"}" },
    };
    CHECK_ROWS(TEMPLATE_MUSTACHE, mustache, &o);
    static const struct row dot[] = {
        { "dot", "{\"t\": \"{x}\", \"u\": {x.y}}", "{\"x\":{\"y\":1}}",
          "{\"t\": \"{\\\"y\\\":1}\", \"u\": 1}" },
    };
    CHECK_ROWS(TEMPLATE_DOT, dot, &o);
    o.missing = TEMPLATE_MISSING_KEEP;
    static const struct row keep[] = {
        { "a tag that is kept", "\"{{ index .x \"a\" }}\"", "{}", "\"{{ index .x \\\"a\\\" }}\"" },
    };
    CHECK_ROWS(TEMPLATE_GO, keep, &o);
}

TEST(values_in_html)
{
    struct template_options o = { .escape = TEMPLATE_ESCAPE_HTML };
    static const struct row go[] = {
        { "go", "<b>{{.x}}</b> {{.x | html}} {{.l}}", "{\"x\":\"<a href='b'>&\",\"l\":[\"<\"]}",
          "<b>&lt;a href=&#39;b&#39;&gt;&amp;</b> &lt;a href=&#39;b&#39;&gt;&amp; [&lt;]" },
    };
    static const struct row mustache[] = {
        { "mustache", "{{x}} {{{x}}} {{&x}}", "{\"x\":\"<\\\"\"}", "&lt;&quot; <\" <\"" },
    };
    CHECK_ROWS(TEMPLATE_GO, go, &o);
    CHECK_ROWS(TEMPLATE_MUSTACHE, mustache, &o);
}

TEST(values_in_urls)
{
    struct template_options o = { .escape = TEMPLATE_ESCAPE_URL };
    static const struct row go[] = {
        { "go", "/x/{{.a}}?q={{.b}}&r={{.b | urlquery}}", "{\"a\":\"a/b c\",\"b\":\"\\u00e9&=\"}",
          "/x/a%2Fb%20c?q=%C3%A9%26%3D&r=%C3%A9%26%3D" },
    };
    CHECK_ROWS(TEMPLATE_GO, go, &o);
}

TEST(plain_text_has_no_invalid_bytes)
{
    static const struct row go[] = {
        { "bytes that are no UTF-8", "{{ \"a\\xffb\" }}{{ slice \"\\u00e9\" 0 1 }}", "{}",
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd" },
    };
    CHECK_ROWS(TEMPLATE_GO, go, NULL);
    struct error e = ERROR_INIT;
    CHECK(template_compile(TEMPLATE_GO, STR("a\n\xff"), NULL, &e) == NULL);
    CHECK_INT(e.line, 2);
}

TEST(json_as_go_escapes_it)
{
    static const struct row plain = { "plain", "{{toJson .}}", "{\"a\":\"<&>\"}",
                                      "{\"a\":\"<&>\"}" };
    static const struct row html = { "escape_html", "{{toJson .}}", "{\"a\":\"<&>\"}",
                                     "{\"a\":\"\\u003c\\u0026\\u003e\"}" };
    struct template_options o = { .escape_html = true };
    check_row(TEMPLATE_GO, &plain, NULL);
    check_row(TEMPLATE_GO, &html, &o);
}
