/* base/when: civil arithmetic, RFC 3339, durations. */
#include "base/when.h"
#include "tests/t.h"

TEST(civil_days_and_back_agree_for_every_day_of_the_calendar)
{
    int64_t day = civil_days(-9999, 1, 1);
    for (int year = -9999; year <= 9999; year++)
        for (int month = 1; month <= 12; month++) {
            int y, m, d;
            if (civil_days(year, month, 1) != day)
                T_FAIL("%d-%d: got %lld, want %lld", year, month,
                       (long long)civil_days(year, month, 1), (long long)day);
            day += civil_month_days(year, month);
            civil_from_days(day - 1, &y, &m, &d);
            if (y != year || m != month || d != civil_month_days(year, month))
                T_FAIL("last of %d-%d comes back as %d-%d-%d", year, month, y, m, d);
        }
    CHECK_INT(civil_days(1970, 1, 1), 0);
    CHECK_INT(civil_month_days(1900, 2), 28);
    CHECK_INT(civil_month_days(2000, 2), 29);
}

TEST(civil_seconds_have_weekdays_and_stay_in_the_calendar)
{
    static const struct {
        const char *row;
        int64_t seconds;
        struct civil want;
    } rows[] = {
        { "the epoch is a Thursday", 0, { 1970, 1, 1, 0, 0, 0, 4 } },
        { "before it", -1, { 1969, 12, 31, 23, 59, 59, 3 } },
        { "a leap day", 1709208000, { 2024, 2, 29, 12, 0, 0, 4 } },
        { "beyond the last year", INT64_MAX, { 9999, 12, 31, 23, 59, 59, 5 } },
        { "before the first year", INT64_MIN, { -9999, 1, 1, 0, 0, 0, 1 } },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct civil c = civil_from_seconds(rows[i].seconds);
        const struct civil *w = &rows[i].want;
        ROW(rows[i].row);
        CHECK_INT(c.year, w->year);
        CHECK_INT(c.month, w->month);
        CHECK_INT(c.day, w->day);
        CHECK_INT(c.hour, w->hour);
        CHECK_INT(c.minute, w->minute);
        CHECK_INT(c.second, w->second);
        CHECK_INT(c.weekday, w->weekday);
        if (rows[i].seconds != INT64_MAX && rows[i].seconds != INT64_MIN)
            CHECK_INT(civil_seconds(&c), rows[i].seconds);
    }
}

TEST(instants_print_as_the_api_shows_them)
{
    char text[WHEN_TEXT];
    CHECK_CSTR(when_format_us(1795242600123456, text), "2026-11-21T06:30:00.123456Z");
    CHECK_CSTR(when_format_us(0, text), "1970-01-01T00:00:00.000000Z");
    CHECK_CSTR(when_format_us(-1, text), "1969-12-31T23:59:59.999999Z");
    CHECK_CSTR(when_format_us(INT64_MAX, text), "9999-12-31T23:59:59.775807Z");
    CHECK_CSTR(when_format_local(1795242600, zone_utc, text), "2026-11-21T06:30:00+00:00");
    const struct zone *ny = zone_get(STR("America/New_York"), NULL);
    const struct zone *kathmandu = zone_get(STR("Asia/Kathmandu"), NULL);
    if (ny && kathmandu) {
        CHECK_CSTR(when_format_local(1795242600, ny, text), "2026-11-21T01:30:00-05:00");
        CHECK_CSTR(when_format_local(1795242600, kathmandu, text), "2026-11-21T12:15:00+05:45");
        /* -4:56:02 before 1883 */
        CHECK_CSTR(when_format_local(-3000000000, ny, text), "1874-12-07T13:44:00-04:56");
    }
    zone_cache_release();
}

