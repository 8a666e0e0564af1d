/* triggers/cron: grammar, errors, notes, hashes. Clock changes and counting are in
   test_triggers_cron_times.c, the big tables of other programs in test_triggers_cron_vectors.c. */
#include "triggers/cron.h"
#include "tests/t.h"

static const struct zone *zone_named(const char *name)
{
    const struct zone *z = zone_get(str_of(name), NULL);
    if (!z)
        abort();
    return z;
}

static int64_t instant_of(const char *text)
{
    int64_t us = 0;
    if (when_parse(str_of(text), zone_utc, &us, NULL) != 0)
        abort();
    return us / US_PER_S;
}

static struct cron *must_parse(const char *text)
{
    struct cron_context ctx = { STR("reporter"), STR("morning"), NULL };
    struct error e = ERROR_INIT;
    struct cron *c = cron_parse(str_of(text), &ctx, &e);
    if (!c) {
        printf("\"%s\": %s\n", text, e.text);
        abort();
    }
    return c;
}

/* The next n times, "T T T", as UTC without the date when it stays the same. */
static void check_next(const struct cron *c, const char *zone, const char *from, const char *want)
{
    const struct zone *z = zone ? zone_named(zone) : NULL;
    int64_t at = instant_of(from);
    struct str rest = str_of(want), piece;
    while (str_split(&rest, ' ', &piece)) {
        char got[WHEN_TEXT];
        at = cron_next(c, z, at, NULL);
        if (at == CRON_NONE) {
            CHECK_STR(piece, "none");
            return;
        }
        when_format_local(at, zone_utc, got);
        memcpy(got + 16, "", 1); /* to the minute */
        if (piece.n > 16)
            when_format_local(at, zone_utc, got), memcpy(got + 19, "", 1);
        CHECK_STR(piece, got);
    }
}

/* --- grammar ---------------------------------------------------------------------------------- */

