/* How many times a second a command starts and ends with nothing around it, and what that costs the
   parent and the child. Prints one line of JSON.

   ceil_spawn RUNS AT_ONCE COMMAND [ARGUMENT …] */
#include "tests/bench/spawner.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <sys/resource.h>

static void on_idle(struct spawner *s)
{
    ev_break(s->loop, EVBREAK_ALL);
}

static double cpu_us(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    uint64_t runs, at_once;
    if (argc < 4 || str_u64(str_of(argv[1]), &runs) || str_u64(str_of(argv[2]), &at_once)) {
        fputs("usage: ceil_spawn RUNS AT_ONCE COMMAND [ARGUMENT …]\n", stderr);
        return 2;
    }
    struct spawner s = {
        .loop = ev_loop_new(0), .argv = argv + 3, .at_once = (unsigned)at_once, .on_idle = on_idle
    };
    spawner_init(&s);
    int64_t began = clock_mono(&clock_real);
    for (uint64_t i = 0; i < runs; i++)
        spawner_add(&s);
    ev_run(s.loop, 0);
    double us = (double)(clock_mono(&clock_real) - began), n = (double)runs;
    printf("{\"rate\": %.1f, \"parent_us\": %.2f, \"child_us\": %.2f}\n", n / us * 1e6,
           cpu_us(RUSAGE_SELF) / n, cpu_us(RUSAGE_CHILDREN) / n);
    ev_loop_destroy(s.loop);
    return 0;
}
