/* Due times in a zone. Time is walked as a row of stretches with one offset each; within a stretch wall
   time runs evenly, so cron_local.c answers. What happens between two stretches is the rule for gaps
   and overlaps in cron.h, after Vixie's intent. */
#include "triggers/cron_inside.h"

#include <assert.h>

#define DAY         86400LL
#define GAP_MAX     (3 * 3600) /* longer ones are skipped days, not clock changes */
#define REACH       (ZONE_OFFSET_MAX + 3600LL) /* farther than any offset */
#define FIRST       (-2 * DAY) /* no due time at or before it, in any zone */
#define LAST        (civil_days(CRON_LAST_YEAR + 1, 1, 3) * DAY)
#define NO_MOVE     ((struct cron_moved){ .kind = CRON_PLAIN })

struct stretch {
    int64_t begin, end; /* instants [begin, end) have `offset` */
    int offset;
    int64_t reached;         /* wall times before it were shown before `begin` */
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

static int64_t fields_next(const struct cron *c, const struct zone *z, int64_t from,
                           struct cron_moved *why)
{
    if (from >= LAST)
        return CRON_NONE;
    from = MAX(from, FIRST);
    struct stretch s = stretch_first(z, from);
    do {
        int64_t lo, hi, local, wanted = s.begin > from ? gap_hit(c, &s) : CRON_NONE;
        if (wanted != CRON_NONE) {
            *why = (struct cron_moved){ .kind = CRON_AFTER_GAP, .wanted_local = wanted };
            return s.begin;
        }
        stretch_locals(c, &s, from, LAST, &lo, &hi);
        if (lo >= hi)
            continue;
        local = cron_local_next(c, lo);
        if (local == CRON_NONE)
            return CRON_NONE;
        if (local < hi)
            return local - s.offset;
        /* Nothing matches in [lo, local): skip the stretches that show only such wall times. */
        if (s.end - REACH > lo && local - REACH > s.end) {
            from = local - REACH - 1;
            s = stretch_first(z, from);
            s.end = MAX(s.end, s.begin); /* keeps the loop's shape: this stretch is looked at next */
        }
    } while (stretch_next(z, &s));
    return CRON_NONE;
}
