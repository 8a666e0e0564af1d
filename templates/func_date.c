/* Instants: text in RFC 3339 or seconds since 1970, printed by Go's layouts ("2006-01-02
   15:04"). */
#include "templates/func.h"

#include "base/when.h"

#include <stdio.h>

static const char *const months[] = { "January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December" };
static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday" };

struct moment {
    struct civil local;
    int64_t micros; /* of the second */
    int offset;     /* east of UTC in seconds */
    const char *abbrev;
};

enum part {
    PART_MONTH_LONG,
    PART_MONTH,
    PART_MONTH_2,
    PART_MONTH_1,
    PART_WEEKDAY_LONG,
    PART_WEEKDAY,
    PART_DAY_OF_YEAR,
    PART_DAY_2,
    PART_DAY_BLANK,
    PART_DAY_1,
    PART_HOUR,
    PART_HOUR12_2,
    PART_HOUR12_1,
    PART_MINUTE_2,
    PART_MINUTE_1,
    PART_SECOND_2,
    PART_SECOND_1,
    PART_YEAR,
    PART_YEAR_2,
    PART_PM,
    PART_PM_LOWER,
    PART_ZONE,
    PART_Z_COLON_S,
    PART_Z_COLON,
    PART_Z_S,
    PART_Z,
    PART_Z_HOUR,
    PART_COLON_S,
    PART_COLON,
    PART_OFFSET_S,
    PART_OFFSET,
    PART_OFFSET_HOUR,
};

/* The reference time's parts; of two that match at one place the first row wins. */
static const struct {
    const char *text;
    enum part part;
} layout[] = {
    { "January", PART_MONTH_LONG },
    { "Jan", PART_MONTH },
    { "Monday", PART_WEEKDAY_LONG },
    { "Mon", PART_WEEKDAY },
    { "MST", PART_ZONE },
    { "002", PART_DAY_OF_YEAR },
    { "01", PART_MONTH_2 },
    { "02", PART_DAY_2 },
    { "03", PART_HOUR12_2 },
    { "04", PART_MINUTE_2 },
    { "05", PART_SECOND_2 },
    { "06", PART_YEAR_2 },
    { "15", PART_HOUR },
    { "1", PART_MONTH_1 },
    { "2006", PART_YEAR },
    { "_2", PART_DAY_BLANK },
    { "2", PART_DAY_1 },
    { "3", PART_HOUR12_1 },
    { "4", PART_MINUTE_1 },
    { "5", PART_SECOND_1 },
    { "PM", PART_PM },
    { "pm", PART_PM_LOWER },
    { "Z07:00:00", PART_Z_COLON_S },
    { "Z07:00", PART_Z_COLON },
    { "Z070000", PART_Z_S },
    { "Z0700", PART_Z },
    { "Z07", PART_Z_HOUR },
    { "-07:00:00", PART_COLON_S },
    { "-07:00", PART_COLON },
    { "-070000", PART_OFFSET_S },
    { "-0700", PART_OFFSET },
    { "-07", PART_OFFSET_HOUR },
};

static void print_offset(struct buf *out, const struct moment *m, enum part p)
{
    bool z = p >= PART_Z_COLON_S && p <= PART_Z_HOUR;
    bool colon = p == PART_Z_COLON || p == PART_Z_COLON_S || p == PART_COLON || p == PART_COLON_S;
    bool seconds = p == PART_Z_COLON_S || p == PART_Z_S || p == PART_COLON_S || p == PART_OFFSET_S;
    unsigned off = (unsigned)(m->offset < 0 ? -m->offset : m->offset);
    if (z && m->offset == 0) {
        buf_char(out, 'Z');
        return;
    }
    buf_printf(out, "%c%02u", m->offset < 0 ? '-' : '+', off / 3600);
    if (p == PART_Z_HOUR || p == PART_OFFSET_HOUR)
        return;
    buf_printf(out, "%s%02u", colon ? ":" : "", off / 60 % 60);
    if (seconds)
        buf_printf(out, "%s%02u", colon ? ":" : "", off % 60);
}

static void print_date_part(struct buf *out, const struct moment *m, enum part p)
{
    const struct civil *c = &m->local;
    switch (p) {
    case PART_MONTH_LONG:
        buf_cstr(out, months[c->month - 1]);
        break;
    case PART_MONTH:
        buf_add(out, months[c->month - 1], 3);
        break;
    case PART_MONTH_2:
        buf_printf(out, "%02d", c->month);
        break;
    case PART_MONTH_1:
        buf_printf(out, "%d", c->month);
        break;
    case PART_WEEKDAY_LONG:
        buf_cstr(out, days[c->weekday]);
        break;
    case PART_WEEKDAY:
        buf_add(out, days[c->weekday], 3);
        break;
    case PART_DAY_OF_YEAR:
        buf_printf(out, "%03d",
                   (int)(civil_days(c->year, c->month, c->day) - civil_days(c->year, 1, 1)) + 1);
        break;
    case PART_DAY_2:
        buf_printf(out, "%02d", c->day);
        break;
    case PART_DAY_BLANK:
        buf_printf(out, "%2d", c->day);
        break;
    case PART_DAY_1:
        buf_printf(out, "%d", c->day);
        break;
    case PART_YEAR:
        buf_printf(out, "%04d", c->year);
        break;
    default:
        buf_printf(out, "%02d", c->year % 100);
    }
}

