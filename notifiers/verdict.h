/* What an HTTP answer, or the lack of one, means for a delivery. Pure. */
#ifndef KERYX_NOTIFIERS_VERDICT_H
#define KERYX_NOTIFIERS_VERDICT_H

#include "engine/sender.h"
#include "http/client.h"

#define VERDICT_EXCERPT         (1 * KIB)
#define VERDICT_MAX_RETRY_AFTER (3600 * US_PER_S)

/* Judges by the table of 40-delivery. r->call may be NULL. Strings of the result live in `a`. A status
   that came counts, also when the body after it was cut. */
struct attempt_result verdict_judge(struct arena *a, const struct http_result *r);
/* The first VERDICT_EXCERPT bytes for people: what cannot be printed is a blank or U+FFFD. */
struct str verdict_excerpt(struct arena *a, struct str body);

#endif
