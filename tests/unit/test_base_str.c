/* Views of bytes. */
#include "base/str.h"
#include "tests/t.h"

#include <math.h>

TEST(views_compare_by_bytes)
{
    static const struct {
        const char *a, *b;
        bool eq, eq_fold, starts, starts_fold, ends;
        int order;
    } rows[] = {
        { "", "", true, true, true, true, true, 0 },
        { "a", "", false, false, true, true, true, 1 },
        { "", "a", false, false, false, false, false, -1 },
        { "abc", "abc", true, true, true, true, true, 0 },
        { "aBc", "AbC", false, true, false, true, false, 1 },
        { "abc", "ab", false, false, true, true, false, 1 },
        { "abc", "BC", false, false, false, false, false, 1 },
        { "abc", "bc", false, false, false, false, true, -1 },
        { "[", "{", false, false, false, false, false, -1 }, /* no letters: 0x20 apart */
        { "\xC3\x84", "\xC3\xA4", false, false, false, false, false, -1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct str a = str_of(rows[i].a), b = str_of(rows[i].b);
        ROW(rows[i].a);
        CHECK_INT(str_eq(a, b), rows[i].eq);
        CHECK_INT(str_eq_c(a, rows[i].b), rows[i].eq);
        CHECK_INT(str_eq_fold(a, b), rows[i].eq_fold);
        CHECK_INT(str_starts(a, b), rows[i].starts);
        CHECK_INT(str_starts_fold(a, b), rows[i].starts_fold);
        CHECK_INT(str_ends(a, b), rows[i].ends);
        int order = str_cmp(a, b);
        CHECK_INT((order > 0) - (order < 0), rows[i].order);
    }
    CHECK(str_eq(STR_NULL, STR("")));
    CHECK(!str_eq(STR("a\0b"), STR("a")));
    CHECK_INT(str_of(NULL).n, 0);
}

TEST(bytes_and_needles_are_found)
{
    static const struct {
        const char *s;
        char c;
        ptrdiff_t first, last;
        const char *needle;
        ptrdiff_t found;
    } rows[] = {
        { "", 'a', -1, -1, "", 0 },        { "", 'a', -1, -1, "a", -1 },
        { "banana", 'a', 1, 5, "nan", 2 }, { "banana", 'x', -1, -1, "nab", -1 },
        { "banana", 'b', 0, 0, "", 0 },    { "ab", 'b', 1, 1, "abc", -1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].s);
        CHECK_INT(str_chr(str_of(rows[i].s), rows[i].c), rows[i].first);
        CHECK_INT(str_rchr(str_of(rows[i].s), rows[i].c), rows[i].last);
        CHECK_INT(str_find(str_of(rows[i].s), str_of(rows[i].needle)), rows[i].found);
    }
    CHECK_INT(str_chr(STR_NULL, 0), -1);
}

