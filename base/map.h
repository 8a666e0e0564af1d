/* String → pointer; iteration in insertion order. Keys are copied. */
#ifndef KERYX_BASE_MAP_H
#define KERYX_BASE_MAP_H

#include "base/str.h"

struct map;

struct map_entry {
    struct str key; /* NUL-terminated, owned by the map */
    void *value;
};

/* fold: ASCII case of keys does not matter. Keyed SipHash: safe for strangers' keys. */
struct map *map_new(bool fold) must_check;
/* Values are the caller's. NULL is fine. */
void map_free(struct map *m);
void *map_get(const struct map *m, struct str key);
/* Returns the value that was there before, or NULL. value must not be NULL. */
void *map_put(struct map *m, struct str key, void *value);
/* Returns the value taken out, or NULL. Order of the others is kept. */
void *map_remove(struct map *m, struct str key);
size_t map_count(const struct map *m);
/* The first entry with *at = 0, then on; NULL at the end. Removing the entry just returned is allowed. */
const struct map_entry *map_next(const struct map *m, size_t *at);

#endif
