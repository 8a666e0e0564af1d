/* Lossless JSON: what is accepted, what is found, what comes out again. */
#include "base/json.h"

#include "tests/t.h"

/* Parses or fails the check; NULL then. */
static struct json *parsed(struct arena *a, struct str text)
{
    struct error e = ERROR_INIT;
    struct json *v = json_parse(a, text, NULL, &e);
    if (!v)
        T_FAIL("«%" STR_FMT "» was not accepted: %u:%u %s", STR_ARG(text), e.line, e.column,
               e.text);
    return v;
}

static struct json *parsed_c(struct arena *a, const char *text)
{
    return parsed(a, str_of(text));
}

#define CHECK_WRITES(v, style, want)       \
    do {                                   \
        auto_buf t_out = BUF_INIT(MIB);    \
        json_write(&t_out, (v), (style));  \
        CHECK(buf_ok(&t_out));             \
        CHECK_STR(buf_view(&t_out), want); \
    } while (0)

/* The reader of tests/rows/json.rows: \xNN and \\ in place; false when the row is malformed. */
static bool row_decode(char *text, struct str *out)
{
    char *to = text;
    for (const char *p = text; *p;) {
        unsigned byte;
        if (*p != '\\') {
            *to++ = *p++;
        } else if (p[1] == '\\') {
            *to++ = '\\';
            p += 2;
        } else if (sscanf(p, "\\x%2x", &byte) == 1) {
            *to++ = (char)byte;
            p += 4;
        } else {
            return false;
        }
    }
    *out = str_n(text, (size_t)(to - text));
    return true;
}

TEST(accepts_and_rejects_what_node_does)
{
    FILE *f = fopen(SOURCE_DIR "/tests/rows/json.rows", "re");
    CHECK(f != NULL);
    if (!f)
        return;
    char line[512], name[512];
    unsigned rows = 0;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        char *tab = strchr(line, '\t');
        if (line[0] == '#' || !tab)
            continue;
        memcpy(name, line, sizeof(name));
        ROW(name);
        struct str text;
        CHECK(row_decode(tab + 1, &text));
        struct arena *a = arena_new(0);
        /* a copy of the exact size, so that ASan sees one byte too many */
        char *exact = xstrndup(text.p, text.n);
        exact = xrealloc(exact, text.n ? text.n : 1);
        struct error e = ERROR_INIT;
        bool accepted = json_parse(a, str_n(exact, text.n), NULL, &e) != NULL;
        CHECK_INT(accepted, strncmp(line, "accept", 6) == 0);
        if (!accepted)
            CHECK(e.code == ERROR_INVALID && e.line && e.column && e.text[0]);
        free(exact);
        arena_free(a);
        rows++;
    }
    fclose(f);
    ROW("");
    CHECK_INT(rows, 105);
}

TEST(what_was_read_is_written_as_it_was)
{
    static const char *const rows[] = {
        "[9223372036854775807]",
        "[9223372036854775808]",
        "[12345678901234567890]",
        "[1234567890123456789012345678901234567890]",
        "[9007199254740993]",
        "[1e400]",
        "[1e-400]",
        "[0.1]",
        "[1.10]",
        "[1.0]",
        "[1E2]",
        "[-0]",
        "[-0.0]",
        "[0.30000000000000004]",
        "[3.141592653589793238]",
        "{\"z\":1,\"a\":2,\"m\":3}",
        "{\"a\":1,\"a\":2}",
        "{\"\":1}",
        "[\"a\\u0000b\"]",
        "[\"\\ud83d\\ude00\"]",
        "[\"\\ud83d\"]",
        "[\"\\ude00\"]",
        "{\"\\u0061\\n\":\"\\u0062\"}",
        "[\"\x7f\"]",
        "[\"a/b<\\/x>\"]",
        "[[],{},[{}],{\"a\":[]}]",
        "[true,false,null,\"\"]",
        "5",
        "\"x\"",
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i]);
        struct arena *a = arena_new(0);
        struct json *v = parsed_c(a, rows[i]);
        if (v)
            CHECK_WRITES(v, JSON_COMPACT, rows[i]);
        arena_free(a);
    }
}

