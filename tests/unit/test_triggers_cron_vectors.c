/* triggers/cron against rows made with other people's programs: what several independent libraries
   agree on (cron-vectors), and the full semantics (cron-spec-vectors). Every row is checked. */
#include "triggers/cron.h"
#include "base/json.h"
#include "tests/t.h"

static char *slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *bytes = xalloc(4 * MIB);
    *n = f ? fread(bytes, 1, 4 * MIB, f) : 0;
    if (f)
        fclose(f);
    return bytes;
}

static int64_t instant_of(struct str text)
{
    int64_t us = 0;
    if (when_parse(text, NULL, &us, NULL) != 0)
        abort();
    return us / US_PER_S;
}

/* The rows were made with tzdata 2025b. Where a government has changed its mind since and the system's
   files know it, rows that reach past the change are counted and left out. */
static const struct {
    const char *zone, *since, *probe;
    int offset_then; /* at `probe`, in tzdata 2025b */
} moved_zones[] = {
    { "Africa/Casablanca", "2026-09-01T00:00:00Z", "2030-07-01T00:00:00Z", 3600 },
};
static unsigned moved_rows;

static bool zone_has_moved(const struct zone *z, int64_t last)
{
    for (size_t i = 0; i < N_ELEMENTS(moved_zones); i++)
        if (strcmp(zone_name(z), moved_zones[i].zone) == 0 &&
            last >= instant_of(str_of(moved_zones[i].since)) &&
            zone_offset(z, instant_of(str_of(moved_zones[i].probe)), NULL) !=
                moved_zones[i].offset_then)
            return true;
    return false;
}

static void check_times(struct arena *a, const struct json *row, const struct cron *c,
                        const struct zone *z)
{
    const struct json *next = json_get(row, STR("next"));
    int64_t from = instant_of(json_get_str(a, row, "from", STR("")));
    int64_t at = from, last = from;
    size_t n = next ? next->count : 0;
    int64_t newest[8];
    if (n && zone_has_moved(z, instant_of(json_text(a, json_at(next, n - 1))))) {
        moved_rows++;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char got[WHEN_TEXT];
        struct str want = json_text(a, json_at(next, i));
        at = cron_next(c, z, at, NULL);
        when_format_local(at == CRON_NONE ? 0 : at, zone_utc, got);
        if (at != instant_of(want)) {
            T_FAIL("time %zu: got %s, want %" STR_FMT, i + 1, got, STR_ARG(want));
            return;
        }
        last = at;
    }
    CHECK(n > 0 && n <= 8);
    CHECK_INT(cron_count(c, z, from, last), n);
    CHECK_INT(cron_count(c, z, from, last - 1), n - 1);
    CHECK_INT(cron_newest(c, z, from, last, newest, 8), n);
    CHECK_INT(newest[0], instant_of(json_text(a, json_at(next, 0))));
    CHECK_INT(cron_prev(c, z, last), last);
}

static void check_row(struct arena *a, const struct json *row)
{
    struct error e = ERROR_INIT;
    struct str expr = json_get_str(a, row, "expr", STR(""));
    const struct zone *z = zone_get(json_get_str(a, row, "tz", STR("UTC")), &e);
    if (!z) {
        T_FAIL("%s", e.text);
        return;
    }
    struct cron *c = cron_parse(expr, NULL, &e);
    bool refused_by_others = json_get_bool(row, "error", false);
    if (refused_by_others && json_get_bool(row, "must_reject", false)) {
        CHECK(c == NULL);
        CHECK(e.text[0] && e.column > 0);
    } else if (!c) {
        T_FAIL("refused: %s", e.text);
    } else if (!refused_by_others) {
        check_times(a, row, c, z);
    }
    cron_free(c);
}

static void check_file(const char *path, unsigned at_least)
{
    size_t n;
    auto_free char *bytes = slurp(path, &n);
    struct str rest = str_n(bytes, n), line;
    unsigned rows = 0;
    moved_rows = 0;
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) != 0) {
        puts("skipped: no zone files here");
        return;
    }
    while (str_split(&rest, '\n', &line)) {
        struct arena *a = arena_new(0);
        char row[300];
        snprintf(row, sizeof(row), "%" STR_FMT, STR_ARG(str_sub(line, 0, 200)));
        ROW(row);
        const struct json *v = line.n ? json_parse(a, line, NULL, NULL) : NULL;
        if (v) {
            rows++;
            check_row(a, v);
        }
        arena_free(a);
    }
    ROW("");
    CHECK(rows >= at_least);
    CHECK(moved_rows <= rows / 20);
    printf("%u rows, %u of them left out: their zone has changed its rules since\n", rows,
           moved_rows);
    zone_cache_release();
}

TEST(what_independent_libraries_agree_on)
{
    check_file(SOURCE_DIR "/tests/rows/cron-vectors.jsonl", 2542);
}

TEST(the_whole_of_the_semantics)
{
    check_file(SOURCE_DIR "/tests/rows/cron-spec-vectors.jsonl", 3432);
}
