/* JSON numbers: the grammar, exact comparison, whole values, doubles. */
#include "base/json.h"

#include "tests/t.h"

#include <locale.h>
#include <math.h>

TEST(numbers_are_told_from_other_text)
{
    static const char *const good[] = { "0", "-0", "10", "1.5", "1e5", "1E+05", "-1.0e-0" };
    static const char *const bad[] = { "",   "-",  "01", "1.",  ".5", "+1",
                                       "1e", " 1", "1 ", "0x1", "-a" };
    for (size_t i = 0; i < N_ELEMENTS(good); i++) {
        ROW(good[i]);
        CHECK(json_number_valid(str_of(good[i])));
    }
    for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
        ROW(bad[i]);
        CHECK(!json_number_valid(str_of(bad[i])));
    }
}

TEST(numbers_compare_exactly)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        { "1", "1", 0 },
        { "1", "2", -1 },
        { "-1", "1", -1 },
        { "-1", "-2", 1 },
        { "0", "-0", 0 },
        { "0", "0.000e99", 0 },
        { "0", "1e-99999999999", -1 },
        { "0", "-1e-99999999999", 1 },
        { "1", "1.0", 0 },
        { "1", "1.000000000000000000000000000001", -1 },
        { "100", "1e2", 0 },
        { "100", "1E+02", 0 },
        { "0.01", "1e-2", 0 },
        { "0.00123", "12.3e-4", 0 },
        { "1230e-3", "1.23", 0 },
        { "9007199254740993", "9007199254740992", 1 },
        { "12345678901234567890", "12345678901234567891", -1 },
        { "1234567890123456789012345678901234567890",
          "1.234567890123456789012345678901234567890e39", 0 },
        { "9.99", "10", -1 },
        { "0.1", "0.10000000000000000555", -1 },
        { "10", "9", 1 },
        { "1e999999999", "1e999999998", 1 },
        { "-1e999999999", "1", -1 },
        { "1e-999999999", "1", -1 },
        { "1e999999999999999999999999", "1e999999999999999999999998", 1 },
        { "10e999999999999999999999998", "1e999999999999999999999999", 0 },
        { "1e1000000000000000000000000", "10e999999999999999999999999", 0 },
        { "1e-999999999999999999999999", "1e999999999999999999999999", -1 },
        { "0.1e-999999999999999999999999", "1e-1000000000000000000000000", 0 },
        { "1e00000000000000000000000000001", "10", 0 },
        { "-5e99999999999999999999", "-4e99999999999999999999", -1 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char name[160];
        snprintf(name, sizeof(name), "%s and %s", rows[i].a, rows[i].b);
        ROW(name);
        CHECK_INT(json_number_cmp(str_of(rows[i].a), str_of(rows[i].b)), rows[i].order);
        CHECK_INT(json_number_cmp(str_of(rows[i].b), str_of(rows[i].a)), -rows[i].order);
    }
    ROW("");
}

TEST(whole_numbers_in_range_become_int64)
{
    static const struct {
        const char *text;
        int result;
        int64_t want;
    } rows[] = {
        { "0", 0, 0 },
        { "-0.0", 0, 0 },
        { "0e99999999999999999999", 0, 0 },
        { "1.0", 0, 1 },
        { "1e3", 0, 1000 },
        { "-1.50e1", 0, -15 },
        { "120e-1", 0, 12 },
        { "9223372036854775807", 0, INT64_MAX },
        { "9223372036854775808", -1, 0 },
        { "-9223372036854775808", 0, INT64_MIN },
        { "-9223372036854775809", -1, 0 },
        { "9.223372036854775807e18", 0, INT64_MAX },
        { "10000000000000000000", -1, 0 },
        { "9999999999999999999", -1, 0 },
        { "1.5", -1, 0 },
        { "0.1", -1, 0 },
        { "1e-1", -1, 0 },
        { "1e400", -1, 0 },
        { "1e999999999999999999999", -1, 0 },
        { "1e-999999999999999999999", -1, 0 },
        { "9223372036854775807.5", -1, 0 },
        { "", -1, 0 },
        { "x", -1, 0 },
        { "1x", -1, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        int64_t n = 0;
        CHECK_INT(json_number_i64(str_of(rows[i].text), &n), rows[i].result);
        CHECK_INT(n, rows[i].want);
    }
}

TEST(doubles_are_the_nearest_and_print_short)
{
    static const struct {
        double d;
        const char *text;
    } rows[] = {
        { 0.0, "0" },
        { 0.1, "0.1" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1.0 / 3, "0.3333333333333333" },
        { 100, "100" },
        { -2.5, "-2.5" },
        { 1e21, "1e+21" },
        { 1e-7, "1e-07" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { 5e-324, "4.94065645841247e-324" },
        { 123456789012345680.0, "1.2345678901234568e+17" },
        { (double)INFINITY, "null" },
        { (double)NAN, "null" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        struct arena *a = arena_new(0);
        struct json *v = json_double(a, rows[i].d);
        CHECK_STR(v->text, rows[i].text);
        if (v->type == JSON_NUMBER)
            CHECK(json_number_double(v->text) == rows[i].d);
        arena_free(a);
    }
    ROW("");
    CHECK(json_number_double(STR("1e400")) == (double)INFINITY);
    CHECK(json_number_double(STR("-1e400")) == -(double)INFINITY);
    CHECK(json_number_double(STR("-1e99999999999999999999999")) == -(double)INFINITY);
    CHECK(json_number_double(STR("1e-400")) == 0);
    CHECK(json_number_double(STR("0e400")) == 0);
    CHECK(json_number_double(STR("9007199254740993")) == 9007199254740992.0);
}

TEST(doubles_do_not_depend_on_the_locale)
{
    /* without such a locale on the machine this is only the plain case */
    locale_t comma = newlocale(LC_ALL_MASK, "de_DE.UTF-8", (locale_t)0);
    locale_t before = comma ? uselocale(comma) : (locale_t)0;
    struct arena *a = arena_new(0);
    CHECK_STR(json_double(a, -12.5)->text, "-12.5");
    CHECK(json_number_double(STR("0.5")) == 0.5);
    arena_free(a);
    if (comma) {
        uselocale(before);
        freelocale(comma);
    }
}
