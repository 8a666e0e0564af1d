/* base/zone: TZif files, footers, offsets, wall times, the cache. */
#include "base/when.h"
#include "base/zone_inside.h"
#include "tests/t.h"

#include <sys/stat.h>
#include <time.h>

static bool no_zone_files(void)
{
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0)
        return false;
    puts("skipped: no zone files here");
    return true;
}

static const struct zone *must_get(const char *name)
{
    struct error e = ERROR_INIT;
    const struct zone *z = zone_get(str_of(name), &e);
    if (!z) {
        printf("%s: %s\n", name, e.text);
        exit(1);
    }
    return z;
}

static int64_t utc_of(const char *text)
{
    int64_t us = 0;
    if (when_parse(str_of(text), zone_utc, &us, NULL) != 0)
        abort();
    return us / US_PER_S;
}

/* --- rows judged by another reader ------------------------------------------------------------ */

static void check_local_row(const char *line, const struct zone *z)
{
    long long local, first, second;
    char kind[8];
    if (sscanf(line, "local %*s %lld %7s %lld %lld", &local, kind, &first, &second) != 4) {
        T_FAIL("malformed row");
        return;
    }
    struct local_instant got = zone_to_utc(z, local);
    static const char *const kinds[] = { "once", "gap", "twice" };
    CHECK_CSTR(kinds[got.kind], kind);
    CHECK_INT(got.first, first);
    CHECK_INT(got.kind == LOCAL_GAP ? got.gap_seconds : got.second, second);
}

TEST(rows_of_every_zone_agree_with_an_independent_reader)
{
    const char *path = getenv("KERYX_ZONE_ROWS");
    FILE *f = fopen(path ? path : SOURCE_DIR "/tests/rows/zones.rows", "r");
    char line[200], name[80], unknown[80] = "";
    unsigned rows = 0;
    CHECK(f != NULL);
    while (!no_zone_files() && f && fgets(line, sizeof(line), f)) {
        long long seconds, offset;
        line[strcspn(line, "\n")] = '\0';
        ROW(line);
        if (line[0] == '#' || sscanf(line, "%*s %79s", name) != 1)
            continue;
        const struct zone *z = zone_get(str_of(name), NULL);
        if (!z) { /* a system may leave old aliases out */
            if (strcmp(unknown, name) != 0)
                printf("skipped: no zone %s here\n", name);
            snprintf(unknown, sizeof(unknown), "%s", name);
            continue;
        }
        rows++;
        if (sscanf(line, "utc %*s %lld %lld", &seconds, &offset) == 2)
            CHECK_INT(zone_offset(z, seconds, NULL), offset);
        else
            check_local_row(line, z);
    }
    if (f)
        fclose(f);
    CHECK(rows > 3000 || no_zone_files());
    zone_cache_release();
}

/* --- days people remember --------------------------------------------------------------------- */

