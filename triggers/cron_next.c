/* Due times in a zone. Time is walked as a row of stretches with one offset each; within a stretch wall
   time runs evenly, so cron_local.c answers. What happens between two stretches is the rule for gaps
   and overlaps in cron.h, after Vixie's intent. */
#include "triggers/cron_inside.h"

#define DAY     86400LL
#define GAP_MAX (3 * 3600)                 /* longer ones are skipped days, not clock changes */
#define REACH   (ZONE_OFFSET_MAX + 3600LL) /* farther than any offset */
#define FIRST   (-2 * DAY)                 /* no due time at or before it, in any zone */
#define LAST    (civil_days(CRON_LAST_YEAR + 1, 1, 3) * DAY)

struct stretch {
    int64_t begin, end; /* instants [begin, end) have `offset` */
    int offset;
    int64_t reached;          /* wall times before it were shown before `begin` */
    int64_t gap_from, gap_to; /* wall times that `begin` skips, in a gap of at most GAP_MAX */
};

/* A stretch that begins early enough that no clock change before it matters to instants > from. */
static struct stretch stretch_first(const struct zone *z, int64_t from)
{
    struct stretch s = { .begin = from - REACH, .reached = INT64_MIN };
    s.offset = zone_offset(z, s.begin, NULL);
    s.end = zone_next_change(z, s.begin);
    return s;
}

static bool stretch_next(const struct zone *z, struct stretch *s)
{
    if (s->end >= LAST)
        return false;
    int offset = zone_offset(z, s->end, NULL);
    bool skips = offset > s->offset && offset - s->offset <= GAP_MAX;
    s->gap_from = MAX(s->end + s->offset, s->reached);
    s->gap_to = skips ? s->end + offset : INT64_MIN;
    s->reached = MAX(s->reached, s->end + s->offset);
    s->begin = s->end;
    s->offset = offset;
    s->end = zone_next_change(z, s->begin);
    return true;
}

/* The first wall time of a fixed schedule that falls into the gap before the stretch, or CRON_NONE. */
static int64_t gap_hit(const struct cron *c, const struct stretch *s)
{
    if (c->interval || s->gap_from >= s->gap_to)
        return CRON_NONE;
    int64_t local = cron_local_next(c, s->gap_from);
    return local < s->gap_to ? local : CRON_NONE;
}

/* The wall times of the stretch that count: [*lo, *hi), for instants in (from, to]. */
static void stretch_locals(const struct cron *c, const struct stretch *s, int64_t from, int64_t to,
                           int64_t *lo, int64_t *hi)
{
    *lo = MAX(s->begin, from + 1) + s->offset;
    if (!c->interval)
        *lo = MAX(*lo, s->reached);
    *hi = MIN(s->end, to + 1) + s->offset;
}

/* --- next ------------------------------------------------------------------------------------- */

/* The first due time > from in the stretch or at its begin, or CRON_NONE. Then *resume is `from`, or a
   later instant that nothing is due before, or CRON_NONE when nothing ever is again. */
static int64_t stretch_due(const struct cron *c, const struct stretch *s, int64_t from,
                           int64_t *wanted, int64_t *resume)
{
    int64_t lo, hi;
    *resume = from;
    *wanted = s->begin > from ? gap_hit(c, s) : CRON_NONE;
    if (*wanted != CRON_NONE)
        return s->begin;
    stretch_locals(c, s, from, LAST, &lo, &hi);
    if (lo >= hi)
        return CRON_NONE;
    int64_t local = cron_local_next(c, lo);
    if (local < hi)
        return local - s->offset;
    if (local == CRON_NONE)
        *resume = CRON_NONE;
    /* Nothing matches in [lo, local), and from s->end on until REACH before `local` every wall time
       shown or skipped lies in there: those stretches need no look. */
    else if (s->end - REACH > lo && local - REACH > s->end)
        *resume = local - REACH - 1;
    return CRON_NONE;
}

static int64_t fields_next(const struct cron *c, const struct zone *z, int64_t from,
                           int64_t *wanted)
{
    *wanted = CRON_NONE;
    if (from >= LAST)
        return CRON_NONE;
    from = MAX(from, FIRST);
    struct stretch s = stretch_first(z, from);
    for (;;) {
        int64_t resume, due = stretch_due(c, &s, from, wanted, &resume);
        if (due != CRON_NONE || resume == CRON_NONE)
            return due;
        if (resume > from) {
            from = resume;
            s = stretch_first(z, from);
        } else if (!stretch_next(z, &s)) {
            return CRON_NONE;
        }
    }
}

