/* Values under Go's printf verbs: text, integers, floats, characters, padded and signed. */
#include "templates/verb.h"

#include <inttypes.h>
#include <math.h>

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; n++)
        at += MAX(str_utf8_len(s, at), (size_t)1);
    return n;
}

static void fill(struct buf *out, char c, size_t n)
{
    while (n-- > 0)
        buf_char(out, c);
}

/* Writes text in its width; sign and prefix stay in front of zeros. */
static void padded(const struct verb *v, struct str head, struct str text)
{
    size_t have = head.n + characters(text), width = v->has_width ? (size_t)v->width : 0;
    size_t missing = width > have ? width - have : 0;
    bool zeros = v->zero && !v->minus;
    if (!v->minus && !zeros)
        fill(v->out, ' ', missing);
    buf_str(v->out, head);
    if (zeros)
        fill(v->out, '0', missing);
    buf_str(v->out, text);
    if (v->minus)
        fill(v->out, ' ', missing);
}

static void format(const struct verb *v, const struct json *value, unsigned depth);

/* %!d(string=hello) */
static void bad_verb(const struct verb *v, const struct json *value)
{
    buf_printf(v->out, "%%!%c(", v->verb);
    if (value_is_nil(value)) {
        buf_cstr(v->out, "<nil>");
    } else {
        struct verb own = *v;
        own.verb = 'v';
        own.sharp = false;
        buf_printf(v->out, "%s=", value_type(value));
        format(&own, value, 0);
    }
    buf_char(v->out, ')');
}

static void put_rune(struct buf *out, uint64_t rune)
{
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
        rune = 0xFFFD;
    if (rune < 0x80) {
        buf_char(out, (char)rune);
        return;
    }
    if (rune < 0x800) {
        buf_char(out, (char)(0xC0 | rune >> 6));
    } else {
        if (rune < 0x10000) {
            buf_char(out, (char)(0xE0 | rune >> 12));
        } else {
            buf_char(out, (char)(0xF0 | rune >> 18));
            buf_char(out, (char)(0x80 | (rune >> 12 & 0x3F)));
        }
        buf_char(out, (char)(0x80 | (rune >> 6 & 0x3F)));
    }
    buf_char(out, (char)(0x80 | (rune & 0x3F)));
}

/* Go's strconv.Quote. */
static void quote(struct buf *out, struct str s, char mark, bool ascii)
{
    static const char from[] = "\a\b\f\n\r\t\v\\", to[] = "abfnrtv\\";
    buf_char(out, mark);
    for (size_t at = 0, len; at < s.n; at += MAX(len, (size_t)1)) {
        unsigned char c = (unsigned char)s.p[at];
        const char *known = c ? strchr(from, c) : NULL;
        len = str_utf8_len(s, at);
        if (c == (unsigned char)mark || known) {
            buf_char(out, '\\');
            buf_char(out, known ? to[known - from] : mark);
        } else if (len == 0 || c < ' ' || c == 0x7F) {
            buf_printf(out, "\\x%02x", c);
        } else if (len > 1 && ascii) {
            uint32_t rune = c & (0xFFU >> (len + 1));
            for (size_t k = 1; k < len; k++)
                rune = rune << 6 | ((unsigned char)s.p[at + k] & 0x3F);
            buf_printf(out, rune > 0xFFFF ? "\\U%08x" : "\\u%04x", rune);
        } else {
            buf_str(out, str_sub(s, at, len));
        }
    }
    buf_char(out, mark);
}

static struct str cut(const struct verb *v, struct str s)
{
    size_t at = 0;
    if (!v->has_precision)
        return s;
    for (int n = v->precision; at < s.n && n > 0; n--)
        at += MAX(str_utf8_len(s, at), (size_t)1);
    return str_sub(s, 0, at);
}

static void hex_string(const struct verb *v, struct str s)
{
    const char *digits = v->verb == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (v->has_precision)
        s = str_sub(s, 0, (size_t)v->precision);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i && v->space)
            buf_char(&text, ' ');
        if (v->sharp && (i == 0 || v->space)) {
            buf_char(&text, '0');
            buf_char(&text, v->verb);
        }
        buf_char(&text, digits[c >> 4]);
        buf_char(&text, digits[c & 15]);
    }
    padded(v, STR_NULL, buf_view(&text));
}