TEST(offsets_and_names_of_odd_zones)
{
    static const struct {
        const char *zone, *at;
        int offset;
        const char *abbrev;
    } rows[] = {
        { "Europe/Dublin", "2040-01-15T12:00:00Z", 0, "GMT" }, /* negative daylight time */
        { "Europe/Dublin", "2040-07-15T12:00:00Z", 3600, "IST" },
        { "Europe/Dublin", "2040-03-25T00:59:59Z", 0, "GMT" },
        { "Europe/Dublin", "2040-03-25T01:00:00Z", 3600, "IST" },
        { "America/Nuuk", "2045-03-26T00:59:59Z", -7200, "-02" },
        { "America/Nuuk", "2045-03-26T01:00:00Z", -3600, "-01" },
        { "Asia/Gaza", "2045-01-01T00:00:00Z", 7200, "EET" },
        { "Asia/Gaza", "2099-07-01T00:00:00Z", 10800, "EEST" },
        { "Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800, "+1030" },
        { "Australia/Lord_Howe", "2026-12-01T00:00:00Z", 39600, "+11" },
        { "Antarctica/Troll", "2040-01-01T00:00:00Z", 0, "+00" },
        { "Antarctica/Troll", "2040-07-01T00:00:00Z", 7200, "+02" },
        { "Pacific/Apia", "2011-12-30T09:59:59Z", -36000, "-10" },
        { "Pacific/Apia", "2011-12-30T10:00:00Z", 50400, "+14" },
        { "Africa/Casablanca", "2025-03-10T12:00:00Z", 0, "+00" }, /* Ramadan */
        { "Africa/Casablanca", "2025-06-01T12:00:00Z", 3600, "+01" },
        { "America/Caracas", "2016-05-01T06:59:59Z", -16200, "-0430" },
        { "America/Caracas", "2016-05-01T07:00:00Z", -14400, "-04" },
        { "UTC", "2026-06-01T12:00:00Z", 0, "UTC" },
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        const char *abbrev = NULL;
        char row[80];
        snprintf(row, sizeof(row), "%s %s", rows[i].zone, rows[i].at);
        ROW(row);
        CHECK_INT(zone_offset(must_get(rows[i].zone), utc_of(rows[i].at), &abbrev), rows[i].offset);
        CHECK_CSTR(abbrev, rows[i].abbrev);
    }
    zone_cache_release();
}

TEST(wall_times_are_met_once_twice_or_never)
{
    static const struct {
        const char *zone, *local;
        enum local_kind kind;
        const char *first, *second;
        int64_t gap;
    } rows[] = {
        { "America/New_York", "2025-03-09T01:59:59", LOCAL_ONCE, "2025-03-09T06:59:59Z", NULL, 0 },
        { "America/New_York", "2025-03-09T02:00", LOCAL_GAP, "2025-03-09T07:00Z", NULL, 3600 },
        { "America/New_York", "2025-03-09T02:59:59", LOCAL_GAP, "2025-03-09T07:00Z", NULL, 3600 },
        { "America/New_York", "2025-03-09T03:00", LOCAL_ONCE, "2025-03-09T07:00Z", NULL, 0 },
        { "America/New_York", "2025-11-02T01:00", LOCAL_TWICE, "2025-11-02T05:00Z",
          "2025-11-02T06:00Z", 0 },
        { "America/New_York", "2025-11-02T02:00", LOCAL_ONCE, "2025-11-02T07:00Z", NULL, 0 },
        { "Australia/Lord_Howe", "2025-10-05T02:15", LOCAL_GAP, "2025-10-04T15:30Z", NULL, 1800 },
        { "Australia/Lord_Howe", "2025-04-06T01:45", LOCAL_TWICE, "2025-04-05T14:45Z",
          "2025-04-05T15:15Z", 0 },
        { "Antarctica/Troll", "2025-03-30T02:30", LOCAL_GAP, "2025-03-30T01:00Z", NULL, 7200 },
        { "Antarctica/Troll", "2025-10-26T02:30", LOCAL_TWICE, "2025-10-26T00:30Z",
          "2025-10-26T02:30Z", 0 },
        { "America/Nuuk", "2025-03-29T23:30", LOCAL_GAP, "2025-03-30T01:00Z", NULL, 3600 },
        { "Pacific/Apia", "2011-12-30T12:00", LOCAL_GAP, "2011-12-30T10:00Z", NULL, 86400 },
        { "Pacific/Apia", "2011-12-31T00:00", LOCAL_ONCE, "2011-12-30T10:00Z", NULL, 0 },
        { "Pacific/Kwajalein", "1969-09-30T20:00", LOCAL_TWICE, "1969-09-30T09:00Z",
          "1969-10-01T08:00Z", 0 },
        { "Africa/Cairo", "2024-04-26T00:00", LOCAL_GAP, "2024-04-25T22:00Z", NULL, 3600 },
        { "America/Caracas", "2016-05-01T02:45", LOCAL_GAP, "2016-05-01T07:00Z", NULL, 1800 },
        { "Europe/Dublin", "2040-10-28T01:30", LOCAL_TWICE, "2040-10-28T00:30Z",
          "2040-10-28T01:30Z", 0 },
        { "Asia/Kathmandu", "2026-01-01T00:00", LOCAL_ONCE, "2025-12-31T18:15Z", NULL, 0 },
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char row[80];
        snprintf(row, sizeof(row), "%s %s", rows[i].zone, rows[i].local);
        ROW(row);
        struct local_instant got = zone_to_utc(must_get(rows[i].zone), utc_of(rows[i].local));
        CHECK_INT(got.kind, rows[i].kind);
        CHECK_INT(got.first, utc_of(rows[i].first));
        CHECK_INT(got.second, utc_of(rows[i].second ? rows[i].second : rows[i].first));
        CHECK_INT(got.gap_seconds, rows[i].gap);
    }
    zone_cache_release();
}

TEST(next_change_names_exactly_the_instants_where_the_offset_differs)
{
    static const char *const zones[] = {
        "America/New_York", "Europe/Dublin", "Africa/Casablanca",
        "Pacific/Apia",     "Asia/Gaza",     "Australia/Lord_Howe"
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(zones); i++) {
        const struct zone *z = must_get(zones[i]);
        int64_t at = 0, end = utc_of("2120-01-01T00:00:00Z");
        ROW(zones[i]);
        while (at < end) {
            int64_t next = zone_next_change(z, at);
            int64_t stop = next < end ? next : end;
            int offset = zone_offset(z, at, NULL);
            for (int64_t t = at; t < stop; t += 7 * 3600) /* no change in between */
                if (zone_offset(z, t, NULL) != offset)
                    T_FAIL("offset changes before %lld", (long long)next);
            CHECK_INT(zone_offset(z, stop - 1, NULL), offset);
            if (next < end && zone_offset(z, next, NULL) == offset)
                T_FAIL("no change at %lld", (long long)next);
            at = stop;
        }
    }
    CHECK_INT(zone_next_change(zone_utc, 0), INT64_MAX);
    CHECK_INT(zone_next_change(must_get("Asia/Tokyo"), 0), INT64_MAX);
    CHECK_INT(zone_next_change(must_get("America/New_York"), utc_of("2025-03-09T07:00:00Z")),
              utc_of("2025-11-02T06:00:00Z"));
    CHECK_INT(zone_next_change(must_get("America/New_York"), INT64_MAX), INT64_MAX);
    zone_cache_release();
}

/* --- footers ---------------------------------------------------------------------------------- */

/* A slim file: a header, an empty first block, one type and the footer. */
static struct zone *zone_of_footer(const char *footer, struct error *e)
{
    char bytes[400] = { 0 };
    size_t n = 0;
    for (int block = 0; block < 2; block++) {
        memcpy(bytes + n, "TZif3", 5);
        bytes[n + 39] = 1; /* types */
        bytes[n + 43] = 4; /* characters */
        memcpy(bytes + n + 44 + 6, "LMT", 4);
        n += 44 + 6 + 4;
    }
    n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "\n%s\n", footer);
    return zone_parse(str_n(bytes, n), "test", e);
}

