/* Counters, gauges and histograms from one table (stats_table.h); api prints them for Prometheus.
   Main-loop thread only, except stats_add on metrics without labels. Label values are bounded:
   beyond STATS_MAX_SERIES series of one metric the rest is counted under "other". */
#ifndef KERYX_BASE_STATS_H
#define KERYX_BASE_STATS_H

#include "base/buf.h"

#define STATS_MAX_SERIES 2000
#define STATS_MAX_LABELS 3

enum stats_type { STATS_COUNTER, STATS_GAUGE, STATS_HISTOGRAM };

#define X(id, name, type, labels, help) id,
enum stats_id {
#include "base/stats_table.h"
    STATS_COUNT
};
#undef X

/* Counter: adds; gauge: adds (may be negative); histogram: observes. Labels in the table's order,
   as many as the table names; missing ones are "". */
void stats_add(enum stats_id id, double value, const char *l1, const char *l2, const char *l3);
#define stats_inc(id, l1, l2, l3) stats_add((id), 1, (l1), (l2), (l3))
/* Gauge only: sets. */
void stats_set(enum stats_id id, double value, const char *l1, const char *l2, const char *l3);
/* A gauge, or a counter that somebody else keeps, without labels: read when printed; fn runs on the
   loop. NULL takes it back. */
void stats_gauge_fn(enum stats_id id, double (*fn)(void *ctx), void *ctx);
/* The current value of one series (0 if never touched); a histogram's is its count. */
double stats_get(enum stats_id id, const char *l1, const char *l2, const char *l3);
/* Sum over all series of a metric. */
double stats_sum(enum stats_id id);
/* Prometheus text exposition 0.0.4 of everything, process_* included. */
void stats_print(struct buf *out);
/* Forgets everything (tests). */
void stats_reset(void);

#endif
