/* Finding tags: delimiters (which a tag may change), sigils, names, what closes what, and whether a
   tag stands alone on its line. */
#include "templates/mustache_tag.h"

struct scanner {
    struct str source;
    struct str open, close;
    size_t at;
    struct place place;
    struct mustache_tags *out;
    size_t cap;
    size_t stack[TEMPLATE_MAX_NESTING];
    unsigned depth;
    struct arena *scratch;
    struct error *e;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int fail(struct scanner *s, const char *what, struct str name)
{
    return error_at(s->e, s->place.line, s->place.column, "%s%" STR_FMT, what, STR_ARG(name));
}

static bool first_on_line(struct str source, size_t at)
{
    while (at > 0 && is_blank(source.p[at - 1]))
        at--;
    return at == 0 || source.p[at - 1] == '\n';
}

static bool last_on_line(struct str source, size_t at)
{
    while (at < source.n && is_blank(source.p[at]))
        at++;
    return at == source.n || source.p[at] == '\n' ||
           (source.p[at] == '\r' && at + 1 < source.n && source.p[at + 1] == '\n');
}

/* {{=<% %>=}} */
static int set_delimiters(struct scanner *s, struct str inside)
{
    struct str both = str_trim(inside);
    size_t n = 0, rest;
    while (n < both.n && !is_blank(both.p[n]) && both.p[n] != '\n' && both.p[n] != '\r')
        n++;
    struct str open = str_sub(both, 0, n), close = str_trim(str_sub(both, n, both.n));
    for (rest = 0; rest < close.n; rest++) {
        if (is_blank(close.p[rest]) || close.p[rest] == '\n')
            break;
    }
    if (!open.n || !close.n || rest < close.n || str_chr(both, '=') >= 0)
        return fail(s, "delimiters are changed as {{=<% %>=}}, not ", both);
    s->open = open;
    s->close = close;
    return 0;
}

/* The end of the tag's inside, from s->at; *end: behind the delimiter. */
static int find_close(struct scanner *s, char kind, struct str *inside, size_t *end)
{
    char text[2] = { kind == '{' ? '}' : '=', 0 };
    struct str extra = { text, kind == '{' || kind == '=' };
    for (size_t from = s->at; from <= s->source.n;) {
        ptrdiff_t found = str_find(str_sub(s->source, from, s->source.n), s->close);
        if (found < 0)
            break;
        size_t close = from + (size_t)found;
        if (extra.n == 0) {
            *inside = str_sub(s->source, s->at, close - s->at);
            *end = close + s->close.n;
            return 0;
        }
        if (kind == '=' && close > s->at && s->source.p[close - 1] == '=') {
            *inside = str_sub(s->source, s->at, close - 1 - s->at);
            *end = close + s->close.n;
            return 0;
        }
        if (kind == '{' && close > s->at && s->source.p[close - 1] == '}') {
            *inside = str_sub(s->source, s->at, close - 1 - s->at);
            *end = close + s->close.n;
            return 0;
        }
        /* {{{x}}}: the first }} ends one brace early. */
        from = close + 1;
    }
    return fail(s, "the tag is not closed", STR_NULL);
}

static struct mustache_tag *add(struct scanner *s)
{
    struct mustache_tags *o = s->out;
    if (o->n == s->cap) {
        struct mustache_tag *bigger = ARENA_ARRAY(s->scratch, struct mustache_tag, s->cap * 2);
        memcpy(bigger, o->all, o->n * sizeof(*bigger));
        o->all = bigger;
        s->cap *= 2;
    }
    return &o->all[o->n++];
}

static int pair(struct scanner *s, struct mustache_tag *t)
{
    size_t at = s->out->n - 1;
    if (strchr("#^<$", t->kind)) {
        if (s->depth == TEMPLATE_MAX_NESTING)
            return fail(s, "nested deeper than 64 levels", STR_NULL);
        s->stack[s->depth++] = at;
        return 0;
    }
    if (t->kind != '/')
        return 0;
    if (s->depth == 0)
        return fail(s, "nothing is open that could be closed: /", t->name);
    struct mustache_tag *open = &s->out->all[s->stack[--s->depth]];
    if (!str_eq(open->name, t->name) || open->dynamic != t->dynamic)
        return error_at(s->e, s->place.line, s->place.column,
                        "/%" STR_FMT " closes %c%" STR_FMT " of line %u", STR_ARG(t->name),
                        open->kind, STR_ARG(open->name), open->place.line);
    open->match = at;
    return 0;
}

static int check_name(struct scanner *s, const struct mustache_tag *t)
{
    if (t->name.n == 0)
        return fail(s, "the tag has no name", STR_NULL);
    for (size_t i = 0; i < t->name.n; i++) {
        if (is_blank(t->name.p[i]) || t->name.p[i] == '\n' || t->name.p[i] == '\r')
            return fail(s, "a name has no blanks: ", t->name);
    }
    return 0;
}

/* s->at is behind the opening delimiter that began at `start`. */
static int scan_tag(struct scanner *s, size_t start)
{
    struct str inside = STR_NULL;
    while (s->at < s->source.n && strchr(" \t\r\n", s->source.p[s->at]) && s->source.p[s->at])
        s->at++;
    char kind = s->at < s->source.n ? s->source.p[s->at] : 'v';
    if (!kind || !strchr("#^/><$!&{=", kind))
        kind = 'v';
    else
        s->at++;
    size_t end = s->at;
    if (find_close(s, kind, &inside, &end) < 0)
        return -1;
    struct mustache_tag *t = add(s);
    *t = (struct mustache_tag){
        .kind = kind == '{' ? '&' : kind,
        .name = str_trim(inside),
        .start = start,
        .end = end,
        .place = s->place,
        .first = first_on_line(s->source, start),
        .last = last_on_line(s->source, end),
    };
    s->at = end;
    if (kind == '=')
        return set_delimiters(s, inside);
    if (kind == '!')
        return 0;
    if (strchr("></", kind) && str_starts(t->name, STR("*"))) {
        t->dynamic = true;
        t->name = str_trim(str_sub(t->name, 1, t->name.n));
    }
    return check_name(s, t) < 0 ? -1 : pair(s, t);
}

int mustache_tag_scan(struct arena *scratch, struct str source, struct mustache_tags *out,
                      struct error *e)
{
    struct scanner s = {
        .source = source,
        .open = STR("{{"),
        .close = STR("}}"),
        .place = PLACE_START,
        .out = out,
        .cap = 32,
        .scratch = scratch,
        .e = e,
    };
    *out = (struct mustache_tags){ .all = ARENA_ARRAY(scratch, struct mustache_tag, s.cap) };
    for (;;) {
        ptrdiff_t found = str_find(str_sub(source, s.at, source.n), s.open);
        if (found < 0)
            break;
        size_t start = s.at + (size_t)found;
        program_place(source, &s.place, start);
        s.at = start + s.open.n;
        if (scan_tag(&s, start) < 0)
            return -1;
    }
    if (s.depth == 0)
        return 0;
    const struct mustache_tag *open = &out->all[s.stack[s.depth - 1]];
    return error_at(e, open->place.line, open->place.column, "%c%" STR_FMT " is not closed",
                    open->kind, STR_ARG(open->name));
}
