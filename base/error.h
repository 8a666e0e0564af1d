/* An error is a value that gains context on its way up and is logged once, by the one who gives up.
   Functions that fail take `struct error *` last, may be given NULL, and return -1. */
#ifndef KERYX_BASE_ERROR_H
#define KERYX_BASE_ERROR_H

#include "base/str.h"

/* What a caller may want to tell apart; the text is for people. */
enum error_code {
    ERROR_NONE = 0,
    ERROR_INVALID, /* what came in is not well formed */
    ERROR_NOT_FOUND,
    ERROR_EXISTS,
    ERROR_LIMIT, /* a ceiling was hit */
    ERROR_DENIED,
    ERROR_IO,   /* the outside world failed: disk, network */
    ERROR_FULL, /* no space left */
    ERROR_TIMEOUT,
    ERROR_BUSY, /* somebody else holds it */
    ERROR_CANCELLED,
    ERROR_INTERNAL,
};

struct error {
    enum error_code code;
    unsigned line, column; /* 1-based place in the input, 0 = none */
    char text[480];        /* a sentence without a full stop; cut with "…" if longer */
};

#define ERROR_INIT ((struct error){ 0 })

/* Always returns -1, so that `return error_set(…)` reads well. e may be NULL. */
int error_set(struct error *e, enum error_code code, const char *fmt, ...) printf_like(3, 4);
/* The same with a place. */
int error_at(struct error *e, unsigned line, unsigned column, const char *fmt, ...)
    printf_like(4, 5);
/* Puts "context: " before the text. Returns -1. */
int error_wrap(struct error *e, const char *fmt, ...) printf_like(2, 3);
/* fmt: strerror(errno_value). */
int error_sys(struct error *e, int errno_value, const char *fmt, ...) printf_like(3, 4);

#endif
