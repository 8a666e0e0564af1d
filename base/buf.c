/* The growing buffer. Invariants: n <= limit; cap is 0 or > n, so that a NUL always fits behind the
   content; once full, everything is dropped until the buffer is reset (no gaps in the middle). */
#include "base/buf.h"

#include <stdio.h>

enum {
    BUF_FIRST = 64,
};

void buf_release(struct buf *b)
{
    free(b->p);
    *b = (struct buf){ .limit = b->limit };
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->full || n > b->limit - b->n || b->n + n == SIZE_MAX) {
        b->full = true;
        return NULL;
    }
    size_t need = b->n + n + 1;
    if (need > b->cap) {
        size_t cap = MAX(b->cap > SIZE_MAX / 2 ? need : b->cap * 2, MAX(need, (size_t)BUF_FIRST));
        if (cap - 1 > b->limit)
            cap = b->limit + 1;
        b->p = xrealloc(b->p, cap);
        b->cap = cap;
    }
    return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    char *to = buf_reserve(b, n);
    if (!to || n == 0)
        return;
    memcpy(to, p, n);
    b->n += n;
}

void buf_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_cstr(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char small[256];
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    if (n < 0) {
        b->full = true;
    } else if ((size_t)n < sizeof(small)) {
        buf_add(b, small, (size_t)n);
    } else {
        char *to = buf_reserve(b, (size_t)n);
        if (to) {
            vsnprintf(to, (size_t)n + 1, fmt, again);
            b->n += (size_t)n;
        }
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t n)
{
    n = MIN(n, b->n);
    b->n -= n;
    if (n && b->n)
        memmove(b->p, b->p + n, b->n);
}

char *buf_detach(struct buf *b)
{
    char *text = b->p ? b->p : xalloc(1);
    text[b->n] = '\0';
    *b = (struct buf){ .limit = b->limit };
    return text;
}
