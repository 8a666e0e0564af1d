/* Entries stand in an array in the order they came; a table of 32-bit positions (open addressing,
   half empty at most) finds them by hash. A removed entry leaves a hole in both, so positions and
   iteration stay true; holes go when the array is rebuilt by a later map_put(). */
#include "base/map.h"

#include "base/id.h"

#include <assert.h>
#include <pthread.h>

struct map_slot {
    struct map_entry entry; /* value == NULL: a hole */
    uint64_t hash;
};

struct map {
    struct map_slot *slots;
    uint32_t *index; /* 2 × cap positions + 1; 0 = never used */
    uint32_t used;   /* slots in use, holes included */
    uint32_t cap;    /* a power of two, or 0 */
    uint32_t count;  /* without holes */
    bool fold;
};

enum {
    MAP_FIRST = 8,
    MAP_MAX = 1 << 30,
};

static uint8_t map_key[16];
static pthread_once_t map_key_once = PTHREAD_ONCE_INIT;

static void map_key_draw(void)
{
    id_random(map_key, sizeof(map_key));
}

static uint64_t map_hash(const struct map *m, struct str key)
{
    if (!m->fold)
        return str_siphash(key, map_key);
    char small[128];
    auto_free char *large = key.n > sizeof(small) ? xalloc(key.n) : NULL;
    char *low = large ? large : small;
    for (size_t i = 0; i < key.n; i++)
        low[i] = (char)(key.p[i] >= 'A' && key.p[i] <= 'Z' ? key.p[i] + ('a' - 'A') : key.p[i]);
    return str_siphash(str_n(low, key.n), map_key);
}

struct map *map_new(bool fold)
{
    pthread_once(&map_key_once, map_key_draw);
    struct map *m = xalloc(sizeof(*m));
    m->fold = fold;
    return m;
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->used; i++)
        free((void *)(uintptr_t)m->slots[i].entry.key.p);
    free(m->slots);
    free(m->index);
    free(m);
}

static struct map_slot *map_find(const struct map *m, struct str key, uint64_t hash)
{
    if (m->count == 0)
        return NULL;
    uint32_t mask = m->cap * 2 - 1;
    for (uint32_t at = (uint32_t)hash & mask; m->index[at]; at = (at + 1) & mask) {
        struct map_slot *s = &m->slots[m->index[at] - 1];
        if (!s->entry.value || s->hash != hash)
            continue;
        if (m->fold ? str_eq_fold(s->entry.key, key) : str_eq(s->entry.key, key))
            return s;
    }
    return NULL;
}

static void map_link(struct map *m, uint32_t position)
{
    uint32_t mask = m->cap * 2 - 1;
    uint32_t at = (uint32_t)m->slots[position].hash & mask;
    while (m->index[at])
        at = (at + 1) & mask;
    m->index[at] = position + 1;
}

/* Closes the holes and makes room for at least one more. */
static void map_rebuild(struct map *m)
{
    assert(m->count < MAP_MAX);
    uint32_t cap = MAX(m->cap, (uint32_t)MAP_FIRST);
    if (m->count >= cap / 2)
        cap *= 2;
    struct map_slot *slots = xalloc(cap * sizeof(*slots));
    uint32_t used = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        if (m->slots[i].entry.value)
            slots[used++] = m->slots[i];
    }
    free(m->slots);
    free(m->index);
    m->slots = slots;
    m->index = xalloc((size_t)cap * 2 * sizeof(*m->index));
    m->used = used;
    m->cap = cap;
    for (uint32_t i = 0; i < used; i++)
        map_link(m, i);
}

void *map_get(const struct map *m, struct str key)
{
    if (m->count == 0)
        return NULL;
    const struct map_slot *s = map_find(m, key, map_hash(m, key));
    return s ? s->entry.value : NULL;
}

void *map_put(struct map *m, struct str key, void *value)
{
    assert(value);
    uint64_t hash = map_hash(m, key);
    struct map_slot *s = map_find(m, key, hash);
    if (s) {
        void *before = s->entry.value;
        s->entry.value = value;
        return before;
    }
    if (m->used == m->cap)
        map_rebuild(m);
    m->slots[m->used] = (struct map_slot){
        .entry = { .key = str_n(xstrndup(key.p, key.n), key.n), .value = value },
        .hash = hash,
    };
    map_link(m, m->used++);
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct str key)
{
    struct map_slot *s = m->count ? map_find(m, key, map_hash(m, key)) : NULL;
    if (!s)
        return NULL;
    void *value = s->entry.value;
    free((void *)(uintptr_t)s->entry.key.p);
    s->entry = (struct map_entry){ .key = STR_NULL };
    m->count--;
    return value;
}

size_t map_count(const struct map *m)
{
    return m->count;
}

const struct map_entry *map_next(const struct map *m, size_t *at)
{
    while (*at < m->used) {
        const struct map_slot *s = &m->slots[(*at)++];
        if (s->entry.value)
            return &s->entry;
    }
    return NULL;
}
