/* Paths: what compiles, what is found, where a malformed path goes wrong. */
#include "base/jsonpath.h"

#include "tests/t.h"

static const char document[] =
    "{\"body\":{\"items\":[{\"id\":7,\"tags\":[\"a\",\"b\"]},{\"id\":8}],\"a.b\":1,\"0\":\"zero\","
    "\"007\":\"bond\",\"q\\\"q\":2,\"\\u00e9\":3,\"x-y_z$@1\":4,\"\":5,\"none\":null,\"s\":"
    "\"text\","
    "\"dup\":1,\"dup\":2}}";

TEST(paths_find_values)
{
    static const struct {
        const char *path, *want; /* want: compact JSON, NULL = nothing there */
    } rows[] = {
        { ".body.items[0].id", "7" },
        { "body.items[0].id", "7" },
        { "body.items.0.id", "7" },
        { "body.items[1]", "{\"id\":8}" },
        { "body[\"items\"][0][\"tags\"][1]", "\"b\"" },
        { "[\"body\"].dup", "2" },
        { ".[\"body\"].s", "\"text\"" },
        { "body[\"a.b\"]", "1" },
        { "body.0", "\"zero\"" },
        { "body[0]", "\"zero\"" },
        { "body[\"0\"]", "\"zero\"" },
        { "body.007", "\"bond\"" },
        { "body[\"q\\\"q\"]", "2" },
        { "body[\"\xc3\xa9\"]", "3" },
        { "body[\"\\u00E9\"]", "3" },
        { "body.x-y_z$@1", "4" },
        { "body[\"\"]", "5" },
        { "body.none", "null" },
        { "body.items[2]", NULL },
        { "body.items[18446744073709551615]", NULL },
        { "body.items.99999999999999999999", NULL },
        { "body.items.007", NULL },
        { "body.items[\"0\"]", NULL },
        { "body.items.id", NULL },
        { "body.none.x", NULL },
        { "body.s.0", NULL },
        { "Body", NULL },
        { "missing.at.all", NULL },
    };
    struct arena *a = arena_new(0);
    const struct json *root = json_parse(a, str_of(document), NULL, NULL);
    CHECK(root != NULL);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].path);
        struct error e = ERROR_INIT;
        struct jsonpath *path = jsonpath_compile(a, str_of(rows[i].path), &e);
        CHECK_CSTR(e.text, "");
        if (!path)
            continue;
        const struct json *v = jsonpath_find(path, root);
        CHECK_INT(v != NULL, rows[i].want != NULL);
        auto_buf out = BUF_INIT(KIB);
        if (v && rows[i].want) {
            json_write(&out, v, JSON_COMPACT);
            CHECK_STR(buf_view(&out), rows[i].want);
        }
    }
    ROW("");
    CHECK(jsonpath_find(jsonpath_compile(a, STR("."), NULL), root) == root);
    CHECK(jsonpath_find(jsonpath_compile(a, STR("a"), NULL), NULL) == NULL);
    arena_free(a);
}

TEST(header_objects_are_searched_without_case)
{
    struct arena *a = arena_new(0);
    struct json *root = json_object(a), *headers = json_object(a);
    headers->flags |= JSON_FOLD;
    json_put_str(a, headers, "x-github-event", "push");
    json_put(a, root, STR("headers"), headers);
    const struct json *v =
        jsonpath_find(jsonpath_compile(a, STR(".headers.X-GitHub-Event"), NULL), root);
    CHECK(v != NULL);
    if (v)
        CHECK_STR(v->text, "push");
    arena_free(a);
}

TEST(a_path_does_not_keep_the_text_it_came_from)
{
    struct arena *a = arena_new(0);
    char text[] = "a[\"b\"][0]";
    struct jsonpath *path = jsonpath_compile(a, str_of(text), NULL);
    memset(text, 'x', sizeof(text));
    CHECK(path && jsonpath_find(path, json_parse(a, STR("{\"a\":{\"b\":[1]}}"), NULL, NULL)));
    arena_free(a);
}

TEST(malformed_paths_say_where)
{
    static const struct {
        const char *path;
        unsigned column;
        const char *text;
    } rows[] = {
        { "", 1, "the path is empty, expected a name" },
        { "..", 2, "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]" },
        { "a.", 3, "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]" },
        { "a..b", 3, "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]" },
        { "a.[0]", 3, "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]" },
        { "a b", 2, "unexpected character, expected '.' or '['" },
        { " a", 1, "expected a name of letters, digits, _ @ $ -, or [\"name\"] or [0]" },
        { "caf\xc3\xa9", 4, "unexpected character, expected '.' or '['" },
        { "a[", 3, "expected an index or a name in double quotes after '['" },
        { "a[]", 3, "expected an index or a name in double quotes after '['" },
        { "a[-1]", 3, "expected an index or a name in double quotes after '['" },
        { "a['b']", 3, "expected an index or a name in double quotes after '['" },
        { "a[0", 4, "expected ']'" },
        { "a[0x]", 4, "expected ']'" },
        { "a[01]", 3, "expected an index without leading zeros that fits 64 bits" },
        { "a[18446744073709551616]", 3,
          "expected an index without leading zeros that fits 64 bits" },
        { "a[\"b", 3, "expected a closing '\"'" },
        { "a[\"b\\\"]", 3, "expected a closing '\"'" },
        { "a[\"b\\", 3, "expected a closing '\"'" },
        { "a[\"\xc3\xa9\\x\"]", 5,
          "unknown escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u" },
        { "a[\"b\"", 6, "expected ']'" },
        { "a[0]b", 5, "unexpected character, expected '.' or '['" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].path);
        struct arena *a = arena_new(0);
        struct error e = ERROR_INIT;
        CHECK(jsonpath_compile(a, str_of(rows[i].path), &e) == NULL);
        CHECK(jsonpath_compile(a, str_of(rows[i].path), NULL) == NULL);
        CHECK_INT(e.line, 1);
        CHECK_INT(e.column, rows[i].column);
        CHECK_CSTR(e.text, rows[i].text);
        arena_free(a);
    }
}

TEST(at_most_32_segments)
{
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    char text[] = "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.b";
    CHECK(jsonpath_compile(a, str_n(text, 63), &e) != NULL);
    CHECK(jsonpath_compile(a, str_of(text), &e) == NULL);
    CHECK_INT(e.column, 65);
    CHECK_CSTR(e.text, "the path has too many segments, expected at most 32");
    arena_free(a);
}
