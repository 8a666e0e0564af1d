/* Functions on text (Sprig's, with its order of arguments: the text comes last, for pipelines). */
#include "templates/func.h"
#include "templates/letters.h"
#include "templates/regex.h"

static int finish(const struct call *c, struct buf *text, const struct json **out)
{
    if (!buf_ok(text))
        return func_fail(c, "the text is larger than the output may be");
    *out = func_string(c, buf_view(text));
    return 0;
}

static int give(const struct call *c, struct str s, const struct json **out)
{
    *out = func_string(c, s);
    return 0;
}

int func_upper(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    letters_map(&text, func_text(c, 0), LETTERS_UPPER);
    return finish(c, &text, out);
}

int func_lower(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    letters_map(&text, func_text(c, 0), LETTERS_LOWER);
    return finish(c, &text, out);
}

int func_title(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    letters_map(&text, func_text(c, 0), LETTERS_TITLE);
    return finish(c, &text, out);
}

int func_trim(const struct call *c, const struct json **out)
{
    return give(c, letters_trim(func_text(c, 0)), out);
}

/* trimAll "$" text: bytes of the first on both sides. */
int func_trim_all(const struct call *c, const struct json **out)
{
    struct str set = func_text(c, 0), s = func_text(c, 1);
    while (s.n && str_chr(set, s.p[0]) >= 0)
        s = str_sub(s, 1, s.n);
    while (s.n && str_chr(set, s.p[s.n - 1]) >= 0)
        s.n--;
    return give(c, s, out);
}

int func_trim_prefix(const struct call *c, const struct json **out)
{
    struct str prefix = func_text(c, 0), s = func_text(c, 1);
    return give(c, str_starts(s, prefix) ? str_sub(s, prefix.n, s.n) : s, out);
}

int func_trim_suffix(const struct call *c, const struct json **out)
{
    struct str suffix = func_text(c, 0), s = func_text(c, 1);
    return give(c, str_ends(s, suffix) ? str_sub(s, 0, s.n - suffix.n) : s, out);
}

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n; n++)
        at += MAX(str_utf8_len(s, at), (size_t)1);
    return n;
}

/* The byte at which character `n` begins. */
static size_t character_at(struct str s, size_t n)
{
    size_t at = 0;
    for (; at < s.n && n > 0; n--)
        at += MAX(str_utf8_len(s, at), (size_t)1);
    return at;
}

/* trunc 5 text: the first 5 characters; trunc -5: the last 5. */
int func_trunc(const struct call *c, const struct json **out)
{
    int64_t n = func_integer(c, 0);
    struct str s = func_text(c, 1);
    if (n >= 0)
        return give(c, str_sub(s, 0, character_at(s, (size_t)n)), out);
    size_t all = characters(s), keep = n < -(int64_t)all ? all : (size_t)-n;
    return give(c, str_sub(s, character_at(s, all - keep), s.n), out);
}

/* replace old new text; an empty old stands between all characters, as in Go. */
int func_replace(const struct call *c, const struct json **out)
{
    struct str old = func_text(c, 0), new = func_text(c, 1), s = func_text(c, 2);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    while (s.n && old.n) {
        ptrdiff_t at = str_find(s, old);
        if (at < 0)
            break;
        buf_str(&text, str_sub(s, 0, (size_t)at));
        buf_str(&text, new);
        s = str_sub(s, (size_t)at + old.n, s.n);
    }
    for (size_t at = 0, len; old.n == 0 && at < s.n; at += len) {
        len = MAX(str_utf8_len(s, at), (size_t)1);
        buf_str(&text, new);
        buf_str(&text, str_sub(s, at, len));
    }
    buf_str(&text, old.n ? s : new);
    return finish(c, &text, out);
}

int func_contains(const struct call *c, const struct json **out)
{
    *out = value_bool(str_find(func_text(c, 1), func_text(c, 0)) >= 0);
    return 0;
}

int func_has_prefix(const struct call *c, const struct json **out)
{
    *out = value_bool(str_starts(func_text(c, 1), func_text(c, 0)));
    return 0;
}

int func_has_suffix(const struct call *c, const struct json **out)
{
    *out = value_bool(str_ends(func_text(c, 1), func_text(c, 0)));
    return 0;
}

