/* Which dialect `engine: auto` takes. */
#include "tests/unit/templates.h"

static const struct {
    const char *source, *want;
} rows[] = {
    { "plain text", "mustache" },
    { "{{prompt}}", "mustache" },
    { "Task completed: {{prompt}} ({{duration_seconds}}s)", "mustache" },
    { "{{ .Status }}", "go" },
    { "{{.}}", "go" },
    { "{{ $x }}", "go" },
    { "{{ if eq .Status \"completed\" }}a{{ else }}b{{ end }}", "go" },
    { "{{ if eq .Status \\\"completed\\\" }}a{{ end }}", "go" },
    { "{{- .x -}}", "go" },
    { "{{ toJson . }}", "go" },
    { "{{ toJson .body }}", "go" },
    { "{{range .l}}x{{end}}", "go" },
    { "{{#tools}}{{name}} {{/tools}}", "mustache" },
    { "{{#tools}}{{.}}{{/tools}}", "mustache" },
    { "{{ .a }}{{#b}}{{/b}}", "mustache" },
    { "{{{a}}} {{ .b }}", "mustache" },
    { "{{&a}}", "mustache" },
    { "{{>p}}", "mustache" },
    { "{{!c}}", "mustache" },
    { "{{^a}}{{/a}}", "mustache" },
    { "{{/* a comment of go */}}", "go" },
    { "{{- /* a comment of go */ -}} x", "go" },
    { "{{ now }}", "go" },
    { "{{ title }} {{ end }} {{ range }}", "mustache" },
    { "{{ title .x }}", "go" },
    { "{{ \"x\" | upper }}", "go" },
    { "{{ (index .l 0).x }}", "go" },
    { "{{ name }} {{ .x }}", "go" },
    { "{{ nothing x }}", "mustache" },
    { "{{ template \"x\" }}", "go" },
    { "{a.b}", "mustache" },
    { "{{", "mustache" },
};

TEST(auto_choice)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].source);
        struct template *t = template_compile(TEMPLATE_AUTO, str_of(rows[i].source), NULL, NULL);
        struct error e = ERROR_INIT;
        if (t) {
            CHECK_CSTR(template_dialect_word(template_dialect(t)), rows[i].want);
        } else {
            /* What does not compile as the one must be the other's mistake. */
            enum template_dialect other =
                strcmp(rows[i].want, "go") == 0 ? TEMPLATE_GO : TEMPLATE_MUSTACHE;
            CHECK(template_compile(other, str_of(rows[i].source), NULL, &e) == NULL);
        }
        template_free(t);
    }
}