static void print_part(struct buf *out, const struct moment *m, enum part p)
{
    int hour12 = (m->local.hour + 11) % 12 + 1;
    bool afternoon = m->local.hour >= 12;
    switch (p) {
    case PART_HOUR:
        buf_printf(out, "%02d", m->local.hour);
        break;
    case PART_HOUR12_2:
        buf_printf(out, "%02d", hour12);
        break;
    case PART_HOUR12_1:
        buf_printf(out, "%d", hour12);
        break;
    case PART_MINUTE_2:
        buf_printf(out, "%02d", m->local.minute);
        break;
    case PART_MINUTE_1:
        buf_printf(out, "%d", m->local.minute);
        break;
    case PART_SECOND_2:
        buf_printf(out, "%02d", m->local.second);
        break;
    case PART_SECOND_1:
        buf_printf(out, "%d", m->local.second);
        break;
    case PART_PM:
        buf_cstr(out, afternoon ? "PM" : "AM");
        break;
    case PART_PM_LOWER:
        buf_cstr(out, afternoon ? "pm" : "am");
        break;
    case PART_ZONE:
        buf_cstr(out, m->abbrev);
        break;
    default:
        if (p >= PART_Z_COLON_S)
            print_offset(out, m, p);
        else
            print_date_part(out, m, p);
    }
}

/* ".000" prints that many digits, ".999" without trailing zeros; only after a second. Returns how
   much of the layout that was. */
static size_t print_fraction(struct buf *out, const struct moment *m, struct str rest)
{
    size_t n = 1;
    char digit = rest.n > 1 ? rest.p[1] : '\0';
    if ((rest.p[0] != '.' && rest.p[0] != ',') || (digit != '0' && digit != '9'))
        return 0;
    while (n < rest.n && rest.p[n] == digit)
        n++;
    if (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
        return 0;
    char text[16];
    snprintf(text, sizeof(text), "%06lld000", (long long)m->micros);
    size_t digits = MIN(n - 1, (size_t)9);
    while (digit == '9' && digits > 0 && text[digits - 1] == '0')
        digits--;
    if (digits) {
        buf_char(out, rest.p[0]);
        buf_add(out, text, digits);
    }
    return n;
}

static bool starts_lower(struct str s)
{
    return s.n && s.p[0] >= 'a' && s.p[0] <= 'z';
}

static void format(struct buf *out, const struct moment *m, struct str rest)
{
    bool after_second = false;
    while (rest.n) {
        size_t used = after_second ? print_fraction(out, m, rest) : 0;
        after_second = false;
        for (size_t i = 0; used == 0 && i < N_ELEMENTS(layout); i++) {
            struct str text = str_of(layout[i].text);
            if (!str_starts(rest, text))
                continue;
            /* "Jan" in "January" was a row before; "Janet" is no month (Go's rule). */
            if (layout[i].part == PART_MONTH && starts_lower(str_sub(rest, text.n, rest.n)))
                continue;
            print_part(out, m, layout[i].part);
            after_second = layout[i].part == PART_SECOND_2 || layout[i].part == PART_SECOND_1;
            used = text.n;
        }
        if (used == 0) {
            buf_char(out, rest.p[0]);
            used = 1;
        }
        rest = str_sub(rest, used, rest.n);
    }
}

/* The instant an argument is, in microseconds. */
static int instant(const struct call *c, uint32_t i, const struct zone *z, int64_t *us)
{
    const struct json *v = c->args[i];
    struct error e = ERROR_INIT;
    if (v && v->type == JSON_NUMBER) {
        double seconds = json_number_double(v->text);
        if (!(seconds > -1e11 && seconds < 1e12))
            return func_fail(c, "%" STR_FMT " seconds since 1970 are no date", STR_ARG(v->text));
        *us = (int64_t)(seconds * 1e6);
        return 0;
    }
    struct str text = func_text(c, i);
    if (text.n == 0)
        return func_fail(c, "there is no time");
    if (when_parse(text, z, us, &e) < 0)
        return func_fail(c, "%s", e.text);
    return 0;
}

static int format_in(const struct call *c, const struct zone *z, const struct json **out)
{
    auto_buf text = BUF_INIT(64 * KIB);
    int64_t us = 0;
    if (instant(c, 1, z, &us) < 0)
        return -1;
    int64_t seconds = us / US_PER_S - (us % US_PER_S < 0);
    struct moment m = { .micros = us - seconds * US_PER_S };
    m.offset = zone_offset(z, seconds, &m.abbrev);
    m.local = civil_from_seconds(seconds + m.offset);
    format(&text, &m, func_text(c, 0));
    if (!buf_ok(&text))
        return func_fail(c, "the layout is too long");
    *out = func_string(c, buf_view(&text));
    return 0;
}

/* RFC 3339 in UTC, whole seconds: text that `date` takes. */
int func_now(const struct call *c, const struct json **out)
{
    char text[WHEN_TEXT];
    int64_t us = c->r->o->now_us;
    int64_t seconds = us / US_PER_S - (us % US_PER_S < 0);
    struct civil t = civil_from_seconds(seconds);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", t.year % 10000, t.month % 100,
             t.day % 100, t.hour % 100, t.minute % 100, t.second % 100);
    *out = func_string(c, str_of(text));
    return 0;
}

/* date layout time */
int func_date(const struct call *c, const struct json **out)
{
    return format_in(c, zone_utc, out);
}

/* dateInZone layout time zone */
int func_date_in_zone(const struct call *c, const struct json **out)
{
    struct error e = ERROR_INIT;
    const struct zone *z = zone_get(func_text(c, 2), &e);
    return z ? format_in(c, z, out) : func_fail(c, "%s", e.text);
}
