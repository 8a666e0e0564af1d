/* Everything of one lifetime: a request, a task run, a config generation. Nobody frees inside it.
   Memory is zeroed; freed arenas are poisoned under ASan. Not thread-safe: one owner at a time. */
#ifndef KERYX_BASE_ARENA_H
#define KERYX_BASE_ARENA_H

#include "base/str.h"

#include <stdarg.h>

struct arena;

/* first_chunk: a guess in bytes of what will be needed; 0 = 4 KiB. */
struct arena *arena_new(size_t first_chunk) must_check;
/* NULL is fine. */
void arena_free(struct arena *a);
/* Zeroed, aligned to 16. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);
#define ARENA_NEW(a, type)      ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))
/* A copy in the arena; always followed by a NUL that n does not count. */
struct str arena_str(struct arena *a, struct str s);
/* The same as a C string. */
char *arena_cstr(struct arena *a, struct str s);
struct str arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
/* Runs fn(arg) when the arena is freed, last registered first. */
void arena_on_free(struct arena *a, void (*fn)(void *arg), void *arg);
/* Bytes handed out so far, for ceilings and metrics. */
size_t arena_used(const struct arena *a);

#endif
