/* Wall and monotonic time behind one struct, so that tests own time. Microseconds everywhere. */
#ifndef KERYX_BASE_CLOCK_H
#define KERYX_BASE_CLOCK_H

#include "base/base.h"

struct clock {
    bool manual;     /* test clock: the two fields below are the truth */
    int64_t wall_us; /* since 1970-01-01 UTC */
    int64_t mono_us; /* since some start */
};

/* The real one; a constant, never changed. */
extern const struct clock clock_real;
int64_t clock_wall(const struct clock *c);
int64_t clock_mono(const struct clock *c);
/* Manual clock: both go forward by us (wall only: set wall_us). */
void clock_advance(struct clock *c, int64_t us);

#endif
