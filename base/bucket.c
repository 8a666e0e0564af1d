/* The token bucket. */
#include "base/bucket.h"

#include <math.h>

/* Less than this short of a token is a rounding error of the refill, not a missing token. */
#define BUCKET_SLACK 1e-9

void bucket_init(struct bucket *b, const struct bucket_rate *r, int64_t now_us)
{
    *b = (struct bucket){ .tokens = MAX(r->burst, 1.0), .at_us = now_us };
}

int64_t bucket_take(struct bucket *b, const struct bucket_rate *r, int64_t now_us)
{
    const double us_per_minute = 60.0 * US_PER_S;
    double burst = MAX(r->burst, 1.0);
    /* A clock that seems to stand or step back refills nothing. */
    if (now_us > b->at_us) {
        b->tokens += (double)(now_us - b->at_us) * r->per_minute / us_per_minute;
        b->at_us = now_us;
    }
    b->tokens = MIN(b->tokens, burst); /* also after a reload that lowered it */
    if (b->tokens >= 1.0 - BUCKET_SLACK) {
        b->tokens -= 1.0;
        return 0;
    }
    double missing = 1.0 - BUCKET_SLACK / 2 - b->tokens;
    double wait = r->per_minute > 0 ? ceil(missing * us_per_minute / r->per_minute) : INFINITY;
    return wait < 0x1p62 ? MAX((int64_t)wait, (int64_t)1) : INT64_MAX;
}