TEST(blanks_and_a_bom_go_line_separators_are_escaped)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { " [ 1 ,\r\n\t2 ] ", "[1,2]" },
        { "\xef\xbb\xbf{ \"a\" : [ ] }", "{\"a\":[]}" },
        { "[\"\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xa7\"]", "[\"\\u2028|\\u2029|\xe2\x80\xa7\"]" },
        { "[\"\\\"\xe2\x80\xa8\\\\\"]", "[\"\\\"\\u2028\\\\\"]" },
        { "{\"\xe2\x80\xa9\":0}", "{\"\\u2029\":0}" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        struct arena *a = arena_new(0);
        struct json *v = parsed_c(a, rows[i].in);
        if (v)
            CHECK_WRITES(v, JSON_COMPACT, rows[i].out);
        arena_free(a);
    }
}

TEST(errors_say_where_and_what)
{
    static const struct {
        const char *in;
        unsigned line, column;
        const char *text;
    } rows[] = {
        { "", 1, 1, "unexpected end of the text, expected a value" },
        { "\n ", 2, 2, "unexpected end of the text, expected a value" },
        { "[1,\n  2,\n  x]", 3, 3, "unexpected character, expected a value" },
        { "[1", 1, 3, "unexpected end of the text, expected ',' or ']'" },
        { "{\"a\":1", 1, 7, "unexpected end of the text, expected ',' or '}'" },
        { "[1 2]", 1, 4, "expected ',' or ']' after an item" },
        { "{\"a\":1 2}", 1, 8, "expected ',' or '}' after a member" },
        { "{\"a\":1,}", 1, 8, "expected a member's name in double quotes" },
        { "{\"a\" 1}", 1, 6, "expected ':' after a member's name" },
        { "{\"a\":", 1, 6, "unexpected end of the text, expected a value" },
        { "[1,]", 1, 4, "unexpected character, expected a value" },
        { "{} {}", 1, 4, "unexpected text after the value" },
        { "[nul]", 1, 2, "unknown word, expected null, true or false" },
        { "[01]", 1, 2, "malformed number, leading zeros are not allowed" },
        { "[-01]", 1, 2, "malformed number, leading zeros are not allowed" },
        { "[1.]", 1, 4, "malformed number, expected a digit" },
        { "[-]", 1, 3, "malformed number, expected a digit" },
        { "[1e+]", 1, 5, "malformed number, expected a digit" },
        { "[\"é\", \"\t\"]", 1, 8, "control character in a string, expected an escape" },
        { "\xef\xbb\xbf[\"\xff\"]", 1, 3, "invalid UTF-8 in a string" },
        { "[\"abc", 1, 6, "unexpected end of the text inside a string" },
        { "[\"abc\\", 1, 7, "unexpected end of the text inside a string" },
        { "[\"a\\x\"]", 1, 4,
          "unknown escape, expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u" },
        { "[\"a\\u12\"]", 1, 4, "an escape \\u needs four hex digits" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        struct arena *a = arena_new(0);
        struct error e = ERROR_INIT;
        CHECK(json_parse(a, str_of(rows[i].in), NULL, &e) == NULL);
        CHECK(json_parse(a, str_of(rows[i].in), NULL, NULL) == NULL);
        CHECK_INT(e.code, ERROR_INVALID);
        CHECK_INT(e.line, rows[i].line);
        CHECK_INT(e.column, rows[i].column);
        CHECK_CSTR(e.text, rows[i].text);
        arena_free(a);
    }
}

TEST(no_text_at_all_is_an_error_not_a_crash)
{
    struct arena *a = arena_new(0);
    CHECK(json_parse(a, STR_NULL, NULL, NULL) == NULL);
    arena_free(a);
}

TEST(depth_and_values_are_limited)
{
    static const struct {
        const char *in;
        struct json_limits limits;
        const char *wrong; /* NULL = accepted */
        unsigned column;
    } rows[] = {
        { "[[1]]", { .max_depth = 2 }, NULL, 0 },
        { "[{\"a\":1},[]]", { .max_depth = 2 }, NULL, 0 },
        { "[[[]]]", { .max_depth = 2 }, "lists and objects are nested too deep", 3 },
        { "[{\"a\":{}}]", { .max_depth = 2 }, "lists and objects are nested too deep", 7 },
        { "1", { .max_nodes = 1 }, NULL, 0 },
        { "[1,2]", { .max_nodes = 3 }, NULL, 0 },
        { "[1,2]", { .max_nodes = 2 }, "too many values", 4 },
        { "{\"a\":1}", { .max_nodes = 1 }, "too many values", 2 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        struct arena *a = arena_new(0);
        struct error e = ERROR_INIT;
        const struct json *v = json_parse(a, str_of(rows[i].in), &rows[i].limits, &e);
        CHECK_INT(v == NULL, rows[i].wrong != NULL);
        CHECK_CSTR(e.text, rows[i].wrong ? rows[i].wrong : "");
        CHECK_INT(e.column, rows[i].column);
        CHECK_INT(e.code, rows[i].wrong ? ERROR_LIMIT : ERROR_NONE);
        arena_free(a);
    }
}

TEST(the_default_depth_is_200_and_deeper_may_be_asked_for)
{
    enum { DEPTH = 100000 };
    auto_free char *text = xalloc(2 * DEPTH + 1);
    auto_buf out = BUF_INIT(MIB);
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    struct arena *a = arena_new(0);
    CHECK(json_parse(a, str_n(text + DEPTH - 200, 400), NULL, NULL) != NULL);
    CHECK(json_parse(a, str_n(text + DEPTH - 201, 402), NULL, NULL) == NULL);
    struct json_limits deep = { .max_depth = DEPTH };
    const struct json *v = json_parse(a, str_n(text, 2 * DEPTH), &deep, NULL);
    CHECK(v != NULL);
    json_write(&out, v, JSON_COMPACT);
    CHECK(str_eq(buf_view(&out), str_n(text, 2 * DEPTH)));
    arena_free(a);
}

TEST(a_million_values_are_the_ceiling)
{
    size_t n = 2 * JSON_MAX_NODES + 1;
    auto_free char *text = xalloc(n);
    for (size_t i = 1; i < n; i += 2)
        memcpy(text + i, "1,", MIN((size_t)2, n - i));
    text[0] = '[';
    text[n - 1] = ']';
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    CHECK(json_parse(a, str_n(text, n), NULL, &e) == NULL);
    CHECK_INT(e.code, ERROR_LIMIT);
    text[n - 3] = ']';
    CHECK(json_parse(a, str_n(text, n - 2), NULL, &e) != NULL);
    arena_free(a);
}

TEST(strings_are_decoded_on_demand)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "\"plain\"", "plain" },
        { "\"\"", "" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u0041\\u00e9\\u20ac\\uD83D\\uDE00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\u00E9\"", "\xc3\xa9" },
        { "\"\\ud83d\"", "\xef\xbf\xbd" },
        { "\"\\ude00x\"", "\xef\xbf\xbdx" },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                                "A" },
        { "\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
        { "\"\\ud83dx\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd" },
        { "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
        { "\"a\\\\u0041\"", "a\\u0041" },
        { "12.50", "12.50" },
        { "true", "true" },
        { "[1, 2]", "[1, 2]" },
        { " {\"a\":[1]} ", "{\"a\":[1]}" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        struct arena *a = arena_new(0);
        struct json *v = parsed_c(a, rows[i].in);
        if (v)
            CHECK_STR(json_text(a, v), rows[i].out);
        arena_free(a);
    }
    struct arena *a = arena_new(0);
    struct str nul = json_text(a, parsed_c(a, "\"a\\u0000b\""));
    CHECK(nul.n == 3 && memcmp(nul.p, "a\0b", 3) == 0);
    arena_free(a);
}

TEST(look_up_finds_the_last_of_duplicates_and_escaped_keys)
{
    struct arena *a = arena_new(0);
    struct json *v = parsed_c(a, "{\"a\":1,\"b\":2,\"\\u0061\":3,\"\":4,\"\\ud83d\\ude00\":5,"
                                 "\"s\":\"x\\ny\",\"n\":-7,\"f\":1.5,\"t\":true,\"z\":null}");
    static const struct {
        const char *key, *want; /* NULL: not there */
    } rows[] = {
        { "a", "3" },  { "b", "2" },   { "", "4" },         { "\xf0\x9f\x98\x80", "5" },
        { "A", NULL }, { "aa", NULL }, { "\\u0061", NULL }, { "\xf0\x9f\x98\x80x", NULL },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].key);
        const struct json *m = json_get(v, str_of(rows[i].key));
        CHECK_INT(m != NULL, rows[i].want != NULL);
        if (m && rows[i].want)
            CHECK_STR(m->text, rows[i].want);
    }
    ROW("");
    int64_t n = 99;
    CHECK_STR(json_get_str(a, v, "s", STR("-")), "x\ny");
    CHECK_STR(json_get_str(a, v, "n", STR("-")), "-");
    CHECK_STR(json_get_str(a, v, "missing", STR("-")), "-");
    CHECK_INT(json_get_i64(v, "n", &n), 0);
    CHECK_INT(n, -7);
    CHECK_INT(json_get_i64(v, "f", &n), -1);
    CHECK_INT(json_get_i64(v, "s", &n), -1);
    CHECK_INT(json_get_i64(v, "missing", &n), -1);
    CHECK_INT(n, -7);
    CHECK_INT(json_get_bool(v, "t", false), true);
    CHECK_INT(json_get_bool(v, "z", true), true);
    CHECK(json_get(NULL, STR("a")) == NULL);
    CHECK(json_get(json_get(v, STR("a")), STR("a")) == NULL);
    CHECK(json_at(v, 0) == NULL);
    CHECK(json_at(NULL, 0) == NULL);
    struct json *list = parsed_c(a, "[10,20]");
    CHECK_STR(json_at(list, 1)->text, "20");
    CHECK(json_at(list, 2) == NULL);
    arena_free(a);
}