TEST(rfc3339_is_read)
{
    static const struct {
        const char *text, *want; /* want as when_format_us prints it */
    } rows[] = {
        { "2026-11-21T06:30:00Z", "2026-11-21T06:30:00.000000Z" },
        { "2026-11-21t06:30:00z", "2026-11-21T06:30:00.000000Z" },
        { "2026-11-21 06:30:00Z", "2026-11-21T06:30:00.000000Z" },
        { "2026-11-21T06:30Z", "2026-11-21T06:30:00.000000Z" },
        { "2026-11-21T06:30:00.1Z", "2026-11-21T06:30:00.100000Z" },
        { "2026-11-21T06:30:00.123456789Z", "2026-11-21T06:30:00.123456Z" },
        { "2026-11-21T06:30:00+01:00", "2026-11-21T05:30:00.000000Z" },
        { "2026-11-21T00:30:00+05:45", "2026-11-20T18:45:00.000000Z" },
        { "2026-11-21T06:30:00-00:00", "2026-11-21T06:30:00.000000Z" },
        { "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z" },
        { "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z" },
        { "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char text[WHEN_TEXT];
        int64_t us;
        struct error e = ERROR_INIT;
        ROW(rows[i].text);
        if (when_parse(str_of(rows[i].text), NULL, &us, &e) != 0)
            T_FAIL("refused: %s", e.text);
        else
            CHECK_CSTR(when_format_us(us, text), rows[i].want);
    }
}

TEST(local_times_need_a_zone_and_follow_its_changes)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "2026-11-21", "2026-11-21T05:00:00.000000Z" },
        { "2026-11-21T09:00", "2026-11-21T14:00:00.000000Z" },
        { "2026-11-21T09:00:00.5", "2026-11-21T14:00:00.500000Z" },
        { "2025-03-09T02:30:00", "2025-03-09T07:00:00.000000Z" }, /* gap: its end */
        { "2025-11-02T01:30:00", "2025-11-02T05:30:00.000000Z" }, /* twice: the first */
        { "2025-11-02T01:30:00-05:00", "2025-11-02T06:30:00.000000Z" },
    };
    const struct zone *z = zone_get(STR("America/New_York"), NULL);
    if (!z) {
        puts("skipped: no zone files here");
        return;
    }
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char text[WHEN_TEXT];
        int64_t us;
        ROW(rows[i].text);
        CHECK(when_parse(str_of(rows[i].text), z, &us, NULL) == 0);
        CHECK_CSTR(when_format_us(us, text), rows[i].want);
    }
    zone_cache_release();
}

TEST(what_is_no_date_is_refused_and_says_why)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        { "", "\"\" is no date and time; write it as 2026-12-24T18:00:00Z" },
        { "tomorrow", "\"tomorrow\" is no date and time; write it as 2026-12-24T18:00:00Z" },
        { "2026-11-21T06:30:00",
          "\"2026-11-21T06:30:00\" needs an offset; end it with Z or +01:00" },
        { "2026-11-21", "\"2026-11-21\" needs an offset; end it with Z or +01:00" },
        { "2026-02-29T00:00:00Z", NULL },
        { "2026-13-01T00:00:00Z", NULL },
        { "2026-00-01T00:00:00Z", NULL },
        { "2026-01-00T00:00:00Z", NULL },
        { "0000-01-01T00:00:00Z", NULL },
        { "2026-01-01T24:00:00Z", NULL },
        { "2026-01-01T00:60:00Z", NULL },
        { "2026-01-01T00:00:61Z", NULL },
        { "2026-01-01T00:00:00.Z", NULL },
        { "2026-01-01T00:00:00,5Z", NULL },
        { "2026-01-01T00:00:00+0100", NULL },
        { "2026-01-01T00:00:00+24:00", NULL },
        { "2026-01-01T00:00:00+01", NULL },
        { "2026-01-01T00:00:00ZZ", NULL },
        { "2026-01-01T", NULL },
        { "2026-01-01Z", NULL },
        { "2026-1-1T00:00:00Z", NULL },
        { "+026-01-01T00:00:00Z", NULL },
        { " 2026-01-01T00:00:00Z", NULL },
        { "2026-01-01T00:00:00-", NULL },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        int64_t us;
        struct error e = ERROR_INIT;
        ROW(rows[i].text);
        CHECK(when_parse(str_of(rows[i].text), NULL, &us, &e) == -1);
        if (rows[i].error)
            CHECK_CSTR(e.text, rows[i].error);
        CHECK(e.text[0] != '\0');
    }
    int64_t us;
    CHECK(when_parse(str_n("2026-01-01T00:00:00\0", 20), zone_utc, &us, NULL) == -1);
}

