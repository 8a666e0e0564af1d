#include "tests/t.h"

#include "http/message.h"

static struct arena *a;

static struct http_headers headers_of(const char *const pairs[][2], size_t n)
{
    struct http_headers h = { 0 };
    for (size_t i = 0; i < n; i++)
        http_header_add(a, &h, str_of(pairs[i][0]), str_of(pairs[i][1]));
    return h;
}

TEST(status_words_are_those_of_the_rfc)
{
    CHECK_CSTR(http_status_word(202), "Accepted");
    CHECK_CSTR(http_status_word(413), "Content Too Large");
    CHECK_CSTR(http_status_word(511), "Network Authentication Required");
    CHECK_CSTR(http_status_word(299), "Unknown");
    CHECK_CSTR(http_status_word(-1), "Unknown");
}

TEST(headers_are_found_case_blind_and_absent_is_not_empty)
{
    static const char *const pairs[][2] = {
        { "Host", "a" },
        { "X-A", "1" },
        { "x-a", "2" },
        { "X-Empty", "" },
    };
    a = arena_new(0);
    struct http_headers h = headers_of(pairs, N_ELEMENTS(pairs));
    CHECK_STR(http_header_get(&h, STR("hOST")), "a");
    CHECK_STR(http_header_get(&h, STR("X-a")), "1");
    CHECK_INT(http_header_count(&h, STR("X-A")), 2);
    CHECK_INT(http_header_count(&h, STR("X-B")), 0);
    CHECK(http_header_get(&h, STR("X-Empty")).p);
    CHECK_INT(http_header_get(&h, STR("X-Empty")).n, 0);
    CHECK(!http_header_get(&h, STR("X-")).p);
    for (int i = 0; i < 100; i++)
        http_header_add(a, &h, STR("X-More"), STR("m"));
    CHECK_INT(http_header_count(&h, STR("X-More")), 100);
    CHECK_STR(http_header_get(&h, STR("Host")), "a");
    arena_free(a);
}

TEST(a_header_that_could_end_its_line_is_not_valid)
{
    static const struct {
        struct str name, value;
        bool valid;
    } rows[] = {
        { STR("X-A"), STR("v w\t\x80"), true },
        { STR("X-A"), STR(""), true },
        { STR("!#$%&'*+-.^_`|~09azAZ"), STR(""), true },
        { STR(""), STR("v"), false },
        { STR("X A"), STR("v"), false },
        { STR("X:"), STR("v"), false },
        { STR("X\xc3"), STR("v"), false },
        { STR("X\0"), STR("v"), false },
        { STR("X"), STR("a\r\nB: c"), false },
        { STR("X"), STR("a\nB: c"), false },
        { STR("X"), STR("a\r"), false },
        { STR("X"), STR("a\0b"), false },
        { STR("X"), STR("\x7f"), false },
        { STR("X"), STR("\x1b[0m"), false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].value.p);
        CHECK_INT(http_header_valid(rows[i].name, rows[i].value), rows[i].valid);
    }
}

TEST(a_token_is_found_whole_in_a_list)
{
    CHECK(http_has_token(STR("close"), STR("close")));
    CHECK(http_has_token(STR("keep-alive ,\tCLOSE"), STR("close")));
    CHECK(http_has_token(STR(",,close,"), STR("close")));
    CHECK(!http_has_token(STR("closed"), STR("close")));
    CHECK(!http_has_token(STR("not close"), STR("close")));
    CHECK(!http_has_token(STR(""), STR("close")));
}

TEST(media_types)
{
    static const struct {
        const char *in, *type;
        bool json;
    } rows[] = {
        { "application/json", "application/json", true },
        { "Application/JSON; charset=utf-8", "Application/JSON", true },
        { " application/json\t;x", "application/json", true },
        { "application/cloudevents+json", "application/cloudevents+json", true },
        { "application/problem+JSON; a=b", "application/problem+JSON", true },
        { "application/jsonp", "application/jsonp", false },
        { "text/json", "text/json", false },
        { "+json", "+json", false },
        { "application/x-www-form-urlencoded", "application/x-www-form-urlencoded", false },
        { "", "", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].in);
        CHECK_STR(http_media_type(str_of(rows[i].in)), rows[i].type);
        CHECK_INT(http_is_json(str_of(rows[i].in)), rows[i].json);
    }
}

TEST(headers_as_json_are_joined_and_found_case_blind)
{
    static const char *const pairs[][2] = {
        { "X-A", "1" },
        { "Host", "a" },
        { "x-a", "2" },
        { "X-A", "3" },
    };
    a = arena_new(0);
    struct http_headers h = headers_of(pairs, N_ELEMENTS(pairs));
    struct json *object = http_headers_json(a, &h);
    auto_buf text = BUF_INIT(1000);
    json_write(&text, object, JSON_COMPACT);
    CHECK_STR(buf_view(&text), "{\"X-A\":\"1, 2, 3\",\"Host\":\"a\"}");
    CHECK_STR(json_get(object, STR("HOST"))->text, "a");
    arena_free(a);
}