TEST(folded_objects_ignore_case)
{
    struct arena *a = arena_new(0);
    struct json *headers = json_object(a);
    headers->flags |= JSON_FOLD;
    json_put_str(a, headers, "X-GitHub-Event", "push");
    json_put_str(a, headers, "left-out", NULL);
    CHECK_STR(json_get_str(a, headers, "x-github-event", STR("-")), "push");
    CHECK_STR(json_get_str(a, json_alias(a, headers), "X-GITHUB-EVENT", STR("-")), "push");
    CHECK_INT(headers->count, 1);
    struct json *escaped = parsed_c(a, "{\"\\u0041b\":1}");
    CHECK(json_get(escaped, STR("aB")) == NULL);
    escaped->flags |= JSON_FOLD;
    CHECK(json_get(escaped, STR("aB")) != NULL);
    arena_free(a);
}

TEST(built_trees_are_written)
{
    struct arena *a = arena_new(0);
    struct json *o = json_object(a), *l = json_list(a);
    char key[] = "key";
    json_put(a, o, str_of(key), l);
    key[0] = 'X'; /* keys are copied */
    json_add(a, l, json_null(a));
    json_add(a, l, json_bool(a, true));
    json_add(a, l, json_bool(a, false));
    json_add(a, l, json_i64(a, INT64_MIN));
    json_add(a, l, json_number(a, STR("1.50e+3")));
    json_add(a, l, json_str(a, STR("a\"\\\x01\x1f\b\f\n\r\t/\x7f\xc3\xa9")));
    json_add(a, l, json_str(a, STR("\xff\xe2\x80\xa8\xc0\xaf\xed\xa0\x80")));
    json_put(a, o, STR("k\"\n"), json_object(a));
    struct json *raw = json_str(a, STR("{\"as\": [\"it\\n\",\"is\"]}"));
    raw->flags |= JSON_RAW;
    json_put(a, o, STR("raw"), raw);
    CHECK_WRITES(
        o, JSON_COMPACT,
        "{\"key\":[null,true,false,-9223372036854775808,1.50e+3,"
        "\"a\\\"\\\\\\u0001\\u001f\\b\\f\\n\\r\\t/\x7f\xc3\xa9\","
        "\"\xef\xbf\xbd\\u2028\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"],"
        "\"k\\\"\\n\":{},\"raw\":{\"as\": [\"it\\n\",\"is\"]}}");
    CHECK_WRITES(NULL, JSON_COMPACT, "null");
    CHECK_WRITES(json_str(a, STR_NULL), JSON_COMPACT, "\"\"");
    arena_free(a);
}

