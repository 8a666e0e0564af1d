/* What zone.c and zone_parse.c share: the loaded form of a zone. */
#ifndef KERYX_BASE_ZONE_INSIDE_H
#define KERYX_BASE_ZONE_INSIDE_H

#include "base/zone.h"

#define ZONE_TYPES_MAX  256
#define ZONE_ABBREV_MAX 16

/* When in a year the footer's rule changes the clock (POSIX TZ, RFC 9636 section 3.3.1). */
struct zone_date {
    enum { ZONE_DATE_MONTH, ZONE_DATE_JULIAN, ZONE_DATE_DAY } kind;
    int month, week, weekday; /* Mm.w.d */
    int day;                  /* Jn: 1..365 without 29 February; n: 0..365 with it */
    int seconds;              /* of the day, local before the change; may lie outside the day */
};

struct zone_type {
    int32_t offset; /* seconds east of UTC */
    char abbrev[ZONE_ABBREV_MAX];
};

/* The POSIX footer: what holds at and after the last transition. */
struct zone_footer {
    bool present;
    bool has_rule;
    struct zone_type standard, daylight;
    struct zone_date start, end; /* of daylight time */
};

struct zone {
    char name[ZONE_NAME_MAX + 1];
    uint32_t n_times, n_types;
    int64_t *times;          /* strictly increasing */
    uint8_t *type_of;        /* per time: index of the type in force from then on */
    struct zone_type *types; /* n_types >= 1; types[0] is in force before the first time */
    struct zone_footer footer;
};

/* Fills *f from "EST5EDT,M3.2.0,M11.1.0" and the like; an empty text means no footer. */
int zone_footer_parse(struct str text, struct zone_footer *f, struct error *e) must_check;
/* Frees what the zone points to, not the zone. */
void zone_clear(struct zone *z);

#endif