TEST(footers_rule_for_ever)
{
    static const struct {
        const char *footer, *at;
        int offset;
    } rows[] = {
        { "EST5", "2050-07-01T00:00:00Z", -18000 },
        { "<+0330>-3:30", "2050-07-01T00:00:00Z", 12600 },
        { "EST5EDT,M3.2.0,M11.1.0", "2050-03-13T06:59:59Z", -18000 },
        { "EST5EDT,M3.2.0,M11.1.0", "2050-03-13T07:00:00Z", -14400 },
        { "EST5EDT,M3.2.0,M11.1.0", "2050-11-06T05:59:59Z", -14400 },
        { "EST5EDT,M3.2.0,M11.1.0", "2050-11-06T06:00:00Z", -18000 },
        { "EST5EDT4:30:15,M3.2.0,M11.1.0", "2050-07-01T00:00:00Z", -16215 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-01T00:00:00Z", 3600 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-01T00:00:00Z", 0 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27T00:59:59Z", -7200 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2050-03-27T01:00:00Z", -3600 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-01-01T00:00:00Z", 39600 }, /* south of the line */
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2050-07-01T00:00:00Z", 36000 },
        { "AAA0BBB,J60/0,J300/0", "2052-02-29T23:59:59Z", 0 }, /* J60 is 1 March in every year */
        { "AAA0BBB,J60/0,J300/0", "2052-03-01T00:00:00Z", 3600 },
        { "AAA0BBB,J60/0,J300/0", "2051-03-01T00:00:00Z", 3600 },
        { "AAA0BBB,59/0,300/0", "2052-02-29T00:00:00Z",
          3600 }, /* 59 is 29 February in a leap year */
        { "AAA0BBB,59/0,300/0", "2051-03-01T00:00:00Z", 3600 },
        { "AAA0BBB,59/0,300/0", "2051-02-28T23:59:59Z", 0 },
        { "AAA0BBB,J1/-167,J100/0", "2050-12-24T23:59:59Z", 0 }, /* reaches into the year before */
        { "AAA0BBB,J1/-24,J100/0", "2050-12-30T23:59:59Z", 0 },
        { "AAA0BBB,J1/-24,J100/0", "2050-12-31T00:00:00Z", 3600 },
        { "AAA0BBB,J100/0,J365/48", "2051-01-01T22:00:00Z", 3600 }, /* and into the year after */
        { "AAA0BBB,J100/0,J365/48", "2051-01-01T23:00:00Z", 0 },
        { "EST5EDT,0/1,J365/35", "2050-01-01T05:59:59Z",
          -18000 }, /* the last end is two years old */
        { "EST5EDT,0/0,J365/25", "2050-01-01T05:00:00Z", -14400 }, /* all year, RFC 9636 3.3.1 */
        { "EST5EDT,0/0,J365/25", "2050-12-31T23:59:59Z", -14400 },
        { "EST5EDT,0/0,J365/25", "2050-07-01T00:00:00Z", -14400 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        char row[100];
        snprintf(row, sizeof(row), "%s at %s", rows[i].footer, rows[i].at);
        ROW(row);
        struct zone *z = zone_of_footer(rows[i].footer, &e);
        if (z)
            CHECK_INT(zone_offset(z, utc_of(rows[i].at), NULL), rows[i].offset);
        else
            T_FAIL("refused: %s", e.text);
        zone_free(z);
    }
    struct zone *all_year = zone_of_footer("EST5EDT,0/0,J365/25", NULL);
    CHECK(all_year && zone_next_change(all_year, 0) == INT64_MAX);
    zone_free(all_year);
}

TEST(footers_that_are_no_rule_are_refused)
{
    static const char *const rows[] = {
        "E",
        "5",
        "EST",
        "EST5EDT",
        "EST5EDT,",
        "EST25",
        "<EST5",
        "EST5x",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,J0,J300",
        "EST5EDT,J366,J1",
        "EST5EDT,366,1",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3.2.0,M11.1.0,",
        "<>5",
        "EST5:60",
        "EST5EDT,M3.2.0/2:00:60,M11.1.0",
        "ABCDEFGHIJKLMNOPQ5",
        "EST5EDT,M3.2.0 ,M11.1.0",
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        ROW(rows[i]);
        struct zone *z = zone_of_footer(rows[i], &e);
        CHECK(z == NULL);
        CHECK(strstr(e.text, "is no POSIX TZ rule") != NULL);
        zone_free(z);
    }
}

/* --- damaged files ---------------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *bytes = xalloc(MIB);
    *n = f ? fread(bytes, 1, MIB, f) : 0;
    if (f)
        fclose(f);
    return bytes;
}

TEST(every_way_to_cut_a_file_short_is_refused)
{
    size_t n;
    auto_free char *bytes = slurp("/usr/share/zoneinfo/Europe/Berlin", &n);
    for (size_t cut = 0; cut < n; cut++) {
        auto_free char *part = xalloc(cut + 1); /* its own block, so that reading past it shows */
        memcpy(part, bytes, cut);
        struct error e = ERROR_INIT;
        struct zone *z = zone_parse(str_n(part, cut), "cut", &e);
        if (z || !e.text[0])
            T_FAIL("cut at %zu of %zu was accepted", cut, n);
        zone_free(z);
    }
}

