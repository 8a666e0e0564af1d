/* Civil arithmetic, RFC 3339 and durations. Pure: nothing here reads a clock. */
#include "base/when.h"

#include <stdio.h>

#define DAY 86400LL

/* --- civil ------------------------------------------------------------------------------------ */

/* The first and last second of the years -9999..9999. */
#define CIVIL_FIRST (-377705116800LL)
#define CIVIL_LAST  253402300799LL

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Counts in 400-year eras of 146097 days that begin on 1 March, so that the leap day ends a year;
   719468 is the distance from 0000-03-01 to 1970-01-01. */
int64_t civil_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

int civil_month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int64_t civil_seconds(const struct civil *c)
{
    return civil_days(c->year, c->month, c->day) * DAY + c->hour * 3600LL + c->minute * 60LL +
           c->second;
}

struct civil civil_from_seconds(int64_t seconds)
{
    seconds = MAX(CIVIL_FIRST, MIN(CIVIL_LAST, seconds));
    int64_t days = floor_div(seconds, DAY);
    int rest = (int)(seconds - days * DAY);
    struct civil c = { .hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60 };
    civil_from_days(days, &c.year, &c.month, &c.day);
    c.weekday = (int)(((days + 4) % 7 + 7) % 7);
    return c;
}

/* --- RFC 3339 --------------------------------------------------------------------------------- */

const char *when_format_us(int64_t wall_us, char text[WHEN_TEXT])
{
    int64_t seconds = floor_div(wall_us, US_PER_S);
    struct civil c = civil_from_seconds(seconds);
    snprintf(text, WHEN_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", c.year, c.month, c.day, c.hour,
             c.minute, c.second, (int)(wall_us - seconds * US_PER_S));
    return text;
}

const char *when_format_local(int64_t seconds, const struct zone *z, char text[WHEN_TEXT])
{
    seconds = MAX(CIVIL_FIRST, MIN(CIVIL_LAST, seconds));
    int offset = zone_offset(z, seconds, NULL);
    int minutes = (abs(offset) + 30) / 60;
    char sign = offset < 0 && minutes > 0 ? '-' : '+';
    struct civil c = civil_from_seconds(seconds + (sign == '-' ? -60LL : 60LL) * minutes);
    snprintf(text, WHEN_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c.year, c.month, c.day,
             c.hour, c.minute, c.second, sign, minutes / 60, minutes % 60);
    return text;
}

/* Cuts exactly `width` digits with a value in lo..hi off the front. */
static bool take_number(struct str *s, size_t width, int lo, int hi, int *out)
{
    uint64_t value;
    if (s->n < width || str_u64(str_sub(*s, 0, width), &value) != 0)
        return false;
    if (value < (uint64_t)lo || value > (uint64_t)hi)
        return false;
    *s = str_sub(*s, width, s->n);
    *out = (int)value;
    return true;
}

static bool take_char(struct str *s, const char *any_of)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(any_of, s->p[0]))
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_date(struct str *s, struct civil *c)
{
    return take_number(s, 4, 1, 9999, &c->year) && take_char(s, "-") &&
           take_number(s, 2, 1, 12, &c->month) && take_char(s, "-") &&
           take_number(s, 2, 1, civil_month_days(c->year, c->month), &c->day);
}

/* hh:mm[:ss[.fraction]] */
static bool take_time(struct str *s, struct civil *c, int64_t *fraction_us)
{
    if (!take_number(s, 2, 0, 23, &c->hour) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 59, &c->minute))
        return false;
    if (!take_char(s, ":"))
        return true;
    if (!take_number(s, 2, 0, 60, &c->second))
        return false;
    if (!take_char(s, "."))
        return true;
    int64_t unit = US_PER_S / 10;
    int digit;
    if (s->n == 0)
        return false;
    for (size_t taken = 0; take_number(s, 1, 0, 9, &digit); taken++, unit /= 10)
        *fraction_us += digit * unit;
    return unit < US_PER_S / 10;
}

