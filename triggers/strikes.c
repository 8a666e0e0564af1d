/* A map of addresses and a list of the same by the start of their minute, oldest first. */
#include "triggers/strikes.h"

#include "base/list.h"
#include "base/map.h"

#define STRIKES_WINDOW_US (60 * US_PER_S)

struct strike {
    struct list_link link;
    char key[ADDR_TEXT];
    int64_t since;
    unsigned count;
};

struct strikes {
    struct map *by_key;
    struct list by_age;
};

struct strikes *strikes_new(void)
{
    struct strikes *s = xalloc(sizeof(*s));
    s->by_key = map_new(false);
    list_init(&s->by_age);
    return s;
}

static void strikes_forget(struct strikes *s, struct strike *k)
{
    list_remove(&s->by_age, &k->link);
    map_remove(s->by_key, str_of(k->key));
    free(k);
}

void strikes_free(struct strikes *s)
{
    if (!s)
        return;
    while (!list_empty(&s->by_age))
        strikes_forget(s, list_first(&s->by_age, struct strike, link));
    map_free(s->by_key);
    free(s);
}

static struct str strikes_key(const struct addr *from, char text[ADDR_TEXT])
{
    struct addr a = *from;
    if (a.family == 6)
        memset(a.bytes + 8, 0, 8);
    return str_of(addr_format(&a, text));
}

int64_t strikes_wait(const struct strikes *s, const struct addr *from, int64_t now_us)
{
    char text[ADDR_TEXT];
    if (!from->family)
        return 0;
    const struct strike *k = map_get(s->by_key, strikes_key(from, text));
    if (!k || k->count < STRIKES_A_MINUTE)
        return 0;
    return MAX(k->since + STRIKES_WINDOW_US - now_us, (int64_t)0);
}

void strikes_add(struct strikes *s, const struct addr *from, int64_t now_us)
{
    char text[ADDR_TEXT];
    if (!from->family)
        return;
    struct str key = strikes_key(from, text);
    struct strike *k = map_get(s->by_key, key);
    if (k && now_us - k->since < STRIKES_WINDOW_US) {
        k->count++;
        return;
    }
    if (k)
        strikes_forget(s, k);
    /* Each newcomer makes room for itself, so the table shrinks as its minutes pass. */
    for (int i = 0; i < 2 && !list_empty(&s->by_age); i++) {
        struct strike *oldest = list_first(&s->by_age, struct strike, link);
        if (now_us - oldest->since >= STRIKES_WINDOW_US || s->by_age.count >= STRIKES_MAX)
            strikes_forget(s, oldest);
    }
    k = xalloc(sizeof(*k));
    memcpy(k->key, key.p, key.n);
    k->since = now_us;
    k->count = 1;
    map_put(s->by_key, key, k);
    list_append(&s->by_age, &k->link);
}

size_t strikes_count(const struct strikes *s)
{
    return s->by_age.count;
}
