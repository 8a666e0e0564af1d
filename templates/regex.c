/* Pattern → states by a recursive descent that writes code for a Pike machine without captures:
   each state is tried once per character, so no pattern and no text can make it slow. A counted
   repetition copies the states of its atom. */
#include "templates/regex_inside.h"

enum { MAX_SPANS = 256, MAX_REPEAT = 1000, MAX_GROUPS = 50, REGEX_MAX_BRANCHES = 256 };

struct parser {
    struct arena *a;
    struct str p;
    size_t at;
    struct regex *re;
    unsigned depth;
    bool fold, dot_newline, multi_line;
    struct error *e;
};

static int alternatives(struct parser *p);

static int fail(struct parser *p, const char *what)
{
    return error_at(p->e, 1, (unsigned)p->at + 1, "bad regular expression: %s", what);
}

static char peek(const struct parser *p)
{
    return p->at < p->p.n ? p->p.p[p->at] : '\0';
}

static bool take(struct parser *p, const char *what)
{
    if (!str_starts(str_sub(p->p, p->at, p->p.n), str_of(what)))
        return false;
    p->at += strlen(what);
    return true;
}

/* A new state, NULL when there are too many. `next` is the one after it. */
static struct state *emit(struct parser *p, enum regex_op op)
{
    if (p->re->n == REGEX_MAX_SIZE) {
        fail(p, "too large");
        return NULL;
    }
    struct state *s = &p->re->states[p->re->n++];
    *s = (struct state){ .op = (uint8_t)op, .next = p->re->n };
    return s;
}

static const char *named_class(char c)
{
    switch (c | 0x20) {
    case 'd':
        return "09";
    case 'w':
        return "09AZ__az";
    case 's':
        return "\t\n\f\r  ";
    default:
        return NULL;
    }
}

struct class
{
    struct span spans[MAX_SPANS];
    uint32_t n;
};

static int add_span(struct parser *p, struct class *c, uint32_t low, uint32_t high)
{
    if (c->n == MAX_SPANS)
        return fail(p, "a class is too large");
    if (low <= high)
        c->spans[c->n++] = (struct span){ low, high };
    return 0;
}