/* "Z" or ±hh:mm; -1 malformed, 0 none there, 1 taken. */
static int take_offset(struct str *s, int *offset)
{
    int hours, minutes;
    if (s->n == 0)
        return 0;
    if (take_char(s, "Zz")) {
        *offset = 0;
        return 1;
    }
    bool west = s->p[0] == '-';
    if (!take_char(s, "+-") || !take_number(s, 2, 0, 23, &hours) || !take_char(s, ":") ||
        !take_number(s, 2, 0, 59, &minutes))
        return -1;
    *offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return 1;
}

int when_parse(struct str text, const struct zone *z, int64_t *wall_us, struct error *e)
{
    struct str s = text;
    struct civil c = { 0 };
    int64_t fraction = 0;
    int offset = 0, has_offset = 0;
    bool ok = take_date(&s, &c);
    if (ok && take_char(&s, "Tt ")) {
        ok = take_time(&s, &c, &fraction);
        has_offset = ok ? take_offset(&s, &offset) : 0;
    }
    if (!ok || s.n > 0 || has_offset < 0)
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" is no date and time; write it as 2026-12-24T18:00:00%s",
                         STR_ARG(str_sub(text, 0, 64)), z ? "" : "Z");
    if (!has_offset && !z)
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" needs an offset; end it with Z or +01:00",
                         STR_ARG(str_sub(text, 0, 64)));
    int64_t seconds = civil_seconds(&c);
    seconds = has_offset ? seconds - offset : zone_to_utc(z, seconds).first;
    *wall_us = seconds * US_PER_S + fraction;
    return 0;
}

/* --- durations -------------------------------------------------------------------------------- */

#define DURATION_MAX (36525LL * DAY * US_PER_S)

static const struct {
    const char *name;
    int64_t us;
} duration_units[] = {
    /* the larger first: the order is checked by index */
    { "w", 7 * DAY *US_PER_S },
    { "d", DAY *US_PER_S },
    { "h", 3600 * US_PER_S },
    { "m", 60 * US_PER_S },
    { "s", US_PER_S },
    { "ms", US_PER_MS },
    { "us", 1 },
};

/* Why a duration is refused. */
enum {
    DURATION_LONG = -1,
    DURATION_FINE = -2,
    DURATION_SHAPE = -3,
    DURATION_ORDER = -4,
    DURATION_BARE = -5,
};

static size_t digits_at(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
        n++;
    return n;
}

/* The whole and the fractional digits times `unit`; 0 or why not. */
static int duration_scale(struct str whole, struct str fraction, int64_t unit, int64_t *us)
{
    uint64_t n = 0;
    if ((whole.n && str_u64(whole, &n) != 0) || n > (uint64_t)(DURATION_MAX / unit))
        return DURATION_LONG;
    *us = (int64_t)n * unit;
    for (size_t i = 0; i < fraction.n; i++) {
        int digit = fraction.p[i] - '0';
        unit = unit % 10 ? 0 : unit / 10; /* a step that does not divide takes no more digits */
        if (digit && unit == 0)
            return DURATION_FINE;
        *us += digit * unit;
    }
    return 0;
}

/* Cuts "1.5h" off the front; *rank is the index of its unit, N_ELEMENTS when there is none (then the
   number counts seconds). 0 or why not. */
static int take_duration_part(struct str *s, size_t *rank, int64_t *us)
{
    struct str whole = str_sub(*s, 0, digits_at(*s)), fraction = STR_NULL;
    *s = str_sub(*s, whole.n, s->n);
    if (s->n && s->p[0] == '.') {
        fraction = str_sub(*s, 1, digits_at(str_sub(*s, 1, s->n)));
        *s = str_sub(*s, 1 + fraction.n, s->n);
    }
    if (whole.n + fraction.n == 0)
        return DURATION_SHAPE;
    size_t letters = 0;
    while (letters < s->n && s->p[letters] != '.' && (s->p[letters] < '0' || s->p[letters] > '9'))
        letters++;
    struct str name = str_sub(*s, 0, letters);
    *s = str_sub(*s, letters, s->n);
    if (str_eq(name, STR("\xc2\xb5s"))) /* µs, as Go prints it */
        name = STR("us");
    for (*rank = 0; *rank < N_ELEMENTS(duration_units); ++*rank)
        if (str_eq_c(name, duration_units[*rank].name))
            return duration_scale(whole, fraction, duration_units[*rank].us, us);
    return name.n ? DURATION_SHAPE : duration_scale(whole, fraction, US_PER_S, us);
}

