/* attempt → delay. Pure. */
#ifndef KERYX_ENGINE_BACKOFF_H
#define KERYX_ENGINE_BACKOFF_H

#include "config/config.h"

struct backoff_policy {
    enum config_backoff kind;
    int64_t initial_us, max_us;
    int jitter_permille; /* 0..1000 */
};

/* How long to wait before attempt n + 1 when `n` (>= 1) have been made: exponential initial · 2^(n-1),
   linear initial · n, fixed initial, capped by max_us, times (1 ± jitter) where `dice` 0..UINT32_MAX
   picks the place in that span; never less than retry_after_us (< 0 = none), which is itself capped
   at one hour. */
int64_t backoff_delay_us(const struct backoff_policy *p, unsigned n, int64_t retry_after_us,
                         uint32_t dice);

#endif
