/* Errors as values: formatting, context, and what an errno means to a caller. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define ERROR_ELLIPSIS "…"

/* Room for a whole text and a context in front of it, before the cut. */
struct error_draft {
    char text[2 * sizeof(((struct error *)0)->text)];
};

/* vsnprintf may have stopped inside a UTF-8 sequence; error_keep's cut is far before that. */
static void error_keep(struct error *e, const struct error_draft *d)
{
    struct str s = str_of(d->text);
    if (s.n < sizeof(e->text)) {
        memcpy(e->text, s.p, s.n + 1);
        return;
    }
    size_t n = str_utf8_cut(s, sizeof(e->text) - sizeof(ERROR_ELLIPSIS));
    memcpy(e->text, s.p, n);
    memcpy(e->text + n, ERROR_ELLIPSIS, sizeof(ERROR_ELLIPSIS));
}

static void error_vset(struct error *e, enum error_code code, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
static void error_vset(struct error *e, enum error_code code, const char *fmt, va_list ap)
{
    /* Arguments may point into e->text, so e is written last. */
    struct error_draft d;
    vsnprintf(d.text, sizeof(d.text), fmt, ap);
    *e = (struct error){ .code = code };
    error_keep(e, &d);
}

int error_set(struct error *e, enum error_code code, const char *fmt, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    error_vset(e, code, fmt, ap);
    va_end(ap);
    return -1;
}

int error_at(struct error *e, unsigned line, unsigned column, const char *fmt, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    error_vset(e, ERROR_INVALID, fmt, ap);
    va_end(ap);
    e->line = line;
    e->column = column;
    return -1;
}

int error_wrap(struct error *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    struct error_draft d;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(d.text, sizeof(d.text), fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(d.text))
        snprintf(d.text + n, sizeof(d.text) - (size_t)n, ": %s", e->text);
    error_keep(e, &d);
    return -1;
}

static enum error_code error_code_of(int errno_value)
{
    static const struct {
        int number;
        enum error_code code;
    } rows[] = {
        { ENOENT, ERROR_NOT_FOUND },     { ENOTDIR, ERROR_NOT_FOUND }, { EEXIST, ERROR_EXISTS },
        { EACCES, ERROR_DENIED },        { EPERM, ERROR_DENIED },      { EROFS, ERROR_DENIED },
        { ENOSPC, ERROR_FULL },          { EDQUOT, ERROR_FULL },       { ETIMEDOUT, ERROR_TIMEOUT },
        { EBUSY, ERROR_BUSY },           { EAGAIN, ERROR_BUSY },       { EADDRINUSE, ERROR_BUSY },
        { ECANCELED, ERROR_CANCELLED },  { EMFILE, ERROR_LIMIT },      { ENFILE, ERROR_LIMIT },
        { ENAMETOOLONG, ERROR_INVALID }, { ELOOP, ERROR_INVALID },
    };
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        if (rows[i].number == errno_value)
            return rows[i].code;
    }
    return ERROR_IO;
}

int error_sys(struct error *e, int errno_value, const char *fmt, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    error_vset(e, error_code_of(errno_value), fmt, ap);
    va_end(ap);
    char why[128];
    struct error_draft d;
    snprintf(d.text, sizeof(d.text), "%s: %s", e->text, strerror_r(errno_value, why, sizeof(why)));
    error_keep(e, &d);
    return -1;
}