static int duration_error(struct str text, int why, struct error *e)
{
    struct str shown = str_sub(text, 0, 64);
    switch (why) {
    case DURATION_LONG:
        return error_set(e, ERROR_INVALID, "\"%" STR_FMT "\" is longer than 100 years",
                         STR_ARG(shown));
    case DURATION_FINE:
        return error_set(e, ERROR_INVALID, "\"%" STR_FMT "\" is finer than a microsecond",
                         STR_ARG(shown));
    case DURATION_ORDER:
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" must name each unit once, the larger first (1h30m)",
                         STR_ARG(shown));
    case DURATION_BARE:
        shown = str_sub(text, 0, 20);
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" has no unit; write %" STR_FMT "s, %" STR_FMT
                         "m or %" STR_FMT "h",
                         STR_ARG(shown), STR_ARG(shown), STR_ARG(shown), STR_ARG(shown));
    default:
        return error_set(e, ERROR_INVALID,
                         "\"%" STR_FMT "\" is no duration; write 30s, 5m, 1h30m, 7d or 500ms",
                         STR_ARG(shown));
    }
}

/* All parts of the text; 0 or why not. */
static int duration_sum(struct str text, bool bare_seconds, int64_t *total)
{
    struct str rest = text;
    size_t rank, next_rank = 0;
    int64_t part;
    if (text.n == 0)
        return DURATION_SHAPE;
    for (bool first = true; rest.n > 0; first = false, next_rank = rank + 1) {
        int why = take_duration_part(&rest, &rank, &part);
        if (why != 0)
            return why;
        if (rank == N_ELEMENTS(duration_units) && !(first && rest.n == 0))
            return DURATION_SHAPE;
        if (rank == N_ELEMENTS(duration_units) && !bare_seconds)
            return DURATION_BARE;
        if (rank < next_rank)
            return DURATION_ORDER;
        *total += part;
        if (*total > DURATION_MAX)
            return DURATION_LONG;
    }
    return 0;
}

int duration_parse(struct str text, bool bare_seconds, int64_t *us, struct error *e)
{
    int64_t total = 0;
    int why = duration_sum(text, bare_seconds, &total);
    if (why != 0)
        return duration_error(text, why, e);
    *us = total;
    return 0;
}

/* value/1000^k with the zeros at the end of the fraction left out: 1500 of 1000 is "1.5". */
static int print_fraction(char *at, size_t room, uint64_t value, uint64_t unit)
{
    int n = snprintf(at, room, "%llu", (unsigned long long)(value / unit));
    uint64_t rest = value % unit;
    if (rest == 0)
        return n;
    at[n++] = '.';
    for (; rest; rest = rest * 10 % unit)
        at[n++] = (char)('0' + rest * 10 / unit);
    at[n] = '\0';
    return n;
}

const char *duration_format(int64_t us, char text[WHEN_TEXT])
{
    uint64_t left = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    int n = 0;
    if (us < 0)
        text[n++] = '-';
    if (left > 0 && left < US_PER_S) {
        uint64_t unit = left < US_PER_MS ? 1 : US_PER_MS;
        n += print_fraction(text + n, WHEN_TEXT - (size_t)n, left, unit);
        snprintf(text + n, WHEN_TEXT - (size_t)n, "%s", unit == 1 ? "us" : "ms");
        return text;
    }
    uint64_t minutes = left / (60 * US_PER_S);
    if (minutes >= 60)
        n += snprintf(text + n, WHEN_TEXT - (size_t)n, "%lluh", (unsigned long long)minutes / 60);
    if (minutes > 0)
        n += snprintf(text + n, WHEN_TEXT - (size_t)n, "%um", (unsigned)(minutes % 60));
    n += print_fraction(text + n, WHEN_TEXT - (size_t)n, left % (60 * US_PER_S), US_PER_S);
    snprintf(text + n, WHEN_TEXT - (size_t)n, "s");
    return text;
}