TEST(every_form_of_the_grammar_has_its_times)
{
    static const struct {
        const char *text, *from, *want; /* in UTC */
    } rows[] = {
        { "0 9 * * 1-5", "2026-11-20T10:00Z", "2026-11-23T09:00 2026-11-24T09:00" },
        { "*/15 * * * *", "2026-11-20T10:00Z", "2026-11-20T10:15 2026-11-20T10:30" },
        { "10/20 * * * *", "2026-11-20T10:00Z",
          "2026-11-20T10:10 2026-11-20T10:30 2026-11-20T10:50 2026-11-20T11:10" },
        { "*/90 * * * *", "2026-11-20T10:00Z", "2026-11-20T11:00 2026-11-20T12:00" },
        { "30 0 9 * * *", "2026-11-20T10:00Z", "2026-11-21T09:00:30" },
        { "0 0 0 1 1 * 2030", "2026-11-20T10:00Z", "2030-01-01T00:00 none" },
        { "0 0 0 1 1 * 2028-2034/3,2199", "2026-11-20T10:00Z",
          "2028-01-01T00:00 2031-01-01T00:00 2034-01-01T00:00 2199-01-01T00:00 none" },
        { "0 0 0 1 1 * ?", "2026-11-20T10:00Z", "2027-01-01T00:00" },
        { "0 22-2 * * *", "2026-11-20T10:00Z",
          "2026-11-20T22:00 2026-11-20T23:00 2026-11-21T00:00 2026-11-21T01:00 2026-11-21T02:00 "
          "2026-11-21T22:00" },
        { "0 22-4/2 * * *", "2026-11-20T23:00Z",
          "2026-11-21T00:00 2026-11-21T02:00 2026-11-21T04:00 2026-11-21T22:00" },
        { "0 0 * * FRI-MON", "2026-11-20T10:00Z",
          "2026-11-21T00:00 2026-11-22T00:00 2026-11-23T00:00 2026-11-27T00:00" },
        { "0 0 1 NOV-FEB *", "2026-11-20T10:00Z",
          "2026-12-01T00:00 2027-01-01T00:00 2027-02-01T00:00 2027-11-01T00:00" },
        { "0 0 * * FRI-SUN", "2026-11-20T10:00Z",
          "2026-11-21T00:00 2026-11-22T00:00 2026-11-27T00:00" },
        { "0 0 * * 5-7", "2026-11-20T10:00Z",
          "2026-11-21T00:00 2026-11-22T00:00 2026-11-27T00:00" },
        { "0 0 * * 7-2", "2026-11-20T10:00Z",
          "2026-11-22T00:00 2026-11-23T00:00 2026-11-24T00:00 2026-11-29T00:00" },
        { "0 0 * * 7", "2026-11-20T10:00Z", "2026-11-22T00:00 2026-11-29T00:00" },
        { "0 0 * * 0", "2026-11-20T10:00Z", "2026-11-22T00:00 2026-11-29T00:00" },
        { "0 0 * * sUn", "2026-11-20T10:00Z", "2026-11-22T00:00 2026-11-29T00:00" },
        { "0 0 * jan,Mar mon", "2026-11-20T10:00Z", "2027-01-04T00:00 2027-01-11T00:00" },
        { "5,5,1-6 0 1 1 *", "2026-11-20T10:00Z", "2027-01-01T00:01 2027-01-01T00:02" },
        { "\t 0  9\t*   * * ", "2026-11-20T10:00Z", "2026-11-21T09:00" },
        { "0 0 L * *", "2026-11-20T10:00Z",
          "2026-11-30T00:00 2026-12-31T00:00 2027-01-31T00:00 2027-02-28T00:00" },
        { "0 0 L-3 * *", "2026-11-20T10:00Z", "2026-11-27T00:00 2026-12-28T00:00" },
        { "0 0 l-30 * *", "2026-11-20T10:00Z",
          "2026-12-01T00:00 2027-01-01T00:00 2027-03-01T00:00" },
        { "0 0 15W * *", "2026-11-20T10:00Z",
          "2026-12-15T00:00 2027-01-15T00:00 2027-02-15T00:00 2027-03-15T00:00" },
        { "0 0 1W * *", "2026-07-20T10:00Z",
          "2026-08-03T00:00 2026-09-01T00:00" }, /* never leaves the month */
        { "0 0 31W * *", "2026-10-01T00:00Z",
          "2026-10-30T00:00 2026-12-31T00:00 2027-01-29T00:00" },
        { "0 0 LW * *", "2026-10-31T10:00Z", "2026-11-30T00:00 2026-12-31T00:00 2027-01-29T00:00" },
        { "0 0 L,15 * *", "2026-11-10T10:00Z", "2026-11-15T00:00 2026-11-30T00:00" },
        { "0 0 * * MON#2", "2026-11-20T10:00Z", "2026-12-14T00:00 2027-01-11T00:00" },
        { "0 0 * * 1#5", "2026-11-20T10:00Z", "2026-11-30T00:00 2027-03-29T00:00" },
        { "0 0 * * 5L", "2026-11-20T10:00Z", "2026-11-27T00:00 2026-12-25T00:00" },
        { "0 0 * * 5#L", "2026-11-20T10:00Z", "2026-11-27T00:00 2026-12-25T00:00" },
        { "0 0 * * FRIL,MON#1", "2026-11-20T10:00Z",
          "2026-11-27T00:00 2026-12-07T00:00 2026-12-25T00:00" },
        { "0 0 13 * 5", "2026-11-20T10:00Z",
          "2026-11-27T00:00 2026-12-04T00:00 2026-12-11T00:00 2026-12-13T00:00" },
        { "0 0 13 * +5", "2026-11-20T10:00Z", "2027-08-13T00:00" },
        { "0 0 ? * 5", "2026-11-20T10:00Z", "2026-11-27T00:00" },
        { "0 0 */2 * 5", "2026-11-20T10:00Z",
          "2026-11-21T00:00 2026-11-23T00:00 2026-11-25T00:00 2026-11-27T00:00" },
        { "0 0 29 2 *", "2026-11-20T10:00Z", "2028-02-29T00:00 2032-02-29T00:00" },
        { "0 0 29 2 +1#5", "2026-11-20T10:00Z", "2044-02-29T00:00 2072-02-29T00:00" },
        { "@yearly", "2026-11-20T10:00Z", "2027-01-01T00:00" },
        { "@Annually", "2026-11-20T10:00Z", "2027-01-01T00:00" },
        { "@monthly", "2026-11-20T10:00Z", "2026-12-01T00:00" },
        { "@weekly", "2026-11-20T10:00Z", "2026-11-22T00:00" },
        { "@daily", "2026-11-20T10:00Z", "2026-11-21T00:00" },
        { "@midnight", "2026-11-20T10:00Z", "2026-11-21T00:00" },
        { "@hourly", "2026-11-20T10:00Z", "2026-11-20T11:00" },
        { "@minutely", "2026-11-20T10:00Z", "2026-11-20T10:01" },
        { "@every 90s", "2026-11-20T10:00Z", "2026-11-20T10:01:30 2026-11-20T10:03" },
        { "@every 1h30m", "2026-11-20T10:00Z", "2026-11-20T10:30 2026-11-20T12:00" },
        { "@at 2026-12-24T18:00:00Z", "2026-11-20T10:00Z", "2026-12-24T18:00 none" },
        { "@at 2026-12-24", "2026-11-20T10:00Z", "2026-12-24T00:00 none" },
        { "@at 2026-12-24T18:00:00Z", "2026-12-24T18:00Z", "none" },
        { "@reboot", "2026-11-20T10:00Z", "none" },
        { "@manual", "2026-11-20T10:00Z", "none" },
        { "* * * * *", "2199-12-31T23:58Z", "2199-12-31T23:59 none" },
        { "* * * * *", "2250-01-01T00:00Z", "none" },
        { "* * * * *", "1960-01-01T00:00Z", "1970-01-01T00:00 1970-01-01T00:01" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        struct cron *c = must_parse(rows[i].text);
        check_next(c, NULL, rows[i].from, rows[i].want);
        cron_free(c);
    }
}

TEST(the_kind_and_what_counts_as_interval)
{
    static const struct {
        const char *text;
        enum cron_kind kind;
        bool interval;
    } rows[] = {
        { "0 9 * * *", CRON_FIELDS, false },     { "0 9,17 * * *", CRON_FIELDS, false },
        { "0 9-17 * * *", CRON_FIELDS, false },  { "0 * * * *", CRON_FIELDS, true },
        { "0 9-17/2 * * *", CRON_FIELDS, true }, { "? 9 * * *", CRON_FIELDS, true },
        { "*/5 0 9 * * *", CRON_FIELDS, true },  { "H H * * *", CRON_FIELDS, false },
        { "H/15 9 * * *", CRON_FIELDS, true },   { "0~29 9 * * *", CRON_FIELDS, false },
        { "@every 5m", CRON_EVERY, true },       { "@at 2030-01-01", CRON_AT, false },
        { "@reboot", CRON_REBOOT, false },       { "@manual", CRON_MANUAL, false },
        { "@daily", CRON_FIELDS, false },        { "@hourly", CRON_FIELDS, true },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        struct cron *c = must_parse(rows[i].text);
        CHECK_INT(cron_kind(c), rows[i].kind);
        CHECK_INT(cron_is_interval(c), rows[i].interval);
        cron_free(c);
    }
}

TEST(mistakes_are_named_with_field_column_range_and_hint)
{
    static const struct {
        const char *text;
        unsigned column;
        const char *error;
    } rows[] = {
        { "", 1, "empty; expected five fields such as \"0 9 * * 1-5\", or @daily" },
        { " \t ", 1, "empty; expected five fields such as \"0 9 * * 1-5\", or @daily" },
        { "0 9 * *", 1,
          "column 1: found 4 fields; expected 5 (minute hour day month weekday), 6 (second in "
          "front) or "
          "7 (year at the end); is the last one, day of week, missing?" },
        { "daily", 1,
          "column 1: found 1 field; expected 5 (minute hour day month weekday), 6 (second in "
          "front) or 7 "
          "(year at the end); or an alias such as @daily, or @every 15m" },
        { "0 0 0 1 1 * 2030 x", 1,
          "column 1: found 8 fields; expected 5 (minute hour day month weekday), 6 (second in "
          "front) or "
          "7 (year at the end)" },
        { "60 * * * *", 1,
          "minute, column 1: \"60\" is out of range; expected 0-59; the full one is 0" },
        { "0 24 * * *", 3, "hour, column 3: \"24\" is out of range; expected 0-23; midnight is 0" },
        { "0 9,25 * * *", 5, "hour, column 5: \"25\" is out of range; expected 0-23" },
        { "0 0 0 * *", 5,
          "day of month, column 5: \"0\" is out of range; expected 1-31, L, L-3, 15W or LW" },
        { "0 0 32 * *", 5,
          "day of month, column 5: \"32\" is out of range; expected 1-31, L, L-3, 15W or LW" },
        { "0 0 1 13 *", 7, "month, column 7: \"13\" is out of range; expected 1-12 or JAN-DEC" },
        { "0 0 * January *", 7,
          "month, column 7: \"January\" is not a name; expected 1-12 or JAN-DEC; write JAN" },
        { "0 0 * * Monday", 9,
          "day of week, column 9: \"Monday\" is not a name; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L; write MON" },
        { "0 0 * * 8", 9,
          "day of week, column 9: \"8\" is out of range; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L" },
        { "0 0 1 1 * 2030", 11,
          "day of week, column 11: \"2030\" is out of range; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L; years need 7 fields: second minute hour day month weekday year" },
        { "0 0 0 1 1 * 1969", 13, "year, column 13: \"1969\" is out of range; expected 1970-2199" },
        { "0 0 0 1 1 * */2", 13,
          "year, column 13: \"*/2\" steps from no year; expected 1970-2199; write a range, as in "
          "2026-2036/2" },
        { "0 0 0 1 1 * 2036-2030", 13,
          "year, column 13: \"2036-2030\" runs backwards; expected 1970-2199" },
        { "0 0 0 1 1 * ~", 13, "year, column 13: \"~\" is not for years; expected 1970-2199" },
        { "*/0 * * * *", 1,
          "minute, column 1: \"*/0\" has no usable step; expected 0-59; a step is a number from 1 "
          "on" },
        { "*/x * * * *", 1,
          "minute, column 1: \"*/x\" has no usable step; expected 0-59; a step is a number from 1 "
          "on" },
        { "1-0 * * * *", 1,
          "minute, column 1: \"1-0\" covers every value; expected 0-59; write *" },
        { "-1 * * * *", 1, "minute, column 1: \"-1\" is not understood; expected 0-59" },
        { "/5 * * * *", 1, "minute, column 1: \"/5\" is not understood; expected 0-59" },
        { "1-2-3 * * * *", 1, "minute, column 1: \"1-2-3\" is not understood; expected 0-59" },
        { "1/2/3 * * * *", 1, "minute, column 1: \"1/2/3\" is not understood; expected 0-59" },
        { "1,,2 * * * *", 3, "minute, column 3: \"\" is empty; expected 0-59" },
        { "1, * * * *", 3, "minute, column 3: \"\" is empty; expected 0-59" },
        { "99999 * * * *", 1, "minute, column 1: \"99999\" is too large; expected 0-59" },
        { "R * * * *", 1,
          "minute, column 1: \"R\" lacks its bounds; expected 0-59; write R(0-29), or H for the "
          "whole field" },
        { "H(5-1) * * * *", 1,
          "minute, column 1: \"H(5-1)\" runs backwards; expected 0-59; a hash needs its lower "
          "bound first" },
        { "H(1-5 * * * *", 1, "minute, column 1: \"H(1-5\" lacks its ); expected 0-59" },
        { "H(1 * * * *", 1,
          "minute, column 1: \"H(1\" is not understood; expected 0-59; a bounded hash is H(0-29)" },
        { "L * * * *", 1, "minute, column 1: \"L\" is not understood; expected 0-59" },
        { "0 0 L-31 * *", 5,
          "day of month, column 5: \"L-31\" is not understood; expected 1-31, L, L-3, 15W or LW; "
          "L-1 to "
          "L-30 count back from the last day" },
        { "0 0 W * *", 5,
          "day of month, column 5: \"W\" lacks its day; expected 1-31, L, L-3, 15W or LW; the "
          "workday "
          "nearest to the 15th is 15W" },
        { "0 0 32W * *", 5,
          "day of month, column 5: \"32W\" is out of range; expected 1-31, L, L-3, 15W or LW" },
        { "0 0 1#2 * *", 5,
          "day of month, column 5: \"1#2\" is not understood; expected 1-31, L, L-3, 15W or LW; # "
          "stands "
          "in the day of week" },
        { "0 0 +1 * *", 5,
          "day of month, column 5: \"+1\" is not understood; expected 1-31, L, L-3, 15W or LW; + "
          "stands "
          "in front of the day of week" },
        { "0 0 * * L", 9,
          "day of week, column 9: \"L\" lacks its weekday; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L; the last Friday is 5L" },
        { "0 0 * * 1#6", 9,
          "day of week, column 9: \"1#6\" has no such week; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L; # takes 1 to 5, or L for the last" },
        { "0 0 * * 1#", 9,
          "day of week, column 9: \"1#\" has no such week; expected 0-7 (0 and 7 are Sunday), "
          "SUN-SAT, "
          "MON#2 or 5L; # takes 1 to 5, or L for the last" },
        { "0 0 31 2 *", 1,
          "column 1: \"0 0 31 2 *\" never fires: no date up to 2199 has that day in those months "
          "and years" },
        { "0 0 30 2 ?", 1, NULL },
        { "0 0 31 4,6,9,11 *", 1, NULL },
        { "0 0 L-29 2 +5#1", 1, NULL },
        { "0 0 0 29 2 * 2027", 1, NULL },
        { "  0 24 * * *", 5,
          "hour, column 5: \"24\" is out of range; expected 0-23; midnight is 0" },
        { "@dayly", 1,
          "column 1: \"@dayly\" is no schedule; expected @yearly, @monthly, @weekly, @daily, "
          "@hourly, "
          "@minutely, @every 15m, @at TIME, @reboot or @manual; did you mean @daily" },
        { "@foobarbaz", 1,
          "column 1: \"@foobarbaz\" is no schedule; expected @yearly, @monthly, @weekly, @daily, "
          "@hourly, "
          "@minutely, @every 15m, @at TIME, @reboot or @manual" },
        { "@daily 9", 8, "column 8: \"9\" after @daily is not understood" },
        { "@every", 7, "@every, column 7: \"\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms" },
        { "@every 90", 8, "@every, column 8: \"90\" has no unit; write 90s, 90m or 90h" },
        { "@every 500ms", 8,
          "@every, column 8: \"500ms\" is not possible; expected whole seconds, at least 1s" },
        { "@every 1.5s", 8,
          "@every, column 8: \"1.5s\" is not possible; expected whole seconds, at least 1s" },
        { "@at soon", 5,
          "@at, column 5: \"soon\" is no date and time; write it as 2026-12-24T18:00:00" },
        { "@at 2200-01-01", 5,
          "@at, column 5: \"2200-01-01\" is out of range; expected a time in the years 1970-2199" },
        { "CRON_TZ=Nowhere/Land 0 9 * * *", 1, NULL },
        { "TZ=0", 1, NULL },
        { "TZ=", 1, NULL },
        { "TZ=UTC", 7, "column 7: nothing after the time zone" },
        { "TZ=UTC 0 24 * * *", 10,
          "hour, column 10: \"24\" is out of range; expected 0-23; midnight is 0" },
        { "TZ=../../etc/passwd 0 9 * * *", 1, NULL },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        ROW(rows[i].text);
        struct cron *c = cron_parse(str_of(rows[i].text), NULL, &e);
        CHECK(c == NULL);
        CHECK_INT(e.column, rows[i].column);
        if (rows[i].error)
            CHECK_CSTR(e.text, rows[i].error);
        CHECK(e.text[0] != '\0');
        CHECK(cron_parse(str_of(rows[i].text), NULL, NULL) == NULL);
        cron_free(c);
    }
    char longer[300];
    struct error e = ERROR_INIT;
    memset(longer, ' ', sizeof(longer));
    memcpy(longer, "* * * * *", 9);
    CHECK(cron_parse(str_n(longer, 257), NULL, &e) == NULL);
    CHECK_CSTR(e.text, "longer than 256 bytes");
    struct cron *c = cron_parse(str_n(longer, 256), NULL, NULL);
    CHECK(c != NULL);
    cron_free(c);
    CHECK(cron_parse(str_n("0 9 * * *\0", 10), NULL, NULL) == NULL);
}

TEST(notes_tell_what_may_surprise)
{
    static const struct {
        const char *text, *note;
    } rows[] = {
        { "0 9 * * 1-5", NULL },
        { "*/15 * * * *", NULL },
        { "*/90 * * * *", "a step larger than its field leaves only the first value" },
        { "10/20 * * * *",
          "N/step runs from N to the end of the field; OCPS 1.0 has no such form" },
        { "0 0 13 * 5", "day of month and day of week are both given: either may match (+ in front "
                        "of the day of week "
                        "asks for both)" },
        { "0 0 13 * +5", NULL },
        { "0 0 12 ? * 2-6", "with ? this looks like Quartz, where 1 is Sunday; here 1 is Monday, 0 "
                            "and 7 are Sunday" },
        { "0 0 12 ? * MON-FRI", NULL },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        struct cron *c = must_parse(rows[i].text);
        const char *note = cron_note(c, 0);
        CHECK_CSTR(note ? note : "none", rows[i].note ? rows[i].note : "none");
        CHECK(cron_note(c, 1) == NULL);
        cron_free(c);
    }
}

/* --- hashes ----------------------------------------------------------------------------------- */

TEST(hashes_are_the_same_for_ever)
{
    static const struct {
        const char *text, *same_as; /* for agent "reporter", trigger "morning" */
    } rows[] = {
        { "H H * * *", NULL },
        { "H(0-29) H(9-16) * * *", NULL },
        { "0 0 H * *", NULL },
        { "0 0 * * H", NULL },
        { "0 0 1 H *", NULL },
        { "H/15 * * * *", NULL },
        { "0~29 0 * * *", "H(0-29) 0 * * *" },
        { "~ 0 * * *", "H 0 * * *" },
        { "~29 0 * * *", "H(0-29) 0 * * *" },
        { "30~ 0 * * *", "H(30-59) 0 * * *" },
        { "R(5-9) 0 * * *", "H(5-9) 0 * * *" },
        { "h 0 * * *", "H 0 * * *" },
        { "0 0 * * H(MON-FRI)", "0 0 * * H(1-5)" },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].text);
        struct cron *a = must_parse(rows[i].text);
        struct cron *b = must_parse(rows[i].same_as ? rows[i].same_as : rows[i].text);
        int64_t at_a = 1800000000, at_b = at_a;
        for (int n = 0; n < 20; n++) {
            at_a = cron_next(a, NULL, at_a, NULL);
            at_b = cron_next(b, NULL, at_b, NULL);
            CHECK_INT(at_a, at_b);
        }
        cron_free(a);
        cron_free(b);
    }
}

