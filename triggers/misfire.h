/* What to do with the due times that have come since the last one accounted for: which one runs now,
   which are put down as what. Pure. Times are whole seconds since 1970. */
#ifndef KERYX_TRIGGERS_MISFIRE_H
#define KERYX_TRIGGERS_MISFIRE_H

#include "config/config.h"
#include "triggers/cron.h"

struct misfire_rules {
    int policy;             /* enum config_misfire */
    unsigned max;           /* for all */
    int64_t start_deadline; /* seconds; older due times are not run */
    int64_t jitter;         /* seconds that a due time may regularly be late by */
};

struct misfire_range {
    int64_t first, last; /* due times */
    uint64_t count;
    const char *outcome; /* coalesced, skipped */
    const char *reason;  /* missed, window, limit; NULL for coalesced */
};

struct misfire_plan {
    struct misfire_range ranges[3]; /* ascending, before `run` */
    size_t n_ranges;
    bool run;
    int64_t due;         /* the due time that runs */
    uint64_t stands_for; /* due times that this run stands for, itself included */
    int64_t account;     /* high water once the plan is carried out */
    bool more;           /* `all`: further ones follow when this run has ended */
    bool made_up; /* the run makes up for what was missed: it is late, or others came or follow */
};

/* Due times of (accounted, to] seen at `now` (>= to). False when there are none. */
bool misfire_plan(const struct cron *cron, const struct zone *zone,
                  const struct misfire_rules *rules, int64_t accounted, int64_t to, int64_t now,
                  struct misfire_plan *plan);

#endif
