/* The dot dialect of prompts. */
#include "tests/unit/templates.h"

static const struct row rows[] = {
    { "paths", "PR #{number}: {pull_request.title}",
      "{\"number\":7,\"pull_request\":{\"title\":\"Fix\"}}", "PR #7: Fix" },
    { "what is missing stays", "{a} {b.c} {b.x.y}", "{\"b\":{\"x\":1}}", "{a} {b.c} {b.x.y}" },
    { "list places", "{items.0.name} {items.9.name}", "{\"items\":[{\"name\":\"x\"}]}",
      "x {items.9.name}" },
    { "null, booleans and numbers as JSON", "{n} {t} {x} {y}",
      "{\"n\":null,\"t\":true,\"x\":1.10,\"y\":1e400}", "null true 1.10 1e400" },
    { "objects and lists as compact JSON", "{o} {l}",
      "{\"o\":{\"b\":1,\"a\":\"\\u00e9\"},\"l\":[1, 2]}", "{\"b\":1,\"a\":\"\xc3\xa9\"} [1,2]" },
    { "JSON around it is text", "{\"a\": \"{b.c}\", \"d\": {\"e\": 1}}", "{\"b\":{\"c\":\"x\"}}",
      "{\"a\": \"x\", \"d\": {\"e\": 1}}" },
    { "double braces stay", "{{a}} {{b}}{a}", "{\"a\":1}", "{{a}} {{b}}1" },
    { "no path stays", "{} { a } {a b} {.a} {a.} {a..b} {", "{\"a\":1}",
      "{} { a } {a b} {.a} {a.} {a..b} {" },
    { "hyphens, at and dollar in names", "{X-Y} {@id} {$ref}", "{\"X-Y\":1,\"@id\":2,\"$ref\":3}",
      "1 2 3" },
    { "what was put in is not looked at again", "{a}", "{\"a\":\"{b}\",\"b\":1}", "{b}" },
    { "both spellings of the documented names", "{Prompt} {task_id}", "{\"prompt\":1,\"TaskID\":2}",
      "1 2" },
    { "numeric keys of objects", "{o.0}", "{\"o\":{\"0\":\"zero\"}}", "zero" },
    { "the whole data, indented", "{__raw__}", "{\"a\":[1]}", "{\n  \"a\": [\n    1\n  ]\n}" },
    { "text", "a\nb", "{}", "a\nb" },
};

TEST(dot_rows)
{
    CHECK_ROWS(TEMPLATE_DOT, rows, NULL);
}

TEST(a_missing_field_can_be_an_error)
{
    struct template_options o = { .missing = TEMPLATE_MISSING_ERROR };
    static const struct row row = { "error", "a\n{b.c}", "{}", "!missing field b.c" };
    check_row(TEMPLATE_DOT, &row, &o);
}

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

TEST(long_values_are_cut_between_characters)
{
    struct arena *a = arena_new(0);
    struct json *root = json_object(a), *list = json_put(a, root, STR("l"), json_list(a));
    for (int i = 0; i < 3000; i++)
        json_add(a, list, json_str(a, STR("\xc3\xa9")));
    struct rendered r = render_with(TEMPLATE_DOT, STR("{l}"), root, NULL, NULL);
    CHECK_INT(characters(r.text), 2000);
    CHECK(str_utf8_valid(str_of(r.text)));
    render_free(&r);
    r = render_with(TEMPLATE_DOT, STR("<{__raw__}>"), root, NULL, NULL);
    CHECK_INT(characters(r.text), 4002);
    render_free(&r);
    arena_free(a);
}

TEST(a_long_string_is_not_cut)
{
    struct arena *a = arena_new(0);
    struct json *root = json_object(a);
    char *text = arena_alloc(a, 5001);
    memset(text, 'x', 5000);
    json_put(a, root, STR("s"), json_str(a, str_of(text)));
    struct rendered r = render_with(TEMPLATE_DOT, STR("{s}"), root, NULL, NULL);
    CHECK_INT(strlen(r.text), 5000);
    render_free(&r);
    arena_free(a);
}