TEST(known_hashes_stay_known)
{
    /* Written down once: another value means that every H schedule of every user moves. */
    struct cron *c = must_parse("H H * * *");
    check_next(c, NULL, "2026-11-20T00:00Z", "2026-11-20T18:58");
    cron_free(c);
    c = must_parse("0 0 H H H(1-5)");
    CHECK(cron_next(c, NULL, 1800000000, NULL) != CRON_NONE);
    cron_free(c);
}

TEST(hashes_stay_in_their_bounds_and_spread)
{
    unsigned hits[24] = { 0 }, days[32] = { 0 };
    for (unsigned i = 0; i < 2400; i++) {
        char name[20];
        snprintf(name, sizeof(name), "agent-%u", i);
        struct cron_context ctx = { str_of(name), STR("t"), NULL };
        struct cron *c = cron_parse(STR("H H * * *"), &ctx, NULL);
        struct cron *d = cron_parse(STR("0 0 H * *"), &ctx, NULL);
        struct cron *s = cron_parse(STR("H(10-50)/7 0 * * *"), &ctx, NULL);
        if (!c || !d || !s)
            abort();
        hits[civil_from_seconds(cron_next(c, NULL, 0, NULL)).hour]++;
        days[civil_from_seconds(cron_next(d, NULL, 0, NULL)).day]++;
        int64_t at = cron_next(s, NULL, 0, NULL), last = at;
        CHECK(at / 60 % 60 >= 10 && at / 60 % 60 < 17);
        for (int64_t t = at; t < 3600; t = cron_next(s, NULL, t, NULL))
            last = t;
        CHECK(last / 60 % 60 <= 50 && last / 60 % 60 > 43);
        cron_free(c);
        cron_free(d);
        cron_free(s);
    }
    for (size_t i = 0; i < 24; i++)
        CHECK(hits[i] > 60 && hits[i] < 140); /* 100 expected, sigma 10 */
    CHECK_INT(days[29] + days[30] + days[31], 0);
    CHECK(days[1] > 0 && days[28] > 0);
}
