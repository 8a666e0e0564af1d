/* triggers/cron: zones, clock changes, counting, bounded work. */
#include "triggers/cron.h"
#include "tests/t.h"

#include <dirent.h>
#include <time.h>

static bool no_zone_files(void)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0)
        return false;
    puts("skipped: no zone files here");
    return true;
}

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

/* --- zones ------------------------------------------------------------------------------------ */

TEST(a_named_zone_wins)
{
    static const char *const rows[] = {
        "CRON_TZ=Asia/Tokyo 0 4 * * *",      "TZ=Asia/Tokyo 0 4 * * *",
        "CRON_TZ=\"Asia/Tokyo\"  0 4 * * *", "TZ='Asia/Tokyo'\t0 4 * * *",
        "  TZ=Asia/Tokyo 0 4 * * *",
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i]);
        struct cron *c = must_parse(rows[i]);
        CHECK(cron_zone(c) == zone_named("Asia/Tokyo"));
        check_next(c, "America/New_York", "2026-11-20T10:00Z", "2026-11-20T19:00 2026-11-21T19:00");
        cron_free(c);
    }
    struct cron *c = must_parse("TZ=Asia/Tokyo @daily");
    check_next(c, NULL, "2026-11-20T10:00Z", "2026-11-20T15:00");
    cron_free(c);
    c = must_parse("TZ=Asia/Tokyo @at 2026-12-24T18:00:00");
    check_next(c, NULL, "2026-11-20T10:00Z", "2026-12-24T09:00 none");
    cron_free(c);
    c = must_parse("0 4 * * *");
    CHECK(cron_zone(c) == NULL);
    cron_free(c);
    struct cron_context ctx = { .zone = zone_named("America/New_York") };
    c = cron_parse(STR("@at 2026-12-24T18:00"), &ctx, NULL);
    check_next(c, NULL, "2026-11-20T10:00Z", "2026-12-24T23:00 none");
    cron_free(c);
    zone_cache_release();
}

TEST(clock_changes_follow_the_rule)
{
    static const struct {
        const char *text, *zone, *from, *want;
    } rows[] = {
        /* a gap: fixed once after it, interval not at all */
        { "30 2 * * *", "America/New_York", "2025-03-09T03:00Z",
          "2025-03-09T07:00 2025-03-10T06:30" },
        { "0,15,30 2 * * *", "America/New_York", "2025-03-09T03:00Z",
          "2025-03-09T07:00 2025-03-10T06:00" },
        { "30 2,3 * * *", "America/New_York", "2025-03-09T03:00Z",
          "2025-03-09T07:00 2025-03-09T07:30" },
        { "0 2-3 * * *", "America/New_York", "2025-03-09T03:00Z",
          "2025-03-09T07:00 2025-03-10T06:00" },
        { "*/30 2 * * *", "America/New_York", "2025-03-09T03:00Z",
          "2025-03-10T06:00 2025-03-10T06:30" },
        { "*/30 * * * *", "America/New_York", "2025-03-09T06:00Z",
          "2025-03-09T06:30 2025-03-09T07:00" },
        { "30 2 * * *", "America/New_York", "2025-03-09T07:00Z", "2025-03-10T06:30" },
        /* an overlap: fixed the first time only, interval both */
        { "30 1 * * *", "America/New_York", "2025-11-02T03:00Z",
          "2025-11-02T05:30 2025-11-03T06:30" },
        { "30 1 * * *", "America/New_York", "2025-11-02T05:45Z", "2025-11-03T06:30" },
        { "30 1 * * *", "America/New_York", "2025-11-02T06:15Z", "2025-11-03T06:30" },
        { "*/30 * * * *", "America/New_York", "2025-11-02T05:00Z",
          "2025-11-02T05:30 2025-11-02T06:00 2025-11-02T06:30 2025-11-02T07:00" },
        { "*/30 1 * * *", "America/New_York", "2025-11-02T03:00Z",
          "2025-11-02T05:00 2025-11-02T05:30 2025-11-02T06:00 2025-11-02T06:30 2025-11-03T06:00" },
        { "0 * * * *", "America/New_York", "2025-11-02T04:30Z",
          "2025-11-02T05:00 2025-11-02T06:00 2025-11-02T07:00" },
        /* half an hour, two hours, an odd minute, midnight, the evening before */
        { "15 2 * * *", "Australia/Lord_Howe", "2025-10-04T10:00Z",
          "2025-10-04T15:30 2025-10-05T15:15" },
        { "0 2 * * *", "Australia/Lord_Howe", "2025-04-05T10:00Z",
          "2025-04-05T15:30 2025-04-06T15:30" },
        { "45 1 * * *", "Australia/Lord_Howe", "2025-04-05T10:00Z",
          "2025-04-05T14:45 2025-04-06T15:15" },
        { "30 1,2 * * *", "Antarctica/Troll", "2025-03-29T20:00Z",
          "2025-03-30T01:00 2025-03-30T23:30" },
        { "30 2 * * *", "Antarctica/Troll", "2025-10-25T20:00Z",
          "2025-10-26T00:30 2025-10-27T02:30" },
        { "0 3 * * *", "Pacific/Chatham", "2025-09-27T10:00Z",
          "2025-09-27T14:00 2025-09-28T13:15" },
        { "0 0 * * *", "Africa/Cairo", "2024-04-25T10:00Z", "2024-04-25T22:00 2024-04-26T21:00" },
        { "0 0 * * *", "America/Havana", "2025-11-01T10:00Z", "2025-11-02T04:00 2025-11-03T05:00" },
        { "30 23 * * 6", "America/Nuuk", "2025-03-29T20:00Z", "2025-03-30T01:00 2025-04-06T00:30" },
        /* a day that never was, and one that was twice */
        { "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00Z", "2011-12-29T22:00 2011-12-30T22:00" },
        { "0 * * * *", "Pacific/Apia", "2011-12-30T08:30Z", "2011-12-30T09:00 2011-12-30T10:00" },
        { "0 20 * * *", "Pacific/Kwajalein", "1993-08-20T10:00Z",
          "1993-08-21T08:00 1993-08-22T08:00" },
        /* a change of the zone itself */
        { "45 2 * * *", "America/Caracas", "2016-05-01T00:00Z",
          "2016-05-01T07:00 2016-05-02T06:45" },
        { "0 9 * * *", "Europe/Dublin", "2040-01-15T00:00Z", "2040-01-15T09:00" },
        { "0 9 * * *", "Europe/Dublin", "2040-07-15T00:00Z", "2040-07-15T08:00" },
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char row[100];
        snprintf(row, sizeof(row), "%s %s %s", rows[i].text, rows[i].zone, rows[i].from);
        ROW(row);
        struct cron *c = must_parse(rows[i].text);
        check_next(c, rows[i].zone, rows[i].from, rows[i].want);
        cron_free(c);
    }
    zone_cache_release();
}

