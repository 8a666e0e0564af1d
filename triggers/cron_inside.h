/* What cron*.c share: the compiled schedule, and the field parser between cron.c and cron_fields.c. */
#ifndef KERYX_TRIGGERS_CRON_INSIDE_H
#define KERYX_TRIGGERS_CRON_INSIDE_H

#include "triggers/cron.h"

#define CRON_FIRST_YEAR 1970
#define CRON_LAST_YEAR  2199
#define CRON_YEAR_WORDS ((CRON_LAST_YEAR - CRON_FIRST_YEAR) / 64 + 1)

enum cron_field {
    CRON_SECOND,
    CRON_MINUTE,
    CRON_HOUR,
    CRON_DAY,
    CRON_MONTH,
    CRON_WEEKDAY,
    CRON_YEAR,
    CRON_N_FIELDS,
};

/* X(id, text): what cron_note() tells. */
#define CRON_NOTES(X)                                                                             \
    X(WIDE_STEP, "a step larger than its field leaves only the first value")                      \
    X(OPEN_STEP, "N/step runs from N to the end of the field; OCPS 1.0 has no such form")         \
    X(EITHER_DAY, "day of month and day of week are both given: either may match (+ in front of " \
                  "the day of week asks for both)")                                               \
    X(QUARTZ, "with ? this looks like Quartz, where 1 is Sunday; here 1 is Monday, 0 and 7 are "  \
              "Sunday")

enum cron_note_id {
#define X(id, text) CRON_NOTE_##id,
    CRON_NOTES(X)
#undef X
        CRON_N_NOTES
};

/* Sets are bit sets: bit v stands for the value v. Kept small, there may be a million of them. */
struct cron {
    uint8_t kind;  /* enum cron_kind */
    uint8_t notes; /* bits 1 << CRON_NOTE_* */
    bool interval;
    bool both_days; /* day and weekday must both match */
    bool last_workday;
    bool has_years;
    uint8_t weekdays;      /* bits 0..6 */
    uint8_t last_weekdays; /* 5L */
    uint8_t nth[5];        /* MON#2: nth[1] has bit 1 */
    uint16_t months;       /* bits 1..12 */
    uint32_t hours, days;
    uint32_t last_minus; /* L-3: bit 3 */
    uint32_t nearest;    /* 15W: bit 15 */
    uint64_t seconds, minutes;
    const struct zone *zone;
    int64_t every, anchor; /* EVERY; AT: the instant is the anchor */
    uint64_t years[];      /* CRON_YEAR_WORDS when has_years; bit 0 is CRON_FIRST_YEAR */
};

/* Fills the sets of a zeroed c, which has room for the years, from 5, 6 or 7 fields. `shift` is added
   to columns in errors. */
int cron_fields_parse(struct cron *c, struct str text, size_t shift, const struct cron_context *ctx,
                      struct error *e) must_check;

/* The first matching wall time >= local (civil_seconds), whatever the zone, or CRON_NONE. */
int64_t cron_local_next(const struct cron *c, int64_t local);
/* How many match in [from, to). */
uint64_t cron_local_count(const struct cron *c, int64_t from, int64_t to);

#endif
