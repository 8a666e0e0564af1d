/* Schedules: expression + zone → due times. Pure: no clock, no timers (triggers/schedule has those).

   The grammar is a superset of Vixie, robfig, Quartz' extensions and OCPS 1.0–1.4:

       [CRON_TZ=zone | TZ=zone] ( @alias | @every DURATION | @at TIME | @reboot | @manual | fields )
       fields   [second] minute hour day month weekday [year]         5, 6 or 7 of them, 1..256 bytes
       item     * ? v v-w (w < v goes round), each with an optional /n; lists with commas; names in any
                case; years take no step on *
       day      L  L-3  15W  LW         weekday   MON#2  5L  5#L, 0 = 7 = SUN, leading + = "and"
       hash     H  H(a-b)  H/n  H(a-b)/n  a~b  a~  ~b  ~  R(a-b): one value for ever, by agent and trigger

   Due times. A schedule is *interval* when the text of its second, minute or hour holds `*`, `?` or
   `/`; else it is *fixed*. Every matching wall time that exists is due. One that exists twice: interval
   both times, fixed the first time. One that a gap of up to 3 hours skips: interval never, fixed at the
   first instant after the gap (once, however many fall into it). Day of month and day of week: either
   may match when neither is exactly `*` or `?`; both must when one of them is, or after a leading `+`. */
#ifndef KERYX_TRIGGERS_CRON_H
#define KERYX_TRIGGERS_CRON_H

#include "base/when.h"

struct cron;

/* "No such time": later than any due time. Due times lie in the local years 1970..2199. */
#define CRON_NONE     INT64_MAX
#define CRON_TEXT_MAX 256

enum cron_kind {
    CRON_FIELDS,
    CRON_EVERY,  /* anchor + k * interval, k any whole number, in elapsed time */
    CRON_AT,     /* once */
    CRON_REBOOT, /* once per start of the daemon: never due by itself */
    CRON_MANUAL, /* never due by itself */
};

struct cron_context {
    struct str agent, trigger; /* what H, ~ and R hash */
    const struct zone
        *zone; /* for `@at` without an offset, unless the text names a zone; NULL = UTC */
};

/* Compiles an expression; ctx may be NULL. Nothing given needs to live on. NULL and an error that names
   field, text, column (also in e->column, 1-based) and accepted range, with a hint where the mistake is
   a known one. A schedule that can never fire ("0 0 31 2 *") is refused. Loop thread only when the text
   names a zone (zone_get). */
struct cron *cron_parse(struct str text, const struct cron_context *ctx,
                        struct error *e) must_check;
/* NULL is fine. */
void cron_free(struct cron *c);

enum cron_kind cron_kind(const struct cron *c);
/* The zone the text named, or NULL. It wins over the one given to the functions below. */
const struct zone *cron_zone(const struct cron *c);
/* True when the schedule counts elapsed instants through clock changes (see above). */
bool cron_is_interval(const struct cron *c);
/* What a reader may want to know of an accepted expression, for `check`: notes 0, 1, …; NULL past the
   last one. Static texts. */
const char *cron_note(const struct cron *c, size_t i);

/* `@every`: seconds since 1970 that its due times are counted from (default 0). Others ignore it. */
void cron_set_anchor(struct cron *c, int64_t seconds);

enum cron_moved_kind {
    CRON_PLAIN,
    CRON_AFTER_GAP,     /* the wall time wanted does not exist: the first instant after the gap */
    CRON_FIRST_OF_TWO,  /* the wall time comes again */
    CRON_SECOND_OF_TWO, /* it was there before (interval schedules) */
};

/* Why a due time is where it is, for `--explain`. */
struct cron_moved {
    enum cron_moved_kind kind;
    int64_t wanted_local; /* AFTER_GAP: civil_seconds() of the (first) wall time that was skipped */
};

/* The first due time > from (seconds since 1970), or CRON_NONE. zone NULL = UTC; why may be NULL and
   is only set with a result. Strictly increasing when fed its own results; bounded work: at most the
   months to 2199, far under 1 ms, for every zone. */
int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t from,
                  struct cron_moved *why);
/* The last due time <= at, or CRON_NONE. */
int64_t cron_prev(const struct cron *c, const struct zone *zone, int64_t at);
/* How many due times lie in (from, to]. By arithmetic, exact: the cost is that of the months and clock
   changes in between (a second-by-second schedule over a century: under 1 ms). */
uint64_t cron_count(const struct cron *c, const struct zone *zone, int64_t from, int64_t to);
/* The newest due times of (from, to], at most max, oldest first. Returns how many were stored; the
   number there are is cron_count(). Costs about 30 counts and `max` steps of cron_next. */
size_t cron_newest(const struct cron *c, const struct zone *zone, int64_t from, int64_t to,
                   int64_t *out, size_t max);

#endif