TEST(counts_beyond_sense_are_refused)
{
    static const struct {
        size_t at;
        unsigned char byte;
    } rows[] = { { 0, 'X' }, { 20, 1 }, { 24, 1 }, { 28, 1 },
                 { 32, 1 },  { 36, 1 }, { 39, 0 }, { 40, 1 } };
    size_t n;
    auto_free char *bytes = slurp("/usr/share/zoneinfo/Etc/UTC", &n);
    if (no_zone_files())
        return;
    size_t second = n; /* the second header rules */
    for (size_t i = 44; i + 4 < n; i++)
        if (memcmp(bytes + i, "TZif", 4) == 0)
            second = i;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char old = bytes[second + rows[i].at];
        bytes[second + rows[i].at] = (char)rows[i].byte;
        struct zone *z = zone_parse(str_n(bytes, n), "counts", NULL);
        if (z)
            T_FAIL("byte %zu = %u was accepted", rows[i].at, rows[i].byte);
        zone_free(z);
        bytes[second + rows[i].at] = old;
    }
    struct zone *z = zone_parse(str_n(bytes, n), "counts", NULL);
    CHECK(z != NULL);
    zone_free(z);
}

TEST(an_old_file_of_version_one_is_read_by_its_32_bit_block)
{
    char bytes[44 + 2 * 5 + 2 * 6 + 8] = "TZif";
    bytes[35] = 2; /* transitions */
    bytes[39] = 2; /* types */
    bytes[43] = 8; /* characters */
    bytes[44 + 3] = 100;
    bytes[44 + 6] = 1; /* second transition at 256 */
    bytes[44 + 8] = 1; /* to type 1, then back to type 0 */
    char *types = bytes + 44 + 10;
    types[6 + 2] = 14; /* 3600 */
    types[6 + 3] = 16;
    types[6 + 5] = 4;
    memcpy(types + 12, "AAA\0BBB", 8);
    struct error e = ERROR_INIT;
    struct zone *z = zone_parse(str_n(bytes, sizeof(bytes)), "v1", &e);
    CHECK_CSTR(e.text, "");
    if (!z)
        return;
    const char *abbrev;
    CHECK_INT(zone_offset(z, 99, NULL), 0);
    CHECK_INT(zone_offset(z, 100, &abbrev), 3600);
    CHECK_CSTR(abbrev, "BBB");
    CHECK_INT(zone_offset(z, 256, NULL), 0);
    CHECK_INT(zone_next_change(z, 100), 256);
    CHECK_INT(zone_next_change(z, 256), INT64_MAX);
    zone_free(z);
}

