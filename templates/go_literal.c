/* Go's rules for literals (language specification, "Lexical elements"), as text/template uses
   them. */
#include "templates/go_literal.h"

#include "templates/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

static const struct json *bad(const struct go_token *t, struct error *e, const char *what)
{
    error_at(e, t->place.line, t->place.column, "%s: %" STR_FMT, what, STR_ARG(t->text));
    return NULL;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* `_` stands between digits or between a base prefix and a digit. */
static bool underscores_ok(struct str s)
{
    char before = '^';
    bool prefixed = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool next_digit = i + 1 < s.n && digit_value(s.p[i + 1]) < 16;
        if (c == '_' && (!(digit_value(before) < 16 || prefixed) || !next_digit))
            return false;
        prefixed = i == 1 && s.p[0] == '0' && strchr("xXoObB", c);
        before = c;
    }
    return true;
}

/* Sign and underscores out, into `plain`; returns whether it was negative. */
static bool plain_digits(struct arena *a, struct str text, char **plain, size_t *n)
{
    bool negative = text.n && text.p[0] == '-';
    size_t from = negative || (text.n && text.p[0] == '+');
    *plain = arena_alloc(a, text.n + 2);
    *n = 0;
    for (size_t i = from; i < text.n; i++) {
        if (text.p[i] != '_')
            (*plain)[(*n)++] = text.p[i];
    }
    return negative;
}

static int base_of(const char **p)
{
    if ((*p)[0] != '0' || !(*p)[1])
        return 10;
    char c = (*p)[1];
    *p += strchr("xXoObB", c) ? 2 : 1;
    if (c == 'x' || c == 'X')
        return 16;
    return c == 'b' || c == 'B' ? 2 : 8;
}

static const struct json *integer(struct arena *a, const struct go_token *t, struct error *e)
{
    char *plain;
    size_t n;
    bool negative = plain_digits(a, t->text, &plain, &n);
    const char *p = plain;
    int base = base_of(&p);
    uint64_t value = 0, limit = (uint64_t)INT64_MAX + negative;
    if (!*p)
        return bad(t, e, "bad number");
    for (; *p; p++) {
        int digit = digit_value(*p);
        if (digit >= base)
            return bad(t, e, "bad number");
        if (value > (limit - (unsigned)digit) / (unsigned)base)
            return bad(t, e, "the number overflows a 64-bit integer");
        value = value * (unsigned)base + (unsigned)digit;
    }
    return json_i64(a, negative ? (int64_t)(0 - value) : (int64_t)value);
}

static const struct json *floating(struct arena *a, const struct go_token *t, struct error *e)
{
    char *plain, *end;
    size_t n;
    bool negative = plain_digits(a, t->text, &plain, &n);
    bool hex = n > 1 && plain[0] == '0' && (plain[1] == 'x' || plain[1] == 'X');
    if (!n || (hex && !strpbrk(plain, "pP")) || !strpbrk(plain, "0123456789") ||
        (!hex && strpbrk(plain, "xXoObB")))
        return bad(t, e, "bad number");
    errno = 0;
    double d = strtod(plain, &end);
    if (*end)
        return bad(t, e, "bad number");
    if (isinf(d))
        return bad(t, e, "the number overflows a float");
    return value_float(a, negative ? -d : d);
}

static const struct json *number(struct arena *a, const struct go_token *t, struct error *e)
{
    struct str text = t->text;
    if (text.n && (text.p[0] == '-' || text.p[0] == '+'))
        text = str_sub(text, 1, text.n);
    if (!underscores_ok(text))
        return bad(t, e, "bad number");
    bool hex = str_starts_fold(text, STR("0x"));
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' || (hex ? c == 'p' || c == 'P' : c == 'e' || c == 'E'))
            return floating(a, t, e);
    }
    return integer(a, t, e);
}

static bool put_rune(struct buf *out, uint32_t rune)
{
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
        return false;
    if (rune < 0x80) {
        buf_char(out, (char)rune);
    } else if (rune < 0x800) {
        buf_char(out, (char)(0xC0 | rune >> 6));
        buf_char(out, (char)(0x80 | (rune & 0x3F)));
    } else {
        if (rune < 0x10000) {
            buf_char(out, (char)(0xE0 | rune >> 12));
        } else {
            buf_char(out, (char)(0xF0 | rune >> 18));
            buf_char(out, (char)(0x80 | (rune >> 12 & 0x3F)));
        }
        buf_char(out, (char)(0x80 | (rune >> 6 & 0x3F)));
        buf_char(out, (char)(0x80 | (rune & 0x3F)));
    }
    return true;
}

