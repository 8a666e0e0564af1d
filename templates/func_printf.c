/* printf with Go's verbs (package fmt): %v %T %t %d %b %o %O %x %X %c %q %U %e %E %f %F %g %G %s
   %%, flags, width, precision, `*` and [n], over values and, element by element, over lists and
   objects. Two liberties: %e %f %g take integers, and outside Go's modes nil prints as nothing. */
#include "templates/verb.h"

/* Where the format and the arguments stand. */
struct scan {
    const struct call *c;
    struct str fmt;
    size_t at;
    uint32_t argument;
    bool reordered, bad_index, after_index;
};

static char peek(const struct scan *s)
{
    return s->at < s->fmt.n ? s->fmt.p[s->at] : '\0';
}

/* [n]: the next argument is the n-th. */
static void index_here(struct scan *s)
{
    s->after_index = false;
    if (peek(s) != '[')
        return;
    s->reordered = s->after_index = true;
    ptrdiff_t close = str_chr(str_sub(s->fmt, s->at, s->fmt.n), ']');
    uint64_t n;
    if (close < 0) {
        s->bad_index = true;
        s->at++;
        return;
    }
    struct str inside = str_sub(s->fmt, s->at + 1, (size_t)close - 1);
    s->at += (size_t)close + 1;
    if (str_u64(inside, &n) < 0 || n < 1 || n >= s->c->n)
        s->bad_index = true;
    else
        s->argument = (uint32_t)n;
}

/* `*`: an integer argument. */
static bool star(struct scan *s, int *n)
{
    int64_t value = 0;
    const struct json *v = s->argument < s->c->n ? s->c->args[s->argument++] : NULL;
    s->after_index = false;
    if (!v || v->type != JSON_NUMBER || value_is_float(v) || json_number_i64(v->text, &value) < 0 ||
        value > VERB_MAX_WIDTH || value < -VERB_MAX_WIDTH)
        return false;
    *n = (int)value;
    return true;
}

static bool digits(struct scan *s, int *n)
{
    size_t from = s->at;
    *n = 0;
    while (peek(s) >= '0' && peek(s) <= '9') {
        if (*n <= VERB_MAX_WIDTH)
            *n = *n * 10 + (peek(s) - '0');
        s->at++;
    }
    if (*n > VERB_MAX_WIDTH)
        *n = VERB_MAX_WIDTH;
    return s->at > from;
}

static void flags(struct scan *s, struct verb *v)
{
    for (;; s->at++) {
        switch (peek(s)) {
        case '#':
            v->sharp = true;
            break;
        case '0':
            v->zero = !v->minus;
            break;
        case '+':
            v->plus = true;
            break;
        case '-':
            v->minus = true;
            v->zero = false;
            break;
        case ' ':
            v->space = true;
            break;
        default:
            return;
        }
    }
}

static void width(struct scan *s, struct verb *v)
{
    index_here(s);
    if (peek(s) != '*') {
        v->has_width = digits(s, &v->width);
        if (s->after_index && v->has_width)
            s->bad_index = true;
        return;
    }
    s->at++;
    v->has_width = star(s, &v->width);
    if (!v->has_width)
        buf_cstr(v->out, "%!(BADWIDTH)");
    if (v->width < 0) {
        v->width = -v->width;
        v->minus = true;
        v->zero = false;
    }
}

static void precision(struct scan *s, struct verb *v)
{
    if (peek(s) != '.')
        return;
    s->at++;
    if (s->after_index)
        s->bad_index = true;
    index_here(s);
    v->has_precision = true;
    if (peek(s) != '*') {
        digits(s, &v->precision);
        return;
    }
    s->at++;
    v->has_precision = star(s, &v->precision) && v->precision >= 0;
    if (!v->has_precision)
        buf_cstr(v->out, "%!(BADPREC)");
}

/* Behind the percent sign. */
static void one(struct scan *s, struct buf *out)
{
    struct verb v = { .c = s->c, .out = out };
    s->bad_index = false;
    flags(s, &v);
    width(s, &v);
    precision(s, &v);
    if (!s->after_index)
        index_here(s);
    if (s->at >= s->fmt.n) {
        buf_cstr(out, "%!(NOVERB)");
        return;
    }
    size_t len = MAX(str_utf8_len(s->fmt, s->at), (size_t)1);
    struct str verb = str_sub(s->fmt, s->at, len);
    s->at += len;
    v.verb = len == 1 ? verb.p[0] : '?';
    if (v.verb == 'v')
        v.plus = false; /* %+v names the fields of structs, which there are none of */
    if (v.verb == '%')
        buf_char(out, '%');
    else if (s->bad_index)
        buf_printf(out, "%%!%" STR_FMT "(BADINDEX)", STR_ARG(verb));
    else if (s->argument >= s->c->n)
        buf_printf(out, "%%!%" STR_FMT "(MISSING)", STR_ARG(verb));
    else
        verb_format(&v, s->c->args[s->argument++]);
}

static void extra(const struct scan *s, struct buf *out)
{
    if (s->reordered || s->argument >= s->c->n)
        return;
    buf_cstr(out, "%!(EXTRA ");
    for (uint32_t i = s->argument; i < s->c->n; i++) {
        if (i > s->argument)
            buf_cstr(out, ", ");
        if (value_is_nil(s->c->args[i])) {
            buf_cstr(out, "<nil>");
            continue;
        }
        buf_printf(out, "%s=", value_type(s->c->args[i]));
        value_print(out, run_arena(s->c->r), s->c->args[i]);
    }
    buf_char(out, ')');
}

int func_printf(const struct call *c, const struct json **out)
{
    const struct json *format_value = c->args[0];
    if (value_is_nil(format_value) || format_value->type != JSON_STRING)
        return func_fail(c, "the format is a string, not %s", value_type(format_value));
    struct scan s = { .c = c, .fmt = json_text(run_arena(c->r), format_value), .argument = 1 };
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    while (s.at < s.fmt.n && buf_ok(&text)) {
        ptrdiff_t percent = str_chr(str_sub(s.fmt, s.at, s.fmt.n), '%');
        struct str plain = str_sub(s.fmt, s.at, percent < 0 ? s.fmt.n : (size_t)percent);
        buf_str(&text, plain);
        s.at += plain.n;
        if (percent < 0)
            break;
        s.at++;
        one(&s, &text);
    }
    extra(&s, &text);
    if (!buf_ok(&text))
        return func_fail(c, "the text is larger than the output may be");
    *out = func_string(c, buf_view(&text));
    return 0;
}