TEST(durations_are_read_exactly)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "1500ms", 1500000 },
        { "30s", 30000000 },
        { "1h30m", 5400000000 },
        { "7d", 604800000000 },
        { "2w", 1209600000000 },
        { "0.5s", 500000 },
        { ".5s", 500000 },
        { "1.5h", 5400000000 },
        { "0.1ms", 100 },
        { "1w2d3h4m5s6ms7us", 788645006007 },
        { "250us", 250 },
        { "250\xc2\xb5s", 250 },
        { "0s", 0 },
        { "1.000000s", 1000000 },
        { "1.0000000000000s", 1000000 },
        { "36525d", 3155760000000000 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        int64_t us = -1;
        struct error e = ERROR_INIT;
        ROW(rows[i].text);
        if (duration_parse(str_of(rows[i].text), false, &us, &e) != 0)
            T_FAIL("refused: %s", e.text);
        CHECK_INT(us, rows[i].us);
    }
    int64_t us = -1;
    CHECK(duration_parse(STR("90"), true, &us, NULL) == 0);
    CHECK_INT(us, 90000000);
    CHECK(duration_parse(STR("1.5"), true, &us, NULL) == 0);
    CHECK_INT(us, 1500000);
}

TEST(what_is_no_duration_is_refused_and_says_why)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        { "", "\"\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "soon", "\"soon\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "30", "\"30\" has no unit; write 30s, 30m or 30h" },
        { "30 s", "\"30 s\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "-5m", "\"-5m\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "1m1h", "\"1m1h\" must name each unit once, the larger first (1h30m)" },
        { "5m5m", "\"5m5m\" must name each unit once, the larger first (1h30m)" },
        { "1us1\xc2\xb5s", "\"1us1\xc2\xb5s\" must name each unit once, the larger first (1h30m)" },
        { "1h30", "\"1h30\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "0.0000001s", "\"0.0000001s\" is finer than a microsecond" },
        { "0.5us", "\"0.5us\" is finer than a microsecond" },
        { "0.00000000000000000001m", "\"0.00000000000000000001m\" is finer than a microsecond" },
        { "36526d", "\"36526d\" is longer than 100 years" },
        { "36525d1s", "\"36525d1s\" is longer than 100 years" },
        { "99999999999999999999s", "\"99999999999999999999s\" is longer than 100 years" },
        { "1e3s", NULL },
        { "s", NULL },
        { ".s", NULL },
        { "1..5s", NULL },
        { "1S", NULL },
        { "1mo", NULL },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        int64_t us;
        struct error e = ERROR_INIT;
        ROW(rows[i].text);
        CHECK(duration_parse(str_of(rows[i].text), false, &us, &e) == -1);
        if (rows[i].error)
            CHECK_CSTR(e.text, rows[i].error);
    }
    int64_t us;
    CHECK(duration_parse(STR("1h30"), true, &us, NULL) == -1);
    CHECK(duration_parse(str_n("1s\0", 3), false, &us, NULL) == -1);
}

TEST(durations_print_and_read_back)
{
    static const struct {
        int64_t us;
        const char *want;
    } rows[] = {
        { 0, "0s" },
        { 1, "1us" },
        { 250, "250us" },
        { 1500, "1.5ms" },
        { 500000, "500ms" },
        { 1000000, "1s" },
        { 1500000, "1.5s" },
        { 1000001, "1.000001s" },
        { 60000000, "1m0s" },
        { 5400000000, "1h30m0s" },
        { 604800000000, "168h0m0s" },
        { 3600500000, "1h0m0.5s" },
    };
    char text[WHEN_TEXT];
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        int64_t back = -1;
        ROW(rows[i].want);
        CHECK_CSTR(duration_format(rows[i].us, text), rows[i].want);
        CHECK(duration_parse(str_of(text), false, &back, NULL) == 0);
        CHECK_INT(back, rows[i].us);
    }
    CHECK_CSTR(duration_format(-90000000, text), "-1m30s");
    CHECK_CSTR(duration_format(INT64_MIN, text), "-2562047788h0m54.775808s");
}
