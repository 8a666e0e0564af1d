/* Views of bytes: comparing, cutting, whole numbers, UTF-8. Nothing here allocates but str_double
   on absurdly long numbers. */
#include "base/str.h"

#include <locale.h>
#include <math.h>

static unsigned char str_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_fold(struct str a, struct str b)
{
    return a.n == b.n && str_starts_fold(a, b);
}

bool str_eq_c(struct str a, const char *b)
{
    return str_eq(a, str_of(b));
}

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq(str_n(s.p, prefix.n), prefix);
}

bool str_starts_fold(struct str s, struct str prefix)
{
    if (s.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++) {
        if (str_lower(s.p[i]) != str_lower(prefix.p[i]))
            return false;
    }
    return true;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || str_eq(str_n(s.p + s.n - suffix.n, suffix.n), suffix));
}

ptrdiff_t str_chr(struct str s, char c)
{
    const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_rchr(struct str s, char c)
{
    const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;
    return at ? at - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    const char *at = s.n >= needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
    return at ? at - s.p : -1;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from >= s.n)
        return str_n(s.p ? s.p + s.n : NULL, 0);
    return str_n(s.p + from, MIN(n, s.n - from));
}

static bool str_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n && str_is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && str_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Where `rest` points when the text ended with a separator: one empty piece is still owed. */
static const char str_owed[1];

bool str_split(struct str *rest, char sep, struct str *piece)
{
    if (rest->n == 0) {
        bool owed = rest->p == str_owed;
        *rest = STR_NULL;
        if (owed)
            *piece = str_n(str_owed, 0);
        return owed;
    }
    ptrdiff_t at = str_chr(*rest, sep);
    if (at < 0) {
        *piece = *rest;
        *rest = STR_NULL;
        return true;
    }
    *piece = str_n(rest->p, (size_t)at);
    *rest = str_n(rest->p + at + 1, rest->n - (size_t)at - 1);
    if (rest->n == 0)
        rest->p = str_owed;
    return true;
}

int str_u64(struct str s, uint64_t *out)
{
    if (s.n == 0)
        return -1;
    uint64_t value = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
            return -1;
    }
    *out = value;
    return 0;
}

int str_i64(struct str s, int64_t *out)
{
    bool minus = s.n && s.p[0] == '-';
    uint64_t size;
    if (str_u64(minus ? str_sub(s, 1, s.n) : s, &size))
        return -1;
    if (size > (uint64_t)INT64_MAX + minus)
        return -1;
    *out = (int64_t)(minus ? 0 - size : size);
    return 0;
}

static size_t str_count_digits(struct str s, size_t at)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
        n++;
    return n;
}

/* -?digits(.digits)?([eE][+-]?digits)? and nothing else: no hex, no inf, no nan. */
static bool str_is_decimal(struct str s)
{
    size_t at = s.n && s.p[0] == '-' ? 1 : 0;
    size_t digits = str_count_digits(s, at);
    if (digits == 0)
        return false;
    at += digits;
    if (at < s.n && s.p[at] == '.') {
        digits = str_count_digits(s, at + 1);
        if (digits == 0)
            return false;
        at += 1 + digits;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
            at++;
        digits = str_count_digits(s, at);
        if (digits == 0)
            return false;
        at += digits;
    }
    return at == s.n;
}

int str_double(struct str s, double *out)
{
    if (!str_is_decimal(s))
        return -1;
    char small[128];
    auto_free char *large = s.n < sizeof(small) ? NULL : xstrndup(s.p, s.n);
    char *text = large ? large : small;
    if (!large)
        *(char *)mempcpy(small, s.p, s.n) = '\0';
    /* "C" is built into glibc: the call neither allocates nor fails. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    if (isinf(value))
        return -1;
    *out = value;
    return 0;
}

size_t str_utf8_len(struct str s, size_t at)
{
    /* RFC 3629 section 4: the second byte's range depends on the first; the others are 80..BF. */
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, len;
    } rows[] = {
        { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
        { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 }, { 0xF0, 0xF0, 0x90, 0xBF, 4 },
        { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };
    if (at >= s.n)
        return 0;
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t left = s.n - at;
    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
        if (p[0] < rows[i].first_low || p[0] > rows[i].first_high)
            continue;
        if (left < rows[i].len || p[1] < rows[i].second_low || p[1] > rows[i].second_high)
            return 0;
        for (size_t k = 2; k < rows[i].len; k++) {
            if ((p[k] & 0xC0) != 0x80)
                return 0;
        }
        return rows[i].len;
    }
    return 0;
}

bool str_utf8_valid(struct str s)
{
    for (size_t at = 0; at < s.n;) {
        size_t len = str_utf8_len(s, at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

size_t str_utf8_cut(struct str s, size_t n)
{
    if (n >= s.n)
        return s.n;
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        if (((unsigned char)s.p[n - back] & 0xC0) == 0x80)
            continue;
        return str_utf8_len(s, n - back) > back ? n - back : n;
    }
    return n;
}
