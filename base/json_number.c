/* Numbers as decimal text: the grammar, exact comparison, whole values. Nothing here goes through
   double except where a double is what is asked for. */
#include "base/json.h"

#include "base/json_inside.h"

#include <math.h>

/* More than any text has digits, far from the ends of int64. */
#define EXPONENT_CAP ((int64_t)1 << 60)

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* RFC 8259 section 6. A digit after a leading zero is not part of the number. */
const char *json_number_end(const char *p, const char *end, bool *ok)
{
    const char *from;
    *ok = false;
    if (p < end && *p == '-')
        p++;
    from = p;
    p = p < end && *p == '0' ? p + 1 : skip_digits(p, end);
    if (p == from)
        return p;
    if (p < end && *p == '.') {
        from = ++p;
        p = skip_digits(p, end);
        if (p == from)
            return p;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        from = p;
        p = skip_digits(p, end);
        if (p == from)
            return p;
    }
    *ok = true;
    return p;
}

bool json_number_valid(struct str text)
{
    bool ok;
    return text.n && json_number_end(text.p, text.p + text.n, &ok) == text.p + text.n && ok;
}

/* A number taken apart: value = ±0.d1d2d3… × 10^(point + exponent), d1 not 0. The digits may have
   one '.' among them. Zero has no digits. */
struct decimal {
    bool negative;
    struct str digits; /* from the first to the last that is not 0 */
    int64_t point;     /* bounded by the length of the text */
    bool exponent_negative;
    struct str exponent; /* digits as written */
};

static struct decimal decimal_of(struct str text)
{
    if (!text.n)
        return (struct decimal){ 0 };
    struct decimal d = { .negative = text.p[0] == '-' };
    const char *p = text.p + d.negative, *end = text.p + text.n;
    const char *mantissa = p;
    while (p < end && *p != 'e' && *p != 'E')
        p++;
    const char *mantissa_end = p;
    if (p < end) {
        p++;
        d.exponent_negative = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        d.exponent = (struct str){ p, (size_t)(end - p) };
    }
    const char *dot =
        mantissa_end > mantissa ? memchr(mantissa, '.', (size_t)(mantissa_end - mantissa)) : NULL;
    const char *first = mantissa, *last = mantissa_end;
    while (first < last && (*first == '0' || *first == '.'))
        first++;
    while (last > first && (last[-1] == '0' || last[-1] == '.'))
        last--;
    d.digits = (struct str){ first, (size_t)(last - first) };
    if (!dot)
        dot = mantissa_end;
    d.point = first > dot ? dot + 1 - first : dot - first;
    return d;
}

/* a's exponent minus b's: exact, or beyond ±EXPONENT_CAP / 10 with the right sign. The digits are
   aligned at the right; once the running difference is large, no later digit can bring it back. */
static int64_t exponent_difference(const struct decimal *a, const struct decimal *b)
{
    int64_t difference = 0;
    for (size_t left = MAX(a->exponent.n, b->exponent.n); left > 0; left--) {
        int da = left <= a->exponent.n ? a->exponent.p[a->exponent.n - left] - '0' : 0;
        int db = left <= b->exponent.n ? b->exponent.p[b->exponent.n - left] - '0' : 0;
        difference =
            difference * 10 + (a->exponent_negative ? -da : da) - (b->exponent_negative ? -db : db);
        if (difference > EXPONENT_CAP / 10 || difference < -EXPONENT_CAP / 10)
            return difference;
    }
    return difference;
}

/* The next digit of *rest, 0 when there is none left. */
static int digit_next(struct str *rest)
{
    if (rest->n && rest->p[0] == '.')
        *rest = str_sub(*rest, 1, rest->n);
    if (!rest->n)
        return 0;
    int digit = rest->p[0] - '0';
    rest->p++;
    rest->n--;
    return digit;
}

/* Both not zero, signs left out. */
static int magnitude_cmp(const struct decimal *a, const struct decimal *b)
{
    int64_t shift = exponent_difference(a, b) + a->point - b->point;
    if (shift)
        return shift > 0 ? 1 : -1;
    struct str da = a->digits, db = b->digits;
    while (da.n || db.n) {
        int difference = digit_next(&da) - digit_next(&db);
        if (difference)
            return difference > 0 ? 1 : -1;
    }
    return 0;
}

static int decimal_sign(const struct decimal *d)
{
    if (!d->digits.n)
        return 0;
    return d->negative ? -1 : 1;
}

int json_number_cmp(struct str a, struct str b)
{
    struct decimal da = decimal_of(a), db = decimal_of(b);
    int sa = decimal_sign(&da), sb = decimal_sign(&db);
    if (sa != sb)
        return sa > sb ? 1 : -1;
    return sa == 0 ? 0 : sa * magnitude_cmp(&da, &db);
}

/* Digits before the decimal point, when written without exponent. */
static int64_t decimal_point(const struct decimal *d)
{
    return exponent_difference(d, &(struct decimal){ 0 }) + d->point;
}

int json_number_i64(struct str text, int64_t *out)
{
    if (!json_number_valid(text))
        return -1;
    struct decimal d = decimal_of(text);
    if (!d.digits.n) {
        *out = 0;
        return 0;
    }
    int64_t point = decimal_point(&d);
    if (point < 1 || point > 19)
        return -1;
    struct str rest = d.digits;
    uint64_t n = 0; /* 19 digits always fit */
    for (; point > 0; point--)
        n = n * 10 + (uint64_t)digit_next(&rest);
    if (rest.n || n > (uint64_t)INT64_MAX + d.negative)
        return -1;
    *out = d.negative ? (int64_t)(0 - n) : (int64_t)n;
    return 0;
}

double json_number_double(struct str text)
{
    double value = 0;
    if (str_double(text, &value) == 0)
        return value;
    struct decimal d = decimal_of(text);
    if (d.digits.n && decimal_point(&d) > 0)
        value = (double)INFINITY;
    return d.negative ? -value : value;
}