static struct cron_moved moved_of(const struct zone *z, int64_t due, int64_t wanted)
{
    if (wanted != CRON_NONE)
        return (struct cron_moved){ .kind = CRON_AFTER_GAP, .wanted_local = wanted };
    struct local_instant at = zone_to_utc(z, due + zone_offset(z, due, NULL));
    if (at.kind != LOCAL_TWICE)
        return (struct cron_moved){ .kind = CRON_PLAIN };
    return (struct cron_moved){ .kind = due == at.first ? CRON_FIRST_OF_TWO : CRON_SECOND_OF_TWO };
}

/* How many whole intervals lie between the anchor and `at`, rounded down. Every instant is kept within
   LAST of the epoch, so nothing overflows. */
static int64_t intervals_until(const struct cron *c, int64_t at)
{
    int64_t elapsed = MAX(-LAST, MIN(LAST, at)) - c->anchor;
    return elapsed / c->every - (elapsed % c->every < 0);
}

static const struct zone *zone_for(const struct cron *c, const struct zone *zone)
{
    if (c->zone)
        return c->zone;
    return zone ? zone : zone_utc;
}

int64_t cron_next(const struct cron *c, const struct zone *zone, int64_t from,
                  struct cron_moved *why)
{
    int64_t due = CRON_NONE, wanted = CRON_NONE;
    zone = zone_for(c, zone);
    switch ((enum cron_kind)c->kind) {
    case CRON_FIELDS:
        due = fields_next(c, zone, from, &wanted);
        break;
    case CRON_EVERY:
        due = c->anchor + (intervals_until(c, from) + 1) * c->every;
        if (from >= LAST || due > LAST)
            due = CRON_NONE;
        break;
    case CRON_AT:
        due = from < c->anchor ? c->anchor : CRON_NONE;
        break;
    case CRON_REBOOT:
    case CRON_MANUAL:
        break;
    }
    if (why && due != CRON_NONE)
        *why = c->kind == CRON_FIELDS ? moved_of(zone, due, wanted)
                                      : (struct cron_moved){ .kind = CRON_PLAIN };
    return due;
}

/* --- counting --------------------------------------------------------------------------------- */

static uint64_t fields_count(const struct cron *c, const struct zone *z, int64_t from, int64_t to)
{
    uint64_t n = 0;
    from = MAX(from, FIRST);
    to = MIN(to, LAST);
    if (from >= to)
        return 0;
    struct stretch s = stretch_first(z, from);
    do {
        int64_t lo, hi;
        stretch_locals(c, &s, from, to, &lo, &hi);
        n += lo < hi ? cron_local_count(c, lo, hi) : 0;
        /* A hit in the gap and the wall time at the gap's end are one instant. */
        if (s.begin > from && s.begin <= to && gap_hit(c, &s) != CRON_NONE &&
            cron_local_next(c, s.gap_to) != s.gap_to)
            n++;
    } while (s.end <= to && stretch_next(z, &s));
    return n;
}

uint64_t cron_count(const struct cron *c, const struct zone *zone, int64_t from, int64_t to)
{
    if (from >= to)
        return 0;
    switch ((enum cron_kind)c->kind) {
    case CRON_FIELDS:
        return fields_count(c, zone_for(c, zone), from, to);
    case CRON_EVERY:
        return (uint64_t)(intervals_until(c, to) - intervals_until(c, from));
    case CRON_AT:
        return from < c->anchor && c->anchor <= to;
    case CRON_REBOOT:
    case CRON_MANUAL:
        break;
    }
    return 0;
}

/* The latest instant of [from, to] after which at least `n` due times lie up to `to`, or `from` when
   there are not that many: doubles the stretch looked back over, then halves it. */
static int64_t newest_begin(const struct cron *c, const struct zone *z, int64_t from, int64_t to,
                            uint64_t n)
{
    int64_t back = 64;
    while (back < to - from && cron_count(c, z, to - back, to) < n)
        back *= 2;
    int64_t lo = MAX(from, to - back),
            hi = to; /* enough after lo, or lo is from; too few after hi */
    while (hi - lo > 1) {
        int64_t mid = lo + (hi - lo) / 2;
        if (cron_count(c, z, mid, to) >= n)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

size_t cron_newest(const struct cron *c, const struct zone *zone, int64_t from, int64_t to,
                   int64_t *out, size_t max)
{
    size_t n = 0;
    from = MAX(from, -LAST);
    to = MIN(to, LAST);
    if (from >= to || max == 0)
        return 0;
    for (int64_t at = newest_begin(c, zone, from, to, max); n < max; n++) {
        at = cron_next(c, zone, at, NULL);
        if (at > to)
            break;
        out[n] = at;
    }
    return n;
}

int64_t cron_prev(const struct cron *c, const struct zone *zone, int64_t at)
{
    int64_t due;
    return cron_newest(c, zone, INT64_MIN, at, &due, 1) ? due : CRON_NONE;
}
