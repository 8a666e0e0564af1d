/* Delay before the next attempt: the formula of the documentation, to the microsecond. */
#include "engine/backoff.h"
#include "tests/t.h"

#define S         US_PER_S
#define HALF_DICE (UINT32_MAX / 2) /* the middle: no jitter to speak of */

static const struct {
    const char *row;
    struct backoff_policy policy;
    unsigned n;
    int64_t retry_after;
    int64_t want;
} rows[] = {
    { "exponential, first", { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, 30 * S, 0 }, 1, -1, 1 * S },
    { "exponential, second", { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, 30 * S, 0 }, 2, -1, 2 * S },
    { "exponential, fifth", { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, 30 * S, 0 }, 5, -1, 16 * S },
    { "exponential is capped", { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, 30 * S, 0 }, 6, -1, 30 * S },
    { "exponential does not overflow",
      { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, 30 * S, 0 },
      4000000000u,
      -1,
      30 * S },
    { "huge cap does not overflow",
      { CONFIG_BACKOFF_EXPONENTIAL, 1 * S, INT64_MAX / 4, 0 },
      200,
      -1,
      INT64_MAX / 4 },
    { "linear, third", { CONFIG_BACKOFF_LINEAR, 2 * S, 30 * S, 0 }, 3, -1, 6 * S },
    { "linear is capped", { CONFIG_BACKOFF_LINEAR, 2 * S, 30 * S, 0 }, 16, -1, 30 * S },
    { "fixed, tenth", { CONFIG_BACKOFF_FIXED, 7 * S, 30 * S, 0 }, 10, -1, 7 * S },
    { "Retry-After is a floor", { CONFIG_BACKOFF_FIXED, 7 * S, 30 * S, 0 }, 1, 50 * S, 50 * S },
    { "Retry-After does not shorten", { CONFIG_BACKOFF_FIXED, 7 * S, 30 * S, 0 }, 1, 2 * S, 7 * S },
    { "Retry-After is capped at an hour",
      { CONFIG_BACKOFF_FIXED, 7 * S, 30 * S, 0 },
      1,
      86400 * S,
      3600 * S },
    { "hermon's fifth wait",
      { CONFIG_BACKOFF_EXPONENTIAL, 300 * S, 86400 * S, 0 },
      5,
      -1,
      4800 * S },
};

TEST(delays_follow_the_formula)
{
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        ROW(rows[i].row);
        CHECK_INT(backoff_delay_us(&rows[i].policy, rows[i].n, rows[i].retry_after, HALF_DICE),
                  rows[i].want);
    }
}

TEST(jitter_stays_within_its_span)
{
    struct backoff_policy p = { CONFIG_BACKOFF_FIXED, 10 * S, 30 * S, 100 };
    CHECK_INT(backoff_delay_us(&p, 1, -1, 0), 9 * S);
    CHECK_INT(backoff_delay_us(&p, 1, -1, UINT32_MAX), 11 * S);
    for (uint32_t dice = 0; dice < UINT32_MAX - 100000007; dice += 100000007) {
        int64_t got = backoff_delay_us(&p, 1, -1, dice);
        CHECK(got >= 9 * S && got <= 11 * S);
    }
}
