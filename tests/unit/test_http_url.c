#include "tests/t.h"

#include "http/url.h"

TEST(percent_codes_are_decoded_or_refused)
{
    static const struct {
        const char *in;
        bool form;
        const char *want; /* NULL = malformed */
    } rows[] = {
        { "", false, "" },
        { "/a/b", false, "/a/b" },
        { "/a%20b%2Fc", false, "/a b/c" },
        { "%e2%82%AC", false, "\xe2\x82\xac" },
        { "a+b", false, "a+b" },
        { "a+b%2B", true, "a b+" },
        { "%", false, NULL },
        { "%2", false, NULL },
        { "a%2", true, NULL },
        { "%zz", false, NULL },
        { "%2g", false, NULL },
        { "%+1", false, NULL },
        { "% 1", false, NULL },
        { "%00", false, NULL },
        { "%%20", false, NULL },
        { "%2525", false, "%25" },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct str out = STR("untouched");
        ROW(rows[i].in);
        int failed = url_decode(a, str_of(rows[i].in), rows[i].form, &out);
        CHECK_INT(failed, rows[i].want ? 0 : -1);
        CHECK_STR(out, rows[i].want ? rows[i].want : "untouched");
    }
    struct str plain = STR("/no/escape"), out;
    CHECK_INT(url_decode(a, plain, false, &out), 0);
    CHECK(out.p == plain.p); /* nothing was copied */
    CHECK_INT(url_decode(a, STR("a\0b"), false, &out), -1);
    arena_free(a);
}

TEST(all_but_unreserved_is_encoded_and_comes_back)
{
    auto_buf out = BUF_INIT(1000);
    url_encode(&out, STR("aZ09-._~ /?#&=+%\xc3\xa9\n"));
    CHECK_STR(buf_view(&out), "aZ09-._~%20%2F%3F%23%26%3D%2B%25%C3%A9%0A");
    struct arena *a = arena_new(0);
    struct str back;
    CHECK_INT(url_decode(a, buf_view(&out), true, &back), 0);
    CHECK_STR(back, "aZ09-._~ /?#&=+%\xc3\xa9\n");
    arena_free(a);
}

TEST(forms_become_objects)
{
    static const struct {
        const char *in;
        bool all;
        const char *want; /* NULL = refused */
    } rows[] = {
        { "", false, "{}" },
        { "&&", false, "{}" },
        { "a=1&b=2", false, "{\"a\":\"1\",\"b\":\"2\"}" },
        { "a=1&a=2&b=3&a=4", false, "{\"a\":\"1\",\"b\":\"3\"}" },
        { "a=1&a=2&b=3&a=4", true, "{\"a\":[\"1\",\"2\",\"4\"],\"b\":\"3\"}" },
        { "a", false, "{\"a\":\"\"}" },
        { "a=", false, "{\"a\":\"\"}" },
        { "=1", false, "{\"\":\"1\"}" },
        { "a=b=c", false, "{\"a\":\"b=c\"}" },
        { "a+b=c%3D%26", false, "{\"a b\":\"c=&\"}" },
        { "payload=%7B%22x%22%3A1%7D", false, "{\"payload\":\"{\\\"x\\\":1}\"}" },
        { "a=%ff%C3", false, "{\"a\":\"\xEF\xBF\xBD\xEF\xBF\xBD\"}" },
        { "%C3%A9=1", false, "{\"\xC3\xA9\":\"1\"}" },
        { "a=%", false, NULL },
        { "a=%00", false, NULL },
        { "%4=1", false, NULL },
    };
    struct arena *a = arena_new(0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        auto_buf text = BUF_INIT(1000);
        ROW(rows[i].in);
        struct json *v = url_form_json(a, str_of(rows[i].in), rows[i].all, &e);
        CHECK_INT(!v, !rows[i].want);
        if (v)
            json_write(&text, v, JSON_COMPACT);
        CHECK_STR(buf_view(&text), rows[i].want ? rows[i].want : "");
        CHECK_CSTR(e.text, rows[i].want ? "" : "the form has a malformed %-escape or a NUL");
    }
    arena_free(a);
}

TEST(a_form_has_at_most_1000_fields)
{
    struct arena *a = arena_new(0);
    for (int n = 1000; n <= 1001; n++) {
        struct error e = ERROR_INIT;
        auto_buf text = BUF_INIT(100000);
        for (int i = 0; i < n; i++)
            buf_cstr(&text, "a=1&");
        CHECK_INT(!url_form_json(a, buf_view(&text), true, &e), n == 1001);
        CHECK_INT(e.code, n == 1001 ? ERROR_LIMIT : ERROR_NONE);
    }
    arena_free(a);
}

TEST(one_value_of_a_query)
{
    struct arena *a = arena_new(0);
    struct str q = STR("a=1&b=x%20y&a=2&c&bad=%zz&d=%26");
    CHECK_STR(url_query_get(a, q, STR("a")), "1");
    CHECK_STR(url_query_get(a, q, STR("b")), "x y");
    CHECK_STR(url_query_get(a, q, STR("d")), "&");
    CHECK(url_query_get(a, q, STR("c")).p);
    CHECK_INT(url_query_get(a, q, STR("c")).n, 0);
    CHECK(!url_query_get(a, q, STR("bad")).p);
    CHECK(!url_query_get(a, q, STR("e")).p);
    CHECK(!url_query_get(a, STR_NULL, STR("a")).p);
    arena_free(a);
}
