/* The token bucket. */
#include "base/bucket.h"
#include "tests/t.h"

TEST(a_burst_passes_and_then_the_rate_holds)
{
    const struct bucket_rate r = { .per_minute = 60, .burst = 3 };
    static const struct {
        int64_t at_us, want;
    } rows[] = {
        { 0, 0 },           { 0, 0 },         { 0, 0 },         { 0, 1000000 },
        { 400000, 600000 }, { 999999, 1 },    { 1000000, 0 },   { 1000000, 1000000 },
        { 1000, 1000000 }, /* the clock stepped back: nothing flows in */
        { 100000000, 0 },   { 100000000, 0 }, { 100000000, 0 }, { 100000000, 1000000 },
    };
    struct bucket b;
    bucket_init(&b, &r, 0);
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        char row[32];
        snprintf(row, sizeof(row), "row %zu", i);
        ROW(row);
        CHECK_INT(bucket_take(&b, &r, rows[i].at_us), rows[i].want);
    }
}

TEST(the_wait_it_names_is_enough)
{
    static const double rates[] = { 0.1, 1, 7, 59.9, 60, 333, 1e6, 1e9 };
    for (size_t i = 0; i < N_ELEMENTS(rates); i++) {
        const struct bucket_rate r = { .per_minute = rates[i], .burst = 1 };
        struct bucket b;
        int64_t now = 1234567;
        bucket_init(&b, &r, now);
        for (int k = 0; k < 1000; k++) {
            int64_t wait = bucket_take(&b, &r, now);
            now += wait;
            if (wait && bucket_take(&b, &r, now))
                T_FAIL("at %g a minute the wait of %lld us was too short", rates[i],
                       (long long)wait);
        }
    }
}

TEST(odd_rates_are_survived)
{
    static const struct {
        const char *name;
        struct bucket_rate rate;
        int64_t second;
    } rows[] = {
        { "no inflow", { 0, 1 }, INT64_MAX },
        { "hardly any", { 1e-300, 1 }, INT64_MAX },
        { "burst below one", { 60, 0 }, 1000000 },
        { "huge", { 1e300, 1e300 }, 0 },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        struct bucket b;
        ROW(rows[i].name);
        bucket_init(&b, &rows[i].rate, 0);
        CHECK_INT(bucket_take(&b, &rows[i].rate, 0), 0);
        CHECK_INT(bucket_take(&b, &rows[i].rate, 0), rows[i].second);
    }
}

TEST(a_lowered_burst_holds_at_once)
{
    struct bucket_rate r = { .per_minute = 60, .burst = 100 };
    struct bucket b;
    bucket_init(&b, &r, 0);
    r.burst = 1;
    CHECK_INT(bucket_take(&b, &r, 0), 0);
    CHECK_INT(bucket_take(&b, &r, 0), 1000000);
}