TEST(a_node_with_a_place_is_copied_when_it_gets_another)
{
    struct arena *a = arena_new(0);
    struct json *v = parsed_c(a, "{\"a\":[1,{\"\\u0062\":2}],\"c\":3}");
    struct json *o = json_object(a);
    struct json *list = v->child;
    struct json *copy = json_put(a, o, STR("first"), list);
    CHECK(copy != list);
    json_put(a, o, STR("second"), list);
    json_add(a, copy, json_i64(a, 9));
    json_add(a, copy, copy->child->next);
    json_put(a, v, STR("new"), v->child->next);
    CHECK_WRITES(v, JSON_COMPACT, "{\"a\":[1,{\"\\u0062\":2}],\"c\":3,\"new\":3}");
    CHECK_WRITES(
        o, JSON_COMPACT,
        "{\"first\":[1,{\"\\u0062\":2},9,{\"\\u0062\":2}],\"second\":[1,{\"\\u0062\":2}]}");
    CHECK_STR(v->text, "");
    /* a root has no place yet: it moves in itself */
    struct json *root = parsed_c(a, "[1]");
    CHECK(json_put(a, o, STR("third"), root) == root);
    struct json *alias = json_alias(a, v);
    json_put(a, alias, STR("more"), json_null(a));
    CHECK_INT(v->count, 3);
    CHECK_INT(alias->count, 4);
    arena_free(a);
}