/* --- the cache -------------------------------------------------------------------------------- */

TEST(names_that_reach_outside_the_folders_are_refused)
{
    static const char *const rows[] = {
        "",
        "../../../etc/passwd",
        "Europe/../Europe/Berlin",
        "/usr/share/zoneinfo/Europe/Berlin",
        "Europe//Berlin",
        "Europe/Berlin/",
        "./Europe/Berlin",
        "Europe/Ber lin",
        "Europe/Berlin\n",
        ".",
        "..",
        "Europe/.hidden",
        "A23456789012345678901234567890123456789012345678901234567890123456",
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        ROW(rows[i]);
        CHECK(zone_get(str_of(rows[i]), &e) == NULL);
        CHECK(strstr(e.text, "is no zone name; expected one such as Europe/Berlin") != NULL);
    }
    CHECK(zone_get(str_n("Europe/Berlin\0", 14), NULL) == NULL);
    CHECK(zone_get(STR("zone.tab"), NULL) == NULL); /* there, but no TZif */
    CHECK(zone_get(STR("Europe"), NULL) == NULL);
}

TEST(a_wrong_name_gets_the_nearest_one)
{
    static const struct {
        const char *wrong, *error;
    } rows[] = {
        { "Europe/Berln", "unknown time zone \"Europe/Berln\", did you mean Europe/Berlin" },
        { "america/new_york",
          "unknown time zone \"america/new_york\", did you mean America/New_York" },
        { "New_York", "unknown time zone \"New_York\", did you mean America/New_York" },
        { "Amerika/New_York",
          "unknown time zone \"Amerika/New_York\", did you mean America/New_York" },
        { "Europe/Tokyo", "unknown time zone \"Europe/Tokyo\", did you mean Asia/Tokyo" },
        { "Qqqqqqqqqqqq",
          "unknown time zone \"Qqqqqqqqqqqq\"; expected an IANA name such as Europe/Berlin" },
    };
    if (no_zone_files())
        return;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct error e = ERROR_INIT;
        ROW(rows[i].wrong);
        CHECK(zone_get(str_of(rows[i].wrong), &e) == NULL);
        CHECK_CSTR(e.text, rows[i].error);
    }
}

