/* Starts a command many times with posix_spawn, a bounded number at once, its standard output read
   through a pipe to the end: the bare cost of a command agent. */
#ifndef KERYX_BENCH_SPAWNER_H
#define KERYX_BENCH_SPAWNER_H

#include "base/base.h"

#include <ev.h>

struct spawner {
    struct ev_loop *loop;
    char **argv;
    unsigned at_once;
    unsigned running;
    unsigned long waiting, ended;
    void (*on_idle)(struct spawner *s); /* everything has ended; may be NULL */
    ev_signal child;
};

/* The caller has filled in loop, argv, at_once and on_idle. */
void spawner_init(struct spawner *s);
/* One more run, now or as soon as a place is free. */
void spawner_add(struct spawner *s);

#endif
