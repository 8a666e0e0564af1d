/* A growing buffer with a ceiling given at birth. Appending past the ceiling sets `full` and drops
   the bytes, so a writer checks once, at the end, with buf_ok(). */
#ifndef KERYX_BASE_BUF_H
#define KERYX_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
    char *p;      /* owned; may be NULL while empty */
    size_t n;     /* bytes in use */
    size_t cap;   /* bytes allocated */
    size_t limit; /* n never exceeds it */
    bool full;    /* something was dropped */
};

#define BUF_INIT(ceiling) ((struct buf){ .limit = (ceiling) })

void buf_release(struct buf *b);
#define auto_buf __attribute__((cleanup(buf_release))) struct buf

/* Forgets the content, keeps memory and ceiling, clears `full`. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, struct str s);
void buf_cstr(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) printf_like(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) printf_like(2, 0);
/* Room for `n` more bytes, to be filled by the caller who then adds to b->n; NULL (and `full`) when
   past the ceiling. */
char *buf_reserve(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
static inline bool buf_ok(const struct buf *b)
{
    return !b->full;
}
static inline struct str buf_view(const struct buf *b)
{
    return (struct str){ b->p, b->n };
}
/* The content as a NUL-terminated string that the caller frees; the buffer is empty afterwards. */
char *buf_detach(struct buf *b);

#endif
