/* The growing buffer. */
#include "base/buf.h"
#include "tests/t.h"

TEST(pieces_are_appended_in_order)
{
    auto_buf b = BUF_INIT(1000);
    CHECK_STR(buf_view(&b), "");
    buf_add(&b, NULL, 0);
    buf_cstr(&b, "one ");
    buf_str(&b, STR("two "));
    buf_str(&b, STR_NULL);
    buf_char(&b, '3');
    buf_printf(&b, " %s %d", "four", 5);
    CHECK_STR(buf_view(&b), "one two 3 four 5");
    CHECK(buf_ok(&b));
}

TEST(nothing_is_added_past_the_ceiling)
{
    static const struct {
        const char *name;
        size_t limit;
        const char *first, *second, *third, *want;
        bool ok;
    } rows[] = {
        { "fits exactly", 6, "abc", "def", "", "abcdef", true },
        { "one too many", 5, "abc", "def", "", "abc", false },
        { "no gap: what would fit later is dropped too", 5, "abc", "def", "x", "abc", false },
        { "no room at all", 0, "a", "", "", "", false },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf b = BUF_INIT(rows[i].limit);
        ROW(rows[i].name);
        buf_cstr(&b, rows[i].first);
        buf_printf(&b, "%s", rows[i].second);
        buf_cstr(&b, rows[i].third);
        CHECK_STR(buf_view(&b), rows[i].want);
        CHECK_INT(buf_ok(&b), rows[i].ok);
        CHECK(b.cap <= rows[i].limit + 1);
    }
}

TEST(long_formatted_text_is_whole)
{
    auto_buf b = BUF_INIT(100000);
    buf_printf(&b, "%5000d", 7);
    CHECK_INT(b.n, 5000);
    CHECK_INT(b.p[4999], '7');
    auto_buf small = BUF_INIT(4000);
    buf_printf(&small, "%5000d", 7);
    CHECK_INT(small.n, 0);
    CHECK(!buf_ok(&small));
}

TEST(a_large_content_grows_by_doubling)
{
    auto_buf b = BUF_INIT(SIZE_MAX);
    for (unsigned i = 0; i < 100000; i++)
        buf_char(&b, (char)('a' + i % 26));
    CHECK_INT(b.n, 100000);
    CHECK_INT(b.p[99999], 'a' + 99999 % 26);
    CHECK(buf_reserve(&b, SIZE_MAX - 5) == NULL);
    CHECK(!buf_ok(&b));
}

TEST(reserved_room_is_filled_by_the_caller)
{
    auto_buf b = BUF_INIT(10);
    char *to = buf_reserve(&b, 4);
    memcpy(to, "wxyz", 4);
    b.n += 2;
    CHECK_STR(buf_view(&b), "wx");
    CHECK(buf_reserve(&b, 8) != NULL);
    CHECK(buf_reserve(&b, 9) == NULL);
    CHECK(!buf_ok(&b));
    buf_reset(&b);
    CHECK(buf_ok(&b));
    CHECK_INT(b.n, 0);
    CHECK_INT(b.limit, 10);
}

TEST(the_front_is_consumed)
{
    static const struct {
        size_t n;
        const char *want;
    } rows[] = { { 0, "hello" }, { 2, "llo" }, { 5, "" }, { 99, "" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        auto_buf b = BUF_INIT(100);
        buf_cstr(&b, "hello");
        buf_consume(&b, rows[i].n);
        CHECK_STR(buf_view(&b), rows[i].want);
    }
}

TEST(a_detached_content_is_a_string_of_the_caller)
{
    auto_buf b = BUF_INIT(5);
    auto_free char *empty = buf_detach(&b);
    CHECK_CSTR(empty, "");
    buf_cstr(&b, "12345");
    auto_free char *text = buf_detach(&b);
    CHECK_CSTR(text, "12345");
    CHECK_INT(b.n, 0);
    buf_cstr(&b, "again");
    CHECK_STR(buf_view(&b), "again");
}
