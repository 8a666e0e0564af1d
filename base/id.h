/* Sortable ids and unguessable ids. Thread-safe. */
#ifndef KERYX_BASE_ID_H
#define KERYX_BASE_ID_H

#include "base/clock.h"
#include "base/str.h"

#define ID_TEXT 40
/* UUIDv7 (RFC 9562) as text, strictly increasing within the process. */
void id_uuid7(const struct clock *c, char text[ID_TEXT]);
/* Nanoseconds since 1970, strictly increasing within the process and after `floor` (the largest one
   already stored), for ids such as webhook-AGENT-NS. */
uint64_t id_ns(const struct clock *c);
void id_ns_floor(uint64_t ns);
/* n random bytes from the kernel's generator; aborts if there are none. */
void id_random(void *out, size_t n);
/* n random bytes as 2n lower-case hex digits and a NUL. */
void id_random_hex(char *out, size_t n);
uint32_t id_random_u32(void);

#endif