TEST(every_day_of_lord_howe_has_its_run)
{
    if (no_zone_files())
        return;
    struct cron *c = must_parse("0 2 * * *");
    const struct zone *z = zone_named("Australia/Lord_Howe");
    int64_t from = zone_to_utc(z, instant_of("2025-01-01T00:00Z")).first;
    int64_t to = zone_to_utc(z, instant_of("2026-01-01T00:00Z")).first;
    CHECK_INT(cron_count(c, z, from, to), 365);
    cron_free(c);
    zone_cache_release();
}

TEST(explanations_say_what_was_moved)
{
    static const struct {
        const char *text, *from;
        enum cron_moved_kind kind;
        const char *wanted;
    } rows[] = {
        { "30 2 * * *", "2025-03-09T03:00Z", CRON_AFTER_GAP, "2025-03-09T02:30Z" },
        { "45,50 2 * * *", "2025-03-09T03:00Z", CRON_AFTER_GAP, "2025-03-09T02:45Z" },
        { "30 3 * * *", "2025-03-09T03:00Z", CRON_PLAIN, NULL },
        { "30 1 * * *", "2025-11-02T03:00Z", CRON_FIRST_OF_TWO, NULL },
        { "*/30 * * * *", "2025-11-02T05:00Z", CRON_FIRST_OF_TWO, NULL },
        { "*/30 * * * *", "2025-11-02T06:00Z", CRON_SECOND_OF_TWO, NULL },
        { "30 1 * * *", "2025-11-03T03:00Z", CRON_PLAIN, NULL },
        { "@every 1h", "2025-11-02T05:00Z", CRON_PLAIN, NULL },
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct cron_moved why = { .kind = (enum cron_moved_kind)99 };
        ROW(rows[i].text);
        struct cron *c = must_parse(rows[i].text);
        CHECK(cron_next(c, zone_named("America/New_York"), instant_of(rows[i].from), &why) !=
              CRON_NONE);
        CHECK_INT(why.kind, rows[i].kind);
        if (rows[i].wanted)
            CHECK_INT(why.wanted_local, instant_of(rows[i].wanted));
        cron_free(c);
    }
    zone_cache_release();
}

/* --- counting --------------------------------------------------------------------------------- */

