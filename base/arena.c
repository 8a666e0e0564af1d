/* Chunks that double up to 1 MiB; what is large gets a chunk of its own behind the current one, so
   the current one stays in use. Under ASan the unused part of every chunk is poisoned and 16 bytes
   stay poisoned between neighbours. */
#include "base/arena.h"

#include <stdio.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ARENA_GAP ((size_t)16)
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ARENA_GAP                         ((size_t)0)
#endif

#define ARENA_ALIGN       ((size_t)16)
#define ARENA_FIRST_CHUNK (4 * KIB)
#define ARENA_MAX_CHUNK   MIB

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of bytes[] */
    size_t used;
    _Alignas(16) char bytes[];
};

struct arena_hook {
    struct arena_hook *next;
    void (*fn)(void *arg);
    void *arg;
};

struct arena {
    struct arena_chunk *current; /* head of all chunks; the only one that is still filled */
    struct arena_hook *hooks;    /* last registered first */
    size_t next_size;            /* of the next chunk */
    size_t used;
};

static struct arena_chunk *arena_chunk_new(size_t size)
{
    /* Callers bound size far below SIZE_MAX; xalloc ends the process on what cannot be had. */
    struct arena_chunk *c = xalloc(sizeof(*c) + size);
    c->size = size;
    ASAN_POISON_MEMORY_REGION(c->bytes, size);
    return c;
}

static void *arena_take(struct arena_chunk *c, size_t size)
{
    char *p = c->bytes + c->used;
    c->used += size;
    ASAN_UNPOISON_MEMORY_REGION(p, size - ARENA_GAP);
    return p;
}

struct arena *arena_new(size_t first_chunk)
{
    size_t first = first_chunk ? MIN(first_chunk, ARENA_MAX_CHUNK) : ARENA_FIRST_CHUNK;
    struct arena *a = xalloc(sizeof(*a));
    first = (first + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    a->current = arena_chunk_new(first);
    a->next_size = MIN(MAX(first, ARENA_FIRST_CHUNK) * 2, ARENA_MAX_CHUNK);
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    /* A hook may still allocate here or register another hook. */
    while (a->hooks) {
        struct arena_hook *hook = a->hooks;
        a->hooks = hook->next;
        hook->fn(hook->arg);
    }
    for (struct arena_chunk *c = a->current, *next; c; c = next) {
        next = c->next;
        ASAN_UNPOISON_MEMORY_REGION(c->bytes, c->size);
        free(c);
    }
    free(a);
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > PTRDIFF_MAX - 4 * KIB)
        size = PTRDIFF_MAX - 4 * KIB; /* cannot be had: ends in xalloc */
    size_t whole = (MAX(size, (size_t)1) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    a->used += whole;
    whole += ARENA_GAP;
    struct arena_chunk *c = a->current;
    if (whole <= c->size - c->used)
        return arena_take(c, whole);
    if (whole > a->next_size / 4) {
        struct arena_chunk *own = arena_chunk_new(whole);
        own->next = c->next;
        c->next = own;
        return arena_take(own, whole);
    }
    struct arena_chunk *fresh = arena_chunk_new(a->next_size);
    a->next_size = MIN(a->next_size * 2, ARENA_MAX_CHUNK);
    fresh->next = c;
    a->current = fresh;
    return arena_take(fresh, whole);
}

struct str arena_str(struct arena *a, struct str s)
{
    return str_n(arena_cstr(a, s), s.n);
}

char *arena_cstr(struct arena *a, struct str s)
{
    char *copy = arena_alloc(a, s.n + 1);
    if (s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    struct str result = STR("");
    if (n >= 0 && (size_t)n < sizeof(small)) {
        result = arena_str(a, str_n(small, (size_t)n));
    } else if (n >= 0) {
        char *text = arena_alloc(a, (size_t)n + 1);
        vsnprintf(text, (size_t)n + 1, fmt, again);
        result = str_n(text, (size_t)n);
    }
    va_end(again);
    va_end(ap);
    return result;
}

void arena_on_free(struct arena *a, void (*fn)(void *arg), void *arg)
{
    struct arena_hook *hook = ARENA_NEW(a, struct arena_hook);
    *hook = (struct arena_hook){ a->hooks, fn, arg };
    a->hooks = hook;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
