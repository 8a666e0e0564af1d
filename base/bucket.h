/* Token bucket: `per_minute` tokens flow in, at most `burst` are kept. Pure. */
#ifndef KERYX_BASE_BUCKET_H
#define KERYX_BASE_BUCKET_H

#include "base/base.h"

struct bucket {
    double tokens;
    int64_t at_us; /* monotonic time tokens was true */
};

struct bucket_rate {
    double per_minute;
    double burst; /* >= 1 */
};

void bucket_init(struct bucket *b, const struct bucket_rate *r, int64_t now_us);
/* Takes one token: returns 0, or the microseconds until there will be one. */
int64_t bucket_take(struct bucket *b, const struct bucket_rate *r, int64_t now_us);

#endif