/* \d and its like; upper case letters are the complement. */
static int add_named(struct parser *p, struct class *c, char which)
{
    const char *pairs = named_class(which);
    uint32_t from = 0;
    for (; *pairs; pairs += 2) {
        unsigned char low = (unsigned char)pairs[0], high = (unsigned char)pairs[1];
        if (which & 0x20) {
            if (add_span(p, c, low, high) < 0)
                return -1;
            continue;
        }
        if (low > from && add_span(p, c, from, low - 1U) < 0)
            return -1;
        from = high + 1U;
    }
    return which & 0x20 ? 0 : add_span(p, c, from, 0x10FFFF);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

static int hex_escape(struct parser *p, uint32_t *rune)
{
    bool braces = take(p, "{");
    size_t max = braces ? 8 : 2, n = 0;
    *rune = 0;
    for (; n < max && hex_value(peek(p)) >= 0; n++, p->at++)
        *rune = *rune * 16 + (uint32_t)hex_value(peek(p));
    if (n == 0 || (!braces && n < 2) || (braces && !take(p, "}")) || *rune > 0x10FFFF)
        return fail(p, "bad \\x");
    return 0;
}

/* A character after a backslash that stands for one character. */
static int escaped_rune(struct parser *p, uint32_t *rune)
{
    static const char from[] = "ntrfva", to[] = "\n\t\r\f\v\a";
    size_t len;
    if (p->at >= p->p.n)
        return fail(p, "it ends in a backslash");
    char c = peek(p);
    const char *known = c ? strchr(from, c) : NULL;
    if (c == 'x') {
        p->at++;
        return hex_escape(p, rune);
    }
    if (known) {
        *rune = (unsigned char)to[known - from];
        p->at++;
        return 0;
    }
    if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return fail(p, "unknown escape");
    *rune = regex_rune(p->p, p->at, &len);
    p->at += len;
    return 0;
}

static int class_rune(struct parser *p, uint32_t *rune)
{
    size_t len;
    if (take(p, "\\"))
        return escaped_rune(p, rune);
    *rune = regex_rune(p->p, p->at, &len);
    p->at += len;
    return 0;
}

static int named_range(struct parser *p, struct class *c, bool *found)
{
    static const struct {
        const char *name, *pairs;
    } rows[] = {
        { "[:alpha:]", "AZaz" },     { "[:digit:]", "09" },      { "[:alnum:]", "09AZaz" },
        { "[:upper:]", "AZ" },       { "[:lower:]", "az" },      { "[:space:]", "\t\r  " },
        { "[:punct:]", "!/:@[`{~" }, { "[:xdigit:]", "09AFaf" }, { "[:word:]", "09AZ__az" },
    };
    *found = false;
    for (size_t i = 0; i < N_ELEMENTS(rows) && !*found; i++) {
        if (!take(p, rows[i].name))
            continue;
        *found = true;
        for (const char *pair = rows[i].pairs; *pair; pair += 2) {
            if (add_span(p, c, (unsigned char)pair[0], (unsigned char)pair[1]) < 0)
                return -1;
        }
    }
    return 0;
}

/* One member of [...]: a class, a character or a range. */
static int class_member(struct parser *p, struct class *c)
{
    bool found;
    if (named_range(p, c, &found) < 0 || found)
        return found ? 0 : -1;
    if (peek(p) == '\\' && p->at + 1 < p->p.n && named_class(p->p.p[p->at + 1])) {
        p->at += 2;
        return add_named(p, c, p->p.p[p->at - 1]);
    }
    uint32_t low = 0, high;
    if (class_rune(p, &low) < 0)
        return -1;
    high = low;
    if (peek(p) == '-' && p->at + 1 < p->p.n && p->p.p[p->at + 1] != ']') {
        p->at++;
        if (class_rune(p, &high) < 0)
            return -1;
        if (high < low)
            return fail(p, "a range goes backwards");
    }
    return add_span(p, c, low, high);
}

static int emit_class(struct parser *p, const struct class *c, bool negated)
{
    struct state *s = emit(p, OP_CLASS);
    if (!s)
        return -1;
    s->spans = ARENA_ARRAY(p->a, struct span, MAX(c->n, 1U));
    memcpy(s->spans, c->spans, c->n * sizeof(*s->spans));
    s->n_spans = c->n;
    s->negated = negated;
    s->fold = p->fold;
    return 0;
}

static int bracket(struct parser *p)
{
    struct class c;
    c.n = 0;
    bool negated = take(p, "^");
    do {
        if (p->at >= p->p.n)
            return fail(p, "[ is not closed");
        if (class_member(p, &c) < 0)
            return -1;
    } while (!take(p, "]"));
    return emit_class(p, &c, negated);
}

static int emit_assertion(struct parser *p, enum regex_assertion what)
{
    struct state *s = emit(p, OP_ASSERT);
    if (!s)
        return -1;
    s->assertion = (uint8_t)what;
    return 0;
}

static int emit_rune(struct parser *p, uint32_t rune)
{
    struct state *s = emit(p, OP_RUNE);
    if (!s)
        return -1;
    s->rune = rune;
    s->fold = p->fold;
    return 0;
}

static int literal_text(struct parser *p)
{
    while (p->at < p->p.n && !take(p, "\\E")) {
        size_t len;
        uint32_t rune = regex_rune(p->p, p->at, &len);
        p->at += len;
        if (emit_rune(p, rune) < 0)
            return -1;
    }
    return 0;
}

static int backslash(struct parser *p)
{
    struct class c;
    uint32_t rune;
    c.n = 0;
    if (take(p, "b"))
        return emit_assertion(p, AT_WORD);
    if (take(p, "B"))
        return emit_assertion(p, NOT_AT_WORD);
    if (take(p, "A"))
        return emit_assertion(p, AT_TEXT_START);
    if (take(p, "z"))
        return emit_assertion(p, AT_TEXT_END);
    if (take(p, "Q"))
        return literal_text(p);
    if (named_class(peek(p)))
        return add_named(p, &c, p->p.p[p->at++]) < 0 ? -1 : emit_class(p, &c, false);
    return escaped_rune(p, &rune) < 0 ? -1 : emit_rune(p, rune);
}

/* Behind "(?": flags up to ')' (for the rest of the group) or ':' (for the new group). */
static int flags(struct parser *p, bool *group)
{
    bool on = true;
    for (;; p->at++) {
        char c = peek(p);
        if (c == 'i')
            p->fold = on;
        else if (c == 's')
            p->dot_newline = on;
        else if (c == 'm')
            p->multi_line = on;
        else if (c == '-')
            on = false;
        else
            break;
    }
    *group = take(p, ":");
    return *group || take(p, ")") ? 0 : fail(p, "unknown group");
}

static int group(struct parser *p)
{
    struct parser outer = *p;
    bool inner = true;
    if (take(p, "?P<")) {
        while (p->at < p->p.n && peek(p) != '>')
            p->at++;
        if (!take(p, ">"))
            return fail(p, "a group's name is not closed");
    } else if (take(p, "?")) {
        if (flags(p, &inner) < 0)
            return -1;
    }
    if (!inner)
        return 0;
    if (p->depth++ == MAX_GROUPS)
        return fail(p, "groups are nested too deep");
    if (alternatives(p) < 0)
        return -1;
    if (!take(p, ")"))
        return fail(p, "( is not closed");
    p->depth--;
    p->fold = outer.fold;
    p->dot_newline = outer.dot_newline;
    p->multi_line = outer.multi_line;
    return 0;
}

static int atom(struct parser *p)
{
    size_t len;
    char c = peek(p);
    if (c && strchr("*+?", c))
        return fail(p, "nothing to repeat");
    uint32_t rune = regex_rune(p->p, p->at, &len);
    p->at += len;
    switch (c) {
    case '.': {
        struct state *s = emit(p, OP_ANY);
        if (!s)
            return -1;
        s->newline = p->dot_newline;
        return 0;
    }
    case '^':
        return emit_assertion(p, p->multi_line ? AT_LINE_START : AT_TEXT_START);
    case '$':
        return emit_assertion(p, p->multi_line ? AT_LINE_END : AT_TEXT_END);
    case '[':
        return bracket(p);
    case '(':
        return group(p);
    case '\\':
        return backslash(p);
    default:
        return emit_rune(p, rune);
    }
}

/* {n}, {n,}, {n,m}; anything else behind a brace is text. */
static bool counts(struct parser *p, uint64_t *least, uint64_t *most)
{
    ptrdiff_t close = str_chr(str_sub(p->p, p->at, p->p.n), '}');
    if (peek(p) != '{' || close < 0)
        return false;
    struct str inside = str_sub(p->p, p->at + 1, (size_t)close - 1);
    ptrdiff_t comma = str_chr(inside, ',');
    struct str first = comma < 0 ? inside : str_sub(inside, 0, (size_t)comma);
    struct str second = comma < 0 ? first : str_sub(inside, (size_t)comma + 1, inside.n);
    if (str_u64(first, least) < 0)
        return false;
    *most = UINT64_MAX;
    if (second.n && str_u64(second, most) < 0)
        return false;
    p->at += (size_t)close + 1;
    return true;
}

/* The states from `from` on, in another place: all of their targets are among them or right
   behind. */
static struct state moved(struct state s, uint32_t by)
{
    s.next += by;
    if (s.op == OP_SPLIT)
        s.other += by;
    return s;
}

/* Appends the `n` states at `from` once more; optional: behind a state that may skip them. */
static int copy(struct parser *p, uint32_t from, uint32_t n, bool optional)
{
    struct state *split = NULL;
    if (optional && !(split = emit(p, OP_SPLIT)))
        return -1;
    uint32_t by = p->re->n - from;
    for (uint32_t i = 0; i < n; i++) {
        struct state *s = emit(p, OP_RUNE);
        if (!s)
            return -1;
        *s = moved(p->re->states[from + i], by);
    }
    if (split)
        split->other = p->re->n;
    return 0;
}

/* Puts a state that may skip everything from `from` on in front of it. */
static int insert_skip(struct parser *p, uint32_t from)
{
    if (!emit(p, OP_SPLIT))
        return -1;
    for (uint32_t i = p->re->n - 1; i > from; i--)
        p->re->states[i] = moved(p->re->states[i - 1], 1);
    p->re->states[from] = (struct state){ .op = OP_SPLIT, .next = from + 1, .other = p->re->n };
    return 0;
}

static int repeat(struct parser *p, uint32_t from, uint64_t least, uint64_t most)
{
    uint32_t n = p->re->n - from, last = from;
    if (most == 0) {
        p->re->n = from;
        return 0;
    }
    for (uint64_t i = 1; i < least; i++) {
        last = p->re->n;
        if (copy(p, from, n, false) < 0)
            return -1;
    }
    for (uint64_t i = MAX(least, (uint64_t)1); most != UINT64_MAX && i < most; i++) {
        if (copy(p, from, n, true) < 0)
            return -1;
    }
    if (most == UINT64_MAX) {
        struct state *back = emit(p, OP_SPLIT);
        if (!back)
            return -1;
        back->other = last;
    }
    return least == 0 ? insert_skip(p, from) : 0;
}

/* An atom and what repeats it. */
static int repeated(struct parser *p)
{
    uint32_t from = p->re->n;
    uint64_t least = 1, most = 1;
    if (atom(p) < 0)
        return -1;
    if (take(p, "*")) {
        least = 0;
        most = UINT64_MAX;
    } else if (take(p, "+")) {
        most = UINT64_MAX;
    } else if (take(p, "?")) {
        least = 0;
    } else if (!counts(p, &least, &most)) {
        return 0;
    }
    take(p, "?");
    char more = peek(p);
    if (more && strchr("*+?", more))
        return fail(p, "a repetition is repeated");
    if (least > MAX_REPEAT || (most != UINT64_MAX && (most > MAX_REPEAT || most < least)))
        return fail(p, "bad repeat count");
    return repeat(p, from, least, most);
}

/* a|b|c: each but the last jumps behind the whole when it is through. */
static int alternatives(struct parser *p)
{
    uint32_t jumps[REGEX_MAX_BRANCHES], n_jumps = 0;
    for (;;) {
        uint32_t from = p->re->n;
        while (p->at < p->p.n && peek(p) != '|' && peek(p) != ')') {
            if (repeated(p) < 0)
                return -1;
        }
        if (!take(p, "|"))
            break;
        if (n_jumps == REGEX_MAX_BRANCHES)
            return fail(p, "too many alternatives");
        if (insert_skip(p, from) < 0 || !emit(p, OP_JUMP))
            return -1;
        p->re->states[from].other = p->re->n;
        jumps[n_jumps++] = p->re->n - 1;
    }
    while (n_jumps > 0)
        p->re->states[jumps[--n_jumps]].next = p->re->n;
    return 0;
}

struct regex *regex_compile(struct arena *a, struct str pattern, struct error *e)
{
    struct parser p = { .a = a, .p = pattern, .e = e };
    p.re = ARENA_NEW(a, struct regex);
    p.re->states = xalloc((REGEX_MAX_SIZE + 1) * sizeof(struct state));
    int result = alternatives(&p);
    if (result == 0 && p.at < pattern.n)
        result = fail(&p, "unexpected )");
    struct state *kept = NULL;
    if (result == 0) {
        p.re->states[p.re->n++] = (struct state){ .op = OP_MATCH };
        kept = ARENA_ARRAY(a, struct state, p.re->n);
        memcpy(kept, p.re->states, p.re->n * sizeof(*kept));
    }
    free(p.re->states);
    p.re->states = kept;
    return result == 0 ? p.re : NULL;
}

size_t regex_size(const struct regex *re)
{
    return re->n;
}
