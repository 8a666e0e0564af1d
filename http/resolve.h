/* Host name → addresses by the system's resolver, on threads of their own. libcurl looks names up
   itself; this is for the guard when a proxy would do it, out of our sight. */
#ifndef KERYX_HTTP_RESOLVE_H
#define KERYX_HTTP_RESOLVE_H

#include "base/addr.h"
#include "base/loop.h"

#define RESOLVE_MAX_ADDRESSES 16
#define RESOLVE_MAX_THREADS   16

struct resolve;

/* Later calls done once on the loop: n = 0 when there is no such name, or on failure. At most
   RESOLVE_MAX_THREADS at a time in the process: NULL (BUSY) beyond. There is no deadline here: the
   caller cancels. host is copied. */
struct resolve *resolve_start(struct loop *l, const char *host,
                              void (*done)(void *ctx, const struct addr *addresses, size_t n),
                              void *ctx, struct error *e) must_check;
/* done will not be called; the thread ends when the system's resolver lets it. Required before the
   loop is freed. */
void resolve_cancel(struct resolve *r);

#endif
