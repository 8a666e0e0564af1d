/* attempt → delay. Pure: the jitter comes in as `dice`. */
#include "engine/backoff.h"

#define BACKOFF_RETRY_AFTER_MAX (3600 * US_PER_S)

static int64_t backoff_base(const struct backoff_policy *p, unsigned n)
{
    int64_t delay = p->initial_us;
    switch (p->kind) {
    case CONFIG_BACKOFF_FIXED:
        break;
    case CONFIG_BACKOFF_LINEAR:
        if (__builtin_mul_overflow(p->initial_us, (int64_t)n, &delay))
            delay = p->max_us;
        break;
    case CONFIG_BACKOFF_EXPONENTIAL:
        for (unsigned i = 1; i < n && delay < p->max_us; i++) {
            if (__builtin_mul_overflow(delay, 2, &delay))
                delay = p->max_us;
        }
        break;
    }
    return MIN(delay, p->max_us);
}

int64_t backoff_delay_us(const struct backoff_policy *p, unsigned n, int64_t retry_after_us,
                         uint32_t dice)
{
    int64_t base = backoff_base(p, n ? n : 1);
    double place = (double)dice / (double)UINT32_MAX * 2.0 - 1.0; /* -1 … 1 */
    int64_t delay = base + (int64_t)((double)base * place * p->jitter_permille / 1000.0);
    return MAX(delay, MIN(retry_after_us, BACKOFF_RETRY_AFTER_MAX));
}
