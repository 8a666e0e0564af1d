/* IANA zones from the system's TZif files (RFC 9636, v1–v4 with the POSIX footer), local ↔ UTC with
   gaps and overlaps told apart. No process-wide TZ. */
#ifndef KERYX_BASE_ZONE_H
#define KERYX_BASE_ZONE_H

#include "base/error.h"

struct zone;

/* The longest zone name taken, and the farthest an offset may lie from UTC (RFC 9636 section 3.2:
   more than -25 hours and less than 26). */
#define ZONE_NAME_MAX   64
#define ZONE_OFFSET_MAX 93600 /* 26 hours */

/* Zones are cached by name and shared; released with zone_cache_release() at exit. Names with "..",
   absolute paths or over ZONE_NAME_MAX bytes are refused. NULL and an error (with the nearest name)
   when unknown. "UTC" always works, "Local" is the system's ($TZ when it names a zone, else
   /etc/localtime, else UTC). Searches $TZDIR, then the usual folders. A look-up of a loaded zone
   costs no system call. Loop thread only. */
const struct zone *zone_get(struct str name, struct error *e) must_check;
extern const struct zone *const zone_utc;
const char *zone_name(const struct zone *z);
/* Re-reads zones whose file changed (inode, size, mtime) in place, so pointers stay good; a file that
   has gone or does not parse leaves the zone as it was. Returns how many changed. */
size_t zone_refresh(void);
void zone_cache_release(void);
/* Parses TZif bytes (fuzzed). name is only a label and is copied. Free with zone_free. */
struct zone *zone_parse(struct str bytes, const char *name, struct error *e) must_check;
/* For zones made by zone_parse; NULL is fine. */
void zone_free(struct zone *z);

/* Offset east of UTC in seconds in force at the instant; abbrev may be NULL. *abbrev lives until the
   zone is refreshed or released. */
int zone_offset(const struct zone *z, int64_t seconds, const char **abbrev);
/* The next instant > seconds at which the offset changes, or INT64_MAX. */
int64_t zone_next_change(const struct zone *z, int64_t seconds);

enum local_kind { LOCAL_ONCE, LOCAL_GAP, LOCAL_TWICE };
struct local_instant {
    enum local_kind kind;
    int64_t first; /* ONCE: the instant. TWICE: the earlier. GAP: the first instant after the gap */
    int64_t second;      /* TWICE: the later. Otherwise = first */
    int64_t gap_seconds; /* GAP: its length */
};
/* local_seconds: civil_seconds() of the local wall time. */
struct local_instant zone_to_utc(const struct zone *z, int64_t local_seconds);

/* The zone name nearest to a wrong one, for messages: static text good until the next call, or NULL.
   Reads the zone folders; not for hot paths. */
const char *zone_suggest(struct str wrong);

#endif
