/* Time, real and made. */
#include "base/clock.h"
#include "tests/t.h"

TEST(the_real_clock_runs)
{
    int64_t mono = clock_mono(&clock_real), wall = clock_wall(&clock_real);
    CHECK(wall > 1700000000 * US_PER_S);
    usleep(2000);
    CHECK(clock_mono(&clock_real) - mono >= 2000);
    CHECK(clock_wall(&clock_real) > wall);
}

TEST(a_manual_clock_stands_until_moved)
{
    struct clock c = { .manual = true, .wall_us = 1000, .mono_us = 5 };
    CHECK_INT(clock_wall(&c), 1000);
    CHECK_INT(clock_mono(&c), 5);
    clock_advance(&c, 20);
    CHECK_INT(clock_wall(&c), 1020);
    CHECK_INT(clock_mono(&c), 25);
    c.wall_us = 7;
    CHECK_INT(clock_wall(&c), 7);
    CHECK_INT(clock_mono(&c), 25);
}
