/* Wall times a schedule matches, in a calendar without clock changes: the next one, and how many. A
   month is one bit set of days; a day is counted by multiplying. */
#include "triggers/cron_inside.h"

#define DAY 86400LL

/* Bits of the days 1..n. */
static uint32_t first_days(int n)
{
    return (uint32_t)((2ULL << n) - 2);
}

/* The days w, w+7, … for a month that begins on weekday `first`. */
static uint32_t weekday_days(int w, int first)
{
    const uint32_t weekly = 1U | 1U << 7 | 1U << 14 | 1U << 21 | 1U << 28;
    return weekly << (1 + (w - first + 7) % 7);
}

static uint32_t workday_nearest(int day, int length, int first)
{
    int weekday = (first + day - 1) % 7;
    if (weekday == 6)
        return 1U << (day > 1 ? day - 1 : day + 2);
    if (weekday == 0)
        return 1U << (day < length ? day + 1 : day - 2);
    return 1U << day;
}

static uint32_t days_by_date(const struct cron *c, int length, int first)
{
    uint32_t days = c->days;
    for (uint32_t rest = c->last_minus; rest; rest &= rest - 1) {
        int day = length - __builtin_ctz(rest);
        if (day >= 1)
            days |= 1U << day;
    }
    for (uint32_t rest = c->nearest & first_days(length); rest; rest &= rest - 1)
        days |= workday_nearest(__builtin_ctz(rest), length, first);
    if (c->last_workday) {
        int weekday = (first + length - 1) % 7;
        days |= 1U << (length - (weekday == 6 ? 1 : weekday == 0 ? 2 : 0));
    }
    return days;
}

static uint32_t days_by_weekday(const struct cron *c, int length, int first)
{
    uint32_t days = 0;
    if (c->weekdays == 0x7f)
        return first_days(length);
    for (int w = 0; w < 7; w++) {
        uint32_t all = weekday_days(w, first) & first_days(length);
        if (c->weekdays >> w & 1)
            days |= all;
        if (c->last_weekdays >> w & 1)
            days |= 1U << (31 - __builtin_clz(all));
        for (int n = 0; n < 5; n++)
            if (c->nth[n] >> w & 1)
                days |= all & (0x7fU << (7 * n + 1));
    }
    return days;
}

/* The matching days of a month, bit d for day d. */
static uint32_t month_days(const struct cron *c, int year, int month)
{
    if (!(c->months >> month & 1))
        return 0;
    int y = year - CRON_FIRST_YEAR;
    if (c->has_years && !(c->years[y / 64] >> (y % 64) & 1))
        return 0;
    int length = civil_month_days(year, month);
    int first = (int)((civil_days(year, month, 1) + 4) % 7); /* 1970 and later: not negative */
    uint32_t by_date = days_by_date(c, length, first),
             by_weekday = days_by_weekday(c, length, first);
    uint32_t days = c->both_days ? by_date & by_weekday : by_date | by_weekday;
    return days & first_days(length);
}

/* The first matching second of the day >= at, or -1. */
static int time_next(const struct cron *c, int at)
{
    int hour = at / 3600, minute = at / 60 % 60, second = at % 60;
    if (c->hours >> hour & 1) {
        if (c->minutes >> minute & 1) {
            uint64_t seconds = c->seconds >> second;
            if (seconds)
                return at + __builtin_ctzll(seconds);
        }
        uint64_t minutes = c->minutes >> minute >> 1;
        if (minutes)
            return hour * 3600 + (minute + 1 + __builtin_ctzll(minutes)) * 60 +
                   __builtin_ctzll(c->seconds);
    }
    uint32_t hours = c->hours >> hour >> 1;
    if (!hours)
        return -1;
    return (hour + 1 + __builtin_ctz(hours)) * 3600 + __builtin_ctzll(c->minutes) * 60 +
           __builtin_ctzll(c->seconds);
}

int64_t cron_local_next(const struct cron *c, int64_t local)
{
    int year, month, day;
    local = MAX(local, 0); /* 1970-01-01T00:00:00 */
    civil_from_days(local / DAY, &year, &month, &day);
    if (year > CRON_LAST_YEAR)
        return CRON_NONE;
    uint32_t days = month_days(c, year, month) & ~first_days(day - 1);
    if (days >> day & 1) {
        int time = time_next(c, (int)(local % DAY));
        if (time >= 0)
            return local / DAY * DAY + time;
        days &= ~(1U << day);
    }
    while (!days) {
        month = month % 12 + 1;
        year += month == 1;
        if (year > CRON_LAST_YEAR)
            return CRON_NONE;
        days = month_days(c, year, month);
    }
    return civil_days(year, month, __builtin_ctz(days)) * DAY + time_next(c, 0);
}

/* Matching seconds of a day before `at`. */
static uint64_t times_before(const struct cron *c, int64_t at)
{
    int hour = (int)(at / 3600), minute = (int)(at / 60 % 60), second = (int)(at % 60);
    uint64_t a_minute = (uint64_t)__builtin_popcountll(c->seconds);
    uint64_t an_hour = a_minute * (uint64_t)__builtin_popcountll(c->minutes);
    uint64_t n = an_hour * (uint64_t)__builtin_popcount(c->hours & ((1U << hour) - 1));
    if (hour > 23 || !(c->hours >> hour & 1))
        return n;
    n += a_minute * (uint64_t)__builtin_popcountll(c->minutes & ((1ULL << minute) - 1));
    if (c->minutes >> minute & 1)
        n += (uint64_t)__builtin_popcountll(c->seconds & ((1ULL << second) - 1));
    return n;
}

/* Matching days in [from, to), counted since 1970. */
static uint64_t days_between(const struct cron *c, int64_t from, int64_t to)
{
    int year, month, day;
    uint64_t n = 0;
    civil_from_days(from, &year, &month, &day);
    while (from < to && year <= CRON_LAST_YEAR) {
        int64_t first = from - (day - 1), length = civil_month_days(year, month);
        uint32_t days = month_days(c, year, month) & ~first_days(day - 1);
        if (to - first < length)
            days &= first_days((int)(to - first));
        n += (uint64_t)__builtin_popcount(days);
        from = first + length;
        day = 1;
        month = month % 12 + 1;
        year += month == 1;
    }
    return n;
}

uint64_t cron_local_count(const struct cron *c, int64_t from, int64_t to)
{
    from = MAX(from, 0);
    to = MIN(to, civil_days(CRON_LAST_YEAR + 1, 1, 1) * DAY);
    if (from >= to)
        return 0;
    int64_t first = from / DAY, last = to / DAY;
    uint64_t n = days_between(c, first, last) * times_before(c, DAY);
    if (days_between(c, first, first + 1))
        n -= times_before(c, from % DAY);
    if (days_between(c, last, last + 1))
        n += times_before(c, to % DAY);
    return n;
}