/* What cron_count and cron_newest must give, by taking every step. */
static void check_counting(const struct cron *c, const struct zone *z, int64_t from, int64_t to)
{
    int64_t all[4000], newest[7];
    size_t n = 0;
    for (int64_t at = cron_next(c, z, from, NULL); at <= to && n < N_ELEMENTS(all);
         at = cron_next(c, z, at, NULL))
        all[n++] = at;
    if (n == N_ELEMENTS(all))
        return;
    CHECK_INT(cron_count(c, z, from, to), n);
    size_t got = cron_newest(c, z, from, to, newest, N_ELEMENTS(newest));
    CHECK_INT(got, MIN(n, N_ELEMENTS(newest)));
    for (size_t i = 0; i < got; i++)
        CHECK_INT(newest[i], all[n - got + i]);
    if (n > 0)
        CHECK_INT(cron_prev(c, z, to), all[n - 1]);
}

TEST(counts_equal_the_steps_taken_across_every_kind_of_change)
{
    static const char *const texts[] = {
        "30 2 * * *",       "0,30 1-3 * * *", "*/10 * * * *",
        "0 * * * *",        "15 30 2 * * *",  "0 0 * * *",
        "0 2 L * *",        "59 23 * * 6",    "0 0 13 * 5",
        "*/7 */3 * * 1-5",  "0 12 1W 1-6 *",  "0 0 0 1 1 * *",
        "30 0-4 * * SUN#L", "@every 7h",      "@at 2025-03-09T07:00:00Z",
        "@manual",
    };
    static const char *const zones[] = {
        "UTC",
        "America/New_York",
        "Australia/Lord_Howe",
        "Antarctica/Troll",
        "America/Nuuk",
        "Pacific/Apia",
        "Africa/Cairo",
        "America/Havana",
        "Pacific/Kwajalein",
        "Europe/Dublin",
    };
    static const char *const begins[] = { "2025-03-01T00:00Z", "2025-10-20T11:59Z",
                                          "2011-12-27T03:00Z", "1993-08-18T00:00Z",
                                          "2045-03-20T00:00Z" };
    if (no_zone_files())
        return;
    for (size_t t = 0; t < N_ELEMENTS(texts); t++)
        for (size_t z = 0; z < N_ELEMENTS(zones); z++)
            for (size_t b = 0; b < N_ELEMENTS(begins); b++) {
                char row[120];
                snprintf(row, sizeof(row), "%s %s %s", texts[t], zones[z], begins[b]);
                ROW(row);
                struct cron *c = must_parse(texts[t]);
                int64_t from = instant_of(begins[b]);
                for (int64_t days = 1; days < 60; days += 13)
                    check_counting(c, zone_named(zones[z]), from + days * 3601,
                                   from + days * 86400);
                cron_free(c);
            }
    zone_cache_release();
}

TEST(counting_is_exact_over_centuries)
{
    struct cron *c = must_parse("* * * * * *");
    CHECK_INT(cron_count(c, NULL, instant_of("2000-01-01T00:00Z"), instant_of("2100-01-01T00:00Z")),
              36525LL * 86400);
    CHECK_INT(cron_count(c, NULL, INT64_MIN, INT64_MAX), 84006LL * 86400);
    CHECK_INT(cron_count(c, NULL, 5, 5), 0);
    CHECK_INT(cron_count(c, NULL, 6, 5), 0);
    CHECK_INT(cron_count(c, NULL, 5, 6), 1);
    CHECK_INT(cron_prev(c, NULL, INT64_MAX), instant_of("2199-12-31T23:59:59Z"));
    CHECK_INT(cron_prev(c, NULL, -1), CRON_NONE);
    cron_free(c);
    c = must_parse("0 0 1 1 *");
    int64_t newest[3];
    CHECK_INT(cron_newest(c, NULL, INT64_MIN, INT64_MAX, newest, 3), 3);
    CHECK_INT(newest[2], instant_of("2199-01-01T00:00Z"));
    CHECK_INT(newest[0], instant_of("2197-01-01T00:00Z"));
    cron_free(c);
}

TEST(a_day_of_missed_minutes_gives_the_newest)
{
    struct cron *c = must_parse("* * * * *");
    int64_t from = instant_of("2026-11-20T10:00Z"), newest[100];
    CHECK_INT(cron_count(c, NULL, from, from + 86400), 1440);
    CHECK_INT(cron_newest(c, NULL, from, from + 86400 + 30, newest, 100), 100);
    CHECK_INT(newest[99], from + 86400);
    CHECK_INT(newest[0], from + 86400 - 99 * 60);
    CHECK_INT(cron_newest(c, NULL, from, from + 300, newest, 100), 5);
    CHECK_INT(newest[0], from + 60);
    CHECK_INT(cron_newest(c, NULL, from, from + 300, newest, 0), 0);
    cron_free(c);
}

