/* TZif bytes → struct zone (RFC 9636). Every count is bounded before it is used; pure and fuzzed. */
#include "base/zone_inside.h"

#include <stdio.h>

/* glibc's and zic's largest tables have a few hundred transitions. */
#define TIMES_MAX  5000
#define BYTES_MAX  MIB
#define HEADER     44
#define CHARS_MAX  2048
#define FOOTER_MAX 256

/* --- the footer ------------------------------------------------------------------------------- */

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static bool take_int(struct str *s, int lo, int hi, int *out)
{
    size_t digits = 0;
    uint64_t value;
    while (digits < s->n && digits < 4 && s->p[digits] >= '0' && s->p[digits] <= '9')
        digits++;
    if (str_u64(str_sub(*s, 0, digits), &value) != 0 || value < (uint64_t)lo ||
        value > (uint64_t)hi)
        return false;
    *s = str_sub(*s, digits, s->n);
    *out = (int)value;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "EST" or "<+0330>". */
static bool take_abbrev(struct str *s, char out[ZONE_ABBREV_MAX])
{
    bool quoted = take(s, '<');
    size_t n = 0;
    while (n < s->n && (quoted ? s->p[n] != '>' && s->p[n] > ' ' : is_letter(s->p[n])))
        n++;
    if (n == 0 || n >= ZONE_ABBREV_MAX)
        return false;
    memcpy(out, s->p, n);
    out[n] = '\0';
    *s = str_sub(*s, n, s->n);
    return !quoted || take(s, '>');
}

/* [+-]hh[:mm[:ss]] with hh up to hours_max. */
static bool take_hms(struct str *s, int hours_max, int *seconds)
{
    int h, m = 0, sec = 0;
    bool minus = take(s, '-');
    if (!minus)
        (void)take(s, '+');
    if (!take_int(s, 0, hours_max, &h))
        return false;
    if (take(s, ':')) {
        if (!take_int(s, 0, 59, &m))
            return false;
        if (take(s, ':') && !take_int(s, 0, 59, &sec))
            return false;
    }
    *seconds = (h * 3600 + m * 60 + sec) * (minus ? -1 : 1);
    return true;
}

static bool take_date(struct str *s, struct zone_date *d)
{
    bool ok;
    if (take(s, 'M')) {
        d->kind = ZONE_DATE_MONTH;
        ok = take_int(s, 1, 12, &d->month) && take(s, '.') && take_int(s, 1, 5, &d->week) &&
             take(s, '.') && take_int(s, 0, 6, &d->weekday);
    } else if (take(s, 'J')) {
        d->kind = ZONE_DATE_JULIAN;
        ok = take_int(s, 1, 365, &d->day);
    } else {
        d->kind = ZONE_DATE_DAY;
        ok = take_int(s, 0, 365, &d->day);
    }
    d->seconds = 2 * 3600;
    if (ok && take(s, '/'))
        ok = take_hms(s, 167, &d->seconds); /* version 3 allows a week either way */
    return ok;
}

int zone_footer_parse(struct str text, struct zone_footer *f, struct error *e)
{
    struct zone_footer got = { .present = true };
    struct str s = text;
    int west;
    bool ok = text.n == 0;
    if (ok) {
        *f = (struct zone_footer){ 0 };
        return 0;
    }
    ok = take_abbrev(&s, got.standard.abbrev) && take_hms(&s, 24, &west);
    if (ok) {
        got.standard.offset = -west;
        got.has_rule = s.n > 0;
    }
    if (ok && got.has_rule) {
        got.daylight.offset = got.standard.offset + 3600;
        ok = take_abbrev(&s, got.daylight.abbrev);
        if (ok && s.n && s.p[0] != ',') {
            ok = take_hms(&s, 24, &west);
            got.daylight.offset = -west;
        }
        ok = ok && take(&s, ',') && take_date(&s, &got.start) && take(&s, ',') &&
             take_date(&s, &got.end);
    }
    if (!ok || s.n > 0)
        return error_set(e, ERROR_INVALID, "footer \"%" STR_FMT "\" is no POSIX TZ rule",
                         STR_ARG(str_sub(text, 0, 80)));
    *f = got;
    return 0;
}

/* --- the table -------------------------------------------------------------------------------- */

struct tzif_header {
    uint32_t isut, isstd, leaps, times, types, chars;
};

static uint32_t be32(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const char *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool header_read(struct str bytes, struct tzif_header *h, char *version)
{
    if (bytes.n < HEADER || memcmp(bytes.p, "TZif", 4) != 0)
        return false;
    *version = bytes.p[4];
    *h = (struct tzif_header){ be32(bytes.p + 20), be32(bytes.p + 24), be32(bytes.p + 28),
                               be32(bytes.p + 32), be32(bytes.p + 36), be32(bytes.p + 40) };
    return h->times <= TIMES_MAX && h->types <= ZONE_TYPES_MAX && h->chars <= CHARS_MAX &&
           h->leaps <= TIMES_MAX && h->isut <= ZONE_TYPES_MAX && h->isstd <= ZONE_TYPES_MAX;
}

/* Bytes of the data block after a header; time_size is 4 in the first block, 8 in the second. */
static size_t block_size(const struct tzif_header *h, size_t time_size)
{
    return h->times * (time_size + 1) + h->types * (size_t)6 + h->chars +
           h->leaps * (time_size + 4) + h->isstd + h->isut;
}

static int types_read(struct zone *z, const char *at, struct str chars, struct error *e)
{
    for (uint32_t i = 0; i < z->n_types; i++, at += 6) {
        struct zone_type *t = &z->types[i];
        size_t from = (unsigned char)at[5];
        t->offset = (int32_t)be32(at);
        if (t->offset > ZONE_OFFSET_MAX || t->offset < -ZONE_OFFSET_MAX)
            return error_set(e, ERROR_INVALID, "type %u has an offset beyond 26 hours", i);
        if (from >= chars.n)
            return error_set(e, ERROR_INVALID, "type %u has its name outside the file", i);
        for (size_t n = 0; n + 1 < ZONE_ABBREV_MAX && from + n < chars.n; n++) {
            t->abbrev[n] = chars.p[from + n];
            if (!t->abbrev[n])
                break;
        }
    }
    return 0;
}

static int block_read(struct zone *z, const struct tzif_header *h, struct str block,
                      size_t time_size, struct error *e)
{
    const char *type_of = block.p + h->times * time_size, *types = type_of + h->times;
    z->n_times = h->times;
    z->n_types = h->types;
    z->times = xalloc(sizeof(*z->times) * h->times + 1);
    z->type_of = xalloc(h->times + 1U);
    z->types = xalloc(sizeof(*z->types) * h->types);
    for (uint32_t i = 0; i < h->times; i++) {
        const char *at = block.p + i * time_size;
        z->times[i] = time_size == 8 ? be64(at) : (int32_t)be32(at);
        z->type_of[i] = (uint8_t)type_of[i];
        if (i && z->times[i] <= z->times[i - 1])
            return error_set(e, ERROR_INVALID, "transition %u is not later than the one before", i);
        if (z->type_of[i] >= h->types)
            return error_set(e, ERROR_INVALID, "transition %u names a type that is not there", i);
    }
    return types_read(z, types, str_n(types + h->types * (size_t)6, h->chars), e);
}

static int tzif_read(struct zone *z, struct str bytes, struct error *e)
{
    struct tzif_header h;
    char version;
    size_t time_size = 4;
    if (bytes.n > BYTES_MAX)
        return error_set(e, ERROR_LIMIT, "larger than 1 MiB");
    if (!header_read(bytes, &h, &version))
        return error_set(e, ERROR_INVALID, "no TZif header with sensible counts");
    bytes = str_sub(bytes, HEADER, bytes.n);
    if (version >= '2') { /* the second block has 64-bit times and stands for the whole file */
        if (block_size(&h, 4) > bytes.n)
            return error_set(e, ERROR_INVALID, "cut short in its first block");
        bytes = str_sub(bytes, block_size(&h, 4), bytes.n);
        if (!header_read(bytes, &h, &version))
            return error_set(e, ERROR_INVALID, "no second TZif header with sensible counts");
        bytes = str_sub(bytes, HEADER, bytes.n);
        time_size = 8;
    }
    if (h.types == 0 || h.chars == 0)
        return error_set(e, ERROR_INVALID, "has no local time type");
    if (h.leaps > 0)
        return error_set(e, ERROR_INVALID, "counts leap seconds, which no UTC clock shows");
    if (block_size(&h, time_size) > bytes.n)
        return error_set(e, ERROR_INVALID, "cut short");
    if (block_read(z, &h, bytes, time_size, e) != 0)
        return -1;
    if (time_size == 4)
        return 0;
    bytes = str_sub(bytes, block_size(&h, time_size), FOOTER_MAX);
    ptrdiff_t end = bytes.n && bytes.p[0] == '\n' ? str_chr(str_sub(bytes, 1, bytes.n), '\n') : -1;
    if (end < 0)
        return error_set(e, ERROR_INVALID, "has no footer");
    return zone_footer_parse(str_sub(bytes, 1, (size_t)end), &z->footer, e);
}

void zone_clear(struct zone *z)
{
    free(z->times);
    free(z->type_of);
    free(z->types);
    z->times = NULL;
    z->type_of = NULL;
    z->types = NULL;
    z->n_times = z->n_types = 0;
}

struct zone *zone_parse(struct str bytes, const char *name, struct error *e)
{
    struct zone *z = xalloc(sizeof(*z));
    snprintf(z->name, sizeof(z->name), "%s", name);
    if (tzif_read(z, bytes, e) == 0)
        return z;
    (void)error_wrap(e, "zone %s", z->name);
    zone_free(z);
    return NULL;
}

void zone_free(struct zone *z)
{
    if (!z)
        return;
    zone_clear(z);
    free(z);
}