static void string(const struct verb *v, const struct json *value)
{
    struct str s = json_text(run_arena(v->c->r), value);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    switch (v->verb) {
    case 'v':
        if (v->sharp) {
            quote(&text, s, '"', false);
            padded(v, STR_NULL, buf_view(&text));
            return;
        }
        padded(v, STR_NULL, cut(v, s));
        return;
    case 's':
        padded(v, STR_NULL, cut(v, s));
        return;
    case 'q':
        if (v->sharp && str_chr(s, '`') < 0 && str_chr(s, '\n') < 0)
            buf_printf(&text, "`%" STR_FMT "`", STR_ARG(s));
        else
            quote(&text, cut(v, s), '"', v->plus);
        padded(v, STR_NULL, buf_view(&text));
        return;
    case 'x':
    case 'X':
        hex_string(v, s);
        return;
    default:
        bad_verb(v, value);
    }
}

static void unsigned_digits(struct buf *out, uint64_t n, unsigned base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[72];
    size_t at = sizeof(text);
    do {
        text[--at] = digits[n % base];
        n /= base;
    } while (n);
    buf_add(out, text + at, sizeof(text) - at);
}

static const char *base_prefix(const struct verb *v)
{
    if (v->verb == 'O')
        return "0o";
    if (!v->sharp)
        return "";
    switch (v->verb) {
    case 'b':
        return "0b";
    case 'o':
        return "0";
    case 'x':
        return "0x";
    case 'X':
        return "0X";
    default:
        return "";
    }
}

/* Sign, prefix and digits in width and precision. */
static void integer_padded(const struct verb *v, bool negative, struct str digits)
{
    struct verb own = *v;
    auto_buf head = BUF_INIT(64), text = BUF_INIT((size_t)2 * VERB_MAX_WIDTH);
    if (negative || v->plus || v->space)
        buf_char(&head, negative ? '-' : v->plus ? '+' : ' ');
    buf_cstr(&head, base_prefix(v));
    if (v->has_precision) {
        own.zero = false;
        if (v->precision == 0 && str_eq(digits, STR("0"))) {
            padded(&own, STR_NULL, STR_NULL);
            return;
        }
        if ((size_t)v->precision > digits.n)
            fill(&text, '0', (size_t)v->precision - digits.n);
    }
    buf_str(&text, digits);
    padded(&own, buf_view(&head), buf_view(&text));
}

static void character(const struct verb *v, int64_t n)
{
    auto_buf rune = BUF_INIT(16), text = BUF_INIT(VERB_MAX_WIDTH + 64);
    put_rune(&rune, (uint64_t)n);
    if (v->verb == 'c') {
        padded(v, STR_NULL, buf_view(&rune));
        return;
    }
    if (v->verb == 'q')
        quote(&text, buf_view(&rune), '\'', v->plus);
    else
        buf_printf(&text, "U+%0*" PRIX64, v->has_precision ? MAX(v->precision, 4) : 4, (uint64_t)n);
    if (v->verb == 'U' && v->sharp && n >= ' ')
        buf_printf(&text, " '%" STR_FMT "'", STR_ARG(buf_view(&rune)));
    padded(v, STR_NULL, buf_view(&text));
}

static void floating(const struct verb *v, const struct json *value);

static void integer(const struct verb *v, const struct json *value)
{
    int64_t n = 0;
    bool fits = json_number_i64(value->text, &n) == 0, negative = value->text.p[0] == '-';
    unsigned base = v->verb == 'b' ? 2 : v->verb == 'x' || v->verb == 'X' ? 16 : 8;
    auto_buf digits = BUF_INIT(128);
    switch (v->verb) {
    case 'v':
    case 'd':
        integer_padded(v, negative, str_sub(value->text, negative, value->text.n));
        return;
    case 'b':
    case 'o':
    case 'O':
    case 'x':
    case 'X':
        if (!fits)
            break;
        unsigned_digits(&digits, negative ? 0 - (uint64_t)n : (uint64_t)n, base, v->verb == 'X');
        integer_padded(v, negative, buf_view(&digits));
        return;
    case 'c':
    case 'q':
    case 'U':
        if (!fits)
            break;
        character(v, n);
        return;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
        floating(v, value);
        return;
    default:
        break;
    }
    bad_verb(v, value);
}

