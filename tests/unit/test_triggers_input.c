/* Request bytes to a value: every shape has a defined .body. */
#include "triggers/input.h"
#include "tests/t.h"

#include <zlib.h>

static const struct {
    const char *type, *body;
    int shape;         /* -1: refused */
    const char *text;  /* what an agent is told; or the error's beginning */
    const char *value; /* .body as JSON */
} rows[] = {
    { "application/json", "{ \"a\" : 1.10 }", INPUT_JSON, "{\"a\":1.10}", "{\"a\":1.10}" },
    { "application/json; charset=utf-8", "[1, 2]", INPUT_JSON, "[1,2]", "[1,2]" },
    { "application/vnd.github+json", "{}", INPUT_JSON, "{}", "{}" },
    { "application/json", "\"a\\u00e9\"", INPUT_JSON, "a\xc3\xa9", "\"a\\u00e9\"" },
    { "application/json", "12345678901234567890", INPUT_JSON, "12345678901234567890",
      "12345678901234567890" },
    { "application/json", "{\"a\":", -1, "the body is declared JSON", NULL },
    { "application/json", "", INPUT_EMPTY, "", "{}" },
    { "", "", INPUT_EMPTY, "", "{}" },
    { "", "  \r\n", INPUT_EMPTY, "", "{}" },
    { "", "{\"a\":1}", INPUT_JSON, "{\"a\":1}", "{\"a\":1}" },
    { "", "not json", INPUT_TEXT, "not json", "\"not json\"" },
    { "text/plain", "{\"a\":1}", INPUT_TEXT, "{\"a\":1}", "\"{\\\"a\\\":1}\"" },
    { "application/x-www-form-urlencoded", "a=1&b=x+y&a=2", INPUT_FORM,
      "{\"a\":[\"1\",\"2\"],\"b\":\"x y\"}", "{\"a\":[\"1\",\"2\"],\"b\":\"x y\"}" },
    { "application/x-www-form-urlencoded", "{\"curl\":1}", INPUT_JSON, "{\"curl\":1}",
      "{\"curl\":1}" },
    { "application/x-www-form-urlencoded", "payload=%7B%22zen%22%3A1%7D", INPUT_JSON, "{\"zen\":1}",
      "{\"zen\":1}" },
    { "application/x-www-form-urlencoded", "payload=plain", INPUT_FORM, "{\"payload\":\"plain\"}",
      "{\"payload\":\"plain\"}" },
    { "application/x-www-form-urlencoded", "a=%zz", -1, "", NULL },
    { "multipart/form-data; boundary=x", "--x", -1, "multipart", NULL },
};

TEST(bodies_by_declared_type)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char row[80];
        snprintf(row, sizeof(row), "%zu: %s %s", i, rows[i].type, rows[i].body);
        ROW(row);
        struct arena *a = arena_new(0);
        struct input_body body = { 0 };
        struct error e = ERROR_INIT;
        int rc = input_parse(str_of(rows[i].type), str_of(rows[i].body), a, &body, &e);
        CHECK_INT(rc, rows[i].shape < 0 ? -1 : 0);
        if (rc != 0) {
            CHECK(str_starts(str_of(e.text), str_of(rows[i].text)));
        } else {
            auto_buf value = BUF_INIT(4 * KIB);
            json_write(&value, body.value, JSON_COMPACT);
            CHECK_INT(body.shape, rows[i].shape);
            CHECK_STR(body.text, rows[i].text);
            CHECK_BYTES(value.p, value.n, rows[i].value);
        }
        arena_free(a);
    }
}

TEST(a_compact_body_is_not_copied)
{
    struct arena *a = arena_new(0);
    struct str raw = STR("{\"a\":[1,2]}");
    struct input_body body;
    CHECK_INT(input_parse(STR("application/json"), raw, a, &body, NULL), 0);
    CHECK(body.text.p == raw.p);
    arena_free(a);
}

static struct str gzip(struct arena *a, struct str text)
{
    z_stream z = { 0 };
    char *in = arena_cstr(a, text), *out = arena_alloc(a, text.n + 1000);
    CHECK_INT(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)in;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)(text.n + 1000);
    CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
    struct str made = { out, z.total_out };
    deflateEnd(&z);
    return made;
}

TEST(gzip_is_inflated_under_the_limit)
{
    struct arena *a = arena_new(0);
    struct error e = ERROR_INIT;
    struct str body = gzip(a, STR("{\"hello\":\"world\"}"));
    CHECK_INT(input_decode(STR("gzip"), 100, a, &body, &e), 0);
    CHECK_STR(body, "{\"hello\":\"world\"}");
    struct str bomb_text = { arena_alloc(a, 5 * MIB), 5 * MIB };
    struct str bomb = gzip(a, bomb_text);
    CHECK_INT(input_decode(STR("gzip"), 1 * MIB, a, &bomb, &e), -1);
    CHECK_INT(e.code, ERROR_LIMIT);
    struct str cut = gzip(a, STR("{\"hello\":\"world\"}"));
    cut.n -= 3;
    CHECK_INT(input_decode(STR("gzip"), 100, a, &cut, &e), -1);
    CHECK_INT(e.code, ERROR_INVALID);
    struct str plain = STR("x");
    CHECK_INT(input_decode(STR("identity"), 100, a, &plain, &e), 0);
    CHECK_INT(input_decode(STR("br"), 100, a, &plain, &e), -1);
    CHECK_INT(e.code, ERROR_DENIED);
    arena_free(a);
}

TEST(extraction_paths_as_people_write_them)
{
    static const struct {
        const char *path, *want;
    } paths[] = { { ".body.order.id", "7" },      { "body.order.id", "7" },
                  { ".order.id", "7" },           { "order.items[1]", "\"b\"" },
                  { ".headers.X-Kind", "\"k\"" }, { ".query.q", "\"v\"" },
                  { ".order.none", NULL } };
    struct arena *a = arena_new(0);
    struct input_body body;
    struct http_headers headers = { 0 };
    http_header_add(a, &headers, STR("x-kind"), STR("k"));
    CHECK_INT(
        input_parse(STR(""), STR("{\"order\":{\"id\":7,\"items\":[\"a\",\"b\"]}}"), a, &body, NULL),
        0);
    struct source_facts facts = { 0 };
    struct input_request in = { .method = STR("POST"),
                                .path = STR("/x"),
                                .query = STR("q=v"),
                                .headers = &headers,
                                .body = &body,
                                .source = source_find(STR("generic")),
                                .facts = &facts,
                                .agent = STR("a"),
                                .receipt_id = STR("r") };
    for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
        ROW(paths[i].path);
        struct input_extractor x = { input_path_compile(a, str_of(paths[i].path), NULL), STR("f") };
        const struct json *f =
            json_get(json_get(input_data(a, &in, &x, 1), STR("fields")), STR("f"));
        auto_buf out = BUF_INIT(1 * KIB);
        if (f)
            json_write(&out, f, JSON_COMPACT);
        if (paths[i].want)
            CHECK_BYTES(out.p, out.n, paths[i].want);
        else
            CHECK(!f);
    }
    arena_free(a);
}
