/* Due times that have come → what runs and what is put down. */
#include "triggers/misfire.h"

#include <assert.h>

/* A due time handled within this is on time, however many came before it. */
#define MISFIRE_ON_TIME_S 10

struct misfire_case {
    const struct cron *cron;
    const struct zone *zone;
    const struct misfire_rules *rules;
    int64_t from, now;
    struct misfire_plan *plan;
};

/* Puts (from, to] down, if anything is due there. */
static void misfire_put(struct misfire_case *c, int64_t from, int64_t to, const char *outcome,
                        const char *reason)
{
    uint64_t n = from < to ? cron_count(c->cron, c->zone, from, to) : 0;
    if (n == 0)
        return;
    assert(c->plan->n_ranges < N_ELEMENTS(c->plan->ranges));
    c->plan->ranges[c->plan->n_ranges++] = (struct misfire_range){
        cron_next(c->cron, c->zone, from, NULL),
        cron_prev(c->cron, c->zone, to),
        n,
        outcome,
        reason,
    };
    c->plan->account = c->plan->ranges[c->plan->n_ranges - 1].last;
}

static bool misfire_on_time(const struct misfire_case *c, int64_t due)
{
    return c->now - due <= MISFIRE_ON_TIME_S + c->rules->jitter;
}

static void misfire_run(struct misfire_case *c, int64_t due, uint64_t stands_for)
{
    c->plan->made_up = stands_for > 1 || !misfire_on_time(c, due);
    c->plan->run = true;
    c->plan->due = c->plan->account = due;
    c->plan->stands_for = stands_for;
}

static void misfire_once(struct misfire_case *c, int64_t from, int64_t latest)
{
    uint64_t n = cron_count(c->cron, c->zone, from, latest);
    misfire_put(c, from, latest - 1, "coalesced", NULL);
    misfire_run(c, latest, n);
}

static void misfire_skip(struct misfire_case *c, int64_t from, int64_t latest)
{
    if (!misfire_on_time(c, latest)) {
        misfire_put(c, from, latest, "skipped", "missed");
        return;
    }
    misfire_put(c, from, latest - 1, "skipped", "missed");
    misfire_run(c, latest, 1);
}

static void misfire_all(struct misfire_case *c, int64_t from, int64_t latest)
{
    uint64_t n = cron_count(c->cron, c->zone, from, latest);
    unsigned max = c->rules->max ? c->rules->max : 1;
    if (n > max) {
        auto_free int64_t *newest = xalloc(sizeof(*newest) * max);
        size_t got = cron_newest(c->cron, c->zone, from, latest, newest, max);
        assert(got == max);
        misfire_put(c, from, newest[0] - 1, "skipped", "limit");
        from = newest[0] - 1;
        n = got;
    }
    misfire_run(c, cron_next(c->cron, c->zone, from, NULL), 1);
    c->plan->more = n > 1;
    c->plan->made_up |= n > 1;
}

bool misfire_plan(const struct cron *cron, const struct zone *zone,
                  const struct misfire_rules *rules, int64_t accounted, int64_t to, int64_t now,
                  struct misfire_plan *plan)
{
    struct misfire_case c = { cron, zone, rules, accounted, now, plan };
    *plan = (struct misfire_plan){ .account = accounted };
    int64_t latest = cron_prev(cron, zone, to);
    if (latest == CRON_NONE || latest <= accounted)
        return false;
    int64_t from = MAX(accounted, now - rules->start_deadline - 1);
    if (from > accounted)
        misfire_put(&c, accounted, MIN(from, latest), "skipped", "window");
    if (latest <= from)
        return true;
    switch ((enum config_misfire)rules->policy) {
    case CONFIG_MISFIRE_ONCE:
        misfire_once(&c, from, latest);
        break;
    case CONFIG_MISFIRE_SKIP:
        misfire_skip(&c, from, latest);
        break;
    case CONFIG_MISFIRE_ALL:
        misfire_all(&c, from, latest);
        break;
    }
    return true;
}