/* split "/" text: a list, whose elements are also ._0, ._1 as those of Sprig's split. */
int func_split(const struct call *c, const struct json **out)
{
    struct str by = func_text(c, 0), s = func_text(c, 1);
    struct arena *a = run_arena(c->r);
    struct json *list = json_list(a);
    for (;;) {
        ptrdiff_t at = by.n ? str_find(s, by) : (ptrdiff_t)MAX(str_utf8_len(s, 0), (size_t)1);
        if (at < 0 || (by.n == 0 && (size_t)at >= s.n))
            break;
        json_add(a, list, json_str(a, str_sub(s, 0, (size_t)at)));
        s = str_sub(s, (size_t)at + by.n, s.n);
        if (arena_used(a) > RUN_MAX_SCRATCH)
            return func_fail(c, "too many pieces");
    }
    json_add(a, list, json_str(a, s));
    *out = list;
    return 0;
}

/* join ", " list; anything but a list is joined as a list of one. */
int func_join(const struct call *c, const struct json **out)
{
    struct str by = func_text(c, 0);
    const struct json *list = c->args[1];
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    if (value_is_nil(list) || list->type != JSON_LIST)
        return give(c, func_text(c, 1), out);
    uint32_t i = 0;
    for (const struct json *v = list->child; i < list->count; i++, v = v->next) {
        struct call one = *c;
        one.args = &v;
        one.n = 1;
        if (i)
            buf_str(&text, by);
        buf_str(&text, func_text(&one, 0));
    }
    return finish(c, &text, out);
}

/* Each argument that is not nil between double quotes, as JSON writes it; blanks between. */
int func_quote(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    for (uint32_t i = 0; i < c->n; i++) {
        if (value_is_nil(c->args[i]))
            continue;
        if (text.n)
            buf_char(&text, ' ');
        json_quote(&text, func_text(c, i));
    }
    return finish(c, &text, out);
}

int func_squote(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    for (uint32_t i = 0; i < c->n; i++) {
        if (value_is_nil(c->args[i]))
            continue;
        if (text.n)
            buf_char(&text, ' ');
        buf_char(&text, '\'');
        buf_str(&text, func_text(c, i));
        buf_char(&text, '\'');
    }
    return finish(c, &text, out);
}

int func_repeat(const struct call *c, const struct json **out)
{
    int64_t n = func_integer(c, 0);
    struct str s = func_text(c, 1);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    for (int64_t i = 0; s.n && i < n && buf_ok(&text); i++)
        buf_str(&text, s);
    return finish(c, &text, out);
}

/* Blanks in front of every line. */
static int indented(const struct call *c, const char *first, const struct json **out)
{
    int64_t n = MAX(func_integer(c, 0), (int64_t)0);
    struct str s = func_text(c, 1);
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT), blanks = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    for (int64_t i = 0; i < n && buf_ok(&blanks); i++)
        buf_char(&blanks, ' ');
    if (!buf_ok(&blanks))
        return func_fail(c, "the text is larger than the output may be");
    buf_cstr(&text, first);
    for (;;) {
        ptrdiff_t end = str_chr(s, '\n');
        struct str line = end < 0 ? s : str_sub(s, 0, (size_t)end + 1);
        buf_str(&text, buf_view(&blanks));
        buf_str(&text, line);
        s = str_sub(s, line.n, s.n);
        if (end < 0 || !buf_ok(&text))
            break;
    }
    return finish(c, &text, out);
}

int func_indent(const struct call *c, const struct json **out)
{
    return indented(c, "", out);
}

int func_nindent(const struct call *c, const struct json **out)
{
    return indented(c, "\n", out);
}

int func_to_string(const struct call *c, const struct json **out)
{
    return give(c, func_text(c, 0), out);
}

int func_cat(const struct call *c, const struct json **out)
{
    auto_buf text = BUF_INIT(TEMPLATE_MAX_OUTPUT);
    for (uint32_t i = 0; i < c->n; i++) {
        if (value_is_nil(c->args[i]))
            continue;
        if (text.n)
            buf_char(&text, ' ');
        buf_str(&text, func_text(c, i));
    }
    return finish(c, &text, out);
}

/* The pattern may come from data, so it is compiled each time, within bounds. */
int func_regex_match(const struct call *c, const struct json **out)
{
    struct error e = ERROR_INIT;
    struct str s = func_text(c, 1);
    struct regex *re = regex_compile(run_arena(c->r), func_text(c, 0), &e);
    if (!re)
        return func_fail(c, "%s", e.text);
    if (run_charge(c->r, 64 + s.n * regex_size(re) / 256, c->at) < 0)
        return -1;
    *out = value_bool(regex_match(re, s));
    return 0;
}