/* `n` digits of `base` at s[*at]. */
static bool digits(struct str s, size_t *at, unsigned n, unsigned base, uint32_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < n; i++, (*at)++) {
        if (*at >= s.n || digit_value(s.p[*at]) >= (int)base)
            return false;
        *value = *value * base + (unsigned)digit_value(s.p[*at]);
    }
    return true;
}

/* One escape; s[*at] is behind the backslash. `quote`: the quote that may be escaped. */
static bool unescape(struct buf *out, struct str s, size_t *at, char quote)
{
    static const char from[] = "abfnrtv\\", to[] = "\a\b\f\n\r\t\v\\";
    if (*at >= s.n || !s.p[*at])
        return false;
    char c = s.p[(*at)++];
    const char *simple = strchr(from, c);
    uint32_t value;
    if (c == quote) {
        buf_char(out, c);
        return true;
    }
    if (simple) {
        buf_char(out, to[simple - from]);
        return true;
    }
    if (c >= '0' && c <= '7') {
        (*at)--;
        if (!digits(s, at, 3, 8, &value) || value > 255)
            return false;
        buf_char(out, (char)value);
        return true;
    }
    if (c == 'x') {
        if (!digits(s, at, 2, 16, &value))
            return false;
        buf_char(out, (char)value);
        return true;
    }
    if (c == 'u' || c == 'U')
        return digits(s, at, c == 'u' ? 4 : 8, 16, &value) && put_rune(out, value);
    return false;
}

static bool unquote(struct buf *out, struct str inside, char quote)
{
    for (size_t at = 0; at < inside.n;) {
        char c = inside.p[at++];
        if (c != '\\')
            buf_char(out, c);
        else if (!unescape(out, inside, &at, quote))
            return false;
    }
    return true;
}

static const struct json *string(struct arena *a, const struct go_token *t, struct error *e)
{
    size_t cut = t->text.p[0] == '\\' ? 2 : 1;
    struct str inside = str_sub(t->text, cut, t->text.n - 2 * cut);
    auto_buf out = BUF_INIT(inside.n * 4 + 8);
    if (!unquote(&out, inside, '"'))
        return bad(t, e, "bad escape in string");
    return json_str(a, buf_view(&out));
}

/* Carriage returns are dropped, as Go does. */
static const struct json *raw_string(struct arena *a, const struct go_token *t)
{
    struct json *v = json_str(a, str_sub(t->text, 1, t->text.n - 2));
    char *text = arena_cstr(a, v->text);
    size_t n = 0;
    for (size_t i = 0; i < v->text.n; i++) {
        if (v->text.p[i] != '\r')
            text[n++] = v->text.p[i];
    }
    v->text = str_n(text, n);
    return v;
}

static const struct json *character(struct arena *a, const struct go_token *t, struct error *e)
{
    struct str inside = str_sub(t->text, 1, t->text.n - 2);
    auto_buf out = BUF_INIT(inside.n * 4 + 8);
    size_t len;
    if (str_starts(inside, STR("\\x")) || (inside.n == 4 && inside.p[0] == '\\')) {
        /* A byte, not a character: '\xFF' is 255. */
        if (!unquote(&out, inside, '\'') || out.n != 1)
            return bad(t, e, "bad character constant");
        return json_i64(a, (unsigned char)out.p[0]);
    }
    if (!unquote(&out, inside, '\'') || (len = str_utf8_len(buf_view(&out), 0)) == 0 ||
        len != out.n)
        return bad(t, e, "bad character constant");
    static const unsigned char mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
    uint32_t rune = (unsigned char)out.p[0] & mask[len];
    for (size_t k = 1; k < len; k++)
        rune = rune << 6 | ((unsigned char)out.p[k] & 0x3F);
    return json_i64(a, rune);
}

const struct json *go_literal(struct arena *a, const struct go_token *t, struct error *e)
{
    switch (t->kind) {
    case GO_BOOL:
        return str_eq(t->text, STR("true")) ? &value_true : &value_false;
    case GO_NUMBER:
        return number(a, t, e);
    case GO_CHAR:
        return character(a, t, e);
    case GO_RAW:
        return raw_string(a, t);
    default:
        return string(a, t, e);
    }
}
