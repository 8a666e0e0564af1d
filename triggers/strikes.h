/* Who failed to prove who they are, by address: after STRIKES_A_MINUTE failures inside one minute nothing
   of theirs is computed until that minute is over. At most STRIKES_MAX addresses are remembered, the
   oldest are forgotten first. */
#ifndef KERYX_TRIGGERS_STRIKES_H
#define KERYX_TRIGGERS_STRIKES_H

#include "base/addr.h"

#define STRIKES_A_MINUTE 60
#define STRIKES_MAX      10000

struct strikes;

struct strikes *strikes_new(void) must_check;
void strikes_free(struct strikes *s); /* NULL is fine */
/* µs until a request from there is looked at again; 0 = now. IPv6 counts by /64, which is what one sender
   has; unix sockets have no address and never wait. now_us is monotonic. */
int64_t strikes_wait(const struct strikes *s, const struct addr *from, int64_t now_us);
/* One more failure. */
void strikes_add(struct strikes *s, const struct addr *from, int64_t now_us);
size_t strikes_count(const struct strikes *s);

#endif
