/* What becomes of due times that have come: every one of them in exactly one place. */
#include "triggers/misfire.h"
#include "base/zone.h"
#include "tests/t.h"

#define NOW 1700000000LL /* 2023-11-14T22:13:20Z */

static const struct {
    const char *row;
    const char *expr;
    int policy;
    unsigned max;
    int64_t deadline, accounted, to, now;
    const char *
        want; /* outcome[:reason]×count@first-last …, run@due×stands_for[+], hw=account; times relative to NOW; ! = made up */
    int64_t jitter;
} rows[] = {
    { "nothing is due", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 86400, NOW, NOW + 4, NOW + 4,
      "none", 0 },
    { "one, on time", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 86400, NOW, NOW + 5, NOW + 5,
      "run@5x1 hw=5", 0 },
    { "one, on time, skip", "*/5 * * * * *", CONFIG_MISFIRE_SKIP, 100, 86400, NOW, NOW + 5, NOW + 5,
      "run@5x1 hw=5", 0 },
    { "one, late, skip", "*/5 * * * * *", CONFIG_MISFIRE_SKIP, 100, 86400, NOW, NOW + 5, NOW + 60,
      "skipped:missed*1@5-5 hw=5", 0 },
    { "one, late by its jitter, skip", "*/5 * * * * *", CONFIG_MISFIRE_SKIP, 100, 86400, NOW,
      NOW + 5, NOW + 60, "run@5x1 hw=5", 60 },
    { "one, late, once", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 86400, NOW, NOW + 5, NOW + 60,
      "run@5x1! hw=5", 0 },
    { "once runs the latest", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 86400, NOW, NOW + 22,
      NOW + 22, "coalesced*3@5-15 run@20x4! hw=20", 0 },
    { "skip keeps what is on time", "*/5 * * * * *", CONFIG_MISFIRE_SKIP, 100, 86400, NOW, NOW + 22,
      NOW + 22, "skipped:missed*3@5-15 run@20x1 hw=20", 0 },
    { "all, oldest first, one at a time", "*/5 * * * * *", CONFIG_MISFIRE_ALL, 100, 86400, NOW,
      NOW + 22, NOW + 22, "run@5x1+! hw=5", 0 },
    { "all, the last of them", "*/5 * * * * *", CONFIG_MISFIRE_ALL, 100, 86400, NOW + 15, NOW + 22,
      NOW + 22, "run@20x1 hw=20", 0 },
    { "all keeps the newest", "*/5 * * * * *", CONFIG_MISFIRE_ALL, 2, 86400, NOW, NOW + 22,
      NOW + 22, "skipped:limit*2@5-10 run@15x1+! hw=15", 0 },
    { "too old for the deadline", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 10, NOW, NOW + 22,
      NOW + 25, "skipped:window*2@5-10 coalesced*1@15-15 run@20x2! hw=20", 0 },
    { "all too old", "*/5 * * * * *", CONFIG_MISFIRE_ONCE, 100, 10, NOW, NOW + 22, NOW + 100,
      "skipped:window*4@5-20 hw=20", 0 },
    { "deadline, limit and run", "*/5 * * * * *", CONFIG_MISFIRE_ALL, 1, 12, NOW, NOW + 22,
      NOW + 22, "skipped:window*1@5-5 skipped:limit*2@10-15 run@20x1 hw=20", 0 },
};

static void describe(const struct misfire_plan *p, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < p->n_ranges; i++) {
        const struct misfire_range *r = &p->ranges[i];
        n += (size_t)snprintf(out + n, size - n, "%s%s%s*%llu@%lld-%lld ", r->outcome,
                              r->reason ? ":" : "", r->reason ? r->reason : "",
                              (unsigned long long)r->count, (long long)(r->first - NOW),
                              (long long)(r->last - NOW));
    }
    if (p->run)
        n += (size_t)snprintf(out + n, size - n, "run@%lldx%llu%s%s ", (long long)(p->due - NOW),
                              (unsigned long long)p->stands_for, p->more ? "+" : "",
                              p->made_up ? "!" : "");
    snprintf(out + n, size - n, "hw=%lld", (long long)(p->account - NOW));
}

TEST(every_due_time_ends_in_one_place)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        struct cron *cron = cron_parse(str_of(rows[i].expr), NULL, NULL);
        struct misfire_rules rules = { rows[i].policy, rows[i].max, rows[i].deadline,
                                       rows[i].jitter };
        struct misfire_plan plan;
        char got[400] = "none";
        if (misfire_plan(cron, zone_utc, &rules, rows[i].accounted, rows[i].to, rows[i].now, &plan))
            describe(&plan, got, sizeof(got));
        CHECK_CSTR(got, rows[i].want);
        cron_free(cron);
    }
}

/* Carried out step by step, a plan accounts for each due time of the span once, whatever the policy. */
TEST(nothing_is_counted_twice_or_lost)
{
    struct cron *cron = cron_parse(STR("*/7 * * * * *"), NULL, NULL);
    for (int policy = CONFIG_MISFIRE_ONCE; policy <= CONFIG_MISFIRE_ALL; policy++) {
        struct misfire_rules rules = { policy, 5, 100, 0 };
        int64_t at = NOW, to = NOW + 500;
        uint64_t accounted = 0, want = cron_count(cron, zone_utc, at, to);
        struct misfire_plan plan;
        for (unsigned step = 0;
             step < 1000 && misfire_plan(cron, zone_utc, &rules, at, to, to, &plan); step++) {
            for (size_t i = 0; i < plan.n_ranges; i++)
                accounted += plan.ranges[i].count;
            accounted += plan.run;
            CHECK(plan.account > at);
            at = plan.account;
        }
        CHECK_INT(accounted, want);
    }
    cron_free(cron);
}