TEST(zones_are_shared_by_name)
{
    if (no_zone_files())
        return;
    CHECK(must_get("Europe/Berlin") == must_get("Europe/Berlin"));
    CHECK(must_get("UTC") == zone_utc);
    CHECK_CSTR(zone_name(must_get("Europe/Berlin")), "Europe/Berlin");
    CHECK(must_get("Local") == must_get("Local"));
    zone_cache_release();
    setenv("TZ", ":Europe/Berlin", 1);
    CHECK(must_get("Local") == must_get("Europe/Berlin"));
    setenv("TZ", "Local", 1);
    CHECK(must_get("Local") != NULL);
    unsetenv("TZ");
    zone_cache_release();
}

static void put_file(const char *path, const char *from)
{
    char temporary[300];
    size_t n;
    auto_free char *bytes = slurp(from, &n);
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *f = fopen(temporary, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0 || rename(temporary, path) != 0)
        abort();
}

TEST(a_changed_file_moves_the_zone_in_place)
{
    char dir[] = "zones-XXXXXX", path[100];
    if (no_zone_files() || !mkdtemp(dir))
        return;
    snprintf(path, sizeof(path), "%s/Moving", dir);
    put_file(path, "/usr/share/zoneinfo/Asia/Tokyo");
    setenv("TZDIR", dir, 1);
    const struct zone *z = must_get("Moving");
    CHECK_INT(zone_offset(z, 1800000000, NULL), 9 * 3600);
    CHECK_INT(zone_refresh(), 0);
    put_file(path, "/usr/share/zoneinfo/Asia/Kathmandu");
    CHECK_INT(zone_refresh(), 1);
    CHECK_INT(zone_offset(z, 1800000000, NULL), 20700);
    CHECK(must_get("Moving") == z);
    put_file(path, "/etc/passwd"); /* damaged: what was known stays */
    CHECK_INT(zone_refresh(), 0);
    CHECK_INT(zone_offset(z, 1800000000, NULL), 20700);
    unlink(path);
    CHECK_INT(zone_refresh(), 0);
    CHECK_INT(zone_offset(z, 1800000000, NULL), 20700);
    unsetenv("TZDIR");
    rmdir(dir);
    zone_cache_release();
}

TEST(extreme_instants_have_an_answer)
{
    if (no_zone_files())
        return;
    static const int64_t rows[] = { INT64_MIN,    INT64_MIN + 1, -377705116800,
                                    253402300799, INT64_MAX - 1, INT64_MAX };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        const struct zone *z = must_get("America/New_York");
        CHECK(zone_offset(z, rows[i], NULL) < 0);
        CHECK(zone_next_change(z, rows[i]) > rows[i] || rows[i] == INT64_MAX);
        (void)zone_to_utc(z, rows[i]);
    }
    zone_cache_release();
}
