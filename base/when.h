/* Dates: civil (proleptic Gregorian) arithmetic, RFC 3339, durations. Zones are in base/zone.h. */
#ifndef KERYX_BASE_WHEN_H
#define KERYX_BASE_WHEN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/zone.h"

struct civil {
    int year;       /* proleptic Gregorian */
    int month, day; /* 1..12, 1..31 */
    int hour, minute, second;
    int weekday; /* 0 = Sunday; filled by us, ignored on input */
};

/* Days since 1970-01-01. Valid for years -9999..9999. */
int64_t civil_days(int year, int month, int day);
void civil_from_days(int64_t days, int *year, int *month, int *day);
int civil_month_days(int year, int month);
/* Seconds since 1970 as if the civil time were UTC, and back. Seconds beyond the years -9999..9999
   give the nearest end of that range. */
int64_t civil_seconds(const struct civil *c);
struct civil civil_from_seconds(int64_t seconds);

/* "2026-11-21T06:30:00.123456Z": UTC with microseconds, as the API prints. buf of >= 28 bytes. */
#define WHEN_TEXT 40
const char *when_format_us(int64_t wall_us, char text[WHEN_TEXT]);
/* RFC 3339 with the zone's offset, whole seconds: "2026-11-21T01:30:00-05:00". An offset that is no
   whole minute (local mean time before 1972) is rounded: the instant printed stays exact. */
const char *when_format_local(int64_t seconds, const struct zone *z, char text[WHEN_TEXT]);
/* RFC 3339 instant; the offset may be missing when `z` is given (local time, first of two, end of a
   gap), the seconds may be missing (:00), the time may be missing (midnight in z). Digits after the
   microsecond are dropped; second 60 is the next minute's 0. Years 1..9999. */
int when_parse(struct str text, const struct zone *z, int64_t *wall_us, struct error *e) must_check;

/* "1500ms", "30s", "1h30m", "7d", "2w", "0.5s"; microseconds. Units us ms s m h d w, the larger first,
   each once, no sign, at most 100 years, never finer than 1 us. A bare number is an error whose text
   suggests units, unless bare_seconds. */
int duration_parse(struct str text, bool bare_seconds, int64_t *us, struct error *e) must_check;
/* "1h30m0s" style as Go prints it, exact: "0s", "250us", "1.5ms", "45s", "1.5s", "168h0m0s". */
const char *duration_format(int64_t us, char text[WHEN_TEXT]);

#endif