TEST(parts_are_cut_to_what_there_is)
{
    static const struct {
        size_t from, n;
        const char *want;
    } rows[] = { { 0, 5, "hello" }, { 1, 3, "ell" },        { 4, 9, "o" },      { 5, 1, "" },
                 { 9, 1, "" },      { 2, SIZE_MAX, "llo" }, { SIZE_MAX, 1, "" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        CHECK_STR(str_sub(STR("hello"), rows[i].from, rows[i].n), rows[i].want);
    CHECK_STR(str_sub(STR_NULL, 1, 1), "");
}

TEST(blanks_are_trimmed_at_both_ends)
{
    static const char *const rows[][2] = {
        { "", "" }, { " \t\r\n", "" }, { " a b\n", "a b" }, { "a", "a" }, { "\va", "\va" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++)
        CHECK_STR(str_trim(str_of(rows[i][0])), rows[i][1]);
}

TEST(splitting_gives_every_piece_once)
{
    static const struct {
        const char *text, *want; /* pieces with "|" behind each */
    } rows[] = { { "", "" },    { "a", "a|" },   { "a,,b", "a||b|" }, { "a,", "a||" },
                 { ",", "||" }, { ",a", "|a|" }, { ",,", "|||" },     { "ab,cd,ef", "ab|cd|ef|" } };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char got[64] = "";
        struct str rest = str_of(rows[i].text), piece;
        ROW(rows[i].text);
        for (unsigned guard = 0; guard < 9 && str_split(&rest, ',', &piece); guard++)
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%" STR_FMT "|", STR_ARG(piece));
        CHECK_CSTR(got, rows[i].want);
        CHECK(!str_split(&rest, ',', &piece));
    }
}

TEST(unsigned_numbers_are_whole_and_in_range)
{
    static const struct {
        const char *text;
        int result;
        uint64_t want;
    } rows[] = {
        { "0", 0, 0 },
        { "007", 0, 7 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -1, 0 },
        { "99999999999999999999999", -1, 0 },
        { "", -1, 0 },
        { "-1", -1, 0 },
        { "+1", -1, 0 },
        { " 1", -1, 0 },
        { "1 ", -1, 0 },
        { "0x10", -1, 0 },
        { "1.0", -1, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        uint64_t got = 0;
        ROW(rows[i].text);
        CHECK_INT(str_u64(str_of(rows[i].text), &got), rows[i].result);
        CHECK(got == rows[i].want);
    }
    uint64_t kept = 42;
    CHECK_INT(str_u64(STR("4x"), &kept), -1);
    CHECK_INT(kept, 42);
}

TEST(signed_numbers_are_whole_and_in_range)
{
    static const struct {
        const char *text;
        int result;
        int64_t want;
    } rows[] = {
        { "0", 0, 0 },
        { "-0", 0, 0 },
        { "-42", 0, -42 },
        { "9223372036854775807", 0, INT64_MAX },
        { "-9223372036854775808", 0, INT64_MIN },
        { "9223372036854775808", -1, 0 },
        { "-9223372036854775809", -1, 0 },
        { "-", -1, 0 },
        { "--1", -1, 0 },
        { "+1", -1, 0 },
        { "", -1, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        int64_t got = 0;
        ROW(rows[i].text);
        CHECK_INT(str_i64(str_of(rows[i].text), &got), rows[i].result);
        CHECK_INT(got, rows[i].want);
    }
}

TEST(floating_numbers_are_plain_decimals)
{
    static const struct {
        const char *text;
        int result;
        double want;
    } rows[] = {
        { "1", 0, 1 },      { "0.5", 0, 0.5 },  { "1e3", 0, 1000 },  { "-2.5E-1", 0, -0.25 },
        { "1e+2", 0, 100 }, { "1e999", -1, 0 }, { "-1e999", -1, 0 }, { "1e-999", 0, 0 },
        { "", -1, 0 },      { ".5", -1, 0 },    { "5.", -1, 0 },     { "+1", -1, 0 },
        { "inf", -1, 0 },   { "nan", -1, 0 },   { "0x10", -1, 0 },   { "1e", -1, 0 },
        { "1e+", -1, 0 },   { "1 ", -1, 0 },    { "1,5", -1, 0 },    { "-", -1, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        double got = 0;
        ROW(rows[i].text);
        CHECK_INT(str_double(str_of(rows[i].text), &got), rows[i].result);
        CHECK(fabs(got - rows[i].want) < 1e-12);
    }
    /* Longer than any number a person writes, and not terminated. */
    char digits[300];
    memset(digits, '0', sizeof(digits));
    digits[0] = '1';
    digits[1] = '.';
    double got = 0;
    CHECK_INT(str_double(str_n(digits, sizeof(digits)), &got), 0);
    CHECK(got == 1.0);
}

TEST(utf8_is_checked_as_rfc_3629_says)
{
    static const struct {
        const char *name;
        struct str bytes;
        size_t first; /* length of the first sequence, 0 = ill-formed */
    } rows[] = {
        { "nul", STR("\0"), 1 },
        { "ascii", STR("a"), 1 },
        { "two bytes", STR("\xC3\xA9"), 2 },
        { "three bytes", STR("\xE2\x82\xAC"), 3 },
        { "four bytes", STR("\xF0\x9F\x98\x80"), 4 },
        { "last code point", STR("\xF4\x8F\xBF\xBF"), 4 },
        { "nothing", STR(""), 0 },
        { "bare continuation", STR("\x80"), 0 },
        { "overlong /", STR("\xC0\xAF"), 0 },
        { "overlong C1", STR("\xC1\xBF"), 0 },
        { "overlong three", STR("\xE0\x9F\xBF"), 0 },
        { "overlong four", STR("\xF0\x8F\xBF\xBF"), 0 },
        { "surrogate", STR("\xED\xA0\x80"), 0 },
        { "before surrogates", STR("\xED\x9F\xBF"), 3 },
        { "beyond U+10FFFF", STR("\xF4\x90\x80\x80"), 0 },
        { "F5", STR("\xF5\x80\x80\x80"), 0 },
        { "cut two", STR("\xC3"), 0 },
        { "cut three", STR("\xE2\x82"), 0 },
        { "cut four", STR("\xF0\x9F\x98"), 0 },
        { "bad third byte", STR("\xE2\x82\x41"), 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].name);
        CHECK_INT(str_utf8_len(rows[i].bytes, 0), rows[i].first);
        CHECK_INT(str_utf8_valid(rows[i].bytes), rows[i].first == rows[i].bytes.n);
    }
    CHECK(str_utf8_valid(STR("h\xC3\xA9llo \xE2\x82\xAC")));
    CHECK(!str_utf8_valid(STR("ok\xFFno")));
}

TEST(a_cut_never_splits_a_character)
{
    static const struct {
        const char *text;
        size_t n, want;
    } rows[] = {
        { "hello", 3, 3 },
        { "hello", 9, 5 },
        { "h\xC3\xA9llo", 2, 1 },
        { "h\xC3\xA9llo", 3, 3 },
        { "\xE2\x82\xAC\xE2\x82\xAC", 5, 3 },
        { "\xE2\x82\xAC\xE2\x82\xAC", 4, 3 },
        { "\xE2\x82\xAC", 2, 0 },
        { "\xF0\x9F\x98\x80", 3, 0 },
        { "\xF0\x9F\x98\x80x", 4, 4 },
        { "\x80\x80\x80\x80\x80", 4, 4 }, /* no UTF-8: anything goes */
        { "", 0, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        CHECK_INT(str_utf8_cut(str_of(rows[i].text), rows[i].n), rows[i].want);
    }
}