TEST(an_interval_that_leaves_the_calendar_has_no_next_time)
{
    struct cron *c = must_parse("@every 36525d");
    int64_t first = cron_next(c, NULL, 1, NULL), second = cron_next(c, NULL, first, NULL);
    CHECK_INT(first, 36525LL * 86400);
    CHECK_INT(second, 2 * first);
    CHECK_INT(cron_next(c, NULL, second, NULL), CRON_NONE);
    CHECK_INT(cron_count(c, NULL, 1, INT64_MAX), 2);
    cron_free(c);
}

TEST(every_keeps_its_phase_from_the_anchor)
{
    struct cron *c = must_parse("@every 90m");
    cron_set_anchor(c, 1000000007);
    CHECK_INT(cron_next(c, NULL, 1000000007, NULL), 1000000007 + 5400);
    CHECK_INT(cron_next(c, NULL, 1000000006, NULL), 1000000007);
    CHECK_INT(cron_next(c, NULL, 1000000007 - 5401, NULL), 1000000007 - 5400);
    CHECK_INT((cron_next(c, NULL, 1795242600, NULL) - 1000000007) % 5400, 0);
    CHECK_INT(cron_count(c, NULL, 1000000007, 1000000007 + 54000), 10);
    CHECK_INT(cron_prev(c, NULL, 1000000007 + 5399), 1000000007);
    cron_set_anchor(c, INT64_MAX);
    CHECK(cron_next(c, NULL, 1000000007, NULL) > 1000000007);
    cron_set_anchor(c, INT64_MIN);
    CHECK(cron_next(c, NULL, 1000000007, NULL) > 1000000007);
    CHECK(cron_next(c, NULL, INT64_MIN, NULL) < 0);
    CHECK_INT(cron_next(c, NULL, INT64_MAX, NULL), CRON_NONE);
    cron_free(c);
}

/* --- bounded work ----------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Steps of three schedules through three days around every change of a zone; strictly upwards. */
static void walk_changes(const char *name, struct cron *const crons[], size_t n)
{
    const struct zone *z = zone_named(name);
    int64_t end = instant_of("2100-01-01T00:00Z");
    ROW(name);
    for (int64_t change = zone_next_change(z, 0); change < end;
         change = zone_next_change(z, change))
        for (size_t i = 0; i < n; i++)
            for (int64_t from = change - 2 * 86400; from < change + 2 * 86400; from += 7 * 3600) {
                int64_t due = cron_next(crons[i], z, from, NULL);
                if (due <= from || due > from + 3 * 86400)
                    T_FAIL("next of %lld is %lld", (long long)from, (long long)due);
                CHECK_INT(cron_count(crons[i], z, from, due), 1);
            }
}

TEST(next_goes_up_across_every_change_of_every_zone)
{
    static const char *const folders[] = { "Africa", "America",  "Antarctica",
                                           "Asia",   "Atlantic", "Australia",
                                           "Europe", "Indian",   "Pacific" };
    struct cron *crons[] = { must_parse("30 2 * * *"), must_parse("0 0 * * *"),
                             must_parse("*/20 0-4 * * *") };
    for (size_t i = 0; i < N_ELEMENTS(folders) && !no_zone_files(); i++) {
        char path[64];
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", folders[i]);
        DIR *dir = opendir(path);
        const struct dirent *entry;
        while (dir && (entry = readdir(dir))) {
            char name[320];
            snprintf(name, sizeof(name), "%s/%s", folders[i], entry->d_name);
            if (entry->d_name[0] != '.' && entry->d_type == DT_REG)
                walk_changes(name, crons, N_ELEMENTS(crons));
        }
        if (dir)
            closedir(dir);
    }
    for (size_t i = 0; i < N_ELEMENTS(crons); i++)
        cron_free(crons[i]);
    zone_cache_release();
}

TEST(the_rarest_schedules_answer_fast)
{
    static const char *const rows[] = { "0 0 29 2 +1#5",      "0 0 0 1 1 * 2199", "0 0 L-28 2 +3",
                                        "0 0 0 31 12 * 2198", "* * * * * *",      "30 2 29 2 *" };
    if (no_zone_files())
        return;
    const struct zone *z = zone_named("America/New_York");
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i]);
        struct cron *c = must_parse(rows[i]);
        int64_t at = 0, begin = now_ns(), steps = 0;
        for (; steps < 50 && at != CRON_NONE; steps++)
            at = cron_next(c, z, at, NULL);
        int64_t each = (now_ns() - begin) / steps;
        if (each > 20000000) /* 1 ms is the promise; sanitizers and a busy machine get twenty */
            T_FAIL("%lld ns a step", (long long)each);
        CHECK_INT(cron_next(c, z, instant_of("2199-12-31T23:00Z"), NULL) == CRON_NONE,
                  strcmp(rows[i], "* * * * * *") != 0);
        cron_free(c);
    }
    zone_cache_release();
}
