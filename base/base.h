/* The few macros every room needs. Nothing here has state. */
#ifndef KERYX_BASE_BASE_H
#define KERYX_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of `type` that embeds `*ptr` as `member`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The result says whether it failed: a caller that drops it does not compile. */
#define must_check              __attribute__((warn_unused_result))
#define printf_like(fmt, first) __attribute__((format(printf, fmt, first)))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define KIB ((size_t)1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

#define US_PER_MS 1000LL
#define US_PER_S  1000000LL

/* Cleanup by scope: `auto_free char *p = …;` frees p when the block is left. */
static inline void base_free_ptr(void *where)
{
    free(*(void **)where);
}

static inline void base_close_fd(const int *where)
{
    if (*where >= 0)
        close(*where);
}

#define auto_free  __attribute__((cleanup(base_free_ptr)))
#define auto_close __attribute__((cleanup(base_close_fd)))

/* Memory that is there or the process ends with a line on stderr (ARCHITECTURE.md: out of memory
   aborts in one place; limits on input keep strangers from causing it). Zeroed. */
void *xalloc(size_t size) must_check __attribute__((malloc));
/* As realloc; new bytes are not zeroed. */
void *xrealloc(void *old, size_t size) must_check;
/* A NUL-terminated copy of `len` bytes. */
char *xstrndup(const char *text, size_t len) must_check;

#endif