TEST(styles)
{
    static const struct {
        const char *in;
        unsigned style;
        const char *out;
    } rows[] = {
        { "{\"a\":[1,{\"b\":[]}],\"c\":{}}", JSON_PRETTY,
          "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}" },
        { "[]", JSON_PRETTY, "[]" },
        { "5", JSON_PRETTY, "5" },
        { "{\"b\":1,\"a\":{\"d\":2,\"c\":3},\"aa\":4,\"B\":5,\"\":6}", JSON_SORT_KEYS,
          "{\"\":6,\"B\":5,\"a\":{\"c\":3,\"d\":2},\"aa\":4,\"b\":1}" },
        /* by the bytes of decoded keys: é (c3) after z, the escaped b between a and c */
        { "{\"\xc3\xa9\":1,\"z\":2,\"c\":3,\"\\u0062\":4,\"a\":5}", JSON_SORT_KEYS,
          "{\"a\":5,\"\\u0062\":4,\"c\":3,\"z\":2,\"\xc3\xa9\":1}" },
        { "{\"b\":0,\"a\":1,\"b\":2,\"a\":3}", JSON_SORT_KEYS,
          "{\"a\":1,\"a\":3,\"b\":0,\"b\":2}" },
        { "[{\"b\":1,\"a\":2}]", JSON_SORT_KEYS | JSON_PRETTY,
          "[\n  {\n    \"a\": 2,\n    \"b\": 1\n  }\n]" },
        { "{\"<k>\":\"a&b\\n<\\/x>\"}", JSON_HTML_SAFE,
          "{\"\\u003ck\\u003e\":\"a\\u0026b\\n\\u003c\\/x\\u003e\"}" },
        { "[\"a long text, and then <\"]", JSON_HTML_SAFE, "[\"a long text, and then \\u003c\"]" },
        { "[\"<>&\"]", JSON_COMPACT, "[\"<>&\"]" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        struct arena *a = arena_new(0);
        struct json *v = parsed_c(a, rows[i].in);
        if (v)
            CHECK_WRITES(v, rows[i].style, rows[i].out);
        arena_free(a);
    }
}

TEST(a_full_buffer_ends_the_writing)
{
    struct arena *a = arena_new(0);
    struct json *v = parsed_c(a, "{\"b\":[1,2,3],\"a\":[\"some text\",{\"d\":1,\"c\":2}]}");
    for (size_t limit = 0; limit < 45; limit++) {
        auto_buf out = BUF_INIT(limit);
        json_write(&out, v, JSON_SORT_KEYS);
        CHECK(!buf_ok(&out));
    }
    arena_free(a);
}

TEST(quoting_of_text)
{
    auto_buf out = BUF_INIT(KIB);
    json_escape(&out, STR("plain text \"q\" \xe2\x82\xac"));
    CHECK_STR(buf_view(&out), "plain text \\\"q\\\" \xe2\x82\xac");
    buf_reset(&out);
    json_quote(&out, STR("<\xe2\x80"));
    CHECK_STR(buf_view(&out), "\"<\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_reset(&out);
    json_quote(&out, STR_NULL);
    CHECK_STR(buf_view(&out), "\"\"");
}
