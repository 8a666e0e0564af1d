/* Time from the kernel, or from the test. */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

const struct clock clock_real = { 0 };

static int64_t clock_read(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t clock_wall(const struct clock *c)
{
    return c->manual ? c->wall_us : clock_read(CLOCK_REALTIME);
}

int64_t clock_mono(const struct clock *c)
{
    return c->manual ? c->mono_us : clock_read(CLOCK_MONOTONIC);
}

void clock_advance(struct clock *c, int64_t us)
{
    assert(c->manual);
    c->wall_us += us;
    c->mono_us += us;
}
