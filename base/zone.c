/* Zones: what offset holds when, and which instant a wall clock means. A zone is a table of
   transitions followed, without end, by the footer's yearly rule; both are walked as a row of
   stretches with one offset each. Loading and the cache are in zone_cache.c. */
#include "base/when.h"
#include "base/zone_inside.h"

#define DAY 86400LL
/* The footer is evaluated within the years civil_* take; beyond them its last answer stands. */
#define RULE_FIRST (-377000000000LL)
#define RULE_LAST  253000000000LL
/* Farther than any offset: two instants this far apart never share a wall time. */
#define REACH (ZONE_OFFSET_MAX + 3600LL)

static int64_t clamp(int64_t value, int64_t lo, int64_t hi)
{
    return value < lo ? lo : value > hi ? hi : value;
}

/* --- the footer's rule ------------------------------------------------------------------------ */

/* Local seconds at which the date falls in the year. */
static int64_t date_in_year(const struct zone_date *d, int year)
{
    int64_t day = 0;
    switch (d->kind) {
    case ZONE_DATE_MONTH: {
        int64_t first = civil_days(year, d->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        int ahead = (d->weekday - weekday + 7) % 7 + 7 * (d->week - 1);
        if (ahead >= civil_month_days(year, d->month)) /* week 5 is the last one */
            ahead -= 7;
        day = first + ahead;
        break;
    }
    case ZONE_DATE_JULIAN:
        day = civil_days(year, 1, 1) + d->day - 1;
        if (d->day >= 60 && civil_month_days(year, 2) == 29)
            day++;
        break;
    case ZONE_DATE_DAY:
        day = civil_days(year, 1, 1) + d->day;
        break;
    }
    return day * DAY + d->seconds;
}

static int year_at(const struct zone_footer *f, int64_t seconds)
{
    int year, month, day;
    int64_t local = seconds + f->standard.offset;
    civil_from_days(local / DAY - (local % DAY < 0), &year, &month, &day);
    return year;
}

/* The two instants of a year at which the rule changes the clock. */
static void rule_instants(const struct zone_footer *f, int year, int64_t *start, int64_t *end)
{
    *start = date_in_year(&f->start, year) - f->standard.offset;
    *end = date_in_year(&f->end, year) - f->daylight.offset;
}

/* The latest change at or before the instant decides. Rule times reach a week over New Year, so that
   the latest change of a kind may belong to the year after or to the last but one. When an end meets
   a start, daylight time goes on. */
static const struct zone_type *footer_type(const struct zone_footer *f, int64_t seconds)
{
    if (!f->has_rule)
        return &f->standard;
    int64_t latest_start = INT64_MIN, latest_end = INT64_MIN;
    seconds = clamp(seconds, RULE_FIRST, RULE_LAST);
    int year = year_at(f, seconds);
    for (int y = year - 2; y <= year + 1; y++) {
        int64_t start, end;
        rule_instants(f, y, &start, &end);
        if (start <= seconds)
            latest_start = MAX(latest_start, start);
        if (end <= seconds)
            latest_end = MAX(latest_end, end);
    }
    return latest_start >= latest_end ? &f->daylight : &f->standard;
}

static int64_t footer_next_change(const struct zone_footer *f, int64_t seconds)
{
    int64_t best = INT64_MAX;
    if (!f->has_rule || f->standard.offset == f->daylight.offset || seconds > RULE_LAST)
        return best;
    seconds = MAX(seconds, RULE_FIRST);
    int now = footer_type(f, seconds)->offset;
    int year = year_at(f, seconds);
    for (int y = year - 1; y <= year + 2; y++) {
        int64_t at[2];
        rule_instants(f, y, &at[0], &at[1]);
        for (size_t i = 0; i < 2; i++)
            if (at[i] > seconds && at[i] < best && footer_type(f, at[i])->offset != now)
                best = at[i];
    }
    return best;
}

/* --- offsets ---------------------------------------------------------------------------------- */

/* How many transitions are at or before the instant. */
static uint32_t times_until(const struct zone *z, int64_t seconds)
{
    uint32_t lo = 0, hi = z->n_times;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (z->times[mid] <= seconds)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The type in force after `passed` transitions; `seconds` decides within the footer. */
static const struct zone_type *type_after(const struct zone *z, uint32_t passed, int64_t seconds)
{
    if (passed == z->n_times && z->footer.present)
        return footer_type(&z->footer, seconds);
    return passed ? &z->types[z->type_of[passed - 1]] : &z->types[0];
}

int zone_offset(const struct zone *z, int64_t seconds, const char **abbrev)
{
    const struct zone_type *t = type_after(z, times_until(z, seconds), seconds);
    if (abbrev)
        *abbrev = t->abbrev;
    return t->offset;
}

int64_t zone_next_change(const struct zone *z, int64_t seconds)
{
    uint32_t passed = times_until(z, seconds);
    int now = type_after(z, passed, seconds)->offset;
    int64_t last = seconds;
    for (; passed < z->n_times; passed++) {
        last = z->times[passed];
        if (type_after(z, passed + 1, last)->offset != now)
            return last;
    }
    return z->footer.present ? footer_next_change(&z->footer, last) : INT64_MAX;
}

/* --- wall time to instant --------------------------------------------------------------------- */

/* One more instant that shows the wall time. */
static void local_met(struct local_instant *met, int64_t at)
{
    if (met->kind == LOCAL_GAP)
        *met = (struct local_instant){ .kind = LOCAL_ONCE, .first = at, .second = at };
    else
        *met = (struct local_instant){ .kind = LOCAL_TWICE, .first = met->first, .second = at };
}

/* Walks the stretches that can show the wall time. With offsets under REACH the first stretch begins
   before it and the last one ends after it, so it is either met or jumped over. */
struct local_instant zone_to_utc(const struct zone *z, int64_t local_seconds)
{
    struct local_instant gap = { .kind = LOCAL_GAP };
    struct local_instant met = { .kind = LOCAL_GAP };
    int64_t asked = clamp(local_seconds, INT64_MIN / 2, INT64_MAX / 2);
    int64_t local = clamp(asked, RULE_FIRST, RULE_LAST);
    int64_t beyond = asked - local; /* outside the calendar: its end's answer, moved by as much */
    int64_t begin = local - REACH;
    int offset = zone_offset(z, begin, NULL);
    while (begin < local + REACH) {
        int64_t end = zone_next_change(z, begin), at = local - offset;
        if (at >= begin && at < end)
            local_met(&met, at + beyond);
        if (end == INT64_MAX)
            break;
        int next = zone_offset(z, end, NULL);
        if (gap.gap_seconds == 0 && at >= end && local - next < end) {
            gap.first = gap.second = end + beyond;
            gap.gap_seconds = next - offset;
        }
        begin = end;
        offset = next;
    }
    return met.kind == LOCAL_GAP ? gap : met;
}