/* Without its sign; `d` is finite and not negative. */
static void float_digits(const struct verb *v, double d, struct buf *out)
{
    char text[VALUE_NUMBER_TEXT];
    int precision = v->has_precision ? v->precision : 6;
    switch (v->verb) {
    case 'e':
        buf_printf(out, "%.*e", precision, d);
        return;
    case 'E':
        buf_printf(out, "%.*E", precision, d);
        return;
    case 'f':
    case 'F':
        buf_printf(out, "%.*f", precision, d);
        return;
    default:
        break;
    }
    if (!v->has_precision) {
        buf_cstr(out, value_format_double(d, false, text));
        char *e = v->verb == 'G' && out->n ? memchr(out->p, 'e', out->n) : NULL;
        if (e)
            *e = 'E';
    } else if (v->verb == 'G') {
        buf_printf(out, "%.*G", precision, d);
    } else {
        buf_printf(out, "%.*g", precision, d);
    }
}

static void floating(const struct verb *v, const struct json *value)
{
    if (!v->verb || !strchr("veEfFgG", v->verb)) {
        bad_verb(v, value);
        return;
    }
    /* What was not computed prints as it was written. */
    if (v->verb == 'v' && !v->has_precision && !v->plus && !v->space) {
        bool minus = value->text.p[0] == '-';
        padded(v, minus ? STR("-") : STR_NULL, str_sub(value->text, minus, value->text.n));
        return;
    }
    double d = json_number_double(value->text);
    auto_buf text = BUF_INIT((size_t)2 * VERB_MAX_WIDTH);
    struct str head = signbit(d) ? STR("-") : v->plus ? STR("+") : v->space ? STR(" ") : STR_NULL;
    if (isinf(d)) {
        struct verb own = *v;
        own.zero = false;
        padded(&own, signbit(d) ? STR("-") : STR("+"), STR("Inf"));
        return;
    }
    float_digits(v, fabs(d), &text);
    padded(v, head, buf_view(&text));
}

static void box(const struct verb *v, const struct json *value, unsigned depth)
{
    size_t n;
    uint32_t i = 0;
    if (value->type == JSON_LIST) {
        buf_char(v->out, '[');
        for (const struct json *item = value->child; i < value->count; i++, item = item->next) {
            if (i)
                buf_char(v->out, ' ');
            format(v, item, depth + 1);
        }
        buf_char(v->out, ']');
        return;
    }
    struct arena *a = run_arena(v->c->r);
    struct value_member *members = value_members(a, value, &n);
    buf_cstr(v->out, "map[");
    for (i = 0; i < n; i++) {
        if (i)
            buf_char(v->out, ' ');
        format(v, json_str(a, members[i].key), depth + 1);
        buf_char(v->out, ':');
        format(v, members[i].value, depth + 1);
    }
    buf_char(v->out, ']');
}

static void nothing(const struct verb *v, const struct json *value, unsigned depth)
{
    if (depth)
        buf_cstr(v->out, "<nil>");
    else if (v->verb == 'v' || v->verb == 'T')
        padded(v, STR_NULL, run_strict(v->c->r) ? STR("<nil>") : STR_NULL);
    else if (run_strict(v->c->r))
        bad_verb(v, value);
    else
        padded(v, STR_NULL, STR_NULL);
}

static void format(const struct verb *v, const struct json *value, unsigned depth)
{
    if (value_is_nil(value)) {
        nothing(v, value, depth);
        return;
    }
    if (v->verb == 'T') {
        padded(v, STR_NULL, cut(v, str_of(value_type(value))));
        return;
    }
    switch ((enum json_type)value->type) {
    case JSON_FALSE:
    case JSON_TRUE:
        if (v->verb == 'v' || v->verb == 't')
            padded(v, STR_NULL, value->text);
        else
            bad_verb(v, value);
        return;
    case JSON_NUMBER:
        if (value_is_float(value))
            floating(v, value);
        else
            integer(v, value);
        return;
    case JSON_STRING:
        string(v, value);
        return;
    default:
        box(v, value, depth);
    }
}

void verb_format(const struct verb *v, const struct json *value)
{
    format(v, value, 0);
}
