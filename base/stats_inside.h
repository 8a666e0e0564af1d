/* Between stats.c and stats_process.c. */
#ifndef KERYX_BASE_STATS_INSIDE_H
#define KERYX_BASE_STATS_INSIDE_H

#include "base/stats.h"

#define STATS_PROCESS_MAX 6

struct stats_process {
    const char *name, *help;
    enum stats_type type;
    double value;
};

/* The process_* metrics that could be read now; returns how many. */
size_t stats_process_read(struct stats_process out[STATS_PROCESS_MAX]);

#endif
